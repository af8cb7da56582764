"""Synthetic sparse signals: the support, the laws of the values, the noise."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsecode.datasets import SparseSignals, make_sparse_signals


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 30),
    st.integers(1, 12),
    st.integers(1, 9),
    st.sampled_from(["gaussian", "uniform"]),
    st.booleans(),
    st.data(),
)
def test_signals_are_codes_times_unit_atoms(n, n_components, n_features, codes, positive, data):
    n_nonzero = data.draw(st.integers(0, n_components))
    signals = make_sparse_signals(
        n,
        n_components,
        n_features,
        n_nonzero=n_nonzero,
        codes=codes,
        positive=positive,
        random_state=0,
    )
    assert isinstance(signals, SparseSignals)
    assert signals.codes.shape == (n, n_components)
    np.testing.assert_allclose(signals.X, signals.codes @ signals.atoms, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(signals.atoms, axis=1), 1)
    assert (np.count_nonzero(signals.codes, axis=1) == n_nonzero).all()
    assert not positive or signals.codes.min() >= 0


def test_supports_of_a_count_are_uniform():
    codes = make_sparse_signals(6000, 5, 2, n_nonzero=2, random_state=0).codes
    counts = np.unique(codes != 0, axis=0, return_counts=True)[1]
    assert len(counts) == 10
    np.testing.assert_allclose(counts, 600, atol=6 * np.sqrt(600))


@pytest.mark.parametrize("codes", ["gaussian", "uniform", "bernoulli-gaussian"])
def test_density(codes):
    drawn = make_sparse_signals(2000, 50, 2, density=0.1, codes=codes, random_state=0).codes
    active = drawn != 0
    assert active.mean() == pytest.approx(0.1, abs=6 * np.sqrt(0.09 / active.size))
    assert active.sum(axis=1).var() == pytest.approx(50 * 0.09, rel=0.2)


@pytest.mark.parametrize(
    ("codes", "positive", "mean", "variance", "low", "high"),
    [
        ("gaussian", False, 0, 1, -np.inf, np.inf),
        ("gaussian", True, np.sqrt(2 / np.pi), 1 - 2 / np.pi, 0, np.inf),
        ("uniform", False, 0, 1 / 3, -1, 1),
        ("uniform", True, 1 / 2, 1 / 12, 0, 1),
    ],
)
def test_laws_of_the_values(codes, positive, mean, variance, low, high):
    drawn = make_sparse_signals(
        20000, 4, 2, n_nonzero=3, codes=codes, positive=positive, random_state=0
    ).codes
    values = drawn[drawn != 0]
    assert len(values) == 60000
    assert values.mean() == pytest.approx(mean, abs=6 * np.sqrt(variance / 60000))
    assert values.var() == pytest.approx(variance, rel=0.05)
    assert low <= values.min() < values.max() <= high


@pytest.mark.parametrize("snr_db", [-10, 0, 20, 37.5])
def test_noise_has_exactly_the_ratio(snr_db):
    X, codes, atoms = make_sparse_signals(50, 30, 20, n_nonzero=3, snr_db=snr_db, random_state=0)
    clean = codes @ atoms
    noise = X - clean
    measured = 10 * np.log10(np.sum(clean**2) / np.sum(noise**2))
    assert measured == pytest.approx(snr_db, abs=1e-9)
    assert abs(np.corrcoef(noise.ravel(), clean.ravel())[0, 1]) < 0.2


def test_no_noise_unless_asked():
    kwargs = {"n_nonzero": 3, "random_state": 0}
    clean = make_sparse_signals(50, 30, 20, **kwargs)
    np.testing.assert_array_equal(
        clean.X, make_sparse_signals(50, 30, 20, snr_db=np.inf, **kwargs).X
    )
    noisy = make_sparse_signals(50, 30, 20, snr_db=10, **kwargs)
    np.testing.assert_array_equal(clean.codes, noisy.codes)


def test_silent_signals_get_no_noise():
    assert not make_sparse_signals(5, 3, 2, n_nonzero=0, snr_db=10, random_state=0).X.any()


def test_a_given_dictionary_is_used_as_it_is():
    atoms = np.random.default_rng(0).normal(size=(6, 4))
    before = atoms.copy()
    X, codes, returned = make_sparse_signals(9, dictionary=atoms, n_nonzero=2, random_state=0)
    np.testing.assert_array_equal(returned, before)
    np.testing.assert_allclose(X, codes @ atoms)

    offset = np.arange(4.0)
    both = SimpleNamespace(atoms=atoms, offset=offset)
    shifted = make_sparse_signals(9, dictionary=both, n_nonzero=2, random_state=0, snr_db=5)
    noisy = make_sparse_signals(9, dictionary=atoms, n_nonzero=2, random_state=0, snr_db=5)
    np.testing.assert_allclose(shifted.X, noisy.X + offset)


def test_float32_is_the_rounded_float64():
    options = {"density": 0.3, "snr_db": 10, "random_state": 0}
    single = make_sparse_signals(9, 6, 4, dtype=np.float32, **options)
    double = make_sparse_signals(9, 6, 4, **options)
    for a, b in zip(single, double, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_array_equal(a, b.astype(np.float32))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "n_nonzero is None and density is None"),
        ({"n_nonzero": 1, "density": 0.1}, "n_nonzero is 1 and density is 0.1"),
        ({"n_nonzero": 1, "codes": "bernoulli-gaussian"}, "Set density instead"),
        ({"n_nonzero": 7}, "n_nonzero <= 6"),
        ({"density": 1.5}, "density <= 1"),
        ({"n_nonzero": 1, "codes": "laplace"}, "expected one of 'gaussian', 'uniform', 'bernoulli"),
        ({"n_nonzero": 1, "snr_db": np.nan}, "snr_db is nan"),
        ({"n_nonzero": 1, "snr_db": -np.inf}, "snr_db is -inf"),
        ({"n_nonzero": 1, "dtype": int}, "float32 or float64"),
        ({"n_nonzero": 1, "n_samples": 0}, "n_samples >= 1"),
        ({"n_nonzero": 1, "n_features": None}, "Set both, or pass a dictionary"),
        ({"n_nonzero": 1, "dictionary": np.ones((6, 5))}, r"expected \(6, 4\)"),
        ({"n_nonzero": 1, "dictionary": np.full((6, 4), np.nan)}, "NaN"),
    ],
)
def test_refuses(options, words):
    options = {"n_samples": 3, "n_components": 6, "n_features": 4} | options
    with pytest.raises(ValueError, match=words):
        make_sparse_signals(**options)
