"""Dictionaries that an estimator codes on: given, or learned first by another estimator."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, clone

from sparsecode._validation import wrong
from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.estimators.dictionary_learning import DictionaryLearning

# More samples are learned from in batches of this many or, if that is more, twice the atoms.
_BATCH = 1024


def has_atoms(dictionary):
    """Whether a dictionary is one, rather than None or an estimator that learns it."""
    return dictionary is not None and not isinstance(dictionary, BaseEstimator)


def check_dictionary(dictionary, n_components):
    """Raise if a dictionary is none, or has another number of atoms than is wanted."""
    if dictionary is None:
        return
    if isinstance(dictionary, (type, str)) or not (
        has_atoms(dictionary) or hasattr(dictionary, "fit")
    ):
        raise TypeError(
            wrong(
                "dictionary",
                got=repr(dictionary),
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
    """A dictionary, or one of an array of atoms; these stay of norm 1 if they are learned on."""
    atoms = as_dictionary(dictionary)
    if learn_dictionary and not isinstance(dictionary, Dictionary):
        return Dictionary(atoms.atoms, constraint=UnitNorm())
    return atoms


def default_learner(n_components, n_samples, **settings):
    """`DictionaryLearning`, from batches if there are many samples."""
    batch_size = max(_BATCH, 2 * n_components)
    batch_size = batch_size if n_samples > batch_size else None
    return DictionaryLearning(n_components, batch_size=batch_size, **settings)


def prepare_learner(learner, n_components, rng):
    """A copy of an estimator that learns a dictionary, with a seed, for so many atoms if known."""
    learner = clone(learner)
    seed = rng.randint(np.iinfo(np.int32).max)
    if learner.get_params().get("random_state", seed) is None:
        learner.set_params(random_state=seed)
    if n_components is not None:
        learner.set_params(n_components=n_components)
    return learner


def learned_dictionary(learner):
    """The dictionary of an estimator, as far as it has come; None if it has none yet."""
    learned = getattr(learner, "dictionary_", getattr(learner, "components_", None))
    return None if learned is None else as_dictionary(learned)
