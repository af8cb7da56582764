"""Checks of the arrays of a feature mixture."""

from __future__ import annotations

import numpy as np

from .._messages import shown, wrong
from .._values import check_numbers


def check_rates(rates, name, n):
    """Return rates in (0, 1], one for each of `n` features."""
    rates = check_numbers(rates, name, low=0, low_open=True, shape=(n,))
    if rates.max() > 1:
        raise ValueError(
            wrong(name, got=f"up to {rates.max():g}", expected="rates above 0 and at most 1",
                  remedy="A rate is the share of the samples that have a feature.")
        )  # fmt: skip
    return rates


def check_flags(flags, name, n):
    """Return an array of bool, copied, with one flag for each of `n` features."""
    flags = np.array(flags)
    if flags.dtype != np.bool_ or flags.shape != (n,):
        raise ValueError(
            wrong(name, got=shown(flags), expected=f"an array of bool of shape ({n},)",
                  remedy="Give one flag for each atom.")
        )  # fmt: skip
    return flags
