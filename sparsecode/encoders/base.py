"""Base class of the encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sparsecode._parameters import Parameterized
from sparsecode._typing import Codes, MatrixLike

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary


class Encoder(Parameterized, BaseEstimator):
    """Base of the encoders. A subclass is a dataclass that defines `encode`."""

    def encode(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        codes: MatrixLike | None = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> Codes:
        """Compute the codes of the rows of `X`; the return value is always the codes alone.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        dictionary : Dictionary
        codes : array-like or sparse matrix of shape (n_samples, n_components) or None, default=None
            Initial codes (warm start).
        missing : bool, default=False
            Whether NaN in `X` means a missing entry. A sample is fitted on its observed entries
            only.
        sparse_output : bool, default=False
            Whether the codes are a CSR array instead of a dense one.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The result does not depend on it.

        Returns
        -------
        codes : ndarray or csr_array of shape (n_samples, n_components)
        """
        raise TypeError(f"{type(self).__name__} does not define encode; every Encoder must.")
