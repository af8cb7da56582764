"""Linear models of codes against scikit-learn's, which minimise the same."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

from sparsecode.prediction import Logistic, Softmax, Square, SquaredHinge
from sparsecode.prediction._linear_model import LinearModel, fit_linear_model

DECAY = 1e-2


def problem(n_classes):
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((60, 5)) * (rng.random((60, 5)) < 0.5)
    return codes, rng.integers(n_classes, size=60), rng.uniform(0.5, 2, 60)


@pytest.mark.parametrize(("loss", "n_classes"), [(Softmax(), 3), (Logistic(), 2)])
def test_logistic_regression(loss, n_classes):
    codes, labels, weight = problem(n_classes)
    targets = loss.encode(labels, n_classes)
    model = fit_linear_model(
        sparse.csr_array(codes), targets, loss, weight_decay=DECAY, sample_weight=weight
    )
    reference = LogisticRegression(C=1 / (DECAY * weight.sum()), tol=1e-9, max_iter=9999)
    reference.fit(codes, labels, sample_weight=weight)
    np.testing.assert_allclose(model.coef, reference.coef_, atol=1e-3)
    got = loss.probabilities(model.scores(codes))
    np.testing.assert_allclose(got, reference.predict_proba(codes), atol=1e-4)


def test_ridge():
    codes, _, weight = problem(2)
    targets = np.random.default_rng(1).standard_normal((60, 2))
    model = fit_linear_model(codes, targets, Square(), weight_decay=DECAY, sample_weight=weight)
    reference = Ridge(alpha=DECAY * weight.sum()).fit(codes, targets, sample_weight=weight)
    np.testing.assert_allclose(model.coef, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(model.intercept, reference.intercept_, atol=1e-5)


def test_a_start_at_the_minimum_stays_and_a_weight_counts_as_copies():
    codes, labels, _ = problem(3)
    loss = SquaredHinge()
    targets = loss.encode(labels, 3)
    weight = np.arange(60) % 3
    model = fit_linear_model(codes, targets, loss, weight_decay=DECAY, sample_weight=weight)
    rows = np.repeat(np.arange(60), weight)
    copied = fit_linear_model(codes[rows], targets[rows], loss, weight_decay=DECAY)
    np.testing.assert_allclose(copied.coef, model.coef, atol=1e-4)
    again = fit_linear_model(
        codes, targets, loss, weight_decay=DECAY, sample_weight=weight, start=model
    )
    np.testing.assert_allclose(again.coef, model.coef, atol=1e-4)
    assert LinearModel(model.coef, model.intercept).scores(codes).shape == (60, 3)
