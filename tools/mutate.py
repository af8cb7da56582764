"""Mutations of the library: small faults put in one at a time, to see whether tests notice.

Each mutation changes one thing of one file in a copy of the package: a comparison, a sign, a
factor, a number, ``and`` or ``or``, ``min`` or ``max``, a negation, the end of a slice or of a
range, or an augmented assignment, which is dropped. Then the tests of that room run, those of the
file itself first, until one fails. A mutation that none of them notices survives. Kernels are not
compiled, so tests that need that are skipped.

Tests are collected once, and each mutant swaps the code of functions in a fork. Mutations of what
an import runs once, such as constants of a module and bodies of classes, need a new process that
imports everything again: seconds instead of milliseconds. Values that a test file computes while
it is imported are those without the mutation.

Annotations, docstrings, error messages and checks of types are left alone. A mutation that
changes nothing a test could see is listed with its reason in ``tools/equivalent_mutants.txt``,
as the tool prints it but without the line number, and does not count.

Run ``python tools/mutate.py --files penalties --n 50``. The exit code is 1 if the surviving share
is above ``--most``.
"""

from __future__ import annotations

import compileall
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from py_compile import PycInvalidationMode

import click
from forked_session import BROKEN, CANNOT_SWAP, OPTIONS, ForkedSession, end, enter
from source_mutations import mutants_of

ROOT = Path(__file__).parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")
ROOMS = ("objective.py", "_judge.py", "penalties", "updates", "losses", "solvers")
COPIED = ("sparsecode", "tests", "tools", "docs/examples", "pyproject.toml", "setup.cfg")
# Rooms that the tests of another one are for.
TESTED_AS = {"_judge": "objective", "_convolution": "convolutional"}
# Tests of every room at once.
EVERYWHERE = ("test_documented_defaults.py",)
PRELOADED = ["numpy", "scipy.optimize", "scipy.sparse", "sklearn.linear_model", "numba", "pytest"]


def tests_of(file, root, near=False):
    """Test files of the room of a file: its own first, then those of its folder, then others.

    With `near` the others are left out, if there are any before.
    """
    path = Path(file)
    room = path.parts[1].removesuffix(".py")
    room = TESTED_AS.get(room, room)
    tests = root / "tests"
    stem = TESTED_AS.get(path.stem, path.stem.strip("_"))
    folder = tests.joinpath(*path.parts[1:-1])
    own = [folder / f"test_{stem}.py", *sorted(folder.glob(f"test_*_{stem}.py"))]
    beside = sorted(folder.glob("test_*.py")) if len(path.parts) > 3 else []
    whole = [*sorted((tests / room).rglob("test_*.py")), tests / f"test_{room}.py"]
    first = [test for test in dict.fromkeys(own + beside) if test.exists()]
    chosen = first if near and first else [*first, *whole]
    chosen += [tests / name for name in EVERYWHERE]
    return [str(test) for test in dict.fromkeys(chosen) if test.exists()]


def run_tests(folder, tests):
    """In the child: run tests until one fails, and exit with the code of pytest."""
    enter(folder)
    import pytest

    os._exit(pytest.main(["-x", *OPTIONS, *tests]))


class Runner:
    """Copy of the package in which mutants are tested, one at a time."""

    def __init__(self, root, folder, jit, near, preloaded):
        self.folder, self.jit, self.near = Path(folder), jit, near
        for name in COPIED:
            if (root / name).is_dir():
                shutil.copytree(root / name, self.folder / name)
            elif (root / name).exists():
                shutil.copy(root / name, self.folder)
        # A changed file may have the size and the second of the one before it.
        mode = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self.folder / "sparsecode", quiet=1, invalidation_mode=mode)
        os.environ |= {
            "NUMBA_DISABLE_JIT": "0" if jit else "1",
            "NUMBA_CACHE_DIR": str(self.folder / "kernels"),
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.context = get_context("forkserver")
        self.context.set_forkserver_preload(list(preloaded))
        self.sessions, self.limits, self.n_new_processes = {}, {}, 0

    def outcome(self, mutant):
        """killed, survived or timed out."""
        tests = tests_of(mutant.file, self.folder, self.near)
        limit = self._limit(mutant.file, tests)
        # Compiled code is not swapped.
        code = CANNOT_SWAP if self.jit else self._session(tests).run(tests, mutant)
        if code == CANNOT_SWAP:
            self.n_new_processes += 1
            code = self._in_new_process(tests, mutant, limit)
        if code == BROKEN:
            raise click.ClickException(f"the tool fails at {mutant}")
        return {0: "survived", None: "timed out"}.get(code, "killed")

    def close(self):
        for session in self.sessions.values():
            session.close()

    def _session(self, tests):
        key = frozenset(tests)
        if key not in self.sessions:
            self.sessions[key] = ForkedSession(self.context, self.folder, tests)
        return self.sessions[key]

    def _limit(self, file, tests):
        """Seconds that tests may take, from those that they take without a mutation."""
        key = frozenset(tests)
        if key not in self.limits:
            start = time.monotonic()
            code = self._run(tests, None) if self.jit else self._session(tests).run(tests)
            if code != 0:
                raise click.ClickException(f"tests of {file} fail without a mutation: {tests}")
            self.limits[key] = 5 + 3 * (time.monotonic() - start)
        return self.limits[key]

    def _in_new_process(self, tests, mutant, limit):
        path = self.folder / mutant.file
        source = path.read_bytes()
        path.write_bytes(mutant.source)
        try:
            return self._run(tests, limit)
        finally:
            path.write_bytes(source)

    def _run(self, tests, limit):
        child = self.context.Process(target=run_tests, args=(str(self.folder), tests))
        child.start()
        child.join(limit)
        code = child.exitcode
        if code is None:
            end(child.pid)
            child.join()
        return code


def files_below(root, names):
    """Source files of rooms, or single ones, as paths from the root."""
    found = []
    for name in names:
        path = root / "sparsecode" / name
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [str(path.relative_to(root)) for path in found if path.name != "__init__.py"]


@click.command(help=__doc__)
@click.option("--files", multiple=True, default=ROOMS, show_default=True, help="Below sparsecode.")
@click.option("--n", type=int, default=100, show_default=True, help="Mutations, at random.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--most", type=float, default=0.05, show_default=True, help="Share that may survive.")
@click.option("--only", default="", help="Only mutations whose line, as printed, has this in it.")
@click.option("--near", is_flag=True, help="Only tests of the file itself or of its folder.")
@click.option("--jit", is_flag=True, help="Compile the kernels: slow, but nothing is skipped.")
@click.option("--equivalent", type=click.Path(path_type=Path), default=EQUIVALENT, hidden=True)
@click.option("--preload", multiple=True, default=PRELOADED, hidden=True)
@click.option("--root", type=click.Path(path_type=Path), default=ROOT, help="Of the checkout.")
def main(files, n, seed, most, only, near, jit, equivalent, preload, root):
    known = {line.split("  #")[0] for line in equivalent.read_text().splitlines()}
    every = [
        mutant
        for file in files_below(root, files)
        for mutant in mutants_of((root / file).read_bytes(), file)
        if only in str(mutant)
    ]
    chosen = sorted(random.Random(seed).sample(every, min(n, len(every))), key=lambda m: m[:2])
    tried = [mutant for mutant in chosen if mutant.name not in known]
    click.echo(
        f"{len(every)} mutations, {len(chosen)} drawn, {len(chosen) - len(tried)} equivalent"
    )
    counts = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        runner = Runner(root, folder, jit, near, preload)
        with contextlib.closing(runner):
            for mutant in tried:
                outcome = runner.outcome(mutant)
                counts[outcome] += 1
                if outcome != "killed":
                    click.echo(f"{outcome}: {mutant}")
    click.echo(f"{runner.n_new_processes} needed a process of their own")
    share = counts["survived"] / max(len(tried), 1)
    click.echo(
        f"{counts['killed']} killed, {counts['timed out']} timed out, "
        f"{counts['survived']} survived: {share:.1%}"
    )
    sys.exit(share > most)


if __name__ == "__main__":
    main()
