"""What every dictionary update is."""

from __future__ import annotations

from sklearn.base import BaseEstimator


class Update(BaseEstimator):
    """Base of the dictionary updates: a subclass is a dataclass with `init` and `update`."""

    def init(self, dictionary):
        """Return the statistics to start from, a value of the update's own type."""
        raise TypeError(f"{type(self).__name__} does not define init; every Update must.")

    def update(self, X, codes, dictionary, stats):
        """Improve a dictionary after a batch was coded.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
        codes : ndarray of shape (n_samples, n_components)
            Codes of `X` with `dictionary`.
        dictionary : Dictionary
        stats : object
            What `init` or the last call returned; never modified.

        Returns
        -------
        dictionary : Dictionary
        stats : object
        """
        raise TypeError(f"{type(self).__name__} does not define update; every Update must.")
