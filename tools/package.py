"""Checks of the package that would be published: ``make package-check``.

Builds sdist and wheel, has them judged by twine, check-wheel-contents and pyroma, reads their
description, and runs a part of the tests in the unpacked sdist. The Python that runs this has those
tools; another, given by ``--tests-with``, has what the tests need.
"""

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_BYTES = 1_000_000
# Of code, pages and metadata. Their kernels run as Python: nothing waits for compiling.
TESTS = [
    "test_citation.py", "test_constraints.py", "test_dictionary.py", "test_documented_defaults.py",
    "test_extras.py", "test_serialization.py", "penalties",
]  # fmt: skip
NEEDED = [
    "CHANGELOG.md", "Makefile", "benchmarks/run_all.py", "docs/_static/filters.png", "docs/conf.py",
    "docs/index.rst", "notebooks", "tests/conftest.py", "tools/judge/__main__.py",
]  # fmt: skip


def run(*command, **options):
    """Run a command; what it prints is shown, and its failure is ours."""
    print("\n$", *command, flush=True)
    subprocess.run(command, check=True, **options)


def check_wheel(wheel, release):
    """Fail if the wheel is large, lacks the marker of types, or has links that lead nowhere."""
    size = wheel.stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        path = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(path))
    print(f"{wheel.name}: {size} bytes, {len(names)} files")
    fail_if(size >= MOST_BYTES, f"the wheel has {size} bytes; expected under {MOST_BYTES}")
    fail_if("sparsecode/py.typed" not in names, "the wheel lacks sparsecode/py.typed")
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.get_payload())
    fail_if(not links, "the description of the wheel has no link, not even to its picture")
    lost = [link for link in links if not link.startswith(("https://", "#"))]
    fail_if(lost, f"links of the description are relative: {lost}")
    addresses = [*metadata.get_all("Project-URL"), metadata["Author-email"]]
    unreal = [address for address in addresses if ".example" in address]
    fail_if(release and unreal, f"setup.cfg has no real address yet: {unreal}")


def unpack(sdist, folder):
    """Unpack the sdist into an empty folder, and fail if a part is missing; return its root."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)
    (root,) = Path(folder).iterdir()
    missing = [name for name in NEEDED if not (root / name).exists()]
    fail_if(missing, f"the sdist lacks {missing}")
    strays = [path for path in root.rglob("*") if path.name in ("__pycache__", "_build")]
    fail_if(strays, f"the sdist has {strays}")
    return root


def fail_if(wrong, message):
    """End with a message if something is wrong."""
    if wrong:
        sys.exit(f"Error: {message}.")


def main():
    """Build and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests-with", metavar="PYTHON", help="[default: no tests]")
    parser.add_argument("--release", action="store_true", help="refuse addresses that are not real")
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="[default: kept nowhere]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        dist = given.out or Path(scratch) / "dist"
        python = (sys.executable, "-m")
        run(*python, "build", "--outdir", str(dist), str(ROOT), stdout=subprocess.DEVNULL)
        (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
        run(*python, "twine", "check", "--strict", str(wheel), str(sdist))
        run(*python, "check_wheel_contents", str(wheel))
        run(*python, "pyroma", "--min", "10", str(sdist))
        check_wheel(wheel, given.release)
        root = unpack(sdist, Path(scratch) / "unpacked")
        if given.tests_with:
            tests = [str(Path("tests", name)) for name in TESTS]
            environment = {"PYTHONPATH": str(root), "NUMBA_DISABLE_JIT": "1"}
            options = ("-q", "-n", "logical", "-p", "no:cacheprovider")
            run(given.tests_with, "-m", "pytest", *options, *tests, cwd=root,
                env={**os.environ, **environment})  # fmt: skip


if __name__ == "__main__":
    main()
