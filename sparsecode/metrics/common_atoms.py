"""Stability: the share of atoms that are found again by trainings with other seeds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sparsecode._matching import match_atoms
from sparsecode._messages import wrong
from sparsecode._summaries import lines
from sparsecode._typing import RandomState
from sparsecode._validation import check_matrix, check_number, check_random_state
from sparsecode._values import check_list

_LABELS = {
    "share": ("found again", "{:.2%}"),
    "random_share": ("random atoms", "{:.2%}"),
    "mean_cosine": ("mean cosine", "{:.4f}"),
    "random_cosine": ("of random atoms", "{:.4f}"),
    "threshold": ("threshold", "{:g}"),
}


class Stability(NamedTuple):
    """Share of atoms that trainings have in common, beside that of random atoms.

    Attributes
    ----------
    share : float
        Share of the atoms whose pair in another dictionary has an absolute cosine above the
        threshold; mean over the pairs of dictionaries.
    random_share : float
        The same of random atoms with the second moments of the learned ones.
    mean_cosine, random_cosine : float
        Mean absolute cosine of paired atoms.
    threshold : float
    shares : ndarray of shape (n_pairs,)
        Share of each pair of dictionaries, in the order of ``itertools.combinations``.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.metrics import stability
    >>> stability([np.eye(3), -np.eye(3)[::-1]], random_state=0).share
    1.0
    """

    share: float
    random_share: float
    mean_cosine: float
    random_cosine: float
    threshold: float
    shares: np.ndarray

    def __str__(self) -> str:
        return lines(self, _LABELS)


def stability(
    models: Sequence[Any], *, threshold: float = 0.7, random_state: RandomState = None
) -> Stability:
    """Compare dictionaries of several trainings: which share of the atoms is found again.

    The atoms of two dictionaries are paired one to one so that the sum of absolute cosines is
    largest. Sign, scale and order do not matter. A share means little where random atoms have it
    too: these are combinations of the learned atoms with normal coefficients.

    Parameters
    ----------
    models : list of fitted estimators, dictionaries or arrays (n_components, n_features)
        At least two, trained with different seeds. Numbers of atoms may differ.
    threshold : float, default=0.7
        Absolute cosine above which an atom counts as found again.
    random_state : int, RandomState instance or None, default=None
        Of the random atoms.

    Returns
    -------
    stability : Stability
        Named tuple; ``print`` shows a table.

    Raises
    ------
    ValueError
        If there are fewer than two, or they have different numbers of features.

    References
    ----------
    G. Paulo and N. Belrose, "Sparse autoencoders trained on the same data learn different
    features", 2025.

    Examples
    --------
    >>> from sparsecode import DictionaryLearning
    >>> from sparsecode.datasets import make_sparse_signals
    >>> from sparsecode.metrics import stability
    >>> X = make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X
    >>> models = [DictionaryLearning(20, alpha=0.1, random_state=seed).fit(X) for seed in (0, 1)]
    >>> found = stability(models, random_state=0)
    >>> found.share > found.random_share
    True
    """
    remedy = "Give several fitted models, or their dictionaries."
    models = check_list(models, "models", "a list of at least two models", remedy)
    if len(models) < 2:
        raise ValueError(wrong("models", got=f"a list of {len(models)}",
                               expected="at least two models", remedy=remedy))  # fmt: skip
    threshold = check_number(threshold, "threshold", low=0, high=1)
    rng = check_random_state(random_state)
    learned = [_atoms(model, i) for i, model in enumerate(models)]
    if len({atoms.shape[1] for atoms in learned}) > 1:
        raise ValueError(
            f"models have {[atoms.shape[1] for atoms in learned]} features; expected the same "
            "number. Compare models of the same data."
        )
    drawn = [rng.standard_normal((len(atoms), len(atoms))) @ atoms for atoms in learned]
    shares, cosines = _of_pairs(learned, threshold)
    random_shares, random_cosines = _of_pairs(drawn, threshold)
    means = shares.mean(), random_shares.mean(), cosines.mean(), random_cosines.mean()
    return Stability(*map(float, means), threshold, shares)


def _atoms(model, i):
    """Atoms of a model, of norm 1."""
    atoms = getattr(model, "dictionary_", model)
    name = f"models[{i}]"
    atoms = check_matrix(getattr(atoms, "atoms", atoms), name).astype(np.float64)
    norms = np.linalg.norm(atoms, axis=1, keepdims=True)
    return atoms / np.where(norms > 0, norms, 1)


def _of_pairs(dictionaries, threshold):
    """Share above the threshold and mean cosine, for each pair of dictionaries."""
    found = []
    for atoms, other in itertools.combinations(dictionaries, 2):
        cosines = match_atoms(atoms, other).cosines
        n_found = np.count_nonzero(cosines > threshold)
        found.append((2 * n_found / (len(atoms) + len(other)), cosines.mean()))
    return np.array(found).T
