"""What the training of a transcoder starts from, and what it is trained for."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_consistent_length

from sparsecode._batches import Batch
from sparsecode._validation import check_flag, common_dtype, wrong
from sparsecode.constraints import UnitBall
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._inputs import InputEncoder
from sparsecode.estimators._pairs import check_targets, split_item
from sparsecode.estimators._pieces import check_holds_zero, check_params_fit
from sparsecode.estimators._with_decoder import WithDecoder
from sparsecode.losses import AutoencoderLoss
from sparsecode.losses._transcoder import TranscoderLoss


class TranscoderStart(WithDecoder):
    """Part of `Transcoder` that checks its pieces and makes the first parameters."""

    _judges_targets = True

    def _check_batch(self, item, sample_weight, codes, *, reset):
        X, y = split_item(item, type(self).__name__)
        X, sample_weight = self._check_samples(X, sample_weight, reset=reset)
        y, flat = check_targets(y)
        check_consistent_length(X, y)
        if reset:
            self._is_flat = flat
        elif y.shape[1] != self.dictionary_.n_features:
            raise ValueError(
                f"y has {y.shape[1]} targets but {type(self).__name__} was fitted to "
                f"{self.dictionary_.n_features}; expected the same number. Call fit to start again."
            )
        return Batch(X, sample_weight, y)

    def _begin(self, encoder, batch, rng):
        """Draw what training starts from."""
        X, Y = batch.X, batch.target
        n_components = self._wanted_components(X)
        InputEncoder(encoder).check_reads_samples(n_components)
        check_params_fit(encoder, n_components, X)
        dictionary = self._first_dictionary(Y, n_components, batch.sample_weight, rng)
        dictionary = dictionary.astype(common_dtype(X))
        reader = InputEncoder(encoder.bind(None), X.shape[1], self.skip)
        if encoder.params is not None:
            reader = reader.bind(reader.init(dictionary, random_state=rng) | encoder.params)
        self._start(reader, dictionary, self._judging_penalty(), rng)

    def _first_dictionary(self, wanted, n_components, sample_weight, rng):
        if isinstance(self.init, str) and self.init == "zero":
            offset = self._initial_offset(wanted, sample_weight)
            atoms = np.zeros((n_components, wanted.shape[1]))
            return Dictionary(atoms, offset, self._constraint_of_zero())
        return super()._first_dictionary(wanted, n_components, sample_weight, rng)

    def _constraint_of_zero(self):
        """The constraint, if atoms that start at 0 can grow in it."""
        return check_holds_zero(UnitBall() if self.constraint is None else self.constraint)

    def _resolved_loss(self, penalty):
        loss = super()._resolved_loss(penalty)
        if not isinstance(loss, AutoencoderLoss):
            raise TypeError(
                wrong(
                    "loss",
                    got=repr(loss),
                    expected="an AutoencoderLoss, or None",
                    remedy="Use for example AutoencoderLoss([L1(0.1)]).",
                )
            )
        if loss.output is not None:
            raise ValueError(
                f"loss has the output {loss.output!r}; expected None, as a Transcoder predicts "
                "what is linear in the codes. Leave it out."
            )
        return TranscoderLoss(**loss.get_params(deep=False), skip=self.skip)

    def _check_parameters(self):
        check_flag(self.skip, "skip")
        encoder = super()._check_parameters()
        if isinstance(self.init, str) and self.init == "zero":
            self._check_learning(Dictionary([[0.0]], constraint=self._constraint_of_zero()))
        return encoder
