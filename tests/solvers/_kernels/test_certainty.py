"""Proofs of claims despite rounding, against the worst case written out in NumPy."""

import itertools

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.penalties import L0, L1, MCP, ElasticNet
from sparsecode.solvers._kernels.arguments import StopRule
from sparsecode.solvers._kernels.certainty import Claim, Rounding, is_certain

PENALTIES = [L1(0.3), L1(0.3, positive=True), ElasticNet(0.4, 0.5), L0(0.1), MCP(0.3, 2.0)]


@pytest.fixture
def task(rng):
    """Atoms, a sample, and a code of three nonzeros that is nearly the least-squares one."""
    atoms = rng.standard_normal((5, 4))
    code = np.array([4.0, 0.0, 1.5, 0.0, 2.5])
    return atoms, code @ atoms + 0.1 * rng.standard_normal(4), code


def conjugates(penalty, correlations):
    """Conjugate of each entry: that of an atom alone."""
    return penalty.conjugate(correlations[:, None])


def smallest_tol(penalty, eps, atoms, x, code, lipschitz):
    """Tolerance from which on the claim holds for all correlations within their rounding."""
    corr, half = atoms @ x, x @ x / 2
    left = corr - atoms @ (code @ atoms)
    longest = np.linalg.norm(atoms, axis=1).max()
    reach = 8 * eps * longest * (np.linalg.norm(x) + longest * np.abs(code).sum())
    sides = left + np.array([[-reach], [reach]])
    if not penalty.convex:
        points = code + sides / lipschitz
        moves = np.abs(code - penalty.prox(points, 1 / lipschitz)) + 2.0**-53 * np.abs(points)
        largest = np.abs(corr).max() - reach
        return lipschitz * moves.max() / largest if largest > 0 else np.inf
    error = reach * np.linalg.norm(code)
    scale = 1 / max(1, penalty.dual_excess(sides).max())
    separate = [conjugates(penalty, scale * c) for c in sides]
    cost = penalty.value(code[None])[0] * (1 + 4 * eps)
    fenchel = cost - scale * code @ left + error + np.max(separate, axis=0).sum()
    residual = x - code @ atoms
    return (max(fenchel, 0) + (1 - scale) ** 2 * (residual @ residual / 2 + error)) / half


def certain(penalty, eps, atoms, x, code, lipschitz, tol, start_value=np.inf):
    corr = atoms @ x
    left = corr - atoms @ (code @ atoms)
    longest = float(np.linalg.norm(atoms, axis=1).max())
    rule = StopRule(penalty.convex, lipschitz, tol, 10)
    claim = Claim(tol, Rounding(eps, longest))
    prepared = penalty.prepare(len(atoms), np.float64)
    return is_certain(prepared, rule, claim, corr, x @ x / 2, code, left, start_value)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("eps", [0.0, 1e-6, 1e-4])
def test_the_smallest_tolerance_that_is_proven(penalty, eps, task):
    atoms, x, code = task
    # Each atom is the worst once, and duals are feasible or not.
    for shift, size in itertools.product(range(5), (1.0, 1.1)):
        scaled = size * code
        args = (penalty, eps, np.roll(atoms, shift, 0), x, np.roll(scaled, shift), 30.0)
        tol = smallest_tol(*args)
        assert certain(*args, tol * (1 + 1e-9)) and not certain(*args, tol * (1 - 1e-9))


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_a_code_of_0(penalty, task):
    """Proven where the weight is large enough, whatever the objective of the start."""
    atoms, x, _ = task
    code, weight = np.zeros(5), 2 * np.abs(atoms @ x).max()
    heavy = penalty._replace(alpha=(weight / 0.1) ** (2 if isinstance(penalty, L0) else 1))
    assert certain(heavy, 1e-9, atoms, x, code, 30.0, 1e-6, -np.inf)
    assert not certain(penalty, 1e-9, atoms, x, code, 2.0, 1e-6)


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_codes_above_their_start_or_0_are_not_proven(penalty, eps, task):
    atoms, x, code = task
    residual, longest = x - code @ atoms, np.linalg.norm(atoms, axis=1).max()
    reach = 8 * eps * longest * (np.linalg.norm(x) + longest * np.abs(code).sum())
    value = penalty.value(code[None])[0] * (1 + 4 * eps) + residual @ residual / 2
    value += reach * np.linalg.norm(code)
    args = (penalty, eps, atoms, x, code, 30.0, 1e9)
    assert certain(*args, value + 1e-9) and not certain(*args, value - 1e-9)
    assert not certain(penalty, eps, atoms, x, -code, 30.0, 1e9)


def test_a_code_that_costs_as_much_as_0_is_no_worse():
    prepared, unit = L0(0.5).prepare(2, np.float64), np.array([1.0, 0.0])
    rule, claim = StopRule(False, 1.0, 1e9, 10), Claim(1e9, Rounding(0.0, 1.0))
    assert is_certain(prepared, rule, claim, unit, 0.5, unit, 0 * unit, np.inf)
    assert is_certain(prepared, rule, claim, 2 * unit, 2.0, 2 * unit, 0 * unit, 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_that_of_the_longest_atom(dtype):
    dictionary = Dictionary(np.array([[1.0, 0.0], [3.0, 4.0], [0.0, 2.0]], dtype))
    assert Rounding.of(dictionary) == (np.finfo(dtype).eps, 5.0)
    assert Rounding.of(dictionary, np.float32) == (np.finfo(np.float32).eps, 5.0)


def test_a_sum_with_a_large_code_may_have_lost_the_step():
    """Of 2**60 all that is smaller than 2**7."""
    code, left = np.array([2.0**60, 0.0]), np.zeros(2)
    prepared, rounding = L0(1e-3).prepare(2, np.float64), Rounding(0.0, 1.0)
    share = 2.0**-53
    for tol, expected in ((1.01 * share, True), (0.99 * share, False)):
        rule = StopRule(False, 1.0, tol, 10)
        half = 2.0**119
        found = is_certain(prepared, rule, Claim(tol, rounding), code, half, code, left, np.inf)
        assert found == expected


def test_correlations_within_their_rounding_prove_nothing():
    prepared, zero = L0(1.0).prepare(2, np.float64), np.zeros(2)
    rule, claim = StopRule(False, 1.0, 1e9, 10), Claim(1e9, Rounding(1e-3, 1.0))
    assert not is_certain(prepared, rule, claim, zero, 0.5, zero, zero, np.inf)
    assert is_certain(prepared, rule, claim, zero + 1, 0.5, zero, zero, np.inf)
    exact = Claim(1e9, Rounding(0.0, 1.0))
    assert not is_certain(prepared, rule, exact, zero, 0.5, zero, zero, np.inf)


def test_a_claim_that_holds_exactly():
    """A gap of 0, and a residual that is the rounding of a sum."""
    unit, exact = np.array([1.0, 0.0]), Rounding(0.0, 1.0)
    lasso, count = (penalty.prepare(2, np.float64) for penalty in (L1(1.0), L0(9.0)))
    rule = StopRule(True, 1.0, 0.0, 10)
    assert is_certain(lasso, rule, Claim(0.0, exact), 2 * unit, 2.0, unit, unit, np.inf)
    rule, claim = StopRule(False, 1.0, 0.0, 10), Claim(2.0**-53, exact)
    assert is_certain(count, rule, claim, unit, 0.5, 0 * unit, unit, np.inf)
