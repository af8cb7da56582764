"""Fitted models of exact codes on a dictionary, for estimators with a penalty and a solver."""

from __future__ import annotations

from typing import NamedTuple

from sparsecode._parameters import leaves_of
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Exact
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.penalties.base import resolve_penalty
from sparsecode.solvers._default_solver import resolve_solver


class Resolved(NamedTuple):
    """Model with the parameters and the dictionary that it was made from."""

    parameters: tuple
    dictionary: Dictionary
    model: FittedModel


def exact_model(estimator):
    """Return the model of an estimator; it is made again only if parameters or atoms changed.

    An estimator calls it at the end of `fit`, so that coding does not change the estimator.

    Parameters
    ----------
    estimator : estimator
        Estimator with `penalty`, `alpha`, `solver`, `missing` and `dictionary_`.
    """
    parameters, dictionary = leaves_of(estimator), estimator.dictionary_
    made = vars(estimator).get("_resolved")
    if made is None or made.dictionary is not dictionary or made.parameters != parameters:
        penalty = resolve_penalty(estimator.penalty, estimator.alpha)
        encoder = Exact(penalty, resolve_solver(estimator.solver, penalty))
        model = FittedModel(encoder, dictionary, penalty, missing=estimator.missing is not None)
        made = Resolved(parameters, dictionary, model)
        vars(estimator)["_resolved"] = made
    return made.model
