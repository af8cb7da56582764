"""Numbers of active units that change from step to step: TopK, AbsTopK, BatchTopK and Refined."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.encoders import AbsTopK, BatchTopK, Refined, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.schedules import Cosine, Linear, Step
from sparsecode.training import TrainingState, train

FALLING = Linear(6, 2, n_steps=8)


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((10, 6)), rng.standard_normal(6))
    return rng.standard_normal((40, 6)) + dictionary.offset, dictionary


@pytest.mark.parametrize("cls", [TopK, AbsTopK])
def test_each_step_has_its_number_and_encode_the_last(problem, cls):
    X, dictionary = problem
    encoder = cls(k=FALLING)
    for step, k in ((0, 6), (1, 6), (2, 5), (7, 2), (8, 2), (10**6, 2), (None, 2)):
        assert encoder.at_step(step) == cls(k=k)
    np.testing.assert_array_equal(encoder.encode(X, dictionary), cls(k=2).encode(X, dictionary))
    assert not encoder.is_constant and cls(k=3).is_constant
    fixed = cls(k=3)
    assert fixed.at_step(5) is fixed


def test_means_are_not_rounded(problem):
    X, dictionary = problem
    encoder = BatchTopK(k=Linear(3, 2, n_steps=4))
    assert encoder.at_step(1) == BatchTopK(k=2.75)
    params = encoder.init(dictionary)
    codes, _ = encoder.at_step(1).forward(params, X, dictionary, training=True, sparse=True)
    assert codes.nnz == 110
    ready = encoder.bind(params).set_buffers(X, dictionary)
    assert np.count_nonzero(ready.encode(X, dictionary)) == 80


def test_inner_encoders_follow(problem):
    encoder = Refined(TopK(k=FALLING), 2)
    assert encoder.at_step(4) == Refined(TopK(k=4), 2) and not encoder.is_constant
    assert encoder.encoder.k is FALLING
    X, dictionary = problem
    assert np.count_nonzero(encoder.encode(X, dictionary), axis=1).max() == 2


class Counted(AutoencoderLoss):
    """A loss that notes the largest number of nonzeros of a code."""

    def evaluate(self, X, dictionary, codes, *args, **options):
        if options["context"].training:
            COUNTS.append(int(np.diff(codes.indptr).max()))
        return super().evaluate(X, dictionary, codes, *args, **options)


COUNTS = []


def run(problem, n_epochs, encoder, **options):
    X, dictionary = problem
    options = {"loss": Counted(), "learn_dictionary": True, "random_state": 0, **options}
    COUNTS.clear()
    return list(train(encoder, dictionary, X, n_epochs=n_epochs, batch_size=16, **options))


def test_training_takes_the_number_of_each_step(problem):
    run(problem, 4, TopK(k=FALLING, initial_bias=9.0))
    assert COUNTS == [6, 6, 5, 4, 4, 4, 3, 2, 2, 2, 2, 2]


@pytest.mark.parametrize("encoder", [TopK(k=FALLING), Refined(BatchTopK(k=FALLING))])
def test_a_resumed_run_is_bit_identical(problem, tmp_path, encoder):
    whole = run(problem, 4, encoder)
    path = tmp_path / "state.npz"
    run(problem, 2, encoder)[-1].save(path)
    rest = run(problem, 4, encoder, state=TrainingState.load(path, encoder))
    # Losses of different numbers cannot be compared: the latest parameters are the best.
    assert whole[-1].best_params is whole[-1].params
    for folder in ("params", "best_params", "optimizer"):
        mine, theirs = getattr(rest[-1], folder), getattr(whole[-1], folder)
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    assert rest[-1].dictionary == whole[-1].dictionary


def test_an_estimator_uses_and_keeps_the_schedule(problem, tmp_path):
    X, _ = problem
    model = SparseAutoencoder(10, encoder=TopK(k=FALLING), n_epochs=2, random_state=0).fit(X)
    assert np.count_nonzero(model.transform(X), axis=1).max() == 2
    model.save(tmp_path / "model.npz")
    again = SparseAutoencoder.load(tmp_path / "model.npz")
    assert again.encoder_ == model.encoder_ and again.encoder.k == FALLING
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert model.to_checkpoint().k == 2
    parts = SparseAutoencoder(10, encoder=TopK(k=FALLING), random_state=0)
    for _ in range(3):
        parts.partial_fit(X)
    assert np.count_nonzero(parts.transform(X), axis=1).max() == 2


def test_bad_schedules_are_refused(problem):
    X, dictionary = problem
    with pytest.raises(ValueError, match=r"TopK has k=12 but the dictionary has 10 atoms"):
        TopK(k=Linear(12, 2)).init(dictionary)
    with pytest.raises(ValueError, match="k of TopK at the last step"):
        TopK(k=Step(8, 0.5, 10)).init(dictionary)
    with pytest.raises(ValueError, match="k of BatchTopK at step 0"):
        BatchTopK(k=lambda step: "many").init(dictionary)
    with pytest.raises(ValueError, match="k of TopK at step 3"):
        run(problem, 2, TopK(k=lambda step: 2 if step != 3 else -1))
    with pytest.raises(ValueError, match=r"target_l0 is 2.* but encoder__k of Refined is a sched"):
        SparseAutoencoder(10, encoder=Refined(TopK(k=FALLING)), target_l0=2).fit(X)
    with pytest.raises(ValueError, match="patience is 2 but a setting of TopK is a schedule"):
        SparseAutoencoder(10, encoder=TopK(k=Cosine(6, 2, 9)), patience=2).fit(X)
