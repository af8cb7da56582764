"""Benchmarks: coders and learners do what they say, and the tables run on their own."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
    output = _run_without_spams(FOLDER / "table.py", "A", "--quick", "--rounds=1", folder=tmp_path)
    assert "spams skipped: not on this machine (pip install spams-bin)" in output
    assert "celer, gap 1e-06: failed, AttributeError" in output
    rows = [line.split() for line in output.splitlines() if "FeatureSign, tol" in line]
    # The last of them are of the calls with one sample.
    assert [float(row[8]) <= float(row[3]) for row in rows[:3]] == [True] * 3
    assert [row[-1] for row in rows] == ["s"] * 3 + ["ms"] * 2
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
    output = _run_without_spams(table, "A", "--quick", "--rounds=1", folder=tmp_path)
    assert "spams skipped: not on this machine (pip install spams-bin)" in output
    rows = [line.split() for line in output.splitlines() if "scikit-learn cd" in line]
    assert len(rows) == 1
    last = [line.split() for line in output.splitlines() if line.startswith("    defaults")]
    # Close to the one of scikit-learn: both learn the same.
    assert [float(row[-1]) for row in last] == [pytest.approx(float(rows[0][6]), rel=0.1)] * 2


@pytest.mark.needs_jit("learns many dictionaries")
def test_recovery_runs():
    output = _run(BENCHMARKS / "recovery.py", "--quick", "--seeds=1")
    names = [line.split(" ")[0] for line in output.splitlines() if line.endswith(" s")]
    assert names[:4] == ["KSVD", "ApproximateKSVD", "MOD", "BlockUpdate,"]


@pytest.mark.needs_jit("trains many networks")
def test_errors_of_unrolled_networks_run():
    script = BENCHMARKS / "unrolled" / "nmse.py"
    output = _run(script, "--quick", "--size=20x40", "--snr=inf", "--snr=20")
    rows = [line.split() for line in output.splitlines()]
    # Two layers, and the error of the second is less.
    ladders = {row[0]: [float(x) for x in row[-2:]] for row in rows if row[:1] == ["ISTA"]}
    assert ladders["ISTA"][1] < ladders["ISTA"][0] < 0
    assert output.count("SLISTA") == 2


@pytest.fixture
def unrolled(monkeypatch):
    """Function that imports a script of the benchmark of unrolled networks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS / "unrolled"))
    yield importlib.import_module
    for name in ("nmse", "speed", "_common"):
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
    output = _run(script, "--quick", "--rounds=1", PYTHONPATH=path)
    assert "training steps skipped: not on this machine (pip install torch)" in output
    assert len(output.partition("inference")[2].splitlines()) == 9


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
def test_amortisation_gap_runs(options):
    table = BENCHMARKS / "amortisation_gap" / "table.py"
    output = _run(table, "--steps=20", "--samples=40", *options)
    rows = [line.split("  ") for line in output.splitlines() if line.endswith(" us")]
    assert len(rows) == (12 if "--new" in options else 3)
    assert rows[0][0] == "SAE"
    # The certified optimum is the unit.
    exact = next(line.split() for line in output.splitlines() if " lasso  " in line)
    assert float(exact[-5]) == 1


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
def test_out_of_distribution_runs():
    script = BENCHMARKS / "autoencoders" / "out_of_distribution.py"
    output = _run(script, "--n-latents=30", "--seeds=1", "--epochs=2", "--samples=100")
    rows = [line for line in output.splitlines() if line.endswith(" s")]
    assert [row.split(" ")[0] for row in rows[:3]] == ["oracle", "alternating", "alternating,"]
    assert len(rows) == 10


@pytest.mark.needs_jit("trains many autoencoders")
def test_autoencoders_of_activations_run(tmp_path):
    script = BENCHMARKS / "autoencoders" / "language_model.py"
    X = make_sparse_signals(300, 24, 8, n_nonzero=2, random_state=0).X
    np.savez(tmp_path / "data.npz", activations=X.astype(np.float16))
    output = _run(script, tmp_path / "data.npz", "--target=3", "--units=24", "--epochs=3")
    rows = [line.split() for line in output.splitlines() if " % " in line]
    assert [row[0] for row in rows[-5:]] == ["ReLU", "Gated", "JumpReLU", "TopK", "BatchTopK"]
    assert rows[-2][1:3] == ["3", "3.00"]


def test_activations_that_are_not_there_are_told(tmp_path):
    script = BENCHMARKS / "autoencoders" / "language_model.py"
    result = subprocess.run(
        [sys.executable, script, tmp_path / "none.npz"],
        cwd=BENCHMARKS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "none.npz is not there" in result.stderr


def test_units_of_digits_are_classified():
    script = BENCHMARKS / "autoencoders" / "winner_take_all.py"
    output = _run(script, "--seeds=1", "--epochs=2", "--units=16")
    rows = [line for line in output.splitlines() if " ± " in line]
    assert [row[:6] for row in rows] == ["pixels", "units ", "units,"]
    assert float(rows[0].split()[1]) > 94


def test_mean_activations_follow_their_target():
    output = _run(BENCHMARKS / "autoencoders" / "kl.py", "--epochs=30", "--units=8", "--weight=10")
    rows = [line.split() for line in output.splitlines() if " to " in line]
    assert [row[1] for row in rows] == ["0.02", "0.05", "0.1", "0.2", "0.5"]
    means = np.array([float(row[2]) for row in rows])
    assert (np.diff(means) > 0).all()
    assert means[-1] == pytest.approx(0.5, rel=0.1)


@pytest.mark.needs_jit("trains many autoencoders")
def test_dead_units_run():
    output = _run(BENCHMARKS / "autoencoders" / "dead_units.py", "--quick")
    rows = [line for line in output.splitlines() if line.endswith(" s")]
    dead = {(row[:10].strip(), row[10:38].strip()): float(row[38:44]) for row in rows}
    assert len(rows) == len(dead) == 28
    # Of the units whose pre-activations are all negative, only new starts make use.
    assert dead["negative", "nothing"] == dead["negative", "AuxK"] > 90
    assert dead["negative", "replacement"] < 10


@pytest.mark.needs_jit("times autoencoders")
def test_speed_of_autoencoders_runs(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('not on this machine')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    output = _run(BENCHMARKS / "autoencoders" / "speed.py", "--quick", PYTHONPATH=path)
    assert "torch is left out: not on this machine (pip install torch==2.13.0)" in output
    rows = [line.split()[:2] for line in output.splitlines() if line.startswith("sparsecode")]
    assert rows[1] == ["sparsecode,", "unit"]


@pytest.mark.needs_jit("times autoencoders")
def test_speed_against_width_runs():
    script = BENCHMARKS / "autoencoders" / "widths.py"
    output = _run(script, "--widths", "64", "128", "--n-steps=3")
    assert [line.split()[0] for line in output.splitlines()[-3:-1]] == ["64", "128"]
    assert 0 < float(output.split("batches of 4096:")[1].split()[0]) < 2


def _run_without_spams(script, *options, folder):
    """Output of a script that finds no SPAMS, and caches in a folder."""
    (folder / "spams.py").write_text("raise ImportError('not on this machine')")
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return _run(script, *options, PYTHONPATH=path, XDG_CACHE_HOME=str(folder))


def _run(script, *options, **environment):
    result = subprocess.run(
        [sys.executable, script, *options], env={**os.environ, **environment},
        cwd=BENCHMARKS.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout
