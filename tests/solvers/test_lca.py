"""LCA: the published differential equation, its energy, and its points of rest."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from sparsecode import Dictionary
from sparsecode.objective import objective
from sparsecode.penalties import L0, L1, Cauchy, ElasticNet, LogSum
from sparsecode.solvers import FISTA, LCA, FeatureSign

PENALTIES = [
    L1(0.3),
    L1(0.2, positive=True),
    L1(0.3, np.linspace(0.5, 2, 9)),
    ElasticNet(0.3),
    L0(0.05),
    LogSum(0.1, 0.1),
    Cauchy(0.2),
]


def unit_atoms(n_components, n_features):
    return Dictionary.random(n_components, n_features, random_state=1).atoms


def published(X, atoms, threshold, time_step, n_steps):
    """Activations of Rozell et al. for unit atoms, from rest: u' = b - u - (G - I) a."""
    drive, inhibition = X @ atoms.T, atoms @ atoms.T - np.eye(len(atoms))
    potential = np.zeros_like(drive)
    activation = threshold(potential)
    yield activation
    for _ in range(n_steps):
        potential = potential + time_step * (drive - potential - activation @ inhibition)
        activation = threshold(potential)
        yield activation


def soft(alpha):
    return lambda u: np.sign(u) * np.maximum(np.abs(u) - alpha, 0)


def hard(alpha):
    return lambda u: np.where(np.abs(u) > np.sqrt(2 * alpha), u, 0)


@pytest.mark.parametrize(
    ("penalty", "threshold"),
    [
        (L1(0.3), soft(0.3)),
        (L1(0.2, positive=True), lambda u: np.maximum(u - 0.2, 0)),
        (ElasticNet(0.4, 0.5), lambda u: soft(0.2)(u) / 1.2),
        (L0(0.05), hard(0.05)),
    ],
    ids=lambda value: repr(value) if isinstance(value, tuple) else "",
)
@pytest.mark.parametrize("time_step", [0.1, 0.4])
def test_is_the_published_equation(X, frame, penalty, threshold, time_step):
    expected = list(published(X, frame, threshold, time_step, 40))
    values = [objective(X, a, frame, penalty) for a in expected]
    solver = LCA(max_iter=40, tol=0, time_step=time_step)
    result = solver.solve(X, frame, penalty, record=True)
    np.testing.assert_allclose(result.history["objective"][:-1], values[:-1], rtol=1e-9)
    best = np.argmin(values[::5], axis=0)
    kept = [expected[5 * t][s] for s, t in enumerate(best)]
    np.testing.assert_allclose(result.codes, kept, atol=1e-7)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_one_step_by_hand_with_unequal_atoms(X, frame, penalty):
    atoms = frame * np.linspace(0.3, 2, 9)[:, None]
    start = 0.5 * penalty.prox(X @ atoms.T)
    scale = 1 / 4
    rate = min(0.2, 1 / (scale * np.linalg.eigvalsh(atoms @ atoms.T)[-1]))
    # From codes the potentials start at their drive, where the first step leaves them.
    potential = start + scale * (X - start @ atoms) @ atoms.T
    first = penalty.prox(potential, scale)
    inhibition = scale * atoms @ atoms.T - np.eye(9)
    potential = potential + rate * (scale * X @ atoms.T - potential - first @ inhibition)
    second = penalty.prox(potential, scale)
    # The last record is of the code returned, which may be the start.
    solver = LCA(max_iter=3, tol=0, time_step=0.2)
    history = solver.solve(X, atoms, penalty, codes=start, record=True).history
    for t, codes in enumerate((start, first, second)):
        expected = objective(X, codes, atoms, penalty)
        np.testing.assert_allclose(history["objective"][t], expected, rtol=1e-5)


@pytest.mark.parametrize("time_step", [0.1, 1.0])
@pytest.mark.parametrize("penalty", PENALTIES[:4], ids=repr)
def test_energy_of_a_convex_penalty_falls(penalty, time_step, rng):
    X, atoms = 3 * rng.standard_normal((6, 4)), rng.standard_normal((9, 4))
    solver = LCA(max_iter=150, tol=0, time_step=time_step)
    values = solver.solve(X, atoms, penalty, record=True).history["objective"]
    assert (np.diff(values, axis=0) <= 1e-12 * values[0]).all()


def test_energy_falls_by_the_bound_of_the_notes(rng):
    X, atoms = rng.standard_normal((6, 8)), unit_atoms(30, 8)
    lipschitz = np.linalg.eigvalsh(atoms @ atoms.T)[-1]
    for step in (0.05, 1 / lipschitz, 2 / lipschitz):
        codes = np.array(list(published(X, atoms, soft(0.1), step, 60)))
        values = np.array([objective(X, a, atoms, L1(0.1)) for a in codes])
        fall = (1 / step - lipschitz / 2) * (np.diff(codes, axis=0) ** 2).sum(axis=2)
        assert (np.diff(values, axis=0) <= -fall + 1e-12).all()


@pytest.mark.parametrize(
    "penalty", [L1(0.1), L1(0.1, positive=True), ElasticNet(0.2, 0.4)], ids=repr
)
@pytest.mark.parametrize("shape", [(25, 10), (10, 25), (4, 1)], ids=str)
def test_rests_at_the_optimum_of_a_convex_penalty(penalty, shape, rng):
    X, atoms = rng.standard_normal((5, shape[1])), rng.standard_normal(shape) / 3
    result = LCA(tol=1e-8, max_iter=200_000).solve(X, atoms, penalty)
    expected = FeatureSign(tol=1e-12).solve(X, atoms, penalty)
    assert result.certificate.relative_gap.max() <= 1e-8
    np.testing.assert_allclose(
        result.certificate.objective, expected.certificate.objective, rtol=1e-7
    )
    np.testing.assert_allclose(result.codes, expected.codes, atol=1e-3)


def test_scikit_learn_lasso(rng):
    X, atoms = rng.standard_normal((5, 10)), unit_atoms(20, 10)
    oracle = Lasso(0.02, fit_intercept=False, tol=1e-14, max_iter=100_000)
    expected = [oracle.fit(atoms.T, x).coef_ for x in X]
    codes = LCA(tol=1e-11, max_iter=100_000).solve(X, atoms, L1(0.2)).codes
    np.testing.assert_allclose(codes, expected, atol=1e-5)


def test_orthonormal_atoms_are_thresholded(rng):
    atoms = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    X = rng.standard_normal((4, 5))
    for penalty, threshold in ((L1(0.3), soft(0.3)), (L0(0.1), hard(0.1))):
        result = LCA(tol=1e-12).solve(X, atoms, penalty)
        np.testing.assert_allclose(result.codes, threshold(X @ atoms.T), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.02, 0.1])
@pytest.mark.parametrize("equal_norms", [True, False])
def test_rest_with_a_hard_threshold(alpha, equal_norms, rng):
    """Active neurons are at least the threshold and fit exactly; the others stay below it."""
    X, atoms = rng.standard_normal((12, 10)), unit_atoms(30, 10)
    if not equal_norms:
        atoms = atoms * rng.uniform(0.5, 1, size=(30, 1))
    scale = 1 / (np.linalg.norm(atoms, axis=1) ** 2).max()
    result = LCA(tol=1e-9).solve(X, atoms, L0(alpha))
    active, threshold = result.codes != 0, np.sqrt(2 * alpha * scale)
    # A sample that did not settle goes on with a smaller scale, and a lower threshold.
    settled = np.array([np.abs(z[z != 0]).min(initial=1) >= threshold for z in result.codes])
    assert result.converged.all() and settled.mean() > 0.5
    residual = (X - result.codes @ atoms) @ atoms.T
    assert np.abs(residual[active]).max() <= 1e-7
    assert (scale * np.abs(residual[settled][~active[settled]]) <= threshold * (1 + 1e-7)).all()
    for z, x in zip(result.codes, X, strict=True):
        fit = np.linalg.lstsq(atoms[z != 0].T, x, rcond=None)[0]
        np.testing.assert_allclose(z @ atoms, fit @ atoms[z != 0], atol=1e-6)


def test_a_neuron_above_its_threshold_is_not_at_rest():
    """Codes of 0 are stationary for ISTA up to a larger correlation, but not for the network."""
    atoms = np.array([[1.0, 0.0], [0.8, 0.6], [0.8, -0.6]])
    X, penalty = np.array([[1.0, 0.0]]), L0(0.3)
    lipschitz = np.linalg.eigvalsh(atoms @ atoms.T)[-1]
    assert np.sqrt(2 * 0.3) < 1 < np.sqrt(2 * 0.3 * lipschitz)
    assert (FISTA(backtracking=False).solve(X, atoms, penalty).codes == 0).all()
    codes = LCA(tol=1e-9).solve(X, atoms, penalty).codes
    np.testing.assert_allclose(codes, [[1.0, 0.0, 0.0]], atol=1e-7)


def test_a_hard_threshold_finds_sparse_codes(rng):
    """Competition leaves the atoms that a signal was made of."""
    atoms = unit_atoms(40, 20)
    codes = np.zeros((10, 40))
    for z in codes:
        z[rng.choice(40, 2, replace=False)] = rng.choice([-1, 1], 2) * rng.uniform(1, 2, 2)
    X = codes @ atoms
    found = LCA(tol=1e-9).solve(X, atoms, L0(0.05)).codes
    assert (np.abs(found - codes).max(axis=1) <= 1e-6).mean() >= 0.8


def test_tied_neurons_come_to_rest(rng):
    """Copies of an atom cross a threshold that jumps at once and silence each other, for ever."""
    atoms = np.vstack([np.eye(4), np.eye(4)])
    X = np.full((2, 4), 0.9)
    penalty = L0(0.18)
    cycle = list(published(X, atoms, hard(0.18), 0.5, 400))[-20:]
    assert any((a != 0).any() for a in cycle) and any((a == 0).all() for a in cycle)
    result = LCA(tol=1e-8, time_step=0.5).solve(X, atoms, penalty)
    assert result.converged.all()
    assert result.certificate.relative_residual.max() <= 1e-8


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_never_above_a_good_start(penalty, X, frame, rng):
    start = FISTA(tol=1e-3).solve(X, frame, penalty).codes
    before = objective(X, start, frame, penalty)
    for max_iter in (1, 2, 5, 11, 400):
        result = LCA(tol=0, max_iter=max_iter).solve(X, frame, penalty, codes=start)
        assert (result.certificate.objective - before).max() <= 1e-12
    result = LCA(tol=1e-7).solve(X, frame, penalty, codes=start, record=True)
    assert result.converged.all()
    assert (result.certificate.objective - before).max() <= 1e-12
    np.testing.assert_allclose(
        result.history["objective"][-1], result.certificate.objective, rtol=1e-9
    )


def test_a_longer_step_than_is_smooth_is_shortened(rng):
    X, atoms = rng.standard_normal((4, 6)), unit_atoms(30, 6)
    smooth = 1 / Dictionary(atoms).lipschitz / (1 + 1e-6)
    longest = LCA(tol=0, max_iter=30).solve(X, atoms, L1(0.1)).codes
    given = LCA(tol=0, max_iter=30, time_step=smooth).solve(X, atoms, L1(0.1)).codes
    np.testing.assert_allclose(longest, given, atol=1e-12)
    short = LCA(tol=0, max_iter=30, time_step=smooth / 3).solve(X, atoms, L1(0.1)).codes
    assert np.abs(short - longest).max() > 1e-6


@pytest.mark.parametrize("penalty", [L1(0.1), L0(0.05), LogSum(0.1, 0.1)], ids=repr)
def test_float32(penalty, rng):
    X, atoms = rng.standard_normal((6, 10)), unit_atoms(25, 10)
    double = LCA(tol=1e-6).solve(X, atoms, penalty)
    result = LCA(tol=1e-4).solve(X.astype(np.float32), atoms.astype(np.float32), penalty)
    assert result.codes.dtype == np.float32 and result.converged.all()
    np.testing.assert_allclose(
        result.certificate.objective, double.certificate.objective, rtol=2e-3
    )


class RowWise(L1):
    """A stand-in for a penalty that ties the coefficients of a row."""

    __slots__ = ()
    separable = False


def test_refuses_a_penalty_that_is_not_separable(X, frame):
    message = "LCA needs a separable penalty; got RowWise. Use FISTA or ISTA."
    with pytest.raises(TypeError, match=message):
        LCA().solve(X, frame, RowWise(0.1))


@pytest.mark.parametrize("time_step", [0, -0.1, 1.5, np.nan])
def test_time_step_out_of_range(X, frame, time_step):
    with pytest.raises(ValueError, match="time_step"):
        LCA(time_step=time_step).solve(X, frame, L1(0.1))
