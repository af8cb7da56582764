"""Loss of a model whose activations are replaced by their reconstructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_matrix
from sparsecode.dictionary import Dictionary, as_dictionary


class LossRecovered(NamedTuple):
    """Losses of a model with original, reconstructed and ablated activations.

    Attributes
    ----------
    clean : float
        Loss with the original activations.
    reconstructed : float
        Loss with the reconstructions in place of the activations.
    ablated : float
        Loss with all of them replaced by the same constant.
    recovered : float
        ``(ablated - reconstructed) / (ablated - clean)``.

    Examples
    --------
    >>> from sparsecode.metrics import LossRecovered
    >>> LossRecovered(2.0, 2.5, 4.0, 0.75).recovered
    0.75
    """

    clean: float
    reconstructed: float
    ablated: float
    recovered: float


def loss_recovered(
    model_loss: Callable[..., Any],
    X: ArrayLike,
    reconstruct: Any,
    *,
    dictionary: Dictionary | ArrayLike | None = None,
    ablation: Literal["zero", "mean"] | ArrayLike = "zero",
) -> LossRecovered:
    """Share of a model's loss that reconstructions of its activations preserve.

    ``(ablated - reconstructed) / (ablated - clean)``: 1 if the model does as well as with its own
    activations, 0 if no better than with a constant, negative if worse. `model_loss` is called
    three times.

    Parameters
    ----------
    model_loss : callable
        ``model_loss(activations)`` runs the model with these activations in place of its own, and
        returns the mean loss, a number. It is given a new array of the shape and type of `X`, rows
        in the same order, which it may change.
    X : array-like of shape (n_samples, n_features)
        Activations of the model.
    reconstruct : estimator, encoder, or array-like of shape (n_samples, n_features)
        A fitted estimator, whose ``inverse_transform(transform(X))`` is used, with its
        ``input_moments(X)`` if it has them; an encoder, whose codes on `dictionary` are decoded; or
        the reconstructions themselves.
    dictionary : Dictionary or array-like of shape (n_components, n_features) or None, default=None
        Dictionary of an encoder; given for an encoder only.
    ablation : {"zero", "mean"} or array-like of shape (n_features,), default="zero"
        Replacement of every sample: 0, the mean of `X`, or a given sample, such as the mean of
        other samples.

    Returns
    -------
    losses : LossRecovered
        Named tuple ``(clean, reconstructed, ablated, recovered)``.

    Raises
    ------
    TypeError
        If `model_loss` cannot be called, `reconstruct` is none of the three, or `dictionary` is
        missing for an encoder, or given without one.
    ValueError
        If shapes do not fit, a loss is not a finite number, or ablation does not change it.

    References
    ----------
    T. Bricken and others, "Towards monosemanticity: decomposing language models with dictionary
    learning", 2023.

    Examples
    --------
    A linear model, whose activations are reconstructed on their first feature:

    >>> import numpy as np
    >>> from sparsecode.metrics import loss_recovered
    >>> X = np.array([[4.0, 0.0], [0.0, 3.0]])
    >>> target = X @ [1.0, 1.0]
    >>> def model_loss(activations):
    ...     return np.mean((activations @ [1.0, 1.0] - target) ** 2)
    >>> loss_recovered(model_loss, X, X * [1.0, 0.0])
    LossRecovered(clean=0.0, reconstructed=4.5, ablated=12.5, recovered=0.64)
    """
    if not callable(model_loss):
        raise TypeError(
            wrong(
                "model_loss",
                got=shown(model_loss),
                expected="a function of activations",
                remedy="Wrap the model in a function that returns its loss.",
            )
        )
    X = check_matrix(X, "X")
    X_hat = check_matrix(_reconstructions(X, reconstruct, dictionary), "reconstruct")
    if X_hat.shape != X.shape:
        raise ValueError(
            f"reconstruct has shape {X_hat.shape}; expected {X.shape}, that of X. Reconstruct the "
            "same samples."
        )
    constant = _constant(X, ablation)
    clean = _loss(model_loss, X.copy(), "X as it is")
    reconstructed = _loss(model_loss, X_hat.astype(X.dtype), "reconstructions")
    ablated = _loss(model_loss, np.tile(constant.astype(X.dtype), (len(X), 1)), "ablated samples")
    if ablated == clean:
        raise ValueError(
            f"ablation changes nothing: the loss is {clean} with it and without; expected losses "
            "that differ. Check that model_loss uses its argument and that the samples of X "
            "differ, or choose another ablation."
        )
    recovered = (ablated - reconstructed) / (ablated - clean)
    return LossRecovered(clean, reconstructed, ablated, recovered)


def _reconstructions(X, reconstruct, dictionary):
    if isinstance(reconstruct, type):
        raise _not_a_reconstruction(reconstruct, "Create an instance and fit it.")
    is_encoder = hasattr(reconstruct, "encode")
    if is_encoder != (dictionary is not None):
        raise TypeError(
            wrong(
                "dictionary",
                got="None" if is_encoder else "given",
                expected="the dictionary of the encoder" if is_encoder else "None without encoder",
                remedy="Give an encoder as reconstruct with its dictionary, or an estimator alone.",
            )
        )
    if is_encoder:
        dictionary = as_dictionary(dictionary)
        return dictionary.decode(reconstruct.encode(X, dictionary))
    if hasattr(reconstruct, "inverse_transform"):
        known = [reconstruct.input_moments(X)] if hasattr(reconstruct, "input_moments") else []
        return np.asarray(reconstruct.inverse_transform(reconstruct.transform(X), *known))
    if callable(reconstruct) or hasattr(reconstruct, "fit"):
        raise _not_a_reconstruction(reconstruct, "Give the reconstructions themselves.")
    return reconstruct


def _not_a_reconstruction(got, remedy):
    expected = "a fitted estimator with inverse_transform, an encoder, or an array"
    return TypeError(wrong("reconstruct", got=shown(got), expected=expected, remedy=remedy))


def _constant(X, ablation):
    if not isinstance(ablation, str):
        return check_matrix(np.reshape(ablation, (1, -1)), "ablation", n_columns=X.shape[1])[0]
    if ablation == "zero":
        return np.zeros(X.shape[1])
    if ablation == "mean":
        return X.mean(axis=0, dtype=np.float64)
    raise ValueError(
        wrong(
            "ablation",
            got=shown(ablation),
            expected="'zero', 'mean' or an array",
            remedy="Choose one.",
        )
    )


def _loss(model_loss, activations, what):
    value = model_loss(activations)
    if np.ndim(value) > 0:
        raise _not_a_loss(what, f"an array of shape {np.shape(value)}")
    try:
        loss = float(value)
    except (TypeError, ValueError):
        raise _not_a_loss(what, shown(value)) from None
    if not np.isfinite(loss):
        raise _not_a_loss(what, shown(value))
    return loss


def _not_a_loss(what, got):
    remedy = "Return the mean over samples."
    return ValueError(
        wrong(f"model_loss of {what}", got=got, expected="a finite number", remedy=remedy)
    )
