"""Decoders that are trained with an encoder: their plan and their initial atoms."""

from __future__ import annotations

from sparsecode.constraints import check_constraint
from sparsecode.encoders import ReLU
from sparsecode.estimators._pieces import resolve_encoder
from sparsecode.estimators._plan import check_sizes, plan_training
from sparsecode.estimators._sparsity import check_signals, resolve_loss, set_target
from sparsecode.initialization import initial_dictionary, initial_offset
from sparsecode.penalties.base import resolve_penalty
from sparsecode.training.checks import check_activity, check_corruption, check_patience
from sparsecode.training.norm_outliers import resolve_outliers


def plan_with_decoder(estimator, make_loss, *, target_l0=None, first_penalty=None, **pieces):
    """Return the training plan of an estimator that trains encoder and decoder together.

    Parameters
    ----------
    estimator : estimator
    make_loss : callable
        Function that makes the loss of the plan from the resolved one.
    target_l0 : float or None, default=None
    first_penalty : Penalty or None, default=None
        Penalty from which a search for the target starts, instead of that of the parameters.
    **pieces : dict
        Other fields of the plan.

    Returns
    -------
    plan : TrainingPlan
    """
    check_sizes(estimator)
    outliers = resolve_outliers(estimator.outliers)
    if estimator.constraint is not None:
        check_constraint(estimator.constraint)
    penalty = resolve_penalty(estimator.penalty, estimator.alpha)
    encoder = resolve_encoder(ReLU() if estimator.encoder is None else estimator.encoder, penalty)
    set_target(encoder, target_l0)
    first = first_penalty
    if target_l0 is None or first is None or not first.alpha > 0:
        first = penalty
    resolved = resolve_loss(estimator.loss, encoder, first, target_l0)
    loss = make_loss(resolved)
    plan = plan_training(
        estimator,
        encoder,
        penalty,
        loss,
        learn_dictionary=True,
        judged_by_loss=True,
        outliers=outliers,
        **pieces,
    )
    check_signals(resolved, encoder)
    check_patience(plan.patience, loss, encoder)
    check_corruption(plan.corrupt)
    check_activity(plan.replacement, plan.dead_window, encoder, plan.optimizer, True, loss)
    return plan


def n_components_of(estimator, X):
    """Return the number of atoms of an estimator."""
    if estimator.n_components is not None:
        return estimator.n_components
    init = estimator.init
    given = not (init is None or isinstance(init, str))
    return len(getattr(init, "atoms", init)) if given else X.shape[1]


def first_dictionary(estimator, targets, n_components, sample_weight, rng):
    """Return initial atoms and offset for samples to reconstruct."""
    # A dictionary already has an offset, so that none is computed.
    has_one = getattr(estimator.init, "offset", None) is not None
    return initial_dictionary(
        estimator.init,
        targets,
        n_components,
        constraint=estimator.constraint,
        offset=None if has_one else first_offset(estimator, targets, sample_weight),
        sample_weight=sample_weight,
        random_state=rng,
    )


def first_offset(estimator, targets, sample_weight):
    """Return the initial offset: the given one, or a mean of samples."""
    if estimator.offset is not None and not isinstance(estimator.offset, str):
        return estimator.offset
    return initial_offset(estimator.offset, targets, sample_weight)
