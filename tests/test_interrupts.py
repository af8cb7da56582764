"""An interrupt ends work at once, wherever it arrives, and leaves BLAS as it was."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from sparsecode import Dictionary, _blas
from sparsecode._interrupts import Halted, halt_flag, halt_if_told, has_flag, working_for
from sparsecode._parallel import map_row_blocks
from sparsecode.encoders import MatchingPursuit
from sparsecode.encoders._pursuit import Pursuit
from sparsecode.penalties import L1, MCP, Cauchy, GroupL1, KSparse
from sparsecode.solvers import (
    ADMM,
    FISTA,
    IHT,
    ISTA,
    LCA,
    OMP,
    ConjugateGradient,
    CoordinateDescent,
    FeatureSign,
    Homotopy,
)
from sparsecode.updates import KSVD, ApproximateKSVD, ksvd

ENDLESS = 10**12


def interrupted(start, seconds=0.3):
    """Call a function that is interrupted after some time."""
    # A process started in the background may ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            start()
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, before)


def coherent(n_atoms, n_features, n_samples):
    """A problem that no solver ends soon at ``tol=0``."""
    rng = np.random.default_rng(0)
    atoms = 1 + 0.1 * rng.standard_normal((n_atoms, n_features))
    return rng.standard_normal((n_samples, n_features)), Dictionary(atoms)


ENDLESS_SOLVERS = [
    (ISTA(ENDLESS, tol=0), L1(0.1)),
    (FISTA(ENDLESS, tol=0), GroupL1(0.1)),
    (FISTA(ENDLESS, tol=0), MCP(0.1)),
    (LCA(ENDLESS, tol=0), L1(0.1)),
    (ADMM(ENDLESS, tol=0), L1(0.1)),
    (CoordinateDescent(ENDLESS, tol=1e-300), L1(0.0)),
    (ConjugateGradient(ENDLESS, tol=0), Cauchy(0.1)),
    (IHT(ENDLESS, tol=0), KSparse(5)),
]


@pytest.mark.needs_jit
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("solver, penalty", ENDLESS_SOLVERS, ids=lambda value: type(value).__name__)
def test_iterations_without_end_end_at_an_interrupt(solver, penalty, n_jobs):
    """Each would go on for days: that it ends at all is what is tested."""
    X, dictionary = coherent(12, 6, 520)
    # Compiles the kernels, so that it is iterations that are interrupted.
    type(solver)(max_iter=1, tol=0).solve(X[:2], dictionary, penalty)
    interrupted(lambda: solver.solve(X, dictionary, penalty, n_jobs=n_jobs))
    assert not _blas.is_held()


@pytest.mark.needs_jit
@pytest.mark.parametrize(
    "solver, penalty",
    [(FeatureSign(), L1(1e-3)), (Homotopy(), L1(1e-3)), (OMP(), KSparse(200))],
    ids=lambda value: type(value).__name__,
)
def test_solvers_that_end_of_themselves_end_at_an_interrupt(solver, penalty, monkeypatch):
    """In the middle of a block, of which no sample is left without an iteration otherwise."""
    seen, solve_block = [], type(solver)._solve_block

    @functools.wraps(solve_block)
    def watched(self, problem, prepared, block):
        seen.append(block.n_iter)
        solve_block(self, problem, prepared, block)

    monkeypatch.setattr(type(solver), "_solve_block", watched)
    rng = np.random.default_rng(0)
    dictionary = Dictionary.random(500, 200, random_state=0)
    X = rng.standard_normal((20000, 200))
    solver.solve(X[:2], dictionary, penalty)
    assert (seen.pop() > 0).all()
    interrupted(lambda: solver.solve(X, dictionary, penalty, n_jobs=1), seconds=0.1)
    assert (seen[-1] == 0).any()


def samples_of(update):
    """A small dictionary, and statistics of samples that use all of its atoms."""
    rng = np.random.default_rng(0)
    dictionary = Dictionary.random(12, 6, random_state=0)
    codes = rng.standard_normal((60, 12)) * (rng.uniform(size=(60, 12)) < 0.3)
    X = codes @ dictionary.atoms + 0.1 * rng.standard_normal((60, 6))
    return dictionary, update.gather(X, codes, dictionary, update.init(dictionary))


@pytest.mark.needs_jit
@pytest.mark.parametrize("update", [KSVD(), ApproximateKSVD()], ids=lambda u: type(u).__name__)
def test_sweeps_without_end_on_other_threads_end_at_an_interrupt(update):
    dictionary, stats = samples_of(update)
    update.step(dictionary, stats)
    update.n_sweeps = ENDLESS
    work = functools.partial(map_row_blocks, block_size=1, n_jobs=2)
    interrupted(lambda: work(lambda rows: update.step(dictionary, stats), 2))
    assert not _blas.is_held()


def test_an_atom_that_nobody_waits_for_is_not_updated():
    """Within a sweep, which may take long on many samples."""
    dictionary, stats = samples_of(KSVD())
    atoms, by_atom = dictionary.atoms.copy(), stats.parts[0].codes.T.tocsr()
    users = ksvd._Users(by_atom.indptr, by_atom.indices, by_atom.data)
    rest = stats.parts[0].X.copy(), users, stats.parts[0].weight, False, False
    with working_for(np.ones(1, dtype=np.uint8)), pytest.raises(Halted):
        KSVD()._sweep(atoms, *rest)
    ksvd._alternate_once(atoms, *rest, np.ones(1, dtype=np.uint8))
    np.testing.assert_array_equal(atoms, dictionary.atoms)
    ksvd._alternate_once(atoms, *rest, np.zeros(1, dtype=np.uint8))
    assert (atoms != dictionary.atoms).any()


def test_a_long_sweep_leaves_the_main_thread_to_the_interrupt(monkeypatch):
    seen = []

    def sweep_without_end(*args):
        seen.append(threading.current_thread())
        while not args[-1][0]:
            time.sleep(0.01)

    monkeypatch.setattr(ksvd, "_alternate_once", sweep_without_end)
    monkeypatch.setattr(ksvd, "_LONG", 0)
    dictionary, stats = samples_of(ApproximateKSVD())
    interrupted(lambda: ApproximateKSVD().step(dictionary, stats))
    assert seen and seen[0] is not threading.main_thread()


def test_a_pursuit_that_nobody_waits_for_ends_at_its_next_step():
    x, dictionary = coherent(12, 6, 5)
    encoder = MatchingPursuit(k=2)
    selected, steps = np.empty((5, 2), dtype=np.int32), np.empty((5, 2))
    pursuit = Pursuit(dictionary, encoder, len(x))
    with working_for(np.ones(1, dtype=np.uint8)), pytest.raises(Halted):
        pursuit.run(x, None, selected, steps)


def test_what_works_for_an_interrupted_call_is_told():
    seen = []

    def block(rows):
        while not seen:
            time.sleep(0.01)
        assert has_flag() and not halt_flag()[0]
        while not halt_flag()[0]:
            time.sleep(0.01)
        with pytest.raises(Halted):
            # From inside another call too.
            map_row_blocks(lambda inner: inner, 4, block_size=1)
        halt_if_told()

    threading.Timer(0.2, seen.append, [True]).start()
    interrupted(lambda: map_row_blocks(block, 2, block_size=1, n_jobs=2), seconds=0.4)
    assert not has_flag() and not halt_flag()[0]


def test_an_error_in_one_block_ends_the_others():
    def block(rows):
        if rows.start == 0:
            raise ZeroDivisionError
        while not halt_flag()[0]:
            time.sleep(0.01)
        raise Halted

    with pytest.raises(ZeroDivisionError):
        map_row_blocks(block, 2, block_size=1, n_jobs=2)


STORM = """
    import random, signal, _thread, threading, time
    import numpy as np, threadpoolctl
    from sparsecode import Dictionary, _blas
    from sparsecode.estimators import OlshausenField
    from sparsecode.penalties import L1
    from sparsecode.solvers import FeatureSign

    signal.signal(signal.SIGINT, signal.default_int_handler)
    threadpoolctl.threadpool_limits(2, user_api="blas")
    rng = np.random.default_rng(0)
    X, dictionary = rng.standard_normal((8, 6)), Dictionary.random(9, 6, random_state=0)

    def counts():
        return [lib["num_threads"] for lib in threadpoolctl.threadpool_info()
                if lib["user_api"] == "blas"]

    def hold():
        for _ in range(20):
            with _blas.single_threaded_blas():
                pass

    works = [
        hold,
        lambda: FeatureSign().solve(X, dictionary, L1(0.3)),
        lambda: FeatureSign(max_iter=10**9).solve(X, dictionary, L1(0.3)),
        lambda: OlshausenField(4, max_iter=2, batch_size=20).fit(X / 3),
    ]
    for work in works:
        work()
    before, done, listening = counts(), threading.Event(), []

    def send():
        pause = random.Random(0)
        # A signal before the first handler below is there would end the process.
        while not listening:
            time.sleep(1e-3)
        for _ in range(N_SIGNALS):
            time.sleep(pause.uniform(2e-4, 4e-3))
            _thread.interrupt_main()
        time.sleep(0.1)
        done.set()

    sender, n_caught = threading.Thread(target=send), 0
    sender.start()
    while True:
        try:
            listening.append(True)
            while not done.is_set():
                try:
                    for work in works:
                        work()
                except KeyboardInterrupt:
                    n_caught += 1
            break
        except KeyboardInterrupt:
            n_caught += 1
    sender.join()
    print(n_caught > 3, before, counts(), _blas.is_held())
"""


@pytest.mark.needs_jit
def test_a_storm_of_signals_leaves_blas_as_it_was():
    code = textwrap.dedent(STORM).replace("N_SIGNALS", "400")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    many, *counts, is_held = done.stdout.replace("[", "").replace("]", "").split()
    assert many == "True" and is_held == "False", done.stdout
    before, after = counts[: len(counts) // 2], counts[len(counts) // 2 :]
    assert [n.strip(",") for n in before] == [n.strip(",") for n in after]


def test_a_holder_whose_end_was_never_told_is_forgotten():
    holder = _blas._Holder()
    _blas._enter(holder)
    assert _blas.is_held()
    del holder
    assert not _blas.is_held()


def test_what_interrupts_broke_off_is_done_afterwards(monkeypatch):
    """In a change of all libraries, in either direction, and again in the next try."""

    class Library:
        num_threads, breaks = 3, 0

        def set_num_threads(self, n_threads):
            if Library.breaks:
                Library.breaks -= 1
                raise KeyboardInterrupt
            self.num_threads = n_threads

    some = [Library(), Library()]
    monkeypatch.setattr(_blas, "libraries", lambda: some)
    for breaks, before in ((1, True), (2, True), (3, True), (1, False), (2, False)):
        Library.breaks = breaks if before else 0
        with contextlib.suppress(KeyboardInterrupt), _blas.single_threaded_blas():
            Library.breaks = breaks
        assert Library.breaks == 0
        assert [library.num_threads for library in some] == [3, 3] and not _blas.is_held()
        with _blas.single_threaded_blas():
            assert [library.num_threads for library in some] == [1, 1]
        assert [library.num_threads for library in some] == [3, 3] and not _blas.is_held()
