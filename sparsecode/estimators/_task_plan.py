"""Plans of task-driven dictionary learning: its parameters, checked and resolved once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown, wrong
from sparsecode._row_blocks import dense_rows
from sparsecode._validation import (
    check_flag,
    check_fraction,
    check_integer,
    check_matrix,
    check_n_jobs,
    check_number,
    check_random_state,
)
from sparsecode.constraints import UnitBall, check_constraint
from sparsecode.encoders import Exact
from sparsecode.estimators._dictionaries import check_dictionary
from sparsecode.estimators._learning_plan import LEARNING_TOL
from sparsecode.estimators._plan import check_sizes
from sparsecode.implicit_gradients import ridge_of
from sparsecode.optimizers import SGD, Optimizer
from sparsecode.penalties.base import resolve_penalty
from sparsecode.prediction._descent import TRIAL_CONSTANT, TRIAL_STEPS
from sparsecode.prediction._task import Task
from sparsecode.prediction.losses import resolve_prediction_loss
from sparsecode.schedules import InverseTime
from sparsecode.solvers._default_solver import resolve_solver
from sparsecode.training.checks import resolve_optimizer

# The learning rate is constant for this share of the steps of `fit`.
_CONSTANT = 0.1
_IDENTITY = "identity"
# Samples that are dense at a time.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class TaskPlan:
    """Plan of a task-driven estimator: the task and the way to descend on its cost.

    Parameters
    ----------
    task : Task
    optimizer : Optimizer or None
        The optimizer that was given, if any.
    lr : float or None
    decay_after : int or None
    """

    task: Task
    optimizer: Optimizer | None
    lr: float | None
    decay_after: int | None

    def optimizer_of(self, rate: float | None, n_steps: int | None) -> Optimizer:
        """The optimizer of a learning rate and a number of steps; None is an unknown number."""
        if self.optimizer is not None:
            return self.optimizer
        after = self.decay_after
        if after is None and n_steps is not None:
            after = max(round(_CONSTANT * n_steps), 1)
        return SGD(lr=rate if after is None else InverseTime(rate, after))

    def trial_of(self, rate: float, n_steps: int | None) -> Optimizer:
        """The optimizer of a trial of a rate, whose schedule is that of many steps made short."""
        if n_steps is None or n_steps <= TRIAL_STEPS:
            return self.optimizer_of(rate, n_steps)
        after = TRIAL_CONSTANT if self.decay_after is None else self.decay_after
        return SGD(lr=InverseTime(rate, after))


def plan_task(estimator: Any) -> TaskPlan:
    """Return the plan of a task-driven estimator; raise if one of its parameters is wrong."""
    check_sizes(estimator)
    for name in ("batch_size", "n_epochs"):
        check_integer(getattr(estimator, name), name)
    if not isinstance(estimator.verbose, bool):
        check_integer(estimator.verbose, "verbose", low=0)
    if estimator.validation_fraction is not None:
        check_fraction(estimator.validation_fraction, "validation_fraction")
    for name in ("shuffle", "sparse_output"):
        check_flag(getattr(estimator, name), name)
    check_random_state(estimator.random_state)
    _check_input_map(estimator)
    penalty = resolve_penalty(estimator.penalty, estimator.alpha)
    ridge_of(penalty)
    check_dictionary(estimator.dictionary, estimator.n_components)
    solver = resolve_solver(estimator.solver, penalty)
    if estimator.solver is None and "tol" in vars(solver):
        solver.tol = LEARNING_TOL
    constraint = UnitBall() if estimator.constraint is None else estimator.constraint
    unsupervised = check_number(estimator.unsupervised_weight, "unsupervised_weight", low=0, high=1)
    if unsupervised == 1:
        raise ValueError(
            "unsupervised_weight is 1, so that labels do not count; expected less than 1. Use "
            "DictionaryLearning to learn without labels."
        )
    task = Task(
        Exact(penalty, solver),
        resolve_prediction_loss(estimator.loss, estimator._losses),
        check_constraint(constraint),
        weight_decay=check_number(estimator.weight_decay, "weight_decay", low=0),
        unsupervised_weight=unsupervised,
        n_jobs=check_n_jobs(estimator.n_jobs),
    )
    return TaskPlan(task, *_check_steps(estimator))


def _check_steps(estimator):
    """Optimizer, learning rate, and steps before the rate falls, each None if not given."""
    lr, after = estimator.lr, estimator.decay_after
    lr = None if lr is None else check_number(lr, "lr", low=0, low_open=True)
    after = None if after is None else check_integer(after, "decay_after")
    if estimator.optimizer is None:
        return None, lr, after
    optimizer = resolve_optimizer(estimator.optimizer)
    if optimizer.full_batch:
        raise TypeError(
            f"{type(optimizer).__name__} needs all samples for a step; expected an optimizer that "
            "takes steps of batches. Use SGD or Adam."
        )
    if lr is not None or after is not None:
        raise ValueError(
            f"lr is {lr} and decay_after is {after}, but an optimizer is given, which has its own "
            "learning rate; expected None for both. Set lr of the optimizer, which may be a "
            "schedule."
        )
    return optimizer, None, None


def _check_input_map(estimator):
    """Raise unless the initial linear map is None, a number of dimensions, a name or an array."""
    given = estimator.input_map
    if given is None or (isinstance(given, str) and given == _IDENTITY):
        return
    if isinstance(given, str):
        raise ValueError(
            wrong(
                "input_map",
                got=shown(given),
                expected="'identity', a number of dimensions, an array, or None",
                remedy="Choose one of these.",
            )
        )
    if np.ndim(given) == 0:
        check_integer(estimator.input_map, "input_map")
    else:
        check_matrix(given, "input_map")


def initial_map(given: Any, X: Any, sample_weight: np.ndarray | None) -> np.ndarray | None:
    """Initial linear map of samples, shape (n_features, n_dimensions), or None.

    A number of dimensions stands for the directions of largest variance (PCA).
    """
    n_features = X.shape[1]
    if given is None:
        return None
    if isinstance(given, str):
        return np.eye(n_features)
    if np.ndim(given) == 2:
        matrix = np.array(check_matrix(given, "input_map"))
        if len(matrix) != n_features:
            raise ValueError(
                f"input_map has {len(matrix)} rows; expected {n_features}, one for each feature. "
                "Give an array of shape (n_features, n_dimensions)."
            )
        return matrix
    n_dimensions = check_integer(given, "input_map")
    if n_dimensions > n_features:
        raise ValueError(
            f"input_map is {n_dimensions} but X has {n_features} features; expected at most as "
            "many dimensions. Lower it, or use 'identity'."
        )
    return _principal_directions(X, n_dimensions, sample_weight)


def _principal_directions(X, n_dimensions, sample_weight):
    """Directions of largest variance, shape (n_features, n_dimensions)."""
    weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    share, (n_samples, n_features) = weight / weight.sum(), X.shape
    mean, second = np.zeros(n_features), np.zeros((n_features, n_features))
    with single_threaded_blas():
        for start in range(0, n_samples, _BLOCK):
            rows = slice(start, min(start + _BLOCK, n_samples))
            x = dense_rows(X, rows, np.float64)
            mean += share[rows] @ x
            second += x.T @ (x * share[rows, None])
        _, directions = np.linalg.eigh(second - np.outer(mean, mean))
    return np.ascontiguousarray(directions[:, ::-1][:, :n_dimensions])
