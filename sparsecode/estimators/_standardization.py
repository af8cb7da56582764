"""Folding of a standardisation of samples into the weights of a fitted autoencoder.

A method of `SparseAutoencoder`.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sparsecode._sample_moments import refuse_layer_norm
from sparsecode._typing import Model
from sparsecode._validation import check_matrix, check_number
from sparsecode.encoders._foldable_encoder import FoldableEncoder
from sparsecode.estimators._input_scaling import InputScaling, rescale_penalty, scales


def fold(
    self: Model, mean: ArrayLike | None = None, scale: float | ArrayLike | None = None
) -> Model:
    """Fold a standardisation of samples into the weights; return a new autoencoder.

    If this model was fitted to ``(X - mean) / scale``, for example after a `StandardScaler`, the
    new model takes `X` itself. The result is exact up to rounding. Use the new model for coding
    only, and this one for further training: `alpha`, or a weight that was found, stays in the units
    of the standardised samples.

    Parameters
    ----------
    mean : array-like of shape (n_features,) or None, default=None
        Subtracted mean; None is 0.
    scale : float, array-like of shape (n_features,) or None, default=None
        Positive divisor; None is 1. With a single number, a homogeneous encoder and an L1 or L0
        penalty, codes are multiplied by `scale` and atoms keep their norms. The weight of the
        penalty is changed so that `score` is multiplied by the square of `scale`. In all other
        cases codes stay the same, and atoms are multiplied by `scale` and lose their constraint. A
        tied encoder then gets separate weights, and `score` is the objective in the units of `X`.

    Returns
    -------
    model : SparseAutoencoder
        New model; this one does not change.

    Raises
    ------
    TypeError
        If the encoder is not of the form ``activation((x - offset) @ W.T + b)``.
    ValueError
        If the model normalises each sample, or its decoder has an activation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sparsecode import SparseAutoencoder
    >>> X = np.random.default_rng(0).standard_normal((200, 5)) * [1, 2, 3, 4, 5] + 10
    >>> scaler = StandardScaler().fit(X)
    >>> model = SparseAutoencoder(8, alpha=0.1, random_state=0).fit(scaler.transform(X))
    >>> folded = model.fold(scaler.mean_, scaler.scale_)
    >>> bool(np.allclose(folded.transform(X), model.transform(scaler.transform(X))))
    True
    """
    check_is_fitted(self)
    self._model.check_linear("fold")
    refuse_layer_norm(self, "fold", "Keep the pre-processing in a pipeline.")
    check_foldable(self.encoder_, "fold", None)
    mean, scale = _check_standardization(mean, scale, self.dictionary_.n_features)
    if np.ndim(scale) > 0 and self.debiases_:
        raise ValueError(
            "scale has one number for each feature, but the model fits its coefficients by least "
            "squares, which gives other results for scaled features; expected one number. Keep "
            "the pre-processing in a pipeline, or call fold before refine."
        )
    folded = copy.copy(self)
    folded._replace_model(_folded(self._model, mean, scale))
    return folded


def check_foldable(encoder, what, other):
    """Raise TypeError unless the weights of an encoder can take up a map of the samples."""
    if not isinstance(encoder, FoldableEncoder):
        raise TypeError(
            (
                f"{what} is for encoders of the form activation((x - offset) @ W.T + b); "
                f"{type(encoder).__name__} has another form. "
            )
            + (f"Use {other}." if other else "Keep the pre-processing in a pipeline.")
        )


def _check_standardization(mean, scale, n_features):
    """Return mean and scale, each a number or one number for each feature."""
    if mean is not None:
        mean = check_matrix(np.reshape(mean, (1, -1)), "mean", n_columns=n_features)[0]
    scale = 1.0 if scale is None else scale
    if np.ndim(scale) == 0:
        return mean, float(check_number(scale, "scale", low=0, low_open=True))
    scale = check_matrix(np.reshape(scale, (1, -1)), "scale", n_columns=n_features)[0]
    if not (scale > 0).all():
        raise ValueError(
            f"scale has {np.count_nonzero(scale <= 0)} entries that are not positive; expected "
            "only positive numbers. Use 1 for features that do not vary, as StandardScaler does."
        )
    return mean, scale


def _folded(model, mean, scale):
    """Return the model for samples before ``x -> (x - mean) / scale``."""
    whole = np.ndim(scale) == 0 and scales(model.encoder, model.penalty)
    encoder, dictionary = model.encoder.fold_inputs(
        model.dictionary, mean, scale, scale_codes=whole
    )
    model = replace(model.resumed(), encoder=encoder, dictionary=dictionary)
    if not whole:
        return replace(model, scaling=InputScaling())
    return replace(
        model,
        scaling=InputScaling(model.scaling.samples / scale),
        penalty=rescale_penalty(model.penalty, scale),
    )
