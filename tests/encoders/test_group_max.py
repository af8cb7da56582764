"""GroupMax: winners of groups, their gradients, and training."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.encoders import GroupMax, Refined, TopK
from sparsecode.losses import AutoencoderLoss


@pytest.mark.parametrize("k, sizes", [(1, [9]), (2, [4, 5]), (4, [2, 2, 2, 3]), (9, [1] * 9)])
def test_each_group_has_one_winner(rng, k, sizes):
    dictionary = Dictionary(rng.standard_normal((9, 6)), rng.standard_normal(6))
    X = rng.standard_normal((30, 6))
    A = (X - dictionary.offset) @ dictionary.atoms.T
    expected, start = np.zeros_like(A), 0
    for size in sizes:
        group = A[:, start : start + size]
        best = group.argmax(axis=1)
        expected[np.arange(30), start + best] = np.maximum(group.max(axis=1), 0)
        start += size
    encoder = GroupMax(k=k)
    np.testing.assert_allclose(encoder.encode(X, dictionary), expected, rtol=1e-12)
    codes, _ = encoder.forward(encoder.init(dictionary), X, dictionary, sparse=True)
    np.testing.assert_allclose(codes.toarray(), expected, rtol=1e-12)
    assert codes.nnz == np.count_nonzero(expected)
    if k == 9:
        return
    ones = GroupMax(k=1).encode(X, dictionary)
    np.testing.assert_allclose(ones, TopK(k=1).encode(X, dictionary), rtol=1e-12)


def test_what_is_no_number_is_kept(rng):
    dictionary = Dictionary(rng.standard_normal((9, 6)))
    encoder = GroupMax(k=3)
    params = encoder.init(dictionary)
    params["b"][4] = np.nan
    codes, _ = encoder.forward(params, rng.standard_normal((5, 6)), dictionary)
    assert np.isnan(codes[:, 4]).all()


def test_overflow_is_not_hidden():
    encoder, dictionary = GroupMax(k=2), Dictionary(np.eye(4))
    params = {"W": np.eye(4), "b": np.array([np.inf, 0, 0, 0])}
    codes, _ = encoder.forward(params, [[1.0, 3.0, 1.0, 2.0]], dictionary)
    np.testing.assert_array_equal(codes, [[np.inf, 0, 0, 2]])


@pytest.mark.needs_jit("it fits")
def test_trains(rng, tmp_path):
    X = rng.standard_normal((300, 8))
    for encoder in (GroupMax(), Refined(GroupMax())):
        model = SparseAutoencoder(20, encoder=encoder, target_l0=4, random_state=0).fit(X)
        assert np.count_nonzero(model.transform(X), axis=1).max() <= 4
        assert model.history_["loss"][-1] < model.history_["loss"][0]
        model.save(tmp_path / "model.npz")
        again = SparseAutoencoder.load(tmp_path / "model.npz")
        np.testing.assert_array_equal(again.transform(X), model.transform(X))
    with pytest.raises(ValueError, match="GroupMax has k=30 but the dictionary has 20 atoms"):
        SparseAutoencoder(20, encoder=GroupMax(k=30)).fit(X)
    loss = AutoencoderLoss(sort_every=5)
    for encoder in (GroupMax(k=4), Refined(GroupMax(k=4))):
        with pytest.raises(TypeError, match=r"sorts units but .* Use for example TopK"):
            SparseAutoencoder(20, encoder=encoder, loss=loss).fit(X)
