"""The floors hold, files stay small, and importing the package costs nothing it need not."""

import ast
import functools
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

import sparsecode
from sparsecode import estimators

PACKAGE = Path(sparsecode.__file__).parent
FLOORS = [
    [
        "_version",
        "_typing",
        "_lazy",
        "_extras",
        "_jit",
        "_kernel_cache",
        "_kernel_parts",
        "_compile_notice",
        "_blas",
        "_interrupts",
        "_binary_scaling",
        "_parallel",
        "_messages",
        "_summaries",
        "_doc_pages",
        "_plain",
        "_row_blocks",
        "_sample_moments",
        "_factored_gradients",
        "_gathered_rows",
        "_simd",
        "_aligned",
        "_tiled_rows",
        "_row_products",
        "_validation",
        "_values",
        "_atomic_files",
        "_parameters",
        "_reading",
        "_tensor_files",
        "_array_files",
        "_statistics",
        "_analytic",
        "_first_atoms",
        "_least_squares",
        "_batches",
        "_collections",
        "ops",
    ],
    [
        "dictionary",
        "_atom_products",
        "_atom_views",
        "constraints",
        "_matching",
        "_serialization",
        "_convolution",
        "penalties",
        "datasets",
    ],
    ["objective", "_convolutional_judge", "_judge", "_objective_scaling", "_free_atoms"],
    [
        "solvers",
        "encoders",
        "updates",
        "losses",
        "optimizers",
        "replacement",
        "initialization",
        "metrics",
        "debiasing",
        "joint",
        "implicit_gradients",
        "_zero_codes",
        "schedules",
        "receptive_fields",
    ],
    [
        "learning",
        "training",
        "prediction",
        "data_terms",
        "paths",
        "_patch_features",
        "convolutional",
    ],
    ["compare"],
    [
        "estimators",
        "dropin",
        "cli",
        "plotting",
        "interop",
        "testing",
        "__main__",
        "model_selection",
        "applications",
        "distributed",
    ],
]
TOP = len(FLOORS) - 1
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
files = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
MOST_LINES, MOST_LINES_OF_ESTIMATORS, MEDIAN_LINES = 350, 300, 120
QUESTIONS = ("What", "How", "Whether", "Which", "When", "Where", "Who", "Why")


def unit_of(path):
    """Name on the floor plan of a file: its package folder, or the module itself."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@functools.cache
def tree_of(path):
    """A file as an abstract syntax tree."""
    return ast.parse(path.read_text())


def imports(path):
    """Absolute names that a file imports, wherever in the file."""
    package = ["sparsecode", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                base = package[: len(package) - node.level + 1] + base
            # `from sparsecode import x` imports x; deeper names do not matter here.
            yield from (".".join([*base, alias.name]) for alias in node.names)


@files
def test_imports_go_downwards(path):
    unit = unit_of(path)
    assert unit in FLOOR_OF, f"{unit} has no floor: add it to FLOORS and to the design"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "sparsecode" or parts[1] == unit:
            continue
        other = parts[1]
        # The names that the package itself offers may be used on the top floor only.
        floor = FLOOR_OF.get(other, TOP)
        assert floor <= FLOOR_OF[unit], f"{unit} (floor {FLOOR_OF[unit]}) imports {name}"
        if unit == "datasets":
            assert floor == 0, f"datasets may import floor 0 only, not {name}"


def test_every_room_of_the_plan_is_there():
    rooms = [name for names in FLOORS for name in names]
    assert sorted(rooms) == sorted({unit_of(path) for path in FILES})


def test_no_cycles_between_units():
    graph = {}
    for path in FILES:
        used = (name.split(".") for name in imports(path))
        found = {parts[1] for parts in used if parts[0] == "sparsecode" and len(parts) > 1}
        graph.setdefault(unit_of(path), set()).update(found & FLOOR_OF.keys())
    done = set()

    def visit(unit, trail):
        assert unit not in trail, f"circular imports: {' -> '.join([*trail, unit])}"
        if unit not in done:
            for other in sorted(graph.get(unit, set()) - {unit}):
                visit(other, [*trail, unit])
            done.add(unit)

    for unit in sorted(graph):
        visit(unit, [])


# Base classes, warnings, and checks; nothing that pulls in models.
LIGHT = ("sklearn.base", "sklearn.utils", "sklearn.exceptions", "sklearn.callback")


@files
def test_low_modules_import_little_of_sklearn(path):
    if FLOOR_OF[unit_of(path)] == TOP:
        return
    heavy = [n for n in imports(path) if n.startswith("sklearn") and not n.startswith(LIGHT)]
    if unit_of(path) == "datasets":
        # The bundled photographs ship with scikit-learn.
        heavy = [name for name in heavy if not name.startswith("sklearn.datasets")]
    assert heavy == []
    if FLOOR_OF[unit_of(path)] == 0 and path.name != "_validation.py":
        assert not any(name.startswith("sklearn") for name in imports(path))


@files
def test_threads_start_in_one_place(path):
    # Locks, and what belongs to a thread, start none; `_workers` starts processes, of a command.
    if path.name in ("_parallel.py", "_blas.py", "_interrupts.py", "_workers.py"):
        return
    names = [name.split(".")[0] for name in imports(path)]
    assert not {"threading", "multiprocessing", "concurrent"} & set(names)
    assert "parallel=True" not in path.read_text() and "prange" not in path.read_text()


@files
def test_nothing_unpickles_or_evaluates(path):
    banned = {"pickle", "dill", "cloudpickle", "marshal", "shelve"}
    names = {name.split(".")[0] for name in imports(path)}
    if unit_of(path) != "testing":
        assert not banned & names
    calls = [node.func for node in ast.walk(tree_of(path)) if _is_call(node)]
    assert not {"eval", "exec"} & {call.id for call in calls if isinstance(call, ast.Name)}


def _is_call(node):
    return isinstance(node, ast.Call)


NUMBERS = {"check_number", "check_integer", "check_fraction", "check_numbers"}
NUMBERS |= {"check_n_jobs", "check_flag", "check_dtype"}


@files
def test_what_a_check_of_a_number_returns_is_used(path):
    # A NumPy integer that is checked and then used raw overflows. Parameters of objects are plain
    # from when they are set.
    dropped = [
        node.value
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Expr) and _is_call(node.value)
    ]
    for call in dropped:
        if isinstance(call.func, ast.Name) and call.func.id in NUMBERS:
            owner = ast.unparse(call.args[0])
            kept = "self" in owner or "estimator" in owner
            assert kept, f"line {call.lineno} drops a number"


@files
def test_no_assert_on_what_users_give(path):
    tree = tree_of(path)
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))


@files
def test_files_stay_small(path):
    most = MOST_LINES_OF_ESTIMATORS if unit_of(path) == "estimators" else MOST_LINES
    assert n_lines(path) <= most


def test_most_files_are_short():
    assert median(map(n_lines, FILES)) < MEDIAN_LINES


def n_lines(path):
    return len(path.read_text().splitlines())


ESTIMATORS = [getattr(estimators, name) for name in estimators.__all__]
MOST_CLASSES = 4


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_estimators_have_few_bases_and_define_each_hook_once(cls):
    # With an older scikit-learn, one class stands in for a mix-in of it.
    theirs = {"CallbackSupportMixin"}
    own = [base for base in cls.__mro__ if base.__module__.startswith("sparsecode")]
    own = [base for base in own if base.__name__ not in theirs]
    assert len(own) <= MOST_CLASSES
    hooks = [name for base in own for name in vars(base) if name.startswith("_")]
    hooks = [name for name in hooks if not name.startswith(("__", "_abc", "_sklearn"))]
    # A setting, not a method.
    hooks = [name for name in hooks if name != "_takes_sparse"]
    assert sorted(hooks) == sorted(set(hooks))


@files
def test_modules_say_what_they_are(path):
    text = ast.get_docstring(tree_of(path))
    assert text or path.name == "_version.py"
    assert not text or text.split()[0] not in QUESTIONS, "The noun comes first."


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )


def test_files_of_tests_have_names_of_their_own():
    # pytest imports them by name: of two alike it would read one only.
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_loading_all_names_is_light_and_compiles_nothing():
    code = """
import sys
import importlib.util
import numpy, scipy.optimize, numba, numba.extending, sklearn.base
if importlib.util.find_spec("sklearn.callback"):
    import sklearn.callback
import numba.core.dispatcher
theirs = set(sys.modules)
settings = {name: value for name, value in vars(numba.config).items() if name.isupper()}
def refuse(self, *args):
    raise SystemExit("compiled at import: " + self.py_func.__name__)
numba.core.dispatcher.Dispatcher.compile = refuse
from sparsecode import *
assert settings == {name: value for name, value in vars(numba.config).items() if name.isupper()}
heavy = "matplotlib click rich PIL pandas sklearn.linear_model h5py pytest".split()
print([name for name in heavy if name in set(sys.modules) - theirs])
"""
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_public_names_of_the_package():
    # The order that ruff asks for: names in capitals first.
    assert sparsecode.__all__ == sorted(
        sparsecode.__all__, key=lambda name: (not name.isupper(), name)
    )
    assert len(sparsecode.__all__) <= 45
    for name in sparsecode.__all__:
        assert hasattr(sparsecode, name)
