"""Zeros around signals, for atoms that stick out of them."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._values import check_option

BOUNDARIES = ("valid", "zero")


def padded(signals, support, boundary):
    """Signals with zeros around them where atoms may stick out."""
    if check_option(boundary, "boundary", BOUNDARIES) == "valid":
        return signals
    around = [(0, 0), *((n - 1, n - 1) for n in (*support, 1)[:2])]
    observed = [
        None if mask is None else np.pad(mask, around, constant_values=True)
        for mask in signals.observed
    ]
    return signals._replace(
        arrays=[np.pad(array, around) for array in signals.arrays], observed=observed
    )


def cropped(array, support, boundary):
    """A reconstruction (n_channels, height, width) without what sticks out."""
    if boundary == "valid":
        return array
    height, width = (*support, 1)[:2]
    rows, columns = array.shape[1] - height + 1, array.shape[2] - width + 1
    if rows < height or columns < width:
        raise ValueError(
            wrong(
                "number of positions of codes",
                got=shown((rows, columns)),
                expected=f"at least {shown((height, width))}, which any signal has",
                remedy="Give codes that transform made with boundary='zero'.",
            )
        )
    return array[:, height - 1 : rows, width - 1 : columns]
