"""Kinds of parameters: their scaling with samples, atoms and codes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

# Rows of a weight matrix that are held in float64 at a time.
_BLOCK = 4096


class Kind(NamedTuple):
    """Kind of a parameter: its scaling, and its part in the pre-activations.

    An encoder declares one for each of its parameters, in `parameter_kinds`.

    Attributes
    ----------
    samples : float
        Exponent of a factor of the samples by which the parameter is multiplied, if codes are
        multiplied by this factor too.
    atoms : float or None
        Exponent of a factor of the atoms, if codes are divided by this factor. None if not known.
    codes : float
        Exponent of a factor of the codes alone, for the same samples. The factor may be a number
        for each unit.
    is_log : bool
        Whether the parameter is the logarithm of a number that scales like this.
    is_bias : bool
        Whether the parameter is added to the products of samples and weights.
    gain : str or None
        Name of a parameter. The products are multiplied by its exponential before this bias is
        added.
    """

    samples: float = 0
    atoms: float | None = None
    codes: float = 0
    is_log: bool = False
    is_bias: bool = False
    gain: str | None = None


# The kinds of parameters of encoders with one affine map.
WEIGHTS = Kind(codes=1)
BIAS = Kind(samples=1, codes=1, is_bias=True)
THRESHOLD = Kind(samples=1, codes=1)
LOG_THRESHOLD = Kind(samples=1, codes=1, is_log=True)
PURE_NUMBER = Kind()


def rescaled(params, kinds, *, samples=1.0, atoms=1.0, codes=1.0):
    """Return parameters for samples, atoms and codes multiplied by one number each.

    Parameters
    ----------
    params : dict of str to ndarray
    kinds : dict of str to Kind
    samples, atoms : float
    codes : float or ndarray of shape (n_components,)
        Numbers for each unit only multiply parameters with an entry or a row for each unit.

    Returns
    -------
    params : dict of str to ndarray
        Parameters; those that do not change are the same arrays.

    Raises
    ------
    TypeError
        If a parameter has no kind.
    """
    missing = [name for name in params if name not in kinds]
    if missing:
        raise TypeError(
            f"parameter_kinds of the encoder has the parameters {sorted(kinds)}; expected also "
            f"{missing[0]!r}, whose kind is not known. Declare its kind."
        )
    factors = {"samples": samples, "atoms": atoms, "codes": codes}
    factors = {unit: factor for unit, factor in factors.items() if np.any(factor != 1)}
    changed = dict(params)
    for name, array in params.items():
        kind = kinds[name]
        used = [
            (factor, getattr(kind, unit))
            for unit, factor in factors.items()
            if getattr(kind, unit) and np.ndim(factor) <= np.ndim(array)
        ]
        if used and kind.is_log:
            change = sum(power * np.log(factor) for factor, power in used)
            changed[name] = cast(array + change, array)
        elif used:
            changed[name] = multiplied(array, math.prod(np.float64(f) ** p for f, p in used))
    return changed


def with_products_plus(params, kinds, shift):
    """Return parameters with the same codes if `shift` is subtracted from the products.

    Parameters
    ----------
    params : dict of str to ndarray
    kinds : dict of str to Kind
    shift : ndarray of shape (n_components,)
        Added to every bias.

    Returns
    -------
    params : dict of str to ndarray
    """
    changed = dict(params)
    for name, kind in kinds.items():
        if kind.is_bias and name in params:
            part = shift
            if kind.gain is not None:
                part = np.exp(params[kind.gain].astype(np.float64)) * shift
            changed[name] = cast(params[name] + part, params[name])
    return changed


def multiplied(array, factor):
    """Return a parameter times a number, or a number for each row, in its dtype."""
    if np.ndim(factor) and np.ndim(array) > 1:
        # Without a copy of the weights in float64.
        factor = factor.reshape(-1, *(1,) * (np.ndim(array) - 1))
        return array * factor.astype(array.dtype)
    return cast(array * np.float64(factor), array)


def in_float64(matrix, function):
    """Return ``function(matrix)`` by rows, in float64, without a copy of the whole matrix."""
    starts = range(0, len(matrix), _BLOCK)
    return np.concatenate([function(matrix[i : i + _BLOCK].astype(np.float64)) for i in starts])


def cast(values, like):
    """Values in the dtype of a parameter."""
    return np.asarray(values, dtype=np.asarray(like).dtype)
