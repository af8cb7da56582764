"""Benchmarks: coders and learners do what they say, and the tables run on their own."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sparsecode import Dictionary
from sparsecode.datasets import make_sparse_signals
from sparsecode.losses import LassoLoss

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
FOLDER = BENCHMARKS / "coding"


def _importer(folder, monkeypatch):
    """Function that imports a module of a benchmark: all have theirs in a package of one name."""
    monkeypatch.syspath_prepend(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmark_utils"]:
        monkeypatch.delitem(sys.modules, name)
    yield lambda name: importlib.import_module(f"benchmark_utils.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmark_utils"]:
        del sys.modules[name]


@pytest.fixture
def module(monkeypatch):
    """Function that imports a module of the benchmark of exact coding."""
    yield from _importer(FOLDER, monkeypatch)


@pytest.fixture
def learning(monkeypatch):
    """Function that imports a module of the benchmark of learning."""
    yield from _importer(BENCHMARKS / "learning", monkeypatch)


@pytest.fixture
def make_lasso(module, X, frame):
    """Function that makes a lasso problem, of data that float32 holds exactly.

    With few nonzeros: SPAMS allows no more than there are features.
    """
    X, atoms = (array.astype(np.float32).astype(np.float64) for array in (X, frame))
    return lambda **options: module("problems").Lasso("", X, Dictionary(atoms), 0.6, **options)


LASSO = [{}, {"positive": True}]
ELASTIC_NET = [{"l2": 0.1}, {"l2": 0.1, "positive": True}]
ALL = LASSO + ELASTIC_NET
# A coder, the gap that it reaches, and the problems that it solves.
CODERS = [
    ("Ours", {}, 1e-6, ALL),
    ("Ours", {"dtype": "float32", "tol": 1e-4}, 1e-4, ALL),
    ("SpamsLasso", {}, 1e-9, ALL),
    ("SpamsLasso", {"gram": False}, 1e-9, ALL),
    ("SpamsLasso", {"dtype": "float32"}, 1e-5, ALL),
    ("LassoCD", {"gap": 1e-8}, 1e-8, LASSO),
    # With positive=True scikit-learn stops early on one of these samples.
    ("LassoLars", {}, 1e-9, LASSO[:1]),
    ("LassoOnGram", {"gap": 1e-8}, 1e-8, ALL),
    ("CelerLasso", {"gap": 1e-8}, 1e-8, ALL),
    pytest.param(
        "SkglmLasso",
        {"gap": 1e-8},
        1e-8,
        ALL,
        marks=pytest.mark.needs_jit("skglm fails without it"),
    ),
]


@pytest.mark.parametrize(("name", "arguments", "gap", "problems"), CODERS, ids=str)
def test_coders_solve_their_problems(module, make_lasso, name, arguments, gap, problems):
    for options in problems:
        problem, coder = make_lasso(**options), getattr(module("coders"), name)(**arguments)
        reason = coder.unavailable(problem)
        if reason is not None:
            assert "pip install" in reason, options
            pytest.skip(reason)
        coder.prepare(problem)
        coder.tune()
        coder.run()
        found = problem.judge(coder.codes)
        assert found["worst_gap"] <= gap, options
        assert 0 < found["nonzeros"] < len(problem.dictionary.atoms), options


@pytest.mark.parametrize("name", ["LassoCD", "LassoLars"])
def test_coders_that_know_no_elastic_net_say_so(module, make_lasso, name):
    for options in ELASTIC_NET:
        reason = getattr(module("coders"), name)().unavailable(make_lasso(**options))
        assert reason == "sparse_encode has no elastic net"


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
    (tmp_path / "skglm.py").write_text("raise ImportError('not on this machine')")
    (tmp_path / "celer.py").write_text("")
    codes, single = _run_without_spams(
        FOLDER / "table.py", "A", "--quick", "--rounds=1", folder=tmp_path
    )
    reasons = {row["solver"]: row["dtype"] for row in codes}
    assert reasons["SPAMS lasso"] == reasons["skglm, gap 1e-06"] == "not installed"
    assert reasons["celer, gap 1e-06"].startswith("failed, AttributeError")
    ours = [row for row in codes if row["solver"].startswith("sparsecode FeatureSign, tol")]
    assert [row["worst gap"] <= float(row["solver"].split()[-1]) for row in ours] == [True] * 3
    assert [row["x SPAMS"] for row in ours] == [None] * 3
    assert [row["ms"] > 0 for row in single if "sparsecode" in row["solver"]] == [True] * 3
    assert sorted(file.suffix for file in tmp_path.rglob("*-*.npy")) == [".npy"] * 2
    assert not list(tmp_path.rglob("*.part"))


@pytest.fixture
def learning_problem(learning):
    """A learning problem of sparse signals."""
    X = make_sparse_signals(600, 12, 8, n_nonzero=2, random_state=0).X
    return learning("problems").Learning("", X[:500].astype(np.float32), X[500:], 12, 0.1)


def test_held_out_objective_with_orthogonal_atoms(learning):
    X = np.array([[2.0, 0.1], [0.0, -1.0]])
    problem = learning("problems").Learning("", X.astype(np.float32), X, 2, 0.5)
    # Codes (1.5, 0) and (0, -0.5).
    found = problem.judge(np.eye(2))
    assert found["value"] == pytest.approx((0.88 + 0.375) / 2)
    assert found["nonzeros"] == 1
    assert problem.n_nonzero(np.eye(2)) == 1
    with pytest.raises(ValueError, match=r"norm 1\.1"):
        problem.judge(1.1 * np.eye(2))


def test_start_is_of_training_samples_and_differs_by_seed(learning_problem):
    start = learning_problem.start
    X = learning_problem.X / np.linalg.norm(learning_problem.X, axis=1, keepdims=True)
    assert np.allclose((start @ X.T).max(axis=1), 1)
    assert not np.allclose(start, learning_problem.started(1).start)


LEARNERS = [
    ("Ours", {"batch_size": 100}),
    ("Ours", {"batch_size": 100, "forgetting": 1.0, "dtype": "float64"}),
    ("MiniBatch", {"batch_size": 100}),
    ("MiniBatch", {"batch_size": 100, "fit_algorithm": "lars", "dtype": "float64"}),
    ("TrainDL", {"batch_size": 100}),
    ("TrainDL", {"batch_size": 100, "dtype": "float64"}),
]


@pytest.mark.parametrize(("name", "options"), LEARNERS, ids=str)
def test_learners_improve_the_start(learning, learning_problem, capfd, name, options):
    learner = getattr(learning("learners"), name)(**options)
    reason = learner.unavailable()
    if reason is not None:
        pytest.skip(reason)
    learner.prepare(learning_problem)
    # The least that it can do: a batch.
    trace = learner.run(0)
    assert capfd.readouterr().out == ""
    assert trace.seconds[-1] > 0
    assert trace.atoms[-1].dtype == learner.dtype
    before = learning_problem.judge(learning_problem.start)["value"]
    assert trace.judge(learning_problem).objectives[-1] < before


def test_batches_go_on_until_the_time_is_over(learning, learning_problem, monkeypatch):
    """By a clock on which a batch takes an eighth of a second."""
    learner = learning("learners").Ours(batch_size=100)
    monkeypatch.setattr(learning("learners.base"), "clock", lambda run: run() is None or 0.125)
    learner.prepare(learning_problem)
    trace = learner.run(0.3)
    assert trace.seconds == [0, 0.125, 0.25, 0.375]
    assert len(trace.atoms) == 4
    assert not np.array_equal(trace.atoms[-2], trace.atoms[-1])


def test_trace_is_read_between_its_dictionaries(learning):
    trace = learning("trace").Trace([0.0, 1.0, 3.0], [], np.array([8.0, 4.0, 5.0]))
    assert trace.seconds_to(6.0) == pytest.approx(0.5)
    assert trace.seconds_to(9.0) == 0
    assert trace.seconds_to(5.0) == pytest.approx(0.75)
    assert trace.seconds_to(4.5) == np.inf
    assert trace.objective_after(2.0) == pytest.approx(4.5)
    assert np.isnan(trace.objective_after(3.1))
    race, make = learning("race"), learning("trace").Trace
    theirs = [make([2.0], [], np.array([goal])) for goal in (6.0, 5.0)]
    (target,) = race.targets([("theirs", theirs)], {"ours": [trace, trace]}, ["ours"])
    assert target.reached["ours"].tolist() == [0.5, 0.75]
    assert target.ratio("ours") == pytest.approx((4 + 2 / 0.75) / 2)


@pytest.mark.needs_jit("learns for seconds")
def test_learning_table_runs_without_spams(tmp_path):
    table = BENCHMARKS / "learning" / "table.py"
    found, after = _run_without_spams(table, "A", "--quick", "--rounds=1", folder=tmp_path)
    assert [row["seconds"] == "not installed" for row in found] == [True, False]
    # Close to the one of scikit-learn: both learn the same.
    goal = pytest.approx(found[1]["objective"], rel=0.1)
    assert [row["1 s"] for row in after if row[""].startswith("defaults")] == [goal] * 2


@pytest.mark.needs_jit("learns many dictionaries")
def test_many_models_runs(tmp_path):
    (rows,) = _tables(BENCHMARKS / "distributed" / "many_models.py", "--quick", folder=tmp_path)
    assert [row[""] for row in rows][-2:] == [
        "reading and five trainings", "five models in one pass"
    ]  # fmt: skip


def test_data_parallel_runs(tmp_path):
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    script = BENCHMARKS / "distributed" / "data_parallel.py"
    tables = list(_tables(script, "--quick", folder=tmp_path))
    assert [len(rows) for rows in tables] == [1, 1]


def test_recovery_runs(tmp_path):
    (rows,) = _tables(BENCHMARKS / "recovery.py", "--quick", "--seeds=1", folder=tmp_path)
    names = [row["update"] for row in rows]
    assert names == ["KSVD", "ApproximateKSVD", "MOD", "BlockUpdate, online"]


@pytest.mark.needs_jit("trains many networks")
def test_errors_of_unrolled_networks_run(tmp_path):
    script = BENCHMARKS / "unrolled" / "nmse.py"
    options = ["--quick", "--size=20x40", "--snr=inf", "--snr=20"]
    tables = _tables(script, *options, folder=tmp_path)
    assert len(tables) == 2
    for rows in tables:
        # Two layers, and the error of the second is less.
        assert rows[0][""] == "ISTA" and rows[0]["2"] < rows[0]["1"] < 0
        assert [row[""] for row in rows].count("SLISTA") == 1


@pytest.fixture
def unrolled(monkeypatch):
    """Function that imports a script of the benchmark of unrolled networks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "unrolled"))
    yield importlib.import_module
    for name in ("nmse", "speed", "_common", "_report"):
        sys.modules.pop(name, None)


def test_signals_of_unrolled_networks(unrolled):
    nmse = unrolled("nmse")
    signals = nmse.Signals(30, 60, 20.0, 0)
    X, codes = next(signals.batches(0, 20_000))
    clean = codes @ signals.dictionary.atoms
    assert 10 * np.log10(np.sum(clean**2) / np.sum((X - clean) ** 2)) == pytest.approx(20, abs=0.1)
    assert np.mean(codes != 0) == pytest.approx(0.1, abs=0.002)
    assert codes[codes != 0].var() == pytest.approx(1, abs=0.03)
    assert not np.array_equal(codes[:5], next(signals.batches(1, 5))[1])
    assert nmse.nmse(0.9 * codes, codes) == pytest.approx(-20, abs=1e-4)


def test_torch_trains_the_same_network(unrolled):
    torch, speed = pytest.importorskip("torch"), unrolled("speed")
    dictionary, X, codes = speed.signals(8, 12, 20)
    for tied in (False, True):
        encoder = speed.LISTA(speed.L1(0.1), n_layers=3, tied=tied)
        assert speed.check_same(torch, encoder, dictionary, X, codes) < 1e-5


@pytest.mark.needs_jit("times networks")
def test_speed_of_unrolled_networks_runs(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('not on this machine')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    script = BENCHMARKS / "unrolled" / "speed.py"
    steps, inference = _tables(script, "--quick", "--rounds=1", folder=tmp_path, PYTHONPATH=path)
    assert [row[""] for row in steps] == ["torch"] and steps[0]["batch"] == "not installed"
    assert len(inference) == 8 and all(row["x products"] > 0 for row in inference)


@pytest.fixture
def gap(monkeypatch):
    """Function that imports a module of the benchmark of the amortisation gap."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "amortisation_gap"))
    yield importlib.import_module
    for name in ("methods", "problem"):
        sys.modules.pop(name, None)


def test_problem_of_the_paper(gap):
    problem = gap("problem").paper_problem(n_samples=50)
    assert problem.X.shape == problem.X_test.shape == (50, 8)
    assert ((problem.codes > 0).sum(axis=1) == 3).all()
    np.testing.assert_allclose(problem.codes @ problem.dictionary.atoms, problem.X, atol=1e-6)
    # What torch 2 draws after manual_seed(0).
    normal = gap("problem").torch_normal(0, (16,))
    np.testing.assert_allclose(normal[:3], [-1.12583983, -1.15236020, -0.25057858], atol=1e-6)
    uniform = gap("problem").torch_uniform(0)((3,))
    np.testing.assert_allclose(uniform, [0.49625659, 0.76822180, 0.08847743], atol=1e-7)


def test_loss_of_the_paper_is_ours_in_another_scale(gap, rng):
    problem = gap("problem")
    X, _, _, _, dictionary = problem.new_problem(0, n_samples=40)
    codes = rng.random((40, 16))
    theirs = np.mean((X - codes @ dictionary.atoms) ** 2) + 0.01 * np.mean(np.abs(codes))
    value = LassoLoss(problem.penalty())(X, dictionary, codes)[0]
    assert value == pytest.approx(theirs * 8 / 2)


@pytest.mark.needs_jit("trains many encoders")
@pytest.mark.parametrize("options", [["--new", "--seeds=2"], ["--unknown", "--seeds=1"]], ids=str)
def test_amortisation_gap_runs(options, tmp_path):
    table = BENCHMARKS / "amortisation_gap" / "table.py"
    (rows,) = _tables(table, "--steps=20", "--samples=40", *options, folder=tmp_path)
    rows = {row["method"]: row for row in rows if row["coding, us"] is not None}
    assert len(rows) == (12 if "--new" in options else 3)
    assert next(iter(rows)) == "SAE"
    # The certified optimum is the unit.
    exact = next(row for name, row in rows.items() if name.endswith("exact lasso"))
    assert exact["objective"] == pytest.approx(1)


@pytest.fixture
def out_of_distribution(monkeypatch):
    """The benchmark of autoencoders out of distribution, as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "autoencoders"))
    yield importlib.import_module("out_of_distribution")
    sys.modules.pop("out_of_distribution", None)


def test_problem_out_of_distribution(out_of_distribution):
    problem = out_of_distribution.make_problem(50, 200, seed=0)
    assert problem.train.shape == problem.X.shape == problem.X_other.shape == (100, 33)
    for codes in (problem.codes, problem.codes_other):
        assert ((codes > 0).sum(axis=1) == 10).all()
    # The first latent never meets one of the second half, but only such out of distribution.
    has_first = problem.codes[:, 0] > 0
    assert 20 < has_first.sum() < 80
    assert not problem.codes[has_first, 25:].any()
    assert problem.codes[~has_first, 25:].any()
    assert (problem.codes_other[:, 0] > 0).all()
    assert not problem.codes_other[:, 1:25].any()
    np.testing.assert_allclose(problem.dictionary.decode(problem.codes), problem.X, atol=1e-5)


def test_iterations_that_codes_are_worth(out_of_distribution):
    problem = out_of_distribution.make_problem(50, 200, seed=0)
    data = problem.X, problem.dictionary, problem.codes, out_of_distribution.code_mcc
    few = out_of_distribution.Exact(
        out_of_distribution.PENALTY, out_of_distribution.FISTA(max_iter=7, tol=0)
    )
    mcc = out_of_distribution.code_mcc(few.encode(*data[:2]), problem.codes)
    assert out_of_distribution.iterations_worth(*data, mcc) == 7
    assert out_of_distribution.iterations_worth(*data, 1.0) == np.inf


@pytest.mark.needs_jit("trains many autoencoders")
def test_out_of_distribution_runs(tmp_path):
    script = BENCHMARKS / "autoencoders" / "out_of_distribution.py"
    options = ["--n-latents=30", "--seeds=1", "--epochs=2", "--samples=100"]
    (rows,) = _tables(script, *options, folder=tmp_path)
    names = [row["method"] for row in rows]
    assert names[:3] == ["oracle", "alternating", "alternating, l0 of 10"]
    assert len(rows) == 10


@pytest.mark.needs_jit("trains many autoencoders")
def test_autoencoders_of_activations_run(tmp_path):
    script = BENCHMARKS / "autoencoders" / "language_model.py"
    X = make_sparse_signals(300, 24, 8, n_nonzero=2, random_state=0).X
    np.savez(tmp_path / "data.npz", activations=X.astype(np.float16))
    options = [tmp_path / "data.npz", "--target=3", "--units=24", "--epochs=3"]
    (rows,) = _tables(script, *options, folder=tmp_path)
    names = [row["encoder"] for row in rows]
    assert names == ["ReLU", "Gated", "JumpReLU", "TopK", "BatchTopK"]
    assert (rows[3]["asked"], rows[3]["l0"]) == (3, pytest.approx(3))


def test_activations_that_are_not_there_are_told(tmp_path):
    script = BENCHMARKS / "autoencoders" / "language_model.py"
    result = subprocess.run(
        [sys.executable, script, tmp_path / "none.npz"],
        cwd=BENCHMARKS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "none.npz is not there" in result.stderr


def test_units_of_digits_are_classified(tmp_path):
    script = BENCHMARKS / "autoencoders" / "winner_take_all.py"
    (rows,) = _tables(script, "--seeds=1", "--epochs=2", "--units=16", folder=tmp_path)
    assert [row["inputs"] for row in rows] == ["pixels", "units", "units, tied weights"]
    assert rows[0]["accuracy, %"] > 94


def test_mean_activations_follow_their_target(tmp_path):
    script = BENCHMARKS / "autoencoders" / "kl.py"
    (rows,) = _tables(script, "--epochs=30", "--units=8", "--weight=10", folder=tmp_path)
    assert [row["rho"] for row in rows] == [0.02, 0.05, 0.1, 0.2, 0.5]
    means = np.array([row["mean"] for row in rows])
    assert (np.diff(means) > 0).all()
    assert means[-1] == pytest.approx(0.5, rel=0.1)


@pytest.mark.needs_jit("trains many autoencoders")
def test_dead_units_run(tmp_path):
    (rows,) = _tables(BENCHMARKS / "autoencoders" / "dead_units.py", "--quick", folder=tmp_path)
    dead = {(row["start"], row["remedy"]): row["dead, %"] for row in rows}
    assert len(rows) == len(dead) == 28
    # Of the units whose pre-activations are all negative, only new starts make use.
    assert dead["negative", "nothing"] == dead["negative", "AuxK"] > 90
    assert dead["negative", "replacement"] < 10


@pytest.mark.needs_jit("times autoencoders")
def test_speed_of_autoencoders_runs(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('not on this machine')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    script = BENCHMARKS / "autoencoders" / "speed.py"
    tables = _tables(script, "--quick", folder=tmp_path, PYTHONPATH=path)
    names = ["torch", "sparsecode", "sparsecode, unit norm", "encoder product"]
    assert [[row[""] for row in rows] for rows in tables] == [names] * 2
    assert tables[0][0]["median ms"] == "not installed"


@pytest.mark.needs_jit("times autoencoders")
def test_cost_of_refined_encoders_runs(tmp_path):
    script = BENCHMARKS / "autoencoders" / "refined.py"
    tables = _tables(script, "--quick", folder=tmp_path)
    names = ["plain", "1 step", "3 steps", "1 step, feedback learned"]
    assert [[row[""] for row in rows] for rows in tables] == [names] * 4
    assert all(row["core ms"] > 0 for rows in tables for row in rows)


@pytest.mark.needs_jit("times autoencoders")
def test_speed_against_width_runs(tmp_path):
    script = BENCHMARKS / "autoencoders" / "widths.py"
    steps, peaks = _tables(script, "--widths", "64", "128", "--n-steps=3", folder=tmp_path)
    assert [row["units"] for row in steps] == [64, 128]
    assert 0 < peaks[0]["GiB"] < 2


def _run_without_spams(script, *options, folder):
    """Tables of a script that finds no SPAMS, and caches in a folder."""
    (folder / "spams.py").write_text("raise ImportError('not on this machine')")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return _tables(script, *options, folder=folder, PYTHONPATH=path, XDG_CACHE_HOME=str(folder))


def _tables(script, *options, folder, **environment):
    """Tables that a script writes: a list of rows, by heading, for each of them."""
    file = folder / "result.json"
    environment["SPARSECODE_BENCHMARK_RESULT"] = str(file)
    result = subprocess.run(
        [sys.executable, script, *options], env={**os.environ, **environment},
        cwd=BENCHMARKS.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    parts = [part for part in json.loads(file.read_text())["parts"] if "table" in part]
    return [
        [dict(zip(part["columns"], row["cells"], strict=True)) for row in part["rows"]]
        for part in parts
    ]


@pytest.fixture
def scripts(monkeypatch):
    """Function that imports a script of the folder of benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in ("run_all", "_report", "_common"):
        sys.modules.pop(name, None)


def test_every_benchmark_has_its_script_and_its_place_on_the_page(scripts):
    page = (BENCHMARKS.parent / "docs" / "performance.rst").read_text()
    named = [benchmark.name for benchmark in scripts("run_all").BENCHMARKS]
    assert sorted(re.findall(r"benchmark:: (\w+)", page)) == sorted(named)
    checks = BENCHMARKS.parent.joinpath(".ci", "run").read_text().rpartition("--quick")[2].split()
    tested = Path(__file__).read_text()
    for benchmark in scripts("run_all").BENCHMARKS:
        assert benchmark.name in checks or f'"{Path(benchmark.script).name}"' in tested
    run = {str(BENCHMARKS / benchmark.script) for benchmark in scripts("run_all").BENCHMARKS}
    has_main = {str(p) for p in BENCHMARKS.rglob("*.py") if "__main__" in p.read_text()}
    needs_data = BENCHMARKS / "autoencoders" / "language_model.py"
    assert has_main - run == {str(needs_data), str(BENCHMARKS / "run_all.py")}


def test_a_report_is_printed_and_kept(scripts, tmp_path, monkeypatch, capsys):
    module = scripts("_report")
    monkeypatch.setenv(module.RESULT, str(tmp_path / "it.json"))
    report = module.Report("A title")
    table = report.table("Speed", {"name": "", "ms": ".1f"})
    table.row("ours", np.float32(0.25), repetitions=np.array([0.2, 0.3]))
    table.absent("theirs")
    with pytest.raises(ValueError, match="3 cells; expected one for each of"):
        table.row("ours", 1.0, 2.0)
    report.finish()
    assert "theirs" in capsys.readouterr().out
    found = json.loads((tmp_path / "it.json").read_text())
    assert found["title"] == "A title" and found["machine"] and found["load before"]
    assert found["parts"][0]["rows"] == [
        {"cells": ["ours", 0.25], "repetitions": [0.2, 0.3]},
        {"cells": ["theirs", "not installed"]},
    ]


def test_all_benchmarks_go_on_where_they_were(scripts, tmp_path, monkeypatch):
    module = scripts("run_all")
    script = tmp_path / "one.py"
    script.write_text(
        "import os, sys, pathlib\n"
        f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "from _report import Report\n"
        "if 'fail' in sys.argv: sys.exit('of no use')\n"
        "Report('One').finish()\n"
    )
    limits = (60, 60)
    good = module.Benchmark("good", str(script), "", "", "", limits)
    bad = module.Benchmark("bad", str(script), "fail", "fail", None, limits)
    monkeypatch.setattr(module, "BENCHMARKS", [bad, good])
    monkeypatch.setattr(module, "commit", lambda: "abc")
    found = tmp_path / "good.json"

    def run(*options):
        return CliRunner().invoke(module.main, ["--folder", str(tmp_path), *options])

    def measured_at(name):
        found.write_text(json.dumps(json.loads(found.read_text()) | {"commit": name}))

    first = run()
    assert first.exit_code == 1 and "bad failed: exit code 1\nof no use" in first.stderr
    measured_at("abc")
    assert "good: measured before" in run("good").stderr
    assert "good: measured before" in run("good", "--short").stderr
    assert "[1/1] good" in run("good", "--again", "--short").stderr
    measured_at("abc")
    # The short form is no result of the full one.
    assert "[1/1] good" in run("good").stderr
    measured_at("older")
    assert "[1/1] good" in run("good").stderr
    assert run("none").exit_code == 2


def test_pages_show_what_a_benchmark_wrote(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(BENCHMARKS.parent / "docs" / "_extensions"))
    pages = importlib.import_module("benchmark_results")
    columns = {"name": "", "ms": ".1f", "x": ".2f"}
    rows = [{"cells": ["ours", 0.25, 1.0]}, {"cells": ["theirs", "not installed", None]}]
    assert pages.layout({"columns": columns, "rows": rows}) == [
        "name               ms     x",
        "ours              0.2  1.00",
        "theirs  not installed",
    ]
    found = {"benchmark": "one.py", "arguments": ["A", "--quick"], "form": "short"}
    found |= {"commit": "abc", "machine": "a processor", "date": "2026-01-01", "seconds": 7.2}
    found |= {"load before": "0.1 0.2 0.3", "load after": "1.0 0.2 0.3"}
    assert pages.circumstances(found) == (
        "``python benchmarks/one.py A --quick``, short form, commit abc, a processor, 2026-01-01; "
        "load 0.1 before and 1.0 after, 7 s."
    )


@pytest.mark.needs_jit("codes images")
def test_time_of_patch_features_runs(tmp_path):
    script = BENCHMARKS / "prediction" / "patch_features.py"
    (rows,) = _tables(script, "--quick", "--threads", "1", folder=tmp_path)
    assert [row["asked"] for row in rows] == ["under 8", None, "under 40", "under 40"]
    assert all(float(row["worst gap"]) < 1e-4 for row in rows[2:])
    assert all(row["peak GiB"] < 6 for row in rows)


@pytest.mark.needs_jit("codes images")
def test_errors_of_patch_features_run(tmp_path):
    rng = np.random.default_rng(0)
    data = {name: rng.integers(256, size=(90, 28, 28)) for name in ("x_train", "x_test")}
    data |= {name: np.arange(90) % 3 for name in ("y_train", "y_test")}
    np.savez(tmp_path / "data.npz", **data)
    script = BENCHMARKS / "prediction" / "exact_or_threshold.py"
    options = "--quick", "--data", str(tmp_path / "data.npz")
    digits, others = _tables(script, *options, folder=tmp_path)
    names = ["pixels", "soft threshold, alpha=0.5", "lasso, alpha=0.5", "OMP, 2 atoms", "triangle"]
    assert [row["features"] for row in digits] == names == [row["features"] for row in others]
    assert digits[1]["errors %"] < digits[0]["errors %"]
    assert digits[2]["mean gap"] < 1e-4 < digits[1]["mean gap"]
