"""Units sorted by use while they are trained: all that is known of them moves together."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import MLP, BatchTopK, JumpReLU, Refined, ReLU, TopK
from sparsecode.losses import AutoencoderLoss, AuxK, NormWeighted, TargetL0
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1, GroupL1
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import TrainingState, train


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((10, 6)), rng.standard_normal(6))
    return rng.standard_normal((48, 6)) + dictionary.offset, dictionary


def run(problem, n_epochs, encoder, loss, **options):
    X, dictionary = problem
    options = {"learn_dictionary": True, "random_state": 0, "optimizer": Adam(0.01), **options}
    return list(
        train(encoder, dictionary, X, loss=loss, n_epochs=n_epochs, batch_size=16, **options)
    )


ENCODERS = [TopK(k=2), BatchTopK(k=2), JumpReLU(), ReLU(tied=True)]
ENCODERS += [Refined(BatchTopK(k=2), feedback="learned"), Refined(TopK(k=2, tied=True), 2)]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_without_levels_only_the_order_differs(problem, encoder):
    """Training that does not look at positions is the same but for the places of the units."""
    terms = [*encoder.default_terms(L1(0.1)), AuxK(k=2, dead_window=20, weight=0.5)]
    plain = run(problem, 4, encoder, AutoencoderLoss(terms), dead_window=20)[-1]
    moved = run(problem, 4, encoder, AutoencoderLoss(terms, sort_every=3), dead_window=20)[-1]
    found, expected = moved.dictionary.atoms, plain.dictionary.atoms
    order = np.argmin(np.abs(found[:, None] - expected).sum(axis=2), axis=1)
    assert sorted(order) == list(range(10)) and not (order == np.arange(10)).all()
    np.testing.assert_allclose(found, expected[order], rtol=1e-6)
    np.testing.assert_allclose(moved.dictionary.offset, plain.dictionary.offset, rtol=1e-6)
    for folder in ("params", "optimizer", "memory"):
        mine, theirs = getattr(moved, folder), getattr(plain, folder)
        for name, array in theirs.items():
            if array.shape[:1] == (10,):
                array = array[order]
            np.testing.assert_allclose(mine[name], array, rtol=1e-6, atol=1e-12, err_msg=name)
    for name in ("loss", "dead", "dense"):
        np.testing.assert_allclose(moved.history[name], plain.history[name], rtol=1e-8)


def test_the_most_used_come_first():
    loss = AutoencoderLoss(sort_every=5)
    memory = loss.init(Dictionary.random(4, 3, random_state=0))
    memory["uses"][:] = [3, 7, 3, 9]
    assert loss.unit_order(4, memory) is None and memory["uses"].any()
    np.testing.assert_array_equal(loss.unit_order(5, memory), [3, 1, 0, 2])
    assert not memory["uses"].any()
    assert AutoencoderLoss().unit_order(5, {}) is None


@pytest.mark.parametrize("replacement", [None, ReplaceUnits(every=4, dead_window=20)])
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_resumed_run_is_bit_identical(problem, tmp_path, replacement, suffix):
    encoder = Refined(BatchTopK(k=2))
    loss = AutoencoderLoss(
        [AuxK(k=2, dead_window=20)], levels=(3, 6, None), detach_levels=True, sort_every=5
    )
    options = {"replacement": replacement}
    whole = run(problem, 6, encoder, loss, **options)
    path = tmp_path / f"state.{suffix}"
    run(problem, 3, encoder, loss, **options)[-1].save(path)
    rest = run(problem, 6, encoder, loss, state=TrainingState.load(path, encoder), **options)
    for folder in ("params", "best_params", "optimizer", "memory"):
        mine, theirs = getattr(rest[-1], folder), getattr(whole[-1], folder)
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    assert rest[-1].dictionary == whole[-1].dictionary
    # Memories and averages belong to the latest order, and so must the best parameters.
    assert whole[-1].best_params is whole[-1].params


@pytest.mark.needs_jit("it fits")
def test_frequent_features_are_in_the_first_widths():
    rng = np.random.default_rng(0)
    signals = make_sparse_signals(4000, 30, 40, n_nonzero=30, positive=True, random_state=0)
    codes = signals.codes * (rng.random((4000, 30)) < np.geomspace(0.4, 0.03, 30))
    X = codes @ signals.atoms
    model = SparseAutoencoder(
        30,
        encoder=BatchTopK(k=4),
        loss=AutoencoderLoss(levels=(5, 15, None), detach_levels=True, sort_every=20),
        optimizer=Adam(0.01),
        n_epochs=30,
        random_state=0,
    ).fit(X)
    uses = (model.transform(X) != 0).mean(axis=0)
    assert uses[:5].mean() > 2 * uses[5:15].mean() > 2 * uses[15:].mean()
    for _ in range(2):
        model.partial_fit(X)
    assert np.isfinite(model.score(X))


def test_what_is_bound_to_places_is_refused(problem):
    X, _ = problem
    weights = np.ones(10)
    for term in (
        L1(0.1, weights=weights),
        NormWeighted(L1(0.1, weights=weights)),
        TargetL0(L1(0.1, weights=weights)),
        GroupL1(0.1, groups=[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ):
        loss = AutoencoderLoss([term], sort_every=2)
        with pytest.raises(ValueError, match=r"sort_every is 2 but .* at certain positions"):
            run(problem, 1, ReLU(), loss)
        with pytest.raises(ValueError, match=r"sort_every is 2 but .* at certain positions"):
            SparseAutoencoder(10, encoder=ReLU(), loss=loss).fit(X)
    loss = AutoencoderLoss([L1(0.1)], sort_every=2)
    with pytest.raises(TypeError, match=r"sorts units but MLP has parameters .* TopK"):
        run(problem, 1, MLP(), loss)
    with pytest.raises(TypeError, match="sorts units but LBFGS takes no single steps"):
        run((X, Dictionary(problem[1].atoms)), 1, ReLU(), loss, optimizer=LBFGS())
    with pytest.raises(TypeError, match="sorts units but the dictionary is not learned"):
        run(problem, 1, ReLU(), loss, learn_dictionary=False)
    with pytest.raises(ValueError, match="patience is 2 but units are sorted"):
        run(problem, 1, ReLU(), loss, patience=2)
    with pytest.raises(ValueError, match="sort_every"):
        run(problem, 1, ReLU(), AutoencoderLoss(sort_every=0))


def test_a_training_that_diverges_keeps_the_order_of_its_start(problem):
    X, _ = problem
    model = SparseAutoencoder(
        10, encoder=TopK(k=2), loss=AutoencoderLoss([AuxK(k=2)], sort_every=1), random_state=0,
        optimizer=SGD(1e3, momentum=0.9), n_epochs=1, batch_size=16, max_norm=1e3,
    )  # fmt: skip
    with pytest.warns(match="raised the loss"):
        model.fit(X)
    assert not model.state_.memory["0.idle"].any()
