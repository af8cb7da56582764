"""Archetypal analysis: planted corners, descent, optimality of each step, and bad input."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.utils import check_random_state

from sparsecode import ArchetypalAnalysis
from sparsecode.estimators._archetypes import Archetypes, furthest_samples
from sparsecode.penalties import Simplex
from sparsecode.solvers import FISTA, CoordinateDescent


def mixtures_of(corners, n_samples, seed=0):
    rng = check_random_state(seed)
    shares = rng.dirichlet(np.full(len(corners), 0.4), n_samples)
    return np.concatenate([shares @ corners, corners])


@pytest.fixture(scope="module")
def corners():
    return 3 * check_random_state(0).standard_normal((4, 6))


@pytest.fixture(scope="module")
def X(corners):
    return mixtures_of(corners, 120)


@pytest.fixture(scope="module")
def fitted(X):
    return ArchetypalAnalysis(4, tol=1e-6).fit(X)


def closest(corners, model):
    return cdist(corners, model.components_).min(axis=1)


def best_of_seeds(X, **options):
    """The objective has local minima, of which some seeds reach the lowest."""
    models = [
        ArchetypalAnalysis(4, init="samples", random_state=seed, **options).fit(X)
        for seed in range(5)
    ]
    return min(models, key=lambda model: model.history_["objective"][-1])


def test_corners_of_a_planted_simplex_are_found(corners, X, fitted):
    assert closest(corners, fitted).max() < 0.05
    assert closest(corners, best_of_seeds(X)).max() < 0.3


def test_archetypes_are_mixtures_of_samples(X, fitted):
    mixtures = fitted.mixtures_
    assert mixtures.shape == (4, len(X)) and (mixtures >= 0).all()
    np.testing.assert_allclose(mixtures.sum(axis=1), 1)
    np.testing.assert_allclose(fitted.components_, mixtures @ X, atol=1e-10)


@pytest.mark.parametrize("huber", [None, 0.5])
def test_the_objective_never_increases_and_is_the_mean_cost(corners, huber):
    X = mixtures_of(corners, 60, 1) + check_random_state(2).standard_normal((64, 6))
    model = ArchetypalAnalysis(3, huber=huber, n_epochs=30, tol=0).fit(X)
    objective = np.array(model.history_["objective"])
    assert len(objective) == model.n_epochs_ == 30
    assert (np.diff(objective) <= 1e-9 * objective[0]).all()
    norms = np.linalg.norm(X - model.inverse_transform(model.transform(X)), axis=1)
    cost = norms**2 / 2
    if huber is None:
        assert -model.score(X) == pytest.approx(cost.mean(), rel=1e-9)
    else:
        cost = np.where(norms > huber, huber * norms - huber**2 / 2, cost)
    assert cost.mean() <= objective[-1] * (1 + 1e-6)
    assert cost.mean() == pytest.approx(objective[-1], rel=1e-2)


def test_a_step_is_the_best_mixture_by_scipy():
    rng = check_random_state(4)
    X = rng.standard_normal((9, 3))
    weight = rng.uniform(0.5, 2, 9)
    found = Archetypes(X, weight, None, FISTA(tol=1e-12, max_iter=50000), None)
    found.start("furthest", 2, rng)
    found.encode()
    codes, second = found.codes.copy(), found.atoms[1].copy()
    found.improve()

    def cost(mixture):
        residual = X - codes @ np.array([mixture @ X, second])
        return weight @ (residual**2).sum(axis=1)

    best = minimize(
        cost,
        np.full(9, 1 / 9),
        bounds=[(0, 1)] * 9,
        constraints={"type": "eq", "fun": lambda b: b.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert cost(found.mixtures[0]) == pytest.approx(best.fun, rel=1e-5)
    residual = X - codes @ found.atoms
    np.testing.assert_allclose(found.residual, residual, atol=1e-12)


def test_the_objective_is_that_of_spams(corners):
    spams = pytest.importorskip("spams")
    X = mixtures_of(corners, 80, 5) + 0.3 * check_random_state(6).standard_normal((84, 6))
    model = ArchetypalAnalysis(4, tol=1e-6, n_epochs=300).fit(X)
    start = np.asfortranarray(X[furthest_samples(X, 4)].T)
    atoms, codes, _ = spams.archetypalAnalysis(
        np.asfortranarray(X.T), Z0=start, p=4, returnAB=True, robust=False, stepsFISTA=3, stepsAS=60
    )
    theirs = ((X.T - atoms @ codes) ** 2).sum() / 2 / len(X)
    assert -model.score(X) <= theirs * 1.02


def test_outliers_do_not_become_archetypes_with_huber(corners, X):
    wild = X.copy()
    wild[:4] += 10 * check_random_state(1).standard_normal((4, 6))
    robust, plain = best_of_seeds(wild, huber=0.1), best_of_seeds(wild)
    assert closest(corners, robust).max() < 0.5 < closest(corners, plain).min()


def test_weights_are_repetitions(X):
    weight = np.where(np.arange(len(X)) % 3 == 0, 2, 1)
    weight[5] = 0
    weighted = ArchetypalAnalysis(3, n_epochs=8, tol=0).fit(X, sample_weight=weight)
    twice = np.repeat(X, weight, axis=0)[::-1]
    repeated = ArchetypalAnalysis(3, n_epochs=8, tol=0).fit(twice)
    np.testing.assert_allclose(weighted.components_, repeated.components_, rtol=1e-9)
    np.testing.assert_allclose(repeated.mixtures_ @ twice, repeated.components_, atol=1e-10)
    assert weighted.mixtures_[:, 5].max() == 0


def test_atoms_that_are_given_and_one_that_nobody_uses(X):
    far = np.full((1, 6), 1e3)
    model = ArchetypalAnalysis(3, init=np.concatenate([X[:2], far]), n_epochs=1, tol=0).fit(X)
    assert model.n_epochs_ == 1
    same = ArchetypalAnalysis(3, init=np.repeat(X[:1], 3, axis=0), n_epochs=40).fit(X)
    assert len(np.unique(same.components_.round(3), axis=0)) == 3


def test_float32_threads_and_verbose(X, capsys):
    model = ArchetypalAnalysis(3, n_epochs=5, tol=0, n_jobs=1, verbose=1).fit(X.astype(np.float32))
    assert model.components_.dtype == model.transform(X[:2].astype(np.float32)).dtype == np.float32
    assert capsys.readouterr().out.count("objective") == 5
    one, two = (ArchetypalAnalysis(3, n_epochs=5, tol=0, n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.components_, two.components_)


def test_an_interrupt_keeps_the_archetypes(X, monkeypatch):
    improve, calls = Archetypes.improve, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        improve(self)

    monkeypatch.setattr(Archetypes, "improve", interrupted)
    model = ArchetypalAnalysis(3, tol=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.n_epochs_ == 3 and np.isfinite(model.score(X))


def test_furthest_samples_are_corners():
    corners = np.array([[0.0, 0], [10, 0], [0, 10]])
    inside = check_random_state(0).dirichlet([3, 3, 3], 30) @ corners
    assert sorted(furthest_samples(np.concatenate([inside, corners]), 3)) == [30, 31, 32]
    assert furthest_samples(np.zeros((1, 2)), 1) == [0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"n_components": 500}, "n_components is 500 but X has 124 sample"),
        ({"init": "svd"}, r"init is 'svd'.*'furthest', 'samples'"),
        ({"init": np.ones((2, 6))}, "init has 2 rows but n_components is 3"),
        ({"init": np.ones((3, 5))}, "init has"),
        ({"huber": 0.0}, "huber is"),
        ({"huber": np.nan}, "huber is"),
        ({"tol": -1}, "tol is -1"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"solver": CoordinateDescent()}, "CoordinateDescent needs a separable penalty"),
    ],
)
def test_bad_parameters(X, changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ArchetypalAnalysis(**{"n_components": 3, **changes}).fit(X)


def test_the_codes_are_certified(X, fitted):
    certificate = fitted.certify(X)
    assert certificate.relative_gap.max() <= 1e-6
    assert np.isfinite(Simplex().value(fitted.transform(X))).all()
