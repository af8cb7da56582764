"""Penalties of codes times the norms of their atoms."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import Free
from sparsecode.losses import AutoencoderLoss, NormWeighted, PenaltyTerm
from sparsecode.penalties import L1, GroupL1, Tanh


def test_value_and_gradient_in_the_atoms_are_those_of_the_formula(rng):
    atoms, codes = rng.standard_normal((4, 3)), rng.uniform(0.1, 1, (5, 4))
    dictionary, X = Dictionary(atoms, constraint=Free()), rng.standard_normal((5, 3))
    norms = np.linalg.norm(atoms, axis=1)
    plain = AutoencoderLoss().evaluate(X, dictionary, codes, dictionary_grads=True)
    found = AutoencoderLoss([NormWeighted(L1(0.3))]).evaluate(
        X, dictionary, codes, dictionary_grads=True
    )
    assert found.value - plain.value == pytest.approx(0.3 * (codes @ norms).mean())
    added = np.asarray(found.grads["atoms"]) - np.asarray(plain.grads["atoms"])
    expected = 0.3 * codes.mean(axis=0)[:, None] * atoms / norms[:, None]
    np.testing.assert_allclose(added, expected, rtol=1e-10)


def test_tanh_of_size_times_norm():
    dictionary = Dictionary([[3.0, 4.0]], constraint=Free())
    loss = AutoencoderLoss([NormWeighted(Tanh(0.5, 4.0))])
    terms = loss(np.array([[0.3, 0.4]]), dictionary, np.array([[0.1]]))[1]
    assert terms["normweighted"] == pytest.approx(0.5 * np.tanh(4 * 0.1 * 5))


def test_rescaling_codes_against_atoms_changes_nothing(rng):
    atoms, codes, X = rng.standard_normal((4, 3)), rng.uniform(0.1, 1, (5, 4)), rng.normal(size=3)
    loss, scale = AutoencoderLoss([NormWeighted(L1(0.3))]), np.array([2.0, 0.5, 3.0, 1.0])
    before = loss(X[None] * np.ones((5, 1)), Dictionary(atoms, constraint=Free()), codes)[0]
    scaled = Dictionary(atoms * scale[:, None], constraint=Free())
    assert loss(X[None] * np.ones((5, 1)), scaled, codes / scale)[0] == pytest.approx(before)


def test_with_atoms_of_norm_one_it_is_the_penalty(rng):
    dictionary, codes = Dictionary.random(4, 3, random_state=0), rng.uniform(0.1, 1, (5, 4))
    X = rng.standard_normal((5, 3))
    values = [
        AutoencoderLoss([term(L1(0.3))])(X, dictionary, codes)[0]
        for term in (NormWeighted, PenaltyTerm)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_an_atom_of_norm_zero_has_no_direction(rng):
    dictionary = Dictionary(np.zeros((2, 3)), constraint=Free())
    result = AutoencoderLoss([NormWeighted(L1(0.3))]).evaluate(
        rng.standard_normal((4, 3)), dictionary, np.zeros((4, 2)), dictionary_grads=True
    )
    assert not np.asarray(result.grads["atoms"]).any()


def test_a_penalty_of_groups_is_refused():
    loss = AutoencoderLoss([NormWeighted(GroupL1(0.3, groups=[[0, 1]]))])
    with pytest.raises(TypeError, match="expected a penalty that is a sum over coefficients"):
        loss(np.ones((1, 2)), Dictionary(np.eye(2)), np.ones((1, 2)))
