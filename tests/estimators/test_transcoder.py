import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import Dictionary, SparseAutoencoder, Transcoder
from sparsecode.constraints import Free, UnitBall, UnitNorm
from sparsecode.encoders import ReLU, TopK
from sparsecode.interop import Checkpoint, write_checkpoint
from sparsecode.losses import AutoencoderLoss, SupervisedLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1

N_FEATURES, N_TARGETS, N_COMPONENTS = 6, 3, 16
STILL = SGD(1e-30)


@pytest.fixture(scope="module")
def pairs():
    """Samples, and targets that are a linear map of them and a sparse one."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, N_FEATURES))
    features = np.maximum(X @ rng.standard_normal((N_FEATURES, 8)) - 1, 0)
    linear = X @ rng.standard_normal((N_FEATURES, N_TARGETS))
    return X, linear + features @ rng.standard_normal((8, N_TARGETS)) + [1.0, -2.0, 30.0]


def model(**changes):
    given = {
        "n_components": N_COMPONENTS,
        "encoder": TopK(k=4),
        "optimizer": Adam(0.01),
        "n_epochs": 5,
        "batch_size": 50,
        "random_state": 0,
    }
    return Transcoder(**(given | changes))


def same(one, other, X):
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("encoder", [None, TopK(k=4)])
def test_it_learns(pairs, encoder, skip):
    X, Y = pairs
    found = model(encoder=encoder, alpha=0.01, skip=skip, n_epochs=60).fit(X, Y)
    assert found.score(X, Y) > 0.9
    assert found.score(X, Y) == pytest.approx(r2_score(Y, found.predict(X)))
    assert found.history_["loss"][-1] < found.history_["loss"][0]
    assert is_regressor(found)


def test_a_linear_map_leaves_less_to_the_codes(pairs):
    X, Y = pairs
    plain, with_skip = (model(skip=skip, n_epochs=60).fit(X, Y) for skip in (False, True))
    assert with_skip.score(X, Y) > plain.score(X, Y)
    assert plain.skip_ is None
    assert with_skip.skip_.shape == (N_FEATURES, N_TARGETS)


def test_prediction_is_codes_times_atoms_and_the_linear_map(pairs):
    X, Y = pairs
    found = model(skip=True).fit(X, Y)
    codes = found.transform(X)
    assert codes.shape == (len(X), N_COMPONENTS)
    assert (np.count_nonzero(codes, axis=1) <= 4).all()
    decoded = codes @ found.components_ + found.dictionary_.offset
    np.testing.assert_allclose(found.inverse_transform(codes), decoded)
    np.testing.assert_allclose(found.predict(X), decoded + X @ found.skip_)
    assert found.dictionary_.n_features == N_TARGETS
    assert list(found.get_feature_names_out()[:2]) == ["transcoder0", "transcoder1"]


def test_the_linear_map_alone_is_linear_regression(pairs):
    X, Y = pairs
    silent = {"W": np.zeros((1, N_FEATURES)), "b": np.array([-1.0])}
    found = model(
        n_components=1,
        skip=True,
        encoder=ReLU().bind(silent),
        constraint=Free(),
        optimizer=LBFGS(max_iter=500, tol=1e-10),
        loss=AutoencoderLoss(),
    ).fit(X, Y)
    assert not found.transform(X).any()
    reference = LinearRegression().fit(X, Y)
    np.testing.assert_allclose(found.skip_, reference.coef_.T, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.predict(X), reference.predict(X), rtol=1e-5, atol=1e-5)


def test_least_squares_on_given_codes_is_where_nothing_moves(pairs):
    X, Y = pairs
    # Positive and negative parts: their differences are the samples themselves.
    both = {"W": np.vstack([np.eye(N_FEATURES), -np.eye(N_FEATURES)]), "b": np.zeros(12)}
    start = {"n_components": None, "encoder": ReLU().bind(both), "loss": AutoencoderLoss()}
    codes = np.maximum(X @ both["W"].T, 0)
    reference = LinearRegression().fit(codes, Y)
    init = Dictionary(reference.coef_.T, reference.intercept_)
    found = model(**start, init=init, optimizer=STILL, batch_size=None, n_epochs=1).fit(X, Y)
    np.testing.assert_allclose(found.transform(X), codes)
    np.testing.assert_allclose(found.predict(X), reference.predict(codes))
    assert found.dictionary_.constraint == Free()
    # Only the weights of the encoder have a gradient.
    free = model(**start, init=init, optimizer=SGD(1e-3), batch_size=None, n_epochs=1).fit(X, Y)
    np.testing.assert_allclose(free.components_, found.components_, atol=1e-12)
    assert not np.allclose(free.encoder_.params["W"], both["W"], atol=1e-6)


def test_training_begins_at_the_mean_of_the_targets(pairs):
    X, Y = pairs
    weight = np.arange(len(X)) % 3
    found = model(optimizer=STILL, skip=True).fit(X, Y, sample_weight=weight)
    mean = np.average(Y, axis=0, weights=weight)
    np.testing.assert_allclose(found.predict(X), np.broadcast_to(mean, Y.shape))
    assert found.dictionary_.constraint == UnitBall()
    directions = np.linalg.norm(found.encoder_.params["W"], axis=1)
    np.testing.assert_allclose(directions, 1)


def test_atoms_may_start_elsewhere(pairs):
    X, Y = pairs
    found = model(init="samples", optimizer=STILL).fit(X, Y)
    assert found.dictionary_.constraint == UnitNorm()
    np.testing.assert_allclose(found.dictionary_.norms, 1)
    none = model(n_components=None, encoder=ReLU()).fit(X, Y)
    assert none.components_.shape == (N_FEATURES, N_TARGETS)


def test_weights_are_repetitions(pairs):
    X, Y = pairs[0][:40], pairs[1][:40]
    weight = np.random.default_rng(1).integers(0, 3, 40)
    one = model(batch_size=None, skip=True).fit(X, Y, sample_weight=weight)
    other = model(batch_size=None, skip=True).fit(X.repeat(weight, 0), Y.repeat(weight, 0))
    np.testing.assert_allclose(one.predict(X), other.predict(X))


@pytest.mark.parametrize("kind", ["csr", "csr targets", "list", "memmap"])
def test_other_kinds_of_input_give_the_same(pairs, kind, tmp_path):
    X, Y = pairs
    expected = model(skip=True, shuffle=False).fit(X, Y)
    if kind == "csr":
        X = sparse.csr_array(X)
    elif kind == "csr targets":
        Y = sparse.csr_array(Y)
    elif kind == "list":
        X, Y = X.tolist(), Y.tolist()
    else:
        for name, array in (("X", X), ("Y", Y)):
            np.save(tmp_path / f"{name}.npy", array)
        X, Y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("X", "Y"))
    found = model(skip=True, shuffle=False).fit(X, Y)
    np.testing.assert_allclose(found.predict(X), expected.predict(X), rtol=1e-9)


def test_float32_stays_and_nothing_is_written_to(pairs):
    X, Y = (array.astype(np.float32) for array in pairs)
    X.flags.writeable = Y.flags.writeable = False
    found = model(skip=True).fit(X, Y)
    assert found.dictionary_.dtype == found.skip_.dtype == np.float32
    assert found.transform(X).dtype == found.predict(X).dtype == np.float32
    # The samples decide: their codes are what is to be computed.
    assert model().fit(X, pairs[1]).dictionary_.dtype == np.float32
    assert model().fit(pairs[0], Y).dictionary_.dtype == np.float64


def test_one_target_may_be_a_vector(pairs):
    X, y = pairs[0], pairs[1][:, 0]
    flat, column = model().fit(X, y), model().fit(X, y[:, None])
    assert flat.predict(X).shape == (len(X),)
    assert column.predict(X).shape == (len(X), 1)
    np.testing.assert_array_equal(flat.predict(X), column.predict(X)[:, 0])
    flat.partial_fit(X, y).partial_fit(X, y[:, None])
    assert flat.predict(X).shape == (len(X),)


def test_sparse_codes(pairs):
    X, Y = pairs
    dense, found = model().fit(X, Y), model(sparse_output=True).fit(X, Y)
    codes = found.transform(X)
    assert sparse.issparse(codes)
    np.testing.assert_array_equal(codes.toarray(), dense.transform(X))
    same(found, dense, X)
    np.testing.assert_allclose(found.inverse_transform(codes), found.predict(X))


def batches_of(X, Y, size=50):
    return ((X[i : i + size], Y[i : i + size]) for i in range(0, len(X), size))


def test_a_stream_is_partial_fit_batch_by_batch(pairs):
    X, Y = pairs
    stream = model(skip=True).fit(batches_of(X, Y))
    pieces = model(skip=True)
    for X_part, Y_part in batches_of(X, Y):
        pieces.partial_fit(X_part, Y_part)
    again = model(skip=True).partial_fit(batches_of(X, Y))
    same(stream, pieces, X)
    same(stream, again, X)
    assert stream.n_iter_ == 8
    before = stream.score(X, Y)
    for _ in range(20):
        stream.partial_fit(batches_of(X, Y))
    assert stream.score(X, Y) > before


def test_held_out_samples_and_patience(pairs):
    X, Y = pairs
    found = model(validation_fraction=0.25, patience=2, n_epochs=300, optimizer=Adam(0.1)).fit(X, Y)
    assert len(found.history_["validation"]) == found.n_epochs_ < 300


def test_callbacks_are_told_the_score_of_each_epoch(callbacks, pairs, capsys):
    X, Y = pairs
    monitor = callbacks.ScoringMonitor(scoring="r2")
    found = model(n_epochs=3, skip=True, verbose=1).set_callbacks(monitor).fit(X, Y)
    scores = [entry["r2"] for entry in monitor.get_logs().data]
    assert len(scores) == 4 and scores[-1] == pytest.approx(found.score(X, Y))
    assert len(capsys.readouterr().out.splitlines()) == 3


class Interrupting(Adam):
    """Is interrupted after some steps."""

    def update(self, params, grads, state, **options):
        super().update(params, grads, state, **options)
        if state["step"] >= 20:
            raise KeyboardInterrupt


def test_an_interrupted_fit_can_be_used(pairs):
    X, Y = pairs
    found = model(optimizer=Interrupting(0.01))
    with pytest.raises(KeyboardInterrupt):
        found.fit(X, Y)
    assert found.n_epochs_ == 2
    same(found, model(n_epochs=2).fit(X, Y), X)


def test_a_diverged_fit_keeps_the_best(pairs):
    X, Y = pairs
    found = model(optimizer=SGD(1e6), constraint=Free(), skip=True)
    with pytest.raises(FloatingPointError, match="training diverged in epoch 1"):
        found.fit(X, Y)
    assert np.isfinite(found.predict(X)).all()


def test_it_is_an_estimator_like_others(pairs):
    X, Y = pairs
    found = model(skip=True).fit(X, Y)
    same(pickle.loads(pickle.dumps(found)), found, X)
    same(clone(found).fit(X, Y), found, X)
    np.testing.assert_array_equal(model().fit_transform(X, Y), model().fit(X, Y).transform(X))
    search = GridSearchCV(model(n_epochs=10), {"encoder__k": [1, 8]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"encoder__k": 8}
    assert make_pipeline(StandardScaler(), model()).fit(X, Y).predict(X).shape == Y.shape


def test_given_weights_are_where_training_starts(pairs):
    X, Y = pairs
    first = model().fit(X, Y)
    params = {name: first.encoder_.params[name] for name in ("W", "b")}
    found = model(encoder=TopK(k=4).bind(params), optimizer=STILL, skip=True).fit(X, Y)
    np.testing.assert_array_equal(found.transform(X), first.transform(X))
    with pytest.raises(ValueError, match="params"):
        model(n_components=3, encoder=TopK(k=2).bind(params)).fit(X, Y)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"encoder": ReLU(tied=True)}, TypeError, "reads the atoms"),
        ({"encoder": TopK(k=17)}, ValueError, "k=17 but the dictionary has 16 atoms"),
        ({"loss": SupervisedLoss()}, TypeError, "loss is SupervisedLoss"),
        ({"loss": L1(0.1)}, TypeError, "expected an AutoencoderLoss"),
        ({"constraint": UnitNorm()}, ValueError, "does not allow atoms of small norm"),
        ({"optimizer": LBFGS()}, TypeError, "LBFGS cannot keep atoms in UnitBall"),
        ({"skip": 1}, ValueError, "skip is 1"),
        ({"init": np.eye(4)}, ValueError, "init has atoms of shape"),
        ({"init": "nothing"}, ValueError, "init"),
        ({"n_components": 0}, ValueError, "n_components"),
        ({"offset": np.zeros(2)}, ValueError, "offset"),
    ],
)
def test_wrong_parameters(pairs, changes, error, match):
    with pytest.raises(error, match=match):
        model(**changes).fit(*pairs)


def test_wrong_targets(pairs):
    X, Y = pairs
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model().fit(X, Y[:-1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        model().fit(X)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        model().fit(X, np.full_like(Y, np.nan))
    with pytest.raises(ValueError, match="y is given with an iterator"):
        model().fit(batches_of(X, Y), Y)
    with pytest.raises(ValueError, match="expected a tuple"):
        model().fit(iter([X]))
    with pytest.raises(ValueError, match="gave no batch"):
        model().fit(iter([]))
    with pytest.raises(ValueError, match="patience is given with an iterator"):
        model(patience=2).fit(batches_of(X, Y))
    fitted = model().fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 targets but Transcoder was fitted to 3"):
        fitted.partial_fit(X, Y[:, :2])
    with pytest.raises(ValueError, match="expecting 6 features"):
        fitted.partial_fit(X[:, :4], Y)
    with pytest.raises(ValueError, match="15"):
        fitted.inverse_transform(np.zeros((2, 15)))
    with pytest.raises(ValueError, match="the state"):
        fitted.set_params(optimizer=SGD(0.1)).partial_fit(X, Y)
    assert not hasattr(fitted, "certify")


@pytest.mark.parametrize("architecture", ["TopK", "ReLU"])
@pytest.mark.parametrize("skip", [False, True])
def test_a_published_transcoder(pairs, architecture, skip, tmp_path):
    rng = np.random.default_rng(2)
    W, atoms = rng.standard_normal((8, N_FEATURES)), rng.standard_normal((8, N_TARGETS))
    b, offset = rng.standard_normal(8), rng.standard_normal(N_TARGETS)
    W_skip = rng.standard_normal((N_TARGETS, N_FEATURES)) if skip else None
    given = {"b": b, "offset": offset, "W_skip": W_skip, "subtract_offset": False}
    k = {"k": 2} if architecture == "TopK" else {}
    checkpoint = Checkpoint(architecture, W, atoms, **given, **k, transcoder=True)
    X, Y = pairs
    codes = np.maximum(X @ W.T + b, 0)
    if k:
        codes[codes < np.sort(codes)[:, [-2]]] = 0
    expected = codes @ atoms + offset + (X @ W_skip.T if skip else 0)
    found = Transcoder.from_pretrained(checkpoint, alpha=0.1, optimizer=Adam(0.01))
    np.testing.assert_allclose(found.transform(X), codes)
    np.testing.assert_allclose(found.predict(X), expected)
    if not k:
        # The format of TopK has as many outputs as inputs.
        write_checkpoint(checkpoint, tmp_path, "sae_lens")
        same(Transcoder.from_pretrained(tmp_path), found, X)
    before = found.score(X, Y)
    for _ in range(20):
        found.partial_fit(X, Y)
    assert found.score(X, Y) > before
    assert clone(found).fit(X, Y).components_.shape == atoms.shape


def test_both_estimators_have_one_way_in(tmp_path):
    """A path or a checkpoint, folded or not, with keywords of reading and of the estimator."""
    rng = np.random.default_rng(4)
    W, offset, X = rng.standard_normal((5, 3)), rng.standard_normal(3), np.eye(3)
    arrays = {"W": W, "atoms": W, "offset": offset, "subtract_offset": False}
    for cls, is_transcoder in ((SparseAutoencoder, False), (Transcoder, True)):
        checkpoint = Checkpoint("ReLU", **arrays, norm_scaled=True, transcoder=is_transcoder)
        write_checkpoint(checkpoint, tmp_path / cls.__name__, "sae_lens")
        expected = np.maximum(X @ W.T, 0) * np.linalg.norm(W, axis=1)
        for source, reading in (
            (tmp_path / cls.__name__, {"format": "sae_lens", "max_bytes": 2**20}),
            (checkpoint, {}),
            (checkpoint.fold(), {}),
        ):
            model = cls.from_pretrained(source, **reading, n_epochs=3, sparse_output=True)
            np.testing.assert_allclose(model.transform(X).toarray(), expected, atol=1e-6)
            assert model.n_epochs == 3
        with pytest.raises(ValueError, match="is given with a Checkpoint; expected a path"):
            cls.from_pretrained(checkpoint, max_bytes=100)
        with pytest.raises(TypeError, match="other"):
            cls.from_pretrained(checkpoint, other=1)


def test_an_autoencoder_is_no_transcoder():
    with pytest.raises(ValueError, match="is an autoencoder; expected a transcoder"):
        Transcoder.from_pretrained(Checkpoint("ReLU", np.eye(2), np.eye(2)))


@pytest.mark.parametrize("subtract_offset", [True, False])
def test_an_autoencoder_with_a_linear_map_is_a_transcoder(tmp_path, subtract_offset):
    """Both estimators say the same of it: the one reads it, the other names that one."""
    rng = np.random.default_rng(0)
    W, atoms, X = rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), np.eye(3)
    offset, skip = rng.standard_normal(3), rng.standard_normal((3, 3))
    checkpoint = Checkpoint(
        "TopK", W, atoms, offset=offset, k=2, W_skip=skip, subtract_offset=subtract_offset
    )
    write_checkpoint(checkpoint, tmp_path, "sparsify")
    codes = np.maximum((X - subtract_offset * offset) @ W.T, 0)
    codes[codes < np.sort(codes)[:, [-2]]] = 0
    for source in (tmp_path, checkpoint, checkpoint.fold()):
        model = Transcoder.from_pretrained(source)
        np.testing.assert_allclose(model.transform(X), codes, atol=1e-12)
        np.testing.assert_allclose(model.predict(X), codes @ atoms + offset + X @ skip.T)
    with pytest.raises(ValueError, match=r"skip connection.* Transcoder.from_pretrained"):
        SparseAutoencoder.from_pretrained(tmp_path)
