"""The weight follows the number of nonzeros, in training only, and is the weight of the term."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import LeakyReLU, ReLU
from sparsecode.losses import AutoencoderLoss, Hoyer, LossContext, PenaltyTerm, TargetL0
from sparsecode.penalties import L1


@pytest.fixture
def problem(rng):
    codes = rng.uniform(0.5, 1.5, size=(4, 5)) * (rng.random((4, 5)) < 0.7)
    return rng.standard_normal((4, 3)), Dictionary(rng.standard_normal((5, 3))), codes


def test_starts_as_the_term_and_follows_the_error(problem):
    X, dictionary, codes = problem
    loss = AutoencoderLoss([TargetL0(L1(0.3), target=1.5, rate=0.1, boost=0.2)])
    plain = AutoencoderLoss([L1(0.3)])
    memory = loss.init(dictionary)
    context = LossContext(memory=memory, training=True)
    first = loss.evaluate(X, dictionary, codes, context=context)
    expected = plain.evaluate(X, dictionary, codes)
    assert first.value == expected.value
    np.testing.assert_array_equal(first.dcodes, expected.dcodes)
    error = np.log((codes != 0).sum(axis=1).mean() / 1.5)
    assert 0 < error < 1
    second = loss.evaluate(X, dictionary, codes, context=context)
    assert second.terms["penalty"] / first.terms["penalty"] == pytest.approx(np.exp(0.3 * error))
    third = loss.evaluate(X, dictionary, codes, context=context)
    assert third.terms["penalty"] / first.terms["penalty"] == pytest.approx(np.exp(0.4 * error))


def test_the_last_batch_has_a_tenth_of_the_running_mean(problem):
    X, dictionary, _ = problem
    loss = AutoencoderLoss([TargetL0(L1(0.3), target=1.5, rate=0.1)])
    memory = loss.init(dictionary)
    context = LossContext(memory=memory, training=True)
    means, weight = [], 0.0
    for n_nonzero in (4, 1, 1):
        codes = np.zeros((4, 5))
        codes[:, :n_nonzero] = 1
        loss.evaluate(X, dictionary, codes, context=context)
        means.append(float(memory["0.l0"]))
        weight += 0.1 * np.log(means[-1] / 1.5)
    np.testing.assert_allclose(means, [4, 0.9 * 4 + 0.1, 0.9 * 3.7 + 0.1])
    assert float(memory["0.log_weight"]) == pytest.approx(weight)


def test_judging_does_not_move_the_weight(problem):
    X, dictionary, codes = problem
    loss = AutoencoderLoss([TargetL0(L1(0.3), target=1.5)])
    memory = loss.init(dictionary)
    values = [
        loss.evaluate(X, dictionary, codes, context=LossContext(memory=memory)).value
        for _ in range(2)
    ]
    assert values[0] == values[1] == loss.evaluate(X, dictionary, codes).value


def test_stored_zeros_are_not_active(problem):
    X, dictionary, codes = problem
    loss = AutoencoderLoss([TargetL0(L1(0.3), target=1.5)])
    stored = sparse.csr_array(np.ones_like(codes))
    stored.data[:] = codes.ravel()
    assert stored.nnz > np.count_nonzero(codes)
    found = []
    for given in (codes, stored):
        memory = loss.init(dictionary)
        context = LossContext(memory=memory, training=True)
        loss.evaluate(X, dictionary, given, context=context)
        found.append((float(memory["0.l0"]), float(memory["0.log_weight"])))
    assert found[0] == found[1] and found[0][0] == np.count_nonzero(codes) / len(codes)


def test_any_term(problem):
    X, dictionary, codes = problem
    plain = AutoencoderLoss([Hoyer(0.4)]).evaluate(X, dictionary, codes)
    wrapped = AutoencoderLoss([TargetL0(Hoyer(0.4))]).evaluate(X, dictionary, codes)
    assert wrapped.terms == plain.terms
    np.testing.assert_array_equal(wrapped.dcodes, plain.dcodes)


@pytest.mark.needs_jit("trains")
@pytest.mark.parametrize("target", [2.0, 5.0])
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_reaches_the_target_from_any_weight(target, alpha):
    X = make_sparse_signals(2000, 20, 10, n_nonzero=2, random_state=0).X
    loss = AutoencoderLoss([TargetL0(PenaltyTerm(L1(alpha)), target=target)])
    model = SparseAutoencoder(20, encoder=ReLU(), loss=loss, n_epochs=200, random_state=0).fit(X)
    l0 = (model.transform(X) != 0).sum(axis=1).mean()
    assert l0 == pytest.approx(target, rel=0.2)


def test_errors():
    X = np.ones((4, 3))
    with pytest.raises(ValueError, match="target of TargetL0"):
        model = SparseAutoencoder(5, encoder=LeakyReLU(), loss=AutoencoderLoss([TargetL0()]))
        model.fit(X)
    with pytest.raises(ValueError, match="rate"):
        TargetL0(rate=0.0, target=1.0).init(Dictionary(np.eye(3)))
    for target in (0, -1.0):
        with pytest.raises(ValueError, match="target is"):
            TargetL0(target=target).init(Dictionary(np.eye(3)))
    TargetL0(target=3).init(Dictionary(np.eye(3)))
