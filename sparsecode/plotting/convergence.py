"""Plots of learning curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import median_filter

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer
from sparsecode._values import as_floats, check_instance
from sparsecode.plotting._style import (
    GRID,
    axes_or_new,
    entitle,
    plain_log_ticks,
    quiet,
    whole_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "objective": "objective",
    "seconds": "time (s)",
    "l0": "non-zero codes per sample",
    "explained_variance": "explained variance",
}


def plot_convergence(
    history: Any,
    *,
    quantity: str = "objective",
    against: str = "iteration",
    window: int | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot a learning curve: one recorded quantity, raw and as a running median.

    Parameters
    ----------
    history : dict of 1-D arrays, or an estimator with such a `history_`
        One entry an iteration, such as ``{"objective": [...], "seconds": [...], "l0": [...]}``.
    quantity : str, default="objective"
        Key of the curve to draw. A positive curve that spans more than a factor of ten gets a
        logarithmic axis.
    against : str, default="iteration"
        "iteration", or the key of the horizontal axis, such as "seconds".
    window : int, optional
        Iterations in the running median; 1 draws the raw curve alone. By default a 25th of the run.
    label : str, optional
        Name of the curve, for ``ax.legend()``.
    ax : matplotlib Axes, optional
        By default the axes of a new figure. A second call on the same axes adds a curve.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If a key is missing, a curve is not 1-D or empty, or the two have different lengths.

    Examples
    --------
    >>> from sparsecode.plotting import plot_convergence
    >>> ax = plot_convergence({"objective": [3.0, 2.0, 1.5], "seconds": [0.1, 0.2, 0.3]},
    ...                       against="seconds")
    """
    history = getattr(history, "history_", history)
    history = check_instance(
        history, "history", Mapping, "a dict of curves, or a fitted estimator", "Record one first."
    )
    values = _curve(history, quantity, "quantity")
    is_name = isinstance(against, str)
    if is_name and against == "iteration" and against not in history:
        positions = np.arange(1, len(values) + 1)
    else:
        positions = _curve(history, against, "against")
    if positions.shape != values.shape:
        raise ValueError(
            f"history has {len(positions)} entries of {against!r} but {len(values)} of "
            f"{quantity!r}; expected the same number. Record both in every iteration."
        )
    window = len(values) // 25 if window is None else check_integer(window, "window")
    ax = axes_or_new(ax, (6.4, 4.0))

    if window > 2:
        (raw,) = ax.plot(positions, values, linewidth=0.7, alpha=0.3)
        smooth = median_filter(values, size=window, mode="reflect")
        ax.plot(positions, smooth, color=raw.get_color(), linewidth=2, label=label)
    else:
        ax.plot(positions, values, linewidth=1.5, label=label)
    span = values.max() / values.min() if values.min() > 0 else 1
    if span > 10:
        ax.set_yscale("log")
        plain_log_ticks(ax.yaxis, span)
    name = LABELS.get(quantity, quantity.replace("_", " "))
    x_name = LABELS.get(against, against.replace("_", " "))
    ax.set_xlabel(x_name)
    ax.set_ylabel(name)
    if _are_whole(positions):
        whole_ticks(ax.xaxis)
    if _are_whole(values) and span <= 10:
        whole_ticks(ax.yaxis)
    entitle(ax, f"{name} against {x_name.partition(' (')[0]}")
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.margins(x=0.01)
    quiet(ax)
    return ax


def _are_whole(values):
    return bool(np.all(values == np.rint(values)))


def _curve(history, key, name):
    if not isinstance(key, str) or key not in history:
        raise ValueError(
            wrong(
                name,
                got=f"{shown(key)}, which history does not have",
                expected=f"one of {sorted(history)}",
                remedy="Choose a quantity that was recorded.",
            )
        )
    values = as_floats(history[key], f"history[{key!r}]")
    if values.ndim != 1 or not len(values):
        raise ValueError(
            wrong(
                f"history[{key!r}]",
                got=f"an array of shape {values.shape}",
                expected="one number for each iteration",
                remedy="Learn for at least one iteration first.",
            )
        )
    return values
