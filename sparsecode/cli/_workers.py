"""Processes that make named calls, one call at a time each."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """Outcome of a call: its result, or the text of its error."""

    call: Any
    result: Any
    error: str | None


def outcomes(function: Callable, calls, n_processes):
    """Make all calls ``function(*call)``, and yield their outcomes as they come.

    `function` is of a module. A process that dies ends with an error of its call only; another one
    takes its place. On any exception here, Ctrl-C too, all processes are ended.
    """
    waiting, busy = deque(calls), {}
    try:
        while waiting or busy:
            while waiting and len(busy) < n_processes:
                worker = _Worker(function)
                busy[worker.pipe] = worker
                worker.take(waiting.popleft())
            for pipe in connection.wait(list(busy)):
                worker = busy[pipe]
                outcome = worker.outcome()
                if outcome.result is None and not worker.is_alive():
                    del busy[pipe]
                elif waiting:
                    worker.take(waiting.popleft())
                else:
                    busy.pop(pipe).end()
                yield outcome
    finally:
        for worker in busy.values():
            worker.end()


class _Worker:
    """A process, and the call that it is busy with."""

    def __init__(self, function):
        # A new interpreter: no threads and no compiled code of this one.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(function, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def take(self, call):
        self._call = call
        # Of one that died while it was idle `outcome` tells.
        with contextlib.suppress(OSError):
            self.pipe.send(call)

    def outcome(self):
        """Outcome of the call, for which it waits."""
        try:
            return Outcome(self._call, *self.pipe.recv())
        except (EOFError, OSError):
            self._process.join()
            reason = f"the process ended with exit code {self._process.exitcode}"
            return Outcome(self._call, None, reason)

    def is_alive(self):
        return self._process.is_alive()

    def end(self):
        self._process.terminate()
        self._process.join()
        self.pipe.close()


def _work(function, pipe):
    """Loop of a process: until it is ended, as Ctrl-C is for the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            call = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((function(*call), None))
        except Exception as error:
            pipe.send((None, f"{type(error).__name__}: {' '.join(str(error).split())}"))
