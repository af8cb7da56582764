"""Halt flags, which stop work on other threads and in kernels when the caller is gone.

An interrupt reaches the main thread only, between two steps of Python. So a thread that works for a
waiting caller has a flag. The flag becomes 1 when the caller stops waiting, and results after that
are discarded. What must not be broken off, as the compiler, runs on a thread that no interrupt
reaches.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import os
import threading

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

_of_thread = threading.local()
_NEVER = np.zeros(1, dtype=np.uint8)
# Longest that an interrupt waits to be seen.
SECONDS = 0.1
# Calls out of reach that have not ended.
_calls = set()


class Halted(BaseException):
    """Exception that ends a block of rows without a waiting caller; only `_parallel` sees it."""


def halt_flag():
    """Return the halt flag of this thread, an array of one entry, for kernels."""
    flag = getattr(_of_thread, "flag", None)
    return _NEVER if flag is None else flag


def halt_if_told():
    """Raise `Halted` if no caller waits for this thread any more."""
    if halt_flag()[0]:
        raise Halted


def has_flag():
    """Return True if a caller can stop the work of this thread."""
    return getattr(_of_thread, "flag", None) is not None


@contextlib.contextmanager
def working_for(flag):
    """Context in which this thread has the given flag."""
    before = getattr(_of_thread, "flag", None)
    _of_thread.flag = flag
    try:
        yield
    finally:
        _of_thread.flag = before


def out_of_reach(function, *arguments, meanwhile=lambda: None):
    """Call a function on a thread that no interrupt reaches; only the wait for it ends at one.

    The function then goes on behind, for the benefit of the next call, and what it returns or
    raises is lost. It is told to stop when the process ends or is forked. This thread calls
    `meanwhile` every `SECONDS`.
    """
    if not has_flag() and threading.current_thread() is not threading.main_thread():
        return function(*arguments)
    call = _Call(contextvars.copy_context(), function, arguments)
    try:
        # A process that ends would wait for any other kind of thread before it could tell it so.
        thread = threading.Thread(target=call.run, name="sparsecode-compiler", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No thread can be had: there are too many, or the interpreter ends.
            call.run()
        # Whoever waits without end is not woken by a signal that another thread received.
        while not call.done.wait(SECONDS):
            halt_if_told()
            meanwhile()
    except BaseException:
        call.is_awaited = False
        raise
    return call.outcome()


class _Call:
    """A call on another thread, and how it ended."""

    def __init__(self, context, function, arguments):
        self.context, self.function, self.arguments = context, function, arguments
        self.flag, self.is_awaited = np.zeros(1, dtype=np.uint8), True
        self.done, self.result, self.error = threading.Event(), None, None

    def run(self):
        _calls.add(self)
        try:
            with working_for(self.flag):
                self.result = self.context.run(self.function, *self.arguments)
        except BaseException as error:
            self.error = error
        finally:
            _calls.discard(self)
            self.done.set()

    def outcome(self):
        if self.error is None:
            return self.result
        try:
            raise self.error
        finally:
            # The error holds its frames, and one of these this call.
            self.error = None


def _before_fork():
    # The child would have the locks that calls hold, and not their threads.
    for call in list(_calls):
        if call.flag is not halt_flag():
            call.flag[0] |= not call.is_awaited
            call.done.wait()


def _at_exit():
    # A thread that runs machine code while the interpreter ends can take the process down.
    for call in list(_calls):
        call.flag[0] = 1
        while not call.done.is_set():
            with contextlib.suppress(KeyboardInterrupt):
                call.done.wait()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_calls.clear)


def is_halted(flag):
    """Return True if a kernel must return at once; its unfinished results are not used."""
    return flag[0] != 0


@overload(is_halted)
def _typed_is_halted(flag):
    def implementation(flag):
        return _read_anew(flag) != 0

    return implementation


@intrinsic
def _read_anew(context, flag):
    """Read the present entry of a flag; a compiler may not move this out of a loop."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(data, "monotonic", 1, typ=ir.IntType(8))

    return types.uint8(types.Array(types.uint8, 1, "C")), generate
