"""Plots of the Gabor fits of a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_flag, check_number
from sparsecode._values import check_instance
from sparsecode.plotting._style import GRID, INK, entitle, quiet, whole_ticks
from sparsecode.receptive_fields import GaborFits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# De Valois, Albrecht and Thorell (1982), De Valois, Yund and Hepler (1982): at half amplitude.
_PUBLISHED_OCTAVES, _PUBLISHED_DEGREES = 1.4, 40
_GOOD = {"s": 22, "color": "C0", "edgecolors": "white", "linewidths": 0.4, "zorder": 3}
_BAD = {"s": 18, "facecolors": "none", "edgecolors": "#9a9a9a", "linewidths": 0.8, "zorder": 2}
_N_PANELS = 5
_WIDEST_OCTAVES = 4.0


def plot_gabor_statistics(
    fits: GaborFits, *, r2_min: float = 0.7, published: bool = True, axes: Any = None
) -> tuple[Axes, ...]:
    """Plot the orientations, frequencies, shapes and bandwidths of Gabor fits, in five panels.

    A. Each dot is an atom in the plane of frequencies: the angle is the direction of its wave
    vector as it is seen in the patch, counter-clockwise from the right, where 0 degrees means
    vertical bars, and the radius is the peak of its spectrum. A half circle holds all directions,
    as a wave and its opposite are the same.

    B. Widths of the envelope in cycles of the carrier, along and across the wave vector [1]_, on
    square root scales. Atoms near the origin are blobs or single edges. Atoms above the diagonal
    are longer than wide.

    C, D and E. Histograms of bandwidths in spatial frequency, of directions as in A, and of
    bandwidths in orientation.

    Filled dots and histograms are the atoms that a Gabor function fits well. Hollow dots are the
    others, whose parameters mean little.

    Parameters
    ----------
    fits : GaborFits
        From :func:`~sparsecode.receptive_fields.fit_gabors`.
    r2_min : float, default=0.7
        An atom counts as well fitted from this `r2` on.
    published : bool, default=True
        Whether dashed lines show the medians that were measured in macaque V1: 1.4 octaves [2]_ and
        40 degrees [3]_.
    axes : five matplotlib Axes, optional
        Polar axes and four ordinary ones; by default those of a new figure.

    Returns
    -------
    axes : tuple of five matplotlib Axes

    Raises
    ------
    ValueError
        If `axes` are not five whose first is polar, or `r2_min` is not a number up to 1.

    References
    ----------
    .. [1] D. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in macaque
       primary visual cortex", 2002.
    .. [2] R. De Valois, D. Albrecht and L. Thorell, "Spatial frequency selectivity of cells in
       macaque visual cortex", 1982.
    .. [3] R. De Valois, E. Yund and N. Hepler, "The orientation and direction selectivity of cells
       in macaque visual cortex", 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.plotting import plot_gabor_statistics
    >>> from sparsecode.receptive_fields import fit_gabors
    >>> atoms = np.random.default_rng(0).standard_normal((5, 64))
    >>> waves, shapes, octaves, directions, degrees = plot_gabor_statistics(fit_gabors(atoms))
    """
    check_instance(fits, "fits", GaborFits, "GaborFits", "Make them with fit_gabors.")
    r2_min = check_number(r2_min, "r2_min", high=1)
    published = check_flag(published, "published")
    axes = _figure_of(fits) if axes is None else _checked(axes)
    waves, shapes, octaves, directions, degrees = axes
    good, bad = fits[fits.r2 >= r2_min], fits[fits.r2 < r2_min]

    _draw_waves(waves, good, bad, r2_min)
    _draw_shapes(shapes, good, bad)
    edges = 0.25 * np.arange(4 * _WIDEST_OCTAVES + 1)
    _draw_histogram(octaves, good.bandwidth, edges)
    octaves.set_xlabel("bandwidth (octaves)")
    entitle(octaves, "bandwidth in frequency")
    _draw_histogram(directions, good.seen_direction, np.arange(0, 181, 18))
    directions.set_xlabel("wave vector (degrees; 0: vertical bars)")
    entitle(directions, "orientation")
    _draw_histogram(degrees, good.orientation_bandwidth, np.arange(0, 181, 10))
    degrees.set_xlabel("bandwidth (degrees)")
    entitle(degrees, "bandwidth in orientation")
    for ax in (directions, degrees):
        ax.set_xticks(np.arange(0, 181, 45))
    _mark_medians(octaves, good.bandwidth, _PUBLISHED_OCTAVES if published else None)
    _mark_medians(degrees, good.orientation_bandwidth, _PUBLISHED_DEGREES if published else None)
    for letter, ax in zip("ABCDE", axes, strict=True):
        ax.set_title(letter, loc="left", color=INK, fontsize=11, fontweight="bold")
        quiet(ax)
    return axes


def _draw_waves(ax, good, bad, r2_min):
    """Draw the plane of frequencies, the upper half of it."""
    for fits, style, sign in ((bad, _BAD, "<"), (good, _GOOD, "\\geq")):
        angles = np.radians(fits.seen_direction)
        label = f"$r^2 {sign} {r2_min:g}$ (n = {len(fits)})"
        ax.scatter(angles, fits.peak_frequency, clip_on=False, label=label, **style)
    fastest = max(good.peak_frequency.max(initial=0), bad.peak_frequency.max(initial=0))
    rings = np.arange(1, np.ceil(10 * fastest + 0.1) + 1) / 10
    ax.set_thetalim(0, np.pi)
    ax.set_theta_direction(1)
    ax.set_thetagrids(np.arange(0, 181, 30))
    ax.set_rlim(0, rings[-1])
    ax.set_rgrids([0, *rings], labels=[f"{ring:g}" for ring in (0, *rings)])
    # All labels are below the straight edge, where there are no dots.
    ax.tick_params(axis="y", pad=6)
    place = {"xycoords": "axes fraction", "ha": "right", "va": "top"}
    ax.annotate("frequency (cycles/pixel)", (1, 0.16), color=INK, fontsize=10, **place)
    ax.grid(color=GRID, linewidth=0.6)
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, 0.17))
    entitle(ax, "wave vector: direction and frequency")


def _draw_shapes(ax, good, bad):
    """Draw Ringach's plane of the widths in cycles."""
    for fits, style in ((bad, _BAD), (good, _GOOD)):
        ax.scatter(fits.n_x, fits.n_y, clip_on=False, **style)
    widest = max(values.max(initial=0) for fits in (good, bad) for values in (fits.n_x, fits.n_y))
    limit = 1.1 * max(1.0, widest)
    ax.plot([0, limit], [0, limit], color=GRID, linewidth=1, zorder=1)
    ax.set_xscale("function", functions=(_root, np.square))
    ax.set_yscale("function", functions=(_root, np.square))
    ax.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator([0, 0.1, 0.5, 1, 2, 4, 8]))
        axis.set_major_formatter("{x:g}")
    ax.set_xlabel("$n_x$, width along the wave (cycles)")
    ax.set_ylabel("$n_y$, width across the wave (cycles)")
    entitle(ax, "shape of the envelope")


def _draw_histogram(ax, values, edges):
    """Draw counts of the values in the bins."""
    ax.hist(values, edges, color="C0", alpha=0.85, edgecolor="white", linewidth=0.6)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"atoms (n = {len(values)})")
    whole_ticks(ax.yaxis)


def _mark_medians(ax, values, published):
    """Draw the median of the values and the published one, and say how many are not shown."""
    medians = {} if published is None else {"macaque V1": (published, "--")}
    if len(values):
        medians["these atoms"] = (np.median(values), "-")
    # Room for the legend above the bars.
    room = 1.35
    for name, (median, line) in medians.items():
        label = f"median, {name}: {median:.3g}"
        ax.axvline(median, 0, 1 / room, color=INK, linewidth=1.2, linestyle=line, label=label)
    ax.set_ylim(0, room * max(ax.get_ylim()[1], 1))
    n_beyond = int((values > ax.get_xlim()[1]).sum())
    title = f"{n_beyond} wider or low-pass, not shown" if n_beyond else None
    if medians:
        style = {"frameon": False, "fontsize": 8, "title_fontsize": 8, "alignment": "left"}
        ax.legend(title=title, loc="upper right", **style)


def _figure_of(fits):
    figure = plt.figure(figsize=(10.5, 8.0), layout="constrained")
    height, width = fits.patch_shape[:2]
    figure.suptitle(
        f"Gabor fits of {len(fits)} atoms of {height} x {width} pixels", color=INK, fontsize=12
    )
    grid = figure.add_gridspec(2, 6, height_ratios=(1.25, 1))
    polar = figure.add_subplot(grid[0, :3], projection="polar")
    places = (grid[0, 3:], grid[1, :2], grid[1, 2:4], grid[1, 4:])
    return (polar, *(figure.add_subplot(place) for place in places))


def _checked(axes):
    axes = tuple(np.ravel(axes))
    names = [getattr(ax, "name", type(ax).__name__) for ax in axes]
    if len(axes) != _N_PANELS or names[0] != "polar" or "polar" in names[1:]:
        raise ValueError(
            wrong(
                "axes",
                got=f"{len(axes)} axes with the projections {shown(names)}",
                expected="one polar and four ordinary axes",
                remedy='Make the first with figure.add_subplot(2, 3, 1, projection="polar").',
            )
        )
    return axes


def _root(values):
    return np.sqrt(np.maximum(values, 0))
