"""Many models in one pass: each has the numbers that it gets alone."""

import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import LISTA, Dictionary, DictionaryLearning, SparseAutoencoder, Transcoder
from sparsecode.datasets import iter_blocks, make_sparse_signals
from sparsecode.encoders import BatchTopK, TopK
from sparsecode.model_selection import fit_many
from sparsecode.optimizers import LBFGS, SGD

N_FEATURES = 8
BLOCKS = {"rows": 150, "shuffle": True, "random_state": 3}


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(500, 12, N_FEATURES, n_nonzero=2, random_state=0).X


def networks():
    """Models of other sparsity, width, seed, kind and size of steps."""
    return [
        SparseAutoencoder(12, encoder=TopK(2), random_state=0),
        SparseAutoencoder(12, encoder=TopK(4), random_state=0, batch_size=50),
        SparseAutoencoder(20, alpha=0.1, random_state=1, outliers="drop"),
        SparseAutoencoder(20, encoder=BatchTopK(3), random_state=2),
        SparseAutoencoder(16, target_l0=3, random_state=2),
        LISTA(12, alpha=0.1, n_layers=2, random_state=0),
    ]


def same(first, second):
    params = {**first.encoder_.params, "atoms": first.components_}
    others = {**second.encoder_.params, "atoms": second.components_}
    losses = first.history_["loss"] == second.history_["loss"]
    return losses and all(np.array_equal(array, others[name]) for name, array in params.items())


@pytest.mark.parametrize("form", ["array", "file", "iterator"])
def test_each_has_the_numbers_that_it_gets_alone(signals, form, tmp_path):
    X = signals
    if form == "file":
        X = tmp_path / "X.npy"
        np.save(X, signals.astype(np.float16))
    alone = [model.fit(iter_blocks(X, **BLOCKS)) for model in networks()]
    if form == "iterator":
        together = fit_many(networks(), iter_blocks(X, **BLOCKS))
    else:
        together = fit_many(networks(), X, **BLOCKS)
    assert all(map(same, alone, together))
    assert together[0].components_.dtype == (np.float32 if form == "file" else np.float64)
    assert len(together[0].history_["loss"]) == 4


def test_passes_and_their_order(signals):
    (model,) = fit_many([networks()[0]], signals, rows=200, n_epochs=3, shuffle=False)
    blocks = (signals[i : i + 200] for _ in range(3) for i in (0, 200, 400))
    assert same(model, networks()[0].fit(blocks))
    first = fit_many([networks()[0]], signals, n_epochs=2, random_state=0)[0]
    assert same(first, fit_many([networks()[0]], signals, n_epochs=2, random_state=0)[0])
    assert not same(first, fit_many([networks()[0]], signals, n_epochs=2, random_state=1)[0])


@pytest.mark.parametrize("flat", [True, False])
def test_targets_go_to_those_who_take_them(signals, flat):
    y = signals[:, 0] if flat else signals[:, :2]
    models = [Transcoder(12, random_state=0), networks()[0]]
    transcoder, network = fit_many(models, signals, y, **BLOCKS)
    assert same(network, networks()[0].fit(iter_blocks(signals, **BLOCKS)))
    rng = np.random.RandomState(3)
    orders = [i + rng.permutation(min(150, 500 - i)) for i in range(0, 500, 150)]
    alone = Transcoder(12, random_state=0).fit((signals[rows], y[rows]) for rows in orders)
    assert same(transcoder, alone)
    assert transcoder.predict(signals).shape == y.shape
    pairs = ((signals[rows], y[rows]) for rows in orders)
    assert same(fit_many([Transcoder(12, random_state=0), networks()[0]], pairs)[0], alone)


def test_chunks_of_dask_stream(signals):
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    X = da.from_array(signals, chunks=(70, N_FEATURES))
    alone = [fit_many([model], X, rows=100, random_state=0)[0] for model in networks()]
    together = fit_many(networks(), X, rows=100, random_state=0)
    assert all(map(same, alone, together))
    blocks = (signals[i : i + 100] for i in range(0, 500, 100))
    (model,) = fit_many([networks()[0]], X, rows=100, shuffle=False)
    assert same(model, networks()[0].fit(blocks))
    y = da.from_array(signals[:, 0], chunks=70)
    (model,) = fit_many([Transcoder(12, random_state=0)], X, y, rows=100)
    assert model.predict(signals).shape == (500,)


def test_an_interrupt_leaves_every_model_as_far_as_it_came(signals):
    def blocks():
        yield signals[:200]
        yield signals[200:400]
        raise KeyboardInterrupt

    models = networks()
    with pytest.raises(KeyboardInterrupt):
        fit_many(models, blocks())
    for model, other in zip(models, networks(), strict=True):
        other.fit(iter([signals[:200], signals[200:400]]))
        assert same(model, other)
        assert model.transform(signals).shape[0] == 500


def test_one_that_diverges_does_not_stop_the_others(signals):
    models = [networks()[0], SparseAutoencoder(12, optimizer=SGD(1e200), random_state=0)]
    with pytest.raises(FloatingPointError, match="diverged") as caught:
        fit_many(models, signals, **BLOCKS)
    assert "models[1]" in caught.value.__notes__[0]
    assert same(models[0], networks()[0].fit(iter_blocks(signals, **BLOCKS)))


@pytest.mark.parametrize(
    ("models", "match"),
    [
        ([], "empty list"),
        ([networks()[0], DictionaryLearning(4)], r"models\[1\] is .*DictionaryLearning"),
        ([networks()[0], SparseAutoencoder], r"models\[1\] is"),
        (SparseAutoencoder(4), "models is"),
        ([networks()[0]] * 2, r"models\[1\] is the same object as models\[0\]"),
        ([SparseAutoencoder(4, optimizer=LBFGS())], r"models\[0\].* LBFGS passes"),
        (
            [networks()[0], SparseAutoencoder(4, validation_fraction=0.1)],
            r"models\[1\], a SparseAutoencoder: validation_fraction",
        ),
        (
            [networks()[0], LISTA(dictionary=Dictionary.random(4, 5, random_state=0))],
            r"models\[1\], a LISTA: X has 8 features but .* 5",
        ),
        ([networks()[0], Transcoder(4)], "y is not given"),
    ],
)
def test_models_that_cannot_share_are_refused_before_any_learns(signals, models, match):
    with pytest.raises((TypeError, ValueError), match=match):
        fit_many(models, signals)
    if isinstance(models, list) and models:
        assert not hasattr(models[0], "dictionary_")


def test_other_arguments_are_checked(signals):
    model = networks()[0]
    rng = np.random.RandomState(0)
    with pytest.raises(ValueError, match=r"models\[1\]\.random_state is the same object"):
        fit_many([clone(model).set_params(random_state=rng) for _ in range(2)], signals)
    with pytest.raises(ValueError, match="y is given but no Transcoder"):
        fit_many([model], signals, signals)
    with pytest.raises(ValueError, match="n_epochs is given with an iterator"):
        fit_many([model], iter([signals]), n_epochs=2)
    with pytest.raises(ValueError, match="gave no batch"):
        fit_many([model], iter([]))
    with pytest.raises(ValueError, match="rows is 0"):
        fit_many([model], signals, rows=0)
    with pytest.raises(ValueError, match="y has 5 rows but X has 500"):
        fit_many([Transcoder(4)], signals, signals[:5])
