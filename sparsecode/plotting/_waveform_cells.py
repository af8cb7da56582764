"""Cells of waveforms: their sizes, the bars of channels, and the bar of time."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.plotting._style import GRID, INK

# Shares of a cell: from one cell to the next, and what a line may take of its height.
WIDTH, HEIGHT = 0.88, 0.8
# Where the pattern of the channels begins in a cell, and its width.
BARS = 0.66, 0.22


def colors(n_lines):
    if n_lines <= 10:
        return [f"C{index}" for index in range(n_lines)]
    return list(plt.get_cmap("viridis")(np.linspace(0.05, 0.9, n_lines)))


def draw_bars(ax, channels, row, column):
    """The pattern of channels of an atom as bars, the first channel at the top."""
    begin, width = BARS
    middle = column + begin + width / 2
    places = (HEIGHT / 2) * np.linspace(1, -1, 2 * len(channels) + 1)[1::2] - row
    sizes = channels / max(np.abs(channels).max(), np.finfo(float).tiny) * width / 2
    ax.barh(places, sizes, HEIGHT / len(channels) * 0.8, left=middle, color=INK)
    ax.plot([middle, middle], [HEIGHT / 2 - row, -HEIGHT / 2 - row], color=GRID, linewidth=0.8)


def draw_time(ax, n_rows, n_times, width, sampling_rate):
    """A bar as long as an atom below the first of the last row."""
    y = -(n_rows - 1) - HEIGHT / 2 - 0.08
    ax.plot([0, width], [y, y], color=INK, linewidth=1)
    text = f"{n_times} samples" if sampling_rate is None else f"{n_times / sampling_rate:.3g} s"
    ax.text(width / 2, y - 0.02, text, ha="center", va="top", color=INK, fontsize=8)
