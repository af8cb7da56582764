"""Checks of the encoder and the constraint of an estimator, before training."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer
from sparsecode._values import same_values
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import TrainableEncoder
from sparsecode.penalties import L1


def resolve_encoder(encoder, penalty, n_layers=None):
    """Return a copy of an encoder with the penalty and the number of layers of an estimator.

    With ``n_layers=None`` the number of layers does not change. It is an error if the penalty of
    the encoder is neither the default nor that of the estimator, because one of the two would be
    ignored.
    """
    if not isinstance(encoder, TrainableEncoder):
        raise TypeError(
            wrong(
                "encoder",
                got=shown(encoder),
                expected="a TrainableEncoder instance, or None",
                remedy="Use one of sparsecode.encoders, such as ReLU() or ALISTA(n_layers=8).",
            )
        )
    encoder = clone(encoder)
    name, settings = type(encoder).__name__, encoder.get_params(deep=False)
    if n_layers is not None:
        if "n_layers" not in settings:
            raise TypeError(
                f"n_layers is {n_layers} but {name} has no n_layers; expected None. Leave "
                "n_layers out."
            )
        encoder.set_params(n_layers=check_integer(n_layers, "n_layers"))
    if "penalty" in settings:
        of_encoder = encoder.penalty
        if not (same_values(of_encoder, L1()) or same_values(of_encoder, penalty)):
            raise ValueError(
                f"{name} has the penalty {shown(of_encoder)} but the estimator has "
                f"{shown(penalty)}, with alpha; expected only one of them. Leave out the penalty "
                "of the encoder."
            )
        encoder.set_params(penalty=penalty)
    encoder._check_parameters()
    return encoder


def check_params_fit(encoder, n_components, X):
    """Raise ValueError if initial parameters do not fit a dictionary of this size."""
    if encoder.params is not None and n_components is not None:
        placeholder = Dictionary.random(n_components, X.shape[1], random_state=0)
        encoder.encode(np.zeros((1, X.shape[1])), placeholder, n_jobs=1)


def check_holds_zero(constraint):
    """Return a constraint if it allows short atoms, so that atoms can start at 0 and grow."""
    if constraint.project([[1e-3]])[0, 0] > 0.5:
        raise ValueError(
            f"init is 'zero' but the constraint {constraint} does not allow atoms of small norm; "
            "expected a constraint that does. Use UnitBall() or Free(), or init='random'."
        )
    return constraint
