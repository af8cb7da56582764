"""Noise levels of the channels of a signal: given or estimated, and in its units."""

from __future__ import annotations

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._plain import plain
from sparsecode._validation import check_number
from sparsecode.applications._signal import LARGEST_SCALE
from sparsecode.applications.noise import sigmas_of


def check_sigma(sigma, signal):
    """Noise level of each channel of a `Signal`, given or estimated, in its units.

    Raises
    ------
    ValueError
        If a level is not above 0, cannot be estimated, or cannot be in the units of the signal.
    """
    if sigma is None:
        return _estimated(signal)
    if np.ndim(sigma) == 0:
        number = check_number(plain(sigma), "sigma", low=0, low_open=True, high=LARGEST_SCALE)
        sigmas = np.full(signal.n_channels, number)
    elif np.shape(sigma) != (signal.n_channels,):
        raise ValueError(
            wrong(
                "sigma",
                got=shown(sigma),
                expected=f"one number, {signal.n_channels} for {signal.n_channels} channel(s), or "
                "None",
                remedy="Use None to estimate it.",
            )
        )
    else:
        options = {"low": 0, "low_open": True, "high": LARGEST_SCALE}
        sigmas = np.array([check_number(level, "sigma", **options) for level in sigma])
    _check_units(sigmas, signal)
    return sigmas


def _estimated(signal):
    sigmas = sigmas_of(signal.array, signal.name)
    if (sigmas == 0).any():
        channels = np.flatnonzero(sigmas == 0).tolist()
        where = "" if signal.n_channels == 1 else f" in channels {shown(channels)}"
        raise ValueError(
            f"sigma is None, but no noise can be estimated from {signal.name}{where}, where the "
            "finest wavelet coefficients are all 0; expected noise. Set sigma, or leave out "
            "channels that are constant."
        )
    return sigmas


def _check_units(sigmas, signal):
    """Refuse levels that are in other units than the signal, by any reading."""
    spans, name = signal.high - signal.low, signal.name
    low, high = signal.low.min(), signal.high.max()
    if signal.array.dtype.kind != "f" and sigmas.min() < 1:
        raise ValueError(
            f"sigma is {sigmas.min():g} but {name} has whole numbers ({signal.array.dtype}) from "
            f"{low:g} to {high:g}; expected sigma >= 1, in the units of {name}. Multiply sigma by "
            f"255 if it is for 8-bit values that are scaled to [0, 1]; convert {name} to floats if "
            "it is as small as that."
        )
    too_large = (sigmas > spans) & (spans > 0)
    if too_large.any():
        channel = int(np.argmax(too_large))
        raise ValueError(
            f"sigma is {sigmas[channel]:g} but {name} has values from {signal.low[channel]:g} to "
            f"{signal.high[channel]:g}; expected less than their range, in the units of {name}. "
            "Divide sigma by 255 if it is in grey levels and the values are scaled to [0, 1]."
        )
