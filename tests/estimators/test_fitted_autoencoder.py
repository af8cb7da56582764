import dataclasses

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import (
    Dictionary,
    SparseAutoencoder,
    SparseOutlierDetector,
    amortization_report,
    encoders,
)
from sparsecode.constraints import Free, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import MLP, ReLU, TopK
from sparsecode.estimators._fitted_model import FittedModel
from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint
from sparsecode.interop._checkpoint import ARCHITECTURES
from sparsecode.losses import AutoencoderLoss, AuxK, Lp, PenaltyTerm, TargetL0, WeightDecay
from sparsecode.optimizers import Adam
from sparsecode.penalties import L0, L1, MCP, LogSum
from sparsecode.schedules import Cosine, Linear, WarmUp

pytestmark = pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")


@pytest.fixture(scope="module")
def X():
    return make_sparse_signals(300, 20, 10, n_nonzero=2, random_state=0).X + np.arange(10)


def fitted(X, **changes):
    given = {"alpha": 0.1, "n_epochs": 3, "optimizer": Adam(lr=0.01), "random_state": 0}
    return SparseAutoencoder(20, **(given | changes)).fit(X)


class TestFold:
    @pytest.mark.parametrize("encoder", [ReLU(), ReLU(tied=True), TopK(k=3)])
    def test_a_scaler_goes_into_the_weights(self, X, encoder):
        scaler = StandardScaler().fit(X)
        pipe = make_pipeline(scaler, fitted(scaler.transform(X), encoder=encoder))
        model = pipe[-1].fold(scaler.mean_, scaler.scale_)
        np.testing.assert_allclose(model.transform(X), pipe.transform(X), atol=1e-10)
        expected = scaler.inverse_transform(pipe[-1].inverse_transform(pipe.transform(X)))
        found = model.inverse_transform(model.transform(X))
        np.testing.assert_allclose(found, expected, atol=1e-9)
        assert model.dictionary_.constraint == Free() and not model.encoder_.tied
        assert pipe[-1].dictionary_.constraint == UnitNorm()

    @pytest.mark.parametrize("encoder", [ReLU(), ReLU(tied=True), TopK(k=3)])
    def test_one_number_keeps_atoms_and_the_problem(self, X, encoder):
        model = fitted(X, encoder=encoder)
        folded = model.fold(mean=np.ones(10), scale=5.0)
        raw = 5 * X + 1
        np.testing.assert_allclose(folded.transform(raw), 5 * model.transform(X), atol=1e-9)
        np.testing.assert_array_equal(folded.components_, model.components_)
        assert folded.score(raw) == pytest.approx(25 * model.score(X))
        assert folded.encoder_.tied == encoder.tied
        # Training goes on in the units that it had.
        model.state_ = None
        atoms = model.partial_fit(X).components_
        np.testing.assert_allclose(folded.partial_fit(raw).components_, atoms, atol=1e-6)
        assert folded.input_scale_ == pytest.approx(0.2)

    def test_penalties_that_do_not_scale_leave_the_codes(self, X):
        model = fitted(X, penalty=LogSum)
        folded = model.fold(scale=5.0)
        np.testing.assert_allclose(folded.transform(5 * X), model.transform(X), atol=1e-10)
        counting = fitted(X)
        counting._model = dataclasses.replace(counting._model, penalty=L0(0.5))
        assert counting.fold(scale=3.0).penalty_ == L0(4.5)
        assert counting.fold(scale=3.0).score(3 * X) == pytest.approx(9 * counting.score(X))

    def test_nothing_to_fold(self, X):
        model = fitted(X)
        folded = model.fold()
        np.testing.assert_allclose(folded.transform(X), model.transform(X), atol=1e-12)
        assert folded is not model and folded.score(X) == pytest.approx(model.score(X))

    def test_errors(self, X):
        model = fitted(X)
        for scale, message in (
            (0.0, "scale is 0"),
            (np.arange(10.0), "scale has 1 entries that are not positive"),
            (np.ones(9), "scale has 9"),
        ):
            with pytest.raises(ValueError, match=message):
                model.fold(scale=scale)
        with pytest.raises(ValueError, match="mean has 3"):
            model.fold(mean=np.zeros(3))
        with pytest.raises(TypeError, match=r"MLP has another form\. Keep the pre-processing"):
            fitted(X, encoder=MLP()).fold(scale=2.0)


class TestFiles:
    @pytest.mark.parametrize("suffix", ["safetensors", "npz"])
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"encoder": ReLU(tied=True), "penalty": LogSum},
            {"encoder": TopK(k=3), "sparse_output": True},
            {"scale_inputs": True, "penalty": L1(weights=np.linspace(1, 2, 20))},
            {"target_l0": 3},
            {"encoder": encoders.LISTA(n_layers=2), "loss": AutoencoderLoss()},
        ],
        ids=["relu", "tied", "topk", "scaled", "target", "lista"],
    )
    def test_what_is_saved_is_loaded(self, X, changes, suffix, tmp_path):
        X = X.astype(np.float32)
        model = fitted(X, **changes)
        path = tmp_path / f"model.{suffix}"
        model.save(path)
        other = SparseAutoencoder.load(path)
        one, two = model.transform(X), other.transform(X)
        if model.sparse_output:
            one, two = one.toarray(), two.toarray()
        np.testing.assert_array_equal(one, two)
        assert two.dtype == np.float32
        assert other.score(X) == model.score(X) and other.dictionary_ == model.dictionary_
        assert type(other.penalty_) is type(model.penalty_)
        assert other.encoder_.bind(None) == model.encoder_.bind(None)
        assert other.n_features_in_ == 10 and other.alpha == 0.1
        assert other.partial_fit(X).n_iter_ > 0
        report = amortization_report(
            X[:20], other.dictionary_, L1(0.1), encoders=[other.encoder_], n_iters=(1,), n_repeats=1
        )
        assert report is not None

    @pytest.mark.parametrize(
        "loss",
        [
            AutoencoderLoss([Lp(p=Linear(1.0, 0.5, 10), weight=WarmUp(Cosine(n_steps=9), 5))]),
            AutoencoderLoss([TargetL0(L1(0.1, weights=[1.0] * 20), 3.0)], levels=(8, None)),
            AutoencoderLoss([PenaltyTerm(MCP(0.1)), WeightDecay(0.5), AuxK(4)], levels=[8, None]),
        ],
        ids=lambda loss: repr(loss)[:25],
    )
    def test_the_loss_is_kept(self, X, loss, tmp_path):
        model = fitted(X, loss=loss)
        model.save(tmp_path / "model.npz")
        other = SparseAutoencoder.load(tmp_path / "model.npz")
        assert other.loss.resolved() == loss.resolved()
        assert list(other.loss.levels or ()) == list(loss.levels or ())

    def test_names_of_features_and_least_squares_are_kept(self, X, tmp_path):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=list("abcdefghij"))
        model = fitted(frame).refine(frame, "support")
        model.save(tmp_path / "model.npz")
        other = SparseAutoencoder.load(tmp_path / "model.npz")
        np.testing.assert_array_equal(other.transform(frame), model.transform(frame))
        with pytest.raises(ValueError, match="feature names"):
            other.transform(frame[list("bacdefghij")])

    def test_errors(self, X, tmp_path):
        model = fitted(X)
        model.dictionary_.save(tmp_path / "dictionary.npz")
        with pytest.raises(ValueError, match="not a saved autoencoder"):
            SparseAutoencoder.load(tmp_path / "dictionary.npz")
        with pytest.raises(FileNotFoundError):
            SparseAutoencoder.load(tmp_path / "none.npz")
        with pytest.raises(ValueError, match="suffix"):
            model.save(tmp_path / "model.pkl")

        class Own(ReLU):
            pass

        with pytest.raises(TypeError, match="Own cannot be saved"):
            fitted(X, encoder=Own()).save(tmp_path / "own.npz")
        assert not (tmp_path / "own.npz").exists()

    @pytest.mark.parametrize(
        "name, value",
        [
            ("params/W", np.zeros((3, 3))),
            ("params/W", np.full((20, 10), np.inf)),
            ("params/other", np.zeros(3)),
            ("dictionary/atoms", np.zeros(3)),
            ("header", "no json"),
        ],
    )
    def test_damaged_files_are_refused(self, X, name, value, tmp_path):
        fitted(X).save(tmp_path / "model.npz")
        with np.load(tmp_path / "model.npz") as file:
            arrays = dict(file)
        arrays[name] = np.array(value)
        np.savez(tmp_path / "damaged.npz", **arrays)
        with pytest.raises(ValueError, match="not a saved autoencoder"):
            SparseAutoencoder.load(tmp_path / "damaged.npz")


class TestCheckpoints:
    @pytest.mark.parametrize("format", ["sae_lens", "sparsify"])
    def test_there_and_back(self, X, format, tmp_path):
        model = fitted(X.astype(np.float32), encoder=TopK(k=3))
        write_checkpoint(model.to_checkpoint(), tmp_path / "model", format)
        other = SparseAutoencoder.from_pretrained(tmp_path / "model")
        np.testing.assert_allclose(other.transform(X), model.transform(X), atol=1e-4)
        assert other.encoder_.k == 3 and other.penalty_.alpha == 0
        assert other.score(X) == pytest.approx(model.score(X), rel=1e-3)
        assert other.partial_fit(X).n_iter_ == 2

    @pytest.mark.parametrize(
        ("name", "tied"),
        # Matching pursuit has no weights to tie.
        [(n, t) for n in ARCHITECTURES for t in (False, True) if n != "MatchingPursuit" or not t],
    )
    def test_every_architecture(self, name, tied, tmp_path):
        pursuit = name == "MatchingPursuit"
        rng = np.random.default_rng(0)
        dictionary = Dictionary(rng.standard_normal((12, 6)), rng.standard_normal(6))
        if pursuit:
            # SAELens knows it with such atoms only.
            dictionary = dictionary.replace(atoms=dictionary.atoms / dictionary.norms[:, None])
        encoder = getattr(encoders, name)(**({} if pursuit else {"tied": tied}))
        if "k" in encoder.get_params():
            encoder.set_params(k=3)
        params = encoder.init(dictionary, random_state=0)
        params = {key: p + 0.1 * rng.standard_normal(p.shape) for key, p in params.items()}
        if "threshold" in params:
            params["threshold"] = np.array(0.4)
        model = SparseAutoencoder(12)
        model._hold(FittedModel(encoder.bind(params), dictionary, L1(0.0)))
        X = rng.standard_normal((40, 6))
        # One format writes the codes of BatchTopK as those of JumpReLU.
        format = "dictionary_learning" if name == "BatchTopK" else "sae_lens"
        write_checkpoint(model.to_checkpoint(), tmp_path / "m", format)
        other = SparseAutoencoder.from_pretrained(tmp_path / "m")
        codes = model.transform(X)
        assert type(other.encoder_).__name__ == name and codes.any()
        np.testing.assert_allclose(other.transform(X), codes, atol=1e-5)
        np.testing.assert_allclose(
            other.inverse_transform(codes), model.inverse_transform(codes), atol=1e-5
        )
        assert read_checkpoint(tmp_path / "m").architecture == name

    def test_what_cannot_be_read(self, tmp_path, monkeypatch):
        eye = np.eye(3)
        refused = [
            (
                Checkpoint("ReLU", W=eye, atoms=eye, transcoder=True, subtract_offset=False),
                "transc",
            ),
            (Checkpoint("ReLU", W=eye, atoms=eye, input_norm="constant_norm"), "constant_norm"),
        ]
        for checkpoint, message in refused:
            monkeypatch.setattr(
                "sparsecode.estimators._pretrained.read_checkpoint",
                lambda path, format, input_scale, found=checkpoint: found,
            )
            with pytest.raises(ValueError, match=message):
                SparseAutoencoder.from_pretrained(tmp_path)
        monkeypatch.undo()
        with pytest.raises(FileNotFoundError):
            SparseAutoencoder.from_pretrained(tmp_path / "none")

    def test_what_cannot_be_written(self, X):
        with pytest.raises(ValueError, match="the encoder is MLP; expected one that other"):
            fitted(X, encoder=MLP()).to_checkpoint()
        with pytest.raises(ValueError, match="by least squares"):
            fitted(X).refine(X, "support").to_checkpoint()


class TestSteer:
    def test_strength_adds_the_atom(self, X):
        model = fitted(X)
        expected = X + 2.5 * model.components_[3]
        np.testing.assert_allclose(model.steer(X, 3, 2.5), expected)
        each = np.linspace(-1, 1, 300)
        expected = X + each[:, None] * model.components_[3]
        np.testing.assert_allclose(model.steer(X, 3, each), expected)
        np.testing.assert_allclose(model.steer(sparse.csr_array(X), 3, each), expected)

    @pytest.mark.parametrize("method", [None, "support", "scale"])
    def test_activation_sets_the_code_and_keeps_the_residual(self, X, method):
        model = fitted(X)
        if method:
            model.refine(X, method)
        codes = model.transform(X)
        steered = model.steer(X, 3, activation=1.5)
        wanted = codes.copy()
        wanted[:, 3] = 1.5
        expected = model.inverse_transform(wanted) + X - model.inverse_transform(codes)
        np.testing.assert_allclose(steered, expected, atol=1e-10)
        inactive = codes[:, 3] == 0
        assert inactive.any()
        without = model.steer(X, 3, activation=0.0)
        np.testing.assert_array_equal(without[inactive], X[inactive])

    def test_float32_stays_and_samples_are_not_written_to(self, X):
        single = X.astype(np.float32)
        single.flags.writeable = False
        model = fitted(single)
        assert model.steer(single, 0, 1.0).dtype == np.float32
        assert model.steer(single, 0, activation=1.0).dtype == np.float32

    def test_errors(self, X):
        model = fitted(X)
        for options in ({}, {"strength": 1.0, "activation": 1.0}):
            with pytest.raises(ValueError, match="expected exactly one"):
                model.steer(X, 0, **options)
        with pytest.raises(ValueError, match="component is 20"):
            model.steer(X, 20, 1.0)
        with pytest.raises(ValueError, match=r"strength is shape \(3,\)"):
            model.steer(X, 0, np.ones(3))
        with pytest.raises(ValueError, match="0 finite"):
            model.steer(X, 0, np.nan)


class TestMaxActivating:
    @pytest.mark.parametrize("block", [7, 4096])
    def test_against_sorting_all_codes(self, X, block, monkeypatch):
        monkeypatch.setattr("sparsecode.estimators._steering._BLOCK", block)
        model = fitted(X)
        codes = model.transform(X)
        found = model.max_activating(X, [4, 0, 9], n=5)
        for j, (indices, activations) in zip((4, 0, 9), found, strict=True):
            order = np.argsort(-codes[:, j], kind="stable")[:5]
            order = order[codes[order, j] > 0]
            np.testing.assert_array_equal(indices, order)
            np.testing.assert_allclose(activations, codes[order, j])
        one = model.max_activating(sparse.csr_array(X), 4, n=5)
        np.testing.assert_array_equal(one.indices, found[0].indices)

    def test_ties_and_silent_features(self):
        model = SparseAutoencoder(
            encoder=TopK(k=1), init=np.eye(4), offset="zero", optimizer=Adam(lr=0.0), n_epochs=1
        ).fit(np.eye(4))
        found = model.max_activating(np.tile(np.eye(4), (5, 1)), 2, n=3)
        assert found.indices.tolist() == [2, 6, 10]
        assert model.max_activating(-np.ones((3, 4)), 2).activations.shape == (0,)

    def test_errors(self, X):
        model = fitted(X)
        with pytest.raises(ValueError, match="component is -1"):
            model.max_activating(X, [0, -1])
        with pytest.raises(ValueError, match="n is 0"):
            model.max_activating(X, 0, n=0)


def test_a_fitted_model_finds_outliers(X):
    model = fitted(X, n_epochs=20)
    detector = SparseOutlierDetector(FrozenEstimator(model), contamination=0.05).fit(X)
    np.testing.assert_allclose(detector.score_samples(X), model.score_samples(X))
    assert (detector.predict(X + 100) == -1).all()
    assert (detector.predict(X) == 1).mean() > 0.9
