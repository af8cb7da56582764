"""Row blocks on threads: the only place that starts threads.

Kernels are serial and release the GIL; each thread runs whole blocks, with BLAS held to one
thread. The blocks do not depend on the number of threads, so the answers do not either.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numba
import threadpoolctl

from sparsecode._validation import check_n_jobs

_lock = threading.Lock()
_depth = 0
_limiter = None


def resolve_n_jobs(n_jobs):
    """Number of threads meant by `n_jobs`, as in joblib; None is what numba and joblib allow."""
    check_n_jobs(n_jobs)
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    available = min(numba.config.NUMBA_NUM_THREADS, joblib.cpu_count())
    if n_jobs is None:
        return available
    return max(1, available + 1 + n_jobs)


def map_row_blocks(function, n_rows, *, block_size, n_jobs=None):
    """Call ``function(slice)`` on consecutive blocks of rows and return the results in order.

    Parameters
    ----------
    function : callable
        Takes a slice of rows; runs on several threads at once.
    n_rows : int
    block_size : int
        Rows in a block. Fixed by the caller, never derived from `n_jobs`.
    n_jobs : int or None, default=None
        Threads, as in joblib. None uses every core that numba may use.
    """
    check_n_jobs(n_jobs)
    blocks = [slice(i, min(i + block_size, n_rows)) for i in range(0, n_rows, block_size)]
    # Counting the cores reads files of the system, which takes longer than coding a sample.
    n_threads = min(resolve_n_jobs(n_jobs), len(blocks)) if len(blocks) > 1 else 1
    with single_threaded_blas():
        if n_threads <= 1:
            return [function(block) for block in blocks]
        with ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(function, blocks))


@functools.cache
def _blas_controller():
    # Finding the loaded libraries takes milliseconds, so it is done once.
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


@contextlib.contextmanager
def single_threaded_blas():
    """Hold BLAS to one thread; the last of several concurrent callers restores it."""
    global _depth, _limiter
    with _lock:
        if _depth == 0:
            _limiter = _blas_controller().limit(limits=1)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _limiter.restore_original_limits()
                _limiter = None


def _forget_other_threads():
    # A fork copies the lock and the counter of threads that do not exist in the child.
    global _lock, _depth, _limiter
    _lock = threading.Lock()
    if _limiter is not None:
        _limiter.restore_original_limits()
    _depth, _limiter = 0, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
