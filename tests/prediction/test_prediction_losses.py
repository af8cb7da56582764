"""Losses of labels: gradients by differences, scikit-learn's losses, and extremes."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from sparsecode import prediction
from sparsecode.prediction import Logistic, Softmax, Square, SquaredHinge
from sparsecode.prediction.losses import LOSSES, resolve_prediction_loss
from sparsecode.testing import gradcheck

each_loss = pytest.mark.parametrize("cls", LOSSES.values(), ids=LOSSES)


def test_every_loss_has_a_name():
    named = {cls.__name__ for cls in LOSSES.values()}
    assert named == set(prediction.__all__) - {"PredictionLoss"}


@each_loss
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_gradient(cls, n_classes):
    rng = np.random.default_rng(n_classes)
    loss, labels = cls(), rng.integers(n_classes, size=9)
    targets = loss.encode(labels, n_classes)
    scores = rng.standard_normal(targets.shape)
    gradcheck(
        lambda s: loss.value(s, targets),
        lambda upstream, s: upstream[:, None] * loss.gradient(s, targets),
        scores,
    )


@each_loss
def test_float32_stays_and_huge_scores_are_finite(cls):
    loss = cls()
    targets = loss.encode(np.array([0, 1, 2]), 3).astype(np.float32)
    scores = np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype=np.float32)
    for result in (loss.value(scores, targets), loss.gradient(scores, targets)):
        assert result.dtype == np.float32 and np.isfinite(result).all()
    if loss.has_probabilities:
        shares = loss.probabilities(scores)
        assert np.isfinite(shares).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)


def test_softmax_is_the_log_loss_of_scikit_learn():
    rng = np.random.default_rng(0)
    loss, labels = Softmax(), rng.integers(4, size=20)
    scores = rng.standard_normal((20, 4))
    value = loss.value(scores, loss.encode(labels, 4)).mean()
    assert value == pytest.approx(log_loss(labels, loss.probabilities(scores), labels=range(4)))


def test_two_classes_of_softmax_are_the_logistic_loss_of_the_difference():
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(2, size=10), rng.standard_normal((10, 2))
    both, one = Softmax(), Logistic()
    difference = both.decide(scores)[:, None]
    np.testing.assert_allclose(
        both.value(scores, both.encode(labels, 2)), one.value(difference, one.encode(labels, 2))
    )
    np.testing.assert_allclose(both.probabilities(scores), one.probabilities(difference))


def test_squared_hinge_is_flat_beyond_the_margin():
    loss = SquaredHinge()
    targets = loss.encode(np.array([1, 0]), 2)
    np.testing.assert_array_equal(loss.gradient(np.array([[1.0], [-3.0]]), targets), 0)
    assert loss.value(np.array([[0.0], [1.0]]), targets).tolist() == [0.5, 2.0]


def test_names_are_resolved_and_refused():
    assert isinstance(resolve_prediction_loss("softmax", tuple(LOSSES)), Softmax)
    given = Square()
    assert resolve_prediction_loss(given, ("square",)) is given
    with pytest.raises(ValueError, match="loss is 'hinge'; expected one of 'softmax', 'square'"):
        resolve_prediction_loss("hinge", ("softmax", "square"))
    with pytest.raises(ValueError, match=r"loss is Softmax\(\); expected one of 'square'"):
        resolve_prediction_loss(Softmax(), ("square",))
    with pytest.raises(TypeError, match="loss is 3"):
        resolve_prediction_loss(3, ("square",))


def test_no_probabilities_of_a_margin():
    with pytest.raises(TypeError, match="SquaredHinge has no probabilities"):
        SquaredHinge().probabilities(np.zeros((1, 1)))
