"""The encoder and the dictionary that an estimator is given, checked before any work."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, clone

from sparsecode._validation import check_code_rows, check_integer, wrong
from sparsecode.dictionary import Dictionary, as_dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.encoders.base import same_values
from sparsecode.penalties import L1


def resolve_encoder(encoder, penalty, n_layers):
    """A copy of an encoder, with the penalty and the number of layers of an estimator.

    `n_layers` None leaves those it has. A penalty of its own that is neither the default nor that
    of the estimator is an error, as one of the two would be ignored.
    """
    if not isinstance(encoder, TrainableEncoder):
        raise TypeError(
            wrong(
                "encoder",
                got=repr(encoder),
                expected="a TrainableEncoder instance, or None",
                remedy="Use one of sparsecode.encoders, such as ReLU() or ALISTA(n_layers=8).",
            )
        )
    encoder = clone(encoder)
    name, settings = type(encoder).__name__, encoder.get_params(deep=False)
    if n_layers is not None:
        if "n_layers" not in settings:
            raise TypeError(f"n_layers is {n_layers} but {name} has no n_layers. Leave it None.")
        encoder.set_params(n_layers=check_integer(n_layers, "n_layers"))
    if "penalty" in settings:
        own = encoder.penalty
        if not (same_values(own, L1()) or same_values(own, penalty)):
            raise ValueError(
                f"{name} has the penalty {own!r} but the estimator has {penalty!r}, alpha "
                "included; expected one of the two only. Leave out that of the encoder."
            )
        encoder.set_params(penalty=penalty)
    encoder._check_parameters()
    return encoder


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


def check_params_fit(encoder, n_components, X):
    """Raise ValueError if parameters that training starts from fit no dictionary of this size."""
    if encoder.params is not None and n_components is not None:
        placeholder = Dictionary.random(n_components, X.shape[1], random_state=0)
        encoder.encode(np.zeros((1, X.shape[1])), placeholder, n_jobs=1)


def check_holds_zero(constraint):
    """Return a constraint if atoms can be short in it, so that they can start at 0 and grow."""
    if constraint.project([[1e-3]])[0, 0] > 0.5:
        raise ValueError(
            f"init is 'zero' but the constraint {constraint} holds no short atoms; expected one "
            "that does. Use UnitBall() or Free(), or init='random'."
        )
    return constraint


def check_codes_to_learn(codes, X, dictionary, loss):
    """Given codes of samples, checked, as the targets of a loss; None if there are none."""
    if codes is None:
        return None
    if not has_atoms(dictionary):
        raise ValueError(
            "codes were given but the dictionary is learned; expected codes on a dictionary "
            "that is given too. Give the dictionary, or leave codes out."
        )
    if not loss.uses_target:
        raise ValueError(
            f"codes were given but {type(loss).__name__} compares with none. Leave them out, "
            "or use loss='supervised'."
        )
    return check_code_rows(codes, X.shape[0], as_dictionary(dictionary).n_components)
