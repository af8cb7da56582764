"""Training of an unrolled network: its plan, its dictionary and its initial model."""

from __future__ import annotations

from sparsecode import encoders
from sparsecode._batches import Batch
from sparsecode._row_blocks import dense_rows
from sparsecode.constraints import UnitNorm
from sparsecode.dictionary import Dictionary, promote
from sparsecode.estimators._base import check_features
from sparsecode.estimators._code_losses import check_codes_to_learn, resolve_code_loss
from sparsecode.estimators._dictionaries import (
    check_dictionary,
    default_learner,
    given_dictionary,
    has_atoms,
    learned_dictionary,
    prepare_learner,
)
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._network_scaling import network_scaling
from sparsecode.estimators._pieces import check_params_fit, resolve_encoder
from sparsecode.estimators._plan import check_sizes, plan_training
from sparsecode.penalties.base import resolve_penalty
from sparsecode.training.norm_outliers import resolve_outliers

# Number of samples in the check for codes that are all zero.
_LOOKED_AT = 1000


def plan_network(estimator, model):
    """Return the training plan of a `LISTA`; that of a fitted `model` is the same."""
    check_sizes(estimator)
    check_dictionary(estimator.dictionary, estimator.n_components)
    penalty = resolve_penalty(estimator.penalty, estimator.alpha)
    encoder = encoders.LISTA() if estimator.encoder is None else estimator.encoder
    encoder = resolve_encoder(encoder, penalty, estimator.n_layers)
    loss = resolve_code_loss(estimator.loss, penalty)
    plan = plan_training(
        estimator,
        encoder,
        penalty,
        loss,
        learn_dictionary=estimator.learn_dictionary,
        judged_by_loss=False,
        stages=estimator.stages,
        outliers=resolve_outliers(estimator.outliers),
    )
    if plan.learn_dictionary and loss.uses_target:
        raise ValueError(
            f"learn_dictionary is True but {type(loss).__name__} compares codes on a given "
            "dictionary; expected a loss of the codes and the dictionary, such as 'unsupervised'. "
            "Change the loss, or learn the dictionary first."
        )
    if has_atoms(estimator.dictionary):
        plan.check_dictionary(given_dictionary(estimator.dictionary, plan.learn_dictionary))
    elif estimator.dictionary is None:
        # Learned atoms have this constraint.
        plan.check_dictionary(Dictionary([[1.0]], constraint=UnitNorm()))
    return plan


def begin_network(estimator, plan, batch, rng):
    """Start training with the given dictionary, or with one that is learned first."""
    X, sample_weight = batch.X, batch.sample_weight
    if has_atoms(estimator.dictionary):
        dictionary = given_dictionary(estimator.dictionary, plan.learn_dictionary)
        check_features(X, dictionary)
        check_params_fit(plan.encoder, dictionary.n_components, X)
        estimator._start(first_network(plan, promote(dictionary, X), batch, rng))
        return
    learner = learner_of(estimator, X, rng)
    check_params_fit(plan.encoder, learner.get_params().get("n_components"), X)
    try:
        learner.fit(X, **({} if sample_weight is None else {"sample_weight": sample_weight}))
    finally:
        # Also after an interrupt, so that the estimator can code with the atoms so far.
        dictionary = learned_dictionary(learner)
        if dictionary is not None:
            estimator._start(first_network(plan, dictionary, batch, rng))


def read_pairs(estimator, plan, item, sample_weight, codes, *, first):
    """Return a batch of samples, their weights, and the codes to learn if there are any."""
    X, sample_weight = estimator._check_samples(item, sample_weight, reset=first)
    if codes is not None:
        codes = check_codes_to_learn(codes, X, estimator.dictionary, plan.loss)
    return Batch(X, sample_weight, codes)


def codes_nothing(estimator, X):
    """Return True if the codes of the first samples are all zero, on given atoms.

    A learner of the dictionary warns itself.
    """
    if not has_atoms(estimator.dictionary):
        return False
    some = dense_rows(X, slice(0, _LOOKED_AT), estimator.dictionary_.dtype)
    return not estimator.encoder_.encode(some, estimator.dictionary_, n_jobs=estimator.n_jobs).any()


def first_network(plan, dictionary, batch, rng):
    """Return the initial model, with a scaling computed from the samples of a batch."""
    encoder, learns = plan.encoder, plan.learn_dictionary
    scaling = network_scaling(encoder, plan.loss, dictionary, batch, learn_dictionary=learns)
    if encoder.params is None:
        network, scaled = scaling.network(encoder, dictionary)
        params = network.init(scaled, random_state=rng)
        encoder, _ = scaling.from_training(encoder.bind(params), dictionary, dictionary)
    return FittedModel(encoder, dictionary, plan.penalty, scaling)


def learner_of(estimator, X, rng):
    """Return the estimator that learns the dictionary, unfitted."""
    if estimator.dictionary is not None:
        return prepare_learner(estimator.dictionary, estimator.n_components, rng)
    n_components = estimator.n_components
    n_components = X.shape[1] if n_components is None else n_components
    learner = default_learner(
        n_components,
        X.shape[0],
        penalty=estimator.penalty,
        alpha=estimator.alpha,
        verbose=estimator.verbose,
        n_jobs=estimator.n_jobs,
    )
    return prepare_learner(learner, n_components, rng)
