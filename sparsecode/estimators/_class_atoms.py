"""Atoms of classes: made of the training samples of each, as the parameters of an estimator say."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sparsecode._values import check_option
from sparsecode.dictionary import Dictionary
from sparsecode.initialization.class_balanced import (
    OF_SAMPLES,
    check_atoms_per_class,
    class_balanced_dictionary,
)

# Atoms of each class where their number is not given.
_FEW = 10


class IndexedAtoms(NamedTuple):
    """Atoms, those of one class after those of another, and the index of the class of each."""

    dictionary: Dictionary
    classes: np.ndarray


def check_class_atoms(estimator: Any) -> None:
    """Raise if `atoms_per_class` or `init` of an estimator are wrong."""
    if estimator.atoms_per_class is not None:
        check_atoms_per_class(estimator.atoms_per_class)
    check_option(estimator.init, "init", OF_SAMPLES)


def class_atoms(estimator: Any, X: np.ndarray, y: np.ndarray, rng: Any) -> IndexedAtoms:
    """Atoms as `atoms_per_class` and `init` of an estimator say.

    Where `atoms_per_class` is None, each class has ten atoms, or as many as the smallest class has
    samples.
    """
    number = estimator.atoms_per_class
    if number is None:
        number = min(_FEW, int(np.unique(y, return_counts=True)[1].min()))
    dictionary, labels = class_balanced_dictionary(estimator.init, X, y, number, random_state=rng)
    return IndexedAtoms(dictionary, np.searchsorted(estimator.classes_, labels))
