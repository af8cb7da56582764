"""Pieces that do not fit are refused before anything is computed, with the way out."""

import numpy as np
import pytest
from training_encoders import OneLayer

from sparsecode.encoders import Exact
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS, Adam
from sparsecode.penalties import L1
from sparsecode.schedules import Constant
from sparsecode.training import Batch, TrainingState, train

X, CODES = np.ones((5, 4)), np.ones((5, 6))
TARGET = {"loss": SupervisedLoss(), "target": CODES}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"X": np.ones((5, 3))}, "X has 3 columns; expected 4"),
        ({"X": np.full((5, 4), np.nan)}, "NaN"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"patience": -1}, "patience is -1"),
        ({"steps_per_epoch": 0}, "steps_per_epoch is 0"),
        ({"max_norm": 0.0}, "max_norm is 0.0"),
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
        ({"target": CODES}, "target is given but LassoLoss does not use it"),
        ({"loss": SupervisedLoss()}, "SupervisedLoss compares codes with a target"),
        ({**TARGET, "target": CODES[:3]}, "target has 3 rows but there are 5 samples"),
        ({**TARGET, "X_val": X}, "target_val is None"),
        ({"target_val": CODES}, "without X_val"),
        ({"X_val": X, "target_val": CODES}, "Leave target_val out"),
        ({"sample_weight_val": np.ones(5)}, "sample_weight_val is given without X_val"),
        ({"X_val": X, "sample_weight_val": np.ones(4)}, "sample_weight.shape"),
        ({"X_val": X, "sample_weight_val": -np.ones(5)}, "Negative values .* `sample_weight`"),
        (
            {**TARGET, "target": Exact(L1()), "X_val": X, "target_val": CODES},
            "Leave target_val out",
        ),
        ({"X_val": X, "validation_fraction": 0.5}, "Leave one of them out"),
        ({"validation_fraction": 0.01}, "at least one sample to hold out"),
        (
            {"validation_fraction": 1.0},
            "is 1.0; expected a number above 0 and below 1, so that",
        ),
        ({"validation_fraction": 1}, "is 1; expected a number above 0 and below 1"),
        ({"validation_fraction": 1.5}, "validation_fraction is 1.5"),
        ({"sample_weight": np.zeros(5)}, "All weights are 0"),
        ({"sample_weight": np.ones(4)}, "sample_weight.shape"),
        ({"X": iter([X]), "sample_weight": np.ones(5)}, "sample_weight is given with an iterator"),
        ({"X": iter([X]), **TARGET}, "target is given with an iterator"),
        ({"X": iter([X]), "validation_fraction": 0.5}, "Give .* X_val for validation"),
    ],
)
def test_values(dictionary, options, message):
    with pytest.raises(ValueError, match=message):
        train(OneLayer(), dictionary, **{"X": X, "loss": LassoLoss(), **options})


@pytest.mark.parametrize(
    "options, message",
    [
        ({"loss": LassoLoss}, "expected a Loss instance"),
        ({"loss": "lasso"}, "expected a Loss instance"),
        ({"optimizer": "adam"}, "expected an Optimizer instance"),
        ({"optimizer": Adam}, "expected an Optimizer instance"),
        ({"state": "run.npz"}, r"state is 'run.npz'; expected a TrainingState.*load\(path\)"),
        ({"state": {"n_epochs": 3}}, "state is of type dict; expected a TrainingState"),
        ({"state": TrainingState}, "state is of type type; expected a TrainingState"),
        ({"X": iter([X]), "optimizer": LBFGS()}, "LBFGS passes over all samples"),
    ],
)
def test_types(dictionary, options, message):
    with pytest.raises(TypeError, match=message):
        train(OneLayer(), dictionary, **{"X": X, "loss": LassoLoss(), **options})


@pytest.mark.parametrize(
    "batch, message",
    [
        (np.ones((5, 3)), "X has 3 columns; expected 4"),
        ((X, CODES[:2]), "target has 2 rows"),
        (X, "target has shape"),
    ],
)
def test_a_wrong_batch_is_not_called_divergence(dictionary, batch, message):
    states = train(OneLayer(), dictionary, iter([batch]), loss=SupervisedLoss())
    with pytest.raises(ValueError, match=message):
        list(states)


def test_names_of_the_dictionary_are_kept_for_it(dictionary):
    encoder = OneLayer(params={"atoms": np.ones(3)})
    with pytest.raises(ValueError, match="OneLayer has a parameter 'atoms'"):
        train(encoder, dictionary, X, loss=LassoLoss())


def test_arguments_are_not_changed(dictionary):
    optimizer, params = Adam(Constant(0.5)), {"W": dictionary.atoms.T.copy(), "b": np.zeros(6)}
    before = params["W"].copy()
    list(
        train(
            OneLayer(params=params),
            dictionary,
            X,
            loss=LassoLoss(),
            optimizer=optimizer,
            n_epochs=1,
        )
    )
    assert np.array_equal(params["W"], before) and optimizer == Adam(Constant(0.5))


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.ones(3), "sample_weight_val does not have one weight >= 0 for each of 5 samples"),
        (np.zeros(5), "sample_weight_val .* not all of them 0"),
        (-np.ones(5), "sample_weight_val"),
    ],
)
def test_weights_of_validation_samples_are_named(weight, message):
    with pytest.raises(ValueError, match=message):
        train(OneLayer(), np.ones((6, 4)), X, **TARGET, X_val=X, target_val=CODES,
              sample_weight_val=weight)  # fmt: skip


@pytest.mark.parametrize("weight", [-np.ones(5), np.ones(3), [1.0, np.nan, 1.0, 1.0, 1.0]])
def test_weights_of_a_stream_are_checked(weight):
    states = train(
        OneLayer(), np.ones((6, 4)), iter([Batch(X, weight, CODES)]), loss=TARGET["loss"]
    )
    next(states)
    with pytest.raises(ValueError, match="sample_weight does not have one weight >= 0"):
        next(states)
