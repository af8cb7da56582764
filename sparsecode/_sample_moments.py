"""Moments of samples, and samples that are normalised by their own moments."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_number

# Value of an option that normalises samples, as other libraries call it.
LAYER_NORM = "layer_norm"
# It is added to deviations, so that the quotient of a constant sample is 0.
EPSILON = 1e-5


def sample_moments(X):
    """Return mean and standard deviation of each sample over its features, in float64.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        With at least 2 features.

    Returns
    -------
    moments : ndarray of shape (n_samples, 2)
        Means, and deviations of ``n_features - 1`` degrees of freedom.

    Raises
    ------
    ValueError
        If the squares of a sample overflow.
    """
    return _moments(X)[0]


def layer_normed(X):
    """Return samples less their means, divided by their deviations plus 1e-5, in the dtype of `X`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        With at least 2 features.
    """
    moments, centred = _moments(X)
    centred /= moments[:, 1:] + EPSILON
    return centred.astype(X.dtype, copy=False)


def in_training_units(X, input_scale):
    """Return samples times a factor, or normalised where `input_scale` is "layer_norm"."""
    if is_layer_norm(input_scale):
        return layer_normed(X)
    return X if input_scale == 1 else X * X.dtype.type(input_scale)


def is_layer_norm(input_scale):
    """Return whether a scale of samples normalises each by its own moments."""
    return isinstance(input_scale, str) and input_scale == LAYER_NORM


def check_input_scale(input_scale, n_features):
    """Return a factor of samples that is positive, or "layer_norm"."""
    if not isinstance(input_scale, str):
        return check_number(input_scale, "input_scale", low=0, low_open=True)
    if input_scale != LAYER_NORM:
        raise ValueError(
            wrong(
                "input_scale",
                got=shown(input_scale),
                expected="a positive number or 'layer_norm'",
                remedy="Use 1 for samples as they are.",
            )
        )
    check_normalizable(n_features)
    return input_scale


def refuse_layer_norm(model, what, remedy="Normalise the samples before the model, in a pipeline."):
    """Raise ValueError if an estimator normalises each sample, which `what` does not know of."""
    scale = getattr(model, "input_scale_", getattr(model, "scale_inputs", None))
    if is_layer_norm(scale):
        raise ValueError(
            f"{what} needs codes in the units of the samples, but scale_inputs of the model is "
            "'layer_norm', which normalises each sample by its own mean and deviation; expected "
            f"another. {remedy}"
        )


def check_normalizable(n_features):
    """Raise ValueError if samples have too few features for a deviation."""
    if n_features < 2:
        raise ValueError(
            f"X has {n_features} feature; expected at least 2 for 'layer_norm', which divides each "
            "sample by its standard deviation over features. Choose another scaling."
        )


def _moments(X):
    """Moments of samples, and the samples less their means."""
    # What is NaN or infinite stays so, for those who check values.
    with np.errstate(over="ignore", invalid="ignore"):
        # Sums of float32 are exact in float64, so that constant samples have a deviation of 0.
        means = X.mean(axis=1, dtype=np.float64, keepdims=True)
        centred = X - means
        squares = np.einsum("ij,ij->i", centred, centred)
    if np.isinf(squares).any() and np.isfinite(X).all():
        raise ValueError(
            "X has a sample whose squared deviations from its mean overflow; expected smaller "
            "values for 'layer_norm'. Scale X first."
        )
    deviations = np.sqrt(squares / (X.shape[1] - 1))
    return np.column_stack([means[:, 0], deviations]), centred
