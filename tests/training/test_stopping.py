"""What is kept when training ends early: by patience, a callback, Ctrl-C, or divergence."""

import numpy as np
import pytest
from training_encoders import OneLayer

from sparsecode._batches import Batch
from sparsecode.encoders import LISTA
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1
from sparsecode.training import train

LINEAR = OneLayer(rectify=False)


def last_before(error, message, states):
    """What a caller holds when a loop ends with an error."""
    held = []
    with pytest.raises(error, match=message):
        held.extend(states)
    return held[-1]


class Interrupted(LassoLoss):
    """A loss during whose n-th evaluation Ctrl-C is pressed."""

    left = 0

    def evaluate(self, *arguments, **options):
        type(self).left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().evaluate(*arguments, **options)


def overfitting(rng, dictionary):
    """Few samples with noise for targets: the validation loss has a minimum on the way."""
    X, codes = rng.standard_normal((2, 8, 6))
    X, X_val = X[:, :4], rng.standard_normal((50, 4))
    return {
        "X": X,
        "target": codes,
        "X_val": X_val,
        "target_val": (X_val - dictionary.offset) @ dictionary.atoms.T,
        "loss": SupervisedLoss(),
        "batch_size": None,
        "optimizer": SGD(0.01),
        "random_state": 0,
    }


def test_patience_stops_and_the_best_are_kept(rng, dictionary):
    options = overfitting(rng, dictionary)
    states = list(train(LINEAR, dictionary, n_epochs=500, patience=3, **options))
    values = np.array([states[0].best_loss, *states[-1].history["validation"]])
    best = values.argmin()
    assert len(states) == best + 4 < 500
    last = states[-1]
    assert last.best_loss == values[best] and last.n_waited == 3
    for name, param in states[best].params.items():
        assert np.array_equal(last.best_params[name], param)
        assert not np.array_equal(last.params[name], param)
    # The value is that of the best parameters, by another way.
    codes = LINEAR.bind(last.best_params).encode(options["X_val"], dictionary)
    expected = ((codes - options["target_val"]) ** 2).sum(axis=1).mean()
    assert last.best_loss == pytest.approx(expected, rel=1e-12)
    # A training that was over goes on to nothing.
    assert len(list(train(LINEAR, dictionary, patience=3, state=last, **options))) == 1


class Scripted(LassoLoss):
    """A loss whose values on three validation samples are known before."""

    values = ()

    def evaluate(self, X, *arguments, **options):
        result = super().evaluate(X, *arguments, **options)
        return result._replace(value=self.values.pop(0)) if len(X) == 3 else result


def test_patience_waits_for_a_new_best_in_a_row(samples, dictionary):
    Scripted.values = [10.0, 5.0, 6.0, 4.0, 4.0, 6.0, 1.0]
    X = samples[0]
    options = {"loss": Scripted(), "X_val": X[:3], "patience": 2, "random_state": 0}
    states = list(train(OneLayer(), dictionary, X, **options))
    assert [state.best_loss for state in states] == [10, 5, 5, 4, 4, 4]
    assert [state.n_waited for state in states] == [0, 0, 1, 0, 1, 2]
    assert states[-1].history["validation"] == [5, 6, 4, 4, 6]


def test_validation_samples_are_not_learned_from(samples, dictionary):
    X = np.vstack([samples[0], np.full((10, 4), np.nan)])
    with pytest.raises(ValueError, match="NaN"):
        train(OneLayer(), dictionary, X, loss=LassoLoss(), validation_fraction=0.1)
    # A sample of no weight is neither learned from nor judged by.
    weight = np.ones(100)
    weight[90:] = 0
    X[90:] = 1e6
    options = {"loss": LassoLoss(), "n_epochs": 2, "random_state": 0}
    weighted, plain = (
        list(train(OneLayer(), dictionary, data, **options, **more))[-1]
        for data, more in ((X, {"sample_weight": weight}), (X[:90], {}))
    )
    assert np.array_equal(weighted.params["W"], plain.params["W"])
    held = list(
        train(
            OneLayer(),
            dictionary,
            X,
            sample_weight=weight,
            validation_fraction=0.5,
            batch_size=8,
            **options,
        )
    )[-1]
    assert held.best_loss < 1e3 and held.n_steps == 2 * 6


def test_weights_of_validation_samples_are_repetitions(samples, dictionary):
    X = samples[0]
    counts = np.arange(10) % 4
    options = {"loss": LassoLoss(), "n_epochs": 3, "random_state": 0}
    weighted, repeated = (
        list(train(OneLayer(), dictionary, X, batch_size=4, **options, **held))[-1]
        for held in (
            {"X_val": X[:10], "sample_weight_val": counts},
            {"X_val": np.repeat(X[:10], counts, axis=0)},
        )
    )
    np.testing.assert_allclose(weighted.history["validation"], repeated.history["validation"])
    assert np.array_equal(weighted.params["W"], repeated.params["W"])


def test_a_callback_is_told_and_stops(samples, dictionary):
    told = []

    def callback(progress):
        told.append(progress)
        return progress.n_steps == 5

    *_, last = train(
        OneLayer(),
        dictionary,
        samples[0],
        loss=LassoLoss(),
        optimizer=SGD(lambda step: 0.1 / (1 + step)),
        batch_size=30,
        callback=callback,
        random_state=0,
    )
    assert [progress.n_steps for progress in told] == [1, 2, 3, 4, 5]
    assert [progress.n_epochs for progress in told] == [0, 0, 0, 1, 1]
    np.testing.assert_allclose([progress.lr for progress in told], 0.1 / np.arange(1, 6))
    assert last.n_steps == 5 and last.n_epochs == 2
    assert last.history["lr"] == [told[2].lr, told[4].lr]
    losses = [progress.loss for progress in told]
    np.testing.assert_allclose(last.history["loss"], [np.mean(losses[:3]), np.mean(losses[3:])])


@pytest.mark.parametrize("n", [2, 7, 12])
@pytest.mark.parametrize("optimizer", [Adam(0.01), LBFGS(max_iter=2)], ids=["adam", "lbfgs"])
def test_ctrl_c_keeps_the_best(samples, dictionary, n, optimizer):
    """The caller holds a state whose parameters no later step has touched."""
    X = samples[0]
    options = {"optimizer": optimizer, "batch_size": 45, "random_state": 0}
    options |= {"X_val": X[:20], "loss": LassoLoss(L1(0.1))}
    whole = list(train(OneLayer(), dictionary, X, **options))
    Interrupted.left = n
    options["loss"] = Interrupted(L1(0.1))
    state = last_before(KeyboardInterrupt, None, train(OneLayer(), dictionary, X, **options))
    expected = whole[state.n_epochs]
    assert state.best_loss == expected.best_loss
    for name in state.params:
        assert np.array_equal(state.params[name], expected.params[name])
        assert np.array_equal(state.best_params[name], expected.best_params[name])
    # And training can go on from it.
    options["loss"] = LassoLoss(L1(0.1))
    *_, last = train(OneLayer(), dictionary, X, state=state, **options)
    assert np.array_equal(last.params["W"], whole[-1].params["W"])


@pytest.mark.parametrize("learn_dictionary", [False, True])
@pytest.mark.parametrize("held", [False, True])
def test_divergence_names_the_epoch_and_keeps_the_last_good(
    samples, dictionary, learn_dictionary, held
):
    states = train(
        LINEAR,
        dictionary,
        samples[0],
        loss=SupervisedLoss(),
        target=samples[1],
        optimizer=SGD(50.0),
        n_epochs=2000,
        batch_size=30,
        learn_dictionary=learn_dictionary,
        X_val=samples[0] if held else None,
        target_val=samples[1] if held else None,
        random_state=0,
    )
    message = r"diverged in epoch \d+.*Lower the learning rate"
    state = last_before(FloatingPointError, message, states)
    assert state.n_epochs > 0
    for params in (state.params, state.best_params):
        assert all(np.isfinite(param).all() for param in params.values())
    assert np.isfinite(state.best_loss)


def test_divergence_in_the_last_step_is_seen(samples, dictionary):
    """A loss that was finite says nothing of the parameters after it."""
    states = train(
        LINEAR,
        dictionary.astype(np.float32),
        samples[0],
        loss=LassoLoss(),
        optimizer=SGD(1e39),
        batch_size=None,
        n_epochs=1,
    )
    with pytest.raises(FloatingPointError, match="diverged in epoch 1:"):
        list(states)


def test_lbfgs_gives_other_advice(dictionary):
    X = np.full((5, 4), 1e200)
    with pytest.raises(FloatingPointError, match="Rescale X"):
        list(train(LINEAR, dictionary, X, loss=LassoLoss(), optimizer=LBFGS()))


def test_a_last_step_that_blows_up_is_not_kept(samples, dictionary):
    """The loss of an epoch is that before its steps, so it does not tell of the last one."""
    X = samples[0]
    penalty = L1(0.1)
    options = {"loss": LassoLoss(penalty), "batch_size": None, "random_state": 0}
    encoder = LISTA(penalty, n_layers=2)
    states = train(encoder, dictionary, X, optimizer=SGD(lr=100.0), n_epochs=1, **options)
    first, last = states
    assert last.best_params is first.params
    for name, param in first.params.items():
        assert not np.array_equal(last.params[name], param)


def test_a_history_has_an_entry_an_epoch(samples, dictionary):
    X = samples[0]
    encoder, loss = LISTA(L1(0.1), n_layers=1), LassoLoss(L1(0.1))
    options = {"loss": loss, "random_state": 0}
    *_, state = train(encoder, dictionary, X, validation_fraction=0.2, n_epochs=2, **options)
    *_, state = train(encoder, dictionary, X, n_epochs=3, state=state, **options)
    assert {len(values) for values in state.history.values()} == {3}
    assert np.isnan(state.history["validation"]).tolist() == [False, False, True]


def test_batches_without_weight_do_not_end_a_stream(samples, dictionary):
    X = samples[0]
    batches = [Batch(X[:5], np.full(5, float(i != 1))) for i in range(4)]
    encoder, loss = LISTA(L1(0.1), n_layers=1), LassoLoss(L1(0.1))
    *_, state = train(
        encoder, dictionary, iter(batches), loss=loss, steps_per_epoch=1, n_epochs=9, random_state=0
    )
    assert state.n_steps == 3


def test_clipping_is_refused_where_no_step_is_taken(samples, dictionary):
    with pytest.raises(TypeError, match=r"max_norm is 1\.0 but LBFGS"):
        train(
            LISTA(L1(0.1)),
            dictionary,
            samples[0],
            loss=LassoLoss(L1(0.1)),
            optimizer=LBFGS(),
            max_norm=1.0,
        )
