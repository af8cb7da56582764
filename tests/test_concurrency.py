"""Every solver gives the same bits on any number of threads, and from several threads at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import Dictionary, solvers
from sparsecode.penalties import L1, Cauchy, KSparse
from sparsecode.solvers import FISTA, FeatureSign, Solver

CLASSES = [getattr(solvers, name) for name in solvers.__all__]
SOLVERS = [cls() for cls in CLASSES if isinstance(cls, type) and issubclass(cls, Solver)]
SOLVERS = [solver for solver in SOLVERS if type(solver) is not Solver]

pytestmark = [
    pytest.mark.needs_jit,
    # For the whole test: the filters of warnings are not safe to change from threads.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def accepted_penalty(solver):
    for penalty in (L1(0.3), Cauchy(0.3), KSparse(3)):
        try:
            solver.check_penalty(penalty)
        except TypeError:
            continue
        return penalty
    raise AssertionError(f"{solver} accepts none of these penalties: add one that it does")


def solve(solver, X, dictionary, n_jobs):
    """Codes, iterations and certificate after a few iterations, converged or not."""
    if "max_iter" in solver.get_params():
        solver = clone(solver).set_params(max_iter=20)
    result = solver.solve(X, dictionary, accepted_penalty(solver), n_jobs=n_jobs)
    return result.codes, result.n_iter, result.converged, *vars(result.certificate).values()


def assert_same_bits(got, expected):
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def problem(seed=0, n_samples=300):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_samples, 6)), Dictionary.random(9, 6, random_state=seed)


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_any_number_of_threads_gives_the_same_bits(solver):
    # Three blocks of samples, the last one small, and as many of those that are judged together.
    X, dictionary = problem(n_samples=2 * max(solver._block_size, 1024) + 7)
    expected = solve(solver, X, dictionary, n_jobs=1)
    for n_jobs in (2, 3, -1, None):
        assert_same_bits(solve(solver, X, dictionary, n_jobs), expected)


@pytest.mark.parametrize("solver", [FISTA(), FeatureSign()], ids=lambda s: type(s).__name__)
def test_threads_solve_at_the_same_time(solver):
    n_threads = 4
    expected = [solve(solver, *problem(seed, 2100), n_jobs=1) for seed in range(n_threads)]
    samples = [problem(seed, 2100)[0] for seed in range(n_threads)]
    # One of everything for all, whose Gram matrix and bounds are not computed yet.
    shared = problem(0)[1]
    barrier = threading.Barrier(n_threads)

    def work(seed, dictionary):
        barrier.wait()
        return solve(solver, samples[seed], dictionary, n_jobs=2)

    with ThreadPoolExecutor(n_threads) as pool:
        own = list(pool.map(work, range(n_threads), [problem(s)[1] for s in range(n_threads)]))
        one = list(pool.map(work, range(n_threads), [shared] * n_threads))
    for seed in range(n_threads):
        assert_same_bits(own[seed], expected[seed])
        assert_same_bits(one[seed], solve(solver, samples[seed], problem(0)[1], n_jobs=1))
