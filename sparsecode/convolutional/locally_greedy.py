"""Locally greedy coordinate descent: exact convolutional codes by a growing set of positions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from sparsecode._convolution.codes import Events
from sparsecode._convolution.dictionary import ConvolutionalDictionary, as_convolutional
from sparsecode._convolution.products import block_size, correlate_rows
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1, events_of
from sparsecode._interrupts import halt_flag, halt_if_told
from sparsecode._messages import wrong
from sparsecode._parallel import map_row_blocks, threads_of
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_flag, check_integer, check_n_jobs, check_number
from sparsecode.convolutional._working_set import (
    count_neighbours,
    descend,
    first_events,
    gone_before,
    list_neighbours,
    observe_neighbours,
    survey,
)
from sparsecode.convolutional.result import ConvolutionalResult
from sparsecode.penalties import L1

# Only positions whose excess is a share of the largest enter a round.
_SHARE = 0.03
# Segments of an atom's size in each direction.
_SEGMENTS = 6
_SWEEPS = 1000


@dataclass
class LocallyGreedy(Parameterized, BaseEstimator):
    """Locally greedy coordinate descent for convolutional codes (LGCD).

    Solves ``min_z 1/2 sum_c ||x_c - sum_k z_k * d_kc||^2 + sum_k alpha_k ||z_k||_1`` for each
    signal. In a round, the best position of every segment of the signal enters a working set; then
    coordinate descent solves for all coefficients of the set, whose inner products are kept as a
    sparse matrix. The duality gap, of the correlations at all positions, ends it.

    Memory is that of a few signals, of the working set and of its overlapping pairs of atoms.

    Parameters
    ----------
    max_iter : int, default=500
        Most rounds.
    tol : float, default=1e-4
        Relative duality gap at which a signal is solved: the gap over half the squared norm of the
        signal.

    References
    ----------
    T. Moreau, L. Oudre and N. Vayatis, "DICOD: distributed convolutional coordinate descent for
    convolutional sparse coding", 2018.

    T. Johnson and C. Guestrin, "Blitz: a principled meta-algorithm for scaling sparse
    optimization", 2015.

    Examples
    --------
    >>> from sparsecode.convolutional import LocallyGreedy
    >>> from sparsecode.penalties import L1
    >>> result = LocallyGreedy().solve([[0.0, 1.0, 2.0, 1.0, 0.0]], [[1.0, 2.0, 1.0]], L1(0.6))
    >>> result.codes.round(3)
    array([[[0. , 0.9, 0. ]]])
    """

    max_iter: int = 500
    tol: float = 1e-4

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
        _check_sizes(signals, sparse_output)
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

    def solve_events(self, signals, dictionary, penalty, *, starts=None, n_jobs=None):
        """Nonzeros of the codes of checked signals, their relative gaps and numbers of rounds."""
        max_iter = check_integer(self.max_iter, "max_iter")
        tol = check_number(self.tol, "tol", low=0)
        thresholds = _check_thresholds(penalty, dictionary)
        starts = [Events.none()] * len(signals) if starts is None else starts
        # What all signals need is made once, and not on several threads.
        _ = dictionary.planes, dictionary.shifted_products

        def one(index):
            x, observed = signals.arrays[index], signals.observed[index]
            work = _Work(x, observed, dictionary, thresholds, penalty)
            return work.run(starts[index], max_iter, tol, n_jobs)

        def block(rows):
            return [one(index) for index in range(rows.start, rows.stop)]

        with threads_of(n_jobs):
            parts = map_row_blocks(block, len(signals), block_size=1, n_jobs=n_jobs, is_long=True)
        events, gaps, n_iter = zip(*(result for part in parts for result in part), strict=True)
        return list(events), np.array(gaps), np.array(n_iter)

    def _warn(self, gaps):
        late, tol = gaps > self.tol, self.tol
        if tol > 0 and late.any():
            warnings.warn(
                f"{int(late.sum())} of {len(gaps)} signals did not reach tol={tol:g} in "
                f"max_iter={self.max_iter} rounds; the worst relative gap is {gaps.max():.2g}. "
                "Raise max_iter or alpha.",
                ConvergenceWarning,
                stacklevel=3,
            )


class _Work:
    """The work on one signal."""

    def __init__(self, x, observed, dictionary, thresholds, penalty):
        self.x, self.observed, self.dictionary = x, observed, dictionary
        self.thresholds, self.positive = thresholds, bool(penalty.positive)
        self.positions = dictionary.positions(x.shape)
        self.half = 0.5 * np.vdot(x, x)
        self.gone = None if observed is None else gone_before(observed)
        # Segments of a size that divides a block of positions.
        self.segment = [-(-n // _SEGMENTS) for n in dictionary.planes.shape[2:]]

    def run(self, events, max_iter, tol, n_jobs):
        """Events of the solution, their relative gap, and the number of rounds."""
        best = events, np.inf, 0
        for n_iter in range(max_iter + 1):
            halt_if_told()
            residual = self.residual(events)
            correlations, excess, new = self.survey(residual, events, n_jobs)
            gap = self.relative_gap(residual, events, excess)
            if gap < best[1]:
                best = events, gap, n_iter
            if gap <= tol or n_iter == max_iter:
                break
            events, correlations = self.grown(events, correlations, new)
            # A little of what is wrong may stay: what enters next moves it anyway.
            events = self.solved(events, correlations, min(0.01, 0.1 * max(excess - 1, 1e-14)))
        kept = best[0].only(best[0].values != 0)
        return kept, best[1], n_iter

    def residual(self, events):
        """The signal less the sum of atoms, 0 where an entry is missing."""
        residual = self.x - events.decoded(self.dictionary.planes, self.x.shape)
        return residual if self.observed is None else residual * self.observed

    def relative_gap(self, residual, events, excess):
        """Duality gap of the events over half the squared norm of the signal."""
        if self.half == 0:
            return 0.0
        squared, product = np.vdot(residual, residual), np.vdot(self.x, residual)
        value = (self.thresholds[events.components] * np.abs(events.values)).sum()
        best = max(product / squared, 0) if squared > 0 else 0.0
        scale = min(best, 1 / excess) if excess > 0 else best
        dual = scale * product - 0.5 * scale * scale * squared
        return max(0.5 * squared + value - dual, 0.0) / self.half

    def survey(self, residual, events, n_jobs):
        """Correlations of the events, the largest excess, and the best new events of segments."""
        atoms = self.dictionary.planes
        n_rows, n_columns = self.positions
        correlations = np.empty(len(events.values))
        n_across = -(-n_columns // self.segment[1])

        def block(rows):
            found = correlate_rows(residual, atoms, rows)
            low, high = np.searchsorted(events.rows, [rows.start, rows.stop])
            n_down = -(-(rows.stop - rows.start) // self.segment[0])
            best = np.empty((n_down, n_across))
            where = np.zeros((n_down, n_across, 3), dtype=np.int64)
            largest = survey(
                found, self.thresholds, self.positive, events.components[low:high],
                events.rows[low:high] - rows.start, events.columns[low:high],
                correlations[low:high], best, where,
            )  # fmt: skip
            where[:, :, 1] += rows.start
            kept = best > 1
            return largest, best[kept], where[kept], found[tuple(_in_block(where[kept], rows))]

        size = block_size(self.x, atoms, self.segment[0])
        parts = map_row_blocks(block, n_rows, block_size=size, n_jobs=n_jobs)
        excess, best, where, values = zip(*parts, strict=True)
        excess = max(excess)
        best, where, values = map(np.concatenate, (best, where, values))
        enough = best >= 1 + _SHARE * (excess - 1)
        return correlations, excess, (where[enough], values[enough])

    def grown(self, events, correlations, new):
        """The events that are not zero, with the new ones, and the correlations of all."""
        where, values = new
        kept = events.values != 0
        components, rows, columns = np.concatenate(
            [np.stack(events.only(kept)[:3], axis=1), where]
        ).T
        codes = np.concatenate([events.values[kept], np.zeros(len(where))])
        order = np.lexsort((components, columns, rows))
        events = Events(*(np.ascontiguousarray(p[order]) for p in (components, rows, columns, codes)))
        return events, np.concatenate([correlations[kept], values])[order]

    def solved(self, events, correlations, tol):
        """The events with the coefficients that are best for them alone."""
        atoms, gram = self.dictionary.planes, self.dictionary.shifted_products
        components, rows, columns, values = events
        first_of_row = first_events(rows, self.positions[0])
        counts = np.empty(len(rows), dtype=np.int64)
        count_neighbours(rows, columns, first_of_row, *atoms.shape[2:], counts)
        starts = np.concatenate([[0], np.cumsum(counts)])
        indices, products = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1])
        list_neighbours(
            components, rows, columns, first_of_row, gram, starts, indices, products
        )
        if self.observed is not None:
            observe_neighbours(
                components, rows, columns, atoms, self.observed, self.gone, starts, indices,
                products,
            )  # fmt: skip
        own = indices == np.repeat(np.arange(len(rows)), counts)
        values = values.copy()
        descend(
            values, correlations, products[own], self.thresholds[components], self.positive,
            starts, indices, products, tol, _SWEEPS, halt_flag(),
        )  # fmt: skip
        halt_if_told()
        return Events(components, rows, columns, values)


def _in_block(where, rows):
    return where[:, 0], where[:, 1] - rows.start, where[:, 2]


def _check_thresholds(penalty, dictionary):
    thresholds = penalty.thresholds(dictionary.n_components)
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


def _check_sizes(signals, sparse_output):
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


def packed(events, signals, dictionary, dtype, sparse_output):
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
