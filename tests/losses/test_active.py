"""Terms of thresholds: their values by definition; gradients are in test_encoder_loss_gradients."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.encoders import JumpReLU, ReLU
from sparsecode.losses import (
    ActiveUnits,
    AutoencoderLoss,
    InactiveMargin,
    LossContext,
    TargetActiveUnits,
)

WEIGHT = np.array([0.5, 2.0, 0.0, 1.0])


@pytest.fixture
def case(rng):
    dictionary = Dictionary(rng.standard_normal((6, 3)))
    X, encoder = rng.standard_normal((4, 3)), JumpReLU(threshold_init=0.5)
    names = ("active", "margin")
    codes, cache = encoder.forward(encoder.init(dictionary), X, dictionary, signals=names)
    return X, dictionary, codes, LossContext(step=3, signals=cache.signals)


def evaluate(case, term, weight=WEIGHT):
    X, dictionary, codes, context = case
    return AutoencoderLoss([term]).evaluate(
        X, dictionary, codes, sample_weight=weight, dictionary_grads=True, context=context
    )


def test_active_units_are_a_weighted_count(case):
    counts = np.count_nonzero(case[2], axis=1)
    l0 = counts @ WEIGHT / WEIGHT.sum()
    assert evaluate(case, ActiveUnits(0.3)).terms["activeunits"] == pytest.approx(0.3 * l0)
    plain = evaluate(case, ActiveUnits(lambda step: 0.1 * step), None)
    assert plain.terms["activeunits"] == pytest.approx(0.3 * counts.mean())
    target = evaluate(case, TargetActiveUnits(1.7, weight=0.5))
    assert target.terms["targetactiveunits"] == pytest.approx(0.5 * (l0 / 1.7 - 1) ** 2)


def test_the_gradient_of_a_count_is_the_same_for_all_entries(case):
    share = (WEIGHT / WEIGHT.sum())[:, None] * np.ones(6)
    found = evaluate(case, ActiveUnits(0.3)).dsignals["active"]
    np.testing.assert_allclose(found, 0.3 * share)
    l0 = (np.count_nonzero(case[2], axis=1) * WEIGHT).sum() / WEIGHT.sum()
    found = evaluate(case, TargetActiveUnits(l0)).dsignals["active"]
    np.testing.assert_allclose(found, 0, atol=1e-15)
    for target in (l0 + 1, l0 / 2):
        found = evaluate(case, TargetActiveUnits(target, weight=0.3)).dsignals["active"]
        np.testing.assert_allclose(found, 0.3 * 2 * (l0 / target - 1) / target * share)


def test_inactive_margin_by_its_formula(case):
    X, dictionary, codes, context = case
    below = 0.5 - X @ dictionary.atoms.T
    cost = (np.maximum(below, 0) * np.linalg.norm(dictionary.atoms, axis=1)).sum(axis=1)
    found = evaluate(case, InactiveMargin(0.1))
    expected = 0.1 * cost @ WEIGHT / WEIGHT.sum()
    assert found.terms["inactivemargin"] == pytest.approx(expected)
    assert not found.dsignals["margin"][codes > 0].any()
    zero = Dictionary(np.zeros((6, 3)))
    result = AutoencoderLoss([InactiveMargin()]).evaluate(
        X, zero, codes, context=context, dictionary_grads=True
    )
    np.testing.assert_allclose(np.asarray(result.grads["atoms"])[:, 0], codes.T @ -X[:, 0] / 4)


def test_refuses(case):
    with pytest.raises(ValueError, match="target of TargetActiveUnits is 0"):
        evaluate(case, TargetActiveUnits(0))
    with pytest.raises(ValueError, match="weight of ActiveUnits"):
        evaluate(case, ActiveUnits(-1.0))
    with pytest.raises(ValueError, match="signal of ReLU is 'active'"):
        ReLU().forward(
            ReLU().init(case[1]), case[0], case[1], signals=AutoencoderLoss(ActiveUnits()).needs
        )
