"""Training of a sparse autoencoder: its plan and its initial model."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._batches import Batch
from sparsecode._messages import shown, wrong
from sparsecode._sample_moments import is_layer_norm
from sparsecode.encoders._scalable_encoder import ScalableEncoder
from sparsecode.estimators._decoder import first_dictionary, n_components_of, plan_with_decoder
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._input_scaling import (
    InputScaling,
    check_scales,
    first_samples,
    input_scale,
    normalized_start,
    rescale_penalty,
    scales,
)
from sparsecode.estimators._pieces import check_params_fit
from sparsecode.estimators._sparsity import check_size, judging_penalty
from sparsecode.estimators._targets import refuse_targets
from sparsecode.losses._output import inverse_of
from sparsecode.training.checks import check_loss


def plan_autoencoder(estimator, model):
    """Return the training plan of a `SparseAutoencoder`, which continues a fitted model if any."""
    replacement = estimator.replacement
    plan = plan_with_decoder(
        estimator,
        _reconstructing,
        target_l0=estimator.target_l0,
        first_penalty=None if model is None else model.first_penalty,
        replacement=replacement() if isinstance(replacement, type) else replacement,
        corrupt=estimator.corrupt,
        dead_window=estimator.dead_window,
    )
    _check_scaling(estimator, plan)
    _check_normalizing(estimator, model)
    return plan


def begin_autoencoder(estimator, plan, batch, rng):
    """Start training with the initial model for the samples of a batch."""
    encoder, target_l0 = plan.encoder, estimator.target_l0
    normalizes = is_layer_norm(estimator.scale_inputs)
    batch = normalized_start(batch) if normalizes else batch
    n_components = n_components_of(estimator, batch.X)
    check_size(encoder, plan.loss, n_components, target_l0)
    check_params_fit(encoder, n_components, batch.X)
    dictionary = _first_dictionary(estimator, batch, n_components, rng)
    scaling = InputScaling(layer_norm=normalizes)
    if _scales_inputs(estimator, plan):
        scaling = InputScaling(input_scale(batch.X, dictionary.offset, batch.sample_weight))
    if encoder.params is None:
        # The initial model is in the units of training.
        scaled = dictionary.replace(offset=dictionary.offset * scaling.samples)
        encoder = encoder.bind(encoder.init(scaled, random_state=rng))
        if target_l0 is not None and isinstance(encoder, ScalableEncoder):
            samples = first_samples(batch.X, scaling.samples, scaled, batch.sample_weight)
            encoder = _near_target(encoder, samples, scaled, target_l0, plan.loss.output)
        encoder, _ = scaling.from_training(encoder, scaled, dictionary)
    penalty = rescale_penalty(judging_penalty(plan.loss), 1 / scaling.samples)
    output = _output_of(estimator)
    estimator._start(FittedModel(encoder, dictionary, penalty, scaling, output=output))


def read_samples(estimator, plan, item, sample_weight, codes, *, first):
    """Return a batch of samples and their weights."""
    if isinstance(item, tuple):
        refuse_targets(item)
    return Batch(*estimator._check_samples(item, sample_weight, reset=first))


def output(estimator: Any) -> str | None:
    """Activation at the end of the decoder, or None."""
    return estimator._model.output


def debiases(estimator: Any) -> bool:
    """Whether coefficients are refitted to each sample by least squares."""
    return estimator._model.debias


def _first_dictionary(estimator, batch, n_components, rng):
    dictionary = first_dictionary(estimator, batch.X, n_components, batch.sample_weight, rng)
    output = _output_of(estimator)
    if output is None or not isinstance(estimator.offset, str):
        return dictionary
    if getattr(estimator.init, "offset", None) is not None or estimator.offset == "zero":
        return dictionary
    return dictionary.replace(offset=inverse_of(output, dictionary.offset))


def _near_target(encoder, samples, dictionary, target_l0, output):
    """Return an initial encoder with about the target number of active units.

    If training starts with far too many active units, most of them die.
    """
    if encoder.active_setting is not None:
        # The number of active units is fixed; smaller weights would only let more units die.
        return encoder
    share = min(target_l0 / dictionary.n_components, 1.0)
    encoder = encoder.calibrate(samples, dictionary, share)
    # The gain is fitted by least squares, which needs reconstructions linear in the codes.
    return encoder if output else encoder.match_gain(samples, dictionary)


def _scales_inputs(estimator, plan):
    if is_layer_norm(estimator.scale_inputs):
        return False
    if estimator.scale_inputs is not None:
        return estimator.scale_inputs
    if _output_of(estimator) is not None or estimator.target_l0 is None:
        return False
    return scales(plan.encoder, judging_penalty(plan.loss))


def _check_scaling(estimator, plan):
    """Raise an error unless the samples can be scaled in training as the estimator says."""
    scale_inputs = estimator.scale_inputs
    if scale_inputs is None:
        return
    if not is_layer_norm(scale_inputs):
        if not isinstance(scale_inputs, bool | np.bool_):
            raise ValueError(
                wrong(
                    "scale_inputs",
                    got=shown(scale_inputs),
                    expected="True, False, None or 'layer_norm'",
                    remedy="Set it to one of these.",
                )
            )
        if not scale_inputs:
            return
        check_scales(plan.encoder, judging_penalty(plan.loss))
    output = _output_of(estimator)
    if output is not None:
        raise TypeError(
            f"scale_inputs is {scale_inputs!r} but the output {shown(output)} of the loss does not "
            "scale with the samples; expected False. Scale the samples to values from 0 to 1 "
            "before fit."
        )


def _check_normalizing(estimator, model):
    """Raise ValueError unless "layer_norm" fits a model to go on from, and the outliers."""
    normalizes = is_layer_norm(estimator.scale_inputs)
    if model is not None and normalizes != model.normalizes:
        expected = "'layer_norm'" if model.normalizes else "True, False or None"
        raise ValueError(
            wrong(
                "scale_inputs",
                got=f"{shown(estimator.scale_inputs)} for a model that is trained already",
                expected=f"{expected}, as it was in its training so far",
                remedy="Call fit for a new model.",
            )
        )
    if normalizes and estimator.outliers is not None:
        raise ValueError(
            wrong(
                "outliers",
                got=f"{shown(estimator.outliers)} with scale_inputs='layer_norm'",
                expected="None, as normalised samples all have the same norm",
                remedy="Set outliers=None.",
            )
        )


def _output_of(estimator):
    """Name of the output activation of the decoder, or None."""
    return getattr(estimator.loss, "output", None)


def _reconstructing(loss):
    """Return the loss if it is one of reconstructions."""
    check_loss(loss, None, streamed=True)
    if loss.uses_target:
        raise ValueError(
            f"loss is {type(loss).__name__}, which compares codes on a given dictionary, but the "
            "dictionary is learned; expected a loss that compares reconstructions. Use for "
            "example AutoencoderLoss([L1(0.1)]), or use the estimator LISTA with a given "
            "dictionary."
        )
    return loss
