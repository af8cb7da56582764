"""Autoencoders with an activation at the end of the decoder."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode._row_blocks import dense_rows
from sparsecode.losses._output import activate

_BLOCK = 4096


class WithOutput:
    """Part of `SparseAutoencoder` that knows of `output_`, the activation of its loss.

    What is about reconstructions that are linear in the codes refuses others.
    """

    output_ = None

    def inverse_transform(self, X):
        """Reconstruct samples from codes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        X_hat : ndarray of shape (n_samples, n_features)
            With the activation of the decoder, if its loss has one.
        """
        return activate(self.output_, super().inverse_transform(X))

    def score_samples(self, X):
        """Minus the objective of the code of each sample; higher is better.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Minus half the squared error of reconstruction, with the activation of the decoder if
            its loss has one, and minus the penalty.
        """
        if self.output_ is None:
            return super().score_samples(X)
        X = self._check_X(X)
        scores = np.empty(X.shape[0])
        for start in range(0, X.shape[0], _BLOCK):
            rows = slice(start, start + _BLOCK)
            x = dense_rows(X, rows, self.dictionary_.dtype)
            codes = self._sparse_codes(x)
            error = np.subtract(x, self.inverse_transform(codes), dtype=np.float64)
            scores[rows] = -np.einsum("ij,ij->i", error, error) / 2 - self.penalty_.value(codes)
        return scores

    def certify(self, X):
        """Certificate of the codes that `transform` gives for `X`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        certificate : Certificate

        Raises
        ------
        ValueError
            If the decoder has an activation: there is no certificate for its objective.
        """
        self._check_linear("certify")
        return super().certify(X)

    def _check_linear(self, what):
        check_is_fitted(self)
        if self.output_ is not None:
            raise ValueError(
                f"{what} is for decoders that are linear in the codes, and the output of this one "
                f"is {self.output_!r}; expected None. Use a loss without output."
            )
