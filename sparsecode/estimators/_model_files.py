"""A fitted autoencoder in a file: arrays, and names and numbers as JSON, never pickle."""

from __future__ import annotations

import json

import numpy as np

from sparsecode import _store, encoders, penalties
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.estimators._checkpoints import fitted
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
        "constraint": json.dumps(_store.describe(model.dictionary_.constraint)),
        "encoder": json.dumps(_describe_encoder(model.encoder_)),
        "penalty": json.dumps(_describe_penalty(model.penalty_)),
        "settings": json.dumps(settings),
        "fitted": json.dumps({name: getattr(model, f"{name}_") for name in _FITTED}),
        "names": json.dumps(None if names is None else list(names)),
    }
    _store.write_arrays(path, arrays, header, format=_FORMAT)


def load(path, cls):
    """Read an autoencoder of class `cls` that `save` wrote."""

    def build(arrays, header):
        return _build(arrays, {name: _parsed(text) for name, text in header.items()}, cls)

    return _store.read_arrays(path, build, format=_FORMAT, wrong_contents=_not_an_autoencoder)


def _build(arrays, header, cls):
    params = {
        name.removeprefix("params/"): array
        for name, array in arrays.items()
        if name.startswith("params/")
    }
    dictionary = Dictionary(arrays["dictionary/atoms"], arrays.get("dictionary/offset"))
    # As they were, bit by bit: a projection could change the last digit.
    dictionary.__dict__["constraint"] = _store.rebuild(header["constraint"])
    encoder = _rebuild_encoder(header["encoder"])
    model = cls(**{**header["settings"], "encoder": encoder})
    bound = encoder.bind(params)
    bound._check_parameters()
    for name, array in bound._check_params(params, dictionary).items():
        known = array[~np.isnan(array)] if name in bound.buffers else array
        if array.dtype != dictionary.dtype or not np.isfinite(known).all():
            raise ValueError(f"{name} is {array.dtype} or infinite")
    fitted(
        model,
        bound,
        dictionary,
        _rebuild_penalty(header["penalty"]),
        **{name: header["fitted"][name] for name in _FITTED},
    )
    if header["names"] is not None:
        model.feature_names_in_ = np.array(header["names"], dtype=object)
    return model


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
    settings = {
        key: _rebuild_penalty(value) if isinstance(value, dict) else value
        for key, value in description["settings"].items()
    }
    return _ENCODERS[description["name"]](**settings)


def _describe_penalty(penalty):
    name = type(penalty).__name__
    if _PENALTIES.get(name) is not type(penalty):
        raise TypeError(
            f"the penalty {penalty!r} cannot be saved; expected one of sparsecode.penalties. Set "
            "penalty_ to one of these, which only score and certify read."
        )
    return {"name": name, "values": {k: _plain(v, k) for k, v in penalty._asdict().items()}}


def _rebuild_penalty(description):
    return _PENALTIES[description["name"]](**description["values"])


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


def _parsed(text):
    # The version and the name of the format are plain words.
    try:
        return json.loads(text)
    except ValueError:
        return text


def _not_an_autoencoder(path, error):
    return ValueError(
        f"{path} is not a saved autoencoder ({type(error).__name__}: {error}). "
        "Give a file that SparseAutoencoder.save wrote."
    )
