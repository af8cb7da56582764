"""Blocks of rows on threads: the same answers, from anywhere, and BLAS left as it was."""

import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st

from sparsecode import Dictionary, _blas, _parallel
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import map_row_blocks, resolve_n_jobs
from sparsecode.penalties import L1
from sparsecode.solvers import FISTA, FeatureSign


def blas_threads():
    return [
        pool["num_threads"]
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    ]


@pytest.fixture(autouse=True)
def two_blas_threads():
    """So that forgetting to restore them is seen, whatever ran before."""
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


@given(
    n_rows=st.integers(0, 50),
    block_size=st.integers(1, 20),
    n_jobs=st.sampled_from([None, 1, 2, -1]),
)
def test_blocks_cover_all_rows_in_order(n_rows, block_size, n_jobs):
    blocks = map_row_blocks(lambda rows: rows, n_rows, block_size=block_size, n_jobs=n_jobs)
    rows = [row for block in blocks for row in range(block.start, block.stop)]
    assert rows == list(range(n_rows))
    assert all(block.stop - block.start <= block_size for block in blocks)


def test_blas_runs_on_one_thread_inside_and_is_restored():
    before = blas_threads()
    inside = map_row_blocks(lambda rows: blas_threads(), 4, block_size=2, n_jobs=2)
    assert all(set(threads) == {1} for threads in inside)
    assert blas_threads() == before


def test_blas_is_restored_after_an_error():
    before = blas_threads()

    def fail(rows):
        raise RuntimeError("in a block")

    for n_jobs in (1, 2):
        with pytest.raises(RuntimeError, match="in a block"):
            map_row_blocks(fail, 4, block_size=1, n_jobs=n_jobs)
    assert blas_threads() == before and not _blas.is_held()


def test_can_be_entered_again_from_inside():
    # Other tests may have loaded a library with a BLAS of its own since.
    _blas.libraries.cache_clear()
    before = blas_threads()

    def outer(rows):
        return map_row_blocks(lambda inner: inner.start, 6, block_size=2, n_jobs=2)

    assert map_row_blocks(outer, 4, block_size=1, n_jobs=2) == [[0, 2, 4]] * 4
    with single_threaded_blas(), single_threaded_blas():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_from_several_threads_at_once():
    before = blas_threads()
    barrier = threading.Barrier(4)

    def work(_):
        barrier.wait()
        return sum(map_row_blocks(lambda rows: rows.stop, 100, block_size=7, n_jobs=2))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert len(set(results)) == 1
    assert blas_threads() == before and not _blas.is_held()


def solve(solver):
    X = np.random.default_rng(0).standard_normal((2 * solver._block_size + 7, 6))
    dictionary = Dictionary.random(9, 6, random_state=0)
    return solver.solve(X, dictionary, L1(0.3), n_jobs=2).codes


solvers = pytest.mark.parametrize(
    "solver", [FISTA(max_iter=20, tol=0), FeatureSign()], ids=lambda solver: type(solver).__name__
)


@solvers
@pytest.mark.needs_jit
def test_solvers_agree_from_threads_and_workers(solver):
    expected = solve(solver)
    for backend in ("threading", "loky"):
        for codes in joblib.Parallel(2, backend=backend)(
            joblib.delayed(solve)(solver) for _ in range(3)
        ):
            np.testing.assert_array_equal(codes, expected)


def _in_child(queue, solver):
    queue.put((solve(solver), blas_threads(), _blas.is_held()))


@solvers
@pytest.mark.needs_jit
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_after_a_fork_even_one_from_inside(solver):
    before, expected = blas_threads(), solve(solver)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()

    def fork(_=None):
        child = context.Process(target=_in_child, args=(queue, solver))
        child.start()
        codes, threads, is_held = queue.get(timeout=60)
        child.join(60)
        assert child.exitcode == 0
        np.testing.assert_array_equal(codes, expected)
        assert threads == before and not is_held

    fork()
    with single_threaded_blas():
        fork()


def test_n_jobs():
    available = resolve_n_jobs(None)
    assert 1 <= available <= joblib.cpu_count()
    assert resolve_n_jobs(-1) == available
    assert resolve_n_jobs(-1000) == 1
    assert resolve_n_jobs(3) == 3 and resolve_n_jobs(np.int64(2)) == 2
    for wrong in (0, 1.5, "2", True):
        with pytest.raises(ValueError, match=r"n_jobs is .*expected None or a whole number"):
            resolve_n_jobs(wrong)


def test_workers_of_joblib_take_their_share():
    with joblib.parallel_config(backend="loky", n_jobs=2, inner_max_num_threads=1):
        shares = joblib.Parallel()(joblib.delayed(resolve_n_jobs)(None) for _ in range(2))
    assert shares == [1, 1]


def test_scratch_is_memory_of_the_thread_that_asks():
    _parallel.scratch((3, 4), np.float32)
    again = _parallel.scratch((2, 5), np.float64)
    assert again.shape == (2, 5) and again.dtype == np.float64
    assert np.shares_memory(again, _parallel.scratch((3, 4), np.float32))
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(_parallel.scratch, (3, 4), np.float32).result()
    assert not np.shares_memory(other, _parallel.scratch((3, 4), np.float32))


def test_scratch_of_great_size_is_not_kept(monkeypatch):
    monkeypatch.setattr(_parallel, "_HELD_BYTES", 800)
    kept, great = _parallel.scratch((100,), np.float64), _parallel.scratch((101,), np.float64)
    assert np.shares_memory(kept, _parallel.scratch((50,), np.float64))
    assert not np.shares_memory(great, _parallel.scratch((101,), np.float64))
    assert _parallel.rows_of_product(2000, 20) == 40
    assert _parallel.rows_of_product(2000, 10**6) == 32


@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize(("n_jobs", "share"), [(1, 1), (2, 1), (4, 2)])
def test_what_blocks_call_stays_within_n_jobs(n_jobs, share, is_long):
    def seen(rows):
        return resolve_n_jobs(None)

    options = {"block_size": 5, "n_jobs": n_jobs, "is_long": is_long}
    assert map_row_blocks(seen, 10, **options) == [share, share]
    with _parallel.threads_of(n_jobs):
        assert map_row_blocks(seen, 10, block_size=5, is_long=is_long) == [share, share]
        with _parallel.threads_of(None):
            assert resolve_n_jobs(None) == n_jobs
