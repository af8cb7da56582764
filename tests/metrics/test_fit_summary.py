"""A summary holds what the functions of the same names give."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, metrics
from sparsecode.metrics import FitSummary, code_length, summary

OF_RECONSTRUCTIONS = FitSummary._fields[:6]


@pytest.fixture
def offset_signals(signals):
    X, codes, atoms = signals
    offset = np.arange(8.0)
    return X + offset, 0.9 * codes, Dictionary(atoms, offset)


def test_every_number_is_that_of_its_function(offset_signals, monkeypatch):
    X, codes, dictionary = offset_signals
    monkeypatch.setattr("sparsecode.metrics._fit._ENTRIES", 100)
    codes[:, :2] = 0
    for given in (codes, sparse.csr_array(codes), sparse.csc_matrix(codes)):
        result = summary(X, given, dictionary)
        X_hat = codes @ dictionary.atoms + dictionary.offset
        for name in OF_RECONSTRUCTIONS:
            expected = getattr(metrics, name)(X, X_hat)
            assert getattr(result, name) == pytest.approx(expected), name
        for name in ("dead_fraction", "dense_fraction"):
            assert getattr(result, name) == getattr(metrics, name)(codes), name
        assert result.l0 == np.count_nonzero(codes) / 300
        assert result.code_length == pytest.approx(code_length(X, codes, dictionary))
        assert all(type(value) is float for value in result)


def test_threshold_is_for_what_is_active(offset_signals):
    X, codes, dictionary = offset_signals
    plain, higher = (summary(X, codes, dictionary, threshold=t) for t in (0, 1))
    assert higher[:6] == plain[:6] and higher.code_length == plain.code_length
    assert higher.l0 == np.count_nonzero(np.abs(codes) > 1) / 300 < plain.l0
    assert summary(X, codes, dictionary, threshold=100).dead_fraction == 1


def test_a_perfect_fit(signals):
    _, codes, atoms = signals
    result = summary(codes @ atoms, codes, atoms)
    assert result[:6] == pytest.approx((0, 0, 1, 1, 1, 1), abs=1e-12)


def test_float32_in_float64_statistics(offset_signals):
    X, codes, dictionary = offset_signals
    single = X.astype(np.float32), codes.astype(np.float32), dictionary.astype(np.float32)
    double = single[0].astype(float), single[1].astype(float), single[2].astype(np.float64)
    assert summary(*single) == pytest.approx(summary(*double), rel=1e-13)
    sparse_codes = sparse.csr_array(single[1])
    assert summary(single[0], sparse_codes, single[2]) == pytest.approx(summary(*double))


def test_sparse_codes_are_never_dense(offset_signals, monkeypatch):
    X, codes, dictionary = offset_signals
    given = sparse.csr_array(codes)

    def refuse(*arguments, **options):
        raise AssertionError("sparse codes were made dense")

    for name in ("toarray", "todense"):
        monkeypatch.setattr(sparse.csr_array, name, refuse)
    summary(X, given, dictionary)


def test_it_prints_as_a_table(offset_signals):
    lines = str(summary(*offset_signals)).splitlines()
    assert len(lines) == len(FitSummary._fields)
    assert len({len(line) for line in lines}) == 1
    assert lines[2].startswith("explained variance  ")
    assert str(FitSummary(*[0.5] * 10)).splitlines()[-2].split() == ["dense", "atoms", "50.00%"]


def test_refuses(offset_signals):
    X, codes, dictionary = offset_signals
    with pytest.raises(ValueError, match="codes has shape"):
        summary(X, codes[:5], dictionary)
    with pytest.raises(ValueError, match="X has 7 columns; expected 8"):
        summary(X[:, :7], codes, dictionary)
    with pytest.raises(ValueError, match="no variance"):
        summary(np.ones((3, 8)), codes[:3], dictionary)
    with pytest.raises(ValueError, match="threshold"):
        summary(X, codes, dictionary, threshold=-1)
