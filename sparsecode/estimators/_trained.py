"""Base class of estimators that train an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

from sparsecode.estimators._base import CodesEstimator
from sparsecode.estimators._callbacks import CallbackSupportMixin
from sparsecode.estimators._plan import refuse_with_stream
from sparsecode.estimators._training_run import TrainingRun
from sparsecode.training.data import is_stream

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary
    from sparsecode.encoders import TrainableEncoder
    from sparsecode.penalties import Penalty
    from sparsecode.training import TrainingState


class TrainedEstimator(CallbackSupportMixin, CodesEstimator):
    """Base of an estimator that trains an encoder.

    A subclass has the parameters of training that `plan_training` reads, and defines three methods:

    * ``_plan(model)`` makes the `TrainingPlan` of a fit; `model` is what training goes on from, or
      None where it begins.
    * ``_read_batch(plan, item, sample_weight, codes, first=...)`` checks what was given and returns
      it as a `Batch`.
    * ``_begin(plan, batch, rng)`` makes what training starts from, a `FittedModel`, by ``_start``.
    """

    history_: dict[str, list[float]]
    n_iter_: int
    n_epochs_: int
    state_: TrainingState | None
    n_outliers_: int
    outlier_norm_: float | None

    @property
    def dictionary_(self) -> Dictionary:
        """Atoms and offset."""
        return self._model.dictionary

    @property
    def encoder_(self) -> TrainableEncoder:
        """The trained encoder."""
        return self._model.encoder

    @property
    def penalty_(self) -> Penalty:
        """Penalty of the objective in `score` and `certify`."""
        return self._model.penalty

    @property
    def input_scale_(self) -> float | str:
        """Factor of the samples in training, or "layer_norm"."""
        return self._model.scaling.inputs

    @property
    def sparsity_weight_(self) -> float | None:
        """Weight that a search for a number of nonzeros has found, or None."""
        return self._model.sparsity_weight

    def _fit(self, item, y, sample_weight=None, codes=None):
        """Train from scratch; return the samples, or None for an iterator."""
        if not is_stream(item):
            return TrainingRun(self, self._plan(None)).fit(item, y, sample_weight, codes)
        refuse_with_stream(sample_weight=sample_weight, codes=codes)
        self._run_once().learn_batches(item)
        return None

    def _run_once(self):
        """Return the run that trains from scratch on batches, each seen once."""
        run = TrainingRun(self, self._plan(None))
        run.plan.check_seen_once()
        refuse_with_stream(**run.plan.of_epochs)
        return run

    def _partial_fit(self, item, sample_weight=None, codes=None):
        """Continue training with samples, each used once, or begin with them."""
        run = TrainingRun.resumed(self)
        if is_stream(item):
            refuse_with_stream(sample_weight=sample_weight, codes=codes)
            run.learn_batches(item)
        else:
            run.learn_batches([item], sample_weight, codes)

    def _start(self, model):
        """Start training from a model, and discard former training."""
        self._model, self.state_, self.history_ = model, None, {}
        self.n_iter_, self.n_epochs_ = 0, 0

    def _hold(self, model):
        """Make the estimator fitted with a model trained elsewhere, without a history."""
        self._start(model.resumed())
        self.n_features_in_ = model.dictionary.n_features

    def _replace_model(self, model):
        """Replace the model; further training begins with a fresh optimizer."""
        check_is_fitted(self)
        self._model, self.state_ = model, None
