"""Parallel work on blocks of rows; the only module that starts threads for work.

Kernels are serial and release the GIL; each thread runs whole blocks, with BLAS held to one
thread. The blocks do not depend on the number of threads, so the answers do not either. An
interrupt ends them at once: see `_interrupts`.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait

import joblib
import numba
import numpy as np

from sparsecode._aligned import aligned_empty
from sparsecode._blas import single_threaded_blas
from sparsecode._interrupts import SECONDS, halt_flag, halt_if_told, has_flag, working_for
from sparsecode._row_products import Panels, row_product
from sparsecode._validation import check_n_jobs

_lock = threading.Lock()
_memory = threading.local()
_idle_pools = {}
# Largest memory that a thread keeps for its next block.
_HELD_BYTES = 2**25
# Bytes that stay in the cache of a core.
_STRIP_BYTES = 2**19
# Of an array of a block that has an entry in float64 for each atom.
_CODE_BYTES = 2**25
# Number of multiplications from which several threads are faster, and of a block of a product:
# smaller ones are slow, because BLAS copies the whole right factor for each.
_PRODUCT, _BLOCK_OF_PRODUCT = 2e7, 6e7
_LOKY_LIMIT = "LOKY_MAX_CPU_COUNT"


def resolve_n_jobs(n_jobs):
    """Number of threads meant by `n_jobs`, as in joblib; None is what numba and joblib allow.

    In a task of Dask it is one, as the worker runs as many tasks at a time as it has threads.
    """
    n_jobs = check_n_jobs(n_jobs)
    if n_jobs is None:
        n_jobs = getattr(_memory, "n_jobs", None)
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    available = min(numba.config.NUMBA_NUM_THREADS, _n_cores(os.environ.get(_LOKY_LIMIT)))
    if available > 1 and _is_task_of_dask():
        available = 1
    if n_jobs is None:
        return available
    return max(1, available + 1 + n_jobs)


def _is_task_of_dask():
    """Whether a worker of a cluster runs this; Dask is not imported to know it."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed is not None and distributed.get_worker() is not None
    except ValueError:
        return False


@functools.cache
def _n_cores(limit):
    # Counting them reads files of the system, which takes longer than coding dozens of samples.
    return joblib.cpu_count()


def map_row_blocks(function, n_rows, *, block_size, n_jobs=None, is_long=False):
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
    is_long : bool, default=False
        Whether a block may take longer than an interrupt can wait. Then all blocks run on other
        threads than the main one, which alone receives interrupts, and `function` must check
        ``halt_flag()`` often enough.
    """
    with single_threaded_blas():
        return map_held_row_blocks(
            function, n_rows, block_size=block_size, n_jobs=n_jobs, is_long=is_long
        )


def map_held_row_blocks(function, n_rows, *, block_size, n_jobs=None, is_long=False):
    """Do what `map_row_blocks` does, for a caller that holds BLAS to one thread already."""
    n_jobs = check_n_jobs(n_jobs)
    if n_rows <= block_size:
        blocks, n_threads = [slice(0, n_rows)] if n_rows else [], 1
    else:
        blocks = [slice(i, min(i + block_size, n_rows)) for i in range(0, n_rows, block_size)]
        n_threads = min(resolve_n_jobs(n_jobs), len(blocks))
    is_long = is_long and blocks and threading.current_thread() is threading.main_thread()
    if n_threads > 1 or is_long:
        return _on_threads(function, blocks, n_threads, n_jobs)
    # Functions in the blocks may use threads too, but no more in total.
    with threads_of(n_jobs):
        return [_unless_halted(function, block) for block in blocks]


def _on_threads(function, blocks, n_threads, n_jobs):
    # A halted caller halts its blocks too.
    flag = halt_flag() if has_flag() else np.zeros(1, dtype=np.uint8)
    # The error handling of numpy is a setting of each thread.
    errors = np.geterr()
    # So is the number of threads; each block gets its share of them.
    most = getattr(_memory, "n_jobs", None) if n_jobs is None else n_jobs
    share = None if most is None else max(resolve_n_jobs(most) // n_threads, 1)

    def alike(block):
        with working_for(flag), threads_of(share), np.errstate(**errors):
            return _unless_halted(function, block)

    with _borrowed_pool(n_threads) as pool:
        try:
            return [_result(future) for future in [pool.submit(alike, block) for block in blocks]]
        except BaseException:
            if not has_flag():
                flag[0] = 1
            raise


def _result(future):
    while not future.done():
        # A wait without timeout does not end when another thread receives a signal.
        wait([future], timeout=SECONDS)
    return future.result()


def _unless_halted(function, block):
    halt_if_told()
    return function(block)


def threads_of(n_jobs):
    """Context that sets the default `n_jobs` of calls from this thread, unless it is None."""
    return contextlib.nullcontext() if n_jobs is None else _threads_of(n_jobs)


@contextlib.contextmanager
def _threads_of(n_jobs):
    before = getattr(_memory, "n_jobs", None)
    try:
        _memory.n_jobs = n_jobs
        yield
    finally:
        _memory.n_jobs = before


def read_ahead(items):
    """Yield the items of a generator, of which the next one is made on a thread meanwhile."""
    with ThreadPoolExecutor(1, thread_name_prefix="sparsecode-ahead") as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


def product(left, right, out=None):
    """``left @ right``, on several threads if that is faster; the result does not depend on them.

    Call it with BLAS limited to one thread. Where `rows_alike`, and of panels, a row does not
    depend on the others.
    """
    if isinstance(right, Panels) or are_rows_alike():
        return row_product(left, right, out)
    n_rows = len(left)
    if n_rows * right.size < _PRODUCT:
        return np.matmul(left, right, out=out)
    if out is None:
        out = np.empty((n_rows, right.shape[1]), dtype=np.result_type(left, right))

    def block(rows):
        np.matmul(left[rows], right, out=out[rows])

    # A thread that works on a block is one of several already.
    n_jobs = 1 if has_flag() else None
    n_blocks = min(max(int(n_rows * right.size / _BLOCK_OF_PRODUCT), 2), 4)
    map_row_blocks(block, n_rows, block_size=max(-(-n_rows // n_blocks), 32), n_jobs=n_jobs)
    return out


@contextlib.contextmanager
def rows_alike():
    """Context in which a row of a `product` of this thread does not depend on the others."""
    before = are_rows_alike()
    _memory.rows_alike = True
    try:
        yield
    finally:
        _memory.rows_alike = before


def are_rows_alike():
    """Whether this thread is in the context `rows_alike`."""
    return getattr(_memory, "rows_alike", False)


def rows_of_product(n_rows, row_bytes):
    """Number of rows per block of a product with a large matrix, which BLAS copies every time.

    `row_bytes` are those of a row of the product.
    """
    return min(512 if n_rows >= 1024 else 256, max(_HELD_BYTES // max(row_bytes, 1), 32))


def rows_of_codes(n_components):
    """Largest number of rows of a block of dense codes, a limit only for very many atoms."""
    return max(_CODE_BYTES // (8 * n_components), 8)


def strips(rows, row_bytes):
    """Slices of a block of rows, each small enough to stay in the cache for several passes."""
    size = max(_STRIP_BYTES // max(row_bytes, 1), 1)
    return [slice(i, min(i + size, rows.stop)) for i in range(rows.start, rows.stop, size)]


def scratch(shape, dtype):
    """Temporary memory of this thread for one block; the next call may return it again.

    New memory for every block would be slow, because the system clears its pages. The memory is
    kept, up to a limit, as long as the thread.
    """
    return scratches([shape], dtype)[0]


def scratches(shapes, dtype):
    """Several temporary arrays of this thread, as `scratch` returns one."""
    sizes = [math.prod(shape) for shape in shapes]
    memory, ends = _memory_of(sum(sizes), dtype), np.cumsum(sizes).tolist()
    return [
        memory[end - size : end].reshape(shape)
        for shape, size, end in zip(shapes, sizes, ends, strict=True)
    ]


def _memory_of(n_entries, dtype):
    n_bytes = n_entries * np.dtype(dtype).itemsize
    if n_bytes > _HELD_BYTES:
        return aligned_empty((n_entries,), dtype)
    held = getattr(_memory, "bytes", None)
    if held is None or held.nbytes < n_bytes:
        held = _memory.bytes = aligned_empty((n_bytes,), np.uint8)
    return held[:n_bytes].view(dtype)


def kept_by_thread(name, size, make):
    """Return ``make(size)``, kept by this thread for the next call with the same size.

    For small arrays to work in, which take as long to make as to use.
    """
    held = getattr(_memory, name, None)
    if held is None or held[0] != size:
        held = size, make(size)
        setattr(_memory, name, held)
    return held[1]


@contextlib.contextmanager
def _borrowed_pool(n_threads):
    """Context of an unused pool of threads; pools are kept, because starting one is expensive."""
    with _lock:
        idle = _idle_pools.setdefault(n_threads, [])
        pool = idle.pop() if idle else None
    if pool is None:
        pool = ThreadPoolExecutor(n_threads, thread_name_prefix="sparsecode")
    try:
        yield pool
    except BaseException:
        # Blocks of an interrupted call may still run.
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    with _lock:
        if not idle:
            idle.append(pool)
            return
    pool.shutdown()


def _forget_other_threads():
    # A fork copies the lock and the pools of threads that do not exist in the child.
    global _lock, _idle_pools
    _lock, _idle_pools = threading.Lock(), {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
