"""Checkpoints of fitted autoencoders for other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode._sample_moments import LAYER_NORM
from sparsecode.interop import Checkpoint
from sparsecode.interop._checkpoint import ARCHITECTURES


def to_checkpoint(self: Any) -> Checkpoint:
    """Convert the model to a checkpoint, which `sparsecode.interop` writes for other libraries.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    ValueError
        If other libraries have no such encoder, if coefficients are refitted by least squares, or
        if the decoder has an output activation.
    """
    check_is_fitted(self)
    model = self._model
    model.check_linear("a checkpoint of other libraries")
    name = type(model.encoder).__name__
    if name not in ARCHITECTURES:
        raise ValueError(
            f"the encoder is {name}; expected one that other libraries have: "
            f"{', '.join(ARCHITECTURES)}. Use save() to keep the model."
        )
    if model.debias:
        raise ValueError(
            "the model fits its coefficients by least squares, which files of other libraries "
            "cannot describe; expected a model without this step. Refine it with method='decoder' "
            "or 'scale' instead."
        )
    pursuit = name == "MatchingPursuit"
    arrays = {} if pursuit else dict(model.encoder.untie(model.dictionary).params)
    if "log_threshold" in arrays:
        arrays["threshold"] = np.exp(arrays.pop("log_threshold"))
    if np.ndim(arrays.get("threshold", ())) == 0 and np.isnan(arrays.get("threshold", 0.0)):
        del arrays["threshold"]
    if hasattr(model.encoder, "k"):
        arrays["k"] = model.encoder.at_step(None).k
    dictionary = model.dictionary
    if pursuit:
        arrays |= _pursuit(model.encoder, dictionary)
    arrays["input_norm"] = LAYER_NORM if model.normalizes else "none"
    return Checkpoint(name, atoms=dictionary.atoms, offset=dictionary.offset, **arrays)


def _pursuit(encoder, dictionary):
    """Return the settings of a matching pursuit checkpoint, besides its steps."""
    if not encoder.positive:
        raise ValueError(
            "the encoder is MatchingPursuit(positive=False); expected positive=True, as files of "
            "other libraries cannot describe negative codes. Use save() to keep the model."
        )
    settings = {name: getattr(encoder, name) for name in ("min_residual", "repeats")}
    return {"W": dictionary.atoms, **settings}
