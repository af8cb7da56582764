"""Session of pytest that collects tests once and runs them in forks, one for each mutant.

A fork starts with everything imported, gives the functions of the library the code of a mutant
and runs the tests until one fails, quick ones of each file first. That takes milliseconds instead
of the seconds of a new process. A test that takes much longer than without a mutant ends the fork.
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

    def run(self, tests, mutant=None):
        """Exit code of tests in the order of their files, first without a mutant.

        None if a test hangs, `CANNOT_SWAP` if the mutant needs a process of its own.
        """
        self.connection.send((tests, mutant))
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
        self.connection, self.functions, self.durations = connection, {}, {}

    def pytest_runtestloop(self, session):
        with contextlib.suppress(EOFError):
            while True:
                self.connection.send(self._answer(session, *self.connection.recv()))
        return True

    def _answer(self, session, tests, mutant):
        if mutant is None:
            return self._without_mutant(session)
        if mutant.file not in self.functions:
            importlib.import_module(mutant.file.removesuffix(".py").replace("/", "."))
            path = str(Path(mutant.file).resolve())
            self.functions[mutant.file] = path, functions_of(path)
        places = {test: place for place, test in enumerate(tests)}

        def order(item):
            return places[str(item.path)], self.durations[item.nodeid]

        items = sorted(session.items, key=order)
        return _in_fork(lambda: self._with_mutant(session, items, mutant))

    def _without_mutant(self, session):
        """Exit code of all tests, whose seconds are kept."""
        here, there = Pipe(duplex=False)

        def measure():
            pairs = _with_following(session.items)
            there.send({item.nodeid: _duration(item, after) for item, after in pairs})
            return int(session.testsfailed > 0)

        def receive():
            there.close()
            self.durations = here.recv()

        return _in_fork(measure, receive)

    def _with_mutant(self, session, items, mutant):
        """In a fork: 0 if all tests pass, 1 from the first one that does not."""
        path, functions = self.functions[mutant.file]
        try:
            swap(functions, Path(path).read_bytes(), mutant.source, path)
        except CannotSwapError:
            return CANNOT_SWAP
        for item, following in _with_following(items):
            # The signal ends the fork.
            signal.setitimer(signal.ITIMER_REAL, 5 + 5 * self.durations[item.nodeid])
            _duration(item, following)
            if session.testsfailed:
                return 1
        return 0


def _with_following(items):
    return zip(items, [*items[1:], None], strict=True)


def _duration(item, following):
    """Seconds that a test takes."""
    start = time.monotonic()
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return time.monotonic() - start


def _in_fork(work, meanwhile=lambda: None):
    """Exit code that `work` returns in a fork, None if it ends at its limit."""
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            os.setpgid(0, 0)
            code = work()
        finally:
            os._exit(code)
    meanwhile()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGALRM:
        _kill_group(child)
        return None
    return code


def end(child):
    """End a child, and with it the processes that it started."""
    _kill_group(child)
    os.kill(child, signal.SIGKILL)


def _kill_group(leader):
    # The group may not be there yet, or be empty.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
