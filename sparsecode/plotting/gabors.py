"""Plots of the Gabor fits of a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator

from sparsecode._messages import shown, wrong
from sparsecode._values import check_instance
from sparsecode.plotting._style import GRID, INK, quiet
from sparsecode.receptive_fields import GaborFits

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_gabor_statistics(fits: GaborFits, *, axes: Any = None) -> tuple[Axes, Axes]:
    """Plot the orientations and frequencies of Gabor fits, and their (n_x, n_y) plane.

    Each dot is an atom, coloured by the `r2` of its fit. The polar plot has the direction of the
    wave vector as angle, turned as it is seen in the patch (clockwise, since rows run downwards),
    and the peak of the spectrum as radius; each atom shows twice, at opposite angles. The second
    plot has the envelope's widths in cycles of the carrier, along and across the wave vector, on
    square root scales. Atoms near its origin are blobs or single edges. Atoms above the diagonal
    are longer than wide.

    Parameters
    ----------
    fits : GaborFits
        From :func:`~sparsecode.receptive_fields.fit_gabors`.
    axes : pair of matplotlib Axes, optional
        Polar axes and ordinary axes; by default those of a new figure.

    Returns
    -------
    axes : tuple of two matplotlib Axes

    Raises
    ------
    ValueError
        If `axes` is not a pair whose first is polar.

    References
    ----------
    D. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in macaque primary
    visual cortex", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.plotting import plot_gabor_statistics
    >>> from sparsecode.receptive_fields import fit_gabors
    >>> atoms = np.random.default_rng(0).standard_normal((5, 64))
    >>> polar, plane = plot_gabor_statistics(fit_gabors(atoms))
    """
    check_instance(fits, "fits", GaborFits, "GaborFits", "Make them with fit_gabors.")
    polar, plane = _statistics_axes(axes)
    order = np.argsort(fits.r2, kind="stable")  # the best fits on top
    fits = fits[order]
    dots = {"c": fits.r2, "cmap": "viridis_r", "vmin": 0, "vmax": 1, "s": 22, "alpha": 0.9}
    dots |= {"edgecolors": "white", "linewidths": 0.4, "clip_on": False, "zorder": 3}

    # a wave and its opposite are the same wave, so each atom shows at both angles
    angles = np.concatenate([fits.orientation, fits.orientation + np.pi])
    radii = np.tile(fits.peak_frequency, 2)
    polar.scatter(angles, radii, **dots | {"c": np.tile(fits.r2, 2)})
    polar.set_theta_direction(-1)
    polar.set_thetagrids(np.arange(0, 360, 30))
    rings = np.arange(1, np.ceil(10 * radii.max(initial=0) + 0.1) + 1) / 10
    polar.set_rgrids(rings, labels=[])
    polar.set_rlim(0, rings[-1])
    for ring in rings[:-1]:  # own labels, since those of the axis lie under the dots
        box = {"facecolor": "white", "alpha": 0.75, "pad": 0.5, "edgecolor": "none"}
        polar.text(-np.pi / 12, ring, f"{ring:g}", fontsize=8, color=INK, bbox=box, zorder=4)
    polar.grid(color=GRID, linewidth=0.6)
    polar.set_title("wave vector: direction, frequency (cycles/pixel)", color=INK, fontsize=10)

    points = plane.scatter(fits.n_x, fits.n_y, **dots)
    limit = 1.1 * max(1.0, fits.n_x.max(initial=0), fits.n_y.max(initial=0))
    plane.plot([0, limit], [0, limit], color=GRID, linewidth=1, zorder=1)
    plane.set_xscale("function", functions=(_root, np.square))
    plane.set_yscale("function", functions=(_root, np.square))
    plane.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    for axis in (plane.xaxis, plane.yaxis):
        axis.set_major_locator(FixedLocator([0, 0.1, 0.5, 1, 2, 4, 8]))
        axis.set_major_formatter("{x:g}")
    plane.set_xlabel("$n_x$, width along the wave (cycles)")
    plane.set_ylabel("$n_y$, width across the wave (cycles)")
    bar = plane.figure.colorbar(points, ax=plane, shrink=0.8, pad=0.03)
    bar.set_label("$r^2$ of the fit")
    bar.outline.set_visible(False)
    for ax in (polar, plane, bar.ax):
        quiet(ax)
    return polar, plane


def _statistics_axes(axes):
    if axes is None:
        figure = plt.figure(figsize=(10.5, 4.6), layout="constrained")
        grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.1))
        return figure.add_subplot(grid[0], projection="polar"), figure.add_subplot(grid[1])
    axes = tuple(np.ravel(axes))
    names = [getattr(ax, "name", type(ax).__name__) for ax in axes]
    if len(axes) != 2 or names[0] != "polar" or names[1] == "polar":
        raise ValueError(
            wrong(
                "axes",
                got=f"{len(axes)} axes with the projections {shown(names)}",
                expected="one polar and one ordinary axes",
                remedy='Make the first with figure.add_subplot(1, 2, 1, projection="polar").',
            )
        )
    return axes


def _root(values):
    return np.sqrt(np.maximum(values, 0))
