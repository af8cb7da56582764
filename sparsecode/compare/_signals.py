"""Signals of a report: what `Samples` are for convolutional dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sparsecode._convolution import signals as convolution
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolutional_judge import events_of
from sparsecode._validation import check_rows
from sparsecode.compare._samples import Samples, observed_variance
from sparsecode.compare._signal_encoders import ExactSignals, ThresholdedSignals
from sparsecode.compare._signal_reference import SignalReference
from sparsecode.convolutional import ConvolutionalFISTA, ConvolutionalLISTA
from sparsecode.metrics import l0


class Signals(Samples):
    """Series or images; codes are lists of CSR arrays (n_positions, n_components)."""

    exact, thresholding = ExactSignals, ThresholdedSignals
    signals: convolution.Signals

    @classmethod
    def _of(cls, X, truth, dictionary, name, truth_name, missing):
        signals = convolution.check_signals(
            X,
            dictionary.n_dims,
            n_channels=dictionary.n_channels,
            support=dictionary.support,
            missing=missing,
        )
        arrays = [dictionary.unplaned(x).astype(signals.dtype) for x in _with_nan(signals)]
        is_one_size = len({array.shape for array in arrays}) == 1
        found = cls(np.stack(arrays) if is_one_size else arrays, None, dictionary, missing)
        found.signals = signals
        if truth is not None:
            try:
                found.truth = found.check(truth)
            except ValueError as error:
                raise ValueError(f"{truth_name} of {name}: {error}") from error
        return found

    @staticmethod
    def stopped(penalty: Any, count: int) -> dict[str, Any]:
        """FISTA and ISTA, stopped after some iterations."""
        return {
            "FISTA": ExactSignals(penalty, ConvolutionalFISTA(max_iter=count, tol=0)),
            "ISTA": ConvolutionalLISTA(penalty, n_layers=count),
        }

    @staticmethod
    def atoms_like(dictionary: Any, atoms: np.ndarray) -> Any:
        """A dictionary of other atoms."""
        return ConvolutionalDictionary(atoms)

    def refer(self, penalty: Any, tol: float, n_jobs: int | None) -> SignalReference:
        """The optimum of the signals, and the run of FISTA to it."""
        return SignalReference(self, penalty, tol, n_jobs)

    def _options(self, n_jobs):
        return {**super()._options(n_jobs), "sparse_output": True}

    def check(self, codes: Any) -> Any:
        """Return codes as CSR arrays, which must be finite and fit."""
        codes = codes if isinstance(codes, list) else np.asarray(codes)
        events = events_of(codes, self.signals, self.dictionary)
        found = self.matrices(events)
        check_rows(self.columns(found), "codes")
        return found

    def matrices(self, events: list[Any]) -> list[Any]:
        """Codes of all signals as CSR arrays."""
        n_components = self.dictionary.n_components
        return [
            one.matrix(n_components, self.dictionary.positions(x.shape), np.float64)
            for one, x in zip(events, self.signals.arrays, strict=True)
        ]

    def columns(self, codes: Any) -> Any:
        """Codes as a matrix that has a column for each atom, and a row for each position."""
        return sparse.vstack(codes, format="csr")

    def mean_l0(self, codes: Any, threshold: float) -> float:
        """Mean number of nonzeros of the code of a signal."""
        return float(l0(self.columns(codes), threshold=threshold).sum() / len(codes))

    def explained_variance(self, codes: Any, dictionary: Any) -> float:
        """Share of the variance over all times that codes explain."""
        events = events_of(codes, self.signals, dictionary)
        X_hat = [
            dictionary.decode_events(one, dictionary.positions(x.shape))
            for one, x in zip(events, self.signals.arrays, strict=True)
        ]
        first, second = (
            np.concatenate([x.reshape(len(x), -1).T for x in arrays])
            for arrays in (_with_nan(self.signals), X_hat)
        )
        return observed_variance(first, second)

    def decoder(self, dictionary: Any) -> Any:
        """A dictionary of a decoder, for these signals."""
        return dictionary

    def describe(self) -> str:
        """The signals and the dictionary, in words."""
        dictionary = self.dictionary
        sizes = sorted({dictionary.unplaned(x).shape[1:] for x in self.signals.arrays})
        ends = dict.fromkeys(_size(size) for size in (sizes[0], sizes[-1]))
        return (
            f"{_counted(self.n_samples, 'signal')} of {_counted(dictionary.n_channels, 'channel')} "
            f"and size {' to '.join(ends)}, {_counted(dictionary.n_components, 'atom')} of size "
            f"{_size(dictionary.support)}"
        )


def _with_nan(signals):
    """Arrays of signals with NaN where entries are missing."""
    return [
        x if mask is None else np.where(mask, x, np.nan)
        for x, mask in zip(signals.arrays, signals.observed, strict=True)
    ]


def _counted(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _size(sizes):
    return " x ".join(map(str, sizes))
