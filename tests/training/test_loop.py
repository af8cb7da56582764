"""The loop: what it minimises, what it keeps, and that a break changes nothing."""

import numpy as np
import pytest
from scipy import sparse
from training_encoders import OneLayer

from sparsecode import Dictionary
from sparsecode._batches import Batch
from sparsecode.encoders import Exact
from sparsecode.losses import LassoLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1
from sparsecode.schedules import Cosine
from sparsecode.training import TrainingState, train

LINEAR = OneLayer(rectify=False)


def run(*arguments, **options):
    return list(train(*arguments, **{"random_state": 0, **options}))


def same(state, other):
    """Whether two states are equal bit by bit, but for the time they took."""
    for folder in ("params", "best_params", "optimizer"):
        mine, theirs = getattr(state, folder), getattr(other, folder)
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine), folder
    mine, theirs = dict(state.history), dict(other.history)
    assert mine.pop("seconds", None) is not None or not theirs.pop("seconds", [])
    theirs.pop("seconds", None)
    assert mine == theirs
    names = ("best_loss", "n_epochs", "n_steps", "stage", "n_stage_epochs", "n_waited", "seed")
    assert all(getattr(state, name) == getattr(other, name) for name in names)
    assert state.dictionary == other.dictionary
    assert state.best_dictionary == other.best_dictionary
    return True


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": LBFGS(tol=1e-10), "n_epochs": 3},
        {"optimizer": LBFGS(tol=1e-10), "n_epochs": 3, "batch_size": None},
        {"optimizer": Adam(Cosine(0.05, 0.0, 800)), "n_epochs": 800, "batch_size": 90},
        {"optimizer": SGD(0.05, 0.8, nesterov=True), "n_epochs": 200, "batch_size": None},
    ],
    ids=["lbfgs-pieces", "lbfgs", "adam", "sgd"],
)
@pytest.mark.needs_jit("thousands of steps")
def test_least_squares_reaches_its_closed_form(samples, dictionary, options):
    """With weights too: the best linear map from samples to codes."""
    rng, codes = np.random.default_rng(1), samples[1]
    X, weight = rng.standard_normal((90, 4)), rng.uniform(0.5, 2.0, 90)
    *_, last = train(
        LINEAR,
        dictionary,
        X,
        loss=SupervisedLoss(),
        target=codes,
        sample_weight=weight,
        random_state=0,
        **{"batch_size": 40, **options},
    )
    design = np.column_stack([X - dictionary.offset, np.ones(len(X))])
    root = np.sqrt(weight)[:, None]
    best = np.linalg.lstsq(root * design, root * codes)[0]
    np.testing.assert_allclose(last.params["W"], best[:-1], atol=2e-5)
    np.testing.assert_allclose(last.params["b"], best[-1], atol=2e-5)
    value = np.average(((design @ best - codes) ** 2).sum(axis=1), weights=weight)
    assert last.history["loss"][-1] == pytest.approx(value, rel=1e-6)


def test_first_epoch_by_hand(samples, dictionary):
    """Steps on consecutive batches, as gradient descent takes them."""
    X, codes = samples
    *_, last = run(
        LINEAR,
        dictionary,
        X,
        loss=SupervisedLoss(),
        target=codes,
        optimizer=SGD(0.1),
        n_epochs=1,
        batch_size=40,
        shuffle=False,
    )
    first = run(LINEAR, dictionary, X, loss=LassoLoss())[0]
    W, b = first.params["W"].copy(), first.params["b"].copy()
    values = []
    for rows in (slice(0, 40), slice(40, 80), slice(80, 90)):
        x = X[rows] - dictionary.offset
        error = x @ W + b - codes[rows]
        values.append((error**2).sum(axis=1).mean())
        W -= 0.1 * 2 * x.T @ error / len(x)
        b -= 0.1 * 2 * error.mean(axis=0)
    np.testing.assert_allclose(last.params["W"], W, rtol=1e-12)
    np.testing.assert_allclose(last.params["b"], b, rtol=1e-12)
    assert last.n_steps == 3 and last.n_epochs == 1
    assert last.history["loss"] == [pytest.approx(np.average(values, weights=[40, 40, 10]))]
    assert first.n_epochs == 0 and first.history == {}


OPTIONS = [
    {"loss": LassoLoss(L1(0.05)), "optimizer": Adam(0.01), "validation_fraction": 0.2},
    {"loss": LassoLoss(L1(0.05)), "optimizer": Adam(0.01), "learn_dictionary": True},
    {
        "loss": SupervisedLoss(),
        "target": Exact(L1(0.05)),
        "optimizer": SGD(momentum=0.9),
        "max_norm": 0.5,
    },
    {
        "loss": LassoLoss(L1(0.05, positive=True)),
        "optimizer": LBFGS(max_iter=3),
        "validation_fraction": 0.3,
    },
]


@pytest.mark.needs_jit("it trains several times")
@pytest.mark.parametrize("options", OPTIONS, ids=["adam", "dictionary", "teacher", "lbfgs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resuming_changes_nothing(tmp_path, samples, dictionary, options, dtype):
    X, dictionary = samples[0].astype(dtype), dictionary.astype(dtype)
    options = {"batch_size": 16, "n_epochs": 6, **options}
    whole = run(OneLayer(), dictionary, X, **options)
    assert [state.n_epochs for state in whole] == list(range(7))
    assert all(param.dtype == dtype for param in whole[-1].params.values())
    for begin in (0, 4):
        path = tmp_path / "state.safetensors"
        whole[begin].save(path)
        state = TrainingState.load(path, OneLayer())
        assert same(state, whole[begin])
        resumed = run(OneLayer(), dictionary, X, state=state, **{**options, "random_state": 7})
        assert len(resumed) == 7 - begin
        assert all(same(*pair) for pair in zip(resumed, whole[begin:], strict=True))


def test_many_steps_on_all_samples_in_an_epoch(samples, dictionary):
    """They are the steps of as many epochs; the minimiser of all samples needs no repeats."""
    X, codes = samples
    options = {"loss": SupervisedLoss(), "target": codes, "batch_size": None}
    short = run(LINEAR, dictionary, X, **options, n_epochs=6)
    long = run(LINEAR, dictionary, X, **options, n_epochs=2, steps_per_epoch=3)
    assert [state.n_steps for state in long] == [0, 3, 6]
    for name, param in short[-1].params.items():
        np.testing.assert_array_equal(long[-1].params[name], param)
    expected = np.mean(short[-1].history["loss"][3:])
    assert long[-1].history["loss"][-1] == pytest.approx(expected, rel=1e-12)
    minimised = [
        run(LINEAR, dictionary, X, **options, optimizer=LBFGS(), n_epochs=1, steps_per_epoch=n)
        for n in (None, 3)
    ]
    assert same(minimised[0][-1], minimised[1][-1])


def test_states_do_not_change_afterwards(samples, dictionary):
    options = {"loss": LassoLoss(L1(0.1)), "learn_dictionary": True, "batch_size": 16}
    states, copies = [], []
    for state in train(OneLayer(), dictionary, samples[0], random_state=0, **options):
        states.append(state)
        copies.append({name: param.copy() for name, param in state.params.items()})
        copies[-1]["atoms"] = state.dictionary.atoms.copy()
        copies[-1]["first"] = state.optimizer["first.W"].copy()
    for state, copied in zip(states, copies, strict=True):
        mine = {
            **state.params,
            "atoms": state.dictionary.atoms,
            "first": state.optimizer["first.W"],
        }
        assert all(np.array_equal(mine[name], copied[name]) for name in mine)
    assert not np.array_equal(states[0].params["W"], states[1].params["W"])


@pytest.mark.parametrize("kind", ["csr", "memmap", "float64", "list"])
def test_samples_of_any_kind(tmp_path, samples, dictionary, kind):
    X, codes = (np.round(a, 1) for a in samples)
    options = {"loss": SupervisedLoss(), "n_epochs": 2, "batch_size": 32, "shuffle": False}
    *_, expected = run(OneLayer(), dictionary, X, target=codes, **options)
    if kind == "csr":
        X, codes = sparse.csr_array(X), sparse.csr_array(codes)
    elif kind == "memmap":
        for name, array in (("X", X), ("codes", codes)):
            np.save(tmp_path / f"{name}.npy", array)
        X, codes = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "codes"))
    elif kind == "list":
        X, codes = X.tolist(), codes.tolist()
    *_, found = run(OneLayer(), dictionary, X, target=codes, **options)
    assert same(found, expected)


def test_a_memory_map_is_shuffled_in_runs(tmp_path, samples, dictionary):
    np.save(tmp_path / "X.npy", samples[0])
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    options = {"loss": LassoLoss(), "n_epochs": 3, "batch_size": 16, "validation_fraction": 0.2}
    *_, last = run(OneLayer(), dictionary, X, **options)
    assert last.n_steps == 15 and np.isfinite(last.best_loss)


def test_a_stream_gives_what_an_array_gives(samples, dictionary):
    X, codes = samples
    options = {"loss": SupervisedLoss(), "batch_size": 30, "shuffle": False, "n_epochs": 2}
    *_, expected = run(OneLayer(), dictionary, X, target=codes, **options)
    tuples = ((X[i : i + 30], codes[i : i + 30]) for i in 2 * [0, 30, 60])
    batches = (Batch(X[i : i + 30], None, codes[i : i + 30]) for i in 2 * [0, 30, 60])
    for stream in (tuples, batches):
        *_, found = run(OneLayer(), dictionary, stream, steps_per_epoch=3, **options)
        assert same(found, expected)


def test_a_stream_ends_when_it_ends(samples, dictionary):
    batches = iter([samples[0]] * 5)
    options = {"loss": LassoLoss(), "steps_per_epoch": 2, "n_epochs": 100}
    states = run(OneLayer(), dictionary, batches, **options)
    assert [state.n_steps for state in states] == [0, 2, 4, 5]
    with pytest.raises(ValueError, match="gave no batch"):
        run(OneLayer(), dictionary, batches, **options)


def test_takes_of_a_stream_what_it_needs(samples, dictionary):
    taken = iter(range(100))
    endless = (samples[0] for _ in taken)
    states = train(OneLayer(), dictionary, endless, loss=LassoLoss(), steps_per_epoch=2)
    next(states), next(states)
    assert next(taken) == 2


@pytest.mark.parametrize("learn_dictionary", [False, True])
def test_targets_by_an_exact_solver(samples, dictionary, learn_dictionary):
    """As if they had been given; for a dictionary that changes, of each batch as it comes."""
    X, teacher = samples[0], Exact(L1(0.1))
    options = {"loss": SupervisedLoss(), "n_epochs": 1, "batch_size": None}
    given = teacher.encode(X, dictionary)
    *_, expected = run(
        OneLayer(), dictionary, X, target=given, X_val=X, target_val=given, **options
    )
    *_, found = run(
        OneLayer(),
        dictionary,
        X,
        target=teacher,
        X_val=X,
        learn_dictionary=learn_dictionary,
        **options,
    )
    assert found.history["loss"] == expected.history["loss"]
    for name in found.params:
        np.testing.assert_array_equal(found.params[name], expected.params[name])


def test_learned_atoms_keep_their_constraint(samples, dictionary):
    X = samples[0]
    options = {"loss": LassoLoss(L1(0.02)), "optimizer": Adam(0.02), "n_epochs": 40}
    fixed, learned = (
        run(OneLayer(), dictionary, X, learn_dictionary=learn, **options)[-1]
        for learn in (False, True)
    )
    assert fixed.dictionary is dictionary
    assert learned.best_loss < fixed.best_loss
    np.testing.assert_allclose(np.linalg.norm(learned.dictionary.atoms, axis=1), 1, rtol=1e-12)
    assert learned.dictionary.constraint == dictionary.constraint
    assert not np.allclose(learned.dictionary.offset, dictionary.offset)
    assert not np.allclose(learned.dictionary.atoms, dictionary.atoms)


def test_a_step_of_the_atoms_by_hand(samples, dictionary):
    """Tangent, then clipped together with the rest, then the step, then projected."""
    X, encoder, penalty = samples[0], OneLayer(), L1(0.3)
    first, last = run(
        encoder,
        dictionary,
        X,
        loss=LassoLoss(penalty),
        optimizer=SGD(0.5),
        max_norm=0.1,
        n_epochs=1,
        batch_size=None,
        learn_dictionary=True,
    )
    codes, cache = encoder.forward(first.params, X, dictionary)
    result = LassoLoss(penalty).evaluate(X, dictionary, codes, dictionary_grads=True)
    grads = encoder.backward(result.dcodes, cache, with_dictionary=True)
    grads["offset"] = grads["offset"] + result.grads["offset"]
    raw, atoms = result.grads["atoms"], dictionary.atoms
    grads["atoms"] = raw - (raw * atoms).sum(axis=1, keepdims=True) * atoms
    norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
    assert norm > 0.1
    assert last.history["grad_norm"] == [pytest.approx(norm, rel=1e-12)]
    moved = atoms - 0.5 * grads["atoms"] * 0.1 / norm
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(last.dictionary.atoms, moved, rtol=1e-12)
    offset = dictionary.offset - 0.5 * grads["offset"] * 0.1 / norm
    np.testing.assert_allclose(last.dictionary.offset, offset, rtol=1e-12)


def test_gradients_that_are_scalars_are_clipped_too(samples, dictionary):
    class Scalar(OneLayer):
        def _initial(self, dictionary, random_state):
            return {"gain": 1.0}

        def _shapes(self, dictionary):
            return {"gain": ()}

        def _forward(self, params, x, dictionary, n_layers):
            drive = x @ dictionary.atoms.T
            return params["gain"] * drive, drive

        def _backward(self, dcodes, drive, with_dictionary, out):
            return {"gain": np.sum(dcodes * drive)}

    options = {"loss": LassoLoss(), "optimizer": SGD(0.5), "n_epochs": 1, "batch_size": None}
    *_, last = run(Scalar(), dictionary, samples[0], max_norm=0.01, **options)
    assert last.history["grad_norm"][0] > 0.01
    assert abs(last.params["gain"] - 1) == pytest.approx(0.005)


def test_lbfgs_learns_free_atoms_only(samples, dictionary):
    options = {"loss": LassoLoss(L1(0.05)), "optimizer": LBFGS(max_iter=5), "n_epochs": 2}
    with pytest.raises(TypeError, match=r"LBFGS cannot keep atoms in UnitNorm\(\)"):
        run(OneLayer(), dictionary, samples[0], learn_dictionary=True, **options)
    free = Dictionary(dictionary.atoms, dictionary.offset)
    states = run(OneLayer(), free, samples[0], learn_dictionary=True, **options)
    assert states[-1].best_loss < states[1].best_loss
    assert not np.array_equal(states[-1].dictionary.atoms, free.atoms)


def test_starts_from_parameters_that_an_encoder_has(samples, dictionary):
    first, *_, last = run(OneLayer(), dictionary, samples[0], loss=LassoLoss(L1(0.1)))
    again = run(OneLayer().bind(last.params), dictionary, samples[0], loss=LassoLoss(L1(0.1)))[0]
    assert np.array_equal(again.params["W"], last.params["W"])
    assert not np.array_equal(first.params["W"], last.params["W"])


def test_seeds(samples, dictionary):
    options = {"loss": LassoLoss(L1(0.1)), "n_epochs": 2, "batch_size": 16}
    results = [
        run(OneLayer(), dictionary, samples[0], **options, random_state=s) for s in (0, 0, 1)
    ]
    assert same(results[0][-1], results[1][-1])
    assert not np.array_equal(results[0][-1].params["W"], results[2][-1].params["W"])
    assert results[0][1].history["loss"] != results[2][1].history["loss"]


def test_prints_a_line_an_epoch(samples, dictionary, capsys):
    run(OneLayer(), dictionary, samples[0], loss=LassoLoss(), n_epochs=2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1", "epoch 2"]
