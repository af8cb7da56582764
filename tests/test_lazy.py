"""Names and submodules of the package load when they are first used, and no user notices."""

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import sparsecode

SUBMODULES = [module.name for module in pkgutil.iter_modules(sparsecode.__path__)]
PUBLIC_SUBMODULES = [name for name in SUBMODULES if not name.startswith("_")]
LIBRARIES = ["numpy", "scipy", "numba", "llvmlite", "sklearn", "joblib", "threadpoolctl"]
LIBRARIES += [
    "safetensors",
    "matplotlib",
    "PIL",
    "click",
    "rich",
    "pandas",
    "h5py",
    "dask",
    "distributed",
]


def run(code, *arguments, warnings="error"):
    """Lines that a new process prints."""
    command = [sys.executable, "-W", warnings, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def origins():
    """Names that type checkers see in the package, and names that Python finds, by their origin."""
    tree = ast.parse(Path(sparsecode.__file__).read_text())
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(branch.test) == "TYPE_CHECKING"
    seen = {}
    for node in branch.body:
        alias_of = {alias.name: alias.asname for alias in node.names}
        # Type checkers take a submodule for public only if it is imported under its own name.
        assert node.module != "sparsecode" or all(a == b for a, b in alias_of.items())
        seen.setdefault(node.module, []).extend(alias_of)
    (assignment,) = branch.orelse
    table = ast.literal_eval(assignment.value.args[1])
    return seen, {home: list(names) for home, names in table.items()}


def test_type_checkers_and_python_find_the_same_names():
    seen, found = origins()
    assert seen == found
    assert found.pop("sparsecode") == PUBLIC_SUBMODULES
    names = [name for names in found.values() for name in names]
    assert sorted([*names, "__version__"]) == sorted(sparsecode.__all__)
    # A submodule hides a name like its own when it is loaded.
    assert not {*names} & {*SUBMODULES}


def test_the_package_alone_loads_no_library_and_lists_all_names():
    code = f"""
import sys
import sparsecode
print(sparsecode.__version__)
print({{*sparsecode.__all__, *sys.argv[1:]}} - {{*dir(sparsecode)}})
print(sorted(name for name in sys.modules if name.startswith("sparsecode.")))
print(*(name for name in {LIBRARIES} if name in sys.modules))
"""
    lines = run(code, *PUBLIC_SUBMODULES)
    assert lines == [
        sparsecode.__version__,
        "set()",
        "['sparsecode._lazy', 'sparsecode._version']",
        "",
    ]


def test_only_names_for_users_are_listed():
    listed = [name for name in dir(sparsecode) if not name.startswith("_")]
    names = [name for name in sparsecode.__all__ if name != "__version__"]
    assert listed == sorted([*names, *PUBLIC_SUBMODULES])


def test_names_and_submodules_load_when_they_are_used():
    code = """
import pickle, sys
import sparsecode
assert "sparsecode.solvers" not in sys.modules
solver = sparsecode.solvers.FISTA()
from sparsecode import SparseCoder
assert sparsecode.SparseCoder is SparseCoder is vars(sparsecode)["SparseCoder"]
assert type(pickle.loads(pickle.dumps(SparseCoder([[1.0]], solver=solver)))) is SparseCoder
assert "matplotlib" not in sys.modules
for name in sys.argv[1:]:
    assert getattr(sparsecode, name) is sys.modules["sparsecode." + name]
from sparsecode import *
print({*sparsecode.__all__} - {*globals()})
"""
    assert run(code, *PUBLIC_SUBMODULES) == ["set()"]


def test_a_name_that_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'sparsecode' has no attribute 'SparseCode'"):
        _ = sparsecode.SparseCode
    with pytest.raises(ImportError, match="cannot import name 'SparseCode' from 'sparsecode'"):
        from sparsecode import SparseCode  # noqa: F401


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_every_submodule_can_be_the_first_to_load():
    code = """
import importlib, os, sys
import numba.extending, sklearn.base, matplotlib.pyplot
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        importlib.import_module("sparsecode." + name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("failed:", name)
"""
    # Python warns of a fork beside other threads, which BLAS has.
    assert run(code, *SUBMODULES, warnings="ignore") == []
