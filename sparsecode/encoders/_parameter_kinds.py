"""Kinds of parameters: how each changes with the units of samples, atoms and codes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

# Rows of a weight matrix that are held in float64 at a time.
_BLOCK = 4096


class Kind(NamedTuple):
    """The units of a parameter, and its part in the pre-activations.

    An encoder declares one for each of its parameters, in `parameter_kinds`.

    Attributes
    ----------
    samples : float
        Power of a factor of the samples that the parameter is multiplied by, where the codes are
        multiplied by this factor too.
    atoms : float or None
        Power of a factor of the atoms, where the codes are divided by this factor. None if that is
        not known.
    codes : float
        Power of a factor of the codes alone, where samples stay as they are. It may be a number for
        each unit.
    is_log : bool
        Whether the parameter is the logarithm of such a number.
    is_bias : bool
        Whether the parameter is added to the products of samples and weights.
    gain : str or None
        Parameter whose exponential the products are multiplied by before a bias is added.
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
    """Parameters for samples, atoms and codes times a number each.

    Parameters
    ----------
    params : dict of str to ndarray
    kinds : dict of str to Kind
    samples, atoms : float
    codes : float or ndarray of shape (n_components,)
        A number for each unit multiplies only the parameters that have an entry or a row for each.

    Returns
    -------
    params : dict of str to ndarray
        Parameters that do not change are the same arrays.

    Raises
    ------
    TypeError
        If a parameter has no kind.
    """
    missing = [name for name in params if name not in kinds]
    if missing:
        raise TypeError(
            f"parameter_kinds of the encoder are those of {sorted(kinds)}; expected also one of "
            f"{missing[0]!r}, whose units are not known. Declare it."
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
    """Parameters that give the same codes where the products are less by a number for each unit.

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
    """A parameter times a number, or times a number for each row, in its own dtype."""
    if np.ndim(factor) and np.ndim(array) > 1:
        # Without a copy of the weights in float64.
        factor = factor.reshape(-1, *(1,) * (np.ndim(array) - 1))
        return array * factor.astype(array.dtype)
    return cast(array * np.float64(factor), array)


def in_float64(matrix, function):
    """``function(matrix)`` by rows, in float64 but without a copy of the whole matrix."""
    starts = range(0, len(matrix), _BLOCK)
    return np.concatenate([function(matrix[i : i + _BLOCK].astype(np.float64)) for i in starts])


def cast(values, like):
    """Values in the dtype of a parameter."""
    return np.asarray(values, dtype=np.asarray(like).dtype)
