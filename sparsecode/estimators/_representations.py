"""Parameters and atoms of a classifier by representation, checked and made."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_flag, check_n_jobs, check_number
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._class_atoms import IndexedAtoms, check_class_atoms, class_atoms
from sparsecode.estimators._dictionaries import prepare_learner
from sparsecode.initialization._source import unit
from sparsecode.penalties import Penalty
from sparsecode.penalties.base import resolve_penalty
from sparsecode.prediction.representation import check_takes_occlusion
from sparsecode.solvers._default_solver import resolve_solver


def check_representation(estimator: Any) -> Penalty:
    """Raise if a parameter of a classifier is wrong, or two do not fit; return the penalty."""
    check_class_atoms(estimator)
    _check_learner(estimator.learner, estimator.atoms_per_class)
    check_number(estimator.alpha, "alpha", low=0)
    check_n_jobs(estimator.n_jobs)
    if estimator.divided is not None:
        check_flag(estimator.divided, "divided")
    penalty = resolve_penalty(estimator._unscaled, estimator.alpha)
    resolve_solver(estimator.solver, penalty)
    if estimator.occlusion is not None:
        check_number(estimator.occlusion, "occlusion", low=0, low_open=True)
        check_takes_occlusion(penalty, estimator.occlusion)
    return penalty


def represented_atoms(
    estimator: Any, X: np.ndarray, y: np.ndarray, index: np.ndarray, rng: Any
) -> IndexedAtoms:
    """Atoms of all classes: learned, taken from the samples, or all samples, scaled to norm 1."""
    X = unit(X)
    if estimator.learner is not None:
        return _learned_atoms(estimator.learner, X, index, rng)
    if estimator.atoms_per_class is not None:
        return class_atoms(estimator, X, y, rng)
    order = np.argsort(index, kind="stable")
    return IndexedAtoms(Dictionary(X[order]), index[order])


def _check_learner(learner, atoms_per_class):
    """Raise unless `learner` is None, or an instance that can learn the atoms of a class."""
    if learner is None:
        return
    if not (hasattr(learner, "fit") and hasattr(learner, "get_params")) or isinstance(
        learner, type
    ):
        raise TypeError(
            wrong(
                "learner",
                got=shown(learner),
                expected="an estimator that learns components_, or None",
                remedy="Use for example learner=DictionaryLearning(10).",
            )
        )
    if atoms_per_class is not None:
        raise ValueError(
            f"atoms_per_class is {atoms_per_class} and learner is {shown(learner)}; expected one "
            "of them to be None. Set the number of atoms of the learner."
        )


def _learned_atoms(learner, X, index, rng):
    samples = [X[index == c] for c in range(index.max() + 1)]
    models = [prepare_learner(learner, None, rng).fit(part) for part in samples]
    parts = [unit(model.components_) for model in models]
    numbers = [len(part) for part in parts]
    return IndexedAtoms(Dictionary(np.concatenate(parts)), np.repeat(range(len(parts)), numbers))
