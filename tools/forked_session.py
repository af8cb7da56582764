"""Session of pytest that collects tests once and runs them in forks, one for each mutant.

A fork starts with everything imported, gives the functions of the library the code of a mutant
and runs the tests until one fails. That takes milliseconds instead of the seconds of a new process.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
from multiprocessing import Pipe
from pathlib import Path

from code_swaps import CannotSwapError, functions_of, swap

OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=no"]
CANNOT_SWAP = 64
BROKEN = 65


def enter(folder):
    """In a child: a process group of its own, in the folder of the package, without output."""
    os.setsid()
    os.chdir(folder)
    sys.path.insert(0, folder)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)


class ForkedSession:
    """Tests of a folder, collected in a child that stays alive."""

    def __init__(self, context, folder, tests):
        self.connection, theirs = Pipe()
        self.process = context.Process(target=_serve, args=(str(folder), tests, theirs))
        self.process.start()
        theirs.close()

    def run(self, tests, mutant=None, limit=None):
        """Exit code of tests in the given order, None if they take more seconds than `limit`.

        `CANNOT_SWAP` if the mutant needs a process of its own.
        """
        self.connection.send((tests, mutant, limit))
        return self.connection.recv()

    def close(self):
        self.connection.close()
        self.process.join()


def _serve(folder, tests, connection):
    """In the child: collect tests and answer until the other end is closed."""
    enter(folder)
    import pytest

    pytest.main([*OPTIONS, *tests], plugins=[_Server(connection)])


class _Server:
    """Plugin of pytest that runs tests in forks instead of the session itself."""

    def __init__(self, connection):
        self.connection, self.functions = connection, {}

    def pytest_runtestloop(self, session):
        with contextlib.suppress(EOFError):
            while True:
                self.connection.send(self._answer(session, *self.connection.recv()))
        return True

    def _answer(self, session, tests, mutant, limit):
        if mutant is not None and mutant.file not in self.functions:
            importlib.import_module(mutant.file.removesuffix(".py").replace("/", "."))
            path = str(Path(mutant.file).resolve())
            self.functions[mutant.file] = path, functions_of(path)
        places = {test: place for place, test in enumerate(tests)}
        items = sorted(session.items, key=lambda item: places[str(item.path)])
        child = os.fork()
        if child == 0:
            code = BROKEN
            try:
                os.setpgid(0, 0)
                code = self._run(session, items, mutant)
            finally:
                os._exit(code)
        return _exit_code(child, limit)

    def _run(self, session, items, mutant):
        """In a fork: 0 if all tests pass, 1 from the first one that does not."""
        if mutant is not None:
            path, functions = self.functions[mutant.file]
            try:
                swap(functions, Path(path).read_bytes(), mutant.source, path)
            except CannotSwapError:
                return CANNOT_SWAP
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return 1
        return 0


def _exit_code(child, limit):
    """Exit code of a fork, None if it takes more seconds than `limit` and is killed."""
    end = None if limit is None else time.monotonic() + limit
    while end is None or time.monotonic() < end:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    end_group(child)
    os.waitpid(child, 0)
    return None


def end_group(child):
    """End a child, and with it the processes that it started; its group may not be there yet."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
