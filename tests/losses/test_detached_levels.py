"""Nested widths of which each counts the narrower ones as constants."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.losses import AutoencoderLoss
from sparsecode.testing import gradcheck

EDGES = [(0, 2), (2, 5), (5, 9)]
LEVELS = (2, 5, None)
WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.0])


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((9, 4)), rng.standard_normal(4))
    return rng.standard_normal((5, 4)), dictionary, rng.standard_normal((5, 9))


def frozen(problem, codes, atoms, offset):
    """The loss with what a width adds as a variable, and all of the narrower ones fixed."""
    X, dictionary, base = problem
    total, share = 0.0, WEIGHT / WEIGHT.sum()
    for level, (first, last) in enumerate(EDGES):
        inner = base[:, :first] @ dictionary.atoms[:first]
        inner = inner + (offset if level == 0 else dictionary.offset)
        r = X - inner - codes[:, first:last] @ atoms[first:last]
        total += share @ np.square(r).sum(axis=1) / 2 / len(EDGES)
    return total


@pytest.mark.parametrize("tilt", [0.0, 0.3])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
def test_value_is_that_of_the_levels(problem, convert, tilt):
    X, dictionary, codes = problem
    values = [
        AutoencoderLoss(levels=LEVELS, detach_levels=detach, tilt=tilt).evaluate(
            X, dictionary, convert(codes), sample_weight=WEIGHT
        )
        for detach in (False, True)
    ]
    assert values[0].value == pytest.approx(values[1].value, rel=1e-12)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
def test_gradients_are_those_with_narrower_widths_fixed(problem, convert):
    X, dictionary, codes = problem
    loss = AutoencoderLoss(levels=LEVELS, detach_levels=True)
    found = loss.evaluate(
        X, dictionary, convert(codes), sample_weight=WEIGHT, dictionary_grads=True
    )
    dcodes = found.dcodes.toarray() if sparse.issparse(found.dcodes) else found.dcodes
    grads = dcodes, np.asarray(found.grads["atoms"]), found.grads["offset"]

    def backward(upstream, *arrays):
        return tuple(upstream * grad for grad in grads)

    arrays = codes, dictionary.atoms, dictionary.offset
    assert gradcheck(lambda *given: frozen(problem, *given), backward, *arrays) < 1e-6


def test_one_level_has_nothing_to_detach(problem):
    X, dictionary, codes = problem
    one, plain = (
        loss.evaluate(X, dictionary, codes, dictionary_grads=True)
        for loss in (AutoencoderLoss(levels=(None,), detach_levels=True), AutoencoderLoss())
    )
    assert one.value == pytest.approx(plain.value, rel=1e-12)
    np.testing.assert_allclose(one.dcodes, plain.dcodes, rtol=1e-12)


def test_there_must_be_levels(problem):
    with pytest.raises(ValueError, match="detach_levels is True but levels is None"):
        AutoencoderLoss(detach_levels=True).init(problem[1])
    with pytest.raises(ValueError, match=r"levels is \(2, 12, None\); expected increasing"):
        AutoencoderLoss(levels=(2, 12, None), detach_levels=True).init(problem[1])
