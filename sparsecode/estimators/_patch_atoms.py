"""Atoms of patches: given, or learned from a random sample of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.estimators._dictionaries import (
    check_dictionary,
    has_atoms,
    learned_dictionary,
    prepare_learner,
)
from sparsecode.estimators.dictionary_learning import DictionaryLearning
from sparsecode.penalties import KSparse

_NAMES = ("k-means", "patches")
# Passes of k-means over the patches, which in the paper are ten, too.
_PASSES = 10


def check_atoms(dictionary: Any, n_components: int | None) -> None:
    """Raise unless `dictionary` is a name, a dictionary, an array of atoms or a learner."""
    if isinstance(dictionary, str) and dictionary in _NAMES:
        return
    if dictionary is None or isinstance(dictionary, str):
        raise ValueError(
            wrong(
                "dictionary",
                got=shown(dictionary),
                expected=f"{' or '.join(map(repr, _NAMES))}, a Dictionary, an array of atoms, or "
                "an estimator that learns one",
                remedy="Choose one of these.",
            )
        )
    check_dictionary(dictionary, n_components)
    is_counted = has_atoms(dictionary) or "n_components" in dictionary.get_params()
    if n_components is not None and not is_counted:
        raise ValueError(
            f"n_components is {shown(n_components)}, but {type(dictionary).__name__} has no such "
            "parameter; expected None. Set the number of atoms of that estimator."
        )


def is_given(dictionary: Any) -> bool:
    """Whether `dictionary` has atoms, and need not be learned."""
    return has_atoms(dictionary) and not isinstance(dictionary, str)


def given_atoms(dictionary: Any, n_features: int) -> Dictionary:
    """The given dictionary, if its atoms are as long as a patch."""
    dictionary = as_dictionary(dictionary)
    if dictionary.n_features != n_features:
        raise ValueError(
            f"dictionary has atoms of {dictionary.n_features} features, but a patch has "
            f"{n_features} values; expected the same number. Set patch_size to the size of the "
            "patches that the dictionary was learned from."
        )
    return dictionary


def learned_atoms(dictionary: Any, X: np.ndarray, n_components, rng, n_jobs) -> Dictionary:
    """Learn a dictionary from prepared patches, by a name or an estimator."""
    if isinstance(dictionary, str):
        n_components = 2 * X.shape[1] if n_components is None else n_components
        if dictionary == "patches":
            return Dictionary.from_samples(X, n_components, random_state=rng)
        dictionary = _k_means(n_jobs)
    learner = prepare_learner(dictionary, n_components, rng).fit(X)
    centres = getattr(learner, "cluster_centers_", None)
    return learned_dictionary(learner) if centres is None else as_dictionary(centres)


def _k_means(n_jobs):
    """Spherical k-means: each patch is coded by one atom, and each atom is the sum of its patches.

    A patch and its negative belong to the same atom.
    """
    return DictionaryLearning(penalty=KSparse(1), n_epochs=_PASSES, n_jobs=n_jobs)
