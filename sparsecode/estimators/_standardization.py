"""Standardisation of samples, folded into the weights of a fitted autoencoder.

A method of `SparseAutoencoder`.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode._validation import check_matrix, check_number
from sparsecode.encoders._folding import FoldableEncoder
from sparsecode.estimators._input_scaling import InputScaling, rescale_penalty, scales


def fold(self, mean=None, scale=None):
    """Return the autoencoder for samples before a standardisation, fitted after it.

    If this one was fitted to ``(X - mean) / scale``, such as by a `StandardScaler`, the new one
    takes `X` itself: the pre-processing goes into the weights. It is exact up to rounding. The
    new one is for use: `alpha`, or a weight that was found, stays in units of the standardised
    samples, so go on training this one.

    Parameters
    ----------
    mean : array-like of shape (n_features,) or None, default=None
        None is 0.
    scale : float, array-like of shape (n_features,) or None, default=None
        Positive; None is 1. With one number atoms keep their norms, and codes become as many
        times larger (if the encoder is homogeneous, and the penalty L1 or L0, whose weight is
        then changed to fit: `score` is multiplied by the square of `scale`). Otherwise codes
        stay as they are, atoms are multiplied by `scale` under no constraint, a tied encoder
        gets weights of its own, and `score` is the objective in units of `X`.

    Returns
    -------
    model : SparseAutoencoder
        A new one; this one stays as it is.

    Raises
    ------
    TypeError
        If the encoder is not of the form ``activation((x - offset) @ W.T + b)``.

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
    check_foldable(self.encoder_, "fold", None)
    mean, scale = _check_standardization(mean, scale, self.dictionary_.n_features)
    if np.ndim(scale) > 0 and self.debiases_:
        raise ValueError(
            "scale has one number for each feature and the coefficients are fitted by least "
            "squares, which are others for features of other scales; expected one number. Keep "
            "the pre-processing in a pipeline, or fold before refine."
        )
    folded = copy.copy(self)
    folded._replace_model(_folded(self._model, mean, scale))
    return folded


def check_foldable(encoder, what, other):
    """Raise TypeError unless the weights of an encoder can take up a map of the samples."""
    if not isinstance(encoder, FoldableEncoder):
        raise TypeError(
            f"{what} is for encoders of the form activation((x - offset) @ W.T + b); "
            f"{type(encoder).__name__} is not. "
            + (f"Use {other}." if other else "Keep the pre-processing in a pipeline.")
        )


def _check_standardization(mean, scale, n_features):
    """Mean and scale, each a number or one for each feature."""
    if mean is not None:
        mean = check_matrix(np.reshape(mean, (1, -1)), "mean", n_columns=n_features)[0]
    scale = 1.0 if scale is None else scale
    if np.ndim(scale) == 0:
        return mean, float(check_number(scale, "scale", low=0, low_open=True))
    scale = check_matrix(np.reshape(scale, (1, -1)), "scale", n_columns=n_features)[0]
    if not (scale > 0).all():
        raise ValueError(
            f"scale has {np.count_nonzero(scale <= 0)} entries that are not positive; "
            "expected none. Use 1 for features that do not vary, as StandardScaler does."
        )
    return mean, scale


def _folded(model, mean, scale):
    """The model for samples before ``x -> (x - mean) / scale``."""
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
