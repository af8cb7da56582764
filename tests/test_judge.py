"""The judge in tools/judge: its formulas on closed forms, and a small round of random problems."""

import importlib
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from sparsecode.penalties import L1, MCP, ElasticNet, GroupL1, KSparse, Tanh
from sparsecode.solvers import FISTA, OMP

FOLDER = Path(__file__).parent.parent / "tools" / "judge"


@pytest.fixture(scope="module")
def tool():
    """Modules of the judge, found as its command finds them."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("truth", "problems", "court")}
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("penalty", [L1(0.5), ElasticNet(0.5, 0.7), GroupL1(0.5, 1)], ids=repr)
def test_the_gap_of_one_atom_is_primal_minus_the_least_value(tool, penalty):
    x, code = np.array([2.0, 0.1]), np.array([0.7])
    verdict = tool["truth"].judge(x, code, np.array([[1.0, 0.0]]), penalty, 1.0)
    ratio = getattr(penalty, "l1_ratio", 1.0)
    ridge = 0.5 * (1 - ratio)
    best = (2 - 0.5 * ratio) / (1 + ridge)
    least = (2 - best) ** 2 / 2 + 0.5 * ratio * best + ridge * best**2 / 2 + 0.1**2 / 2
    above = (verdict.objective - least) / (x @ x / 2)
    assert above <= verdict.gap * (1 + 1e-12)
    optimal = tool["truth"].judge(x, np.array([best]), np.array([[1.0, 0.0]]), penalty, 1.0)
    assert abs(optimal.gap) < 1e-15 < above


def test_free_atoms_of_any_norm_are_projected_out(tool):
    atoms = np.array([[1e9, 0.0], [0.0, 1e-9]])
    verdict = tool["truth"].judge(np.array([0.0, 1.0]), np.zeros(2), atoms, L1(0.0), 1e18)
    assert verdict.gap == pytest.approx(1)


@pytest.mark.parametrize("penalty", [MCP(1.0, 3.0), Tanh(0.5, 4.0)], ids=repr)
def test_minima_of_one_variable_are_stationary_and_others_are_not(tool, penalty):
    truth = tool["truth"]
    for v in (0.3, 0.9, 2.0, 5.0):
        best = penalty.prox([[v]])[0]
        at = truth.judge(np.array([v]), best, np.eye(1), penalty, 1.0)
        off = truth.judge(np.array([v]), best + 0.1, np.eye(1), penalty, 1.0)
        assert at.residual < 1e-9 < 1e-3 < off.residual


def test_a_false_claim_and_a_code_worse_than_zero_are_found(tool, monkeypatch):
    X, atoms = np.array([[2.0, 0.1]]), np.eye(2)
    task = tool["problems"].Task(X, atoms, None, L1(0.5), FISTA(), None, False, "")
    assert tool["court"].faults_of(task) == ([], 1)
    solve = FISTA.solve

    def spoiled(self, *arguments, **settings):
        result = solve(self, *arguments, **settings)
        result.codes[:] = -9
        return result

    monkeypatch.setattr(FISTA, "solve", spoiled)
    kinds = {kind for kind, _ in tool["court"].faults_of(task)[0]}
    assert kinds == {"worse than 0", "false claim of a gap"}


def test_an_error_that_is_not_reached_is_found(tool, monkeypatch):
    X, atoms = np.array([[2.0, 0.1]]), np.eye(2)
    task = tool["problems"].Task(X, atoms, None, KSparse(2, 1e-6), OMP(), None, False, "")
    assert tool["court"].faults_of(task) == ([], 1)
    solve = OMP.solve

    def spoiled(self, *arguments, **settings):
        result = solve(self, *arguments, **settings)
        result.codes[:, 1] = 0
        return result

    monkeypatch.setattr(OMP, "solve", spoiled)
    assert [kind for kind, _ in tool["court"].faults_of(task)[0]] == ["false claim of an error"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("seed", "n_claims"),
    [(9517, 1), (11598, 0), (16692, 3)],
    ids=["observed zeros", "steps lost in large codes", "a gap of a ridge by a scaled point"],
)
def test_problems_that_are_hard_to_judge(tool, seed, n_claims):
    assert tool["court"].faults_of(tool["problems"].draw(seed)) == ([], n_claims)


@pytest.mark.needs_jit("thousands of sweeps")
@pytest.mark.parametrize("part", range(4))
def test_no_fault_in_a_round_of_random_problems(tool, part):
    """A small budget; the command runs as many as it is given."""
    faults = {}
    for seed in range(60 * part, 60 * (part + 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, _ = tool["court"].faults_of(tool["problems"].draw(seed))
        if found:
            faults[seed] = found
    assert not faults
