"""Refined encoders: steps written out, thresholds of every selection, and training."""

import numpy as np
import pytest

from sparsecode import LISTA, Dictionary, SparseAutoencoder, Transcoder
from sparsecode.compare import amortization_report
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import MLP, BatchTopK, JumpReLU, Refined, ReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.metrics import explained_variance
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import TrainingState, train

FEEDBACKS = ("encoder", "atoms", "learned")


@pytest.fixture
def problem(rng):
    dictionary = Dictionary(rng.standard_normal((10, 6)), rng.standard_normal(6))
    return rng.standard_normal((40, 6)) + dictionary.offset, dictionary


def moved(encoder, dictionary, rng):
    """Parameters that are not those of `init`; thresholds are set."""
    params = encoder.init(dictionary)
    for name, array in params.items():
        params[name] = array + 0.2 * rng.standard_normal(array.shape)
    return params


def top(A, k):
    """The `k` largest positive entries of each row, by sorting."""
    least = np.sort(np.maximum(A, 0), axis=1)[:, -k][:, None]
    return np.where((least <= A) & (A > 0), A, 0)


@pytest.mark.parametrize("feedback", FEEDBACKS)
@pytest.mark.parametrize("tied", [False, True])
def test_steps_are_those_that_are_written_down(problem, rng, feedback, tied):
    X, dictionary = problem
    encoder = Refined(TopK(k=3, tied=tied), 3, 0.2, feedback)
    params = moved(encoder, dictionary, rng)
    W = dictionary.atoms if tied else params["W"]
    F = {"encoder": W, "atoms": dictionary.atoms, "learned": params.get("feedback")}[feedback]
    x = X - dictionary.offset
    A = x @ W.T + params["b"]
    selections = [top(A, 3)]
    for _ in range(3):
        A = A + 0.2 * (x - selections[-1] @ dictionary.atoms) @ F.T
        selections.append(top(A, 3))
    bound = encoder.bind(params)
    np.testing.assert_allclose(bound.encode(X, dictionary), selections[-1], rtol=1e-10)
    for n_layers, expected in enumerate(selections, start=1):
        for options in ({"sparse": True}, {"sparse": False, "signals": "pre"}):
            codes, cache = encoder.forward(params, X, dictionary, n_layers=n_layers, **options)
            dense = codes.toarray() if options["sparse"] else codes
            np.testing.assert_allclose(dense, expected, rtol=1e-10)
    np.testing.assert_allclose(cache.signals["pre"], A, rtol=1e-10)
    plain = TopK(k=3, tied=tied).bind({n: a for n, a in params.items() if n != "feedback"})
    same = bound.encode(X, dictionary, n_layers=1)
    np.testing.assert_array_equal(same, plain.encode(X, dictionary))


def test_many_steps_of_a_rectifier_explain_the_sample(rng):
    """Linearized Bregman iterations: for samples that non-negative codes explain, all of it."""
    dictionary = Dictionary(np.abs(rng.standard_normal((12, 5))))
    X = np.abs(rng.standard_normal((7, 12))) @ dictionary.atoms
    encoder = Refined(ReLU(tied=True), 20_000, 1 / dictionary.lipschitz)
    encoder = encoder.bind({"b": np.full(12, -X.max())})
    codes = encoder.encode(X, dictionary)
    assert (codes >= 0).all() and (codes == 0).any()
    np.testing.assert_allclose(codes @ dictionary.atoms, X, rtol=1e-3)


def test_gradient_of_thresholds_is_summed_over_selections(problem, rng):
    """The estimate of each selection, with the gradient that the residuals send to its codes."""
    X, dictionary = problem
    encoder = Refined(JumpReLU(bandwidth=0.6, threshold_init=0.7), 1, 0.3)
    params = moved(encoder, dictionary, rng)
    x, W, D, theta = X - dictionary.offset, params["W"], dictionary.atoms, None
    theta = np.exp(params["log_threshold"])
    first = x @ W.T + params["b"]
    z = np.where(first > theta, first, 0)
    second = first + 0.3 * (x - z @ D) @ W.T
    upstream = rng.standard_normal(first.shape)
    before = -0.3 * (upstream * (second > theta)) @ W @ D.T
    jumps = upstream * (np.abs(second - theta) < 0.3) + before * (np.abs(first - theta) < 0.3)
    expected = -(theta**2) * jumps.sum(axis=0) / 0.6
    _, cache = encoder.forward(params, X, dictionary)
    found = encoder.backward(upstream, cache)["log_threshold"]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("feedback", FEEDBACKS)
def test_every_selection_has_its_threshold(problem, feedback):
    X, dictionary = problem
    encoder = Refined(BatchTopK(k=2.5), 2, 0.3, feedback)
    params = encoder.init(dictionary)
    assert params["threshold"].shape == (3,) and np.isnan(params["threshold"]).all()
    codes, cache = encoder.forward(params, X, dictionary, training=True, sparse=True)
    encoder.update_buffers(params, cache)
    least = [selection.cache.codes.data.min() for selection in cache.kept.selections]
    np.testing.assert_allclose(params["threshold"], least, rtol=1e-12)
    assert len(set(least)) == 3 and codes.nnz == 100
    # Just below the least that were kept, the codes are those of the batch.
    just = params | {"threshold": params["threshold"] * (1 - 1e-9)}
    found = encoder.bind(just).encode(X, dictionary)
    np.testing.assert_allclose(found, codes.toarray(), rtol=1e-9)
    before = {name: array.copy() for name, array in params.items()}
    ready = encoder.bind(params).set_buffers(X, dictionary)
    for n_layers in (1, 2, 3):
        codes = ready.encode(X, dictionary, n_layers=n_layers)
        # Exactly: the threshold is one of the products that `encode` makes.
        assert np.count_nonzero(codes) == 100
    assert all(np.array_equal(before[name], params[name]) for name in params)
    weight = np.r_[np.full(20, 2.0), np.zeros(20)]
    half = ready.set_buffers(X, dictionary, weight).encode(X[:20], dictionary)
    assert abs(np.count_nonzero(half) - 50) <= 1


def test_starts_from_parameters_of_the_inner_encoder(problem, rng):
    X, dictionary = problem
    inner = BatchTopK(k=2)
    inner = inner.bind(moved(inner, dictionary, rng) | {"threshold": np.array(0.5)})
    params = Refined(inner, 2, feedback="learned").init(dictionary)
    np.testing.assert_array_equal(params["W"], inner.params["W"])
    np.testing.assert_array_equal(params["feedback"], dictionary.atoms)
    np.testing.assert_array_equal(params["threshold"], [0.5, 0.5, 0.5])
    first = Refined(inner, 2).encode(X, dictionary, n_layers=1)
    np.testing.assert_array_equal(first, inner.encode(X, dictionary))


SIGNALS = make_sparse_signals(1500, 40, 20, n_nonzero=3, positive=True, random_state=0)


def fit(encoder, **options):
    options = {"optimizer": Adam(0.01), "n_epochs": 15, "random_state": 0} | options
    return SparseAutoencoder(40, encoder=encoder, **options).fit(SIGNALS.X)


@pytest.mark.needs_jit("it fits")
def test_a_step_makes_an_autoencoder_better(tmp_path):
    def explained(model):
        return explained_variance(SIGNALS.X, model.inverse_transform(model.transform(SIGNALS.X)))

    given = Refined(TopK(), 2)
    refined, plain = fit(given, target_l0=3), fit(TopK(k=3))
    assert given == Refined(TopK(), 2) and refined.encoder_.encoder.k == 3
    assert explained(refined) > explained(plain) + 0.02
    assert np.count_nonzero(refined.transform(SIGNALS.X), axis=1).max() == 3
    for path in (tmp_path / "model.npz", tmp_path / "model.safetensors"):
        refined.save(path)
        again = SparseAutoencoder.load(path)
        assert again.encoder_ == refined.encoder_
        np.testing.assert_array_equal(again.transform(SIGNALS.X), refined.transform(SIGNALS.X))
    table = amortization_report(
        SIGNALS.X[:50], refined.dictionary_, L1(0.1), encoders={"refined": refined.encoder_}
    )
    assert "refined" in str(table)


@pytest.mark.needs_jit("it fits")
@pytest.mark.parametrize("inner", [ReLU(), JumpReLU(), BatchTopK()])
def test_scale_and_target_of_nonzeros(inner):
    options = {"target_l0": 4, "scale_inputs": True}
    model = fit(Refined(inner, feedback="learned"), **options, n_epochs=40)
    assert 3 < np.count_nonzero(model.transform(SIGNALS.X)) / 1500 < 5
    large = SparseAutoencoder(
        40, encoder=Refined(inner, feedback="learned"), optimizer=Adam(0.01), n_epochs=40,
        random_state=0, **options,
    ).fit(1024 * SIGNALS.X)  # fmt: skip
    np.testing.assert_allclose(
        large.transform(1024 * SIGNALS.X), 1024 * model.transform(SIGNALS.X), rtol=1e-6
    )


def run(problem, n_epochs, **options):
    X, dictionary = problem
    options = {"loss": AutoencoderLoss(), "learn_dictionary": True, "random_state": 0, **options}
    encoder = Refined(BatchTopK(k=2), 2, feedback="learned")
    return list(train(encoder, dictionary, X, n_epochs=n_epochs, batch_size=16, **options))


@pytest.mark.parametrize("replacement", [None, ReplaceUnits(every=2, dead_window=20)])
def test_a_resumed_run_is_bit_identical(problem, tmp_path, replacement):
    whole = run(problem, 4, replacement=replacement)
    path = tmp_path / "state.safetensors"
    run(problem, 2, replacement=replacement)[-1].save(path)
    half = TrainingState.load(path, Refined())
    rest = run(problem, 4, state=half, replacement=replacement)
    for folder in ("params", "best_params", "optimizer", "memory"):
        mine, theirs = getattr(rest[-1], folder), getattr(whole[-1], folder)
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
    assert rest[-1].dictionary == whole[-1].dictionary
    assert whole[-1].params["threshold"].shape == (3,)
    assert not np.array_equal(whole[-1].params["feedback"], whole[0].params["feedback"])


@pytest.mark.needs_jit("it fits")
def test_trains_for_given_atoms():
    dictionary = Dictionary(SIGNALS.atoms)
    model = LISTA(
        dictionary=dictionary, encoder=Refined(ReLU(), 3), alpha=0.05, n_epochs=20, random_state=0
    ).fit(SIGNALS.X)
    assert model.history_["loss"][-1] < 0.9 * model.history_["loss"][0]
    assert model.transform(SIGNALS.X).shape == (1500, 40)


def test_what_does_not_fit_is_refused(problem):
    X, dictionary = problem
    with pytest.raises(TypeError, match=r"encoder of Refined is MLP.*TopK"):
        Refined(MLP()).init(dictionary)
    with pytest.raises(ValueError, match="n_steps"):
        Refined(n_steps=0).init(dictionary)
    with pytest.raises(ValueError, match="step"):
        Refined(step=0.0).init(dictionary)
    with pytest.raises(ValueError, match=r"feedback is 'both'; expected one of 'encoder'"):
        Refined(feedback="both").init(dictionary)
    with pytest.raises(ValueError, match="k=11 but the dictionary has 10 atoms"):
        Refined(TopK(k=11)).init(dictionary)
    encoder = Refined(TopK(k=2), feedback="learned")
    params = encoder.init(dictionary) | {"feedback": np.zeros((10, 5))}
    with pytest.raises(ValueError, match=r"params\['feedback'\] of Refined has shape \(10, 5\)"):
        encoder.bind(params).encode(X, dictionary)
    with pytest.raises(ValueError, match="n_layers"):
        encoder.encode(X, dictionary, n_layers=3)


@pytest.mark.needs_jit("it fits")
def test_what_needs_one_affine_map_is_refused():
    model = fit(Refined(TopK(k=3)), n_epochs=1)
    with pytest.raises(TypeError, match="fold is for encoders of the form"):
        model.fold(np.zeros(20), 2.0)
    for method in ("scale", "decoder"):
        with pytest.raises(TypeError, match=r"refine is for encoders .* Refined has another form"):
            model.refine(SIGNALS.X, method)
    with pytest.raises(ValueError, match=r"the encoder is Refined; expected one that other"):
        model.to_checkpoint()
    model.refine(SIGNALS.X, "support")
    assert np.isfinite(model.score(SIGNALS.X))
    with pytest.raises(TypeError, match=r"Refined.*, which reads the atoms"):
        Transcoder(10, encoder=Refined(TopK(k=3))).fit(SIGNALS.X[:, :5], SIGNALS.X)
