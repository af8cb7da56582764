"""Layer by layer: which parameters learn in a stage, how fast, and from where."""

import numpy as np
import pytest
from training_encoders import Chain, OneLayer

from sparsecode import Dictionary
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1
from sparsecode.training import Stage, TrainingState, growing, layer_by_layer, train

IDENTITY = Dictionary(np.eye(3))


@pytest.fixture
def options(rng):
    X = rng.uniform(1, 2, size=(30, 3))
    return {
        "X": X,
        "target": X,
        "loss": SupervisedLoss(),
        "optimizer": Adam(0.01),
        "batch_size": 10,
        "random_state": 0,
    }


def test_factors():
    assert Stage().factors(3).tolist() == [1, 1, 1]
    assert Stage(2, decay=0.0).factors(4).tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(Stage(3, lr=0.2, decay=0.3).factors(4), [0.018, 0.06, 0.2, 0])


def test_growing_trains_all_layers_so_far(options):
    first, *states = train(Chain(), IDENTITY, stages=growing(3, n_epochs=1, refine=()), **options)
    moved = [state.params["step"] != first.params["step"] for state in states]
    assert np.array_equal(moved, np.tri(3, dtype=bool))
    stages = growing(2, n_epochs=3, refine=(0.5, 0.1))
    assert [stage.factors(2).tolist() for stage in stages] == [[1, 0], [1, 1], [0.5] * 2, [0.1] * 2]
    assert {stage.n_epochs for stage in stages} == {3}


def test_a_new_layer_alone(options):
    """Others stay bit by bit; what all share learns."""
    first, *_, last = train(Chain(), IDENTITY, stages=[Stage(2, 3, decay=0.0)], **options)
    moved = last.params["step"] != first.params["step"]
    assert moved.tolist() == [False, True, False]
    assert last.params["b"] != first.params["b"]
    assert last.history["n_layers"] == [2, 2, 2]


def test_a_step_by_hand(options):
    """lr * decay ** age for each layer."""
    options |= {"optimizer": SGD(0.1), "batch_size": None}
    stage = Stage(2, 1, lr=0.5, decay=0.25)
    first, last = train(Chain(), IDENTITY, stages=[stage], **options)
    encoder = Chain()
    codes, cache = encoder.forward(first.params, options["X"], IDENTITY, n_layers=2)
    grads = encoder.backward(options["loss"](options["X"], IDENTITY, codes, options["X"])[2], cache)
    expected = first.params["step"] - 0.1 * np.array([0.125, 0.5, 0]) * grads["step"]
    np.testing.assert_allclose(last.params["step"], expected, rtol=1e-12)
    np.testing.assert_allclose(last.params["b"], first.params["b"] - 0.05 * grads["b"], rtol=1e-12)
    assert last.history["lr"] == [pytest.approx(0.05)]


def test_each_stage_goes_on_from_the_best_with_a_fresh_optimizer(options):
    stages = layer_by_layer(3, n_epochs=4, refine=(0.2,))
    states = list(
        train(
            Chain(), IDENTITY, stages=stages, X_val=options["X"], target_val=options["X"], **options
        )
    )
    assert len(states) == 1 + 6 * 4
    assert [state.stage for state in states[1:]] == [i for i in range(6) for _ in range(4)]
    assert states[-1].history["n_layers"] == [n for n in (1, 1, 2, 2, 3, 3) for _ in range(4)]
    assert all(state.optimizer["step"] == 3 * state.n_stage_epochs for state in states)
    # Each alone: a stage from the end of the one before gives the same.
    before, after = states[4], states[8]
    bound = Chain(params=before.best_params)
    alone = list(
        train(
            bound,
            IDENTITY,
            stages=stages[1:2],
            X_val=options["X"],
            target_val=options["X"],
            **{**options, "batch_size": None},
        )
    )
    np.testing.assert_array_equal(alone[0].params["step"], before.best_params["step"])
    assert alone[0].best_loss <= before.best_loss * (1 + 1e-12)
    assert after.best_loss < before.best_loss
    assert states[-1].best_loss < states[0].best_loss


def test_a_stage_begins_with_the_best(options):
    """Not with the last, which here are worse; so does any encoder, with layers or without."""
    options |= {"optimizer": SGD(0.2), "X_val": options["X"], "target_val": options["X"]}
    stages = [Stage(n_epochs=6), Stage(n_epochs=1, lr=0.0)]
    encoder = OneLayer(rectify=False)
    *_, before, last = train(encoder, IDENTITY, stages=stages, **options)
    assert before.best_loss < before.history["validation"][-1]
    for name, param in last.params.items():
        assert np.array_equal(param, before.best_params[name])
        assert not np.array_equal(param, before.params[name])


def test_resuming_between_and_within_stages(options, tmp_path):
    stages = layer_by_layer(2, n_epochs=3)
    whole = list(train(Chain(), IDENTITY, stages=stages, **options))
    for begin in (2, 3, 4, 9):
        whole[begin].save(tmp_path / "state.npz")
        state = TrainingState.load(tmp_path / "state.npz", Chain())
        *_, last = train(Chain(), IDENTITY, stages=stages, state=state, **options)
        assert np.array_equal(last.params["step"], whole[-1].params["step"])
        assert last.history["loss"] == whole[-1].history["loss"]


def test_patience_ends_a_stage(options):
    options["optimizer"] = SGD(0.0)
    states = list(train(Chain(), IDENTITY, stages=[Stage(1), Stage(2)], patience=2, **options))
    assert [state.stage for state in states] == [0, 0, 0, 0, 1, 1, 1]


def test_lbfgs_trains_in_stages_of_one_rate(options):
    options["optimizer"] = LBFGS(max_iter=5)
    first, *_, last = train(Chain(), IDENTITY, stages=[Stage(2, 2)], **options)
    assert last.params["step"][2] == first.params["step"][2]
    assert (last.params["step"][:2] != first.params["step"][:2]).all()
    with pytest.raises(TypeError, match="LBFGS has no learning rate"):
        train(Chain(), IDENTITY, stages=layer_by_layer(2), **options)


def test_what_cannot_be_staged(samples, dictionary):
    with pytest.raises(TypeError, match="OneLayer has no layers"):
        train(OneLayer(), dictionary, samples[0], loss=LassoLoss(L1()), stages=[Stage(1)])
    with pytest.raises(ValueError, match="a stage has n_layers=4 but Chain has 3"):
        train(Chain(), IDENTITY, np.eye(3), loss=LassoLoss(), stages=[Stage(4)])
    for stages in ([], [3], ["all"]):
        with pytest.raises(TypeError, match="a list of one or more Stage"):
            train(Chain(), IDENTITY, np.eye(3), loss=LassoLoss(), stages=stages)
    for bad in ({"n_layers": 0}, {"lr": -1.0}, {"decay": 2.0}, {"n_epochs": 0}):
        with pytest.raises(ValueError, match="expected"):
            Stage(**bad)
