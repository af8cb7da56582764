"""Replacement in training: what is drawn, what is forgotten, when."""

from dataclasses import replace

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.constraints import NonNegative, UnitNorm
from sparsecode.encoders import LISTA, ReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.optimizers import LBFGS, Adam
from sparsecode.penalties import L1
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import TrainingState, train

DEAD = np.array([1, 4, 5])


@pytest.fixture
def dictionary(rng):
    return Dictionary(rng.standard_normal((8, 5)), rng.standard_normal(5), UnitNorm())


def draw(policy, encoder, dictionary, X, losses, dead=DEAD, seed=0):
    params = encoder.init(dictionary)
    if "W" in params:
        params["W"] *= np.arange(1, 9)[:, None]
    rng = np.random.default_rng(seed)
    return params, policy.draw(dead, encoder, params, dictionary, X, losses, rng)


def test_new_units_are_samples_in_the_directions_of_both_sides(dictionary, rng):
    X, losses = rng.standard_normal((6, 5)), np.array([0.0, 2.0, 0.0, 1.0, 1.5, 0.0])
    params, new = draw(ReplaceUnits(scale=0.2), ReLU(initial_bias=0.3), dictionary, X, losses)
    np.testing.assert_array_equal(new.units, DEAD)
    directions = X[[1, 3, 4]] - dictionary.offset
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    # Each of the three samples with a loss is there, in any order.
    matches = np.abs(new.atoms @ directions.T - 1) < 1e-12
    assert matches.sum() == 3 and matches.any(axis=0).all() and matches.any(axis=1).all()
    alive = np.linalg.norm(np.delete(params["W"], DEAD, axis=0), axis=1).mean()
    np.testing.assert_allclose(new.params["W"], 0.2 * alive * new.atoms, rtol=1e-12)
    np.testing.assert_array_equal(new.params["b"], np.full(3, 0.3))


def test_a_tied_encoder_has_new_atoms_and_biases_only(dictionary, rng):
    X = rng.standard_normal((6, 5))
    _, new = draw(ReplaceUnits(), TopK(k=2, tied=True), dictionary, X, np.ones(6))
    assert set(new.params) == {"b"}
    np.testing.assert_allclose(np.linalg.norm(new.atoms, axis=1), 1)


def test_the_chance_of_a_sample_is_its_squared_loss(dictionary, rng):
    X, losses = rng.standard_normal((3, 5)), np.array([1.0, 2.0, 3.0])
    counts, x = np.zeros(3), X - dictionary.offset
    x /= np.linalg.norm(x, axis=1)[:, None]
    for seed in range(600):
        new = draw(ReplaceUnits(), ReLU(), dictionary, X, losses, DEAD[:1], seed)[1]
        counts[np.argmax(x @ new.atoms[0])] += 1
    np.testing.assert_allclose(counts / 600, losses**2 / 14, atol=0.05)


def test_more_dead_units_than_samples_wait(dictionary, rng):
    X = rng.standard_normal((2, 5))
    new = draw(ReplaceUnits(), ReLU(), dictionary, X, np.ones(2))[1]
    np.testing.assert_array_equal(new.units, DEAD[:2])
    for losses in (np.zeros(2), np.ones(2)):
        x = np.repeat(dictionary.offset[None], 2, axis=0)
        new = draw(ReplaceUnits(), ReLU(), dictionary, x, losses)[1]
        assert len(new.units) == 0 and new.atoms.shape == (0, 5)


def test_random_directions_need_no_samples(dictionary):
    policy = ReplaceUnits(source="random")
    first = draw(policy, ReLU(), dictionary, np.ones((1, 5)), np.zeros(1))[1]
    again = draw(policy, ReLU(), dictionary, np.zeros((1, 5)), np.ones(1))[1]
    np.testing.assert_array_equal(first.atoms, again.atoms)
    np.testing.assert_allclose(np.linalg.norm(first.atoms, axis=1), 1)


def test_the_constraint_of_the_dictionary_holds(rng):
    dictionary = Dictionary(np.abs(rng.standard_normal((8, 5))), constraint=NonNegative())
    X = rng.standard_normal((6, 5))
    new = draw(ReplaceUnits(), ReLU(), dictionary, X, np.ones(6))[1]
    assert (new.atoms >= 0).all()


def test_when_it_is_due():
    policy = ReplaceUnits(every=10, n_times=2)
    assert [n for n in range(100) if policy.is_due(n)] == [10, 20]
    policy = ReplaceUnits(every=30)
    assert [n for n in range(100) if policy.is_due(n)] == [30, 60, 90]


def run(encoder, dictionary, X, n_epochs, state=None, **options):
    policy = ReplaceUnits(every=7, dead_window=40, **options)
    return train(
        encoder,
        dictionary,
        X,
        loss=AutoencoderLoss([L1(0.01)]),
        optimizer=Adam(0.01),
        n_epochs=n_epochs,
        batch_size=10,
        learn_dictionary=True,
        replacement=policy,
        state=state,
        random_state=0,
    )


def with_dead(encoder, dictionary):
    params = encoder.init(dictionary)
    params["b"][DEAD] = -100.0
    return encoder.bind(params)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("kind", [ReLU, TopK])
def test_dead_units_live_again(dictionary, rng, kind, tied):
    X = rng.standard_normal((60, 5))
    encoder = with_dead(kind(tied=tied, **({"k": 3} if kind is TopK else {})), dictionary)
    *_, last = run(encoder, dictionary, X, 5)
    # Seven steps of ten samples are seen when it is first due, in the second epoch.
    assert last.history["dead"][0] >= 3 / 8
    assert last.history["replaced"][0] == 0 and last.history["replaced"][1] >= 3
    assert last.history["dead"][-1] == 0
    assert (last.params["b"][DEAD] > -1).all()
    codes = encoder.bind(last.params).encode(X, last.dictionary)
    assert (codes[:, DEAD] != 0).any(axis=0).all()
    np.testing.assert_allclose(last.dictionary.norms, 1)


def test_the_optimizer_forgets_exactly_these_rows(dictionary, rng):
    X, states = rng.standard_normal((60, 5)), []
    encoder, options = ReLU(), {"loss": AutoencoderLoss(), "batch_size": 10, "random_state": 0}
    *_, begun = train(encoder, dictionary, X, n_epochs=1, learn_dictionary=True, **options)
    # Units that learned something, and then died.
    params = {name: array.copy() for name, array in begun.params.items()}
    params["b"][DEAD] = -100.0
    begun = replace(begun, params=params)
    # The epoch ends with the step after which units are replaced.
    for policy in (ReplaceUnits(every=12, dead_window=60), None):
        *_, last = train(
            encoder,
            dictionary,
            X,
            n_epochs=2,
            learn_dictionary=True,
            replacement=policy,
            state=begun,
            **options,
        )
        states.append(last)
    new, old = states
    rest = np.delete(np.arange(8), DEAD)
    for name in ("W", "b", "atoms"):
        for slot in Adam.slots:
            found, before = new.optimizer[f"{slot}.{name}"], old.optimizer[f"{slot}.{name}"]
            assert before[DEAD].any() and not found[DEAD].any()
            np.testing.assert_array_equal(found[rest], before[rest])
            assert before[rest].any()
    for name in ("W", "b"):
        np.testing.assert_array_equal(new.params[name][rest], old.params[name][rest])
    assert not np.array_equal(new.params["W"][DEAD], old.params["W"][DEAD])
    np.testing.assert_array_equal(new.dictionary.atoms[rest], old.dictionary.atoms[rest])
    assert not np.array_equal(new.dictionary.atoms[DEAD], old.dictionary.atoms[DEAD])


@pytest.mark.parametrize("source", ["loss", "random"])
def test_a_run_goes_on_bit_by_bit(dictionary, rng, tmp_path, source):
    X, encoder = rng.standard_normal((60, 5)), with_dead(ReLU(), dictionary)
    *_, whole = run(encoder, dictionary, X, 4, source=source)
    *_, first = run(encoder, dictionary, X, 1, source=source)
    assert sum(whole.history["replaced"]) >= 3
    first.save(tmp_path / "state.npz")
    state = TrainingState.load(tmp_path / "state.npz", encoder)
    *_, rest = run(encoder, dictionary, X, 4, state, source=source)
    for folder in ("params", "optimizer", "memory"):
        found, expected = getattr(rest, folder), getattr(whole, folder)
        assert found.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(rest.dictionary.atoms, whole.dictionary.atoms)
    assert rest.history["replaced"] == whole.history["replaced"]


def test_dead_and_dense_units_are_told_without_replacement(dictionary, rng):
    X, encoder = rng.standard_normal((60, 5)), with_dead(ReLU(), dictionary)
    options = {"loss": AutoencoderLoss(), "batch_size": 10, "random_state": 0, "n_epochs": 1}
    *_, last = train(encoder, dictionary, X, dead_window=60, **options)
    assert last.history["dead"] == [3 / 8]
    codes = encoder.encode(X, dictionary)
    assert last.history["dense"] == [((codes != 0).mean(axis=0) > 0.1).mean()]
    np.testing.assert_array_equal(last.memory["activity.idle"][DEAD], [60, 60, 60])
    *_, last = train(encoder, dictionary, X, **options)
    assert "dead" not in last.history and not last.memory


@pytest.mark.parametrize(
    "options", [{"every": 0}, {"dead_window": 0}, {"scale": 0.0}, {"source": "x"}, {"n_times": 0}]
)
def test_wrong_settings_are_refused(dictionary, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        next(
            train(
                ReLU(),
                dictionary,
                np.ones((4, 5)),
                loss=AutoencoderLoss(),
                learn_dictionary=True,
                replacement=ReplaceUnits(**options),
            )
        )


def test_pieces_that_do_not_fit_are_refused(dictionary):
    given = {"loss": AutoencoderLoss(), "learn_dictionary": True, "replacement": ReplaceUnits()}
    for encoder, options, message in (
        (ReLU(), {"replacement": ReplaceUnits}, "replacement is <class"),
        (ReLU(), {"learn_dictionary": False}, "the dictionary is not learned"),
        (ReLU(), {"optimizer": LBFGS()}, "LBFGS takes no steps|LBFGS cannot keep atoms"),
        (LISTA(L1(0.1)), {}, "LISTA has no row of weights for each unit"),
    ):
        with pytest.raises(TypeError, match=message):
            next(train(encoder, dictionary, np.ones((4, 5)), **{**given, **options}))
    with pytest.raises(ValueError, match="dead_window"):
        next(train(ReLU(), dictionary, np.ones((4, 5)), loss=AutoencoderLoss(), dead_window=0))
