"""Plots of scores over a grid of dictionary sizes and penalty weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import matplotlib.pyplot as plt
import numpy as np

from sparsecode._values import check_instance
from sparsecode.model_selection import SelectionCurve
from sparsecode.plotting._style import (
    GRID,
    INK,
    axes_or_new,
    entitle,
    plain_log_ticks,
    quiet,
    whole_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS = {
    "bits": "code length (bits)",
    "bic": "BIC",
    "objective": "objective",
    "explained_variance": "explained variance",
    "n_components": "number of atoms",
    "alpha": "alpha",
}


def plot_selection(
    curve: SelectionCurve,
    *,
    criterion: Literal["bits", "bic", "objective", "explained_variance"] = "bits",
    ax: Axes | None = None,
) -> Axes:
    """Plot a criterion of model selection over a grid, and mark the best point.

    The horizontal axis is the number of atoms or, if that is always the same, `alpha`. If both
    vary, each `alpha` is a line.

    Parameters
    ----------
    curve : SelectionCurve
        From :func:`~sparsecode.model_selection.selection_curve`.
    criterion : {"bits", "bic", "objective", "explained_variance"}, default="bits"
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If `criterion` is another string.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.model_selection import SelectionCurve
    >>> from sparsecode.plotting import plot_selection
    >>> scores = [np.array(values) for values in ([0.5, 0.9], [1, 2], [3, 2], [80, 70], [9, 8])]
    >>> ax = plot_selection(SelectionCurve(np.array([8, 16]), np.array([0.1, 0.1]), *scores))
    """
    remedy = "Make one with sparsecode.model_selection.selection_curve."
    check_instance(curve, "curve", SelectionCurve, "a SelectionCurve", remedy)
    best, values = curve.index(criterion), getattr(curve, criterion)
    ax = axes_or_new(ax, (6.4, 4.0))
    # NaN where the estimator has no alpha.
    alphas = np.nan_to_num(curve.alpha)
    against = "n_components" if np.ptp(curve.n_components) or not np.ptp(alphas) else "alpha"
    positions = getattr(curve, against)
    lines = alphas if against == "n_components" else np.zeros(len(values))
    shades = plt.get_cmap("viridis")(np.linspace(0.1, 0.85, len(np.unique(lines))))
    for line, shade in zip(np.unique(lines), shades, strict=True):
        points = np.flatnonzero(lines == line)
        points = points[np.argsort(positions[points], kind="stable")]
        ax.plot(
            positions[points],
            values[points],
            color=shade,
            marker="o",
            markersize=4,
            linewidth=1.5,
            label=f"alpha = {line:.3g}",
        )
    ax.plot(
        positions[best], values[best], "o", markersize=11, fillstyle="none", color=INK, zorder=4
    )
    if against == "alpha" and positions.min() > 0:
        ax.set_xscale("log")
        plain_log_ticks(ax.xaxis, positions.max() / positions.min())
    if len(shades) > 1:
        ax.legend(frameon=False, fontsize=9)
    ax.set_xlabel(LABELS[against])
    ax.set_ylabel(LABELS[criterion])
    if against == "n_components":
        whole_ticks(ax.xaxis)
    entitle(ax, f"{LABELS[criterion]}, the best ringed")
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    quiet(ax)
    return ax
