"""Runs of task-driven dictionary learning: its start without labels, and its epochs or batches."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._batches import Batch, samples_of
from sparsecode._blas import single_threaded_blas
from sparsecode._messages import shown
from sparsecode._validation import common_dtype
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._base import check_features
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.estimators._dictionaries import (
    default_learner,
    given_dictionary,
    has_atoms,
    learned_dictionary,
    prepare_learner,
)
from sparsecode.estimators._task_plan import TaskPlan, initial_map
from sparsecode.prediction._descent import HISTORY, TRIAL_BATCHES, descend, search_rate
from sparsecode.prediction._linear_model import fit_linear_model
from sparsecode.prediction._task import is_labelled, mapped

# Largest number of training samples that decide about a learning rate, and which epoch is best.
_MOST_PROBED = 2000
# Relative change of the cost that needs no warning.
_SLIGHT = 1e-3
# Passes of the default learner of the first atoms.
_LEARNER_EPOCHS = 20


class TaskRun:
    """One call of `fit` or `partial_fit`, on samples that are checked and have targets.

    Parameters
    ----------
    estimator : estimator
        A task-driven one; what is learned is stored in it at once.
    plan : TaskPlan
    """

    def __init__(self, estimator: Any, plan: TaskPlan) -> None:
        self.estimator, self.plan = estimator, plan
        self.task, self._begin = plan.task, time.perf_counter()

    def start(self, batch: Batch, rng: Any, n_steps: int | None) -> None:
        """Make the first parameters: atoms without labels, and a linear model of their codes.

        `n_steps` is the number of steps that follow, or None if that is not known.
        """
        estimator, params = self.estimator, {}
        batch = batch.counted()
        _check_any_label(batch.target)
        dtype = common_dtype(batch.X)
        matrix = initial_map(estimator.input_map, batch.X, batch.sample_weight)
        if matrix is not None:
            params["input_map"] = matrix.astype(dtype)
        dictionary = self._first_dictionary(mapped(params, batch.X), batch.sample_weight, rng)
        self.task = replace(self.task, offset=dictionary.offset)
        atoms = self.task.constraint.project(dictionary.atoms)
        params["atoms"] = np.ascontiguousarray(atoms, dtype=dtype)
        self._add_linear_model(params, batch)
        rate = self.plan.lr
        samples, order = samples_of(batch, estimator.batch_size), rng if estimator.shuffle else None
        self._probe = next(iter(samples.batches(min(_MOST_PROBED, len(samples)), order)))
        if self.plan.optimizer is None and rate is None:
            drawn = samples.batches(estimator.batch_size, order)
            batches = [part for part, _ in zip(drawn, range(TRIAL_BATCHES), strict=False)]
            rate = search_rate(
                self.task,
                params,
                batches,
                self._probe,
                lambda rate: self.plan.trial_of(rate, n_steps),
                n_steps,
            )
        estimator.lr_ = rate
        self._use_optimizer(params, n_steps)
        estimator.n_iter_, estimator.n_epochs_ = 0, 0
        estimator.history_ = {name: [] for name in HISTORY}
        self.hold(params)

    def go_on(self) -> None:
        """Prepare for more samples, with the parameters, the rate and the steps of former calls."""
        estimator = self.estimator
        self.task = replace(self.task, offset=estimator.dictionary_.offset)
        if estimator._state is None:
            self._use_optimizer(estimator._params, None)

    def pass_over(self, samples: Any, held: Batch | None, rng: Any, tasks: FitTasks) -> None:
        """Learn for some epochs, and keep the best parameters of the complete ones.

        They are judged on held-out samples or, if there are none, on some training samples.
        """
        estimator = self.estimator
        judged = self._probe if held is None else held
        best = estimator._params
        try:
            first = lowest = self._judge(judged, held)
            for epoch in range(estimator.n_epochs):
                tasks.begin_epoch()
                self.learn(samples.batches(estimator.batch_size, rng))
                estimator.n_epochs_ += 1
                value = self._judge(judged, held)
                if value < lowest:
                    best, lowest = estimator._params, value
                if estimator.verbose:
                    _print_epoch(epoch + 1, value, estimator.history_)
                if tasks.end_epoch():
                    break
        finally:
            self.hold(best)
        if lowest == first and value > first + _SLIGHT * abs(first):
            _warn_of_start(estimator, first, value, held)

    def learn(self, batches: Any) -> None:
        """Take a step for each batch, then store the parameters."""
        estimator, found = self.estimator, []
        params = {name: array.copy() for name, array in estimator._params.items()}
        optimizer, state = estimator._optimizer, estimator._state
        for evaluation, weight in descend(self.task, params, batches, optimizer, state):
            estimator.n_iter_ += 1
            found.append((evaluation.cost, evaluation.prediction, evaluation.l0, weight))
        if not found:
            return
        costs, losses, counts, weights = np.transpose(found)
        row = [np.average(values, weights=weights) for values in (costs, losses, counts)]
        seconds = time.perf_counter() - self._begin
        row += [optimizer.lr_at(int(state["step"]) - 1), seconds]
        for name, value in zip(HISTORY, row, strict=True):
            estimator.history_[name].append(float(value))
        self.hold(params)

    def hold(self, params: dict[str, np.ndarray]) -> None:
        """Store parameters in the estimator, and its attributes that are made of them."""
        estimator = self.estimator
        estimator._params = params
        estimator.dictionary_ = self.task.dictionary(params)
        estimator.coef_, estimator.intercept_ = estimator._in_units(
            params["coef"], params["intercept"]
        )
        estimator.input_map_ = params.get("input_map")

    def _judge(self, judged, held):
        """Cost of some samples now; that of held-out ones goes to the history."""
        with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
            value = float(self.task.evaluate(self.estimator._params, judged).cost)
        if held is not None:
            self.estimator.history_.setdefault("validation", []).append(value)
        return value

    def _use_optimizer(self, params, n_steps):
        estimator = self.estimator
        estimator._optimizer = self.plan.optimizer_of(estimator.lr_, n_steps)
        estimator._state = estimator._optimizer.init(params)

    def _first_dictionary(self, X, sample_weight, rng):
        estimator, given = self.estimator, self.estimator.dictionary
        if has_atoms(given):
            dictionary = given_dictionary(given, learn_dictionary=False)
            check_features(X, dictionary)
            return dictionary
        if given is None:
            n_components = X.shape[1] if estimator.n_components is None else estimator.n_components
            given = default_learner(
                n_components,
                X.shape[0],
                penalty=self.task.encoder.penalty,
                constraint=self.task.constraint,
                n_epochs=_LEARNER_EPOCHS,
                n_jobs=estimator.n_jobs,
            )
        learner = prepare_learner(given, estimator.n_components, rng)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        learner.fit(X, **weight)
        dictionary = learned_dictionary(learner)
        if dictionary is None:
            raise TypeError(
                f"dictionary is {shown(given)}, which has neither dictionary_ nor components_ "
                "after fit; expected an estimator that learns atoms. Use DictionaryLearning(64)."
            )
        return Dictionary(dictionary.atoms, dictionary.offset)

    def _add_linear_model(self, params, batch):
        codes = self.task.encode(params, batch.X)
        seen = is_labelled(batch.target)
        weight = None if batch.sample_weight is None else batch.sample_weight[seen]
        model = fit_linear_model(
            codes[seen],
            batch.target[seen],
            self.task.loss,
            weight_decay=self.task.weight_decay,
            sample_weight=weight,
        )
        dtype = params["atoms"].dtype
        params["coef"] = np.ascontiguousarray(model.coef, dtype=dtype)
        params["intercept"] = np.ascontiguousarray(model.intercept, dtype=dtype)


def _check_any_label(targets):
    if not is_labelled(targets).any():
        raise ValueError(
            "y has no label for any sample of positive weight; expected some. Give labels, or use "
            "DictionaryLearning, which needs none."
        )


def _warn_of_start(estimator, first, last, held):
    advice = "Lower lr, or raise n_epochs."
    if estimator.optimizer is not None:
        advice = "Lower lr of the optimizer, or raise n_epochs."
    elif estimator.lr is None:
        advice = (
            f"The learning rate that was found, lr_ = {estimator.lr_:.3g}, is too large. Scale "
            "samples to norm 1, or set lr below it."
        )
    what = "some training samples" if held is None else "the held-out samples"
    warnings.warn(
        f"Training raised the cost of {what} from {first:.3g} to {last:.3g}; the estimator keeps "
        f"the parameters of the start. {advice}",
        ConvergenceWarning,
        stacklevel=5,
    )


def _print_epoch(number, value, history):
    what = "held-out cost" if "validation" in history else "cost of some samples"
    print(
        f"epoch {number}: {what} {value:.6g}, loss {history['loss'][-1]:.6g}, l0 "
        f"{history['l0'][-1]:.1f}, {history['seconds'][-1]:.2f} s",
        flush=True,
    )
