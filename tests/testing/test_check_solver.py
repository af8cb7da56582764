"""Every broken solver is seen, and the message names what is broken."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sparsecode.penalties import L0, L1, KSparse
from sparsecode.solvers import FISTA, ISTA, OMP
from sparsecode.testing import check_solver


def solving(change, solver=ISTA):
    """A solver whose `solve` does what `change(solve, self, X, dictionary, penalty, **k)` does."""

    @dataclass
    class Mutant(solver):
        def solve(self, X, dictionary, penalty, **options):
            solve = super().solve
            return change(solve, self, X, dictionary, penalty, **options)

    return Mutant()


def off_by_a_little(solve, self, *problem, **options):
    result = solve(*problem, **options)
    return replace(result, codes=result.codes * 1.01)


def float64(solve, self, *problem, **options):
    result = solve(*problem, **options)
    return replace(result, codes=result.codes.astype(np.float64))


def no_warning(solve, self, *problem, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solve(*problem, **options)


def two_warnings(solve, self, *problem, **options):
    if self.max_iter == 1 and self.tol == 1e-12:
        warnings.warn("slow", UserWarning, stacklevel=2)
    return solve(*problem, **options)


def forgets_start(solve, self, *problem, codes=None, **options):
    return solve(*problem, **options)


def ignores_offset(solve, self, X, dictionary, penalty, **options):
    return solve(X, getattr(dictionary, "atoms", dictionary), penalty, **options)


def remembers(solve, self, *problem, **options):
    self.max_iter += 1
    return solve(*problem, **options)


def claims_convergence(solve, self, *problem, **options):
    given, self.tol = self.tol, 1e-2 if self.tol else 0.0
    result = solve(*problem, **options)
    self.tol = given
    return result


def depends_on_threads(solve, self, *problem, n_jobs=None, **options):
    result = solve(*problem, n_jobs=n_jobs, **options)
    return replace(result, codes=result.codes * (1 + 1e-14 * (n_jobs == 2)))


def depends_on_neighbours(solve, self, X, *problem, **options):
    result = solve(X, *problem, **options)
    return replace(result, codes=result.codes + (1e-7 if len(X) > 200 else 0) * X[:1, :1])


MUTANTS = {
    off_by_a_little: "relative duality gap|stationarity",
    float64: "codes of float32 are float64",
    no_warning: "max_iter reached gave 0 warnings",
    two_warnings: "max_iter reached gave 2 warnings",
    forgets_start: "objective above the start|iterations from the solution",
    ignores_offset: "with an offset",
    remembers: "solve changed the solver",
    claims_convergence: "relative duality gap .* >",
    depends_on_threads: "n_jobs=2 gives other codes",
    depends_on_neighbours: "codes of the rows in another order|codes of rows",
}


@pytest.mark.parametrize(
    ("change", "message"), MUTANTS.items(), ids=lambda m: getattr(m, "__name__", "")
)
def test_sees_a_broken_solver(change, message, n_samples):
    with pytest.raises(AssertionError, match=message):
        check_solver(solving(change), penalties=[L1(0.2)], n_samples=n_samples)


def test_float32_may_be_left_out(n_samples):
    check_solver(solving(float64), penalties=[L1(0.2)], n_samples=n_samples, float32=False)


def one_more_nonzero(solve, self, X, dictionary, penalty, **options):
    if penalty.error == 0 and penalty.n_nonzero == 3:
        penalty = KSparse(4)
    return solve(X, dictionary, penalty, **options)


def misses_the_error(solve, self, X, dictionary, penalty, **options):
    return solve(X, dictionary, penalty._replace(error=1.5 * np.asarray(penalty.error)), **options)


def overshoots_the_error(solve, self, X, dictionary, penalty, **options):
    return solve(X, dictionary, penalty._replace(error=0.3 * np.asarray(penalty.error)), **options)


def first_targets_for_all(solve, self, X, dictionary, penalty, **options):
    if np.ndim(penalty.n_nonzero) > 0:
        penalty = KSparse(int(penalty.n_nonzero[0]))
    return solve(X, dictionary, penalty, **options)


def silent_about_errors(solve, self, X, dictionary, penalty, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return solve(X, dictionary, penalty, **options)


MUTANTS_OF_OMP = {
    one_more_nonzero: "4 nonzeros with n_nonzero=3",
    misses_the_error: "is missed",
    overshoots_the_error: "went on after|of its own",
    first_targets_for_all: "of its own",
    silent_about_errors: "errors out of reach gave 0 warnings",
}


@pytest.mark.parametrize(
    ("change", "message"), MUTANTS_OF_OMP.items(), ids=lambda m: getattr(m, "__name__", "")
)
def test_sees_a_broken_solver_of_counts_and_errors(change, message, n_samples):
    with pytest.raises(AssertionError, match=message):
        check_solver(solving(change, OMP), penalties=[KSparse(2)], n_samples=n_samples)


def test_sees_a_written_start(n_samples):
    """`codes` is read-only in the check, so that a solver that writes to it fails there."""

    def write(solve, self, *problem, codes=None, **options):
        if codes is not None:
            codes[:] = 0
        return solve(*problem, codes=codes, **options)

    with pytest.raises((AssertionError, ValueError), match=r"written to|read-only"):
        check_solver(solving(write), penalties=[L1(0.2)], n_samples=n_samples)


def test_sees_a_refusal_that_explains_nothing(n_samples):
    @dataclass
    class Rude(ISTA):
        def check_penalty(self, penalty):
            if isinstance(penalty, L0):
                raise TypeError("no")

    with pytest.raises(AssertionError, match="does not say Rude"):
        check_solver(Rude(), penalties=[L1(0.2), L0(0.2)], n_samples=n_samples)


def test_refuses_what_is_not_a_solver():
    for wrong in (FISTA, "fista"):
        with pytest.raises(AssertionError, match="not an instance of Solver"):
            check_solver(wrong)
    with pytest.raises(AssertionError, match="accepts none of the penalties"):
        check_solver(FISTA(restart=False), penalties=[L0()])
