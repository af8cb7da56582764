"""The benchmark of exact coding: its coders do what they say, and its table runs on its own."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sparsecode import Dictionary

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks" / "coding"


@pytest.fixture
def module(monkeypatch):
    """Function that imports a module of the benchmark."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return lambda name: importlib.import_module(f"benchmark_utils.{name}")


@pytest.fixture
def make_lasso(module, X, frame):
    """Function that makes a lasso problem, of data that float32 holds exactly.

    With few nonzeros: SPAMS allows no more than there are features.
    """
    X, atoms = (array.astype(np.float32).astype(np.float64) for array in (X, frame))
    return lambda **options: module("problems").Lasso("", X, Dictionary(atoms), 0.6, **options)


PROBLEMS = [{}, {"positive": True}, {"l2": 0.1}, {"l2": 0.1, "positive": True}]
CODERS = [
    ("Ours", {}, 1e-6),
    ("Ours", {"dtype": "float32", "tol": 1e-4}, 1e-4),
    ("SpamsLasso", {}, 1e-9),
    ("SpamsLasso", {"gram": False}, 1e-9),
    ("SpamsLasso", {"dtype": "float32"}, 1e-5),
    ("LassoCD", {"gap": 1e-8}, 1e-8),
    ("LassoLars", {}, 1e-9),
    ("LassoOnGram", {"gap": 1e-8}, 1e-8),
    ("CelerLasso", {"gap": 1e-8}, 1e-8),
    pytest.param(
        "SkglmLasso", {"gap": 1e-8}, 1e-8, marks=pytest.mark.needs_jit("skglm fails without it")
    ),
]


@pytest.mark.parametrize("options", PROBLEMS, ids=str)
@pytest.mark.parametrize(("name", "arguments", "gap"), CODERS, ids=str)
def test_coders_solve_the_problem(module, make_lasso, name, arguments, gap, options):
    problem, coder = make_lasso(**options), getattr(module("coders"), name)(**arguments)
    reason = coder.unavailable(problem)
    if reason is not None:
        assert "elastic net" in reason or "pip install" in reason
        pytest.skip(reason)
    if name == "LassoLars" and problem.positive:
        pytest.skip("scikit-learn's LassoLars(positive=True) stops early on one of these samples")
    coder.prepare(problem)
    coder.tune()
    coder.run()
    found = problem.judge(coder.codes)
    assert found["worst_gap"] <= gap
    assert 0 < found["nonzeros"] < len(problem.dictionary.atoms)


def test_judge_of_a_lasso_with_orthogonal_atoms(module):
    lasso = module("problems").Lasso("", np.array([[2.0, 0.1]]), Dictionary(np.eye(2)), 0.5)
    found = lasso.judge(np.array([[1.5, 0.0]]))
    assert found == {
        "value": 0, "worst_gap": 0, "mean_gap": 0, "nonzeros": 1, "objective": pytest.approx(0.88)
    }  # fmt: skip
    # At zero the scaled residual gives a gap of 1/2 (1 - 1/4)^2 ||x||^2 + 0, over 1/2 ||x||^2.
    assert lasso.judge(np.zeros((1, 2)))["worst_gap"] == pytest.approx(0.75**2)


def test_greedy_problem_is_judged_by_error_and_count(module):
    problems = module("problems")
    X = np.array([[3.0, 1.0], [0.0, 2.0]])
    problem = problems.Greedy("", X, Dictionary(np.eye(2)), n_nonzero=1)
    codes = np.array([[3.0, 0.0], [0.0, 2.0]])
    found = problem.judge(codes)
    assert (found["worst_error"], found["mean_error"], found["most_atoms"]) == (1.0, 0.5, 1)
    assert problems.same_support(codes, [2, 1] * codes) == 1.0
    assert problems.same_support(codes, X) == 0.5


@pytest.mark.parametrize("target", [{"n_nonzero": 2}, {"n_nonzero": None, "error": 0.5}], ids=str)
@pytest.mark.parametrize("name", ["SpamsOMP", "OMPGram", "OursGreedy"])
def test_greedy_coders_reach_the_target(module, make_lasso, name, target):
    lasso, coder = make_lasso(), getattr(module("coders"), name)()
    problem = module("problems").Greedy("", lasso.X, lasso.dictionary, **target)
    reason = coder.unavailable(problem)
    if reason is not None:
        pytest.skip(reason)
    coder.prepare(problem)
    coder.run()
    found = problem.judge(coder.codes)
    if "error" in target:
        assert found["worst_error"] <= problem.error + 1e-12
        assert found["mean_atoms"] < 6
    else:
        assert found["most_atoms"] == found["mean_atoms"] == 2


@pytest.mark.needs_jit("learns a dictionary")
def test_table_runs_without_the_other_libraries(tmp_path):
    # One library is not there, one does not work with what else is installed.
    (tmp_path / "spams.py").write_text("raise ImportError('not on this machine')")
    (tmp_path / "skglm.py").write_text("raise ImportError('not on this machine')")
    (tmp_path / "celer.py").write_text("")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, FOLDER / "table.py", "A", "--quick", "--rounds", "1"],
        env={**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path)},
        cwd=FOLDER.parents[1], capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "spams skipped: not on this machine (pip install spams-bin)" in result.stdout
    assert "celer, gap 1e-06: failed, AttributeError" in result.stdout
    rows = [line.split() for line in result.stdout.splitlines() if "FeatureSign, tol" in line]
    # The last of them are of the calls with one sample.
    assert [float(row[8]) <= float(row[3]) for row in rows[:3]] == [True] * 3
    assert [row[-1] for row in rows] == ["s"] * 3 + ["ms"] * 2
    assert sorted(file.suffix for file in tmp_path.rglob("*-*.npy")) == [".npy"] * 2
    assert not list(tmp_path.rglob("*.part"))
