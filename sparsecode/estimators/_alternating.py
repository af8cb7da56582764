"""How an estimator learns by alternating codes and atoms: over epochs, or from a stream."""

from __future__ import annotations

import numpy as np
from sklearn.callback import CallbackSupportMixin

from sparsecode._batches import Batch, Samples
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._base import SparseCodingEstimator
from sparsecode.estimators._outliers import OutlierPolicy
from sparsecode.estimators._stopping import print_epoch
from sparsecode.estimators._streams import no_batch, refuse_with_stream
from sparsecode.estimators._unchanged import unchanged_on_error
from sparsecode.initialization import initial_dictionary
from sparsecode.learning import LearningState, alternate
from sparsecode.resampling.replacement import resolve_replacement

_HISTORY = ("objective", "l0", "dead_atoms", "seconds")


class AlternatingLearner(OutlierPolicy, CallbackSupportMixin, SparseCodingEstimator):
    """Base of a learner that has the parameters of `DictionaryLearning`.

    It defines `_resolved_update` and `_learning_encoder`.
    """

    def _fit_stream(self, batches, sample_weight, rng, *, first, again=False):
        """Learn from an iterator of batches; returns the last one."""
        refuse_with_stream(early_stopping=self.early_stopping, sample_weight=sample_weight)
        X = None
        for batch in batches:
            with unchanged_on_error(self):
                X, _ = self._check_samples(batch, None, reset=first and not again)
                kept = self._without_outliers(Batch(X), first=first and not again)
                if first:
                    self._begin(kept.X, kept.sample_weight, rng, again=again)
            first = False
            samples = Samples(kept.X, kept.sample_weight, run=self.batch_size)
            self._learn(samples.batches(self.batch_size or len(samples)), full_batch=False)
        if X is None:
            raise no_batch()
        return X

    def _pass_over(self, samples, held, rng, patience, tasks):
        """Learn for some epochs, until patience ends or a callback stops it."""
        if held is not None:
            patience.is_over(self._judge(held), self._state)
        for epoch in range(self.n_epochs):
            tasks.begin_epoch()
            self.n_epochs_ += 1
            if self.batch_size is None:
                self._learn([samples.whole()], full_batch=True)
            else:
                order = rng if self.shuffle else None
                if epoch > 0:
                    self._state = self._state.again(self._update, samples.weight)
                self._learn(samples.batches(self.batch_size, order), full_batch=False)
            value = self._objective_of_epoch if held is None else self._judge(held)
            if self.verbose:
                print_epoch(epoch + 1, value, self.history_)
            stop = tasks.end_epoch()
            if patience.is_over(value, self._state) or stop:
                break

    def _learn(self, batches, *, full_batch):
        """Learn from batches; what is known after each of them is kept at once."""
        self._costs = []
        states = alternate(
            self._learning_encoder(),
            self.dictionary_,
            batches,
            update=self._update,
            replacement=self._replacement,
            state=self._state,
            full_batch=full_batch,
            missing=self._missing,
            n_jobs=self.n_jobs,
        )
        for state in states:
            self.dictionary_, self._state, self.n_iter_ = state.dictionary, state, state.n_iter
            self._costs.append((state.objective, state.weight))
            n_dead = np.count_nonzero(state.usage == 0)
            row = (state.objective, state.l0, n_dead, state.seconds)
            for name, value in zip(_HISTORY, row, strict=True):
                self.history_[name].append(float(value))

    def _judge(self, held):
        value = held.objective(
            self._learning_encoder(), self.dictionary_, missing=self._missing, n_jobs=self.n_jobs
        )
        self.history_.setdefault("validation", []).append(value)
        return value

    @property
    def _objective_of_epoch(self):
        costs, weights = np.transpose(self._costs)
        return float(np.average(costs, weights=weights))

    def _begin(self, X, sample_weight, rng, *, again=False):
        """Prepare to learn from scratch, or `again` from what was learned before."""
        self._update = self._resolved_update()
        self._replacement = resolve_replacement(self.replacement)
        if again:
            self.dictionary_ = self._last_dictionary()
            fresh = LearningState.start(self.dictionary_, self._update, self._replacement)
            self._state = fresh.after(self._state)
            self._n_before = self.n_iter_
            return
        X, sample_weight, _ = Batch(X, sample_weight).in_memory_counted()
        self.dictionary_ = initial_dictionary(
            self.init,
            X,
            self._n_components(X),
            constraint=self.constraint,
            missing=self._missing,
            sample_weight=sample_weight,
            random_state=rng,
        )
        self._state = LearningState.start(self.dictionary_, self._update, self._replacement)
        self.n_iter_, self.n_epochs_, self._n_before = 0, 0, 0
        self.history_ = {name: [] for name in _HISTORY}

    def _last_dictionary(self):
        """The dictionary of the last fit, if it is one that the parameters allow."""
        last = self.dictionary_
        if self.n_components not in (None, last.n_components):
            raise ValueError(
                f"n_components is {self.n_components}, but warm_start=True goes on from a "
                f"dictionary of {last.n_components} atoms; expected the same number. Set it back, "
                "or warm_start=False."
            )
        if self.constraint in (None, last.constraint):
            return last
        return Dictionary(last.atoms, last.offset, self.constraint)

    def _n_components(self, X):
        if self.n_components is not None:
            return self.n_components
        shape = np.shape(getattr(self.init, "atoms", self.init))
        # Of anything else but atoms too, of which `initial_dictionary` tells what is wrong.
        return shape[0] if shape else X.shape[1]
