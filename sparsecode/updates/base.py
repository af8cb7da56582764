"""Base of the dictionary updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._typing import Codes, MatrixLike

if TYPE_CHECKING:
    from sparsecode.dictionary import Dictionary

# Passes over the atoms in a step; more take minutes for the smallest data.
MOST_SWEEPS = 10_000


class Update(Parameterized, BaseEstimator):
    """Base of the dictionary updates: a dataclass with `init`, `gather` and `step`.

    Statistics are immutable values, so that a loop can be stopped and resumed anywhere. They are
    sums over samples, so that a batch may come in parts.
    """

    def init(self, dictionary: Dictionary) -> Any:
        """Return the initial statistics, of a type that the update defines."""
        raise TypeError(f"{type(self).__name__} does not define init; every Update must.")

    def gather(
        self,
        X: np.ndarray,
        codes: Codes,
        dictionary: Dictionary,
        stats: Any,
        *,
        sample_weight: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> Any:
        """Add samples of a batch to the statistics; called once for each part of it.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Missing entries are already filled in.
        codes : ndarray or csr_array of shape (n_samples, n_components)
            Codes of `X` with `dictionary`.
        dictionary : Dictionary
        stats : object
            Latest statistics, from `init`, `gather` or `step`.
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Weight of each sample; None is 1 each.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The answer does not depend on it.

        Returns
        -------
        stats : object
        """
        raise TypeError(f"{type(self).__name__} does not define gather; every Update must.")

    def merge(self, stats: Any, other: Any) -> Any:
        """Add the samples of other statistics, which began with `init`, and return the sum.

        Samples in chunks, such as those of Dask, are gathered apart. An update that needs the
        samples themselves cannot do that.
        """
        raise TypeError(
            f"{type(self).__name__} needs the samples themselves, which a Dask collection does "
            "not give it; expected an update that needs only sums over samples. Use BlockUpdate() "
            "or MOD()."
        )

    def step(
        self, dictionary: Dictionary, stats: Any, *, n_jobs: int | None = None
    ) -> tuple[Dictionary, Any]:
        """Update the dictionary from the gathered statistics.

        Returns
        -------
        dictionary : Dictionary
        stats : object
        """
        raise TypeError(f"{type(self).__name__} does not define step; every Update must.")

    def update(
        self,
        X: MatrixLike,
        codes: MatrixLike,
        dictionary: Dictionary,
        stats: Any,
        *,
        sample_weight: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> tuple[Dictionary, Any]:
        """Gather a whole batch and take the step; returns ``(dictionary, stats)``."""
        stats = self.gather(X, codes, dictionary, stats, sample_weight=sample_weight, n_jobs=n_jobs)
        return self.step(dictionary, stats, n_jobs=n_jobs)

    def forget(self, stats: Any) -> Any:
        """Return the statistics without the samples so far, because the next batch has them all."""
        return stats

    def new_epoch(self, stats: Any, weight: float) -> Any:
        """Return the statistics for a new epoch of samples with this total weight.

        Their statistics from earlier epochs should not weigh more than the samples themselves.
        """
        return stats

    def reset(self, stats: Any, atoms: np.ndarray) -> Any:
        """Return the statistics without those of replaced atoms, given by their indices."""
        return stats


def resolve_update(update: Update) -> Update:
    """Return `update`, an instance or a class of `Update`, as an instance."""
    if isinstance(update, type) and issubclass(update, Update) and update is not Update:
        update = update()
    if not isinstance(update, Update):
        raise TypeError(
            wrong(
                "update",
                got=shown(update),
                expected="an Update, its class or an instance",
                remedy="Use for example update=BlockUpdate() or update=KSVD().",
            )
        )
    return update
