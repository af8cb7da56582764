"""What every encoder is: something that turns samples into codes with a dictionary."""

from __future__ import annotations

from sklearn.base import BaseEstimator


class Encoder(BaseEstimator):
    """Base of the encoders. A subclass is a dataclass that defines `encode`."""

    def encode(self, X, dictionary, *, n_jobs=None):
        """Code every row of `X`: codes, always and only codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        dictionary : Dictionary
        n_jobs : int or None, default=None
            Threads; None uses all cores. The answer does not depend on it.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_components)
        """
        raise TypeError(f"{type(self).__name__} does not define encode; every Encoder must.")
