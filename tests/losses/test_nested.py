"""Nested widths: the mean of reconstructions from the first atoms, and its gradients."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary
from sparsecode.encoders import BatchTopK, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.testing import gradcheck
from sparsecode.training import train

WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.0])


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((9, 4)), rng.standard_normal(4))
    codes = rng.standard_normal((5, 9)) * (rng.random((5, 9)) < 0.5)
    return rng.standard_normal((5, 4)), dictionary, codes


def evaluate(loss, X, dictionary, codes):
    return loss.evaluate(X, dictionary, codes, sample_weight=WEIGHT, dictionary_grads=True)


@pytest.mark.parametrize("levels", [(2, 5, None), (1, 9), [None]])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
def test_is_the_mean_of_losses_of_cut_dictionaries(problem, levels, convert):
    """Value and gradients, each width evaluated by itself."""
    X, dictionary, codes = problem
    found = evaluate(AutoencoderLoss(levels=levels), X, dictionary, convert(codes))
    value, dcodes, atoms, offset = 0.0, np.zeros((5, 9)), np.zeros((9, 4)), np.zeros(4)
    for level in levels:
        n = 9 if level is None else level
        cut = Dictionary(dictionary.atoms[:n], dictionary.offset)
        one = evaluate(AutoencoderLoss(), X, cut, codes[:, :n])
        value += one.value / len(levels)
        dcodes[:, :n] += one.dcodes / len(levels)
        atoms[:n] += np.asarray(one.grads["atoms"]) / len(levels)
        offset += one.grads["offset"] / len(levels)
    assert found.value == pytest.approx(value, rel=1e-12)
    is_sparse = sparse.issparse(found.dcodes)
    stored = dcodes * (codes != 0) if is_sparse else dcodes
    got = found.dcodes.toarray() if is_sparse else found.dcodes
    np.testing.assert_allclose(got, stored, atol=1e-12)
    np.testing.assert_allclose(np.asarray(found.grads["atoms"]), atoms, atol=1e-12)
    np.testing.assert_allclose(found.grads["offset"], offset, atol=1e-12)


@pytest.mark.parametrize("levels", [(2, 5, None), (1, 4, 6, 7, 9), (None,)])
def test_columns_in_any_order(problem, levels, rng):
    """The gradient has the entries of the codes, in their order; the codes are left alone."""
    X, dictionary, codes = problem
    loss, codes = AutoencoderLoss([L1(0.3)], levels=levels), sparse.csr_array(codes)
    starts = codes.indptr
    order = np.concatenate(
        [start + rng.permutation(end - start) for start, end in pairwise(starts)]
    )
    parts = codes.data[order], codes.indices[order], starts
    mixed = sparse.csr_array(parts, shape=codes.shape)
    assert not mixed.has_sorted_indices
    found, expected = (evaluate(loss, X, dictionary, given) for given in (mixed, codes))
    np.testing.assert_array_equal(mixed.indices, codes.indices[order])
    np.testing.assert_array_equal(found.dcodes.indices, mixed.indices)
    np.testing.assert_allclose(found.dcodes.data, expected.dcodes.data[order], atol=1e-12)
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    for name, grad in expected.grads.items():
        np.testing.assert_allclose(np.asarray(found.grads[name]), np.asarray(grad), atol=1e-12)


def test_gradients(problem):
    X, dictionary, codes = problem
    loss = AutoencoderLoss([L1(0.3)], levels=(2, 5, None))
    codes = codes + 2.0

    def function(codes, atoms, offset):
        return evaluate(loss, X, Dictionary(atoms, offset), codes).value

    def backward(upstream, codes, atoms, offset):
        result = evaluate(loss, X, Dictionary(atoms, offset), codes)
        found = result.dcodes, np.asarray(result.grads["atoms"]), result.grads["offset"]
        return [upstream * grad for grad in found]

    gradcheck(function, backward, codes, dictionary.atoms, dictionary.offset)


def test_blocks_of_the_gradient_of_atoms_may_cut_levels(rng, monkeypatch):
    dictionary = Dictionary(rng.standard_normal((70, 4)))
    X, codes = rng.standard_normal((5, 4)), rng.standard_normal((5, 70))
    loss = AutoencoderLoss(levels=(3, 20, 33, None))
    whole = np.asarray(evaluate(loss, X, dictionary, codes).grads["atoms"])
    # Blocks of 16 rows, with edges of levels inside of some.
    monkeypatch.setattr("sparsecode._factored_gradients._BLOCK_BYTES", 1)
    for given in (codes, sparse.csr_array(codes)):
        parts = evaluate(loss, X, dictionary, given).grads["atoms"]
        np.testing.assert_allclose(np.asarray(parts), whole, atol=1e-13)


@pytest.mark.parametrize(
    "levels", [(), (3, 3, None), (5, 2, 9), (2, 5), (0, None), (2, 12), 4, "a", {2, 9}, np.array(9)]
)
def test_refuses_levels(problem, levels):
    X, dictionary, codes = problem
    with pytest.raises(ValueError, match=r"levels is .*; expected increasing numbers.*end with 9"):
        evaluate(AutoencoderLoss(levels=levels), X, dictionary, codes)


@pytest.mark.needs_jit("hundreds of steps")
@pytest.mark.parametrize("encoder", [TopK(k=2), BatchTopK(k=2)], ids=repr)
def test_the_first_atoms_learn_the_most_common(rng, encoder):
    """Cut off to its first atoms, a nested model explains more than one that is not."""
    atoms = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    X = (rng.random((600, 12)) < 0.5 * 0.75 ** np.arange(12)) * 1.0 @ atoms
    start = Dictionary.random(12, 12, random_state=0)
    errors = {}
    for levels in (None, (4, None)):
        *_, last = train(
            encoder,
            start,
            X,
            loss=AutoencoderLoss(levels=levels),
            n_epochs=40,
            batch_size=100,
            optimizer=Adam(lambda step: 1e-2),
            learn_dictionary=True,
            random_state=0,
        )
        codes = encoder.bind(last.params).encode(X, last.dictionary)[:, :4]
        cut = Dictionary(last.dictionary.atoms[:4], last.dictionary.offset)
        errors[levels] = ((X - cut.decode(codes)) ** 2).sum()
    assert errors[4, None] < 0.9 * errors[None]
