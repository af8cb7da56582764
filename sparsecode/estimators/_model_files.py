"""A fitted autoencoder in a file: arrays, and names and numbers as JSON, never pickle."""

from __future__ import annotations

import inspect
import json

import numpy as np
from sklearn.utils import check_random_state

from sparsecode import _serialization, encoders, penalties
from sparsecode._reading.refusal import Refused, listed
from sparsecode._serialization import ended, part
from sparsecode._validation import check_flag, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.estimators._checkpoints import fitted
from sparsecode.losses import AutoencoderLoss
from sparsecode.losses._output import check_output
from sparsecode.penalties import Penalty

_FORMAT = "sparsecode.SparseAutoencoder"
# What is a number, or None, of a fitted one.
_FITTED = ("input_scale", "debiases", "sparsity_weight")
_ENCODERS = {
    name: cls
    for name, cls in ((name, getattr(encoders, name)) for name in encoders.__all__)
    if issubclass(cls, TrainableEncoder) and cls is not TrainableEncoder
}
_PENALTIES = {
    name: cls
    for name, cls in ((name, getattr(penalties, name)) for name in penalties.__all__)
    if isinstance(cls, type) and issubclass(cls, Penalty) and cls is not Penalty
}


def save(path, model):
    """Write a fitted autoencoder to `path`, in the format its suffix names."""
    arrays = {f"params/{name}": array for name, array in model.encoder_.params.items()}
    arrays["dictionary/atoms"] = model.dictionary_.atoms
    if model.dictionary_.offset is not None:
        arrays["dictionary/offset"] = model.dictionary_.offset
    settings = {
        name: value
        for name, value in model.get_params(deep=False).items()
        if value is None or isinstance(value, bool | int | float | str)
    }
    names = getattr(model, "feature_names_in_", None)
    header = {
        "version": "1",
        "constraint": json.dumps(_serialization.describe(model.dictionary_.constraint)),
        "encoder": json.dumps(_describe_encoder(model.encoder_)),
        "penalty": json.dumps(_describe_penalty(model.penalty_)),
        "settings": json.dumps(settings),
        "fitted": json.dumps({name: getattr(model, f"{name}_") for name in (*_FITTED, "output")}),
        "names": json.dumps(None if names is None else list(names)),
    }
    _serialization.write_arrays(path, arrays, header, format=_FORMAT)


def load(path, cls, max_bytes=None):
    """Read an autoencoder of class `cls` that `save` wrote."""

    def build(arrays, header):
        return _build(arrays, header, cls)

    return _serialization.read_arrays(
        path, build, format=_FORMAT, wrong_contents=_not_an_autoencoder, max_bytes=max_bytes
    )


def _build(arrays, header, cls):
    params = {
        name.removeprefix("params/"): array
        for name, array in arrays.items()
        if name.startswith("params/")
    }
    dictionary = Dictionary(part(arrays, "dictionary/atoms"), arrays.get("dictionary/offset"))
    # As they were, bit by bit: a projection could change the last digit.
    dictionary.__dict__["constraint"] = _serialization.rebuild(_parsed(header, "constraint"))
    encoder = _rebuild_encoder(_parsed(header, "encoder"))
    settings = _checked_settings(_parsed(header, "settings"), cls)
    model = cls(**{**settings, "encoder": encoder})
    bound = encoder.bind(params)
    bound._check_parameters()
    for name, array in bound._check_params(params, dictionary).items():
        known = array[~np.isnan(array)] if name in bound.buffers else array
        if array.dtype != dictionary.dtype or not np.isfinite(known).all():
            raise Refused(f"its parameter {name} is of type {array.dtype} or infinite")
    penalty = _rebuild_penalty(_parsed(header, "penalty"))
    fitted(model, bound, dictionary, penalty, **_checked_numbers(_parsed(header, "fitted")))
    if model.output_ is not None:
        # The terms of the loss are not in the file, what it reconstructs is.
        model.loss = AutoencoderLoss(output=model.output_)
    names = _parsed(header, "names", list | None)
    if names is not None:
        if len(names) != dictionary.n_features or not all(isinstance(n, str) for n in names):
            raise Refused(f"its names are not {dictionary.n_features} strings, one for a feature")
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _parsed(header, name, kind=dict):
    return _serialization.parsed(part(header, name), kind)


def _checked_settings(settings, cls):
    """Parameters of the estimator, each checked as `fit` does."""
    names = cls().get_params(deep=False)
    if unknown := set(settings) - set(names):
        raise Refused(f"it has the settings {listed(unknown)}, which {cls.__name__} has not")
    for name, value in settings.items():
        plain = value is None or isinstance(value, bool | int | float | str)
        if not plain:
            raise Refused(f"its setting {name} is {str(value)[:80]}; expected a number or a name")
        # What is right beside the others is right beside their defaults, too.
        cls(**{name: value})._check_parameters()
    check_random_state(settings.get("random_state"))
    return settings


def _checked_numbers(numbers):
    found = {name: part(numbers, name) for name in _FITTED}
    scale = check_number(found["input_scale"], "input_scale", low=0, low_open=True)
    found |= {"input_scale": scale, "debiases": check_flag(found["debiases"], "debiases")}
    if found["sparsity_weight"] is not None:
        weight = check_number(found["sparsity_weight"], "sparsity_weight", low=0)
        found["sparsity_weight"] = weight
    return {**found, "output": check_output(numbers.get("output"))}


def _describe_encoder(encoder):
    name = type(encoder).__name__
    if _ENCODERS.get(name) is not type(encoder):
        raise TypeError(
            f"{name} cannot be saved; expected an encoder of sparsecode.encoders. Save the arrays "
            "of encoder_.params and dictionary_ yourself."
        )
    settings = encoder.get_params(deep=False)
    del settings["params"]
    return {"name": name, "settings": {key: _plain(v, key) for key, v in settings.items()}}


def _rebuild_encoder(description):
    name, settings = part(description, "name"), part(description, "settings")
    if not isinstance(settings, dict):
        raise Refused(f"the settings of its encoder are {str(settings)[:80]}")
    settings = {
        key: _rebuild_penalty(value) if isinstance(value, dict) else value
        for key, value in settings.items()
    }
    return _made(_ENCODERS, name, settings)


def _describe_penalty(penalty):
    name = type(penalty).__name__
    if _PENALTIES.get(name) is not type(penalty):
        raise TypeError(
            f"the penalty {penalty!r} cannot be saved; expected one of sparsecode.penalties. Set "
            "penalty_ to one of these, which only score and certify read."
        )
    return {"name": name, "values": {k: _plain(v, k) for k, v in penalty._asdict().items()}}


def _rebuild_penalty(description):
    values = part(description, "values")
    if not isinstance(values, dict):
        raise Refused(f"the values of its penalty are {str(values)[:80]}")
    return _made(_PENALTIES, part(description, "name"), values).checked()


def _made(classes, name, settings):
    """An instance of one of these classes, with settings of the names that it has."""
    if not isinstance(name, str) or name not in classes:
        raise Refused(f"it names the class {str(name)[:80]!r}; expected one of {listed(classes)}")
    cls = classes[name]
    if unknown := set(settings) - set(inspect.signature(cls).parameters):
        raise Refused(f"it has the settings {listed(unknown)}, which {name} has not")
    return cls(**settings)


def _plain(value, name):
    """A setting as JSON can hold it."""
    if isinstance(value, Penalty):
        return _describe_penalty(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"the setting {name}={value!r} cannot be saved; expected numbers or names.")


def _not_an_autoencoder(path, reason):
    return ValueError(
        f"{path} is not a saved autoencoder: {ended(reason)} "
        "Give a file that SparseAutoencoder.save wrote."
    )
