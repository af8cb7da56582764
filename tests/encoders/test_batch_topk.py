"""BatchTopK: what it keeps, its threshold, and that codes never depend on the batch after it."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.encoders import BatchTopK, JumpReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.ops import batch_topk_forward
from sparsecode.optimizers import LBFGS, SGD, Adam, AdamW
from sparsecode.testing import gradcheck
from sparsecode.training import TrainingState, train


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((10, 6)), rng.standard_normal(6))
    return rng.standard_normal((40, 6)) + dictionary.offset, dictionary


def forward(encoder, X, dictionary, **options):
    params = encoder.init(dictionary)
    return params, *encoder.forward(params, X, dictionary, training=True, **options)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_codes_of_training_are_the_largest_of_the_batch(problem, k, monkeypatch):
    X, dictionary = problem
    expected, _ = batch_topk_forward(dictionary.center(X) @ dictionary.atoms.T, k=k)
    assert np.count_nonzero(expected) == k * len(X) or k == 10
    # In blocks of which some are far above the others.
    monkeypatch.setattr("sparsecode.encoders.batch_topk._BLOCK_SIZE", 7)
    for sparse in (False, True):
        _, codes, cache = forward(BatchTopK(k=k), X, dictionary, sparse=sparse, signals=("pre",))
        dense = codes.toarray() if sparse else codes
        np.testing.assert_allclose(dense, expected, rtol=1e-12)
        assert (cache.signals["pre"] < 0).any()
    assert codes.indices.dtype == np.int32


def test_a_strong_block_takes_the_budget_of_the_others(problem, monkeypatch):
    X, dictionary = problem
    monkeypatch.setattr("sparsecode.encoders.batch_topk._BLOCK_SIZE", 7)
    X = X * np.where(np.arange(len(X)) < 7, 100.0, 1.0)[:, None]
    expected, _ = batch_topk_forward(dictionary.center(X) @ dictionary.atoms.T, k=1)
    codes = forward(BatchTopK(k=1), X, dictionary, sparse=True)[1]
    np.testing.assert_allclose(codes.toarray(), expected, rtol=1e-12)
    assert (codes.toarray()[:7] != 0).sum() > 14


def test_ties_are_broken_by_position(problem):
    X, dictionary = problem
    twice = np.tile(X[:1], (4, 1))
    codes = forward(BatchTopK(k=1), twice, dictionary)[1]
    best = forward(TopK(k=4), twice[:1], dictionary)[1]
    # All rows are equal: the largest entry of each, and none of the next.
    np.testing.assert_array_equal((codes != 0).sum(axis=1), 1)
    np.testing.assert_allclose(codes.max(axis=1), best.max())
    # Of two equal units in each row the first rows get both.
    twins = Dictionary(np.tile(X[:1] - dictionary.offset, (2, 1)), dictionary.offset)
    codes = forward(BatchTopK(k=1), twice, twins)[1]
    np.testing.assert_array_equal(codes != 0, [[1, 1], [1, 1], [0, 0], [0, 0]])


def test_threshold_is_a_running_mean_of_the_least(problem):
    X, dictionary = problem
    encoder, least = BatchTopK(k=2, decay=0.9), []
    params = encoder.init(dictionary)
    for scale in (1.0, 2.0, 0.5):
        _, cache = encoder.forward(params, scale * X, dictionary, training=True, sparse=True)
        encoder.update_buffers(params, cache)
        least.append(cache.codes.data.min())
    expected = 0.9 * (0.9 * least[0] + 0.1 * least[1]) + 0.1 * least[2]
    assert float(params["threshold"]) == pytest.approx(expected, rel=1e-12)
    # A batch without an active unit has no least one.
    before = params["threshold"].copy()
    silent = params | {"b": np.full(10, -1e6)}
    encoder.update_buffers(silent, encoder.forward(silent, X, dictionary, training=True)[1])
    assert params["threshold"] == before


def test_mean_of_the_first_steps_is_that_of_all(problem):
    X, dictionary = problem
    encoder, least = BatchTopK(k=2, decay=0.9), []
    params = encoder.init(dictionary)
    for n_before, scale in enumerate((1.0, 2.0, 0.5)):
        _, cache = encoder.forward(params, scale * X, dictionary, training=True, sparse=True)
        encoder.update_buffers(params, cache, n_before)
        least.append(cache.codes.data.min())
    expected = np.average(least, weights=[0.81, 0.9, 1.0])
    assert float(params["threshold"]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("k", [2, 2.5, 0.5])
def test_set_buffers_keeps_k_entries_of_a_sample(problem, k):
    X, dictionary = problem
    encoder = BatchTopK(k=k)
    encoder = encoder.bind(encoder.init(dictionary))
    n_kept = round(k * len(X))
    found = encoder.set_buffers(X, dictionary)
    assert np.count_nonzero(found.encode(X, dictionary)) == n_kept
    codes, _ = encoder.forward(found.params, X, dictionary, training=True)
    assert np.count_nonzero(codes) == n_kept
    assert np.isnan(encoder.params["threshold"])
    weight = np.r_[np.full(len(X) // 2, 2.0), np.zeros(len(X) - len(X) // 2)]
    half = encoder.set_buffers(X, dictionary, weight).encode(X[: len(X) // 2], dictionary)
    assert np.count_nonzero(half) == round(k * len(half))
    assert encoder.set_buffers(X * 0 + dictionary.offset, dictionary).params["threshold"] == 0


def test_encode_is_jumprelu_with_one_threshold(problem):
    X, dictionary = problem
    encoder = BatchTopK(k=2)
    params, codes, cache = forward(encoder, X, dictionary)
    encoder.update_buffers(params, cache)
    # Just below the least that was kept, these are the codes of the batch.
    params["threshold"][...] *= 1 - 1e-9
    found = encoder.bind(params).encode(X, dictionary)
    np.testing.assert_allclose(found, codes, rtol=1e-12)
    log = np.full(10, np.log(params.pop("threshold")))
    same = JumpReLU().bind(params | {"log_threshold": log}).encode(X, dictionary)
    np.testing.assert_array_equal(same, found)


def test_refuses_without_a_threshold(problem):
    X, dictionary = problem
    with pytest.raises(ValueError, match=r"BatchTopK has not been trained.*threshold.*Train it"):
        BatchTopK(k=2).encode(X, dictionary)
    # An estimator has one even after a first step that diverges.
    model = SparseAutoencoder(10, encoder=BatchTopK(k=2), optimizer=SGD(1e300), random_state=0)
    with pytest.raises(FloatingPointError):
        model.fit(X)
    assert np.count_nonzero(model.transform(X)) == 2 * len(X)
    with pytest.raises(ValueError, match="k=11 but the dictionary has 10 atoms"):
        BatchTopK(k=11).init(dictionary)
    with pytest.raises(ValueError, match="decay"):
        BatchTopK(decay=1.0).init(dictionary)


def run(problem, n_epochs, **options):
    X, dictionary = problem
    options = {"loss": AutoencoderLoss(), "learn_dictionary": True, "random_state": 0, **options}
    return list(train(BatchTopK(k=2), dictionary, X, n_epochs=n_epochs, batch_size=16, **options))


def same_arrays(mine, theirs):
    return mine.keys() == theirs.keys() and all(np.array_equal(mine[n], theirs[n]) for n in mine)


def test_training_sets_the_threshold_and_no_decay_touches_it(problem):
    states = run(problem, 3, optimizer=AdamW(lr=0.0, weight_decay=0.9))
    assert np.isnan(states[0].params["threshold"])
    assert not any("threshold" in name for name in states[-1].optimizer)
    encoder, seen = BatchTopK(k=2), states[1].params["threshold"]
    assert np.isfinite(seen) and states[2].params["threshold"] != seen
    codes = encoder.bind(states[-1].best_params).encode(problem[0], states[-1].best_dictionary)
    assert 1 < np.count_nonzero(codes) / len(codes) < 3.5


@pytest.mark.parametrize("validation", [None, 0.25])
def test_a_resumed_run_is_bit_identical(problem, tmp_path, validation):
    whole = run(problem, 4, validation_fraction=validation)
    path = tmp_path / "state.safetensors"
    run(problem, 2, validation_fraction=validation)[-1].save(path)
    half = TrainingState.load(path, BatchTopK())
    rest = run(problem, 4, validation_fraction=validation, state=half)
    for folder in ("params", "best_params", "optimizer"):
        assert same_arrays(getattr(rest[-1], folder), getattr(whole[-1], folder))
    assert rest[-1].dictionary == whole[-1].dictionary
    # What cannot encode is never the best.
    assert np.isfinite(whole[-1].best_params["threshold"])
    assert whole[0].best_loss == np.inf


def test_full_batches_set_the_threshold(problem):
    last = run(problem, 1, optimizer=LBFGS(max_iter=3), learn_dictionary=False)[-1]
    assert np.isfinite(last.params["threshold"])


def test_gradients_of_codes_of_training(problem):
    X, dictionary = problem
    encoder = BatchTopK(k=2)
    params = encoder.init(dictionary)

    def function(W, b):
        given = params | {"W": W, "b": b}
        return encoder.forward(given, X[:5], dictionary, training=True)[0]

    def backward(upstream, W, b):
        given = params | {"W": W, "b": b}
        _, cache = encoder.forward(given, X[:5], dictionary, training=True)
        grads = encoder.backward(upstream, cache)
        assert grads.keys() == {"W", "b"}
        return np.asarray(grads["W"]), grads["b"]

    gradcheck(function, backward, params["W"], params["b"])


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_no_number_is_kept(problem, sign):
    A = np.array([[1.0, 2.0, np.copysign(np.nan, sign), 3.0], [4.0, 5.0, 6.0, 7.0]])
    np.testing.assert_array_equal(
        batch_topk_forward(A, k=1)[0], [[0, 0, np.nan, 0], [0, 0, 0, 7.0]]
    )
    X, dictionary = problem
    encoder = BatchTopK(k=2)
    params = encoder.init(dictionary)
    params["b"][4] = np.nan
    for is_sparse in (False, True):
        codes, _ = encoder.forward(params, X, dictionary, training=True, sparse=is_sparse)
        codes = codes.toarray() if is_sparse else codes
        assert np.isnan(codes[:, 4]).any()


def test_a_fit_whose_start_had_the_lowest_loss_can_be_used():
    # Full batches are judged before the step; the start has no threshold.
    X = 0.1 * load_digits().data / 16
    model = SparseAutoencoder(
        100, encoder=BatchTopK(8), batch_size=None, n_epochs=5, optimizer=Adam(0.1), random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="raised the loss"):
        model.fit(X)
    assert min(model.history_["loss"]) == model.history_["loss"][0]
    assert np.isfinite(model.encoder_.params["threshold"])
    assert model.transform(X).shape == (len(X), 100)
