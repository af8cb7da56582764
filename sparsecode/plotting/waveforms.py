"""Plots of waveforms: the atoms of series as lines, one for each channel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sparsecode._validation import check_integer, check_number
from sparsecode._values import check_option
from sparsecode.plotting._series_atoms import (
    are_products,
    factors,
    nearest_products,
    series_atoms,
)
from sparsecode.plotting._style import GRID, axes_or_new, entitle
from sparsecode.plotting._waveform_cells import BARS, HEIGHT, WIDTH, colors, draw_bars, draw_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Width and height of an atom in inches, at least of a figure, and at most.
_CELL, _LEAST, _MOST = (1.7, 1.1), (4.4, 2.2), (10.0, 12.0)


def plot_waveforms(
    dictionary: Any,
    *,
    form: Literal["auto", "channels", "rank1"] = "auto",
    sampling_rate: float | None = None,
    n_columns: int | None = None,
    scale: Literal["atom", "shared"] = "atom",
    ax: Axes | None = None,
) -> Axes:
    """Plot the atoms of series: a cell for each atom, and in it a line for each channel.

    An atom of rank 1 is the product of a pattern over time and a pattern over channels. It is drawn
    as these two: a line, and beside it a bar for each channel, from the first at the top to the
    last. The larger side of the bars points to the right.

    Parameters
    ----------
    dictionary : ConvolutionalDictionary, array-like of shape (n_components, n_channels, n_times), \
            or a fitted estimator with such `components_`
    form : {"auto", "channels", "rank1"}, default="auto"
        "channels" draws all channels, "rank1" the two patterns of the best product. "auto" is
        "rank1" if there are several channels and each atom is such a product.
    sampling_rate : float, optional
        Samples of the series in a second. The bar below the first atom is then labelled in seconds,
        otherwise in samples.
    n_columns : int, optional
        By default the cells are about as many down as across.
    scale : {"atom", "shared"}, default="atom"
        Height of the lines: the largest absolute value of each atom, or of all atoms together.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If the atoms are images, or an option is not one of those above.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalDictionary
    >>> from sparsecode.plotting import plot_waveforms
    >>> dictionary = ConvolutionalDictionary.random(6, 32, n_channels=2, random_state=0)
    >>> ax = plot_waveforms(dictionary, sampling_rate=250)
    """
    atoms = series_atoms(dictionary)
    check_option(form, "form", ("auto", "channels", "rank1"))
    check_option(scale, "scale", ("atom", "shared"))
    if sampling_rate is not None:
        sampling_rate = check_number(sampling_rate, "sampling_rate", low=0, low_open=True)
    n_atoms, n_channels, n_times = atoms.shape
    n_columns = math.ceil(math.sqrt(n_atoms)) if n_columns is None else n_columns
    n_columns = min(check_integer(n_columns, "n_columns"), n_atoms)
    n_rows = math.ceil(n_atoms / n_columns)
    channels, patterns = nearest_products(atoms)
    if form == "auto":
        is_product = n_channels > 1 and are_products(atoms, channels, patterns)
        form = "rank1" if is_product else "channels"
    ax = axes_or_new(ax, _figsize(n_rows, n_columns))
    curves = patterns[:, None] if form == "rank1" else atoms
    width = BARS[0] - 0.06 if form == "rank1" else WIDTH
    heights = factors(curves, scale, HEIGHT)
    shades = colors(curves.shape[1])
    for k, lines in enumerate(curves):
        row, column = divmod(k, n_columns)
        x = column + width * np.linspace(0, 1, n_times)
        ax.plot([x[0], x[-1]], [-row, -row], color=GRID, linewidth=0.8, zorder=1)
        for line, color in zip(lines, shades, strict=True):
            ax.plot(x, line * heights[k] - row, color=color, linewidth=1.2)
        if form == "rank1":
            draw_bars(ax, channels[k], row, column)
    draw_time(ax, n_rows, n_times, width, sampling_rate)
    ax.set_xlim(-0.06, n_columns - 0.06)
    ax.set_ylim(0.35 - n_rows, 0.55)
    ax.set_axis_off()
    entitle(ax, _title(n_atoms, n_times, n_channels, form))
    return ax


def _figsize(n_rows, n_columns):
    sizes = (n_columns * _CELL[0], n_rows * _CELL[1] + 0.4)
    return tuple(np.clip(sizes, _LEAST, _MOST))


def _title(n_atoms, n_times, n_channels, form):
    what = f"{n_atoms} {'atom' if n_atoms == 1 else 'atoms'} of {n_times} times"
    if n_channels == 1:
        return what
    return f"{what}, {n_channels} channels" + (", rank 1" if form == "rank1" else "")
