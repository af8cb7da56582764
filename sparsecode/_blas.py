"""Limit of BLAS to one thread, safe against interrupts at any moment.

The state says what remains to be done, so that the next caller that enters or leaves finishes the
work that an interrupt broke off. A counter could not do this. Holders are weak references, so that
a holder that could not report its end is removed with its frame.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref

import threadpoolctl

# The lock is reentrant, because the end of a holder can be reported while this thread holds it.
_lock = threading.RLock()
_holders = []
# Former number of threads of each library, and whether all are limited; None without holders.
_state = None


@contextlib.contextmanager
def single_threaded_blas():
    """Limit BLAS to one thread; the last of several concurrent callers restores its threads."""
    holder = _Holder()
    try:
        _enter(holder)
        yield
    finally:
        # In case an interrupt breaks off the first call, or comes before it.
        try:
            _leave(holder)
        except BaseException:
            _leave(holder)
            raise


def is_held():
    """Return True if a caller limits BLAS to one thread, or has not restored it."""
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
            # To set a number takes longer than to read it.
            for library, n_threads in zip(libraries(), _state[0], strict=True):
                if n_threads != 1:
                    library.set_num_threads(1)
            _state = _state[0], True


def _leave(holder):
    with _lock:
        _restore_unless(reference() not in (holder, None) for reference in _holders)
        # As the last step: if it is interrupted, the holder is still registered and removed later.
        _holders[:] = [ref for ref in _holders if ref() not in (holder, None)]


def _forget(reference):
    """Remove a holder that ended without leaving."""
    with _lock:
        _restore_unless(other() is not None for other in _holders)
        _holders[:] = [other for other in _holders if other() is not None]


def _restore_unless(others_hold):
    global _state
    if _state is None or any(others_hold):
        return
    for library, n_threads in zip(libraries(), _state[0], strict=True):
        if n_threads != 1:
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
