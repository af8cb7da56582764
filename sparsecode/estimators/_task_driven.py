"""Base class of task-driven dictionary learning: its calls, its parameters and its model."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_consistent_length

from sparsecode._batches import Batch, hold_out, samples_of
from sparsecode._collections import refuse_collection
from sparsecode._messages import shown
from sparsecode._validation import check_random_state
from sparsecode.dictionary import Dictionary
from sparsecode.estimators import _saving, _scoring
from sparsecode.estimators._base import CodesEstimator, unchanged_on_error
from sparsecode.estimators._callbacks import CallbackSupportMixin, FitTasks
from sparsecode.estimators._fitted_model import FittedModel, exact_model
from sparsecode.estimators._task_plan import plan_task
from sparsecode.estimators._task_run import TaskRun
from sparsecode.prediction._linear_model import LinearModel

# Largest number of samples that are held out.
_MOST_HELD = 10_000


class TaskDrivenEstimator(CallbackSupportMixin, CodesEstimator):
    """Base of the estimators that learn a dictionary for labels or targets.

    A subclass names the losses that it takes in `_losses`, and in `_learned` the attributes that
    predictions need. ``_read_targets(y, sample_weight, first, classes)`` returns targets of shape
    (n_samples, n_outputs), NaN where a sample has no label, and factors of the weights of samples
    or None; ``_in_units(coef, intercept)`` brings the linear model of these targets into the units
    of ``y``.
    """

    dictionary_: Dictionary
    coef_: np.ndarray
    intercept_: np.ndarray
    input_map_: np.ndarray | None
    lr_: float | None
    n_iter_: int
    n_epochs_: int
    history_: dict[str, list[float]]

    # The atoms that are given are where learning starts.
    learn_dictionary: ClassVar[bool] = True
    # Missing entries of samples are refused.
    missing: ClassVar[None] = None

    _check_parameters = plan_task
    certify = _scoring.certify
    save = _saving.save
    load = _saving.load

    def _learn(self, X, y, sample_weight):
        plan, rng = self._check_parameters(), check_random_state(self.random_state)
        run, held = TaskRun(self, plan), None
        with unchanged_on_error(self):
            batch = self._read(X, y, sample_weight, True, None)
            samples = samples_of(batch, self.batch_size)
            if self.validation_fraction is not None:
                samples, held = hold_out(samples, self.validation_fraction, rng, most=_MOST_HELD)
                held = held.whole()
            n_batches = -(-len(samples) // self.batch_size)
            run.start(samples.whole(), rng, self.n_epochs * n_batches)
        tasks = FitTasks(self, batch.X, y, self.n_epochs, fitted=self._learned)
        run.pass_over(samples, held, rng if self.shuffle else None, tasks)
        tasks.end()
        exact_model(self)
        return self

    def _learn_more(self, X, y, sample_weight, classes=None):
        plan, first = self._check_parameters(), not self.__sklearn_is_fitted__()
        run = TaskRun(self, plan)
        if first and classes is None and is_classifier(self):
            raise ValueError(
                "classes is None in the first call of partial_fit; expected the labels of all "
                "classes that will ever come. Pass classes=np.unique(y) of all samples."
            )
        with unchanged_on_error(self):
            batch = self._read(X, y, sample_weight, first, classes)
            if first:
                run.start(batch, check_random_state(self.random_state), None)
            else:
                run.go_on()
        run.learn(samples_of(batch, self.batch_size).batches(self.batch_size))
        exact_model(self)
        return self

    def _read(self, X, y, sample_weight, first, classes):
        """Samples, their weights and their targets, checked."""
        refuse_collection(X, "Pass X.compute(), or call partial_fit with one block at a time.")
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} requires y to be passed, but the target y is None. "
                "Give the labels or targets of the samples."
            )
        X, sample_weight = self._check_samples(X, sample_weight, reset=first)
        check_consistent_length(X, y)
        target, factors = self._read_targets(y, sample_weight, first, classes)
        if factors is not None:
            sample_weight = factors if sample_weight is None else factors * sample_weight
        return Batch(X, sample_weight, target)

    def _scores(self, X):
        """Scores of samples, shape (n_samples, n_outputs)."""
        refuse_collection(X, "Use X.map_blocks(model.predict).")
        X = self._check_X(X)
        codes = self._model.encode(X, sparse_output=True, n_jobs=self.n_jobs)
        return LinearModel(self.coef_, self.intercept_).scores(codes)

    @property
    def _model(self):
        model = exact_model(self)
        return model if self.input_map_ is None else MappedModel(model, self.input_map_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class MappedModel(NamedTuple):
    """Fitted model of samples after a linear map."""

    inner: FittedModel
    input_map: np.ndarray

    @property
    def encoder(self) -> Any:
        """Encoder of the mapped samples."""
        return self.inner.encoder

    @property
    def penalty(self) -> Any:
        """Penalty of the codes."""
        return self.inner.penalty

    def encode(self, X: Any, **options: Any) -> Any:
        """Encode samples; `options` are those of the encoder."""
        return self.inner.encode(X @ self.input_map, **options)

    def decode(self, codes: Any) -> np.ndarray:
        """Reconstruct mapped samples from codes."""
        return self.inner.decode(codes)

    def certify(self, X: Any, n_jobs: int | None = None) -> Any:
        """Certify the codes of samples."""
        return self.inner.certify(X @ self.input_map, n_jobs)

    def check_linear(self, what: str) -> None:
        """Raise ValueError: `what` compares samples with reconstructions of mapped ones."""
        raise ValueError(
            f"{what} compares samples with their reconstructions here, but input_map is "
            f"{shown(self.input_map)}, which maps them first; expected a model without a map. "
            "Set input_map=None, or call certify for samples in memory."
        )
