"""Checks of a trainable encoder: its hooks, options, parameters and gradients."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_flag

# The hooks of a plain encoder, each with the one that calls it.
_PAIRS = (("_forward", "_run_forward"), ("_backward", "_run_backward"))


def check_hooks(cls, base):
    """Raise TypeError if a class defines a hook that is never called, or lacks one.

    Parameters
    ----------
    cls : type
        A subclass of `base`.
    base : type
        `EncoderHooks`, whose general hooks call the simple ones.
    """
    for plain, full in _PAIRS:
        if plain in vars(cls) and _owner(cls, full) is not base:
            raise TypeError(
                f"{cls.__name__} defines {plain}, which is never called: "
                f"{_owner(cls, full).__name__} defines {full}, which takes all options. Define "
                f"{full} instead, or derive from TrainableEncoder."
            )
    offers = cls.sparse_codes or cls.signal_names or cls.depends_on_batch
    own_forward = _owner(cls, "forward").__name__ != "TrainableEncoder"
    if offers and _owner(cls, "_run_forward") is base and not own_forward:
        raise TypeError(
            f"{cls.__name__} declares sparse_codes, signal_names or depends_on_batch; expected a "
            "forward pass that takes these options. Define _run_forward, or leave them out."
        )


def _owner(cls, name):
    """Return the class that defines an attribute."""
    return next(parent for parent in cls.__mro__ if name in vars(parent))


def check_options(encoder, training, sparse, signals):
    """Return the options of `forward`, if the encoder offers them.

    Raises
    ------
    ValueError
        If the encoder has no sparse codes in training, or no such signal.
    """
    training, sparse = check_flag(training, "training"), check_flag(sparse, "sparse")
    if sparse and not encoder.sparse_codes:
        raise ValueError(
            f"sparse is True but the gradients of {encoder._name} also depend on codes that are "
            "zero; expected False. Use encode(sparse_output=True) for a CSR array."
        )
    signals = (signals,) if isinstance(signals, str) else tuple(signals)
    _check_signals(encoder, signals)
    return training, sparse, signals


def _check_signals(encoder, names):
    offered = encoder.signal_names
    unknown = [name for name in names if name not in offered]
    if unknown:
        raise ValueError(
            wrong(
                f"signal of {encoder._name}",
                got=shown(unknown[0]),
                expected=f"one of {offered}" if offered else "none, as it has no signals",
                remedy="Use a loss for this encoder, or an encoder that computes this signal.",
            )
        )


def check_gradients(encoder, dcodes, codes, dsignals):
    """Return the checked gradients for `backward`; those in the codes get the dtype of codes.

    Raises
    ------
    ValueError
        If the shape or the kind of array is not that of the codes, or there is no such signal.
    """
    dsignals = dsignals or {}
    _check_signals(encoder, dsignals)
    is_sparse = sparse.issparse(codes)
    if not sparse.issparse(dcodes):
        dcodes = np.asarray(dcodes, dtype=codes.dtype)
    if dcodes.shape != codes.shape or sparse.issparse(dcodes) != is_sparse:
        raise ValueError(
            wrong(
                "dcodes",
                got=f"{_described(dcodes)} of shape {dcodes.shape}",
                expected=f"{_described(codes)} of shape {codes.shape}, as the codes are",
                remedy="Give the gradient of the loss with respect to the codes that forward "
                "returned.",
            )
        )
    return dcodes, dsignals


def _described(array):
    return "a CSR array" if sparse.issparse(array) else "an array"


def check_abilities(encoder, codes, missing):
    """Raise TypeError for options of solvers that networks do not have."""
    if codes is not None:
        raise TypeError(
            f"{encoder._name} got initial codes; expected None, as it is trained with its own "
            "initial codes. Use Exact with a solver to improve given codes."
        )
    if check_flag(missing, "missing"):
        raise TypeError(
            f"{encoder._name} got missing=True; expected False, as its weights are for samples "
            "with all features. Use Exact for samples with missing entries."
        )


def check_params(encoder, params, dictionary):
    """Return parameters in the dtype of the dictionary, if they fit the encoder.

    Raises
    ------
    ValueError
        If names or shapes do not fit the encoder and this dictionary.
    """
    shapes, dtype = encoder._shapes(dictionary), dictionary.atoms.dtype
    if not isinstance(params, dict) or params.keys() != shapes.keys():
        got = sorted(params) if isinstance(params, dict) else shown(params)
        raise ValueError(
            f"params of {encoder._name} has the entries {got}; expected {sorted(shapes)}. Use "
            "parameters that init made for an encoder of this class and these settings."
        )
    for key, shape in shapes.items():
        if np.shape(params[key]) != shape:
            raise ValueError(
                f"params[{key!r}] of {encoder._name} has shape {np.shape(params[key])}; "
                f"expected {shape} for a dictionary of {dictionary.n_components} atoms of "
                f"{dictionary.n_features} features. Use the dictionary and the settings that "
                "the parameters were made for."
            )
    return {key: np.asarray(params[key], dtype=dtype) for key in shapes}
