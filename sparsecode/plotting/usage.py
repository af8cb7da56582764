"""Plots of the usage of atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparsecode._typing import MatrixLike
from sparsecode.metrics import usage
from sparsecode.plotting._style import (
    GRID,
    INK,
    axes_or_new,
    entitle,
    note_dead,
    quiet,
    whole_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_usage(codes: MatrixLike, *, threshold: float = 0.0, ax: Axes | None = None) -> Axes:
    """Plot the share of the samples that use each atom, the most used atom first.

    The line is the mean, the share of every atom if all were used equally. If there are atoms
    that no sample uses, the plot states their number.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        A sample uses an atom where ``|z| > threshold``; see `sparsecode.metrics.usage`.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> from sparsecode.plotting import plot_usage
    >>> ax = plot_usage([[0.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    """
    share = np.sort(usage(codes, threshold=threshold).share)[::-1]
    ax = axes_or_new(ax, (6.4, 3.6))
    edges = np.arange(len(share) + 1) + 0.5
    ax.stairs(share, edges, fill=True, color="C0", alpha=0.85)
    ax.axhline(share.mean(), color=INK, linewidth=0.8, linestyle="--")
    place = {"xytext": (-4, 3), "textcoords": "offset points", "ha": "right"}
    ax.annotate("mean", (edges[-1], share.mean()), color=INK, fontsize=9, **place)
    n_dead = np.count_nonzero(share == 0)
    if n_dead:
        note_dead(ax, n_dead)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("atom, the most used first")
    ax.set_ylabel("share of samples that use it")
    whole_ticks(ax.xaxis)
    entitle(ax, f"how often {len(share)} atoms are used")
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    quiet(ax)
    return ax
