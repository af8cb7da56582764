"""Plots of amortized inference against exact optimization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sparsecode._values import check_instance, check_option
from sparsecode.compare import AmortizationReport
from sparsecode.plotting._style import GRID, INK, axes_or_new, entitle, plain_log_ticks, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUANTITIES = {"objective": "mean objective", "explained_variance": "explained variance"}
_LINES = {"FISTA": {"color": INK, "marker": "o"}, "ISTA": {"color": "#9a9a9a", "marker": "s"}}
_SIZE = (7.2, 4.4)
_MARKERS = "DP^X<>ph"
# Pixels between two labels, along and across the line of text.
_LABEL_SIZE = 24, 14
# Objectives that span a larger factor have a logarithmic axis.
_LOGARITHMIC = 3


def plot_ladder(report: AmortizationReport, *, ax: Axes | None = None) -> Axes:
    """Plot the gap to the optimum against the time to encode, both on logarithmic axes.

    FISTA and ISTA are lines, whose points carry their numbers of iterations. Every other encoder is
    a point. A point below the line of FISTA is worth its training.

    The dashed line is the `tol` of the report, or the error of its optimum if that is more. Gaps
    below it are drawn on it, with an arrow. The upper limit is the gap of codes of 0, or the
    highest point of a line if that is more. Gaps above it are drawn at the limit, with an arrow.

    Parameters
    ----------
    report : AmortizationReport
        From :func:`~sparsecode.compare.amortization_report`. For the second data set, pass
        ``report.other``.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Examples
    --------
    >>> from sparsecode.compare import amortization_report
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.plotting import plot_ladder
    >>> X = [[2.0, 0.1], [0.3, 1.0]]
    >>> ax = plot_ladder(amortization_report(X, [[0.6, 0.8], [0.0, 1.0]], L1(0.5), n_iters=[1, 2]))
    """
    _check_report(report)
    ax = axes_or_new(ax, _SIZE)
    floor = max(
        report.tol,
        report.gap_error / report.half_squared_norm if report.half_squared_norm > 0 else 0,
    )
    ax.axhline(floor, color=GRID, linewidth=1.2, linestyle="--", zorder=1)
    rows = [row for row in report.scores if np.isfinite(row.relative_gap)]
    gaps = np.array([row.relative_gap for row in rows])
    none = 1 - report.optimum / report.half_squared_norm if report.half_squared_norm > 0 else np.inf
    ax.set_xscale("log")
    ax.set_yscale("log")
    shown = np.clip(gaps, floor, max(_ceiling(rows, gaps, none), floor))
    times = [row.microseconds for row in rows]
    _draw(ax, rows, times, gaps, shown)
    if min(times, default=0) > 0:
        plain_log_ticks(ax.xaxis, max(times) / min(times))
    ax.set_xlabel("time (µs a sample)")
    ax.set_ylabel("relative gap to the optimum")
    entitle(ax, "gap to the optimum and time to encode")
    return _finish(ax)


def plot_pareto(
    report: AmortizationReport,
    *,
    quantity: Literal["objective", "explained_variance"] = "objective",
    ax: Axes | None = None,
) -> Axes:
    """Plot the objective or the explained variance against the mean l0 of the codes.

    FISTA and ISTA are lines that lead to the optimum, with their numbers of iterations. Every other
    encoder is a point.

    Parameters
    ----------
    report : AmortizationReport
        From :func:`~sparsecode.compare.amortization_report`.
    quantity : {"objective", "explained_variance"}, default="objective"
        A smaller objective is better, and a larger explained variance. The objective has a
        logarithmic axis if it spans more than a factor of three. Codes outside the limits are drawn
        at the limit, with an arrow. The lower limit of the explained variance is 0. The upper limit
        of the objective is that of codes of 0, or the highest point of a line if that is more.
    ax : matplotlib Axes, optional
        By default the axes of a new figure.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If `quantity` is another string.

    Examples
    --------
    >>> from sparsecode.compare import amortization_report
    >>> from sparsecode.penalties import L1
    >>> from sparsecode.plotting import plot_pareto
    >>> X = [[2.0, 0.1], [0.3, 1.0]]
    >>> ax = plot_pareto(amortization_report(X, [[0.6, 0.8], [0.0, 1.0]], L1(0.5), n_iters=[1, 2]))
    """
    check_option(quantity, "quantity", _QUANTITIES)
    _check_report(report)
    ax = axes_or_new(ax, _SIZE)
    rows = [row for row in report.scores if np.isfinite(getattr(row, quantity))]
    values = np.array([getattr(row, quantity) for row in rows])
    if quantity == "objective":
        shown = np.minimum(values, _ceiling(rows, values, report.half_squared_norm))
        if shown.min() > 0 and shown.max() > _LOGARITHMIC * shown.min():
            ax.set_yscale("log")
            plain_log_ticks(ax.yaxis, shown.max() / shown.min())
    else:
        shown = np.maximum(values, 0)
    _draw(ax, rows, [row.l0 for row in rows], values, shown)
    ax.set_xlim(left=0)
    ax.set_xlabel("nonzeros a sample")
    ax.set_ylabel(_QUANTITIES[quantity])
    entitle(ax, f"{_QUANTITIES[quantity]} and sparsity")
    return _finish(ax)


def _check_report(report):
    remedy = "Make one with sparsecode.amortization_report."
    return check_instance(report, "report", AmortizationReport, "an AmortizationReport", remedy)


def _ceiling(rows, values, none):
    """Upper limit of the plot: the value of codes of 0, or the highest point of a line."""
    lines = (value for row, value in zip(rows, values, strict=True) if row.family in _LINES)
    return max([none, *lines])


def _draw(ax, rows, x, values, shown):
    """Draw stopped solvers as lines and all others as points, with arrows at the limits."""
    positions = list(zip(x, shown, strict=True))
    for family, style in _LINES.items():
        line = [xy for row, xy in zip(rows, positions, strict=True) if row.family == family]
        if line:
            ax.plot(*zip(*line, strict=True), label=family, markersize=4, linewidth=1.5, **style)
    drawn = {"exact": 0, "baseline": 0, "amortized": 0}
    for row, xy, value in zip(rows, positions, values, strict=True):
        if row.family not in _LINES:
            style = _point_style(row.family, drawn[row.family])
            drawn[row.family] += 1
            ax.plot(*xy, label=row.encoder, linestyle="none", zorder=3, **style)
            if value != xy[1]:
                _point(ax, xy, up=value > xy[1])
    _label(ax, [(row, xy) for row, xy in zip(rows, positions, strict=True) if row.family in _LINES])


def _point(ax, xy, *, up):
    """Draw an arrow at a point that lies further up, or down."""
    text, offset, side = ("↑", 7, "bottom") if up else ("↓", -7, "top")
    place = {"xytext": (0, offset), "textcoords": "offset points", "ha": "center", "va": side}
    ax.annotate(text, xy, color=INK, fontsize=8, **place)


def _point_style(family, index):
    if family == "exact":
        return {"marker": "*", "color": "#c9a227", "markersize": 13}
    marker = _MARKERS[index % len(_MARKERS)]
    if family == "baseline":
        return {"marker": marker, "color": INK, "fillstyle": "none", "markersize": 7}
    return {"marker": marker, "color": f"C{index % 10}", "markersize": 8}


def _label(ax, points):
    """Write numbers of iterations beside the points of the lines, where they do not overlap."""
    ax.autoscale_view()
    taken = []
    for row, xy in points:
        place = ax.transData.transform(xy)
        if all((np.abs(place - other) > _LABEL_SIZE).any() for other in taken):
            taken.append(place)
            ax.annotate(
                row.encoder.removeprefix(row.family).strip(),
                xy,
                xytext=(4, 4),
                textcoords="offset points",
                color=_LINES[row.family]["color"],
                fontsize=8,
            )


def _finish(ax):
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    quiet(ax)
    return ax
