"""A state on disk: it comes back, and nothing else is taken for one."""

import os

import numpy as np
import pytest
from training_encoders import Chain, OneLayer

from sparsecode import Dictionary
from sparsecode.losses import LassoLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.training import Stage, TrainingState, train

suffixes = pytest.mark.parametrize("suffix", [".npz", ".safetensors"])


@pytest.fixture
def options(samples):
    return {"X": samples[0], "loss": LassoLoss(), "n_epochs": 2, "random_state": 0}


@pytest.fixture
def state(dictionary, options):
    return list(train(OneLayer(), dictionary, **options))[-1]


@suffixes
def test_comes_back_whole(tmp_path, state, suffix):
    state.save(tmp_path / f"state{suffix}")
    loaded = TrainingState.load(tmp_path / f"state{suffix}")
    assert os.listdir(tmp_path) == [f"state{suffix}"]
    for name in TrainingState.__dataclass_fields__:
        mine, theirs = getattr(state, name), getattr(loaded, name)
        if isinstance(mine, dict):
            assert list(mine) == list(theirs) or name != "history"
            assert mine.keys() == theirs.keys()
            for key in mine:
                np.testing.assert_array_equal(mine[key], theirs[key])
                assert np.shape(mine[key]) == np.shape(theirs[key])
        else:
            assert mine == theirs and type(mine) is type(theirs)


@suffixes
def test_another_architecture_is_refused_by_name(tmp_path, state, suffix):
    path = tmp_path / f"state{suffix}"
    state.save(path)
    with pytest.raises(
        ValueError, match=r"state\.\w+ holds a state of OneLayer; expected .* Chain"
    ):
        TrainingState.load(path, Chain())


@suffixes
def test_other_files_are_refused(tmp_path, state, dictionary, suffix):
    path = tmp_path / f"file{suffix}"
    with pytest.raises(FileNotFoundError, match="no such file"):
        TrainingState.load(path)
    dictionary.save(path)
    with pytest.raises(ValueError, match="is not a saved state of training"):
        TrainingState.load(path)
    state.save(path)
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"\x80\x04" + content):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is not a saved state of training"):
            TrainingState.load(path)


def test_an_unwritable_place_costs_nothing(tmp_path, state):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        state.save(tmp_path / "no" / "state.npz")
    with pytest.raises(ValueError, match=r"expected '.safetensors' or '.npz'"):
        state.save(tmp_path / "state.pkl")
    assert os.listdir(tmp_path) == []


def refused(state, message, encoder, dictionary, **options):
    with pytest.raises(ValueError, match=message):
        train(encoder, dictionary, state=state, **options)


def test_training_goes_on_only_with_the_same_pieces(state, dictionary, options):
    refused(state, "one of OneLayer; expected one of Chain", Chain(), dictionary, **options)
    larger = Dictionary.random(7, 4, random_state=0)
    refused(state, r"shape \(6, 4\); expected \(7, 4\)", OneLayer(), larger, **options)
    for other in (SGD(), LBFGS()):
        refused(
            state,
            "the method Adam and the slots",
            OneLayer(),
            dictionary,
            optimizer=other,
            **options,
        )
    refused(
        state, "learn_dictionary=True", OneLayer(), dictionary, learn_dictionary=True, **options
    )
    wider = {**options, "X": np.ones((3, 5))}
    refused(state, "X has 5 columns; expected 4", OneLayer(), dictionary, **wider)


def test_settings_of_another_size_are_refused(options):
    identity, X = Dictionary(np.eye(4)), options.pop("X")
    stages = [Stage(1, 1), Stage(2, 1)]
    *_, last = train(Chain(3), identity, X, stages=stages, optimizer=Adam(), **options)
    refused(last, "parameters of shapes", Chain(2), identity, X=X, stages=stages, **options)
    refused(last, "in stage 2 but there are 1", Chain(3), identity, X=X, **options)
