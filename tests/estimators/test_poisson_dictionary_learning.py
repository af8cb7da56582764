"""Dictionary learning for counts: planted topics, descent, scikit-learn's NMF, and bad input."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.decomposition import NMF
from sklearn.utils import check_random_state

from sparsecode import PoissonDictionaryLearning
from sparsecode.estimators._count_learning import CountLearner, _with_sum_one


@pytest.fixture(scope="module")
def topics():
    return check_random_state(0).dirichlet(np.full(24, 0.2), 4)


@pytest.fixture(scope="module")
def X(topics):
    rng = check_random_state(1)
    return rng.poisson(rng.gamma(0.4, 60, (150, 4)) @ topics).astype(float)


def test_planted_topics_are_found(topics, X):
    model = PoissonDictionaryLearning(4, alpha=0.5, tol=1e-6, random_state=0).fit(X)
    distance = np.abs(topics[:, None] - model.components_).sum(axis=2).min(axis=1)
    assert distance.max() < 0.25
    np.testing.assert_allclose(model.components_.sum(axis=1), 1)
    codes = model.transform(X)
    assert (codes >= 0).all() and (codes == 0).mean() > 0.1


@pytest.mark.parametrize("missing", [None, "mask"])
def test_the_objective_never_increases(X, missing):
    data = X.copy()
    if missing:
        data[check_random_state(2).random_sample(X.shape) < 0.3] = np.nan
    model = PoissonDictionaryLearning(
        3, alpha=0.7, n_epochs=40, n_inner=1, tol=0, missing=missing, random_state=0
    ).fit(data)
    objective = np.array(model.history_["objective"])
    assert len(objective) == model.n_epochs_ == 40
    assert (np.diff(objective) <= 1e-12 * objective[0]).all()
    # Exact codes of the last atoms are no worse than those of the last step.
    assert -model.score(data) <= objective[-1] * (1 + 1e-5)
    assert model.certify(data).relative_gap.max() <= 1e-6


def test_every_step_lowers_the_objective_alone(X):
    learner = CountLearner(X, np.ones(len(X)), 0.3)
    learner.start(check_random_state(3).gamma(1, 1, (3, 24)))
    last = learner.objective()
    for _ in range(15):
        for step in (learner.step_codes, learner.step_atoms):
            step()
            value = learner.objective()
            assert value <= last * (1 + 1e-13)
            last = value


def test_without_a_penalty_it_is_nmf_of_scikit_learn(X):
    ours = PoissonDictionaryLearning(4, alpha=0.0, tol=1e-7, n_epochs=2000, random_state=0).fit(X)
    theirs = NMF(
        4, beta_loss="kullback-leibler", solver="mu", init="nndsvda", max_iter=2000, tol=1e-7
    ).fit(X)
    # It reports the square root of twice the sum.
    expected = theirs.reconstruction_err_**2 / 2 / len(X)
    assert -ours.score(X) == pytest.approx(expected, rel=0.01)


def test_the_step_of_atoms_is_the_minimum_by_scipy():
    rng = check_random_state(4)
    share, slope = rng.gamma(1, 1, (3, 5)), rng.gamma(1, 1, (3, 5))
    share[0, 2] = 0
    found = _with_sum_one(share, slope)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for row in (1, 2):
        best = minimize(
            lambda d, row=row: slope[row] @ d - share[row] @ np.log(d),
            np.full(5, 0.2),
            bounds=[(1e-9, 1)] * 5,
            constraints={"type": "eq", "fun": lambda d: d.sum() - 1},
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(found[row], best.x, atol=1e-5)


def test_missing_counts_are_predicted(topics, X):
    gone = check_random_state(5).random_sample(X.shape) < 0.1
    model = PoissonDictionaryLearning(4, alpha=0.5, missing="mask", random_state=0)
    held = np.where(gone, np.nan, X)
    X_hat = model.inverse_transform(model.fit_transform(held))
    mean = np.broadcast_to(np.nanmean(held, axis=0), X.shape)
    assert np.abs(X_hat - X)[gone].mean() < 0.75 * np.abs(mean - X)[gone].mean()


def test_a_larger_weight_gives_fewer_coefficients(X):
    counts = [
        (PoissonDictionaryLearning(6, alpha=a, random_state=0).fit_transform(X) > 0).sum()
        for a in (0.01, 1.0, 30.0)
    ]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[2]


def test_weights_given_atoms_types_and_verbose(topics, X, capsys):
    weight = np.arange(150) % 3
    short = {"n_epochs": 4, "tol": 0, "random_state": 0}
    weighted = PoissonDictionaryLearning(3, **short).fit(X, sample_weight=weight)
    repeated = PoissonDictionaryLearning(3, **short).fit(np.repeat(X, weight, axis=0))
    np.testing.assert_allclose(weighted.components_, repeated.components_, rtol=1e-9)
    given = PoissonDictionaryLearning(4, init=topics, verbose=1, **short).fit(X.astype(np.float32))
    assert given.components_.dtype == np.float32
    assert np.abs(given.components_ - topics).max() < 0.05
    assert capsys.readouterr().out.count("objective") == 4


def test_new_features_and_empty_samples(X):
    data = X.copy()
    data[:, 0] = 0
    model = PoissonDictionaryLearning(3, random_state=0, n_epochs=20).fit(data)
    data[0, 0], data[1] = 5, 0
    codes = model.transform(data)
    assert np.isfinite(codes).all() and not codes[1].any()
    assert np.isfinite(model.score(data))


def test_an_interrupt_keeps_the_atoms(X, monkeypatch):
    step, calls = CountLearner.step_atoms, []

    def interrupted(self):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        step(self)

    monkeypatch.setattr(CountLearner, "step_atoms", interrupted)
    model = PoissonDictionaryLearning(3, tol=0, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.n_epochs_ == 3 and np.isfinite(model.score(X))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"alpha": -1}, "alpha is -1"),
        ({"tol": np.nan}, "tol is"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"n_inner": 0}, "n_inner is 0"),
        ({"init": "nndsvd"}, "init is 'nndsvd'; expected 'random'"),
        ({"init": np.ones((2, 24))}, "init is an array of shape"),
        ({"init": -np.ones((3, 24))}, "init is an array of shape"),
        ({"missing": "drop"}, "missing"),
    ],
)
def test_bad_parameters(X, changes, message):
    with pytest.raises(ValueError, match=message):
        PoissonDictionaryLearning(**{"n_components": 3, **changes}).fit(X)


def test_bad_samples(X):
    with pytest.raises(ValueError, match=r"Negative values in data.*expected counts >= 0"):
        PoissonDictionaryLearning(3).fit(X - 5)
    with pytest.raises(ValueError, match="NaN"):
        PoissonDictionaryLearning(3).fit(np.where(X > 50, np.nan, X))
