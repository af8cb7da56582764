import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls

from sparsecode import Dictionary, SparseCoder, debias
from sparsecode.penalties import L1


@pytest.fixture
def problem(rng):
    X = rng.standard_normal((30, 8))
    dictionary = Dictionary.random(14, 8, random_state=1).replace(offset=np.full(8, 0.2))
    codes = SparseCoder(dictionary, alpha=0.4).fit_transform(X)
    return X, dictionary, codes


def reference(x, code, dictionary):
    support = np.flatnonzero(code)
    out = np.zeros_like(code)
    target = x - dictionary.offset
    out[support] = np.linalg.lstsq(dictionary.atoms[support].T, target, rcond=None)[0]
    return out


def test_is_least_squares_on_the_support(problem):
    X, dictionary, codes = problem
    got = debias(X, codes, dictionary)
    expected = [reference(*pair, dictionary) for pair in zip(X, codes, strict=True)]
    np.testing.assert_allclose(got, expected, atol=1e-10)
    assert ((got != 0) == (codes != 0)).all()


def test_sparse_codes_keep_their_pattern(problem):
    X, dictionary, codes = problem
    given = sparse.csr_array(codes)
    got = debias(sparse.csr_array(X), given, dictionary)
    np.testing.assert_allclose(got.toarray(), debias(X, codes, dictionary), atol=1e-14)
    np.testing.assert_array_equal(given.toarray(), codes)
    np.testing.assert_array_equal(got.indices, given.indices)


def test_stored_zeros_are_no_support(problem):
    X, dictionary, codes = problem
    # Every entry stored, and some as two that add up to it, or to zero.
    columns = np.tile(np.r_[0, np.arange(14)], len(codes))
    values = np.hstack([codes[:, :1] - 1, np.ones((len(codes), 1)), codes[:, 1:]]).ravel()
    given = sparse.csr_array((values, columns, np.arange(0, len(values) + 1, 15)), codes.shape)
    before = [array.copy() for array in (given.data, given.indices, given.indptr)]
    for array in (given.data, given.indices, given.indptr):
        array.flags.writeable = False
    got = debias(X, given, dictionary)
    for array, copy in zip((given.data, given.indices, given.indptr), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_allclose(got.toarray(), debias(X, codes, dictionary), atol=1e-10)
    assert got.nnz == np.count_nonzero(codes)


def test_positive_codes_stay_positive(problem):
    X, dictionary, _ = problem
    codes = SparseCoder(dictionary, penalty=L1(positive=True), alpha=0.1).fit_transform(X)
    got = debias(X, codes, dictionary, positive=True)
    assert (got >= 0).all()
    for x, code, fitted in zip(X, codes, got, strict=True):
        support = np.flatnonzero(code)
        expected = nnls(dictionary.atoms[support].T, x - dictionary.offset)[0]
        np.testing.assert_allclose(fitted[support], expected, atol=1e-9)


def test_dependent_atoms_do_not_hurt(rng):
    atoms = rng.standard_normal((3, 5))
    atoms = np.concatenate([atoms, atoms[:2], np.zeros((1, 5))])
    X = rng.standard_normal((4, 5))
    got = debias(X, np.ones((4, 6)), atoms)
    expected = X @ np.linalg.pinv(atoms[:3]) @ atoms[:3]
    np.testing.assert_allclose(got @ atoms, expected, atol=1e-12)
    assert (got[:, 3:] == 0).all()


def test_missing_entries_are_left_out(problem, rng):
    X, dictionary, _ = problem
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    coder = SparseCoder(dictionary, alpha=0.3, missing="mask", debias=True).fit(X)
    got = coder.transform(X)
    for x, code in zip(X, got, strict=True):
        seen = ~np.isnan(x)
        part = Dictionary(dictionary.atoms[:, seen], dictionary.offset[seen])
        np.testing.assert_allclose(code, reference(x[seen], code, part), atol=1e-9)


def test_float32_codes_stay_float32(problem):
    X, dictionary, codes = problem
    got = debias(X, codes.astype(np.float32), dictionary)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, debias(X, codes, dictionary), rtol=1e-6)


def test_refuses(problem):
    X, dictionary, codes = problem
    with pytest.raises(ValueError, match="Encode X"):
        debias(X, codes[:, :3], dictionary)
    with pytest.raises(ValueError, match="positive is 'yes'"):
        debias(X, codes, dictionary, positive="yes")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_exact_on_atoms_that_nearly_depend_on_each_other(dtype, rng):
    """The residual is orthogonal to the support; normal equations alone are off by a millionth."""
    atoms = (1 + 1e-4 * rng.standard_normal((6, 12))).astype(dtype).astype(float)
    X = rng.standard_normal((20, 12))
    codes = debias(X, np.ones((20, 6)), atoms)
    directions = np.linalg.qr(atoms.T)[0]
    assert np.abs((X - codes @ atoms) @ directions).max() <= 1e-10
