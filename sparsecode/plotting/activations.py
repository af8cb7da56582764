"""Plots of activations: which atom is where in a series, and how large, as a raster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._validation import check_number
from sparsecode.plotting._series_codes import most_used, nonzeros_of, series_of
from sparsecode.plotting._style import GRID, INK, axes_or_new, entitle, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Rows of the raster that the signal takes at least, and as a share of the atoms.
_SIGNAL_ROWS = 2.5, 0.5
# Area of the largest dot in square points, and at least.
_LARGEST, _SMALLEST = 90.0, 3.0
# Atoms whose rows are all labelled.
_LABELLED = 30


def plot_activations(
    codes: Any,
    X: ArrayLike | None = None,
    *,
    n_components: int | None = None,
    sampling_rate: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the nonzeros of the codes of one series as a raster, below the series itself.

    A row is an atom, and a dot is where the atom begins. The area of a dot is the size of its
    coefficient; positive ones are filled, negative ones are rings.

    Parameters
    ----------
    codes : array-like of shape (n_components, n_positions) or (1, n_components, n_positions), or \
            sparse matrix of shape (n_positions, n_components)
        Codes of one series, as a convolutional coder returns them; ``codes[i]`` of several.
    X : array-like of shape (n_channels, n_times), (1, n_channels, n_times) or (n_times,), optional
        The series, drawn above the raster on the same time axis. NaN is a gap.
    n_components : int, optional
        Atoms to draw, those with the largest sums of sizes. All by default.
    sampling_rate : float, optional
        Samples in a second. The time axis is then in seconds, otherwise in samples.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If the codes are those of images or of several series, or `X` is shorter than they are.

    Examples
    --------
    >>> from sparsecode.convolutional import ConvolutionalSparseCoder
    >>> from sparsecode.plotting import plot_activations
    >>> X = [[0.0, 1.0, 2.0, 1.0, 0.0, -1.0, -2.0, -1.0]]
    >>> codes = ConvolutionalSparseCoder([[1.0, 2.0, 1.0]], alpha=0.6).fit_transform(X)
    >>> ax = plot_activations(codes, X)
    """
    components, positions, values, n_atoms, n_positions = nonzeros_of(codes)
    rate = 1.0
    if sampling_rate is not None:
        rate = check_number(sampling_rate, "sampling_rate", low=0, low_open=True)
    series = None if X is None else series_of(X, n_positions)
    drawn = most_used(components, values, n_atoms, n_components)
    row_of = np.full(n_atoms, -1)
    row_of[drawn] = np.arange(len(drawn))
    kept = row_of[components] >= 0
    ax = axes_or_new(ax, (8.0, float(np.clip(1.6 + 0.22 * len(drawn), 2.6, 8.0))))
    _draw_dots(ax, positions[kept] / rate, row_of[components[kept]], values[kept])
    top, n_times = -0.7, n_positions
    if series is not None:
        top, n_times = _draw_series(ax, series, len(drawn), rate), series.shape[1]
    ax.set_ylim(len(drawn) - 0.4, top)
    ax.set_xlim(0, max(n_times - 1, 1) / rate)
    step = -(-len(drawn) // _LABELLED)
    ax.set_yticks(range(0, len(drawn), step), [str(k) for k in drawn[::step]])
    ax.set_xlabel("time (samples)" if sampling_rate is None else "time (s)")
    ax.set_ylabel("atom")
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    entitle(ax, f"{len(values):,} nonzeros of {n_atoms} {'atom' if n_atoms == 1 else 'atoms'}")
    quiet(ax)
    return ax


def _draw_dots(ax, times, rows, values):
    sizes = np.abs(values)
    areas = _SMALLEST + (_LARGEST - _SMALLEST) * sizes / sizes.max(initial=np.finfo(float).tiny)
    style = {"linewidths": 1.0, "edgecolors": "C0", "alpha": 0.75, "zorder": 3}
    for kept, face in ((values > 0, "C0"), (values < 0, "none")):
        ax.scatter(times[kept], rows[kept], areas[kept], facecolors=face, **style)


def _draw_series(ax, series, n_rows, rate):
    """Draw the channels above the raster; the new upper limit."""
    height = max(_SIGNAL_ROWS[0], _SIGNAL_ROWS[1] * n_rows) / max(len(series) ** 0.5, 1)
    times = np.arange(series.shape[1]) / rate
    largest = np.nanmax(np.abs(series))
    middle = -0.9
    for channel in series:
        middle -= height
        line = middle - channel / (largest if largest > 0 else 1) * height / 2
        ax.plot(times, line + height / 2, color=INK, linewidth=0.8)
    return middle - 0.2
