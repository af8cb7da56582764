"""BLAS held to one thread, and given its threads back, wherever an interrupt arrives.

A state says what remains to be done, not a counter: the next caller that enters or leaves finishes
what an interrupt broke off. Weak references name the holders, so that a holder whose end was never
told is forgotten with its frame.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref

import threadpoolctl

# Entered again where the end of a holder is told while this thread has it.
_lock = threading.RLock()
_holders = []
# Threads of each library before, and whether all were limited since; None when nobody holds.
_state = None


@contextlib.contextmanager
def single_threaded_blas():
    """Hold BLAS to one thread; the last of several concurrent callers restores it."""
    holder = _Holder()
    try:
        _enter(holder)
        yield
    finally:
        # Should an interrupt break off the first, or come before it.
        try:
            _leave(holder)
        finally:
            _leave(holder)


def is_held():
    """Return True if a caller holds BLAS to one thread, or has not given it back."""
    return _state is not None or any(reference() is not None for reference in _holders)


class _Holder:
    __slots__ = ("__weakref__",)


def _enter(holder):
    global _state
    with _lock:
        _holders.append(weakref.ref(holder, _forget))
        if _state is None:
            _state = [library.num_threads for library in libraries()], False
        if not _state[1]:
            for library in libraries():
                library.set_num_threads(1)
            _state = _state[0], True


def _leave(holder):
    with _lock:
        _restore_unless(reference() not in (holder, None) for reference in _holders)
        # Last: whoever breaks this off is still known, and forgotten with the holder.
        _holders[:] = [ref for ref in _holders if ref() not in (holder, None)]


def _forget(reference):
    """Called at the end of a holder that did not leave."""
    with _lock:
        _restore_unless(other() is not None for other in _holders)
        _holders[:] = [other for other in _holders if other() is not None]


def _restore_unless(others_hold):
    global _state
    if _state is None or any(others_hold):
        return
    for library, n_threads in zip(libraries(), _state[0], strict=True):
        library.set_num_threads(n_threads)
    _state = None


@functools.cache
def libraries():
    """The BLAS libraries of this process; finding them takes milliseconds, so it is done once."""
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers


def _forget_other_threads():
    # A fork copies the lock and the holds of threads that do not exist in the child.
    global _lock
    _lock = threading.RLock()
    _holders.clear()
    _restore_unless(())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
