"""Mutations of tools/mutate.py: what is changed in a source, and a toy package with weak tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "tools"

SOURCE = '''
"""Halves: 2 of them."""


def half(x: "1 < 2", low=0.5):
    """Half of x, at least 0.5."""
    if not isinstance(x, float):
        raise TypeError(f"{x} is 3 < 4")
    return max(x / 2, low)
'''
TESTS = """
from sparsecode.halves import half

def test_half():
    assert half(4.0) == 2
"""


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import source_mutations

    return source_mutations


@pytest.fixture
def swaps(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import code_swaps

    return code_swaps


SWAPPED = """
from functools import cached_property, wraps

LOW = 1
MOST = max(n for n in [2])

def kept(function):
    @wraps(function)
    def inner(*args):
        return function(*args) + 10
    return inner

@kept
def decorated(x):
    return 2 * x

class Steps:
    size = 4

    def method(self, x, scale=3, *, shift=LOW):
        return [scale * each + shift for each in x]

    @property
    def read(self):
        return -5

    @cached_property
    def later(self):
        return 6

    @staticmethod
    def alone(x):
        return lambda y: x - y
"""


@pytest.fixture
def living(tmp_path):
    """A module of `SWAPPED`, and the path that its functions name."""
    path = str(tmp_path / "swapped.py")
    names = {}
    exec(compile(SWAPPED, path, "exec"), names)
    return names, path


@pytest.mark.parametrize(
    ("old", "new", "expression", "value"),
    [
        ("2 * x", "2 / x", "decorated(4)", 10.5),
        ("args) + 10", "args) - 10", "decorated(4)", -2),
        ("each + shift", "each - shift", "Steps().method([1])", [2]),
        ("scale=3", "scale=0", "Steps().method([1])", [1]),
        ("shift=LOW", "shift=LOW + 7", "Steps().method([1])", [11]),
        ("-5", "5", "Steps().read", 5),
        ("6", "12", "Steps().later", 12),
        ("x - y", "x + y", "Steps.alone(3)(1)", 4),
    ],
)
def test_living_functions_get_the_changed_code(swaps, living, old, new, expression, value):
    names, path = living
    assert eval(expression, names) != value
    swaps.swap(swaps.functions_of(path), SWAPPED, SWAPPED.replace(old, new), path)
    assert eval(expression, names) == value


@pytest.mark.parametrize("line", ["LOW = 1", "size = 4", "for n in [2"])
def test_what_an_import_runs_once_cannot_be_swapped(swaps, living, line):
    _, path = living
    changed = SWAPPED.replace(line, line + "0")
    with pytest.raises(swaps.CannotSwapError):
        swaps.swap(swaps.functions_of(path), SWAPPED, changed, path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forked processes")
def test_a_fork_ends_at_its_limit(swaps):
    from forked_session import _in_fork

    def work(limit, code):
        signal.setitimer(signal.ITIMER_REAL, limit)
        if code is None:
            time.sleep(600)
        return code

    assert _in_fork(lambda: work(600, 7)) == 7
    assert _in_fork(lambda: work(0.1, None)) is None


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("(a) not  in (b)", {"(a) in (b)"}),
        ("x = (a  # é +\n) + (b)", {") - (b)"}),
        ("a ** -b", {"a * -b", "a ** b"}),
        ("é @ b or not c", {"é @ b and not c", "é @ b or c"}),
        ("x[~a]", {"x[a]"}),
        ("x[:k]", {"x[1:k]", "x[:k - 1]"}),
        ("x[a.i :]", {"x[a.i + 1 :]"}),
        ("range(n)", {"range(n - 1)", "range(1, n)"}),
        ("range(i, n)", {"range(i, n - 1)", "range(i + 1, n)"}),
        ("np.minimum(a, b)", {"np.maximum(a, b)"}),
        ("x += a", {"pass", "x -= a"}),
        ("x = 3, True", {"x = 6, True", "x = 0, True", "x = 3, False"}),
        ("'a < 1'", set()),
    ],
)
def test_one_thing_is_changed_at_a_time(tool, line, changes):
    found = tool.mutants_of(line.encode(), "a.py")
    assert {mutant.new for mutant in found} == changes
    assert {mutant.line for mutant in found} <= {1 + line.count("\n")}


def test_messages_annotations_and_checks_of_types_are_left_alone(tool):
    found = tool.mutants_of(SOURCE.encode(), "sparsecode/halves.py")
    assert {mutant.line for mutant in found} == {5, 9}
    changes = {mutant.new for mutant in found if mutant.line == 9}
    assert changes == {
        "return min(x / 2, low)",
        "return max(x * 2, low)",
        "return max(x / 4, low)",
        "return max(x / 0, low)",
    }
    call = "warnings.warn('a', stacklevel=2)\nwrong('a', got=1 < 2)\nzip(a, b, strict=True)"
    assert tool.mutants_of(call.encode(), "a.py") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forked processes")
def test_a_toy_package(tmp_path):
    """The number `low=0.5` is not tested: both its changes survive. A constant is not swapped."""
    for name, text in {
        "sparsecode/__init__.py": "",
        "sparsecode/halves.py": SOURCE,
        "sparsecode/limits.py": "MOST = 3",
        "tests/test_halves.py": TESTS,
        "tests/test_limits.py": "from sparsecode import limits\n\n"
        "def test_most():\n    assert limits.MOST == 3\n",
        "equivalent.txt": "sparsecode/halves.py: return max(x / 2, low) -> "
        "return max(x / 4, low)  # not at all\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    words = [
        "--files",
        "halves.py",
        "--files",
        "limits.py",
        "--root",
        tmp_path,
        "--preload",
        "pytest",
    ]
    words += ["--equivalent", tmp_path / "equivalent.txt"]
    command = [sys.executable, str(FOLDER / "mutate.py"), *map(str, words)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "8 mutations, 8 drawn, 1 equivalent"
    survivor = 'survived: sparsecode/halves.py:5: def half(x: "1 < 2", low=0.5): -> '
    assert sorted(lines[1:-2]) == [
        survivor + f'def half(x: "1 < 2", low={low}):' for low in ("0", "1.0")
    ]
    assert lines[-2] == "2 needed a process of their own"
    assert lines[-1] == "5 killed, 0 timed out, 2 survived: 28.6%"
    assert (tmp_path / "sparsecode/halves.py").read_text() == SOURCE
