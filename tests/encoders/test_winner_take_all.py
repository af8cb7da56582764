"""Winners over samples in training, over units always; nothing depends on a batch in `encode`."""

import numpy as np
import pytest
from scipy import sparse

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.encoders import ReLU, TopK, WinnerTakeAll
from sparsecode.testing import gradcheck

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 6))
DICTIONARY = Dictionary(rng.standard_normal((9, 6)), rng.standard_normal(6))


def train_codes(encoder, samples=X, **options):
    return encoder.forward(encoder.init(DICTIONARY), samples, DICTIONARY, training=True, **options)


def winners(A, n):
    """The `n` largest positive of each column, by sorting; of ties the first."""
    order = np.argsort(-A, axis=0, kind="stable")[:n]
    kept = np.zeros_like(A)
    np.put_along_axis(kept, order, np.take_along_axis(A, order, axis=0), axis=0)
    return np.maximum(kept, 0)


@pytest.mark.parametrize(("share", "n"), [(0.1, 4), (0.11, 5), (0.001, 1), (1.0, 40)])
def test_lifetime_keeps_the_top_share_of_each_unit(share, n):
    codes, _ = train_codes(WinnerTakeAll(lifetime=share))
    A = DICTIONARY.center(X) @ DICTIONARY.atoms.T
    np.testing.assert_allclose(codes, winners(A, n), atol=1e-12)


def test_share_of_a_whole_number_is_that_number():
    samples = np.tile(X, (3, 1))[:100]
    codes, _ = train_codes(WinnerTakeAll(lifetime=0.07), samples)
    assert np.count_nonzero(codes, axis=0).max() == 7


def test_ties_go_to_the_first_samples():
    codes, _ = train_codes(WinnerTakeAll(lifetime=0.25), np.repeat(X[:1], 8, axis=0))
    positive = ReLU().encode(X[:1], DICTIONARY)[0] > 0
    np.testing.assert_array_equal(codes[:2] > 0, [positive, positive])
    assert not codes[2:].any()


def test_encode_is_the_rectifier_and_forgets_the_batch():
    encoder = WinnerTakeAll(lifetime=0.1)
    np.testing.assert_array_equal(encoder.encode(X, DICTIONARY), ReLU().encode(X, DICTIONARY))
    codes, _ = encoder.forward(encoder.init(DICTIONARY), X, DICTIONARY)
    np.testing.assert_allclose(codes, encoder.encode(X, DICTIONARY), atol=1e-12)
    assert encoder.depends_on_batch


@pytest.mark.parametrize("population", [3, 0.3])
def test_population_is_topk_in_training_too(population):
    encoder = WinnerTakeAll(lifetime=None, population=population)
    expected = TopK(k=3).encode(X, DICTIONARY)
    np.testing.assert_array_equal(encoder.encode(X, DICTIONARY), expected)
    np.testing.assert_allclose(train_codes(encoder)[0], expected, atol=1e-12)


def test_population_comes_before_lifetime():
    codes, _ = train_codes(WinnerTakeAll(lifetime=0.1, population=3))
    expected = winners(TopK(k=3).encode(X, DICTIONARY), 4)
    np.testing.assert_allclose(codes, expected, atol=1e-12)
    entries, _ = train_codes(WinnerTakeAll(lifetime=0.1, population=3), sparse=True)
    assert sparse.issparse(entries)
    np.testing.assert_allclose(entries.toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("population", [None, 4])
def test_gradients_in_training(tied, population):
    encoder = WinnerTakeAll(lifetime=0.2, population=population, tied=tied)
    names = list(encoder.init(DICTIONARY))
    start = [0.9 * array + 0.05 for array in encoder.init(DICTIONARY).values()]

    def forward(atoms, offset, *arrays):
        params = dict(zip(names, arrays, strict=True))
        return encoder.forward(params, X, Dictionary(atoms, offset), training=True)

    def backward(dcodes, atoms, offset, *arrays):
        cache = forward(atoms, offset, *arrays)[1]
        grads = encoder.backward(dcodes, cache, with_dictionary=True)
        found = grads.get("atoms", np.zeros_like(atoms)), grads["offset"]
        return tuple(np.asarray(grad) for grad in (*found, *(grads[name] for name in names)))

    arrays = DICTIONARY.atoms, DICTIONARY.offset, *start
    gradcheck(lambda *arrays: forward(*arrays)[0], backward, *arrays)


def test_no_unit_dies():
    model = SparseAutoencoder(30, encoder=WinnerTakeAll(lifetime=0.1), random_state=0, n_epochs=5)
    codes = model.fit(rng.standard_normal((500, 10))).transform(X[:, :5].repeat(2, axis=1))
    assert "penalty" not in model.history_
    assert (codes > 0).any(axis=0).all()


def test_refuses():
    with pytest.raises(ValueError, match="lifetime and population"):
        WinnerTakeAll(lifetime=None).encode(X, DICTIONARY)
    for bad in ({"lifetime": 0.0}, {"lifetime": 1.5}, {"population": 0}, {"population": 1.5}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            WinnerTakeAll(**bad).encode(X, DICTIONARY)
    with pytest.raises(ValueError, match="population=10 but the dictionary has 9 atoms"):
        WinnerTakeAll(population=10).init(DICTIONARY)
