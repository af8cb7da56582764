"""Plots of the densities of atoms, on a logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparsecode._typing import MatrixLike
from sparsecode.metrics import density_histogram
from sparsecode.plotting._style import GRID, axes_or_new, entitle, note_dead, quiet, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_density(
    codes: MatrixLike, *, threshold: float = 0.0, bins_per_decade: int = 10, ax: Axes | None = None
) -> Axes:
    """Plot the histogram of the activation frequencies of atoms, on a logarithmic scale.

    Atoms that no sample uses have no logarithm; if there are any, the plot states their number. Two
    humps mean that some of the atoms hardly learn.

    Parameters
    ----------
    codes : array-like or sparse matrix of shape (n_samples, n_components)
    threshold : float, default=0.0
        A sample uses an atom where ``|z| > threshold``; see
        `sparsecode.metrics.density_histogram`.
    bins_per_decade : int, default=10
        At most 1000.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> from sparsecode.plotting import plot_density
    >>> ax = plot_density([[0.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
    """
    histogram = density_histogram(codes, threshold=threshold, bins_per_decade=bins_per_decade)
    ax = axes_or_new(ax, (6.4, 3.6))
    ax.stairs(histogram.counts, histogram.edges, fill=True, color="C0", alpha=0.85)
    if histogram.n_dead:
        note_dead(ax, histogram.n_dead)
    ax.set_xlim(histogram.edges[0], histogram.edges[-1])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("log10 of the share of samples that use the atom")
    ax.set_ylabel("number of atoms")
    whole_ticks(ax.yaxis)
    entitle(ax, f"how often {int(histogram.counts.sum()) + histogram.n_dead} atoms are used")
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    quiet(ax)
    return ax
