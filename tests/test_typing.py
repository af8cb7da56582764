"""Types that editors see: a type checker finds no error in code of users, and few gaps."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

import sparsecode

PACKAGE = Path(sparsecode.__file__).parent
USER_CODE = Path(__file__).parent / "typing" / "user_code.py"
BIN = Path(sys.executable).parent
LEAST_COMPLETE = 0.95
# Without their types, base classes of scikit-learn and sparse arrays count as gaps.
STUBS = ("scipy-stubs", "scikit-learn-stubs")

pytestmark = pytest.mark.skipif(
    "TYPES_ARE_CHECKED" in os.environ, reason="TYPES_ARE_CHECKED: an earlier step has checked them"
)


def run_checker(*arguments):
    """Run pyright with this Python and this package."""
    names = ("basedpyright", "pyright")
    checker = next(filter(None, (shutil.which(name, path=BIN) for name in names)), None)
    if checker is None:
        pytest.skip(f"neither {' nor '.join(names)} is installed: pip install sparsecode[dev]")
    environment = os.environ | {
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        "PYTHONPATH": str(PACKAGE.parent),
    }
    command = [checker, "--outputjson", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    return json.loads(result.stdout)


def test_code_of_users_has_no_error():
    found = run_checker("--pythonpath", sys.executable, USER_CODE)["generalDiagnostics"]
    errors = [
        f"line {item['range']['start']['line'] + 1}: {item['message']}"
        for item in found
        if item["severity"] == "error"
    ]
    assert errors == []


def test_public_names_have_types():
    missing = [name for name in STUBS if not _is_installed(name)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: pip install sparsecode[dev]")
    found = run_checker("--verifytypes", "sparsecode", "--ignoreexternal")["typeCompleteness"]
    gaps = [
        symbol["name"]
        for symbol in found["symbols"]
        if symbol["isExported"] and (symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"])
    ]
    assert found["exportedSymbolCounts"]["withKnownType"] > 2000
    assert found["completenessScore"] >= LEAST_COMPLETE, gaps


def _is_installed(name):
    return next(distributions(name=name), None) is not None
