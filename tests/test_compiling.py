"""Kernels compile where no interrupt arrives: it ends the wait, and the compiler goes on behind."""

import contextvars
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numba
import numpy as np
import pytest
from numba.core.caching import NullCache
from numba.extending import overload

from sparsecode import _interrupts, _jit
from sparsecode._interrupts import Halted, has_flag, out_of_reach, working_for

needs_jit = pytest.mark.needs_jit("about the compiler")
HANG = 300

PREAMBLE = """
    import os, signal, sys, threading, time, warnings
    import numba.core.event
    from sparsecode.penalties import L1
    from sparsecode.penalties._array_kernels import prox_array

    class Announce(numba.core.event.Listener):
        def on_start(self, event):
            # In one piece, beside those of other processes.
            os.write(1, b"compiling\\n")
        def on_end(self, event):
            pass

    numba.core.event.register("numba:compile", Announce())
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def wait_for_parent():
        # Where a busy machine sends the interrupt after the compilation.
        while True:
            time.sleep(0.01)
"""


def start(code, cache):
    """A child with no compiled kernels, which says when it compiles."""
    code = textwrap.dedent(PREAMBLE) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
    )


def interrupt_while_compiling(code, cache):
    """Send a child one interrupt in the middle of a compilation; returns how it ended."""
    child = start(code, cache)
    try:
        assert child.stdout.readline() == "compiling\n"
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=HANG)
    finally:
        child.kill()
        child.communicate()
    return child.returncode, output.replace("compiling\n", ""), errors


@pytest.fixture
def interrupt():
    """Interrupts this process, as Ctrl-C does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_the_wait_ends_at_an_interrupt_and_the_call_does_not(interrupt):
    go_on, ended = threading.Event(), threading.Event()

    def work():
        interrupt()
        go_on.wait(HANG)
        ended.set()

    with pytest.raises(KeyboardInterrupt):
        out_of_reach(work)
    assert not ended.is_set() and len(_interrupts._calls) == 1
    go_on.set()
    assert ended.wait(HANG)


def test_the_wait_of_a_worker_that_is_told_to_stop_ends():
    flag, go_on = np.zeros(1, dtype=np.uint8), threading.Event()

    def work():
        flag[0] = 1
        go_on.wait(HANG)

    with working_for(flag), pytest.raises(Halted):
        out_of_reach(work)
    go_on.set()
    assert not has_flag()


def test_whom_no_interrupt_reaches_starts_no_thread():
    seen = []

    def work():
        seen.append(threading.current_thread())

    thread = threading.Thread(target=out_of_reach, args=[work])
    thread.start()
    thread.join()
    assert seen == [thread]
    out_of_reach(work)
    assert seen[1] not in (thread, threading.main_thread())


def test_what_a_call_returns_raises_and_warns_of_reaches_the_caller():
    variable = contextvars.ContextVar("variable")
    variable.set(3)
    assert out_of_reach(lambda number: number + variable.get(), 4) == 7
    for error in (ZeroDivisionError, numba.TypingError, SystemExit, KeyboardInterrupt):
        with pytest.raises(error):
            out_of_reach(raiser(error("here")))
    with pytest.warns(RuntimeWarning, match="here"):
        out_of_reach(warnings.warn, "here", RuntimeWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="here"):
            out_of_reach(warnings.warn, "here", RuntimeWarning)
    assert not _interrupts._calls


def raiser(error):
    def work(*arguments):
        raise error

    return work


def test_without_another_thread_to_be_had_the_call_is_made_here(monkeypatch):
    monkeypatch.setattr(threading.Thread, "start", raiser(RuntimeError("can't start new thread")))
    assert out_of_reach(threading.current_thread) is threading.main_thread()


@pytest.fixture
def watched(monkeypatch):
    """A function for kernels; and a list, of the threads that compile it."""
    # What is cached on disk are kernels of the package.
    monkeypatch.setattr(_jit, "guarded_cache", lambda function: NullCache())
    threads = []

    def stand_in(number):
        return number

    @overload(stand_in)
    def typed(number):
        threads.append(threading.current_thread())
        return lambda number: number + 1

    return stand_in, threads


@needs_jit
def test_the_main_thread_compiles_no_kernel(watched):
    stand_in, threads = watched
    twice = _jit.kernel(lambda number: 2 * stand_in(number))
    assert twice(3) == 8 and twice(0.5) == 3
    assert threads and threading.main_thread() not in threads
    with pytest.raises(numba.TypingError):
        twice("abc")


@needs_jit
def test_a_kernel_that_a_function_of_a_user_calls_waits_for_no_lock(watched):
    stand_in, threads = watched
    twice = _jit.kernel(lambda number: 2 * stand_in(number))
    # The main thread compiles this, and has the lock of the compiler.
    assert numba.njit(lambda number: twice(number) + 1)(3) == 9
    assert set(threads) == {threading.main_thread()}


@needs_jit
def test_what_an_interrupted_call_compiles_serves_the_next(tmp_path):
    code = """
        try:
            L1(1.0).prox([[3.0]])
            wait_for_parent()
        except KeyboardInterrupt:
            print(prox_array.signatures)
        print(L1(1.0).prox([[3.0]])[0, 0], sum(prox_array.stats.cache_misses.values()))
    """
    result = interrupt_while_compiling(code, tmp_path)
    assert result == (0, "[]\n2.0 1\n", "")
    child = start(code.replace("wait_for_parent()", "raise KeyboardInterrupt"), tmp_path)
    # What went on behind was saved, too.
    output, _ = child.communicate(timeout=HANG)
    assert output.endswith("2.0 0\n") and "compiling" not in output


SOLVE = """
    import numpy as np
    from sparsecode import Dictionary
    from sparsecode.solvers import FeatureSign
    X, dictionary = np.eye(6), Dictionary.random(9, 6, random_state=0)
    try:
        FeatureSign().solve(X, dictionary, L1(0.3), n_jobs=N_JOBS)
        wait_for_parent()
    except KeyboardInterrupt:
        print(len(_interrupts._calls), flush=True)
        sys.exit(3)
"""


@needs_jit
@pytest.mark.parametrize("n_jobs", ["1", "2"])
def test_a_process_ends_in_the_middle_of_a_compilation(tmp_path, n_jobs):
    """The kernel of this solver takes the compiler longest."""
    code = "from sparsecode import _interrupts\n" + textwrap.dedent(SOLVE)
    result = interrupt_while_compiling(code.replace("N_JOBS", n_jobs), tmp_path)
    assert result == (3, "1\n", "")
    # It did not wait until all of it was compiled.
    assert not list(tmp_path.rglob("*search_rows*.nbc"))


@needs_jit
@pytest.mark.skipif(not hasattr(os, "fork"), reason="of systems that fork")
def test_a_fork_in_the_middle_of_a_compilation_can_compile(tmp_path):
    code = """
        from sparsecode import _interrupts
        try:
            L1(1.0).prox([[3.0]])
            wait_for_parent()
        except KeyboardInterrupt:
            child = os.fork()
            # Of a compiler that is not there the child has the locks, and half of the work.
            assert not _interrupts._calls
        os.write(1, b"%g\\n" % L1(1.0).prox([[3.0]])[0, 0])
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert interrupt_while_compiling(code, tmp_path) == (0, "2\n2\n", "")


STORM = """
    import random, _thread, threadpoolctl
    from sparsecode import _blas
    threadpoolctl.threadpool_limits(2, user_api="blas")

    def counts():
        return [lib["num_threads"] for lib in threadpoolctl.threadpool_info()
                if lib["user_api"] == "blas"]

    def send():
        pause = random.Random(0)
        for _ in range(N_SIGNALS):
            time.sleep(pause.uniform(1e-3, 2e-2))
            _thread.interrupt_main()
        time.sleep(0.1)
        done.set()

    before, done, n_caught = counts(), threading.Event(), 0
    sender = threading.Thread(target=send)
    sender.start()
    while True:
        try:
            while not done.is_set():
                L1(1.0).prox([[3.0]])
                with _blas.single_threaded_blas():
                    L1(1.0, positive=True).value([[3.0]])
            break
        except KeyboardInterrupt:
            n_caught += 1
    sender.join()
    print(n_caught > 3, before == counts(), L1(1.0).prox([[3.0]])[0, 0], _blas.is_held())
"""


@needs_jit
def test_a_storm_of_signals_on_the_compiler_ends_no_process(tmp_path):
    child = start(STORM.replace("N_SIGNALS", "200"), tmp_path)
    output, errors = child.communicate(timeout=HANG)
    assert child.returncode == 0, errors
    assert output.replace("compiling\n", "") == "True True 2.0 False\n"
