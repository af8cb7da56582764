"""Files of a fitted autoencoder: arrays, and names and numbers as JSON, never pickle.

`save` and `load` are methods of `SparseAutoencoder`.
"""

from __future__ import annotations

import dataclasses
import inspect
import json

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sparsecode import _serialization, encoders, losses, penalties, schedules
from sparsecode._reading.refusal import Refused, listed
from sparsecode._serialization import ended, part
from sparsecode._validation import check_flag, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._input_scaling import InputScaling
from sparsecode.estimators._sparsity import check_signals
from sparsecode.initialization.dictionary import check_init_name
from sparsecode.initialization.offset import check_offset_name
from sparsecode.losses import AutoencoderLoss, Term
from sparsecode.losses._output import check_output
from sparsecode.penalties import Penalty

_FORMAT = "sparsecode.SparseAutoencoder"
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
_TERMS = {
    name: cls
    for name, cls in ((name, getattr(losses, name)) for name in losses.__all__)
    if issubclass(cls, Term) and cls is not Term
}
_SCHEDULES = {
    name: cls
    for name, cls in vars(schedules).items()
    if dataclasses.is_dataclass(cls) and cls.__module__ == schedules.__name__
}
# What the terms of a loss are made of, and how deep these are in each other.
_PARTS = {**_PENALTIES, **_TERMS, **_SCHEDULES}
_DEEPEST = 5


def save(self, path):
    """Write the fitted autoencoder to a ``.safetensors`` or ``.npz`` file, without pickle.

    The file holds all that `transform`, `score` and the like need, the parameters of the
    estimator that are numbers or names, and the loss, if it and its terms are of this package.
    Other objects, such as the optimizer or a term of your own, and the state of training
    (``model.state_.save``), are not in it: set them before `partial_fit` goes on.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    TypeError
        If the encoder, its settings or the penalty are none of this package.
    OSError
        If the file cannot be written.
    """
    check_is_fitted(self)
    model = self._model
    arrays = {f"params/{name}": array for name, array in model.encoder.params.items()}
    arrays["dictionary/atoms"] = model.dictionary.atoms
    if model.dictionary.offset is not None:
        arrays["dictionary/offset"] = model.dictionary.offset
    settings = {
        name: value
        for name, value in self.get_params(deep=False).items()
        if value is None or isinstance(value, bool | int | float | str)
    }
    fitted = {
        "input_scale": model.scaling.samples,
        "debiases": model.debias,
        "sparsity_weight": model.sparsity_weight,
        "output": model.output,
    }
    names = getattr(self, "feature_names_in_", None)
    header = {
        "version": "1",
        "constraint": json.dumps(_serialization.describe(model.dictionary.constraint)),
        "encoder": json.dumps(_describe_encoder(model.encoder)),
        "penalty": json.dumps(_describe_penalty(model.penalty)),
        "loss": json.dumps(_describe_loss(self.loss, model)),
        "settings": json.dumps(settings),
        "fitted": json.dumps(fitted),
        "names": json.dumps(None if names is None else list(names)),
    }
    _serialization.write_arrays(path, arrays, header, format=_FORMAT)


def load(cls, path, *, max_bytes=None):
    """Read a fitted autoencoder that `save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int or None, default=None
        Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
        where that is more.

    Returns
    -------
    model : SparseAutoencoder
        `partial_fit` goes on with a fresh optimizer.

    Raises
    ------
    ValueError
        If the file is not a saved autoencoder, or would unpack to more than `max_bytes`.
    FileNotFoundError, OSError
        If there is no such file, or it cannot be read.
    """

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
    constraint = _serialization.rebuild(_parsed(header, "constraint"))
    # As they were, bit by bit: a projection could change the last digit.
    dictionary = Dictionary.view(dictionary.atoms, dictionary.offset, constraint)
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
    numbers = _checked_numbers(_parsed(header, "fitted"))
    model._hold(FittedModel(bound, dictionary, penalty, **numbers))
    loss = _parsed({"loss": "null", **header}, "loss", dict | None)
    if loss is not None:
        model.loss = _rebuild_loss(loss, bound, dictionary, model.output_)
    elif model.output_ is not None:
        # The loss is not in the file, what it reconstructs is.
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
        cls(**{name: value})._plan(None)
    check_random_state(settings.get("random_state"))
    for name, check in (("init", check_init_name), ("offset", check_offset_name)):
        if settings.get(name) is not None:
            check(settings[name])
    return settings


def _checked_numbers(numbers):
    scale = check_number(part(numbers, "input_scale"), "input_scale", low=0, low_open=True)
    weight = part(numbers, "sparsity_weight")
    if weight is not None:
        weight = check_number(weight, "sparsity_weight", low=0)
    return {
        "scaling": InputScaling(scale),
        "debias": check_flag(part(numbers, "debiases"), "debiases"),
        "sparsity_weight": weight,
        "output": check_output(numbers.get("output")),
    }


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
            f"the penalty {penalty!r} cannot be saved; expected one of sparsecode.penalties. Save "
            "the arrays of encoder_.params and dictionary_ yourself."
        )
    return {"name": name, "values": {k: _plain(v, k) for k, v in penalty._asdict().items()}}


def _rebuild_penalty(description):
    values = part(description, "values")
    if not isinstance(values, dict):
        raise Refused(f"the values of its penalty are {str(values)[:80]}")
    return _made(_PENALTIES, part(description, "name"), values).checked()


def _describe_loss(loss, model):
    """The loss of an autoencoder; None if it has parts of others, or was changed to another."""
    if type(loss) is not AutoencoderLoss or loss.output != model.output:
        return None
    try:
        terms = [_describe_part(term) for term in loss.resolved()]
        described = {"terms": terms, "levels": _plain(loss.levels, "levels")}
        _rebuild_loss(described, model.encoder, model.dictionary, model.output)
    except (TypeError, ValueError):
        return None
    return described


def _rebuild_loss(description, encoder, dictionary, output):
    terms = part(description, "terms")
    if not isinstance(terms, list):
        raise Refused(f"the terms of its loss are {str(terms)[:80]}")
    terms = [_rebuild_part(term) for term in terms]
    loss = AutoencoderLoss(terms, levels=part(description, "levels"), output=output)
    check_signals(loss, encoder)
    loss.init(dictionary)
    for term in loss.resolved():
        term.weight_at(0)
    return loss


def _describe_part(value):
    """A penalty, a term or a schedule by its name, and what it is made of."""
    name = type(value).__name__
    if isinstance(value, Penalty):
        return _describe_penalty(value)
    if _PARTS.get(name) is not type(value):
        return _plain(value, name)
    names = [field.name for field in dataclasses.fields(value) if field.init]
    return {"name": name, "values": {key: _describe_part(getattr(value, key)) for key in names}}


def _rebuild_part(description, depth=0):
    if not isinstance(description, dict):
        if isinstance(description, str):
            raise Refused(f"its loss holds {description[:80]!r} for a number")
        return description
    values = part(description, "values")
    if depth == _DEEPEST or not isinstance(values, dict):
        raise Refused(f"a part of its loss is {str(values)[:80]}")
    values = {key: _rebuild_part(value, depth + 1) for key, value in values.items()}
    made = _made(_PARTS, part(description, "name"), values)
    return made.checked() if isinstance(made, Penalty) else made


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
