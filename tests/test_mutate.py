"""Mutations of tools/mutate.py: what is changed in a source, and a toy package with weak tests."""

import os
import subprocess
import sys
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
    """The number `low=0.5` is not tested: both its changes survive."""
    for name, text in {
        "sparsecode/__init__.py": "",
        "sparsecode/halves.py": SOURCE,
        "tests/test_halves.py": TESTS,
        "equivalent.txt": "sparsecode/halves.py: return max(x / 2, low) -> "
        "return max(x / 4, low)  # not at all\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    words = ["--files", "halves.py", "--root", tmp_path, "--preload", "pytest"]
    words += ["--equivalent", tmp_path / "equivalent.txt"]
    command = [sys.executable, str(FOLDER / "mutate.py"), *map(str, words)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "6 mutations, 6 drawn, 1 equivalent"
    survivor = 'survived: sparsecode/halves.py:5: def half(x: "1 < 2", low=0.5): -> '
    assert sorted(lines[1:-1]) == [
        survivor + f'def half(x: "1 < 2", low={low}):' for low in ("0", "1.0")
    ]
    assert lines[-1] == "3 killed, 0 timed out, 2 survived: 40.0%"
    assert (tmp_path / "sparsecode/halves.py").read_text() == SOURCE
