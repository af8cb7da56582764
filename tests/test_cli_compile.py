"""``sparsecode compile``: what it compiles, what it says, and how it ends."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from sparsecode import solvers
from sparsecode.cli import _kernel_calls, main
from sparsecode.cli import compile as compiling
from sparsecode.cli._workers import Outcome, outcomes

needs_jit = pytest.mark.needs_jit("about the compiler")


def run(*arguments):
    return CliRunner().invoke(main, ["compile", *arguments])


class Mine(solvers.FISTA):
    """A solver that is new in the package."""


def test_what_is_in_all_has_a_call(monkeypatch):
    calls = _kernel_calls.calls_by_part()
    abstract = {"Solver", "SolveResult", "choose_solver"}
    named = {name.partition(",")[0] for name in calls["solvers"]}
    assert named == set(solvers.__all__) - abstract
    assert "FISTA, L1" in calls["solvers"] and "FISTA, GroupL1" in calls["solvers"]
    monkeypatch.setattr(solvers, "Mine", Mine, raising=False)
    monkeypatch.setattr(solvers, "__all__", [*solvers.__all__, "Mine"])
    assert "Mine, L1" in _kernel_calls.calls_by_part()["solvers"]


RUN_ALL = """
    from sparsecode.cli import _kernel_calls
    for part, calls in _kernel_calls.calls_by_part().items():
        for name in calls:
            for dtype in _kernel_calls.DTYPES:
                try:
                    _kernel_calls.run(part, name, dtype)
                except Exception as error:
                    print(part, name, dtype, repr(error))
"""


def test_calls_run():
    """As plain Python, where nothing is compiled."""
    command = [sys.executable, "-c", textwrap.dedent(RUN_ALL)]
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_only_takes_parts_and_classes():
    chosen = compiling._chosen(["LISTA", "optimizers"])
    assert {("estimators", "LISTA"), ("encoders", "LISTA")} < set(chosen)
    assert {part for part, _ in chosen} == {"estimators", "encoders", "optimizers"}
    result = run("--only", "nothing")
    assert result.exit_code == 2
    assert "--only is 'nothing'; expected one of solvers, updates" in result.stderr


def test_without_a_compiler_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    result = run("--only", "FISTA")
    assert result.exit_code == 2 and "NUMBA_DISABLE_JIT is set" in result.stderr


def half(number):
    """A call of a worker: it fails for odd numbers, and ends its process at 13."""
    if number == 13:
        os._exit(7)
    if number % 2:
        raise ValueError(f"{number} is\nodd")
    return number // 2


def test_workers_return_results_and_errors():
    calls = [(number,) for number in (4, 13, 3, 6, 8)]
    found = {outcome.call[0]: outcome[1:] for outcome in outcomes(half, calls, 2)}
    assert found == {
        4: (2, None), 6: (3, None), 8: (4, None),
        3: (None, "ValueError: 3 is odd"),
        13: (None, "the process ended with exit code 7"),
    }  # fmt: skip


def test_failures_are_named(monkeypatch):
    ends = [(("solvers", "FISTA, L1", "float64"), [__file__], None)]
    ends += [(("solvers", "OMP, KSparse", "float64"), None, "OSError: no space")]
    monkeypatch.setattr(compiling, "outcomes", lambda *_: (Outcome(*end) for end in ends))
    result = run("--only", "FISTA")
    assert result.exit_code == 1
    assert "Error: solvers: OMP, KSparse, float64: OSError: no space" in result.stderr
    assert "[2/6] solvers: OMP, KSparse, float64 failed" in result.stderr
    assert result.stdout.startswith("1 kernels in ")


TYPICAL = """
    import numba.core.event
    compiled = []

    class Note(numba.core.event.Listener):
        def on_start(self, event):
            compiled.append(str(event.data["dispatcher"]))
        def on_end(self, event):
            pass

    numba.core.event.register("numba:compile", Note())

    import numpy as np
    import sparsecode as sc
    from sparsecode.penalties import L1, KSparse
    from sparsecode.solvers import FISTA, OMP

    X = np.random.default_rng(0).standard_normal((300, 25))
    dictionary = sc.Dictionary.random(40, 25, random_state=0)
    sc.SparseCoder(dictionary, alpha=0.5).fit(X).transform(X)
    OMP().solve(X, dictionary, KSparse(4))
    FISTA().solve(X, dictionary, L1(0.5))
    sc.DictionaryLearning(40, alpha=0.5, n_epochs=2, random_state=0).fit(X).transform(X)
    sc.LISTA(dictionary=dictionary, alpha=0.5, n_epochs=2, random_state=0).fit(X).transform(X)
    sc.SparseAutoencoder(40, alpha=0.5, n_epochs=2, random_state=0).fit(X).transform(X)
    print(*compiled, sep="\\n")
"""
NAMES = ("SparseCoder", "OMP", "FISTA", "DictionaryLearning", "LISTA", "SparseAutoencoder")


@needs_jit
def test_later_processes_compile_nothing(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    only = [word for name in NAMES for word in ("--only", name)]
    command = [sys.executable, "-m", "sparsecode", "compile", "--dtype", "float64", *only]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_kernels = int(done.stdout.split()[0])
    assert n_kernels == len(list(tmp_path.rglob("*.nbc"))) > 10
    assert str(tmp_path) in done.stdout and "processors of the model" in done.stdout
    script = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(TYPICAL)]
    later = subprocess.run(script, env=environment, capture_output=True, text=True)
    assert (later.returncode, later.stdout.split()) == (0, []), later.stderr


@needs_jit
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_it_and_its_processes(tmp_path):
    command = [sys.executable, "-m", "sparsecode", "compile", "--only", "penalties", "--jobs", "2"]
    child = subprocess.Popen(
        command, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stderr.readline().startswith("[1/")
        # To all of them, as a terminal sends it.
        os.killpg(child.pid, signal.SIGINT)
        output, errors = child.communicate(timeout=60)
        assert child.returncode == 130, errors
        assert not output and errors.endswith("stay in the cache.\n")
        assert "Traceback" not in errors
        deadline = time.monotonic() + 30
        while _processes_of(child.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        child.kill()
        child.communicate()


def _processes_of(session):
    """Processes that live in a session, where the system lists them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = entry.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(entry)
    return found
