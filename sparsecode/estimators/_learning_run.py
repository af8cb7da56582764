"""Dictionary learning runs, which alternate codes and atoms over epochs or batches."""

from __future__ import annotations

import numpy as np

from sparsecode._batches import Batch, hold_out, samples_of
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.estimators._early_stopping import Patience, held_out_objective, print_epoch
from sparsecode.estimators._learning_plan import plan_learning
from sparsecode.estimators._outliers import without_outliers
from sparsecode.estimators._plan import no_batch, refuse_with_stream
from sparsecode.initialization import initial_dictionary
from sparsecode.learning import LearningState, alternate

_HISTORY = ("objective", "l0", "dead_atoms", "seconds")
# More validation samples do not make the objective much more precise.
_MOST_HELD = 10_000


class LearningRun:
    """One call of `fit` or `partial_fit`.

    Results are stored in the estimator at once, so that an interrupt loses nothing.

    Parameters
    ----------
    estimator : DictionaryLearning
    plan : LearningPlan
        From `plan_learning`.
    is_first : bool
        Whether the run starts with new atoms.
    again : bool, default=False
        Whether the run starts with the atoms of the last fit.
    """

    def __init__(self, estimator, plan, *, is_first, again=False):
        self.estimator, self.plan = estimator, plan
        self.is_first, self.again = is_first, again
        self._costs = []

    def fit(self, X, y, sample_weight, rng):
        """Learn for some epochs, or until early stopping or a callback ends it; return samples."""
        estimator, held = self.estimator, None
        fraction = estimator.validation_fraction
        with unchanged_on_error(estimator):
            batch = self._read(X, sample_weight)
            samples = samples_of(batch, estimator.batch_size)
            if fraction is not None:
                samples, held = hold_out(samples, fraction, rng, most=_MOST_HELD)
                held = held.whole()
            self._begin(batch, rng)
        tasks = FitTasks(estimator, batch.X, y, estimator.n_epochs)
        patience = Patience(estimator.tol, estimator.patience, keep_best=held is not None)
        try:
            self._pass_over(samples, held, rng, patience, tasks)
        finally:
            if patience.best is not None:
                # The best statistics are kept too, because `partial_fit` continues from them.
                estimator._state = patience.best.after(estimator._state)
                estimator.dictionary_ = estimator._state.dictionary
        tasks.end()
        return batch.X

    def learn_batches(self, items, rng, sample_weight=None, **of_epochs):
        """Learn from each batch once; return the samples of the last one.

        For batches of an iterator, arguments `of_epochs` are an error.
        """
        if hasattr(items, "__next__"):
            refuse_with_stream(**of_epochs, sample_weight=sample_weight)
            sample_weight = None
        estimator, X = self.estimator, None
        for item in items:
            with unchanged_on_error(estimator):
                batch = self._read(item, sample_weight)
                X = batch.X
                if self.is_first or self.again:
                    self._begin(batch, rng)
                elif estimator._update is None:
                    self._start_statistics()
            self.is_first = self.again = False
            samples = samples_of(batch, estimator.batch_size)
            self._learn(samples.batches(estimator.batch_size or len(samples)), full_batch=False)
        if X is None:
            raise no_batch()
        return X

    def _read(self, item, sample_weight):
        estimator, first = self.estimator, self.is_first
        batch = Batch(*estimator._check_samples(item, sample_weight, reset=first))
        return without_outliers(estimator, self.plan.outliers, batch, first=first)

    def _pass_over(self, samples, held, rng, patience, tasks):
        estimator = self.estimator
        if held is not None:
            patience.is_over(self._judge(held), estimator._state)
        for epoch in range(estimator.n_epochs):
            tasks.begin_epoch()
            estimator.n_epochs_ += 1
            if estimator.batch_size is None:
                self._learn([samples.whole()], full_batch=True)
            else:
                order = rng if estimator.shuffle else None
                if epoch > 0:
                    state = estimator._state
                    estimator._state = state.again(estimator._update, samples.weight)
                self._learn(samples.batches(estimator.batch_size, order), full_batch=False)
            value = self._objective_of_epoch if held is None else self._judge(held)
            if estimator.verbose:
                print_epoch(epoch + 1, value, estimator.history_)
            stop = tasks.end_epoch()
            if patience.is_over(value, estimator._state) or stop:
                break

    def _learn(self, batches, *, full_batch):
        """Learn from batches; results are stored after each of them."""
        estimator, self._costs = self.estimator, []
        states = alternate(
            self.plan.encoder,
            estimator.dictionary_,
            batches,
            update=estimator._update,
            replacement=estimator._replacement,
            state=estimator._state,
            full_batch=full_batch,
            missing=estimator._missing,
            n_jobs=estimator.n_jobs,
        )
        for state in states:
            estimator.dictionary_, estimator._state = state.dictionary, state
            estimator.n_iter_ = state.n_iter
            self._costs.append((state.objective, state.weight))
            n_dead = np.count_nonzero(state.usage == 0)
            row = (state.objective, state.l0, n_dead, state.seconds)
            for name, value in zip(_HISTORY, row, strict=True):
                estimator.history_[name].append(float(value))

    def _judge(self, held):
        estimator = self.estimator
        options = {"missing": estimator._missing, "n_jobs": estimator.n_jobs}
        value = held_out_objective(held, self.plan.encoder, estimator.dictionary_, **options)
        estimator.history_.setdefault("validation", []).append(value)
        return value

    @property
    def _objective_of_epoch(self):
        costs, weights = np.transpose(self._costs)
        return float(np.average(costs, weights=weights))

    def _begin(self, batch, rng):
        """Prepare to learn from scratch, or to continue from former atoms."""
        estimator = self.estimator
        if self.again:
            estimator.dictionary_ = _last_dictionary(estimator)
            self._start_statistics(estimator._state)
            estimator._n_before = estimator.n_iter_
            return
        # Atoms that are given need no samples.
        X, sample_weight, _ = batch.to_start_from(rng, read=isinstance(estimator.init, str))
        estimator.dictionary_ = initial_dictionary(
            estimator.init,
            X,
            _n_components(estimator, X),
            constraint=estimator.constraint,
            missing=estimator._missing,
            sample_weight=sample_weight,
            random_state=rng,
        )
        self._start_statistics()
        _forget_history(estimator)

    def _start_statistics(self, before=None):
        """Start statistics of the atoms; counts continue from a former state."""
        estimator, plan = self.estimator, self.plan
        estimator._update, estimator._replacement = plan.update, plan.replacement
        state = LearningState.start(estimator.dictionary_, plan.update, plan.replacement)
        estimator._state = state if before is None else state.after(before)


def hold_dictionary(estimator, dictionary):
    """Make an estimator fitted with a given dictionary, without history and statistics.

    `partial_fit` starts with new statistics.

    Parameters
    ----------
    estimator : DictionaryLearning
    dictionary : Dictionary
    """
    plan = plan_learning(estimator)
    # Settings are checked when the initial statistics are made.
    LearningState.start(dictionary, plan.update, plan.replacement)
    estimator.dictionary_ = dictionary
    estimator._update, estimator._replacement = None, None
    estimator._state = LearningState(dictionary, None)
    _forget_history(estimator)


def _forget_history(estimator):
    estimator.n_iter_, estimator.n_epochs_, estimator._n_before = 0, 0, 0
    estimator.history_ = {name: [] for name in _HISTORY}


def _last_dictionary(estimator):
    """Return the dictionary of the last fit, if the parameters allow it."""
    last = estimator.dictionary_
    if estimator.n_components not in (None, last.n_components):
        raise ValueError(
            f"n_components is {estimator.n_components}, but warm_start=True continues from a "
            f"dictionary of {last.n_components} atoms; expected the same number. Set n_components "
            "to that number, or set warm_start=False."
        )
    if estimator.constraint in (None, last.constraint):
        return last
    return Dictionary(last.atoms, last.offset, estimator.constraint)


def _n_components(estimator, X):
    if estimator.n_components is not None:
        return estimator.n_components
    shape = np.shape(getattr(estimator.init, "atoms", estimator.init))
    # This includes values that are not atoms, for which `initial_dictionary` raises an error.
    return shape[0] if shape else X.shape[1]
