"""Trained models as arrays and descriptions, and estimators made of these again."""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from sparsecode._array_files import parsed, part
from sparsecode._messages import shown
from sparsecode._reading.refusal import Refused
from sparsecode._sample_moments import is_layer_norm
from sparsecode._validation import check_flag, check_integer, check_number
from sparsecode.encoders import TrainableEncoder
from sparsecode.encoders._inputs import InputEncoder
from sparsecode.estimators._descriptions import describe, rebuild
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._input_scaling import InputScaling
from sparsecode.estimators._network_scaling import NetworkScaling
from sparsecode.losses import AutoencoderLoss
from sparsecode.losses._output import check_output
from sparsecode.penalties import Penalty

_REMEDY = "Save the arrays of encoder_.params and dictionary_ yourself."


def network_parts(estimator):
    """Arrays and header of what an estimator has trained, without its dictionary.

    Raises
    ------
    TypeError
        If the encoder, its settings or the penalty are not of this package.
    """
    model, encoder = estimator._model, estimator._model.encoder
    numbers = {"input_scale": model.scaling.inputs, "sparsity_weight": model.sparsity_weight}
    if hasattr(type(estimator), "output_"):
        numbers |= {"debiases": model.debias, "output": model.output}
    if isinstance(model.scaling, NetworkScaling):
        numbers |= {"atom_scale": model.scaling.atoms, "learns_atoms": model.scaling.learns_atoms}
    arrays = {f"params/{name}": array for name, array in encoder.params.items()}
    if isinstance(encoder, InputEncoder):
        numbers |= {"n_inputs": encoder.n_inputs, "skip": encoder.skip}
        numbers["is_flat"] = estimator._is_flat
        encoder = encoder.encoder
    header = {
        "encoder": json.dumps(_described_encoder(encoder)),
        "penalty": json.dumps(_described_penalty(model.penalty)),
        "fitted": json.dumps(numbers),
    }
    return arrays, header


def hold_network(estimator, arrays, header, dictionary, left_out):
    """Make an estimator with its parameters a fitted one, of arrays and a header.

    Parameters
    ----------
    estimator : TrainedEstimator
    arrays : dict of str to ndarray
    header : dict of str to str
    dictionary : Dictionary
    left_out : list of str
        Parameters that the file does not hold.
    """
    numbers = parsed(part(header, "fitted"))
    scaling = _scaling(estimator, numbers)
    encoder = rebuild(parsed(part(header, "encoder")), "encoder")
    if not isinstance(encoder, TrainableEncoder):
        raise Refused(f"its encoder is {str(encoder)[:80]}")
    penalty = rebuild(parsed(part(header, "penalty")), "penalty")
    if not isinstance(penalty, Penalty):
        raise Refused(f"its penalty is {str(penalty)[:80]}")
    predicts = hasattr(estimator, "predict")
    if predicts:
        encoder = _reader(encoder, numbers, dictionary)
        estimator._is_flat = check_flag(part(numbers, "is_flat"), "is_flat")
        if estimator._is_flat and dictionary.n_features != 1:
            raise Refused(
                f"it has {dictionary.n_features} targets; expected 1, as its targets were "
                "one-dimensional"
            )
    params = {
        name.removeprefix("params/"): array
        for name, array in arrays.items()
        if name.startswith("params/")
    }
    encoder = encoder.bind(params)
    _check_arrays(encoder, params, dictionary)
    weight = part(numbers, "sparsity_weight")
    if weight is not None:
        weight = check_number(weight, "sparsity_weight", low=0)
    model = FittedModel(encoder, dictionary, penalty, scaling, sparsity_weight=weight)
    if hasattr(type(estimator), "output_"):
        debias = check_flag(part(numbers, "debiases"), "debiases")
        model = dataclasses.replace(model, debias=debias, output=_output(estimator, numbers))
    _check_training(estimator, dictionary, left_out)
    estimator._hold(model)
    if predicts:
        estimator.n_features_in_ = encoder.n_inputs


def _described_encoder(encoder):
    try:
        return describe(encoder, "encoder")
    except TypeError as error:
        raise TypeError(
            f"{type(encoder).__name__} cannot be saved; expected an encoder of "
            f"sparsecode.encoders. {_REMEDY}"
        ) from error


def _described_penalty(penalty):
    try:
        return describe(penalty, "penalty")
    except TypeError as error:
        raise TypeError(
            f"the penalty {shown(penalty)} cannot be saved; expected one of sparsecode.penalties. "
            f"{_REMEDY}"
        ) from error


def _reader(encoder, numbers, dictionary):
    """The encoder of a transcoder, without parameters."""
    n_inputs = check_integer(part(numbers, "n_inputs"), "n_inputs")
    reader = InputEncoder(encoder, n_inputs, check_flag(part(numbers, "skip"), "skip"))
    reader.check_reads_samples(dictionary.n_components)
    return reader


def _check_arrays(encoder, params, dictionary):
    """Check that the parameters of an encoder fit it, and are finite where they are known."""
    encoder._check_parameters()
    for name, array in encoder._check_params(params, dictionary).items():
        known = array[~np.isnan(array)] if name in encoder.buffers else array
        if params[name].dtype.kind != "f" or not np.isfinite(known).all():
            raise Refused(
                f"its parameter {name} has dtype {params[name].dtype}; expected finite "
                "floating-point numbers"
            )
    penalty = getattr(encoder, "penalty", None)
    if penalty is not None:
        penalty.prepare(dictionary.n_components, dictionary.dtype)


def _scaling(estimator, numbers):
    """The units of training; a transcoder has none but those of its samples."""
    if hasattr(estimator, "predict"):
        return InputScaling()
    scale = part(numbers, "input_scale")
    if is_layer_norm(scale) and hasattr(estimator, "scale_inputs"):
        return InputScaling(layer_norm=True)
    scale = check_number(scale, "input_scale", low=0, low_open=True)
    if not hasattr(estimator, "learn_dictionary"):
        return InputScaling(scale)
    atoms = part(numbers, "atom_scale")
    atoms = check_number(atoms, "atom_scale", low=0, low_open=True)
    return NetworkScaling(scale, atoms, check_flag(part(numbers, "learns_atoms"), "learns_atoms"))


def _output(estimator, numbers):
    """Activation of the decoder; a loss that the file does not hold gets it too."""
    output = check_output(numbers.get("output"))
    if estimator.loss is None and output is not None:
        estimator.loss = AutoencoderLoss(output=output)
    if getattr(estimator.loss, "output", None) != output:
        raise Refused(
            f"its loss and its decoder have different outputs: the loss has {shown(output)}"
        )
    return output


def _check_training(estimator, dictionary, left_out):
    """Check the parameters as `fit` does.

    Where some were left out, which the others may need, each of these must be right by itself.
    """
    try:
        plan = estimator._plan(None)
    except (TypeError, ValueError):
        if not left_out:
            raise
        for name, value in estimator.get_params(deep=False).items():
            if isinstance(value, bool | int | float | str):
                type(estimator)(**{name: value})._plan(None)
        return
    plan.optimizer.init({})
    plan.optimizer.lr_at(0)
    plan.loss.init(dictionary)
    if hasattr(plan.loss, "penalty"):
        plan.loss.penalty.prepare(dictionary.n_components, dictionary.dtype)
    for term in plan.loss.resolved() if isinstance(plan.loss, AutoencoderLoss) else []:
        term.weight_at(0)
    if plan.corrupt is not None:
        plan.corrupt(np.zeros((1, 1)), np.random.default_rng(0))
