"""Reports of an amortization gap: costs of amortized codes against the optimum, as a table."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

# Both lines of the heading, and format, of each column of the printed table.
_COLUMNS = {
    "objective": ("", "objective", "{:.5g}"),
    "relative_gap": ("rel.", "gap", "{:.1e}"),
    "precision": ("preci-", "sion", "{:.3f}"),
    "recall": ("", "recall", "{:.3f}"),
    "f1": ("", "F1", "{:.3f}"),
    "l0": ("", "l0", "{:.1f}"),
    "explained_variance": ("expl.", "var.", "{:.3f}"),
    "mcc": ("", "MCC", "{:.3f}"),
    "microseconds": ("us a", "sample", "{:.2f}"),
    "fista_iterations": ("FISTA", "its", "{:.0f}"),
    "warm_start_saving": ("its", "saved", "{:.1f}"),
}
_WIDTH = 100


class EncoderScores(NamedTuple):
    """Scores of the codes of one encoder, as means over the samples, which may be signals.

    Attributes
    ----------
    encoder : str
        Name of the encoder.
    family : {"exact", "FISTA", "ISTA", "baseline", "amortized"}
        "FISTA" and "ISTA" are stopped after a number of iterations.
    objective : float
    gap : float
        Objective minus the objective of the optimum; never below ``-gap_error`` of the report.
    relative_gap : float
        Gap divided by the mean of ``1/2 ||x - offset||^2``.
    precision, recall, f1 : float
        Scores of the supports, see `sparsecode.metrics.support_scores`.
    l0 : float
        Number of nonzeros of a code.
    explained_variance : float
    mcc : float
        See `sparsecode.metrics.code_mcc`.
    microseconds : float
        Time to encode a sample, in a batch of all of them.
    fista_iterations : float
        Number of iterations that FISTA needs from zero to reach the same objective, up to `tol` in
        relative gap. Infinity if FISTA never reaches it.
    warm_start_saving : float
        Number of iterations to `tol` that FISTA saves by a start from these codes instead of zero.
        Negative if zero is the better start.

    Examples
    --------
    >>> from sparsecode.compare import amortization_report
    >>> from sparsecode.penalties import L1
    >>> X = [[2.0, 0.1], [0.3, 1.0]]
    >>> report = amortization_report(X, [[1.0, 0.0], [0.0, 1.0]], L1(0.5), n_iters=[1])
    >>> report["thresholding"].f1
    1.0
    """

    encoder: str
    family: str
    objective: float
    gap: float
    relative_gap: float
    precision: float
    recall: float
    f1: float
    l0: float
    explained_variance: float
    mcc: float
    microseconds: float
    fista_iterations: float
    warm_start_saving: float


@dataclass(frozen=True, eq=False)
class AmortizationReport:
    """Report of encoders compared with the optimum on the same samples and dictionary.

    ``print(report)`` shows a table of at most 100 columns, ``report[name]`` is one row of it.

    Attributes
    ----------
    scores : tuple of EncoderScores
        One entry for each encoder: the exact solver, stopped FISTA and ISTA, baselines, and the
        given encoders.
    optimum : float
        Mean objective of the exact codes.
    gap_error : float
        Mean duality gap of the exact codes. The true optimum can be lower than `optimum` by at most
        this much, and every true gap larger than the reported one by at most this much.
    half_squared_norm : float
        Mean half squared norm of the samples, ``1/2 ||x - offset||^2``, the unit of relative gaps.
    tol : float
        Relative duality gap at which FISTA counts as converged.
    n_iter : float
        Mean number of iterations that FISTA needs from zero to converge.
    against : {"optimum", "truth"}
        Codes with which supports and correlations are compared.
    problem : str
        The samples, the dictionary and the penalty, in words.
    other : AmortizationReport or None
        The same encoders on the second data set.

    Examples
    --------
    >>> from sparsecode.compare import amortization_report
    >>> from sparsecode.penalties import L1
    >>> X = [[2.0, 0.1], [0.3, 1.0]]
    >>> report = amortization_report(X, [[1.0, 0.0], [0.0, 1.0]], L1(0.5), n_iters=[1])
    >>> report.column("encoder")[:4]
    array(['exact', 'FISTA 1', 'ISTA 1', 'thresholding'], dtype='<U23')
    >>> report.column("f1")[:4]
    array([1., 1., 1., 1.])
    """

    scores: tuple[EncoderScores, ...]
    optimum: float
    gap_error: float
    half_squared_norm: float
    tol: float
    n_iter: float
    against: str
    problem: str
    other: AmortizationReport | None = None

    def __getitem__(self, name: str) -> Any:
        for row in self.scores:
            if row.encoder == name:
                return row
        raise KeyError(
            f"no encoder is named {name!r}; expected one of "
            f"{', '.join(repr(row.encoder) for row in self.scores)}. Choose one of these."
        )

    def column(self, name: str) -> np.ndarray:
        """Return one quantity of all encoders, an array in the order of `scores`.

        Parameters
        ----------
        name : str
            Attribute of `EncoderScores`.
        """
        return np.array([getattr(row, name) for row in self.scores])

    def to_frame(self) -> Any:
        """Return the report as a pandas DataFrame, one row for each encoder and data set.

        Its columns are "data", "X" or "X_other", those of `EncoderScores`, and "gap_error".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_frame needs pandas, which is not installed. Install it with `pip install "
                "pandas`, or read `report.scores`, named tuples of numbers."
            ) from error
        reports = {"X": self, "X_other": self.other}
        return pandas.DataFrame(
            [
                {"data": data, **row._asdict(), "gap_error": report.gap_error}
                for data, report in reports.items()
                if report is not None
                for row in report.scores
            ]
        )

    def __str__(self) -> str:
        text = f"{self._heading()}\n\n{_table(self.scores)}"
        return text if self.other is None else f"{text}\n\nsecond data set: {self.other}"

    def _heading(self):
        sentences = (
            f"optimum {self.optimum:.6g}, certified to {self.gap_error:.1e}; "
            f"FISTA takes {self.n_iter:.1f} iterations to a relative gap of {self.tol:g}; "
            f"supports and MCC against the {self.against}"
        )
        return "\n".join([*textwrap.wrap(self.problem, _WIDTH), *textwrap.wrap(sentences, _WIDTH)])


def _table(scores):
    """Rows of numbers as aligned text; absolute gaps are left out to keep it in 100 columns."""
    columns = _COLUMNS.values()
    cells = [
        ["", *(first for first, _, _ in columns)],
        ["encoder", *(second for _, second, _ in columns)],
    ]
    for row in scores:
        numbers = (form.format(getattr(row, name)) for name, (*_, form) in _COLUMNS.items())
        cells.append([row.encoder, *numbers])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        " ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in cells
    )
