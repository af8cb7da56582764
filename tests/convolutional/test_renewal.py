"""Renewal of convolutional atoms: copies at a shift, atoms that add little, and new parts."""

import numpy as np
import pytest
from planted import found_again, planted

from sparsecode import alpha_max
from sparsecode.constraints import UnitNorm
from sparsecode.convolutional import (
    ConvolutionalDictionary,
    ConvolutionalDictionaryLearning,
    LocallyGreedy,
)
from sparsecode.convolutional import _learning_run as learning_run
from sparsecode.convolutional._renewal import redundant_atoms, useless_atoms
from sparsecode.convolutional._settings import Settings
from sparsecode.penalties import L1


def alike():
    """An atom, its negative three times later, and another one."""
    wave = np.hanning(9) * np.sin(np.arange(9))
    atoms = np.zeros((3, 1, 15))
    atoms[0, 0, 2:11], atoms[1, 0, 5:14] = wave, -wave
    atoms[2, 0, ::2] = 1
    return ConvolutionalDictionary(atoms, UnitNorm())


def settings(**parameters):
    return Settings.of(ConvolutionalDictionaryLearning(3, 15, **parameters))


@pytest.mark.parametrize(
    ("parameters", "uses", "expected"),
    [
        ({}, [2.0, 1.0, 1.0], [False, True, False]),
        ({}, [1.0, 2.0, 1.0], [True, False, False]),
        ({}, [1.0, 1.0, 0.0], [False, True, True]),
        # An unused one has no copy.
        ({}, [0.0, 1.0, 1.0], [True, False, False]),
        ({"penalty": L1(positive=True)}, [2.0, 1.0, 1.0], [False, False, False]),
        ({"max_cosine": 1.0}, [2.0, 1.0, 1.0], [False, False, False]),
    ],
)
def test_the_less_used_of_two_copies(parameters, uses, expected):
    found = useless_atoms(alike(), np.array(uses), settings(**parameters), compares=True)
    np.testing.assert_array_equal(found, expected)
    unused = useless_atoms(alike(), np.array(uses), settings(**parameters), compares=False)
    np.testing.assert_array_equal(unused, np.array(uses) == 0)


def test_atoms_that_add_little_beside_a_similar_one():
    first, second = np.eye(4)[:2]
    turned = 0.7 * first + np.sqrt(1 - 0.49) * np.eye(4)[3]
    dictionary = ConvolutionalDictionary(np.stack([first, turned, second])[:, :, None])
    for uses, expected in (
        # Half of a tenth of the mean would be lost.
        ([20, 1.0, 9], [False, True, False]),
        ([1.0, 20, 9], [True, False, False]),
        ([10, 10, 10], [False, False, False]),
        # The rare one is like no other.
        ([20, 10, 0.1], [False, False, False]),
    ):
        found = redundant_atoms(dictionary, np.array(uses), positive=False)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("batch_size", [None, 1])
def test_equal_first_atoms_become_different(batch_size):
    X, truth = planted(0, (3000,), (20,))
    twins = truth.atoms[[0, 0, 1]].copy()
    twins[1, :, 2:] = twins[1, :, :-2].copy()
    learner = ConvolutionalDictionaryLearning(
        3, 20, alpha=0.1 * alpha_max(X, truth), init=twins, batch_size=batch_size, random_state=0
    )
    assert found_again(truth, learner.fit(X).dictionary_).min() > 0.95


@pytest.mark.parametrize("seed", [1, 3, 6])
def test_sources_of_rank_1_from_samples(seed):
    # With these starts two atoms were of one source.
    X, truth = planted(seed, (2000,), (40,), 8)
    learner = ConvolutionalDictionaryLearning(
        3, 40, alpha=0.1 * alpha_max(X, truth), rank1=True, random_state=seed
    ).fit(X)
    assert found_again(truth, learner.dictionary_).min() > 0.97


@pytest.mark.parametrize("n_epochs", [50, 3])
def test_an_exchange_that_does_not_help_is_undone(monkeypatch, n_epochs):
    X, truth = planted(0, (2000,), (20,))
    learner = ConvolutionalDictionaryLearning(
        3,
        20,
        alpha=0.1 * alpha_max(X, truth),
        init=truth,
        tol=0.1,
        n_epochs=n_epochs,
    ).fit(X)
    before = learner.dictionary_
    calls = []

    def first(dictionary, uses, positive):
        calls.append(1)
        return np.arange(len(uses)) == 0

    def constant(coded, n_atoms, kept, settings):
        return [np.ones((1, 20, 1)) / np.sqrt(20)] * n_atoms

    monkeypatch.setattr(learning_run, "redundant_atoms", first)
    monkeypatch.setattr(learning_run, "new_atoms", constant)
    learner.fit(X)
    assert calls and len(learner.components_) == 3
    penalty = L1(learner.alpha)
    objectives = [
        LocallyGreedy().solve(X, d, penalty).certificate.objective.sum()
        for d in (before, learner.dictionary_)
    ]
    assert objectives[1] <= objectives[0] * (1 + 1e-9)


def test_an_interrupt_after_an_exchange_keeps_the_better_atoms(monkeypatch):
    X, truth = planted(0, (2000,), (20,))
    settings = {"alpha": 0.1 * alpha_max(X, truth), "init": truth, "tol": 0.1}
    expected = ConvolutionalDictionaryLearning(3, 20, max_cosine=1.0, **settings).fit(X)
    exchanged = learning_run.LearningRun._exchanged

    def worse(run, coded):
        exchanged(run, coded)
        run.keep(np.ones_like(run.atoms) / np.sqrt(20))
        raise KeyboardInterrupt

    monkeypatch.setattr(learning_run.LearningRun, "_exchanged", worse)
    learner = ConvolutionalDictionaryLearning(3, 20, max_cosine=1.0, **settings)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(X)
    assert learner._run.before is None
    np.testing.assert_allclose(learner.components_, expected.components_, atol=1e-12)


@pytest.mark.parametrize("is_missing", [True, False])
def test_parts_without_any_signal_become_no_atoms(is_missing):
    X, rng = np.zeros((1, 60, 60)), np.random.default_rng(0)
    X[0, 20:32, 20:32] = rng.standard_normal((12, 12))
    if is_missing:
        X = rng.standard_normal((1, 60, 60))
        X[0, :, 25:] = X[0, 25:] = np.nan
    learner = ConvolutionalDictionaryLearning(
        10, (8, 8), alpha=0.9, n_epochs=8, missing="mask" if is_missing else None, random_state=0
    ).fit(X)
    assert np.isfinite(learner.components_).all()


@pytest.mark.parametrize("value", [0.0, 1.5, "large"])
def test_wrong_cosines(value):
    with pytest.raises((TypeError, ValueError), match="max_cosine"):
        ConvolutionalDictionaryLearning(2, 20, max_cosine=value).fit(np.ones((1, 1, 300)))
