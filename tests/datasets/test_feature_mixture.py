"""Features fire at the rates, together, and in the hierarchy that the definition gives."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import kstest, multivariate_normal, norm

from sparsecode.datasets import FeatureMixture, make_feature_mixture

SMALL = {"n_components": 40, "n_features": 16, "n_roots": 2, "depth": 2, "branching": 3}
SMALL |= {"rates": (0.05, 0.5), "compensate": False, "n_steps": 0, "random_state": 0}


@pytest.fixture(scope="module")
def small():
    return make_feature_mixture(**SMALL)


@pytest.fixture(scope="module")
def drawn(small):
    return small.sample(100_000, random_state=1)


def expected_rates(mixture):
    """Rates of independent features: every set of siblings is summed over."""
    firing, rates = mixture.firing_rates, mixture.firing_rates.copy()
    parents = mixture.parents
    for parent in np.unique(parents[parents >= 0]):
        children = np.flatnonzero(parents == parent)
        kept = firing[children].copy()
        if mixture.exclusive[parent]:
            for i, child in enumerate(children):
                others = np.delete(firing[children], i)
                kept[i] = sum(
                    firing[child] * np.prod(np.where(flags, others, 1 - others)) / (1 + sum(flags))
                    for flags in itertools.product([0, 1], repeat=len(others))
                )
        rates[children] = rates[parent] * kept
    return rates


def assert_rates(found, expected, n_samples):
    assert (np.abs(found - expected) < 5 * np.sqrt(expected / n_samples) + 1e-12).all()


@pytest.mark.parametrize("exclusive", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("compensate", [False, True])
def test_rates_of_independent_features(exclusive, compensate):
    options = SMALL | {"loading": 0, "exclusive": exclusive, "compensate": compensate}
    options |= {"rates": (0.02, 0.5), "exponent": 1.5, "depth": 1 if compensate else 2}
    mixture = make_feature_mixture(**options)
    n = 50_000
    active = mixture.sample(n, random_state=1).codes != 0
    found = np.asarray(active.mean(axis=0)).ravel()
    assert_rates(found, expected_rates(mixture), n)
    if compensate and exclusive == 0:
        assert_rates(found, mixture.rates, n)


def test_rates_near_one_and_of_every_sample():
    mixture = make_feature_mixture(
        n_components=70, n_features=8, n_roots=0, rates=(1.0, 1.0), spread=(0, 0), n_steps=0
    )
    codes = mixture.sample(300).codes
    assert codes.nnz == 300 * 70
    np.testing.assert_allclose(codes.toarray()[7], np.linspace(5, 4, 70), rtol=1e-6)


def test_hierarchy(small, drawn):
    active, parents = drawn.codes.toarray() != 0, small.parents
    children = np.flatnonzero(parents >= 0)
    assert parents.tolist()[:14] == [-1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert small.forest.n_nodes == 26 and (parents[26:] == -1).all()
    assert not (active[:, children] & ~active[:, parents[children]]).any()
    for parent in np.unique(parents[children]):
        siblings = active[:, parents == parent].sum(axis=1)
        assert siblings.max() == 1
    several = make_feature_mixture(**SMALL | {"exclusive": 0}).sample(2000, random_state=0).codes
    assert (several.toarray()[:, 2:5] != 0).sum(axis=1).max() > 1


def test_features_fire_together_as_in_the_copula():
    options = {"n_components": 6, "n_features": 4, "n_roots": 0, "rank": 2, "n_steps": 0}
    options |= {"loading": 0.5, "rates": (0.1, 0.4), "random_state": 2}
    mixture, n = make_feature_mixture(**options), 200_000
    active = (mixture.sample(n, random_state=0).codes != 0).toarray()
    assert_rates(active.mean(axis=0), mixture.rates, n)
    F, bounds = mixture.factors, norm.ppf(mixture.rates)
    for i, j in itertools.combinations(range(6), 2):
        both = multivariate_normal([0, 0], [[1, F[i] @ F[j]], [F[i] @ F[j], 1]]).cdf(bounds[[i, j]])
        assert_rates((active[:, i] & active[:, j]).mean(), both, n)
    assert (F**2).sum(axis=1).max() <= 0.99 + 1e-12


def test_magnitudes(small, drawn):
    codes, parents = drawn.codes.tocsc(), small.parents
    for j in (0, 1, 30, 39):
        values = codes[:, [j]].data
        # Those below 0 are no codes.
        cut = norm.cdf(0, small.means[j], small.spreads[j])
        cdf = (norm.cdf(values, small.means[j], small.spreads[j]) - cut) / (1 - cut)
        assert kstest(cdf, "uniform").pvalue > 1e-4
    dense = drawn.codes.toarray()
    both = dense[:, 3] != 0
    own = dense[both, 3] / (dense[both, parents[3]] / small.means[parents[3]])
    assert own.mean() == pytest.approx(small.means[3], rel=0.01)
    assert own.std() == pytest.approx(small.spreads[3], rel=0.05)
    alone = make_feature_mixture(**SMALL | {"is_scaled": False, "spread": (0, 0)})
    values = alone.sample(1000, random_state=0).codes.tocsc()[:, [3]].data
    np.testing.assert_allclose(values, alone.means[3], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_are_codes_times_atoms(dtype):
    mixture = make_feature_mixture(**SMALL, dtype=dtype)
    X, codes = mixture.sample(300, random_state=0)
    assert X.dtype == codes.dtype == dtype and codes.has_sorted_indices
    again = sparse.csr_array((codes.data, codes.indices, codes.indptr), shape=codes.shape)
    again.sum_duplicates()
    assert again.nnz == codes.nnz
    np.testing.assert_allclose(X, codes @ mixture.atoms + mixture.offset, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(mixture.atoms, axis=1), 1, rtol=1e-5)
    assert np.linalg.norm(mixture.offset) == pytest.approx(0.5, rel=1e-5)
    dense = mixture.sample(300, random_state=0, sparse_output=False).codes
    np.testing.assert_array_equal(dense, codes.toarray())


def test_numbers_do_not_depend_on_batches_or_threads(small):
    X, codes = small.sample(5000, random_state=3)
    for size, n_jobs in ((37, 1), (256, 2), (1000, 2), (2500, 1)):
        n = 5000 // size
        batches = list(
            small.batches(size, n_batches=n, with_codes=True, random_state=3, n_jobs=n_jobs)
        )
        assert [len(batch.X) for batch in batches] == [size] * n
        np.testing.assert_array_equal(np.concatenate([b.X for b in batches]), X[: n * size])
        found = sparse.vstack([b.codes for b in batches])
        assert (found != codes[: n * size]).nnz == 0
    later = small.sample(700, start=999, random_state=3)
    np.testing.assert_array_equal(later.X, X[999:1699])
    endless = small.batches(100, start=50, random_state=3)
    np.testing.assert_array_equal(next(endless), X[50:150])
    np.testing.assert_array_equal(next(endless), X[150:250])
    assert not np.array_equal(small.sample(100, random_state=4).X, X[:100])
    assert not np.array_equal(X[:256], X[256:512])


def test_more_features_than_a_block_has_room_for():
    mixture = make_feature_mixture(
        n_components=300, n_features=4, n_roots=0, rates=(0.5, 0.9), n_steps=0, random_state=0
    )
    codes = mixture.sample(1000, random_state=0).codes
    assert_rates(np.asarray((codes != 0).mean(axis=0)).ravel(), mixture.rates, 1000)


def test_preset_has_the_published_number_of_features():
    mixture = make_feature_mixture("16k", n_steps=0, random_state=0)
    codes = mixture.sample(4096, random_state=0).codes
    assert codes.nnz / 4096 == pytest.approx(34, abs=1.5)
    assert (codes.indices < 4096).sum() / 4096 == pytest.approx(25, abs=1.2)
    assert mixture.rates.min() == pytest.approx(5e-4)
    assert mixture.rates.max() == pytest.approx(0.4)
    frequent = np.asarray((codes != 0).mean(axis=0)).ravel()[:128]
    assert_rates(frequent, mixture.rates[:128], 4096)


def test_steps_make_atoms_more_orthogonal():
    def overlap(n_steps):
        mixture = make_feature_mixture("1k", n_steps=n_steps, random_state=0)
        gram = mixture.atoms @ mixture.atoms.T
        return (gram**2).sum() - len(gram)

    none, some, many = overlap(0), overlap(10), overlap(100)
    assert many < some < none
    # No frame of these sizes has less.
    assert many > 1024**2 / 128 - 1024


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_saved_mixtures_draw_the_same(small, suffix, tmp_path):
    path = tmp_path / f"mixture{suffix}"
    small.save(path)
    again = FeatureMixture.load(path)
    assert again.forest == small.forest and repr(again) == repr(small)
    one, other = (mixture.sample(300, random_state=5) for mixture in (small, again))
    np.testing.assert_array_equal(one.X, other.X)
    assert (one.codes != other.codes).nnz == 0
    with pytest.raises(ValueError, match="not a saved feature mixture"):
        np.savez(tmp_path / "other.npz", X=np.eye(2))
        FeatureMixture.load(tmp_path / "other.npz")


def test_mixtures_cannot_be_changed(small):
    with pytest.raises(ValueError, match="read-only"):
        small.atoms[0] = 1
    with pytest.raises(AttributeError):
        small.atoms = np.eye(2)


def test_rates_above_one_are_told():
    with pytest.warns(UserWarning, match=r"^\d+ of 40 features would need firing rates above"):
        mixture = make_feature_mixture(**SMALL | {"compensate": True})
    assert mixture.firing_rates.max() == 1


def test_wrong_numbers_are_refused(small):
    for options, message in [
        ({"n_components": 30, "n_roots": 10}, "expected at most 30 nodes"),
        ({"n_roots": 2, "depth": 1000}, "more nodes than atoms"),
        ({"rates": (0, 0.5)}, "rates is"),
        ({"rates": (0.5, 1.5)}, "both in"),
        ({"rates": (0.5, 0.1)}, "a lower and a higher rate"),
        ({"exponent": 0}, "exponent is 0"),
        ({"exclusive": 1.5}, "exclusive is 1.5"),
        ({"magnitudes": (0, 4)}, "magnitudes is"),
        ({"offset_norm": -1}, "offset_norm is -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            make_feature_mixture("1k", n_steps=0, **options)
    with pytest.raises(ValueError, match="preset is '2k'"):
        make_feature_mixture("2k")
    values = {name: getattr(small, name) for name in small.__dataclass_fields__}
    for name, value, message in [
        ("rates", np.full(40, 1.5), "rates is up to 1.5"),
        ("firing_rates", np.zeros(40), "firing_rates is"),
        ("factors", np.ones((40, 2)), "rows of norm below 1"),
        ("means", np.zeros(40), "means is"),
        ("offset", np.zeros(3), "offset is"),
        ("exclusive", np.zeros(40), "array of bool"),
        ("forest", (20, 4, 3), "more nodes"),
        ("forest", 3, "numbers of trees"),
        ("is_scaled", 3, "is_scaled is 3"),
    ]:
        with pytest.raises(ValueError, match=message):
            FeatureMixture(**values | {name: value})
