"""What the training of an autoencoder starts from, and in which units it is made."""

from __future__ import annotations

from sparsecode._validation import check_flag
from sparsecode.encoders._scaling import ScalableEncoder
from sparsecode.estimators._pieces import check_params_fit
from sparsecode.estimators._sparsity import (
    check_size,
    judging_penalty,
    kept_units,
    resolve_loss,
    set_target,
)
from sparsecode.estimators._units import (
    check_scales,
    first_samples,
    input_scale,
    rescale_penalty,
    scales,
)
from sparsecode.estimators._with_decoder import WithDecoder
from sparsecode.losses._output import inverse_of
from sparsecode.training.checks import (
    check_activity,
    check_corruption,
    check_patience,
    resolve_optimizer,
)


class AutoencoderStart(WithDecoder):
    """Part of `SparseAutoencoder` that checks its pieces and makes the first parameters."""

    def _begin(self, encoder, batch, rng):
        """Draw what training starts from."""
        n_components = self._wanted_components(batch.X)
        check_size(encoder, self._resolved_loss(None), n_components, self.target_l0)
        check_params_fit(encoder, n_components, batch.X)
        dictionary = self._first_dictionary(batch.X, n_components, batch.sample_weight, rng)
        self.input_scale_, self.debiases_, self._found = 1.0, False, None
        self.output_ = self._output
        if self._scales_inputs(encoder):
            self.input_scale_ = input_scale(batch.X, dictionary.offset, batch.sample_weight)
        if encoder.params is None:
            # What it starts from is in the units of training.
            scaled = dictionary.replace(offset=dictionary.offset * self.input_scale_)
            encoder = encoder.bind(encoder.init(scaled, random_state=rng))
            if self.target_l0 is not None and isinstance(encoder, ScalableEncoder):
                encoder = self._near_target(
                    encoder,
                    first_samples(batch.X, self.input_scale_, scaled, batch.sample_weight),
                    scaled,
                )
            encoder, _ = self._to_use(encoder, scaled)
        self._start(encoder, dictionary, self._judging_penalty(), rng)

    def _training_options(self):
        resampling = self.resampling
        return {
            "resampling": resampling() if isinstance(resampling, type) else resampling,
            "corrupt": self.corrupt,
            "dead_window": self.dead_window,
        }

    def _check_target(self, loss):
        if loss.uses_target:
            raise ValueError(
                f"loss is {type(loss).__name__}, which compares codes with those of a dictionary, "
                "and the dictionary is learned; expected a loss of reconstructions. Use for "
                "example AutoencoderLoss([L1(0.1)]), or the estimator LISTA for a dictionary that "
                "is given."
            )

    @property
    def _input_scale(self):
        return self.input_scale_

    def _to_train(self):
        return self._rescaled(self.encoder_, self.dictionary_, self.input_scale_)

    def _to_use(self, encoder, dictionary):
        return self._rescaled(encoder, dictionary, 1 / self.input_scale_)

    def _rescaled(self, encoder, dictionary, factor):
        """Encoder and dictionary for samples of another scale, with codes of that scale."""
        if factor == 1:
            return encoder, dictionary
        return encoder.scale_samples(dictionary, factor)

    def _resolved_loss(self, penalty):
        weighted = self._weighted_penalty()
        found = getattr(self, "_found", None)
        if self.target_l0 is not None and found is not None and found.alpha > 0:
            weighted = found
        return resolve_loss(self.loss, self._resolved_encoder(), weighted, self.target_l0)

    def _judging_penalty(self, memory=None, n_steps=0):
        penalty = super()._judging_penalty(memory, n_steps)
        return rescale_penalty(penalty, 1 / self.input_scale_)

    def _resolved_encoder(self):
        encoder = super()._resolved_encoder()
        set_target(encoder, self.target_l0)
        return encoder

    def _check_parameters(self):
        """Raise if a parameter is wrong or two do not fit; return the encoder."""
        encoder = super()._check_parameters()
        loss = self._resolved_loss(None)
        check_patience(self.patience, loss)
        optimizer = resolve_optimizer(self.optimizer, self.schedule)
        options = self._training_options()
        check_corruption(options.pop("corrupt"))
        check_activity(
            **options, encoder=encoder, optimizer=optimizer, learn_dictionary=True, loss=loss
        )
        if self.scale_inputs is not None and check_flag(self.scale_inputs, "scale_inputs"):
            check_scales(encoder, judging_penalty(loss))
            if self._output is not None:
                raise TypeError(
                    f"scale_inputs is True but the output {self._output!r} of the loss does not "
                    "scale with the samples. Leave it out, and bring samples between 0 and 1."
                )
        return encoder

    def _scales_inputs(self, encoder):
        if self.scale_inputs is not None:
            return self.scale_inputs
        if self._output is not None:
            return False
        penalty = judging_penalty(self._resolved_loss(None))
        return self.target_l0 is not None and scales(encoder, penalty)

    def _near_target(self, encoder, samples, dictionary):
        """An encoder that has the wanted number of active units, to start training from.

        Weights that have to find the way from far too many units lose most of them.
        """
        if kept_units(encoder) is not None:
            # It has so many from the start; smaller weights only let more units die.
            return encoder
        share = min(self.target_l0 / dictionary.n_components, 1.0)
        encoder = encoder.calibrate(samples, dictionary, share)
        # A gain is found by least squares, of reconstructions that are linear in the codes.
        return encoder if self.output_ else encoder.match_gain(samples, dictionary)

    @property
    def _output(self):
        """Name of the activation at the end of the decoder, or None."""
        return getattr(self.loss, "output", None)

    def _first_dictionary(self, wanted, n_components, sample_weight, rng):
        dictionary = super()._first_dictionary(wanted, n_components, sample_weight, rng)
        if self._output is None or not isinstance(self.offset, str):
            return dictionary
        if getattr(self.init, "offset", None) is not None or self.offset == "zero":
            return dictionary
        return dictionary.replace(offset=inverse_of(self._output, dictionary.offset))
