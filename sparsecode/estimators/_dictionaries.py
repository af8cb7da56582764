"""Dictionaries that an estimator codes on: given, or learned first by another estimator."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, clone

from sparsecode._messages import shown, wrong
from sparsecode._sample_moments import refuse_layer_norm
from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.estimators.dictionary_learning import DictionaryLearning

# Largest number of samples for full-batch learning. For more it is the batch size, or twice the
# number of atoms if that is more.
_BATCH = 1024


def has_atoms(dictionary):
    """Whether `dictionary` has atoms, that is, it is neither None nor an estimator."""
    return dictionary is not None and not isinstance(dictionary, BaseEstimator)


def check_dictionary(dictionary, n_components):
    """Raise if a dictionary is not valid or has a wrong number of atoms."""
    if dictionary is None:
        return
    if isinstance(dictionary, (type, str)) or not (
        has_atoms(dictionary) or hasattr(dictionary, "fit")
    ):
        raise TypeError(
            wrong(
                "dictionary",
                got=shown(dictionary),
                expected="a Dictionary, an array of atoms, an estimator instance or None",
                remedy="Use for example DictionaryLearning(64, alpha=0.1).",
            )
        )
    if has_atoms(dictionary):
        given, what = as_dictionary(dictionary).n_components, "has"
    else:
        given, what = dictionary.get_params().get("n_components"), "learns"
    if given is not None and n_components not in (None, given):
        raise ValueError(
            f"n_components is {n_components} but the dictionary {what} {given} atoms; expected "
            "the same number. Leave n_components None."
        )


def given_dictionary(dictionary, learn_dictionary):
    """Return a dictionary, also from an array of atoms, which keep norm 1 if they are learned."""
    atoms = as_dictionary(dictionary)
    if learn_dictionary and not isinstance(dictionary, Dictionary):
        return Dictionary(atoms.atoms, constraint=UnitNorm())
    return atoms


def default_learner(n_components, n_samples, **settings):
    """Return the default `DictionaryLearning`, with batches if there are many samples."""
    batch_size = max(_BATCH, 2 * n_components)
    batch_size = batch_size if n_samples > batch_size else None
    return DictionaryLearning(n_components, batch_size=batch_size, **settings)


def prepare_learner(learner, n_components, rng):
    """Return a copy of an estimator that learns a dictionary, with a seed and `n_components`."""
    learner = clone(learner)
    refuse_layer_norm(learner, "an estimator that codes on learned atoms")
    seed = rng.randint(np.iinfo(np.int32).max)
    if learner.get_params().get("random_state", seed) is None:
        learner.set_params(random_state=seed)
    if n_components is not None:
        learner.set_params(n_components=n_components)
    return learner


def learned_dictionary(learner):
    """Return the present dictionary of an estimator, or None if it has none yet."""
    learned = getattr(learner, "dictionary_", getattr(learner, "components_", None))
    return None if learned is None else as_dictionary(learned)
