"""Units do not matter: the same codes up to the factor, no false claim, and every loop ends."""

from collections import namedtuple

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, alpha_max, certify, solvers
from sparsecode import penalties as all_penalties
from sparsecode.constraints import UnitNorm
from sparsecode.dropin import sparse_encode
from sparsecode.penalties import (
    L0,
    L1,
    MCP,
    SCAD,
    Cauchy,
    ElasticNet,
    GroupL1,
    KSparse,
    LogSum,
    Penalty,
    Simplex,
    Tanh,
)
from sparsecode.solvers import ADMM, FISTA, LCA, FeatureSign, Solver
from sparsecode.solvers._batch.problem import Block

RNG = np.random.default_rng(0)
ATOMS = RNG.standard_normal((10, 8))
ATOMS /= np.linalg.norm(ATOMS, axis=1, keepdims=True)
X = RNG.standard_normal((5, 8))
PENALTIES = [
    L1(0.3),
    L1(0.3, weights=[0.0, *np.linspace(0.5, 2, 9)]),
    L1(0.3, positive=True),
    ElasticNet(0.3, 0.7),
    ElasticNet(0.3, 0.0),
    GroupL1(0.3),
    L0(0.1),
    MCP(0.3),
    SCAD(0.3),
    LogSum(0.3),
    Tanh(0.1),
    Cauchy(0.3),
    KSparse(3),
    Simplex(2.0),
    KSparse(None, error=0.5),
]
NAMES = [getattr(solvers, name) for name in solvers.__all__]
SOLVERS = [cls for cls in NAMES if isinstance(cls, type) and issubclass(cls, Solver)]
SOLVERS.remove(Solver)
# Exponents of samples and atoms, in the range of float64 or float32.
UNITS = {
    np.float64: [(490, 0), (-490, 0), (0, 490), (0, -490), (-250, -250), (400, 400), (-60, 30)],
    np.float32: [(60, 0), (-60, 0), (0, 50), (0, -50), (-30, -30), (55, 55)],
}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def pairs():
    for cls in SOLVERS:
        for penalty in PENALTIES:
            try:
                cls().check_penalty(penalty)
            except TypeError:
                continue
            yield pytest.param(cls, penalty, id=f"{cls.__name__}-{penalty}")


PAIRS = list(pairs())


def times(array, exponent):
    return np.ldexp(array, exponent)


def in_unit(penalty, of_samples, of_atoms):
    return penalty.rescaled(codes=of_samples - of_atoms, values=2 * of_samples)


def solve(cls, X, atoms, penalty, **options):
    solver = cls()
    if hasattr(solver, "max_iter"):
        solver.max_iter = 300
    return solver.solve(X, atoms, penalty, **options)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-12)


@pytest.mark.needs_jit
def test_every_penalty_of_the_package_is_tried():
    names = {type(penalty).__name__ for penalty in PENALTIES}
    assert names == set(all_penalties.__all__) - {"Penalty"}


def typed_pairs():
    """All in float64; fewer in float32, of which each takes a while to compile."""
    for pair in PAIRS:
        penalty = pair.values[1]
        yield pytest.param(*pair.values, np.float64, id=pair.id)
        if penalty in (PENALTIES[0], ElasticNet(0.3, 0.7), KSparse(3), Cauchy(0.3)):
            yield pytest.param(*pair.values, np.float32, id=f"{pair.id}-float32")


@pytest.mark.needs_jit
@pytest.mark.parametrize("cls, penalty, dtype", list(typed_pairs()))
def test_units_do_not_matter(cls, penalty, dtype):
    samples, atoms = X.astype(dtype), ATOMS.astype(dtype)
    expected = solve(cls, samples, atoms, penalty)
    tolerance = 1e-9 if dtype == np.float64 else 1e-3
    for of_samples, of_atoms in UNITS[dtype]:
        if isinstance(penalty, ElasticNet) and of_samples != of_atoms and penalty.l1_ratio > 0:
            # Its two parts, of different units, do not fit into one weight.
            continue
        if dtype == np.float32 and of_samples - of_atoms < -100:
            continue
        scaled = times(samples, of_samples), times(atoms, of_atoms)
        result = solve(cls, *scaled, in_unit(penalty, of_samples, of_atoms))
        codes = times(result.codes, of_atoms - of_samples)
        np.testing.assert_allclose(codes, expected.codes, atol=tolerance, rtol=tolerance)
        np.testing.assert_array_equal(result.converged, expected.converged)
        ours, theirs = result.certificate, expected.certificate
        if theirs.gap is not None:
            np.testing.assert_allclose(ours.relative_gap, theirs.relative_gap, atol=tolerance)
        close(times(ours.objective, -2 * of_samples), theirs.objective)


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    ("cls", "penalty"),
    [
        (cls, penalty)
        for cls in (FeatureSign, FISTA, LCA)
        for penalty in (L1(0.3), L1(0.3, weights=[0.0] + 9 * [1.0]), MCP(0.3))
        if cls is not FeatureSign or penalty != MCP(0.3)
    ],
)
def test_a_sample_is_coded_alone_whatever_the_size_of_others(cls, penalty):
    exponents = np.array([0, -130, 490, -490, 3])[:, None]
    samples = times(X, exponents)
    start = times(np.ones((5, 10)), exponents)
    dictionary = Dictionary(ATOMS, offset=np.zeros(8))
    together = solve(cls, samples, dictionary, penalty, codes=start)
    for s, alone in enumerate(samples):
        own = solve(cls, alone[None], dictionary, penalty, codes=start[s][None])
        # Products of one row and of several are rounded differently.
        size = np.abs(own.codes).max() or 1.0
        np.testing.assert_allclose(together.codes[s] / size, own.codes[0] / size, atol=1e-10)
        assert together.converged[s] == own.converged[0]
    for X_as in (sparse.csr_array(samples), np.asfortranarray(samples)):
        other = solve(cls, X_as, ATOMS, penalty, codes=start)
        size = np.abs(together.codes).max(axis=1, keepdims=True)
        size[size == 0] = 1
        np.testing.assert_allclose(other.codes / size, together.codes / size, atol=1e-10)


@pytest.mark.needs_jit
def test_rows_of_all_sizes_with_missing_entries_and_history():
    exponents = np.array([0, -130, 490, -490, 3])[:, None]
    gone = X.copy()
    gone[:, ::3] = np.nan
    penalty = KSparse(2)
    plain = solve(solvers.OMP, gone, ATOMS, penalty, missing=True, record=True)
    scaled = solve(solvers.OMP, times(gone, exponents), ATOMS, penalty, missing=True, record=True)
    np.testing.assert_allclose(times(scaled.codes, -exponents), plain.codes, rtol=1e-12)
    history = times(scaled.history["objective"], -2 * exponents.T)
    np.testing.assert_allclose(history, plain.history["objective"], rtol=1e-9)
    close(scaled.certificate.relative_residual, plain.certificate.relative_residual)


@pytest.mark.needs_jit
@pytest.mark.parametrize("scale", [1e-150, 1e-50, 1e-23, 1e23, 1e50, 1e150])
def test_the_default_solver_where_it_once_claimed_zeros(scale):
    rng = np.random.default_rng(0)
    X, D = rng.standard_normal((20, 8)), rng.standard_normal((16, 8))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    alpha = 0.1 * np.abs(X @ D.T).max()
    expected = FeatureSign().solve(X, D, L1(alpha)).codes
    assert np.count_nonzero(expected) == 122
    for result in (
        FeatureSign().solve(X * scale, D, L1(alpha * scale)).codes / scale,
        FeatureSign().solve(X, D * scale, L1(alpha * scale)).codes * scale,
        sparse_encode(X * scale, D, alpha=alpha * scale) / scale,
    ):
        np.testing.assert_allclose(result, expected, atol=1e-6)
    assert np.isclose(alpha_max(X * scale, D), 10 * alpha * scale, rtol=1e-12)


@pytest.mark.needs_jit
@pytest.mark.parametrize("algorithm", ["lasso_lars", "lars", "omp", "threshold"])
def test_the_drop_in_function_in_other_units(algorithm):
    options = {"algorithm": algorithm, "n_nonzero_coefs": 3}
    alpha = None if algorithm == "omp" else 0.3
    expected = sparse_encode(X, ATOMS, alpha=alpha, **options)
    for scale in (2.0**-500, 2.0**500):
        other = None if alpha is None else alpha * scale
        codes = sparse_encode(X * scale, ATOMS, alpha=other, **options)
        np.testing.assert_allclose(codes / scale, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.needs_jit
@pytest.mark.parametrize("penalty", [L1(1e-305), L1(1e-305, weights=np.ones(10)), MCP(1e-305)])
def test_a_tiny_weight_gives_no_false_claim(penalty):
    for dtype in (np.float64, np.float32):
        for cls in (FeatureSign, FISTA, solvers.CoordinateDescent, solvers.Homotopy):
            try:
                result = solve(cls, X.astype(dtype), ATOMS.astype(dtype), penalty)
            except TypeError:
                continue
            assert np.isfinite(result.codes).all()
            measure = result.certificate
            measure = measure.relative_residual if measure.gap is None else measure.relative_gap
            assert (measure[result.converged] <= max(1e-5, result.tol)).all()


@pytest.mark.needs_jit
def test_a_sample_of_zeros_has_a_code_of_zeros():
    for penalty in (L1(0.0), L1(0.3), ElasticNet(0.0)):
        for cls in (FeatureSign, solvers.CoordinateDescent, FISTA):
            assert not solve(cls, np.zeros((1, 8)), ATOMS, penalty).codes.any()


@pytest.mark.needs_jit
def test_rho_is_in_the_units_of_the_atoms():
    expected = ADMM(rho=2.0).solve(X, ATOMS, L1(0.3))
    scaled = ADMM(rho=2.0**201).solve(X, times(ATOMS, 100), L1(times(0.3, 100)))
    np.testing.assert_array_equal(scaled.n_iter, expected.n_iter)


@pytest.mark.needs_jit
def test_the_judge_where_squares_underflow_or_overflow():
    for size in (1e-165, 1e-300, 1e200, 1e300):
        certificate = certify([[size, 0.0]], [[0.0]], [[1.0, 0.0]], L1(0.5 * size))
        np.testing.assert_allclose(certificate.relative_gap, 0.25)
        np.testing.assert_allclose(certificate.relative_residual, 0.5)
        np.testing.assert_allclose(certificate.residual, 0.5 * size)
    for arrays in vars(certify([[1.0, 0.0]], [[1e300]], [[1.0, 0.0]], L1(0.5))).values():
        assert not np.isnan(arrays).any()
    # A row of another size is judged alone.
    certificate = certify([[1.0], [1e-200]], [[0.0], [0.0]], [[1.0]], L1(0.0))
    np.testing.assert_array_equal(certificate.relative_gap, [1.0, 1.0])


class Ridge(Penalty, namedtuple("Ridge", ["alpha"], defaults=(1.0,))):
    """A penalty of a user that does not define `rescaled`."""

    __slots__ = ()

    @staticmethod
    def _value(penalty, code, j):
        return penalty.alpha * code * code / 2

    @staticmethod
    def _prox(penalty, value, step, j):
        return value / (1 + penalty.alpha * step)


@pytest.mark.needs_jit
def test_a_penalty_that_cannot_be_rescaled_is_refused_far_from_one():
    assert FISTA().solve(X * 1e9, ATOMS, Ridge(0.1)).converged.all()
    with pytest.raises(TypeError, match="Ridge does not define rescaled"):
        Ridge().rescaled(codes=1, values=2)
    wrong = r"largest entry of .* is .*Ridge does not define rescaled.*expected 2\*\*-200"
    for samples, atoms in ((X * 1e-100, ATOMS), (X, ATOMS * 1e100)):
        with pytest.raises(ValueError, match=wrong):
            FISTA().solve(samples, atoms, Ridge(0.1))
    with pytest.raises(ValueError, match="does not define rescaled"):
        certify(X * 1e100, np.zeros((5, 10)), ATOMS, Ridge(0.1))


def test_norms_and_directions_of_atoms_of_any_size():
    atoms = [[3e200, 4e200], [3e-200, 4e-200], [3.0, 4.0], [0.0, 0.0]]
    np.testing.assert_allclose(Dictionary(atoms).norms, [5e200, 5e-200, 5.0, 0.0])
    expected = [[0.6, 0.8]] * 3 + [[0.0, 0.0]]
    np.testing.assert_allclose(UnitNorm().project(atoms), expected)
    single = np.array([[3e30, 4e30], [3e-30, 4e-30]], dtype=np.float32)
    np.testing.assert_allclose(Dictionary(single).norms, [5e30, 5e-30], rtol=1e-6)
    match = Dictionary([[1e-200, 0.0]]).match([[1e200, 1e200]])
    np.testing.assert_allclose(match.cosines, 0.5**0.5)


def no_numbers():
    """Samples and starts that no check lets pass, but that overflow may lead to."""
    for value in (np.nan, np.inf, -np.inf, 1e308, 1e154):
        some = np.zeros(10)
        some[[1, 4, 7]] = 1.0, value, -value
        yield X[:2], np.array([np.full(10, value), some])
        yield np.array([np.full(8, value), some[:8]]), np.zeros((2, 10))
        yield np.array([np.full(8, value), some[:8]]), np.array([some, np.full(10, value)])


@pytest.mark.needs_jit
@pytest.mark.parametrize("cls, penalty", PAIRS)
def test_every_loop_ends_whatever_the_numbers_are(cls, penalty):
    """By count: that it ends is what is tested; a hang would be that of the suite."""
    solver = cls()
    if hasattr(solver, "max_iter"):
        solver.max_iter = 20
    if solver.tol is None:
        solver.tol = 1e-6
    for samples, start in no_numbers():
        problem = solver._check_problem(X[:2], Dictionary(ATOMS), penalty, np.zeros((2, 10)), False)
        problem.X, problem.codes = samples, start
        n_iter, stop = np.zeros(2, dtype=np.int64), np.full(2, np.inf)
        history, proven = np.zeros((2, 2, 0)), np.zeros(2, dtype=bool)
        block = Block(slice(0, 2), start.copy(), n_iter, stop, history, proven)
        try:
            with np.errstate(all="ignore"):
                solver._solve_block(problem, solver._prepare(problem), block)
        except ValueError as error:
            # From a solver that goes on with what another one checks.
            assert "contains" in str(error)


@pytest.mark.needs_jit
@pytest.mark.parametrize("start", [1e154, 1e300])
@pytest.mark.parametrize("cls, penalty", PAIRS)
def test_a_huge_start_gives_a_code_all_the_same(cls, penalty, start):
    codes = np.full((2, 10), start)
    codes[1] = [start, -start, 0.0, 1.0, 0.0, 1e-300, start, 2.0, -1.0, 0.0]
    assert np.isfinite(solve(cls, X[:2], ATOMS, penalty, codes=codes).codes).all()


@pytest.mark.needs_jit
def test_the_step_of_fista_is_found_by_count():
    """A NaN once made neither exit of the search for it true."""
    for penalty in (GroupL1(0.1, groups=2), MCP(0.1), Cauchy(0.1), LogSum(0.1)):
        start = np.full((1, 2), 1e154)
        solver = FISTA(max_iter=5)
        assert solver.solve(np.ones((1, 2)), np.eye(2), penalty, codes=start).n_iter <= 5


@pytest.mark.needs_jit
def test_parameters_of_another_unit_than_the_samples_are_taken():
    """What is beyond the range of a parameter there is so far off that its size does not matter."""
    for penalty in (Cauchy(1.0), LogSum(1.0), MCP(1.0), SCAD(1.0), Tanh(1.0), L0(1.0)):
        for scale in (1e-155, 1e155):
            result = solve(FISTA, X * scale, ATOMS, penalty)
            assert np.isfinite(result.codes).all()


@pytest.mark.needs_jit
@pytest.mark.parametrize("units", [(1000, -400), (-1000, 400)])
def test_codes_beyond_the_range_of_their_type_are_not_claimed(units):
    of_samples, of_atoms = units
    scaled = times(X, of_samples), times(ATOMS, of_atoms)
    result = FISTA().solve(*scaled, L1(times(0.3, of_samples + of_atoms)))
    assert not result.codes.any() and not result.converged.any()
