"""The attack of tools/fuzz_parameters.py: a small round, and that it notices what it looks for."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import parameter_calls
import pytest

from sparsecode.penalties import L1
from sparsecode.solvers import FISTA

pytest.importorskip("resource")
TOOLS = Path(__file__).parent.parent / "tools"


@pytest.fixture
def fuzz_parameters(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import fuzz_parameters

    return fuzz_parameters


def call_of(run):
    """A call of a function with the one parameter `size`."""
    return parameter_calls.Call("a.function", {"size": 1}, {"size": 1}, run)


def test_a_small_round():
    command = [sys.executable, str(TOOLS / "fuzz_parameters.py"), "--n", "300", "--seed", "100"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "'works'" in found.stdout and "'refused'" in found.stdout


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("size is 3; expected 2"), "refused"),
        (ValueError("resize the array"), "foreign"),
        (OSError("abc: no such file"), "refused"),
        (AttributeError("size"), "foreign"),
        (FloatingPointError("the training diverged"), "refused"),
        (AssertionError(), "foreign"),
        (MemoryError(), "memory"),
        (None, "works"),
    ],
)
def test_errors(fuzz_parameters, error, kind):
    def fail(size):
        if error is not None:
            raise error

    assert fuzz_parameters.run(call_of(fail), {"size": "abc"})[0] == kind


@pytest.mark.parametrize("value", [np.ones(3), [1, 2], np.array([{}], dtype=object)], ids=repr)
def test_inputs_that_are_written_to(fuzz_parameters, value):
    def write(size):
        size[0] = 7

    assert fuzz_parameters.run(call_of(write), {"size": value}) == ("written to", "size")
    assert fuzz_parameters.run(call_of(len), {})[0] != "written to"


def test_what_is_not_equal_to_itself_is_not_written_to(fuzz_parameters):
    for value in (np.nan, [np.nan], np.array([np.nan])):
        assert fuzz_parameters.run(call_of(lambda size: size), {"size": value})[0] == "works"


def test_false_claims(fuzz_parameters):
    def solve(size):
        codes = np.full((6, 5), float(size))
        return parameter_calls.Solved(FISTA(), L1(0.1), codes, None, np.ones(6, dtype=bool), 1e-6)

    assert fuzz_parameters.run(call_of(solve), {"size": 1})[0] == "false claim"


def test_only_what_hangs_again_hangs(fuzz_parameters, monkeypatch):
    monkeypatch.setattr(fuzz_parameters, "MOST_SECONDS", 1)
    monkeypatch.setattr(fuzz_parameters, "MOST_COMPILING", 4)
    waits = [1.5, 1.5, 0]
    with fuzz_parameters.alarms():
        slow = call_of(lambda size: time.sleep(waits.pop(0)))
        assert fuzz_parameters.run_in_time(slow, {"size": 1})[0] == "works"
        endless = call_of(lambda size: time.sleep(60))
        monkeypatch.setattr(fuzz_parameters, "MOST_COMPILING", 1)
        assert fuzz_parameters.run_in_time(endless, {"size": 1})[0] == "hang"
