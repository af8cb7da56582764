"""OMP and OLS on hard data, held against least squares and their own definition.

Random problems: correlated, repeated, rank-deficient, badly scaled and zero atoms, in both
precisions, by count, by error and from a start.
"""

import numpy as np
import pytest
from sklearn.linear_model import orthogonal_mp

from sparsecode import Dictionary
from sparsecode.penalties import KSparse
from sparsecode.solvers import OLS, OMP

Real = np.longdouble
SOLVERS = [OMP, OLS]
DTYPES = [np.float32, np.float64]
KINDS = ["plain", "mean", "near", "nearer", "low rank", "repeated", "zero", "scaled"]


def squared_error(x, code, atoms):
    left = x.astype(Real) - code.astype(Real) @ atoms.astype(Real)
    return float(left @ left)


def best_error(x, active):
    """Least squares on some atoms, made exact by its residual."""
    code = np.zeros(len(active))
    for _ in range(4):
        left = (x.astype(Real) - code.astype(Real) @ active.astype(Real)).astype(float)
        code = code + np.linalg.lstsq(active.T, left, rcond=1e-15)[0]
    return squared_error(x, code, active)


def draw(seed):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 16), rng.integers(1, 12)
    kind, atoms = KINDS[seed % len(KINDS)], rng.standard_normal((n, m))
    if kind == "mean":
        atoms = 3 + 0.1 * atoms
    elif kind in ("near", "nearer"):
        atoms = 1 + (1e-2 if kind == "near" else 1e-5) * atoms
    elif kind == "low rank":
        span = rng.standard_normal((n, 2)) @ rng.standard_normal((2, m))
        atoms = span + rng.choice([0, 1e-7, 1e-5]) * atoms
    elif kind == "repeated":
        atoms = np.vstack([atoms, atoms[:2], -atoms[-2:]])
    elif kind == "zero":
        atoms[rng.integers(n, size=2)] = 0
    elif kind == "scaled":
        atoms *= 10.0 ** rng.uniform(-4, 4, (n, 1))
    X = rng.standard_normal((2, m))
    if rng.random() < 0.3:
        X = rng.standard_normal((2, len(atoms))) @ atoms + rng.choice([0, 1e-6]) * X
    if rng.random() < 0.3:
        X += 10.0 ** rng.integers(0, 5)
    return X * 10.0 ** rng.integers(-3, 4), atoms, rng


def rounding_of(code, x, norms, dtype):
    """Squared error that rounding of the code and of the residual leaves."""
    size, single = np.linalg.norm(code * norms), np.finfo(dtype).eps * np.linalg.norm(code * norms)
    return (4 * single) ** 2 + (16 * np.finfo(float).eps * (np.linalg.norm(x) + size)) ** 2


def reduction(x, code, atoms, j, dtype):
    """What one more atom takes from the squared error; 0 if it depends on those in use."""
    norms = np.linalg.norm(atoms, axis=1)
    if code[j] != 0 or norms[j] == 0:
        return 0.0
    directions = np.linalg.qr((atoms / np.where(norms > 0, norms, 1)[:, None])[code != 0].T)[0]
    left = atoms[j] / norms[j]
    for _ in range(2):
        left = left - directions @ (directions.T @ left)
    distance = np.linalg.norm(left)
    if distance <= 70 * np.finfo(dtype).eps:
        return 0.0
    residual = x.astype(Real) - code.astype(Real) @ atoms.astype(Real)
    return float((left @ residual) ** 2) / distance**2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("target", ["count", "error", "start"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_claims_least_squares_and_counts(solver, dtype, target):
    n_claims = n_short = 0
    for seed in range(48):
        X, atoms, rng = draw(seed)
        X, atoms = X.astype(dtype), atoms.astype(dtype)
        count, start = int(rng.integers(1, len(atoms) + 1)), None
        penalty = KSparse(count)
        if target == "error":
            count = len(atoms)
            share = 10.0 ** rng.uniform(-14, -0.2)
            penalty = KSparse(None, share * (X.astype(float) ** 2).sum(axis=1))
        if target == "start":
            start = rng.standard_normal((2, len(atoms))) * (rng.random((2, len(atoms))) < 0.4)
        result = solver().solve(X, atoms, penalty, codes=start)
        norms = np.linalg.norm(atoms.astype(float), axis=1)
        for s, (x, code) in enumerate(
            zip(X.astype(float), result.codes.astype(float), strict=True)
        ):
            exact, used, what = atoms.astype(float), code != 0, f"seed {seed}, sample {s}"
            error, rounding = squared_error(x, code, exact), rounding_of(code, x, norms, dtype)
            least = best_error(x, exact[used] / norms[used, None])
            assert error <= least * (1 + 1e-6) + rounding, what
            assert used.sum() <= count, what
            if target == "error" and result.converged[s]:
                n_claims += 1
                assert error <= penalty.error[s], what
            elif used.sum() < min(count, *atoms.shape) and error > rounding:
                n_short += 1
                more = max(reduction(x, code, exact, j, dtype) for j in range(len(exact)))
                assert more <= 3e-12 * error + rounding, what
    assert n_claims > 40 if target == "error" else n_short > 0


@pytest.fixture
def spectra():
    """Atoms and samples with a common mean, as spectra with a baseline have."""
    rng = np.random.default_rng(0)
    centres, sizes = rng.random((2, 60, 6))
    at = np.linspace(0, 1, 40)
    lines = sizes[:, :, None] * np.exp(-0.5 * ((at - centres[:, :, None]) / 0.03) ** 2)
    atoms = 1 + 0.02 * lines.sum(axis=1)
    X = rng.dirichlet(np.full(60, 0.05), 12) @ atoms
    return X + 1e-5 * rng.standard_normal(X.shape), Dictionary(atoms)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_common_mean_takes_no_atoms_away(spectra, dtype):
    X, dictionary = spectra
    atoms = dictionary.atoms / dictionary.norms[:, None]
    expected = orthogonal_mp(atoms.T, X.T, n_nonzero_coefs=15).T
    codes = OMP().solve(X.astype(dtype), atoms.astype(dtype), KSparse(15)).codes
    assert ((codes != 0).sum(axis=1) == 15).all()
    errors = [((X - z @ atoms) ** 2).sum(axis=1) for z in (codes, expected)]
    assert (errors[0] <= 1.05 * errors[1]).all()
    better = OLS().solve(X.astype(dtype), atoms.astype(dtype), KSparse(15)).codes
    assert ((better != 0).sum(axis=1) == 15).all()
    assert ((X - better @ atoms) ** 2).sum() <= 1.01 * errors[1].sum()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_target_far_below_the_energy_is_met_without_a_warning(solver):
    """Below 16 eps of the squared norm a difference of squared norms says nothing."""
    atoms = np.vstack([np.eye(4), [0, 1, 1, 0]])
    result = solver().solve([[0.0, 2.0, 1.0, 1.0]], atoms, KSparse(None, error=1e-15))
    assert result.converged.all() and result.n_iter[0] == 3
    assert squared_error(np.array([0, 2.0, 1.0, 1.0]), result.codes[0], atoms) <= 1e-15


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_no_more_atoms_than_the_target_takes(solver, dtype, rng):
    """Four atoms and a noise just below the target, near what float32 tells of the squared norm."""
    dictionary = Dictionary(rng.standard_normal((128, 64)))
    codes = np.zeros((30, 128))
    for code in codes:
        code[rng.choice(128, 4, replace=False)] = 2 + rng.random(4)
    X = codes @ dictionary.atoms
    squared_norm = (X**2).sum(axis=1)
    X += 3e-4 * np.sqrt(squared_norm / 64)[:, None] * rng.standard_normal(X.shape)
    atoms = dictionary.atoms.astype(dtype)
    result = solver().solve(X.astype(dtype), atoms, KSparse(None, error=1.5e-6 * squared_norm))
    assert result.converged.all() and (result.n_iter == 4).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_error_that_is_claimed_on_atoms_that_nearly_depend_on_each_other(solver):
    """Files of float32 give such atoms, read in float64."""
    rng = np.random.default_rng(2813)
    atoms = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 5))
    atoms += 1e-7 * rng.standard_normal((8, 5))
    X = rng.standard_normal((20, 5))
    result = solver().solve(X, atoms, KSparse(None, error=1e-4))
    errors = [squared_error(x, code, atoms) for x, code in zip(X, result.codes, strict=True)]
    assert result.converged.all() and max(errors) <= 1e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_codes_are_least_squares_on_correlated_atoms(solver, rng):
    atoms = (1 + 0.1 * rng.standard_normal((40, 24))).astype(np.float32)
    X = rng.standard_normal((20, 24)).astype(np.float32)
    result = solver().solve(X, atoms, KSparse(8))
    assert ((result.codes != 0).sum(axis=1) == 8).all()
    # A coefficient of float32 is right to half a unit in its last place.
    room = 4 * np.finfo(np.float32).eps * np.abs(result.codes).sum(axis=1) * (atoms**2).sum(1).max()
    assert (result.certificate.residual <= room).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_useless_start_uses_up_no_atoms(solver, dtype):
    atoms = np.vstack([np.eye(4), np.eye(4)[:1]]).astype(dtype)
    X = np.array([[3.0, 2.0, 1.0, 0.0]], dtype=dtype)
    # One atom is orthogonal to the sample, one a copy of another.
    start = np.array([[1.0, 0.0, 0.0, 5.0, 2.0]], dtype=dtype)
    codes = solver().solve(X, atoms, KSparse(3), codes=start).codes
    np.testing.assert_allclose(codes, [[0, 2, 1, 0, 3]], atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_missing_entries_of_hard_samples(spectra, solver, dtype, rng):
    """As if the features were not there."""
    X, atoms = spectra[0].astype(dtype), spectra[1].atoms.astype(dtype)
    X[rng.random(X.shape) < 0.2] = np.nan
    for penalty in (KSparse(10), KSparse(None, error=1e-7)):
        result = solver().solve(X, atoms, penalty, missing=True)
        assert result.converged.all()
        for x, code in zip(X, result.codes, strict=True):
            seen = ~np.isnan(x)
            alone = solver().solve(x[None, seen], atoms[:, seen], penalty)
            found = [squared_error(x[seen], z, atoms[:, seen]) for z in (code, alone.codes[0])]
            assert found[0] <= 1.2 * found[1] and found[1] <= 1.2 * found[0]


def test_a_sample_is_coded_alone(spectra):
    """Samples that are hard do not change the others, nor their order the codes."""
    X, dictionary = spectra
    X = np.vstack([X, np.random.default_rng(3).standard_normal((30, 40))])
    whole = OMP().solve(X, dictionary, KSparse(6)).codes
    backwards = OMP().solve(X[::-1], dictionary, KSparse(6)).codes[::-1]
    np.testing.assert_allclose(whole, backwards, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_history_of_hard_samples(spectra, solver, dtype):
    X, atoms = spectra[0].astype(dtype), spectra[1].atoms.astype(dtype)
    result = solver().solve(X, atoms, KSparse(12), record=True)
    objective = result.history["objective"]
    assert objective.shape == (13, 12) and (np.diff(objective, axis=0) < 0).all()
    np.testing.assert_allclose(objective[0], (X.astype(float) ** 2).sum(axis=1) / 2, rtol=1e-6)
    np.testing.assert_allclose(objective[-1], result.certificate.objective, rtol=0.05)
    shares = 1 - objective[1:] / objective[:-1]
    np.testing.assert_allclose(result.history["stop"][:-1] ** 2, shares, atol=1e-4)


def test_tolerance_is_a_share_of_the_error_that_is_left():
    """The second atom takes a hundredth of the error, however large the first part was."""
    atoms = np.array([[1.0, 0, 0], [0, 0.1, np.sqrt(0.99)]])
    for first in (1.0, 1e6):
        for solver in SOLVERS:
            counts = [
                solver(tol=tol).solve([[first, 1.0, 0.0]], atoms, KSparse(2)).n_iter[0]
                for tol in (0.09, 0.11)
            ]
            assert counts == [2, 1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
def test_energies_that_overflow_end(solver):
    result = solver().solve([[1e200, 1e200]], np.eye(2), KSparse(None, error=1.0))
    assert np.isfinite(result.codes).all()
