"""Matching pursuit: against plain loops, OMP and the theorems, with gradients of the atoms."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import MatchingPursuit, _pursuit
from sparsecode.encoders import matching_pursuit as module
from sparsecode.metrics import atom_mcc
from sparsecode.optimizers import Adam
from sparsecode.penalties import KSparse
from sparsecode.solvers import OMP
from sparsecode.testing import gradcheck

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 6))
DICTIONARY = Dictionary(rng.standard_normal((14, 6)), rng.standard_normal(6))


def plain(x, atoms, k, positive):
    """One sample, step by step."""
    residual, code = x.copy(), np.zeros(len(atoms))
    norms = np.linalg.norm(atoms, axis=1)
    for _ in range(k):
        cosines = atoms @ residual / norms
        j = np.argmax(cosines if positive else np.abs(cosines))
        if positive and cosines[j] <= 0:
            break
        step = cosines[j] / norms[j]
        code[j] += step
        residual -= step * atoms[j]
    return code, residual


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("k", [1, 4, 14])
@pytest.mark.parametrize("gram_bytes", [0, 2**20])
def test_against_plain_loops(monkeypatch, positive, k, gram_bytes):
    monkeypatch.setattr(_pursuit, "_GRAM_BYTES", gram_bytes)
    monkeypatch.setattr(module, "_BLOCK_SIZE", 7)
    encoder = MatchingPursuit(k=k, positive=positive)
    pairs = [plain(x, DICTIONARY.atoms, k, positive) for x in DICTIONARY.center(X)]
    expected = np.array([code for code, _ in pairs])
    np.testing.assert_allclose(encoder.encode(X, DICTIONARY), expected, atol=1e-12)
    codes, _ = encoder.forward({}, X, DICTIONARY, sparse=True)
    assert sparse.issparse(codes) and codes.nnz == np.count_nonzero(expected)
    np.testing.assert_allclose(codes.toarray(), expected, atol=1e-12)
    # The residual is what is left of the sample.
    residuals = [residual for _, residual in pairs]
    np.testing.assert_allclose(DICTIONARY.residual(X, codes.toarray()), residuals, atol=1e-12)


def test_first_step_is_that_of_omp():
    unit = Dictionary.random(14, 6, random_state=0)
    codes = MatchingPursuit(k=1, positive=False).encode(X, unit)
    expected = OMP().solve(X, unit, KSparse(1)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-12)


@pytest.mark.parametrize("positive", [True, False])
def test_orthonormal_atoms_give_the_largest_products(positive):
    atoms = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    products = X @ atoms.T
    sizes = np.maximum(products, 0) if positive else np.abs(products)
    limit = np.sort(sizes, axis=1)[:, -3][:, None]
    expected = np.where((sizes >= limit) & (sizes > 0), products, 0)
    codes = MatchingPursuit(k=3, positive=positive).encode(X, Dictionary(atoms))
    np.testing.assert_allclose(codes, expected, atol=1e-12)


def test_each_step_shortens_the_residual_by_the_product():
    errors, before = [], (DICTIONARY.center(X) ** 2).sum(axis=1)
    for k in range(1, 10):
        encoder = MatchingPursuit(k=k, positive=False)
        _, cache = encoder.forward({}, X, DICTIONARY)
        codes = encoder.encode(X, DICTIONARY)
        errors.append((DICTIONARY.residual(X, codes) ** 2).sum(axis=1))
        taken = (cache.kept.steps[:, -1] * DICTIONARY.norms[cache.kept.selected[:, -1]]) ** 2
        np.testing.assert_allclose(before - errors[-1], taken, atol=1e-12)
        before = errors[-1]
    assert (np.diff(errors, axis=0) <= 0).all()


def test_scaled_atoms_scale_the_codes_only():
    scales = rng.uniform(0.3, 3, size=14)
    scaled = Dictionary(DICTIONARY.atoms * scales[:, None], DICTIONARY.offset)
    codes = MatchingPursuit(k=5).encode(X, DICTIONARY)
    np.testing.assert_allclose(MatchingPursuit(k=5).encode(X, scaled) * scales, codes, atol=1e-12)


def test_stops_where_nothing_is_positive_and_skips_atoms_of_zeros():
    dictionary = Dictionary([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    codes, cache = MatchingPursuit(k=3).forward({}, [[2.0, 1.0], [-2.0, 1.0]], dictionary)
    np.testing.assert_array_equal(codes, [[0, 2, 0], [0, 0, 0]])
    np.testing.assert_array_equal(cache.kept.selected, [[1, -1, -1], [-1, -1, -1]])
    grads = MatchingPursuit(k=3).backward(np.ones_like(codes), cache, with_dictionary=True)
    # d(x @ d / ||d||^2) at d = (1, 0), x = (2, 1).
    np.testing.assert_allclose(grads["atoms"].dense(), [[0, 0], [-2, 1], [0, 0]], atol=1e-12)


@pytest.mark.parametrize("positive", [True, False])
def test_gradients_of_atoms_that_are_selected_twice(positive):
    encoder = MatchingPursuit(k=4, positive=positive)
    atoms = np.array([[1.0, 0.1, 0.0], [0.8, 0.7, 0.2], [0.1, 0.3, 1.1], [-0.6, 0.5, 0.2]])
    samples = np.random.default_rng(1).standard_normal((6, 3))
    _, cache = encoder.forward({}, samples, Dictionary(atoms, np.zeros(3)))
    assert max(np.bincount(row[row >= 0]).max(initial=0) for row in cache.kept.selected) > 1

    def function(atoms, offset):
        return encoder.forward({}, samples, Dictionary(atoms, offset))[0]

    def backward(dcodes, atoms, offset):
        codes, cache = encoder.forward({}, samples, Dictionary(atoms, offset), sparse=True)
        rows, columns = codes.nonzero()
        entries = sparse.csr_array(
            (dcodes[rows, columns], codes.indices, codes.indptr), codes.shape
        )
        grads = encoder.backward(entries, cache, with_dictionary=True)
        return grads["atoms"].dense(), grads["offset"]

    gradcheck(function, backward, atoms, np.zeros(3))


def test_what_is_no_number_shows():
    codes = MatchingPursuit(k=2).forward({}, X, Dictionary.random(9, 6, random_state=0))[0]
    assert np.isfinite(codes).all()
    products = np.array([[np.nan, 1.0]])
    selected, steps = np.empty((1, 1), np.int32), np.empty((1, 1))
    atoms, rules = np.array([[np.nan], [1.0]]), (True, True, 0.0)
    _pursuit._take_step(products, np.ones((1, 1)), atoms, np.ones(2), *rules, 0, selected, steps)
    assert np.isnan(steps[0, 0])


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("sparse_output", [True, False])
def test_stops_by_the_residual_and_by_repetition(positive, sparse_output):
    """As the steps of the encoder without these, cut off by their definitions."""
    samples = np.random.default_rng(2).standard_normal((60, 6))
    atoms = Dictionary.random(9, 6, random_state=1)
    _, cache = MatchingPursuit(k=9, positive=positive).forward({}, samples, atoms)
    for least, repeats in ((0.0, False), (0.8, True), (0.8, False)):
        expected = np.zeros((60, 9))
        for i, (row, steps) in enumerate(zip(cache.kept.selected, cache.kept.steps, strict=True)):
            rest, seen = samples[i].copy(), set()
            for t, (j, step) in enumerate(zip(row, steps, strict=True)):
                if j < 0 or (t > 0 and np.linalg.norm(rest) < least):
                    break
                expected[i, j] += step
                rest -= step * atoms.atoms[j]
                if j in seen and not repeats:
                    break
                seen.add(j)
        encoder = MatchingPursuit(9, positive, least, repeats)
        found = encoder.encode(samples, atoms, sparse_output=sparse_output)
        found = found.toarray() if sparse_output else found
        np.testing.assert_allclose(found, expected, atol=1e-12)
        assert encoder.homogeneous == (least == 0)
    with pytest.raises(ValueError, match="min_residual is -1"):
        MatchingPursuit(min_residual=-1).encode(samples, atoms)
    with pytest.raises(ValueError, match="repeats is 2"):
        MatchingPursuit(repeats=2).encode(samples, atoms)


def test_learns_the_atoms_of_sparse_signals():
    signals = make_sparse_signals(2000, 20, 12, n_nonzero=2, random_state=0)
    encoder = MatchingPursuit(k=2, positive=False)
    model = SparseAutoencoder(
        20, encoder=encoder, optimizer=Adam(0.01), init="samples", random_state=0
    ).fit(signals.X)
    assert atom_mcc(model.dictionary_, signals.atoms) > 0.9
    assert (np.count_nonzero(model.transform(signals.X), axis=1) <= 2).all()


def test_refuses():
    with pytest.raises(ValueError, match="k=15 but the dictionary has 14 atoms"):
        MatchingPursuit(k=15).encode(X, DICTIONARY)
    with pytest.raises(ValueError, match="signal of MatchingPursuit"):
        MatchingPursuit(k=2).forward({}, X, DICTIONARY, signals=("pre",))
    with pytest.raises(ValueError, match="k is 0"):
        MatchingPursuit(k=0).encode(X, DICTIONARY)
    with pytest.raises(ValueError, match="positive"):
        MatchingPursuit(positive=1).encode(X, DICTIONARY)
