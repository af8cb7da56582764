"""Autoencoders with the layer norm: by hand, in every method, and what cannot know of it."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sparsecode import LISTA, SparseAutoencoder, amortization_report, certify
from sparsecode.datasets import make_feature_mixture, make_sparse_signals
from sparsecode.encoders import BatchTopK, Gated, ReLU, TopK
from sparsecode.losses import AutoencoderLoss
from sparsecode.metrics import explained_variance, loss_recovered, recovery_summary
from sparsecode.model_selection import CodeLengthScorer, selection_curve
from sparsecode.objective import objective
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.replacement import ReplaceUnits
from sparsecode.training import GaussianNoise, train

pytestmark = pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")


@pytest.fixture(scope="module")
def X():
    """Samples whose means and lengths differ a thousandfold."""
    rng = np.random.default_rng(1)
    X = make_sparse_signals(400, 20, 10, n_nonzero=2, random_state=0).X + np.linspace(-2, 2, 10)
    return X * 10.0 ** rng.uniform(-1, 2, (400, 1)) + rng.uniform(-5, 5, (400, 1))


def by_hand(X):
    """Normalised samples, their deviations and their means, as OpenAI's code computes them."""
    mean, deviation = X.mean(axis=1, keepdims=True), X.std(axis=1, ddof=1, keepdims=True)
    return (X - mean) / (deviation + 1e-5), deviation, mean


def autoencoder(**changes):
    given = {"n_components": 20, "alpha": 0.1, "n_epochs": 4, "batch_size": 100}
    return SparseAutoencoder(
        **(given | {"random_state": 0, "scale_inputs": "layer_norm"} | changes)
    )


def same(model, other, X, U, **tolerance):
    """Whether a model with the layer norm is another one of normalised samples."""
    tolerance = {"rtol": 1e-7, "atol": 1e-9} | tolerance
    np.testing.assert_allclose(model.components_, other.components_, **tolerance)
    np.testing.assert_allclose(model.transform(X), other.transform(U), **tolerance)
    np.testing.assert_allclose(model.history_["loss"], other.history_["loss"], rtol=1e-7)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"encoder": TopK(k=3)},
        {"encoder": BatchTopK(k=3)},
        {"encoder": Gated(), "target_l0": 3},
        {"target_l0": 3, "init": "samples"},
        {"encoder": ReLU(tied=True), "init": "k-means++", "offset": "geometric_median"},
        {"replacement": ReplaceUnits(every=4, dead_window=200), "corrupt": GaussianNoise(0.1)},
        {"validation_fraction": 0.2, "patience": 2, "optimizer": Adam(0.05)},
    ],
    ids=str,
)
def test_it_is_training_on_normalised_samples(X, options):
    U = by_hand(X)[0]
    other = autoencoder(scale_inputs=False, **options).fit(U)
    model = autoencoder(**options).fit(X)
    assert model.input_scale_ == "layer_norm" and other.input_scale_ == 1
    same(model, other, X, U)
    assert model.score(X) == pytest.approx(other.score(U), rel=1e-7)
    weight = other.sparsity_weight_
    assert model.sparsity_weight_ == (weight and pytest.approx(weight, rel=1e-7))


def test_weights_are_those_of_normalised_samples(X):
    weight = np.arange(400) % 3.0
    U, options = by_hand(X)[0], {"sample_weight": weight}
    same(autoencoder().fit(X, **options), autoencoder(scale_inputs=False).fit(U, **options), X, U)


def test_parts_and_streams_are_those_of_normalised_samples(X):
    U = by_hand(X)[0]
    other, model = autoencoder(scale_inputs=False), autoencoder()
    for rows in (slice(0, 200), slice(200, 400)):
        other.partial_fit(U[rows])
        model.partial_fit(X[rows])
    same(model, other, X, U)
    streamed = autoencoder().fit(X[start : start + 200] for start in (0, 200))
    same(streamed, other, X, U)


def test_a_training_that_raises_the_loss_is_judged_on_normalised_samples(X):
    U, told = by_hand(X)[0], []
    for scale_inputs, samples in ((False, U), ("layer_norm", X)):
        model = autoencoder(scale_inputs=scale_inputs, optimizer=Adam(3.0), n_epochs=1)
        with pytest.warns(ConvergenceWarning, match="raised the loss from") as caught:
            model.fit(samples)
        told.append(str(caught[0].message))
    assert told[0] == told[1]


def test_the_loop_itself_normalises(X):
    model = autoencoder(encoder=TopK(k=3)).fit(X)
    options = {"loss": AutoencoderLoss(), "learn_dictionary": True, "random_state": 0}
    start = model.encoder_.bind(None), model.dictionary_
    *_, found = train(*start, X, X_val=X, input_scale="layer_norm", n_epochs=2, **options)
    U = by_hand(X)[0]
    *_, expected = train(*start, U, X_val=U, n_epochs=2, **options)
    np.testing.assert_allclose(found.dictionary.atoms, expected.dictionary.atoms, rtol=1e-7)
    assert found.history["validation"] == pytest.approx(expected.history["validation"], rel=1e-7)


@pytest.mark.parametrize(
    "scale, error",
    [("std", "input_scale is 'std'; expected a positive number or 'layer_norm'"), (0, "is 0")],
)
def test_wrong_scales_of_the_loop(X, scale, error):
    with pytest.raises(ValueError, match=error):
        train(ReLU(), np.eye(10), X, loss=AutoencoderLoss(), input_scale=scale)
    with pytest.raises(ValueError, match="X has 1 feature; expected at least 2"):
        one = np.ones((3, 1))
        train(ReLU(), [[1.0]], one, loss=AutoencoderLoss(), input_scale="layer_norm")


class TestCodes:
    def test_reconstructions_have_the_moments_of_the_samples(self, X):
        model = autoencoder().fit(X)
        U, deviation, mean = by_hand(X)
        moments = model.input_moments(X)
        np.testing.assert_allclose(moments, np.hstack([mean, deviation]), rtol=1e-12)
        codes = model.transform(X)
        np.testing.assert_allclose(codes, model.encoder_.encode(U, model.dictionary_), atol=1e-9)
        expected = deviation * (codes @ model.components_ + model.dictionary_.offset) + mean
        np.testing.assert_allclose(model.inverse_transform(codes, moments), expected, rtol=1e-9)
        as_csr = model.inverse_transform(sparse.csr_array(codes), moments.tolist())
        np.testing.assert_allclose(as_csr, expected, rtol=1e-9)
        assert explained_variance(X, expected) > 0.9

    def test_samples_of_another_scale_and_mean_have_the_same_codes(self, X):
        model = autoencoder(encoder=TopK(k=3)).fit(X)
        expected = model.transform(X)
        np.testing.assert_allclose(model.transform(1e4 * X + 7), expected, rtol=1e-3, atol=1e-3)

    def test_codes_without_moments(self, X):
        model = autoencoder().fit(X)
        with pytest.raises(ValueError, match=r"moments is None .*model\.input_moments\(X\)"):
            model.inverse_transform(model.transform(X))
        plain = autoencoder(scale_inputs=None).fit(X)
        moments = plain.input_moments(X)
        np.testing.assert_array_equal(moments, np.tile([0.0, 1.0], (400, 1)))
        codes = plain.transform(X)
        found = plain.inverse_transform(codes, moments)
        np.testing.assert_array_equal(found, plain.inverse_transform(codes))

    @pytest.mark.parametrize(
        "moments, error",
        [
            (np.ones((3, 2)), "moments has 3 rows but there are 400 codes"),
            (np.ones((400, 3)), "moments has 3 columns; expected 2"),
            (np.full((400, 2), -1.0), "400 negative deviations"),
            (np.full((400, 2), np.nan), "moments contains NaN"),
        ],
    )
    def test_moments_that_do_not_fit(self, X, moments, error):
        model = autoencoder().fit(X)
        with pytest.raises(ValueError, match=error):
            model.inverse_transform(model.transform(X), moments)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("value", [0.0, 0.1, 1e4 / 3])
    def test_constant_samples_are_the_offset(self, X, dtype, value):
        model = autoencoder().fit(X.astype(dtype))
        constant = np.full((3, 10), value, dtype=dtype)
        codes = model.transform(constant)
        assert codes.dtype == dtype
        np.testing.assert_allclose(codes, model.encoder_.encode(0 * constant, model.dictionary_))
        moments = model.input_moments(constant)
        assert moments.dtype == dtype and (moments[:, 1] < 1e-9).all()
        found = model.inverse_transform(codes, moments)
        np.testing.assert_allclose(found, constant, rtol=1e-6)
        assert np.isfinite(model.score_samples(constant)).all()

    def test_constant_samples_can_be_learned_from(self, X):
        mixed = X.copy()
        mixed[::3] = 4.0
        assert np.isfinite(autoencoder().fit(mixed).components_).all()

    def test_float32_stays_and_arguments_are_not_written_to(self, X):
        single = X.astype(np.float32)
        before = single.copy()
        model = autoencoder().fit(single)
        moments, codes = model.input_moments(single), model.transform(single)
        found = model.inverse_transform(codes, moments)
        assert {a.dtype for a in (model.components_, moments, codes, found)} == {single.dtype}
        np.testing.assert_array_equal(single, before)
        double = autoencoder().fit(X)
        np.testing.assert_allclose(codes, double.transform(X), atol=0.01)

    def test_large_means_cost_no_digits(self, X):
        U = by_hand(X)[0].astype(np.float32)
        shifted = (U + np.float32(1000)).astype(np.float32)
        model = autoencoder(encoder=TopK(k=3)).fit(U)
        expected = model.transform(shifted.astype(np.float64))
        np.testing.assert_allclose(model.transform(shifted), expected, atol=1e-4)

    def test_squares_that_overflow(self, X):
        model = autoencoder().fit(X)
        with pytest.raises(ValueError, match="squared deviations from its mean overflow"):
            model.transform(1e200 * X)


@pytest.mark.parametrize("kind", ["csr", "memory map", "fortran", "list"])
def test_kinds_of_samples_are_alike(X, kind, tmp_path):
    np.save(tmp_path / "X.npy", X)
    other = {
        "csr": lambda: sparse.csr_array(X),
        "memory map": lambda: np.load(tmp_path / "X.npy", mmap_mode="r"),
        "fortran": lambda: np.asfortranarray(X),
        "list": X.tolist,
    }[kind]()
    options = {"shuffle": False, "encoder": TopK(k=2)}
    expected, model = autoencoder(**options).fit(X), autoencoder(**options).fit(other)
    codes = model.transform(other)
    np.testing.assert_allclose(codes, expected.transform(X), atol=1e-9)
    np.testing.assert_allclose(model.input_moments(other), expected.input_moments(X), rtol=1e-12)
    assert model.score(other) == pytest.approx(expected.score(X), rel=1e-9)


def test_many_samples_are_normalised_a_block_at_a_time(X, monkeypatch):
    whole = autoencoder(sparse_output=True).fit(X)
    expected, certificate = whole.transform(X), whole.certify(X)
    dense = whole.set_params(sparse_output=False).transform(X)
    for name, size in (("_NORMALIZED", 64), ("_JUDGED", 50)):
        monkeypatch.setattr(f"sparsecode.estimators._fitted_model.{name}", size)
    np.testing.assert_array_equal(whole.transform(X), dense)
    found = whole.set_params(sparse_output=True).transform(X)
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found.toarray(), expected.toarray())
    np.testing.assert_array_equal(whole.certify(X).objective, certificate.objective)


def test_training_starts_from_some_of_many_samples(X, monkeypatch):
    monkeypatch.setattr("sparsecode.estimators._input_scaling._MOST_ENTRIES", 10 * 300)
    model = autoencoder(optimizer=Adam(0.0), n_epochs=1).fit(X)
    rows = np.linspace(0, 399, 300).astype(int)
    expected = by_hand(X)[0][rows].mean(axis=0)
    np.testing.assert_allclose(model.dictionary_.offset, expected, atol=1e-12)


class TestMethods:
    def test_scores_and_certificates_are_those_of_normalised_samples(self, X):
        model, U = autoencoder().fit(X), by_hand(X)[0]
        codes, problem = model.transform(X), (model.dictionary_, model.penalty_)
        expected = objective(U, codes, *problem)
        np.testing.assert_allclose(model.score_samples(X), -expected, rtol=1e-7)
        found, expected = model.certify(X), certify(U, codes, *problem)
        np.testing.assert_allclose(found.gap, expected.gap, rtol=1e-6, atol=1e-9)

    def test_steering_changes_the_reconstruction_alone(self, X):
        model = autoencoder().fit(X)
        deviation, codes = by_hand(X)[1], model.transform(X)
        found = model.steer(X, 3, strength=2.0)
        np.testing.assert_allclose(found, X + 2 * deviation * model.components_[3], rtol=1e-12)
        changed = codes.copy()
        changed[:, 3] = 1.5
        moments = model.input_moments(X)
        before, after = (model.inverse_transform(z, moments) for z in (codes, changed))
        found = model.steer(X, 3, activation=1.5)
        np.testing.assert_allclose(found - X, after - before, rtol=1e-6, atol=1e-8)

    def test_steering_a_frame_warns_of_no_names(self, X):
        frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcdefghij"))
        model = autoencoder().fit(frame)
        np.testing.assert_array_equal(
            model.steer(frame, 3, strength=2.0),
            X + np.multiply.outer(2.0 * model.input_moments(frame)[:, 1], model.components_[3]),
        )

    def test_maximally_activating_samples(self, X):
        model = autoencoder().fit(X)
        indices, activations = model.max_activating(X, 2, n=4)
        np.testing.assert_array_equal(activations, model.transform(X)[indices, 2])

    @pytest.mark.parametrize("method", ["decoder", "scale", "support"])
    def test_refinement_is_that_on_normalised_samples(self, X, method):
        U = by_hand(X)[0]
        model = autoencoder().fit(X).refine(X, method)
        other = autoencoder(scale_inputs=False).fit(U).refine(U, method)
        tolerance = {"rtol": 1e-6, "atol": 1e-8}
        np.testing.assert_allclose(model.components_, other.components_, **tolerance)
        np.testing.assert_allclose(model.transform(X), other.transform(U), **tolerance)

    @pytest.mark.parametrize("ending", ["npz", "safetensors"])
    def test_files(self, X, tmp_path, ending):
        model = autoencoder(encoder=BatchTopK(k=3)).fit(X)
        model.save(tmp_path / f"model.{ending}")
        loaded = SparseAutoencoder.load(tmp_path / f"model.{ending}")
        assert loaded.scale_inputs == loaded.input_scale_ == "layer_norm"
        np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
        loaded.partial_fit(X)
        again = clone(loaded).fit(X)
        np.testing.assert_array_equal(again.transform(X), model.transform(X))
        same_model = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(same_model.transform(X), model.transform(X))

    @pytest.mark.parametrize("encoder", [ReLU(), TopK(k=3), BatchTopK(k=3), Gated()], ids=str)
    def test_checkpoints(self, X, encoder):
        model = autoencoder(encoder=encoder).fit(X)
        checkpoint = model.to_checkpoint()
        assert checkpoint.input_norm == "layer_norm"
        inputs, factor, shift = checkpoint.standardize(X)
        np.testing.assert_allclose(inputs, by_hand(X)[0], rtol=1e-9, atol=1e-12)
        loaded = SparseAutoencoder.from_pretrained(checkpoint)
        assert loaded.scale_inputs == "layer_norm"
        codes = model.transform(X)
        np.testing.assert_allclose(loaded.transform(X), codes, atol=1e-9)
        expected = factor * (codes @ checkpoint.atoms + checkpoint.offset) + shift
        found = loaded.inverse_transform(codes, loaded.input_moments(X))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        loaded.partial_fit(X)
        assert loaded.input_scale_ == "layer_norm"

    def test_the_weight_of_a_target_goes_on(self, X):
        model = autoencoder(target_l0=3).partial_fit(X)
        weight = model.sparsity_weight_
        assert model.penalty_.alpha == pytest.approx(weight)
        model.set_params(optimizer=Adam(0.0)).partial_fit(X[:100])
        assert model.sparsity_weight_ == pytest.approx(weight, rel=0.2)


class TestOthers:
    def test_losses_of_a_network(self, X):
        model = autoencoder(optimizer=Adam(0.01)).fit(X)

        def network(activations):
            return np.mean((activations - X) ** 2)

        X_hat = model.inverse_transform(model.transform(X), model.input_moments(X))
        found = loss_recovered(network, X, model)
        assert found == loss_recovered(network, X, X_hat)
        assert found.recovered > 0.9

    def test_true_features(self):
        mixture = make_feature_mixture("1k", n_steps=0, random_state=0)
        batches = mixture.batches(256, n_batches=20, random_state=0)
        model = autoencoder(n_components=64, encoder=TopK(k=6), batch_size=256).fit(batches)
        found = recovery_summary(model, mixture, n_samples=1000, random_state=1)
        X = next(mixture.batches(1000, n_batches=1, random_state=1))
        X_hat = model.inverse_transform(model.transform(X), model.input_moments(X))
        assert found.explained_variance == pytest.approx(explained_variance(X, X_hat), rel=1e-3)

    def test_cross_validation_and_pipelines(self, X):
        search = GridSearchCV(autoencoder(), {"alpha": [0.05, 0.5]}, cv=2).fit(X)
        assert search.best_estimator_.input_scale_ == "layer_norm"
        codes = make_pipeline(autoencoder()).fit_transform(X)
        np.testing.assert_allclose(codes, autoencoder().fit(X).transform(X), atol=1e-12)

    @pytest.mark.parametrize("fitted", [True, False])
    def test_what_cannot_know_of_moments(self, X, fitted):
        model = autoencoder().fit(X)
        calls = [
            lambda: model.fold(scale=2.0),
            lambda: CodeLengthScorer()(model, X),
            lambda: selection_curve(autoencoder(), X, alphas=[0.1]),
            lambda: amortization_report(X, model.dictionary_, L1(0.1), encoders=[model]),
            lambda: LISTA(dictionary=model if fitted else autoencoder(), n_layers=1).fit(X),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="'layer_norm', which normalises each sample"):
                call()

    def test_values_that_are_refused(self, X):
        message = "scale_inputs is 'batch_norm'; expected True, False, None or 'layer_norm'"
        with pytest.raises(ValueError, match=message):
            autoencoder(scale_inputs="batch_norm").fit(X)
        with pytest.raises(ValueError, match="X has 1 feature; expected at least 2"):
            autoencoder(n_components=3).fit(X[:, :1])
        with pytest.raises(TypeError, match="'layer_norm' but the output 'sigmoid'"):
            autoencoder(loss=AutoencoderLoss(output="sigmoid")).fit(X)
        with pytest.raises(ValueError, match="outliers is 'clip' with scale_inputs"):
            autoencoder(outliers="clip").fit(X)

    @pytest.mark.parametrize("before, after", [("layer_norm", False), (None, "layer_norm")])
    def test_training_goes_on_with_the_same_scaling(self, X, before, after):
        model = autoencoder(scale_inputs=before).fit(X)
        message = f"scale_inputs is {after!r} for a model that is trained already"
        with pytest.raises(ValueError, match=message):
            model.set_params(scale_inputs=after).partial_fit(X)

    def test_a_checkpoint_keeps_its_scaling(self, X):
        checkpoint = autoencoder().fit(X).to_checkpoint()
        with pytest.raises(ValueError, match="scale_inputs is False but the checkpoint of"):
            SparseAutoencoder.from_pretrained(checkpoint, scale_inputs=False)

    def test_a_learner_of_atoms_is_judged_by_its_parameter(self, X):
        learner = autoencoder(scale_inputs=None).fit(X).set_params(scale_inputs="layer_norm")
        with pytest.raises(ValueError, match="'layer_norm', which normalises each sample"):
            LISTA(dictionary=learner, n_layers=1).fit(X)


class TestDask:
    def test_chunks_are_coded_alike(self, X):
        da = pytest.importorskip("dask.array")
        model = autoencoder(encoder=TopK(k=3)).fit(X)
        chunks = da.from_array(X, chunks=(150, 10))
        codes, moments = model.transform(chunks), model.input_moments(chunks)
        assert moments.shape == (400, 2)
        expected = model.transform(X), model.input_moments(X)
        np.testing.assert_array_equal(codes.compute(), expected[0])
        np.testing.assert_array_equal(moments.compute(), expected[1])
        with pytest.raises(TypeError, match="moments is a Dask collection"):
            model.inverse_transform(expected[0], moments)
        found = model.inverse_transform(codes, moments).compute()
        np.testing.assert_allclose(found, model.inverse_transform(*expected), rtol=1e-12)
        assert float(model.score(chunks)) == pytest.approx(model.score(X))
        with pytest.raises(ValueError, match="moments is None"):
            model.inverse_transform(codes)
        with pytest.raises(TypeError, match="moments is in memory with a Dask"):
            model.inverse_transform(codes, expected[1])

    def test_parts_of_batches_are_normalised_where_they_are(self, X):
        da = pytest.importorskip("dask.array")
        from sparsecode.distributed import data_parallel

        options = {"encoder": TopK(k=3), "shuffle": False}
        expected = autoencoder(**options).fit(X)
        with data_parallel(3):
            found = autoencoder(**options).fit(da.from_array(X, chunks=(200, 10)))
        np.testing.assert_allclose(found.components_, expected.components_, rtol=1e-7)

    def test_chunks_are_learned_from(self, X):
        da = pytest.importorskip("dask.array")
        model = autoencoder(encoder=TopK(k=3)).fit(da.from_array(X, chunks=(150, 10)))
        assert model.input_scale_ == "layer_norm"
        X_hat = model.inverse_transform(model.transform(X), model.input_moments(X))
        assert explained_variance(X, X_hat) > 0.8
