"""Plans of dictionary learning: the components of a fit, resolved and checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sparsecode._parameters import leaves_of
from sparsecode._validation import (
    check_flag,
    check_fraction,
    check_integer,
    check_missing,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode.encoders import Exact
from sparsecode.estimators._plan import check_sizes
from sparsecode.penalties.base import resolve_penalty
from sparsecode.replacement import ReplaceAtoms
from sparsecode.replacement.atoms import resolve_replacement
from sparsecode.solvers._default_solver import resolve_solver
from sparsecode.training import NormOutliers
from sparsecode.training.norm_outliers import resolve_outliers
from sparsecode.updates import BlockUpdate, Update
from sparsecode.updates.base import resolve_update

# Relative gap of codes while learning; their error is then small against changes of atoms.
LEARNING_TOL = 1e-4


@dataclass(frozen=True, eq=False)
class LearningPlan:
    """Plan of a `DictionaryLearning`: encoder, update and policies, resolved once for each fit.

    Parameters
    ----------
    encoder : Exact
        Encoder for learning, whose codes are less exact than those of `transform`.
    update : Update
    replacement : ReplaceAtoms or None
    outliers : NormOutliers or None
    """

    encoder: Exact
    update: Update
    replacement: ReplaceAtoms | None
    outliers: NormOutliers | None


def plan_learning(estimator):
    """Return the plan of a `DictionaryLearning`; raise if one of its parameters is wrong."""
    check_sizes(estimator)
    if estimator.batch_size is not None:
        check_integer(estimator.batch_size, "batch_size")
    for name in ("n_epochs", "patience"):
        check_integer(getattr(estimator, name), name)
    if not isinstance(estimator.verbose, bool):
        check_integer(estimator.verbose, "verbose", low=0)
    check_number(estimator.tol, "tol", low=0)
    if estimator.validation_fraction is not None:
        check_fraction(estimator.validation_fraction, "validation_fraction")
    for name in ("warm_start", "shuffle", "sparse_output"):
        check_flag(getattr(estimator, name), name)
    check_missing(estimator.missing)
    check_n_jobs(estimator.n_jobs)
    check_random_state(estimator.random_state)
    penalty = resolve_penalty(estimator.penalty, estimator.alpha)
    solver = resolve_solver(estimator.solver, penalty)
    if estimator.solver is None and "tol" in vars(solver):
        solver.tol = LEARNING_TOL
    return LearningPlan(
        Exact(penalty, solver),
        resolve_update(BlockUpdate if estimator.update is None else estimator.update),
        resolve_replacement(estimator.replacement),
        resolve_outliers(estimator.outliers),
    )


class LearningSession(NamedTuple):
    """Session of `partial_fit`: parameters, also nested ones, and the plan made from them."""

    parameters: tuple
    plan: LearningPlan

    @classmethod
    def resumed(cls, estimator):
        """Return the session of the last call, or a new one if a parameter has changed since."""
        session, parameters = vars(estimator).get("_session"), leaves_of(estimator)
        if session is not None and session.parameters == parameters:
            return session
        return cls(parameters, plan_learning(estimator))
