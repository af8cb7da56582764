"""Common style of the plots."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from sparsecode._values import check_instance

INK = "#3b3b3b"
GRID = "#d9d9d9"


def quiet(ax):
    """Make frame and ticks thin and grey, so that the data stand out."""
    for name, spine in ax.spines.items():
        spine.set_visible(name not in ("top", "right"))
        spine.set(color=GRID, linewidth=0.8)
    ax.tick_params(colors=INK, labelsize=9, length=3, width=0.6, color=GRID)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=INK, fontsize=10)


def entitle(ax, title):
    """Give axes a title, unless they have one."""
    if not ax.get_title():
        ax.set_title(title, color=INK, fontsize=10)


def whole_ticks(axis):
    """Put the ticks of an axis of counts on whole numbers."""
    axis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def plain_log_ticks(axis, span):
    """Write the ticks of a logarithmic axis that spans this factor as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if span < 1000 else (1,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def axes_or_new(ax, figsize):
    """Return `ax` if it is matplotlib axes, or the axes of a new figure if it is None."""
    if ax is None:
        return plt.subplots(figsize=figsize, layout="constrained")[1]
    return check_instance(
        ax, "ax", Axes, "matplotlib axes, or None", "Create axes with plt.subplots()."
    )


def note_dead(ax, n_dead):
    """Write the number of atoms that are never used into the upper right corner."""
    ax.annotate(
        f"{n_dead} never used",
        (1, 1),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color=INK,
        fontsize=9,
    )
