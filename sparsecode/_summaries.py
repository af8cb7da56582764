"""Summaries of results: one line, and a small table in notebooks."""

from __future__ import annotations

import html

import numpy as np


class Summarized:
    """Mix-in of results that print figures of their arrays instead of the arrays.

    A subclass defines ``_summary()``, pairs of the name of a figure and its text.
    """

    def __repr__(self) -> str:
        figures = "; ".join(f"{name}: {text}" for name, text in self._summary())
        return f"{type(self).__name__}({figures})"

    def _repr_html_(self) -> str:
        return table(type(self).__name__, self._summary())


def table(title: str, rows: list[tuple[str, str]]) -> str:
    """Return figures as an HTML table, every text escaped."""
    lines = "".join(
        f'<tr><th style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(text)}</td></tr>'
        for name, text in rows
    )
    caption = f'<caption style="text-align: left">{html.escape(title)}</caption>'
    return f"<table>{caption}<tbody>{lines}</tbody></table>"


def lines(result: object, labels: dict[str, tuple[str, str]]) -> str:
    """Return figures of a result as lines of text, one for each label and format of `labels`."""
    rows = [(label, form.format(getattr(result, name))) for name, (label, form) in labels.items()]
    names, values = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"{name:<{names}}  {value:>{values}}" for name, value in rows)


def gap_or_residual(
    gaps: np.ndarray | None, residuals: np.ndarray, kind: str = ""
) -> tuple[str, str]:
    """Name and figures of the duality gaps, or of the residuals where there are no gaps."""
    name, values = ("residual", residuals) if gaps is None else ("gap", gaps)
    with np.errstate(invalid="ignore"):
        text = f"worst {np.max(values):.2g}, median {np.median(values):.2g}"
    return f"{kind}{name}", text


def share(flags: np.ndarray) -> str:
    """Say the share of flags that are true, rounded down, so that only all are 100 %."""
    return f"{np.floor(1000 * flags.mean()) / 10:g} %"
