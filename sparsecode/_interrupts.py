"""The flag that tells work on other threads, and in kernels, that nobody waits for it any more.

An interrupt reaches the main thread alone, between two steps of Python. Whoever works for a caller
that waits has a flag: it turns to 1 when the caller stops waiting, and what is computed from then
on is thrown away.
"""

from __future__ import annotations

import contextlib
import threading

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

_of_thread = threading.local()
_NEVER = np.zeros(1, dtype=np.uint8)


class Halted(BaseException):
    """Ends a block of rows that nobody waits for; never seen outside of `_parallel`."""


def halt_flag():
    """The flag of what this thread works for, an array of one entry, for kernels to look at."""
    flag = getattr(_of_thread, "flag", None)
    return _NEVER if flag is None else flag


def halt_if_told():
    """End what this thread does if nobody waits for it any more."""
    if halt_flag()[0]:
        raise Halted


def has_flag():
    """Whether this thread works for a caller that can tell it to stop."""
    return getattr(_of_thread, "flag", None) is not None


@contextlib.contextmanager
def working_for(flag):
    """Give this thread a flag."""
    before = getattr(_of_thread, "flag", None)
    _of_thread.flag = flag
    try:
        yield
    finally:
        _of_thread.flag = before


def is_halted(flag):
    """Whether a kernel shall return at once, with its results unfinished: nobody uses them."""
    return flag[0] != 0


@overload(is_halted)
def _typed_is_halted(flag):
    def implementation(flag):
        return _read_anew(flag) != 0

    return implementation


@intrinsic
def _read_anew(context, flag):
    """Entry of a flag as it is now, which a compiler may not move out of a loop."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(data, "monotonic", 1, typ=ir.IntType(8))

    return types.uint8(types.Array(types.uint8, 1, "C")), generate
