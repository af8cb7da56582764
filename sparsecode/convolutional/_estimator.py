"""Base of the convolutional estimators: codes, reconstructions and scores of signals."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sparsecode._collections import by_chunks, in_chunks, is_collection
from sparsecode._convolution.checks import check_codes, check_rows_of_series
from sparsecode._convolution.codes import Events
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._convolution.signals import check_signals
from sparsecode._convolutional_judge import check_l1
from sparsecode._parameters import Parameterized
from sparsecode._validation import check_missing, check_number
from sparsecode.convolutional._padding import cropped, padded
from sparsecode.convolutional.locally_greedy import check_solver
from sparsecode.objective import Certificate
from sparsecode.penalties.base import resolve_penalty


class ConvolutionalEstimator(Parameterized, TransformerMixin, BaseEstimator):
    """Base of the transformers of signals; a subclass sets `dictionary_` in `fit`."""

    dictionary_: ConvolutionalDictionary
    n_channels_: int

    @by_chunks("signal_codes.transform")
    def transform(self, X: Any) -> Any:
        """Compute the exact codes of signals.

        Parameters
        ----------
        X : array-like of shape (n_signals, n_channels, n_times) or (n_signals, n_channels, \
                height, width), or list of arrays
            A Dask array is coded chunk by chunk, when the codes are computed.

        Returns
        -------
        codes : ndarray of shape (n_signals, n_components, ...) or list of csr_array
            A list of arrays (n_positions, n_components) with ``sparse_output=True``. Of a Dask
            array it is one: of codes, or with ``sparse_output=True`` of shape (n_signals,) with a
            CSR array for each signal.
        """
        check_is_fitted(self)
        return self._solved(X).codes

    @by_chunks("signal_codes.inverse_transform")
    def inverse_transform(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Reconstruct signals from codes.

        Parameters
        ----------
        X : ndarray of shape (n_signals, n_components, ...) or list of csr_array
            Codes. A list is that of `transform` with ``sparse_output=True`` for series, whose
            arrays are of shape (n_positions, n_components); the rows and columns of the positions
            of an image are not known from it. Codes may be a Dask array, as `transform` returns it.

        Returns
        -------
        X_hat : ndarray of shape (n_signals, n_channels, ...) or list of ndarray
            A list if `X` is one. Of a Dask array it is one.
        """
        check_is_fitted(self)
        dictionary = self.dictionary_
        if isinstance(X, list) and X and hasattr(X[0], "tocsr"):
            codes = check_rows_of_series(X, dictionary)
            return [self._decoded(Events.of_matrix(c, 1), (c.shape[0], 1), c.dtype) for c in codes]
        codes = check_codes(X, dictionary)
        planes = codes if dictionary.n_dims == 2 else codes[..., None]
        return np.stack(
            [self._decoded(Events.of_array(c), c.shape[1:], codes.dtype) for c in planes]
        )

    def _decoded(self, events, positions, dtype):
        dictionary = self.dictionary_
        whole = dictionary.decode_events(events, positions)
        part = dictionary.unplaned(cropped(whole, dictionary.support, self.boundary))
        return part.astype(np.result_type(dtype, dictionary.dtype))

    @by_chunks("signal_codes.certify_samples")
    def certify(self, X: Any) -> Certificate:
        """Certify the codes of signals: objective, duality gap, stationarity.

        Parameters
        ----------
        X : array-like or list of arrays

        Returns
        -------
        certificate : Certificate
            One entry for each signal. Its arrays are Dask arrays if `X` is one.
        """
        check_is_fitted(self)
        return self._solved(X).certificate

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the objective of each signal, shape (n_signals,)."""
        return -self.certify(X).objective

    @by_chunks("scores.score")
    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean objective of signals; higher is better.

        Parameters
        ----------
        X : array-like or list of arrays
        y : None
            Ignored.
        """
        return float(self.score_samples(X).mean())

    def _check(self, X, dictionary):
        """Raise unless signals fit the dictionary; nothing of a Dask collection is computed."""
        if is_collection(X):
            in_chunks("signal_codes.checked", self, X, dictionary)
        else:
            self._signals(X, dictionary)

    def _signals(self, X, dictionary):
        signals = check_signals(
            X,
            dictionary.n_dims,
            n_channels=dictionary.n_channels,
            support=None if self.boundary == "zero" else dictionary.support,
            missing=check_missing(self.missing) is not None,
        )
        return padded(signals, dictionary.support, self.boundary)

    def _solved(self, X):
        dictionary = self.dictionary_
        signals = self._signals(X, dictionary)
        # As they are given to the solver again, with NaN where entries are missing.
        arrays = [
            dictionary.unplaned(array if mask is None else np.where(mask, array, np.nan))
            for array, mask in zip(signals.arrays, signals.observed, strict=True)
        ]
        return check_solver(self.solver).solve(
            [array.astype(signals.dtype) for array in arrays],
            dictionary,
            self._penalty(),
            missing=self.missing is not None,
            sparse_output=self.sparse_output,
            n_jobs=self.n_jobs,
        )

    def _penalty(self):
        """The penalty with its weight, when both are right."""
        alpha = check_number(self.alpha, "alpha", low=0, low_open=True)
        return check_l1(resolve_penalty(self.penalty, alpha))
