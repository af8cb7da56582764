"""The contract of a solver: its codes are certified, and its arguments do not change."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sparsecode import penalties as _penalties
from sparsecode._messages import shown
from sparsecode._typing import MatrixLike, RandomState
from sparsecode._validation import check_flag, check_integer, check_random_state
from sparsecode._values import check_list
from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary
from sparsecode.objective import certify
from sparsecode.penalties import L1, ElasticNet, KSparse, Penalty, Simplex
from sparsecode.solvers import Solver, SolveResult
from sparsecode.testing import _edge_cases, _k_sparse
from sparsecode.testing._require import naming, raised_by, read_only, require, require_close


def check_solver(
    solver: Solver,
    *,
    penalties: list[Penalty] | None = None,
    float32: bool = True,
    n_samples: int = 8,
    random_state: RandomState = 0,
) -> None:
    """Check that a solver keeps the contract of `Solver`, with every penalty that it accepts.

    Its codes must reach `tol` by the certificate, agree with the closed form where there is one,
    and never be worse than where it started. They must not depend on `n_jobs`, on the other rows,
    or on the memory order of the arguments, which are not written to; float32 stays float32.
    Degenerate dictionaries and samples, warm starts, `record`, the warning at `max_iter`, and the
    errors are tried too.

    Parameters
    ----------
    solver : Solver
        Its `max_iter` must be enough to reach a tolerance of 1e-6 on a small problem.
    penalties : list of Penalty or None, default=None
        What to try it on, for any number of atoms. None is every penalty of `sparsecode.penalties`
        with a weight of 0.2, the non-negative ones, two nonzeros, and the simplex.
    float32 : bool, default=True
        Whether float32 is tried beside float64. Kernels are compiled for either, which takes most
        of the time.
    n_samples : int, default=8
    random_state : int, RandomState instance or None, default=0

    Raises
    ------
    AssertionError
        Says which part of the contract is broken, and with which penalty.

    Examples
    --------
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.solvers import ISTA
    >>> from sparsecode.testing import check_solver
    >>> check_solver(ISTA(), penalties=[L1(alpha=0.2)])
    """
    float32, n_samples = (
        check_flag(float32, "float32"),
        check_integer(n_samples, "n_samples", low=2),
    )
    if penalties is not None:
        penalties = check_list(penalties, "penalties", "a list of penalties", "Use [L1(0.2)].")
    with naming(shown(solver)):
        require(isinstance(solver, Solver), "not an instance of Solver")
        penalties = default_penalties() if penalties is None else penalties
        accepted = [penalty for penalty in penalties if _accepts(solver, penalty)]
        require(len(accepted) > 0, "accepts none of the penalties")
        rng = check_random_state(random_state)
        X = rng.standard_normal((n_samples, 6))
        # Nearly a tight frame, so that slow solvers finish too.
        dictionary = Dictionary(np.linalg.qr(rng.standard_normal((9, 6)))[0], None, UnitNorm())
        for penalty in accepted:
            with naming(shown(penalty)):
                case = Case(solver, penalty, X, dictionary, float32)
                for check in _CHECKS + _edge_cases.CHECKS:
                    check(case)
                if isinstance(penalty, KSparse):
                    _k_sparse.check_counts_and_errors(case)
        _check_independence(Case(solver, accepted[0], X, dictionary, float32))
        _check_errors(Case(solver, accepted[0], X, dictionary, float32))


def default_penalties() -> list[Penalty]:
    """Every penalty of the library at a weight of 0.2, the non-negative ones, the constraints."""
    classes = [getattr(_penalties, name) for name in _penalties.__all__]
    ours = [cls().scaled(0.2) for cls in classes if cls is not Penalty and cls.weighted]
    return [*ours, L1(0.2, positive=True), ElasticNet(0.2, positive=True), KSparse(2), Simplex()]


@dataclass(frozen=True)
class Case:
    """One problem and the solver to try on it."""

    solver: Solver
    penalty: Penalty
    X: np.ndarray
    dictionary: Dictionary
    float32: bool

    @property
    def dtypes(self) -> Any:
        """Types of numbers to try, each with a tolerance that can be reached in it."""
        types = ((np.float64, 1e-6), (np.float32, 1e-4))
        return types if self.float32 else types[:1]

    def solve(
        self,
        X: MatrixLike | None = None,
        dictionary: Dictionary | None = None,
        *,
        penalty: Penalty | None = None,
        tol: float = 1e-6,
        max_iter: int | None = None,
        **options: Any,
    ) -> SolveResult:
        """Solve this problem, or a variation of it; any warning is an error."""
        solver = clone(self.solver).set_params(tol=tol)
        if max_iter is not None and self.has_max_iter:
            solver.set_params(max_iter=max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return solver.solve(
                    self.X if X is None else X,
                    self.dictionary if dictionary is None else dictionary,
                    self.penalty if penalty is None else penalty,
                    **options,
                )
            except Warning as warning:
                raise AssertionError(f"unexpected warning: {warning}") from warning

    @property
    def has_max_iter(self) -> bool:
        """Whether the number of iterations is a parameter, rather than that of nonzeros."""
        return "max_iter" in self.solver.get_params()

    def require_solved(self, result: Any, tol: float, what: str) -> None:
        """Require that the certificate of a result confirms a tolerance."""
        require(result.converged.all(), f"{what}: not converged")
        require(np.isfinite(result.codes).all(), f"{what}: codes are not finite")
        certificate = result.certificate
        if self.penalty.convex:
            worst = certificate.relative_gap.max()
            require(worst <= tol, f"{what}: relative duality gap {worst:.1e} > {tol:.1e}")
        else:
            # A gradient and the residual of the prox are the same to first order only.
            worst = certificate.relative_residual.max()
            require(worst <= 2 * tol, f"{what}: stationarity residual {worst:.1e} > {2 * tol:.1e}")

    def start(self) -> Any:
        """Codes to start from where the penalty is finite, far from any solution."""
        shape = (len(self.X), self.dictionary.n_components)
        return self.penalty.prox(check_random_state(1).standard_normal(shape) * 2)


def _accepts(solver, penalty):
    try:
        solver.check_penalty(penalty)
    except TypeError as error:
        for name in (type(solver).__name__, type(penalty).__name__):
            require(name in str(error), f"the TypeError of a refused penalty does not say {name}")
        return False
    return True


def _check_certificate(case):
    result = case.solve()
    n_samples, n_components = len(case.X), case.dictionary.n_components
    require(result.codes.shape == (n_samples, n_components), f"codes of {result.codes.shape}")
    require(result.n_iter.shape == (n_samples,), f"n_iter has shape {result.n_iter.shape}")
    require(result.n_iter.dtype.kind == "i", f"n_iter has dtype {result.n_iter.dtype}")
    require(result.converged.dtype == bool, f"converged has dtype {result.converged.dtype}")
    require(result.history is None, "history is kept without record=True")
    case.require_solved(result, 1e-6, "default problem")


def _check_descent(case):
    start = case.start()
    before = certify(case.X, start, case.dictionary, case.penalty).objective
    for max_iter in (1, 3, 30):
        result = case.solve(codes=start, tol=0.0, max_iter=max_iter)
        above = (result.certificate.objective - before).max()
        limit = 1e-9 * (1 + before.max())
        require(above <= limit, f"objective above the start after {max_iter} iterations")


def _check_closed_forms(case):
    correct = np.linalg.qr(check_random_state(2).standard_normal((6, 6)))[0]
    result = case.solve(dictionary=correct, tol=1e-9)
    expected = case.penalty.prox(case.X @ correct.T)
    # A relative gap of 1e-9 leaves an error of the square root of it.
    require_close(result.codes, expected, 3e-4, "orthonormal atoms against the prox")
    atom = 2 * correct[:1]
    penalty = KSparse(1) if isinstance(case.penalty, KSparse) else case.penalty
    result = case.solve(dictionary=atom, penalty=penalty, tol=1e-9)
    expected = penalty.prox(case.X @ atom.T / 4, 1 / 4)
    require_close(result.codes, expected, 3e-4, "one atom against the prox")


def _check_warm_start(case):
    solved = case.solve()
    start = read_only(solved.codes)
    again = case.solve(codes=start)
    require(again.n_iter.max() <= 5, f"{again.n_iter.max()} iterations from the solution")
    require(again.converged.all(), "not converged when started at the solution")
    require_close(again.codes, start, 1e-3, "codes when started at the solution")
    start = read_only(case.start())
    copy = start.copy()
    case.solve(codes=start)
    require(np.array_equal(start, copy), "the codes argument was written to")


def _check_dtypes(case):
    if not case.float32:
        return
    X, dictionary = case.X.astype(np.float32), case.dictionary.astype(np.float32)
    result = case.solve(X, dictionary, tol=1e-4)
    require(result.codes.dtype == np.float32, f"codes of float32 are {result.codes.dtype}")
    case.require_solved(result, 1e-4, "float32")
    start = case.start()
    result = case.solve(X, dictionary, tol=1e-4, codes=start)
    require(result.codes.dtype == np.float32, "the dtype of the start decides that of the codes")
    for mixed in ((X, case.dictionary), (case.X, dictionary)):
        got = case.solve(*mixed, tol=1e-4).codes.dtype
        require(got == np.float64, f"codes of mixed float32 and float64 are {got}")


def _check_arguments(case):
    expected = case.solve().codes
    X = read_only(case.X)
    for name, given in (("read-only", X), ("Fortran-ordered", np.asfortranarray(X))):
        got = case.solve(given, np.asfortranarray(case.dictionary.atoms)).codes
        require(np.array_equal(got, expected), f"{name} arguments give other codes")
    require(np.array_equal(X, case.X), "X was written to")
    before = case.solver.get_params()
    case.solver.solve(case.X, case.dictionary, case.penalty)
    require(case.solver.get_params() == before, "solve changed the solver")


def _check_offset(case):
    offset = np.arange(6.0)
    with naming("with an offset"):
        shifted = case.solve(case.X + offset, Dictionary(case.dictionary.atoms, offset))
        case.require_solved(shifted, 1e-6, "result")
        require_close(shifted.codes, case.solve().codes, 1e-6, "codes against those without")


def _check_stopping(case):
    if not case.has_max_iter:
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solver = clone(case.solver).set_params(tol=1e-12, max_iter=1)
        result = solver.solve(case.X, case.dictionary, case.penalty)
    if case.solver.finite and result.converged.all():
        return
    require(not result.converged.all(), "converged to 1e-12 in one iteration")
    require(
        [warning.category for warning in caught] == [ConvergenceWarning],
        f"max_iter reached gave {len(caught)} warnings; expected one ConvergenceWarning",
    )
    message = str(caught[0].message)
    late = f"{(~result.converged).sum()} of {len(case.X)}"
    for part in (type(case.solver).__name__, late, "1e-12", "max_iter=1", "Raise max_iter"):
        require(part in message, f"the ConvergenceWarning does not say {part!r}: {message}")
    for max_iter in (1, 7):
        n_iter = case.solve(tol=0.0, max_iter=max_iter).n_iter
        as_many = n_iter <= max_iter if case.solver.finite else n_iter == max_iter
        require(as_many.all(), f"tol=0 did not run exactly {max_iter} iterations")


def _check_record(case):
    result = case.solve(record=True)
    case.require_solved(result, 1e-6, "with record=True")
    shape = (result.n_iter.max() + 1, len(case.X))
    for name in ("objective", "stop"):
        got = result.history[name].shape
        require(got == shape, f"history[{name!r}] has shape {got}, expected {shape}")
    final = result.history["objective"][-1]
    require_close(final, result.certificate.objective, 1e-9, "last objective of the history")
    require((result.history["stop"][-1] <= 1e-6).all(), "last stop of the history is above tol")
    recorded = case.solve(tol=0.0, max_iter=7, record=True).codes
    require(
        np.array_equal(recorded, case.solve(tol=0.0, max_iter=7).codes),
        "record=True gives other codes",
    )


def _check_independence(case):
    X = np.tile(case.X, (300 // len(case.X) + 1, 1))[:300]
    X = X * np.linspace(0.5, 1.5, len(X))[:, None]
    whole = case.solve(X, tol=0.0, max_iter=10, n_jobs=1).codes
    for n_jobs in (2, None, -1):
        got = case.solve(X, tol=0.0, max_iter=10, n_jobs=n_jobs).codes
        require(np.array_equal(got, whole), f"n_jobs={n_jobs} gives other codes than 1")
    # BLAS rounds a row differently in a matrix of another shape; nothing else may differ.
    order = check_random_state(3).permutation(len(X))
    permuted = case.solve(X[order], tol=0.0, max_iter=10).codes
    require_close(permuted, whole[order], 1e-9, "codes of the rows in another order")
    for rows in (slice(0, 100), slice(100, 300), slice(7, 8)):
        got = case.solve(X[rows], tol=0.0, max_iter=10).codes
        require_close(got, whole[rows], 1e-9, f"codes of rows {rows.start}:{rows.stop} alone")


def _check_errors(case):
    X, dictionary, penalty = case.X, case.dictionary, case.penalty
    solve = case.solver.solve
    with naming("a penalty that is not a Penalty"):
        raised_by(TypeError, solve, X, dictionary, "l1")
    with naming("X with too many columns"):
        raised_by(ValueError, solve, np.ones((3, 7)), dictionary, penalty)
    for bad in (np.nan, np.inf):
        with naming(f"X with {bad}"):
            raised_by(ValueError, solve, np.where(X[0, 0] == X, bad, X), dictionary, penalty)
    with naming("codes of another shape"):
        raised_by(ValueError, solve, X, dictionary, penalty, codes=np.zeros((len(X), 8)))
    with naming("n_jobs=0"):
        raised_by(ValueError, solve, X, dictionary, penalty, n_jobs=0)
    for params in ({"max_iter": 0}, {"max_iter": 2.5}, {"tol": -1.0}, {"tol": np.nan}):
        if "max_iter" in params and not case.has_max_iter:
            continue
        with naming(str(params)):
            broken = clone(case.solver).set_params(**params)
            raised_by(ValueError, broken.solve, X, dictionary, penalty)


_CHECKS = (
    _check_certificate,
    _check_descent,
    _check_closed_forms,
    _check_warm_start,
    _check_dtypes,
    _check_arguments,
    _check_offset,
    _check_stopping,
    _check_record,
)
