"""Files of fitted patch features: arrays, and descriptions as JSON; nothing is pickled."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from sparsecode import _serialization
from sparsecode._array_files import ended, parsed, part, read_arrays, write_arrays
from sparsecode._messages import shown
from sparsecode._patch_features.contrast import Preparation
from sparsecode._patch_features.images import check_image_shape
from sparsecode._reading.refusal import Refused, listed
from sparsecode._typing import Model, PathLike
from sparsecode._validation import check_matrix, check_number, check_random_state
from sparsecode.datasets import ZCAWhitening
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder, TrainableEncoder
from sparsecode.estimators._descriptions import describe_settings, rebuild
from sparsecode.estimators._feature_learning import Learned, Settings, coder_of, fitted_parts
from sparsecode.estimators._patch_atoms import is_given

_FORMAT = "sparsecode.PatchFeatures"
# Stands for what the file holds as arrays.
_SAVED = "saved"
# Pixels along a side of an image in a file: what is made of its shape stays small.
_LONGEST = 2**20
# Values of a whitening: sums of their products stay in the range of float32.
_LARGEST = 1e30
_WHITENING = {"mean": "mean_", "components": "components_", "scale": "scale_"}


def save(self: Any, path: PathLike) -> None:
    """Write the fitted transformer to a ``.safetensors`` or ``.npz`` file, without pickle.

    The file holds all that `transform` and `certify` need, and the parameters. Left out are
    generators, and an estimator that learned the dictionary.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    TypeError
        If the encoder or its settings are not of this package.
    OSError
        If the file cannot be written.
    """
    learned = fitted_parts(self)
    settings, left_out = describe_settings(self)
    if "encoder" in left_out:
        raise TypeError(
            f"encoder {shown(self.encoder)} cannot be saved; expected one of sparsecode.encoders, "
            "with settings of this package. Save dictionary_ alone, with its own method save."
        )
    dictionary, (contrast, whitening) = learned.dictionary, learned.preparation
    arrays = {"dictionary/atoms": dictionary.atoms}
    if dictionary.offset is not None:
        arrays["dictionary/offset"] = dictionary.offset
    if whitening is not None:
        arrays |= {f"whitening/{name}": getattr(whitening, of) for name, of in _WHITENING.items()}
    params = getattr(self.encoder, "params", None) or {}
    arrays |= {f"params/{name}": array for name, array in params.items()}
    if is_given(self.dictionary):
        settings["dictionary"] = _SAVED
    if "whitening" in left_out:
        settings["whitening"] = _SAVED
    names = getattr(self, "feature_names_in_", None)
    fitted = {
        "contrast": contrast,
        "eps": None if whitening is None else whitening.eps,
        "image_shape": list(self.image_shape_),
        "names": None if names is None else list(names),
    }
    header = {
        "version": "1",
        "constraint": json.dumps(_serialization.describe(dictionary.constraint)),
        "settings": json.dumps(settings),
        "fitted": json.dumps(fitted),
    }
    write_arrays(path, arrays, header, format=_FORMAT)


@classmethod
def load(cls: type[Model], path: PathLike, *, max_bytes: int | None = None) -> Model:
    """Read a fitted transformer that `save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int or None, default=None
        Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
        where that is more.

    Returns
    -------
    model : PatchFeatures
        Its features are those of the saved one, bit for bit.

    Raises
    ------
    ValueError
        If the file is none that `save` wrote, or would unpack to more than `max_bytes`.
    FileNotFoundError, OSError
        If there is no such file, or it cannot be read.
    """

    def build(arrays, header):
        return _build(arrays, header, cls)

    return read_arrays(
        path, build, format=_FORMAT, wrong_contents=_wrong_contents, max_bytes=max_bytes
    )


def _wrong_contents(path, reason):
    return ValueError(
        f"{path} is not a saved PatchFeatures: {ended(reason)} Give a file that PatchFeatures.save "
        "wrote."
    )


def _build(arrays, header, cls):
    constraint = _serialization.rebuild(parsed(part(header, "constraint")))
    dictionary = Dictionary(part(arrays, "dictionary/atoms"), arrays.get("dictionary/offset"))
    # As they were, bit by bit: a projection could change the last digit.
    dictionary = Dictionary.view(dictionary.atoms, dictionary.offset, constraint)
    fitted = parsed(part(header, "fitted"))
    whitening = _whitening(arrays, part(fitted, "eps"))
    settings = _rebuilt(parsed(part(header, "settings")), cls)
    if settings.get("dictionary") == _SAVED:
        settings["dictionary"] = dictionary
    if settings.get("whitening") == _SAVED:
        settings["whitening"] = whitening
    params = {name[7:]: array for name, array in arrays.items() if name.startswith("params/")}
    if params:
        settings["encoder"] = _with_params(settings.get("encoder"), params)
    model = cls(**settings)
    check_random_state(model.random_state)
    contrast = part(fitted, "contrast")
    if contrast is not None:
        contrast = check_number(contrast, "contrast", low=0, low_open=True)
    shape = check_image_shape(tuple(part(fitted, "image_shape")))
    if max(shape) > _LONGEST:
        raise Refused(f"its images have the shape {shape}")
    learned = Learned(Preparation(contrast, whitening), dictionary)
    coder_of(Settings.of(model), learned, shape, dictionary.dtype).check()
    model._hold(learned, shape)
    model.n_features_in_ = math.prod(shape)
    names = part(fitted, "names")
    if names is not None:
        is_name = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not is_name or len(names) != model.n_features_in_:
            raise Refused("its feature names are not strings, one for each value of an image")
        model.feature_names_in_ = np.array(names, dtype=object)
    return model


def _whitening(arrays, eps):
    """The fitted whitening of a file, or None."""
    if eps is None:
        return None
    found = {name: part(arrays, f"whitening/{name}") for name in _WHITENING}
    components = check_matrix(found["components"], "components")
    mean = check_matrix(found["mean"].reshape(1, -1), "mean", n_columns=components.shape[1])[0]
    scale = check_matrix(found["scale"].reshape(1, -1), "scale", n_columns=len(components))[0]
    if not (scale > 0).all():
        raise Refused("its whitening has scales that are not positive")
    eps = check_number(eps, "eps", low=0)
    with np.errstate(over="ignore", invalid="ignore"):
        whitening = ZCAWhitening._of(mean, components, scale, eps=eps)
    if not max(np.abs(mean).max(), np.abs(whitening.whitening_).max()) <= _LARGEST:
        raise Refused("its whitening has values that are too large")
    return whitening


def _rebuilt(settings, cls):
    if unknown := set(settings) - set(cls._get_param_names()):
        raise Refused(f"it has the settings {listed(unknown)}, which {cls.__name__} does not have")
    rebuilt = {name: rebuild(value, name) for name, value in settings.items()}
    encoder = rebuilt.get("encoder")
    if not (encoder is None or isinstance(encoder, Encoder)):
        raise Refused(f"its encoder is {str(encoder)[:80]}")
    return rebuilt


def _with_params(encoder, params):
    if not isinstance(encoder, TrainableEncoder):
        raise Refused("it has parameters of a network, but its encoder is none")
    return encoder.bind(params)
