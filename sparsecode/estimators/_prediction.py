"""Training of a transcoder: its plan, its samples and targets, and its initial model."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sparsecode._batches import Batch
from sparsecode._collections import by_chunks
from sparsecode._messages import shown, wrong
from sparsecode._row_products import row_product
from sparsecode._typing import MatrixLike
from sparsecode._validation import check_flag, common_dtype
from sparsecode.constraints import UnitBall
from sparsecode.dictionary import Dictionary
from sparsecode.encoders._inputs import InputEncoder
from sparsecode.estimators._decoder import (
    first_dictionary,
    first_offset,
    n_components_of,
    plan_with_decoder,
)
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.estimators._pieces import check_holds_zero, check_params_fit
from sparsecode.estimators._sparsity import judging_penalty
from sparsecode.estimators._targets import check_targets, split_item
from sparsecode.losses import AutoencoderLoss
from sparsecode.losses._transcoder import TranscoderLoss


def plan_transcoder(estimator, model):
    """Return the training plan of a `Transcoder`; that of a fitted `model` is the same."""
    skip = check_flag(estimator.skip, "skip")
    plan = plan_with_decoder(estimator, lambda loss: _predicting(loss, skip), judges_targets=True)
    if _starts_at_zero(estimator):
        plan.check_dictionary(Dictionary([[0.0]], constraint=_constraint_of_zero(estimator)))
    return plan


def read_pair(estimator, plan, item, sample_weight, codes, *, first):
    """Return the samples and targets of a tuple, checked, as a `Batch`."""
    X, y = split_item(item, type(estimator).__name__)
    X, sample_weight = estimator._check_samples(X, sample_weight, reset=first)
    y, flat = check_targets(X, y)
    if first:
        estimator._is_flat = flat
    elif y.shape[1] != estimator.dictionary_.n_features:
        raise ValueError(
            f"y has {y.shape[1]} targets but {type(estimator).__name__} was fitted to "
            f"{estimator.dictionary_.n_features}; expected the same number. Call fit to start "
            "again."
        )
    return Batch(X, sample_weight, y)


def begin_transcoder(estimator, plan, batch, rng):
    """Start training with the initial model for the samples and targets of a batch."""
    X, encoder = batch.X, plan.encoder
    n_components = n_components_of(estimator, X)
    InputEncoder(encoder).check_reads_samples(n_components)
    check_params_fit(encoder, n_components, X)
    dictionary = _first_dictionary(estimator, batch, n_components, rng)
    dictionary = dictionary.astype(common_dtype(X))
    reader = InputEncoder(encoder.bind(None), X.shape[1], estimator.skip)
    params = reader.init(dictionary, random_state=rng)
    if encoder.params is not None:
        params |= encoder.params
    model = FittedModel(reader.bind(params), dictionary, judging_penalty(plan.loss))
    estimator._start(model)


def _first_dictionary(estimator, batch, n_components, rng):
    targets, weight = batch.target, batch.sample_weight
    if _starts_at_zero(estimator):
        offset = first_offset(estimator, targets, weight)
        atoms = np.zeros((n_components, targets.shape[1]))
        return Dictionary(atoms, offset, _constraint_of_zero(estimator))
    return first_dictionary(estimator, targets, n_components, weight, rng)


def _starts_at_zero(estimator):
    return isinstance(estimator.init, str) and estimator.init == "zero"


def _constraint_of_zero(estimator):
    """Return the constraint, if atoms can start at 0 and grow in it."""
    constraint = estimator.constraint
    return check_holds_zero(UnitBall() if constraint is None else constraint)


@by_chunks("coding.predict")
def predict(self: Any, X: MatrixLike) -> np.ndarray:
    """Predict targets: ``transform(X) @ components_ + offset``, plus ``X @ skip_``.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)

    Returns
    -------
    y_hat : ndarray of shape (n_samples, n_targets), or (n_samples,) if `fit` had such targets
    """
    X, encoder = self._check_X(X), self.encoder_
    codes = encoder.encode(X, self.dictionary_, sparse_output=encoder.is_sparse, n_jobs=self.n_jobs)
    predicted = self.dictionary_.decode(codes)
    if self.skip_ is not None:
        predicted += X @ self.skip_ if sparse.issparse(X) else row_product(X, self.skip_)
    return predicted[:, 0] if self._is_flat else predicted


def _predicting(loss, skip):
    """Return the loss of predictions, with the terms of a loss of reconstructions."""
    if not isinstance(loss, AutoencoderLoss):
        raise TypeError(
            wrong(
                "loss",
                got=shown(loss),
                expected="an AutoencoderLoss, or None",
                remedy="Use for example AutoencoderLoss([L1(0.1)]).",
            )
        )
    if loss.output is not None:
        raise ValueError(
            f"loss has the output {shown(loss.output)}; expected None, as the predictions of a "
            "Transcoder are linear in the codes. Leave output out."
        )
    return TranscoderLoss(**loss.get_params(deep=False), skip=skip)
