"""What estimators share whose encoder is trained together with its dictionary, the decoder."""

from __future__ import annotations

from sparsecode._validation import check_integer, check_number, check_random_state
from sparsecode.constraints import check_constraint
from sparsecode.encoders import ReLU
from sparsecode.estimators._outliers import OutlierPolicy
from sparsecode.estimators._pieces import resolve_encoder
from sparsecode.estimators._sparsity import (
    check_signals,
    found_weight,
    judging_penalty,
    resolve_loss,
)
from sparsecode.initialization import initial_dictionary, initial_offset
from sparsecode.penalties.base import resolve_penalty
from sparsecode.training.norm_outliers import resolve_outliers


class WithDecoder(OutlierPolicy):
    """Part of a `TrainedEncoder` that makes encoder and dictionary, and trains both.

    The estimator defines ``_begin(encoder, batch, rng)``, which makes what training starts from.
    """

    stages = None
    learn_dictionary = True

    def _fit(self, item, y, sample_weight):
        """Train from the start on samples as `_check_batch` takes them, or an iterator of such."""
        encoder = self._check_parameters()
        rng = check_random_state(self.random_state)

        def begin(batch):
            self._begin(encoder, batch.in_memory_counted(), rng)

        if hasattr(item, "__next__"):
            self._check_stream(
                sample_weight=sample_weight,
                validation_fraction=self.validation_fraction,
                patience=self.patience,
            )
            self._fit_stream(item, begin, first=True)
            return self

        def start():
            batch = self._check_batch(item, sample_weight, None, reset=True)
            batch = self._without_outliers(batch, first=True)
            self._check_split(batch.X, batch.sample_weight)
            begin(batch)
            return batch

        self._fit_epochs(start, y, rng)
        return self

    def _partial_fit(self, item, sample_weight):
        """Go on with samples as `_check_batch` takes them, or an iterator of such."""
        encoder = self._check_parameters()
        first = not hasattr(self, "dictionary_")

        def begin(batch):
            rng = check_random_state(self.random_state)
            self._begin(encoder, batch.in_memory_counted(), rng)

        is_stream = hasattr(item, "__next__")
        self._check_stream(sample_weight=sample_weight if is_stream else None)
        weight = None if is_stream else sample_weight
        batches = item if is_stream else [item]
        self._fit_stream(batches, begin, first=first, part=True, sample_weight=weight)
        return self

    def _start(self, encoder, dictionary, penalty, rng):
        super()._start(encoder, dictionary, penalty, rng)
        self.sparsity_weight_ = None

    def _keep(self, state, params, dictionary):
        super()._keep(state, params, dictionary)
        self.penalty_ = self._judging_penalty(state.memory, state.n_steps)
        self.sparsity_weight_ = found_weight(self._resolved_loss(None), state.memory, state.n_steps)

    def _wanted_components(self, X):
        """How many atoms there are to be."""
        if self.n_components is not None:
            return self.n_components
        given = not (self.init is None or isinstance(self.init, str))
        return len(getattr(self.init, "atoms", self.init)) if given else X.shape[1]

    def _first_dictionary(self, wanted, n_components, sample_weight, rng):
        """Atoms and offset to start from, for samples that are to be reconstructed."""
        # A dictionary has one already, whose computation would be for nothing.
        has_one = getattr(self.init, "offset", None) is not None
        return initial_dictionary(
            self.init,
            wanted,
            n_components,
            constraint=self.constraint,
            offset=None if has_one else self._initial_offset(wanted, sample_weight),
            sample_weight=sample_weight,
            random_state=rng,
        )

    def _initial_offset(self, wanted, sample_weight):
        if self.offset is not None and not isinstance(self.offset, str):
            return self.offset
        return initial_offset(self.offset, wanted, sample_weight)

    def _resolved_loss(self, penalty):
        return resolve_loss(self.loss, self._resolved_encoder(), self._weighted_penalty(), None)

    def _weighted_penalty(self):
        return resolve_penalty(self.penalty, self.alpha)

    def _judging_penalty(self, memory=None, n_steps=0):
        """Penalty of the objective that the codes are judged by."""
        return judging_penalty(self._resolved_loss(None), memory, n_steps)

    def _resolved_encoder(self):
        encoder = ReLU() if self.encoder is None else self.encoder
        return resolve_encoder(encoder, self._weighted_penalty(), None)

    def _check_parameters(self):
        """Raise if a parameter is wrong or two do not fit; return the encoder."""
        check_number(self.alpha, "alpha", low=0)
        resolve_outliers(self.outliers)
        if self.n_components is not None:
            check_integer(self.n_components, "n_components")
        if self.constraint is not None:
            check_constraint(self.constraint)
        encoder = self._resolved_encoder()
        self._check_training(encoder, None)
        check_signals(resolve_loss(self.loss, encoder, self._weighted_penalty(), None), encoder)
        return encoder
