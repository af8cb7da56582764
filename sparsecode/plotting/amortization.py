"""Amortized inference against exact optimization."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from sparsecode._validation import wrong
from sparsecode.plotting._style import GRID, INK, quiet

_QUANTITIES = {"objective": "mean objective", "explained_variance": "explained variance"}
_LINES = {"FISTA": {"color": INK, "marker": "o"}, "ISTA": {"color": "#9a9a9a", "marker": "s"}}
_MARKERS = "DP^vX<>*h"


def plot_ladder(report, *, ax=None):
    """Draw the gap to the optimum against the time that it takes, both on logarithmic axes.

    FISTA and ISTA are lines, each point with its number of iterations; every other encoder is a
    point, and one below the line of FISTA is worth its training. What is closer to the optimum than
    the report can tell, by its `tol` or by the error of the optimum, lies as a triangle on the
    dashed line there.

    Parameters
    ----------
    report : AmortizationReport
        From :func:`~sparsecode.compare.amortization_report`. Of the second data set draw
        ``report.other``.
    ax : matplotlib Axes, optional
        By default those of a new figure.

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
    ax = _axes(ax)
    floor = max(report.tol, report.gap_error / report.energy if report.energy > 0 else 0)
    ax.axhline(floor, color=GRID, linewidth=1, linestyle="--", zorder=1)
    for family, style in _LINES.items():
        rows = _finite([row for row in report.scores if row.family == family], "relative_gap")
        times = [row.microseconds for row in rows]
        gaps = [max(row.relative_gap, floor) for row in rows]
        _line(ax, times, gaps, rows, style)
    for row, style in _points(report, "relative_gap"):
        if row.relative_gap <= floor:
            style |= {"marker": "v"}
        ax.plot(row.microseconds, max(row.relative_gap, floor), label=row.encoder, **style)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("time (µs a sample)")
    ax.set_ylabel("relative gap to the optimum")
    return _finish(ax)


def plot_pareto(report, *, quantity="objective", ax=None):
    """Draw how well codes do against how sparse they are.

    FISTA and ISTA are lines that lead to the optimum, with their numbers of iterations; every other
    encoder is a point.

    Parameters
    ----------
    report : AmortizationReport
        From :func:`~sparsecode.compare.amortization_report`.
    quantity : {"objective", "explained_variance"}, default="objective"
        Less of the first is better, more of the second. The objective has a logarithmic axis where
        it spans more than a factor of ten.
    ax : matplotlib Axes, optional
        By default those of a new figure.

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
    if quantity not in _QUANTITIES:
        raise ValueError(
            wrong(
                "quantity",
                got=repr(quantity),
                expected=f"one of {', '.join(map(repr, _QUANTITIES))}",
                remedy="Choose one of these.",
            )
        )
    ax = _axes(ax)
    for family, style in _LINES.items():
        rows = _finite([row for row in report.scores if row.family == family], quantity)
        _line(ax, [row.l0 for row in rows], [getattr(row, quantity) for row in rows], rows, style)
    for row, style in _points(report, quantity):
        ax.plot(row.l0, getattr(row, quantity), label=row.encoder, **style)
    values = report.column(quantity)
    values = values[np.isfinite(values)]
    if quantity == "objective" and values.min() > 0 and values.max() > 10 * values.min():
        ax.set_yscale("log")
    ax.set_xlim(left=0)
    ax.set_xlabel("nonzeros a sample")
    ax.set_ylabel(_QUANTITIES[quantity])
    return _finish(ax)


def _axes(ax):
    return plt.subplots(figsize=(7.2, 4.4), layout="constrained")[1] if ax is None else ax


def _finite(rows, quantity):
    return [row for row in rows if np.isfinite(getattr(row, quantity))]


def _line(ax, positions, values, rows, style):
    """A solver that is stopped earlier and later, with its numbers of iterations."""
    if not rows:
        return
    ax.plot(positions, values, label=rows[0].family, markersize=4, linewidth=1.5, zorder=2, **style)
    for position, value, row in zip(positions, values, rows, strict=True):
        ax.annotate(
            row.encoder.removeprefix(row.family).strip(),
            (position, value),
            xytext=(4, 4),
            textcoords="offset points",
            color=style["color"],
            fontsize=8,
        )


def _points(report, quantity):
    """Every other encoder and how its point looks: the exact solver, baselines, amortized ones."""
    rows = _finite([row for row in report.scores if row.family not in _LINES], quantity)
    drawn = {"exact": 0, "baseline": 0, "amortized": 0}
    for row in rows:
        index = drawn[row.family]
        drawn[row.family] += 1
        style = {"linestyle": "none", "markersize": 8, "zorder": 3}
        if row.family == "exact":
            style |= {"marker": "*", "color": "#c9a227", "markersize": 13}
        elif row.family == "baseline":
            style |= {"marker": _MARKERS[index], "color": INK, "fillstyle": "none"}
        else:
            style |= {"marker": _MARKERS[index % len(_MARKERS)], "color": f"C{index % 10}"}
        yield row, style


def _finish(ax):
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    quiet(ax)
    return ax
