"""The convolutional dictionary against its explicit matrix, and against NumPy's convolution."""

import numpy as np
import pytest

from sparsecode import Dictionary, certify
from sparsecode.constraints import UnitNorm
from sparsecode.convolutional import ConvolutionalDictionary, LocallyGreedy
from sparsecode.penalties import L1

CASES = [((20,), (6,), 1), ((17,), (5,), 3), ((9, 11), (3, 4), 2), ((6, 1), (2, 1), 1)]
cases = pytest.mark.parametrize(("shape", "support", "n_channels"), CASES)


def problem(shape, support, n_channels):
    dictionary = ConvolutionalDictionary.random(4, support, n_channels=n_channels, random_state=0)
    rng = np.random.default_rng(1)
    positions = [n - m + 1 for n, m in zip(shape, support, strict=True)]
    codes = rng.standard_normal((2, 4, *positions)) * (rng.random((2, 4, *positions)) < 0.3)
    return dictionary, rng.standard_normal((2, n_channels, *shape)), codes


@cases
def test_products_are_those_of_the_matrix(shape, support, n_channels):
    dictionary, X, codes = problem(shape, support, n_channels)
    matrix = dictionary.matrix(shape)
    np.testing.assert_allclose(
        dictionary.decode(codes).reshape(2, -1), matrix.decode(codes.reshape(2, -1)), atol=1e-12
    )
    np.testing.assert_allclose(
        dictionary.correlate(X).reshape(2, -1), matrix.correlate(X.reshape(2, -1)), atol=1e-12
    )


def test_series_against_numpy():
    dictionary, X, codes = problem((20,), (6,), 1)
    x_hat = sum(np.convolve(z, d[0]) for z, d in zip(codes[0], dictionary.atoms, strict=True))
    np.testing.assert_allclose(dictionary.decode(codes)[0, 0], x_hat, atol=1e-12)
    correlations = [np.correlate(X[0, 0], d[0], "valid") for d in dictionary.atoms]
    np.testing.assert_allclose(dictionary.correlate(X)[0], correlations, atol=1e-12)


@pytest.mark.parametrize(("shape", "support"), [((2500,), (30,)), ((60, 31), (3, 4))])
def test_transforms_of_large_atoms_give_the_same_products(monkeypatch, shape, support):
    # Several blocks, the last of which is shorter.
    dictionary, X, codes = problem(shape, support, 2)
    by_windows, penalty = dictionary.correlate(X), L1(0.3)
    certificate = certify(X, codes, dictionary, penalty)
    monkeypatch.setattr("sparsecode._convolution.transforms._LARGE_ATOM", 1)
    monkeypatch.setattr("sparsecode._convolution.correlations._BLOCK_POSITIONS", 40)
    np.testing.assert_allclose(dictionary.correlate(X), by_windows, atol=1e-12)
    again = certify(X, codes, dictionary, penalty)
    np.testing.assert_allclose(again.residual, certificate.residual, rtol=1e-10)
    result = LocallyGreedy(tol=1e-9).solve(X, dictionary, L1(3.0))
    assert result.certificate.relative_gap.max() < 1.1e-9


@cases
def test_inner_products_for_every_shift(shape, support, n_channels):
    dictionary, _, _ = problem(shape, support, n_channels)
    gram = dictionary.gram
    matrix = dictionary.matrix(shape)
    positions = [n - m + 1 for n, m in zip(shape, support, strict=True)]
    full = matrix.gram.reshape(4, *positions, 4, *positions)
    rng = np.random.default_rng(0)
    for _ in range(30):
        first, second = (tuple(rng.integers(0, positions)) for _ in range(2))
        shift = np.subtract(second, first)
        if (np.abs(shift) < support).all():
            entry = gram[(slice(None), slice(None), *(shift + np.array(support) - 1))]
            np.testing.assert_allclose(
                entry, full[(slice(None), *first, slice(None), *second)], atol=1e-12
            )
    np.testing.assert_allclose(
        gram, gram.swapaxes(0, 1)[(..., *[slice(None, None, -1)] * len(support))]
    )


@cases
def test_lipschitz_is_an_upper_bound_and_not_a_loose_one(shape, support, n_channels):
    dictionary, _, _ = problem(shape, support, n_channels)
    larger = tuple(n + 3 * m for n, m in zip(shape, support, strict=True))
    largest = np.linalg.norm(dictionary.matrix(larger).atoms, 2) ** 2
    assert largest <= dictionary.lipschitz < 1.6 * largest


def test_a_file_gives_the_same_dictionary(tmp_path):
    for suffix in ("npz", "safetensors"):
        path = tmp_path / f"atoms.{suffix}"
        dictionary = ConvolutionalDictionary.random(3, (2, 5), n_channels=2, random_state=0)
        dictionary.save(path)
        assert ConvolutionalDictionary.load(path) == dictionary
        with pytest.raises(ValueError, match=r"not a saved .*ConvolutionalDictionary\.load reads"):
            Dictionary.load(path)
    Dictionary(np.eye(3)).save(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="not a saved convolutional dictionary"):
        ConvolutionalDictionary.load(tmp_path / "other.npz")


def test_it_is_a_value():
    given = np.ones((2, 1, 3))
    dictionary = ConvolutionalDictionary(given, UnitNorm())
    given[:] = 0
    np.testing.assert_allclose(dictionary.norms, 1)
    with pytest.raises(AttributeError, match="immutable"):
        dictionary.atoms = given
    with pytest.raises(ValueError, match="read-only"):
        dictionary.atoms[0] = 0
    assert dictionary.astype(np.float32).dtype == np.float32
    assert ConvolutionalDictionary([[1.0, 2.0]]) == ConvolutionalDictionary([[[1.0, 2.0]]])
    assert "3 atoms of 4x5, 2 channels" in repr(ConvolutionalDictionary(np.ones((3, 2, 4, 5))))


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (np.ones(3), "atoms is an array of 1 dimensions"),
        (np.ones((1, 1, 1, 1, 1)), "atoms is an array of 5 dimensions"),
        ([[[1.0, np.nan]]], "atoms contains NaN"),
        ([["a"]], "atoms"),
    ],
)
def test_wrong_atoms(atoms, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionalDictionary(atoms)


def test_wrong_codes():
    with pytest.raises(ValueError, match=r"codes is an array of shape \(1, 3, 4\).*n_signals, 2"):
        ConvolutionalDictionary(np.ones((2, 1, 3))).decode(np.ones((1, 3, 4)))
