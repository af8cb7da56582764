"""Training runs: calls of `fit` or `partial_fit`, and their results in the estimator."""

from __future__ import annotations

import dataclasses
from itertools import chain
from typing import Any, NamedTuple

from sparsecode._blas import single_threaded_blas
from sparsecode._collections import in_chunks, is_collection
from sparsecode._parallel import threads_of
from sparsecode._parameters import leaves_of
from sparsecode._validation import check_random_state
from sparsecode.encoders import Exact
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.estimators._input_scaling import rescale_penalty
from sparsecode.estimators._network_scaling import scaled_codes
from sparsecode.estimators._outcome import Outcome, to_compare
from sparsecode.estimators._outliers import without_outliers
from sparsecode.estimators._plan import TrainingPlan, no_batch
from sparsecode.estimators._sparsity import found_weight, judging_penalty
from sparsecode.training import train
from sparsecode.training.data import ArraySource, draw_held_out, samples_to_train
from sparsecode.training.loop import begin, make_trainer
from sparsecode.training.records import print_epoch
from sparsecode.training.trainer import Trainer


class Session(NamedTuple):
    """Session of `partial_fit`, which the next call reuses if no parameter has changed.

    Attributes
    ----------
    parameters : tuple
        Values of the parameters, also of nested ones.
    plan : TrainingPlan
    trainer : Trainer
    state : TrainingState
        State to resume from.
    """

    parameters: tuple[Any, ...]
    plan: TrainingPlan
    trainer: Trainer
    state: object


class TrainingRun:
    """One call of `fit` or `partial_fit`.

    Results are stored in the estimator at once, so that an interrupt loses nothing.

    Parameters
    ----------
    estimator : TrainedEstimator
    plan : TrainingPlan
    is_part : bool, default=False
        Whether the run is a part of a longer training, in which the loss may increase somewhat.
    trainer : Trainer or None, default=None
        Trainer of the previous run, whose state is that of the estimator.
    """

    def __init__(self, estimator, plan, *, is_part=False, trainer=None):
        self.estimator, self.plan = estimator, plan
        self.is_part, self.trainer = is_part, trainer
        self.is_first = not is_part or not hasattr(estimator, "_model")
        # Of batches that are seen once.
        self.outcome = Outcome(self, None, is_part=is_part)
        # A previous run with the same plan has stored the penalty of the loss.
        self._has_penalty = trainer is not None

    @classmethod
    def resumed(cls, estimator):
        """Return the run of a `partial_fit`, which reuses the plan of the previous one."""
        session = vars(estimator).get("_session")
        goes_on = session is not None and session.state is estimator.state_
        if goes_on and session.parameters == leaves_of(estimator):
            return cls(estimator, session.plan, is_part=True, trainer=session.trainer)
        plan = estimator._plan(getattr(estimator, "_model", None))
        plan.check_seen_once()
        return cls(estimator, plan, is_part=True)

    def fit(self, item, y, sample_weight, codes):
        """Train for some epochs, or until early stopping or a callback ends it; return the samples.

        If an argument is refused before training, the estimator does not change.
        """
        estimator, plan = self.estimator, self.plan
        rng = check_random_state(estimator.random_state)
        with threads_of(estimator.n_jobs), single_threaded_blas():
            with unchanged_on_error(estimator):
                given = self._read(item, sample_weight, codes)
                self._check_split(given)
                start = given.to_start_from(rng)
                estimator._begin(plan, start, rng)
                batch = self._with_targets(given)
                tasks = FitTasks(estimator, batch.X, y, plan.most_epochs, ("_model",))
                states = self._epochs(batch, rng, tasks.begin_epoch)
                first = next(states)
            outcome = Outcome(self, first, is_held_out=self._is_held_out)
            some = to_compare(given, first.dictionary)
            outcome.see(batch if some is given else self._with_targets(some))

            def learn():
                for state in chain([first], states):
                    self.keep(state, state.best_params, state.best_dictionary)
                    if state.n_epochs > 0 and tasks.end_epoch():
                        break

            _settled(learn, outcome)
            tasks.end()
            return start.X if is_collection(batch.X) else batch.X

    def learn_batches(self, items, sample_weight=None, codes=None):
        """Train on each batch once; the first one makes the initial model if there is none."""
        estimator, is_empty = self.estimator, True

        def learn():
            nonlocal is_empty
            for item in items:
                is_empty = False
                self.learn_batch(self.prepared(item, sample_weight, codes))

        with threads_of(estimator.n_jobs), single_threaded_blas():
            _settled(learn, self.outcome)
        if is_empty:
            raise no_batch()
        if self.is_part and self.trainer is not None:
            leaves = leaves_of(estimator)
            estimator._session = Session(leaves, self.plan, self.trainer, estimator.state_)

    def prepared(self, item, sample_weight=None, codes=None):
        """Return a batch and the state to learn from it; None if all samples are outliers.

        An error leaves the estimator as it was.
        """
        estimator = self.estimator
        with unchanged_on_error(estimator):
            batch = self._read(item, sample_weight, codes)
            if batch.weight == 0:
                return None
            if self.is_first:
                rng = check_random_state(estimator.random_state)
                estimator._begin(self.plan, batch.to_start_from(rng), rng)
            return self._with_targets(batch), self._state()

    def learn_batch(self, prepared):
        """Train on a batch that is prepared."""
        if prepared is not None:
            batch, state = prepared
            self.is_first = False
            self.outcome.see(batch, state)
            self._pass_over(batch, state)
            self.outcome.check(batch, self.trainer)

    def keep(self, state, params, dictionary):
        """Use the parameters of a state, also for further training."""
        estimator, plan = self.estimator, self.plan
        model, changes = estimator._model, {}
        if plan.judged_by_loss and not (self._has_penalty and plan.has_constant_loss):
            self._has_penalty = True
            penalty = judging_penalty(plan.loss, state.memory, state.n_steps)
            changes["penalty"] = rescale_penalty(penalty, 1 / model.scaling.samples)
            weight = found_weight(plan.loss, state.memory, state.n_steps)
            changes["sparsity_weight"] = weight
        estimator._model = model.trained(params, dictionary, **changes)
        estimator.history_ = model.scaling.history(state.history, plan.loss)
        estimator.n_iter_, estimator.n_epochs_ = state.n_steps, state.n_epochs
        estimator.state_ = dataclasses.replace(
            state,
            params=params,
            dictionary=dictionary,
            best_params=params,
            best_dictionary=dictionary,
            stage=0,
            n_stage_epochs=0,
            n_waited=0,
        )

    @property
    def training_loss(self) -> Any:
        """Return the loss in the units of training."""
        return self.estimator._model.scaling.loss(self.plan.loss)

    @property
    def _is_held_out(self):
        return self.plan.validation_fraction is not None and self.plan.has_constant_loss

    def _read(self, item, sample_weight, codes):
        estimator, plan, first = self.estimator, self.plan, self.is_first
        batch = estimator._read_batch(plan, item, sample_weight, codes, first=first)
        if plan.outliers is None and not first and hasattr(estimator, "n_outliers_"):
            return batch
        return without_outliers(
            estimator, plan.outliers, batch, first=first, judges_targets=plan.judges_targets
        )

    def _check_split(self, batch):
        """Raise ValueError if there are too few samples to hold some out."""
        if self.plan.validation_fraction is not None:
            samples = samples_to_train(batch._replace(target=None), self.plan.batch_size)
            draw_held_out(samples, self.plan.validation_fraction, 0)

    def _with_targets(self, batch):
        """Return a batch with target codes, given or exact, if the loss uses a target."""
        if not self.plan.loss.uses_target:
            return batch
        model, target = self.estimator._model, batch.target
        if target is None:
            target = self._exact_codes(batch.X, model)
        factor = model.scaling.codes
        return batch._replace(target=target if factor == 1 else scaled_codes(target, factor))

    def _exact_codes(self, X, model):
        exact = Exact(model.penalty)
        if is_collection(X):
            return in_chunks("streaming.encoded", exact, X, model.dictionary)
        n_jobs = self.estimator.n_jobs
        return exact.encode(X, model.dictionary, sparse_output=True, n_jobs=n_jobs)

    def _epochs(self, batch, rng, callback):
        """States of a training on all samples."""
        plan, model = self.plan, self.estimator._model
        return train(
            *model.to_training(),
            batch.X,
            input_scale=model.scaling.inputs,
            loss=self.training_loss,
            n_epochs=plan.n_epochs,
            batch_size=plan.batch_size,
            target=batch.target,
            sample_weight=batch.sample_weight,
            validation_fraction=plan.validation_fraction,
            patience=plan.patience,
            shuffle=plan.shuffle,
            stages=plan.stages,
            random_state=rng,
            callback=callback,
            verbose=bool(plan.verbose),
            **plan.pieces,
        )

    def _state(self):
        """Return the state before a pass over a batch, checked unless of the previous run."""
        estimator = self.estimator
        if self.trainer is None:
            encoder, dictionary = estimator._model.to_training()
            self.trainer = make_trainer(
                encoder,
                dictionary,
                loss=self.training_loss,
                input_scale=estimator._model.scaling.inputs,
                n_epochs=1,
                batch_size=self.plan.batch_size,
                **self.plan.pieces,
            )
            return begin(
                self.trainer, encoder, dictionary, estimator.state_, estimator.random_state
            )
        return estimator.state_

    def _pass_over(self, batch, state):
        """Learn from a batch, in steps of `batch_size`."""
        size = self.plan.batch_size
        samples = samples_to_train(batch, size)
        source = ArraySource(samples, size or len(samples), False, None)
        if state is not self.estimator.state_:
            self.keep(state, state.params, state.dictionary)
        self.trainer.source = source
        after = self.trainer.epoch(state)
        self.trainer.release()
        # The loss of one batch does not show which parameters are better.
        self.keep(after, after.params, after.dictionary)
        if self.plan.verbose:
            print_epoch(after)


def _settled(learn, outcome):
    """Learn, and settle the outcome, also after an interrupt or an error."""
    try:
        learn()
    except BaseException:
        outcome.settle(tell=False)
        raise
    outcome.settle()
