"""How an estimator trains its encoder by gradients: over epochs, or from a stream."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from sklearn.callback import CallbackSupportMixin

from sparsecode._batches import Batch, Samples
from sparsecode._blas import single_threaded_blas
from sparsecode._parallel import threads_of
from sparsecode._validation import (
    check_flag,
    check_fraction,
    check_integer,
    check_n_jobs,
    wrong,
)
from sparsecode.encoders import Exact
from sparsecode.estimators._base import CodesEstimator, SparseCodingEstimator
from sparsecode.estimators._callbacks import FitTasks
from sparsecode.estimators._outcome import Outcome
from sparsecode.estimators._streams import no_batch, refuse_with_stream
from sparsecode.estimators._unchanged import unchanged_on_error
from sparsecode.training import layer_by_layer, train
from sparsecode.training.checks import (
    check_learning,
    check_loss,
    check_numbers,
    resolve_optimizer,
    resolve_stages,
)
from sparsecode.training.data import hold_out

_FITTED = ("dictionary_", "encoder_", "penalty_")
# Times the loss of its start that a part of a training may come to.
_BLOWN_UP = 10.0


class TrainedEncoder(CallbackSupportMixin, CodesEstimator):
    """Base of an estimator whose codes come from an encoder that it trains.

    Its parameters of training have the names they have in `sparsecode.training.train`. A subclass
    defines `_resolved_loss`, sets `encoder_`, with its first parameters, `dictionary_` and
    `penalty_` by `_start`, and calls `_fit_epochs` or `_fit_stream`.
    """

    def transform(self, X):
        """Code every sample.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
            float32 only if X and the dictionary both are.
        """
        return self._encode(self._check_X(X))

    def _encode(self, X, **options):
        return super()._encode(X, **({"sparse_output": self.sparse_output} | options))

    def _transform_encoder(self):
        return self.encoder_

    def _start(self, encoder, dictionary, penalty, rng):
        """Forget what was trained; the encoder is usable from here on, with its first parameters.

        These are those it has, or else those of its `init`.
        """
        params = encoder.params
        if params is None:
            params = encoder.init(dictionary, random_state=rng)
        self.encoder_, self.dictionary_, self.penalty_ = encoder.bind(params), dictionary, penalty
        self.state_, self.history_ = None, {}
        self.n_iter_, self.n_epochs_ = 0, 0

    def _fit_epochs(self, start, y, rng):
        """Train for some epochs, until patience ends or a callback stops it; returns the samples.

        ``start()`` gives them as a `Batch`, after it has made what training starts from. What it,
        or `train`, refuses leaves the estimator as it was.
        """
        with threads_of(self.n_jobs), single_threaded_blas():
            with unchanged_on_error(self):
                batch = self._with_targets(start())
                tasks, states = self._epochs(batch, y, rng)
                begun = next(states)
            is_held = self.validation_fraction is not None and self._training_loss().is_constant
            outcome = Outcome(begun, is_judged=not is_held)
            outcome.see(batch)

            def learn():
                for state in chain([begun], states):
                    self._keep(state, state.best_params, state.best_dictionary)
                    if state.n_epochs > 0 and tasks.end_epoch():
                        break

            self._settled(learn, outcome)
            tasks.end()
            return batch.X

    def _settled(self, learn, outcome):
        """Learn, and settle what came of it, also of a learning that did not come to its end."""
        try:
            learn()
        except BaseException:
            outcome.settle(self, tell=False)
            raise
        outcome.settle(self)

    def _epochs(self, batch, y, rng):
        """Tasks that tell callbacks, and the states of the training."""
        X = batch.X
        stages = self._resolved_stages(self.encoder_)
        n_epochs = self.n_epochs
        if stages is not None:
            n_epochs = sum(stage.n_epochs or n_epochs for stage in stages)
        tasks = FitTasks(self, X, y, n_epochs, _FITTED)
        states = train(
            *self._to_train(),
            X,
            input_scale=self._input_scale,
            loss=self._training_loss(),
            optimizer=self.optimizer,
            n_epochs=self.n_epochs,
            batch_size=self.batch_size,
            target=batch.target,
            sample_weight=batch.sample_weight,
            validation_fraction=self.validation_fraction,
            schedule=self.schedule,
            max_norm=self.max_norm,
            patience=self.patience,
            shuffle=self.shuffle,
            learn_dictionary=self.learn_dictionary,
            stages=stages,
            random_state=rng,
            callback=tasks.begin_epoch,
            verbose=bool(self.verbose),
            **self._training_options(),
        )
        return tasks, states

    def _fit_stream(self, batches, begin, *, first, part=False, sample_weight=None, codes=None):
        """Train on each of some batches once; `begin` makes what is trained, from the first.

        As a `part` of a longer training it may become somewhat worse.
        """
        outcome, batches = Outcome(None, limit=_BLOWN_UP if part else 1.0), iter(batches)
        is_empty = True

        def learn():
            nonlocal is_empty
            for item in batches:
                is_empty = False
                with unchanged_on_error(self):
                    batch = self._check_batch(item, sample_weight, codes, reset=is_first())
                    batch = self._without_outliers(batch, first=is_first())
                    if batch.weight == 0:
                        # There were outliers only.
                        continue
                    if is_first():
                        begin(batch)
                    batch = self._with_targets(batch)
                    states = self._pass(batch)
                    begun = next(states)
                outcome.begun = outcome.begun or begun
                outcome.see(batch)
                for state in chain([begun], states):
                    # The loss of one batch does not tell which parameters are better.
                    self._keep(state, state.params, state.dictionary)

        def is_first():
            return first and outcome.begun is None

        with threads_of(self.n_jobs), single_threaded_blas():
            self._settled(learn, outcome)
        if is_empty:
            raise no_batch()

    def _pass(self, batch):
        """States of the training on a batch of a stream, in steps of `batch_size`."""
        X, weight, target = batch
        samples = Samples(X, weight, target, run=self.batch_size)
        return train(
            *self._to_train(),
            samples.batches(self.batch_size or len(samples)),
            input_scale=self._input_scale,
            loss=self._training_loss(),
            optimizer=self.optimizer,
            n_epochs=1,
            schedule=self.schedule,
            max_norm=self.max_norm,
            learn_dictionary=self.learn_dictionary,
            state=self.state_,
            random_state=self.random_state,
            verbose=bool(self.verbose),
            **self._training_options(),
        )

    def _training_options(self):
        """What else `train` is told."""
        return {}

    def _without_outliers(self, batch, *, first):
        """A batch as it is to be learned from."""
        return batch

    def _check_batch(self, item, sample_weight, codes, *, reset):
        """What a stream gave, as a `Batch` of checked arrays."""
        X, sample_weight = self._check_samples(item, sample_weight, reset=reset)
        return Batch(X, sample_weight, codes)

    def _keep(self, state, params, dictionary):
        """Use these parameters from now on, and go on from them."""
        self.encoder_, self.dictionary_ = self._to_use(self.encoder_.bind(params), dictionary)
        self.history_, self.n_iter_, self.n_epochs_ = state.history, state.n_steps, state.n_epochs
        self.state_ = replace(
            state,
            params=params,
            dictionary=dictionary,
            best_params=params,
            best_dictionary=dictionary,
            stage=0,
            n_stage_epochs=0,
            n_waited=0,
        )

    # What samples are multiplied by in training.
    _input_scale = 1.0

    def _to_train(self):
        """Encoder and dictionary for samples as they are in training."""
        return self.encoder_, self.dictionary_

    def _to_use(self, encoder, dictionary):
        """Encoder and dictionary for samples as they are, of those in training."""
        return encoder, dictionary

    def _training_loss(self):
        """The loss in the units of training."""
        return self._resolved_loss(self.penalty_)

    def _with_targets(self, batch):
        """A batch with the codes to learn, those given or the exact ones, if the loss uses any."""
        if batch.target is not None or not self._training_loss().uses_target:
            return batch
        exact = Exact(self.penalty_)
        codes = exact.encode(batch.X, self.dictionary_, sparse_output=True, n_jobs=self.n_jobs)
        return batch._replace(target=codes)

    def _resolved_stages(self, encoder):
        """Stages of the training, or None for a single one."""
        stages = self.stages
        if stages is None:
            return None
        if isinstance(stages, str):
            if stages != "layer_by_layer":
                raise ValueError(
                    wrong(
                        "stages",
                        got=repr(stages),
                        expected="'layer_by_layer', a list of Stage, or None",
                        remedy="Use None to train all layers together.",
                    )
                )
            if not hasattr(encoder, "n_layers"):
                raise TypeError(
                    f"{type(encoder).__name__} has no layers to train one after another. Use "
                    "stages=None."
                )
            stages = layer_by_layer(encoder.n_layers)
        return resolve_stages(stages, encoder, resolve_optimizer(self.optimizer, self.schedule))

    def _check_training(self, encoder, penalty):
        """Raise if a parameter of the training is wrong, or two do not fit."""
        check_numbers(self.n_epochs, self.batch_size, None, self.patience, self.max_norm)
        if self.validation_fraction is not None:
            check_fraction(self.validation_fraction, "validation_fraction")
        for name in ("shuffle", "learn_dictionary", "sparse_output"):
            check_flag(getattr(self, name), name)
        if not isinstance(self.verbose, bool):
            check_integer(self.verbose, "verbose", low=0)
        check_n_jobs(self.n_jobs)
        resolve_optimizer(self.optimizer, self.schedule)
        self._resolved_stages(encoder)
        loss = self._resolved_loss(penalty)
        check_loss(loss, None, streamed=True)
        self._check_target(loss)

    def _check_target(self, loss):
        """Raise if the estimator has no targets for a loss."""

    def _check_stream(self, **given):
        """Raise if something was given that needs samples to pass over again."""
        optimizer = resolve_optimizer(self.optimizer, self.schedule)
        if optimizer.full_batch:
            raise TypeError(
                f"{type(optimizer).__name__} passes over the samples again and again, and those of "
                "partial_fit or of an iterator are seen once. Use Adam, or fit to an array."
            )
        refuse_with_stream(**given)

    def _check_learning(self, dictionary):
        """Raise TypeError if the optimizer cannot train this dictionary."""
        optimizer = resolve_optimizer(self.optimizer, self.schedule)
        check_learning(self.learn_dictionary, dictionary, optimizer)

    def _check_split(self, X, sample_weight):
        """Raise ValueError if there are too few samples to hold some out."""
        if self.validation_fraction is not None:
            samples = Samples(X, sample_weight, run=self.batch_size)
            hold_out(samples, self.validation_fraction, 0)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class TrainedCoder(TrainedEncoder, SparseCodingEstimator):
    """Base of an estimator that trains an encoder to code the samples that it is given."""

    def _penalty(self):
        return self.penalty_

    def _check_target(self, loss):
        if self.learn_dictionary and loss.uses_target:
            raise ValueError(
                f"learn_dictionary is True but {type(loss).__name__} compares codes with those of "
                "a dictionary; expected a loss that judges both, such as 'unsupervised'. Change "
                "the loss, or learn the dictionary first."
            )
