"""Sparse codes are measured as dense ones are."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode.metrics import (
    bic,
    code_length,
    code_mcc,
    dead_atoms,
    kurtosis,
    l0,
    sort_atoms,
    support_scores,
    usage,
)


def with_stored_zeros(codes):
    """CSR codes in which some zeros are stored."""
    matrix = sparse.csr_array(codes + 10.0)
    matrix.data -= 10.0
    return matrix


def test_sparse_codes_are_measured_alike(signals):
    X, codes, atoms = signals
    codes = codes.round(3)
    other = with_stored_zeros(codes).astype(codes.dtype)
    other.data = other.data.round(3)
    kept = other.data.copy()
    for threshold in (0.0, 0.5):
        np.testing.assert_array_equal(
            l0(other, threshold=threshold), l0(codes, threshold=threshold)
        )
        for mine, theirs in zip(
            usage(other, threshold=threshold), usage(codes, threshold=threshold), strict=True
        ):
            np.testing.assert_allclose(mine, theirs)
    assert dead_atoms(other, threshold=2.9).tolist() == dead_atoms(codes, threshold=2.9).tolist()
    assert bic(X, other, atoms) == pytest.approx(bic(X, codes, atoms))
    assert code_length(X, other, atoms) == pytest.approx(code_length(X, codes, atoms))
    assert code_mcc(other, codes) == pytest.approx(1)
    assert support_scores(other, codes) == (1, 1, 1) == support_scores(codes, other)
    for by in ("usage", "energy"):
        assert (sort_atoms(atoms, other, by=by)[1] == sort_atoms(atoms, codes, by=by)[1]).all()
    np.testing.assert_array_equal(other.data, kept)


def test_entries_stored_in_parts_are_summed(signals):
    X, codes, atoms = signals
    codes = codes.round(3)
    whole = sparse.csr_array(codes)
    # Each entry as 3 z - 2 z: the sizes of the parts are not those of the sum.
    parts = sparse.csr_array(
        (
            np.column_stack([3 * whole.data, -2 * whole.data]).ravel(),
            np.repeat(whole.indices, 2),
            2 * whole.indptr,
        ),
        shape=whole.shape,
    )
    kept = parts.data.copy()
    for measure in (l0, kurtosis, dead_atoms, lambda given: usage(given).magnitude):
        np.testing.assert_allclose(measure(parts), measure(codes))
    for criterion in (bic, code_length):
        assert criterion(X, parts, atoms) == pytest.approx(criterion(X, codes, atoms))
    assert code_mcc(parts, codes) == code_mcc(parts, parts) == pytest.approx(1)
    assert support_scores(parts, codes) == (1, 1, 1)
    assert (
        sort_atoms(atoms, parts, by="energy")[1] == sort_atoms(atoms, codes, by="energy")[1]
    ).all()
    np.testing.assert_array_equal(parts.data, kept)
