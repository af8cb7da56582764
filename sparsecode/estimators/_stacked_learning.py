"""Learning of stacked dictionaries, for the classifiers by K-SVD."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sparsecode._validation import check_integer, check_random_state
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._class_atoms import class_atoms
from sparsecode.estimators._class_learning import (
    check_learning,
    check_weight,
    keep_best,
    started,
)
from sparsecode.initialization._source import unit
from sparsecode.penalties import KSparse
from sparsecode.prediction.representation import Representation
from sparsecode.prediction.stacked_ksvd import Stack, first_atoms
from sparsecode.updates import KSVD
from sparsecode.updates.base import resolve_update

# Nonzeros of a code where their number is not given.
_FEW = 10


def check_stacked(estimator: Any) -> None:
    """Raise if a parameter of a classifier by K-SVD is wrong."""
    check_learning(estimator)
    if estimator.n_nonzero is not None:
        check_integer(estimator.n_nonzero, "n_nonzero")
    for name in ("label_weight", "ridge"):
        check_weight(getattr(estimator, name), name)
    resolve_update(KSVD if estimator.update is None else estimator.update)


def fit_stacked(
    estimator: Any, X: Any, y: Any, *, consistency_weight: float, label_weight: float
) -> None:
    """Learn atoms and maps; whatever ends it, the best ones so far are kept.

    Parameters
    ----------
    estimator : classifier
        Gets `dictionary_`, `coef_`, `atom_classes_`, `history_`, `n_iter_`, and `consistency_` if
        there is a weight for it.
    X, y : array-like
        Those of `fit`.
    consistency_weight, label_weight : float
        Weights of the blocks; 0 leaves a block out.
    """
    with unchanged_on_error(estimator):
        X, y, index = estimator._labelled(X, y)
        rng = check_random_state(estimator.random_state)
        X, n_jobs = unit(X), estimator.n_jobs
        dictionary, atom_classes = class_atoms(estimator, X, y, rng)
        n_nonzero = n_nonzero_of(estimator, dictionary)
        atoms = first_atoms(X, index, dictionary, atom_classes, n_nonzero, n_jobs)
        weights = consistency_weight, label_weight
        stack = Stack(X, index, atom_classes, *weights, n_nonzero, estimator.ridge, n_jobs)
        estimator.atom_classes_ = atom_classes
        update = resolve_update(KSVD if estimator.update is None else estimator.update)
        states = started(stack.learn(stack.start(atoms), update, estimator.n_epochs))
    keep_best(estimator, states, partial(_keep, estimator, stack))


def stacked_representation(estimator: Any) -> Representation:
    """Codes of a fitted classifier by K-SVD, of samples of norm 1."""
    dictionary = estimator.dictionary_
    return Representation(dictionary, KSparse(n_nonzero_of(estimator, dictionary)))


def n_nonzero_of(estimator: Any, dictionary: Dictionary) -> int:
    """Nonzeros of a code: as given, or ten, or all atoms if there are fewer."""
    if estimator.n_nonzero is None:
        return min(_FEW, dictionary.n_components)
    penalty = KSparse(estimator.n_nonzero).prepare(dictionary.n_components, dictionary.dtype)
    return penalty.n_nonzero


def _keep(estimator, stack, dictionary):
    maps = stack.unstacked(dictionary)
    labels = stack.fitted_labels(maps.atoms) if maps.labels is None else maps.labels
    estimator.dictionary_ = Dictionary(maps.atoms)
    estimator.coef_ = np.ascontiguousarray(labels.T)
    if maps.consistency is not None:
        estimator.consistency_ = maps.consistency
