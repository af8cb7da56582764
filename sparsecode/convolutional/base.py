"""The base of convolutional solvers: what is checked, and codes in the form that is asked for."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from sparsecode._convolution.codes import Events
from sparsecode._convolution.conversion import as_convolutional
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1, events_of
from sparsecode._messages import wrong
from sparsecode._parallel import map_row_blocks, resolve_n_jobs, threads_of
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_flag, check_integer, check_n_jobs, check_number
from sparsecode.convolutional.result import ConvolutionalResult
from sparsecode.penalties import L1


class ConvolutionalSolver(Parameterized, BaseEstimator):
    """Base of the solvers of convolutional codes.

    A subclass has `max_iter` and `tol`, and defines ``_work(x, observed, dictionary, thresholds,
    penalty)``: the work on one signal, whose ``run(events, max_iter, tol, n_jobs)`` solves for it.
    """

    max_iter: int
    tol: float
    # What one iteration is called.
    _unit: ClassVar[str] = "iterations"

    def solve(
        self,
        X: Any,
        dictionary: ConvolutionalDictionary | ArrayLike,
        penalty: L1,
        *,
        codes: Any = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> ConvolutionalResult:
        """Compute the codes of signals.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            Without the dimension of channels it is of one channel. Signals of a list may differ in
            size; their codes then are sparse.
        dictionary : ConvolutionalDictionary or array-like
        penalty : L1
            Its weights are one for each atom. All must be above 0.
        codes : array-like, list of csr_array or None, default=None
            Where to start, in the form that is returned.
        missing : bool, default=False
            Whether NaN in `X` means a missing entry, on which a signal is not fitted.
        sparse_output : bool, default=False
            Whether codes are a list of CSR arrays (n_positions, n_components).
        n_jobs : int or None, default=None
            Threads, over signals or over parts of one; None uses all cores. The answer does not
            depend on it.

        Returns
        -------
        result : ConvolutionalResult

        Raises
        ------
        TypeError
            If the penalty is not an l1 norm.
        ValueError
            If shapes do not fit, a weight is 0, or a number is NaN or infinite.

        Warns
        -----
        ConvergenceWarning
            Once, if signals stopped at `max_iter` before they reached `tol`.
        """
        sparse_output, n_jobs = check_flag(sparse_output, "sparse_output"), check_n_jobs(n_jobs)
        dictionary = as_convolutional(dictionary)
        check_l1(penalty)
        signals = check_signals(
            X,
            dictionary.n_dims,
            n_channels=dictionary.n_channels,
            support=dictionary.support,
            missing=missing,
        )
        check_sizes(signals, sparse_output)
        starts = None if codes is None else events_of(codes, signals, dictionary)
        events, gaps, n_iter = self.solve_events(
            signals, dictionary, penalty, starts=starts, n_jobs=n_jobs
        )
        self._warn(gaps)
        dtype = np.result_type(signals.dtype, dictionary.dtype)
        return ConvolutionalResult(
            packed(events, signals, dictionary, dtype, sparse_output),
            n_iter,
            gaps <= self.tol,
            gaps,
            (X, dictionary, penalty, missing, n_jobs),
        )

    def solve_events(
        self,
        signals: Any,
        dictionary: ConvolutionalDictionary,
        penalty: L1,
        *,
        starts: list[Any] | None = None,
        n_jobs: int | None = None,
    ) -> tuple[list[Any], np.ndarray, np.ndarray]:
        """Nonzeros of the codes of checked signals, their relative gaps and numbers of rounds."""
        max_iter = check_integer(self.max_iter, "max_iter")
        tol = check_number(self.tol, "tol", low=0)
        thresholds = check_thresholds(penalty, dictionary.n_components)
        starts = [Events.none()] * signals.n_signals if starts is None else starts
        if penalty.positive:
            starts = [start.only(start.values > 0) for start in starts]
        # Threads that signals leave are for the parts of each.
        inside = max(resolve_n_jobs(n_jobs) // signals.n_signals, 1)
        # What all signals need is made once, and not on several threads.
        _ = dictionary.planes, dictionary.shifted_products

        def one(index):
            x, observed = signals.arrays[index], signals.observed[index]
            if not x.any():
                return Events.none(), 0.0, 0
            work = self._work(x, observed, dictionary, thresholds, penalty)
            return work.run(starts[index], max_iter, tol, inside)

        def block(rows):
            return [one(index) for index in range(rows.start, rows.stop)]

        with threads_of(n_jobs):
            parts = map_row_blocks(
                block, signals.n_signals, block_size=1, n_jobs=n_jobs, is_long=True
            )
        events, gaps, n_iter = zip(*(result for part in parts for result in part), strict=True)
        return list(events), np.array(gaps), np.array(n_iter)

    def _warn(self, gaps):
        late, tol = gaps > self.tol, self.tol
        if tol > 0 and late.any():
            warnings.warn(
                f"{int(late.sum())} of {len(gaps)} signals did not reach tol={tol:g} in "
                f"max_iter={self.max_iter} {self._unit}; the worst relative gap is "
                f"{gaps.max():.2g}. Raise max_iter or alpha.",
                ConvergenceWarning,
                stacklevel=3,
            )


def check_thresholds(penalty: L1, n_components: int) -> np.ndarray:
    """Return the weight of each atom, which must be above 0."""
    thresholds = penalty.thresholds(n_components)
    if not (thresholds > 0).all():
        raise ValueError(
            wrong(
                "alpha of the penalty, times its weights,",
                got=f"{thresholds.min():g} for an atom",
                expected="a number above 0 for every atom",
                remedy="Raise alpha; without a penalty convolutional codes are not unique.",
            )
        )
    return thresholds


def check_sizes(signals: Any, sparse_output: bool) -> None:
    """Raise unless dense codes, if asked for, fit in one array."""
    sizes = {array.shape for array in signals.arrays}
    if len(sizes) > 1 and not sparse_output:
        raise ValueError(
            wrong(
                "X",
                got=f"signals of {len(sizes)} sizes",
                expected="one size for dense codes",
                remedy="Set sparse_output=True: codes are a list of CSR arrays then.",
            )
        )


def packed(
    events: list[Any],
    signals: Any,
    dictionary: ConvolutionalDictionary,
    dtype: DTypeLike,
    sparse_output: bool,
) -> np.ndarray | list[Any]:
    """Codes as an array of all signals, or as a list of CSR arrays."""
    parts = []
    for one, array in zip(events, signals.arrays, strict=True):
        positions = dictionary.positions(array.shape)
        if sparse_output:
            parts.append(one.matrix(dictionary.n_components, positions, dtype))
        else:
            code = one.array(dictionary.n_components, positions, dtype)
            parts.append(dictionary.unplaned(code))
    return parts if sparse_output else np.stack(parts)
