import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import sparsecode.initialization
from sparsecode import (
    Dictionary,
    SparseAutoencoder,
    SparseCoder,
    amortization_report,
    certify,
    encoders,
)
from sparsecode.constraints import Free, UnitBall, UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import Gated, JumpReLU, ReLU, TopK
from sparsecode.losses import (
    AutoencoderLoss,
    Hoyer,
    LifetimeSparsity,
    Loss,
    Lp,
    NormWeighted,
    PenaltyTerm,
    PopulationSparsity,
    SupervisedLoss,
    TargetL0,
)
from sparsecode.metrics import explained_variance
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1, LogSum
from sparsecode.replacement import ReplaceUnits
from sparsecode.schedules import WarmUp
from sparsecode.training import TrainingState, train

pytestmark = pytest.mark.needs_jit("autoencoders are trained for hundreds of steps")
ALPHA = 0.1


@pytest.fixture(scope="module")
def dictionary():
    return Dictionary.random(20, 10, random_state=0)


@pytest.fixture(scope="module")
def X(dictionary):
    made = make_sparse_signals(600, n_nonzero=2, dictionary=dictionary, random_state=0)
    return made.X + np.linspace(-2, 2, 10)


def autoencoder(**changes):
    given = {"n_components": 20, "alpha": ALPHA, "n_epochs": 5, "random_state": 0}
    return SparseAutoencoder(**(given | {"batch_size": 100} | changes))


def same(one, other, X):
    np.testing.assert_array_equal(one.transform(X), other.transform(X))


@pytest.mark.parametrize("encoder", [None, ReLU(tied=True), TopK(k=3), TopK(k=3, tied=True)])
def test_training_lowers_the_loss_and_explains_the_samples(X, encoder):
    model = autoencoder(encoder=encoder, n_epochs=60, optimizer=Adam(lr=0.01)).fit(X)
    codes = model.transform(X)
    assert model.history_["loss"][-1] < 0.5 * model.history_["loss"][0]
    assert explained_variance(X, model.inverse_transform(codes)) > 0.6
    assert (codes >= 0).all()
    if model.encoder_.is_sparse:
        assert ((codes != 0).sum(axis=1) <= 3).all()
    np.testing.assert_allclose(model.dictionary_.norms, 1)


def test_it_is_the_training_loop(X):
    model = autoencoder(validation_fraction=0.2).fit(X)
    rng = np.random.RandomState(0)
    start = sparsecode.initialization.initial_dictionary("random", X, 20, random_state=rng)
    *_, state = train(
        ReLU(),
        start.replace(offset=X.mean(axis=0)),
        X,
        loss=AutoencoderLoss([L1(ALPHA)]),
        n_epochs=5,
        batch_size=100,
        validation_fraction=0.2,
        learn_dictionary=True,
        random_state=rng,
    )
    for name, param in state.best_params.items():
        np.testing.assert_allclose(model.encoder_.params[name], param, atol=1e-12)
    assert model.history_["validation"] == pytest.approx(state.history["validation"])
    assert model.n_iter_ == state.n_steps == 25 and model.n_epochs_ == 5


def test_fit_transform_score_and_certificate_are_those_of_the_codes(X):
    model = autoencoder()
    codes = model.fit_transform(X)
    np.testing.assert_array_equal(codes, autoencoder().fit(X).transform(X))
    np.testing.assert_array_equal(codes, model.encoder_.encode(X, model.dictionary_))
    expected = certify(X, codes, model.dictionary_, L1(ALPHA))
    np.testing.assert_array_equal(model.certify(X).gap, expected.gap)
    assert model.score(X) == pytest.approx(-expected.objective.mean(), rel=1e-12)
    np.testing.assert_allclose(model.score_samples(X), -expected.objective, rtol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(codes), model.dictionary_.decode(codes))
    # The problem stays that of the fit.
    assert model.set_params(alpha=5.0).score(X) == pytest.approx(-expected.objective.mean())
    assert list(model.get_feature_names_out()[:1]) == ["sparseautoencoder0"]


def test_exact_codes_and_reports_run_on_its_dictionary(X):
    model = autoencoder(penalty=L1(positive=True), n_epochs=20, optimizer=Adam(lr=0.01)).fit(X)
    assert model.dictionary_.offset is not None and np.abs(model.dictionary_.offset).max() > 1
    exact = SparseCoder(model.dictionary_, penalty=model.penalty_).fit(X)
    gap = model.certify(X).objective - exact.certify(X).objective
    assert (gap > -1e-6).all() and gap.mean() > 0
    report = amortization_report(
        X[:50], model.dictionary_, model.penalty_, encoders=[model.encoder_], n_repeats=1
    )
    row = report["ReLU"] if hasattr(report, "__getitem__") else None
    if row is not None:
        assert row.objective >= report["exact"].objective - 1e-6


def test_penalties_and_losses(X):
    assert autoencoder().fit(X).penalty_ == L1(ALPHA)
    assert autoencoder(encoder=TopK(k=2)).fit(X).penalty_.alpha == 0
    given = AutoencoderLoss([PenaltyTerm(L1(0.3), weight=2.0)])
    assert autoencoder(loss=given).fit(X).penalty_ == L1(0.6)
    assert autoencoder(penalty=LogSum).fit(X).penalty_ == LogSum(ALPHA)
    assert "penalty" not in autoencoder(encoder=TopK(k=2)).fit(X).history_
    sparser = autoencoder(alpha=1.0, n_epochs=30, optimizer=Adam(lr=0.01)).fit(X).transform(X)
    denser = autoencoder(alpha=0.01, n_epochs=30, optimizer=Adam(lr=0.01)).fit(X).transform(X)
    assert (sparser != 0).sum() < 0.7 * (denser != 0).sum()


def test_what_it_starts_from(X, dictionary):
    for init in ("samples", "svd", "dct", "k-means++", dictionary.atoms, dictionary):
        model = autoencoder(n_components=None if hasattr(init, "shape") else 20, init=init)
        assert model.set_params(n_epochs=1).fit(X).components_.shape == (20, 10)
    assert autoencoder(n_components=None, n_epochs=1).fit(X).components_.shape == (10, 10)
    assert autoencoder(n_components=None, init=dictionary).fit(X).components_.shape == (20, 10)
    still = {"optimizer": SGD(lr=0.0), "n_epochs": 1}
    model = autoencoder(init=dictionary.replace(offset=np.ones(10)), **still).fit(X)
    np.testing.assert_array_equal(model.dictionary_.offset, np.ones(10))
    assert model.dictionary_.constraint == dictionary.constraint
    model = autoencoder(init=dictionary.atoms, constraint=UnitBall(), **still).fit(X)
    assert model.dictionary_.constraint == UnitBall()
    np.testing.assert_allclose(model.dictionary_.offset, X.mean(axis=0))
    assert not autoencoder(offset="zero", **still).fit(X).dictionary_.offset.any()
    weight = np.arange(600) % 2
    model = autoencoder(**still).fit(X, sample_weight=weight)
    np.testing.assert_allclose(model.dictionary_.offset, X[1::2].mean(axis=0))


def test_sparse_output_makes_no_dense_codes(X, monkeypatch):
    for encoder in (ReLU(), TopK(k=2)):
        dense = autoencoder(encoder=encoder).fit(X)
        model = autoencoder(encoder=encoder, sparse_output=True).fit(X)
        codes = model.transform(X)
        assert isinstance(codes, sparse.csr_array) and codes.has_canonical_format
        np.testing.assert_array_equal(codes.toarray(), dense.transform(X))
        assert model.score(X) == pytest.approx(dense.score(X))
        np.testing.assert_allclose(model.inverse_transform(codes), dense.inverse_transform(codes))

    def empty(shape, *args, **options):
        assert shape != (600, 20), "dense codes"
        return np.ndarray(shape, *args, **options)

    monkeypatch.setattr(encoders.trainable.np, "empty", empty)
    assert model.transform(X).shape == (600, 20)
    with pytest.raises(AssertionError, match="dense codes"):
        dense.transform(X)


def test_streams_are_calls_of_partial_fit(X):
    pieces = [X[start : start + 150] for start in range(0, 600, 150)]
    by_calls = autoencoder(batch_size=60)
    for piece in pieces:
        by_calls.partial_fit(piece)
    same(autoencoder(batch_size=60).partial_fit(iter(pieces)), by_calls, X)
    same(autoencoder(batch_size=60).fit(iter(pieces)), by_calls, X)
    assert by_calls.n_iter_ == 12 and by_calls.n_epochs_ == 4
    first = autoencoder(batch_size=50, optimizer=SGD(lr=0.0)).fit(iter(pieces))
    np.testing.assert_allclose(first.dictionary_.offset, pieces[0].mean(axis=0))


@pytest.mark.parametrize("scale_inputs", [False, True])
def test_partial_fit_goes_on_from_the_best(X, scale_inputs):
    options = {"optimizer": Adam(lr=0.2), "validation_fraction": 0.3, "scale_inputs": scale_inputs}
    model = autoencoder(**options).fit(X)
    before = model.transform(X)
    model.set_params(optimizer=Adam(lr=0.0)).partial_fit(X)
    same_codes = np.testing.assert_array_equal
    same_codes(model.transform(X), before)
    assert model.n_epochs_ == 6


def test_training_goes_on_from_given_parameters(X):
    first = autoencoder(n_epochs=20).fit(X)
    still = {"optimizer": SGD(lr=0.0), "n_epochs": 1}
    again = autoencoder(encoder=first.encoder_, init=first.dictionary_, **still).fit(X)
    same(first, again, X)
    with pytest.raises(ValueError, match=r"params\['W'\] of ReLU has shape"):
        autoencoder(n_components=8, encoder=first.encoder_).fit(X)


def test_the_state_can_be_saved(X, tmp_path):
    model = autoencoder().fit(X)
    model.state_.save(tmp_path / "state.npz")
    state = TrainingState.load(tmp_path / "state.npz", model.encoder_)
    np.testing.assert_array_equal(state.params["W"], model.encoder_.params["W"])
    with pytest.raises(ValueError, match="of ReLU; expected one of TopK"):
        TrainingState.load(tmp_path / "state.npz", TopK())


@pytest.mark.parametrize("kind", ["csr", "memory map", "fortran", "data frame"])
def test_kinds_of_samples_are_alike(X, kind, tmp_path):
    np.save(tmp_path / "X.npy", X)
    make = {
        "csr": lambda: sparse.csr_array(X),
        "memory map": lambda: np.load(tmp_path / "X.npy", mmap_mode="r"),
        "fortran": lambda: np.asfortranarray(X),
        "data frame": lambda: pytest.importorskip("pandas").DataFrame(
            X, columns=list("abcdefghij")
        ),
    }
    other = make[kind]()
    for options in ({}, {"scale_inputs": True}):
        options = options | {"shuffle": False, "encoder": TopK(k=2)}
        expected = autoencoder(**options).fit(X)
        model = autoencoder(**options).fit(other)
        np.testing.assert_allclose(model.transform(other), expected.transform(X), atol=1e-9)
        assert model.score(other) == pytest.approx(expected.score(X), rel=1e-9)


def test_weights_are_repetitions(X):
    weight = np.arange(200) % 3
    for changes in ({}, {"scale_inputs": True}):
        options = {"shuffle": False, "batch_size": None, "init": np.eye(10), "n_components": None}
        options |= changes
        weighted = autoencoder(**options).fit(X[:200], sample_weight=weight)
        repeated = autoencoder(**options).fit(np.repeat(X[:200], weight, axis=0))
        np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-6)
        part = autoencoder(**options).partial_fit(X[:200], sample_weight=weight)
        whole = autoencoder(**options).partial_fit(np.repeat(X[:200], weight, axis=0))
        np.testing.assert_allclose(part.transform(X), whole.transform(X), atol=1e-6)


@pytest.mark.parametrize("encoder", [ReLU(), ReLU(tied=True), TopK(k=2)])
def test_float32_stays_and_arguments_are_not_written_to(X, encoder):
    single = X.astype(np.float32)
    single.flags.writeable = False
    for changes in ({}, {"scale_inputs": True}):
        model = autoencoder(encoder=encoder, **changes).fit(single)
        assert model.transform(single).dtype == model.components_.dtype == np.float32
        assert model.dictionary_.offset.dtype == np.float32
        assert all(param.dtype == np.float32 for param in model.encoder_.params.values())
    assert model.transform(X).dtype == np.float64
    assert encoder.params is None


@pytest.mark.parametrize("encoder", [ReLU(), TopK(k=2)])
def test_threads_do_not_matter(X, encoder):
    one, two = (autoencoder(encoder=encoder, n_jobs=n).fit(X) for n in (1, 2))
    same(one, two, X)


def test_pickle_and_clone(X):
    model = autoencoder(encoder=TopK(k=2)).fit(X)
    other = pickle.loads(pickle.dumps(model))
    same(model, other, X)
    same(model.partial_fit(X), other.partial_fit(X), X)
    copied = clone(model)
    assert not hasattr(copied, "dictionary_") and copied.encoder == TopK(k=2)


def test_grid_search_and_pipeline(X):
    options = {"n_epochs": 30, "optimizer": Adam(lr=0.01)}
    search = GridSearchCV(autoencoder(encoder=TopK(), **options), {"encoder__k": [1, 4]}, cv=2)
    search.fit(X)
    assert search.best_params_ == {"encoder__k": 4} and search.best_estimator_.encoder_.k == 4
    search = GridSearchCV(autoencoder(**options), {"alpha": [0.1, 3.0]}, cv=2).fit(X)
    assert search.best_params_ == {"alpha": 0.1}
    y = X[:, 0] > X[:, 0].mean()
    pipe = make_pipeline(autoencoder(**options), LogisticRegression(max_iter=1000))
    assert pipe.fit(X, y).score(X, y) > 0.8


def test_callbacks_and_verbose(callbacks, X, capsys):
    monitor = callbacks.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    model = autoencoder(verbose=1, n_epochs=3).set_callbacks(monitor).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch 1: loss ")
    scores = [entry["score"] for entry in monitor.get_logs().data]
    assert len(scores) == 4 and scores[-1] == model.score(X)


class Interrupting(AutoencoderLoss):
    """Breaks off after some calls, as Ctrl-C does, or with a loss of NaN."""

    n_calls = 0
    last = 15
    value = None

    def evaluate(self, *args, **options):
        type(self).n_calls += 1
        result = super().evaluate(*args, **options)
        if type(self).n_calls <= self.last:
            return result
        if self.value is None:
            raise KeyboardInterrupt
        return result._replace(value=self.value)


class Diverging(Interrupting):
    n_calls = 0
    value = np.nan


@pytest.mark.parametrize("scale_inputs", [False, True])
@pytest.mark.parametrize(
    "loss, error", [(Interrupting, KeyboardInterrupt), (Diverging, FloatingPointError)]
)
def test_what_breaks_off_keeps_the_best(X, loss, error, scale_inputs):
    loss.n_calls = 0
    model = autoencoder(loss=loss([L1(ALPHA)]), scale_inputs=scale_inputs)
    with pytest.raises(error) as raised:
        model.fit(X)
    # Six steps an epoch: the third was not completed.
    assert model.n_epochs_ == 2 and model.n_iter_ == 12
    if error is FloatingPointError:
        assert "in epoch 3" in str(raised.value) and "learning rate" in str(raised.value)
    same(model, autoencoder(n_epochs=2, scale_inputs=scale_inputs).fit(X), X)
    loss.n_calls = -100
    assert model.partial_fit(X).n_iter_ == 18


def test_divergence_in_the_first_epoch_leaves_the_start(X):
    model = autoencoder(optimizer=SGD(lr=1e12))
    with pytest.raises(FloatingPointError, match=r"diverged in epoch 1.*Lower the learning rate"):
        model.fit(X)
    same(model, autoencoder(optimizer=SGD(lr=0.0), n_epochs=1).fit(X), X)
    streamed = autoencoder().partial_fit(X)
    before = streamed.transform(X)
    with pytest.raises(FloatingPointError):
        streamed.partial_fit(X * 1e300)
    np.testing.assert_array_equal(streamed.transform(X), before)


def test_weights_that_change_keep_the_latest(X):
    warming = AutoencoderLoss([PenaltyTerm(L1(1.0), weight=WarmUp(1.0, 30))])
    options = {"loss": warming, "n_epochs": 8, "optimizer": Adam(lr=0.01)}
    model = autoencoder(**options).fit(X)
    # The first epochs have the lower loss, as they have the lower weight.
    assert model.n_epochs_ == 8 and model.state_.best_params is model.state_.params
    sparser = (model.transform(X) != 0).mean()
    assert sparser < (autoencoder(**(options | {"n_epochs": 1})).fit(X).transform(X) != 0).mean()
    with pytest.raises(ValueError, match="patience is 3 but the weights of AutoencoderLoss change"):
        autoencoder(patience=3, **options).fit(X)


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_scaled_inputs_make_training_blind_to_scale(X, scale):
    options = {"scale_inputs": True, "n_epochs": 8, "optimizer": Adam(lr=0.01)}
    for encoder in (ReLU(), ReLU(tied=True), TopK(k=3)):
        model = autoencoder(encoder=encoder, **options).fit(X)
        other = autoencoder(encoder=encoder, **options).fit(X * scale + 5)
        centred = X - X.mean(axis=0)
        expected = np.sqrt(10 / np.mean(np.sum(centred**2, axis=1)))
        assert model.input_scale_ == pytest.approx(expected)
        codes = model.transform(X)
        np.testing.assert_allclose(other.transform(X * scale + 5), scale * codes, atol=1e-6 * scale)
        np.testing.assert_allclose(other.components_, model.components_, atol=1e-8)
        if not encoder.is_sparse:
            # The same problem as in training, in the units of the samples.
            assert model.penalty_ == L1(ALPHA / model.input_scale_)
            assert other.score(X * scale + 5) == pytest.approx(scale**2 * model.score(X))
    # As if the samples had been scaled before.
    plain = autoencoder(n_epochs=8, optimizer=Adam(lr=0.01)).fit(X * model.input_scale_)
    scaled = autoencoder(**options).fit(X)
    np.testing.assert_allclose(
        scaled.transform(X) * scaled.input_scale_,
        plain.transform(X * scaled.input_scale_),
        atol=1e-8,
    )
    assert scaled.score(X) * scaled.input_scale_**2 == pytest.approx(
        plain.score(X * scaled.input_scale_)
    )


def test_scaled_inputs_of_streams_and_going_on(X):
    options = {"scale_inputs": True, "optimizer": Adam(lr=0.01)}
    model = autoencoder(**options).fit(iter([20 * X[:300], 20 * X[300:]]))
    other = autoencoder(**options).fit(iter([X[:300], X[300:]]))
    np.testing.assert_allclose(model.transform(20 * X), 20 * other.transform(X), atol=1e-6)
    assert autoencoder(**options).fit(np.ones((5, 3))).input_scale_ == 1.0


@pytest.mark.parametrize("changes", [{"init": np.eye(3)}, {"validation_fraction": 1e-6}])
def test_a_fit_that_fails_at_once_leaves_the_model_as_it_was(X, changes):
    model = autoencoder(n_epochs=1).fit(X)
    codes, state = model.transform(X), model.state_
    with pytest.raises(ValueError):
        model.set_params(**changes).fit(X[:, :5])
    assert model.n_features_in_ == 10 and model.state_ is state
    np.testing.assert_array_equal(model.transform(X), codes)
    new = autoencoder(init=np.eye(3))
    with pytest.raises(ValueError):
        new.partial_fit(X)
    assert not hasattr(new, "n_features_in_")


class TestTargetL0:
    def test_k_of_an_encoder_that_has_one(self, X):
        model = autoencoder(encoder=TopK(), target_l0=3.0).fit(X)
        assert model.encoder_.k == 3 and model.encoder is not model.encoder_
        assert ((model.transform(X) != 0).sum(axis=1) <= 3).all()
        with pytest.raises(ValueError, match=r"target_l0 is 2.5; expected a whole number"):
            autoencoder(encoder=TopK(), target_l0=2.5).fit(X)

    @pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
    @pytest.mark.parametrize("target", [2, 4.5])
    def test_weight_of_a_penalty(self, X, target, scale):
        options = {"n_epochs": 60, "scale_inputs": True, "optimizer": Adam(lr=0.01)}
        model = autoencoder(target_l0=target, **options).fit(scale * X)
        found = (model.transform(scale * X) != 0).sum(axis=1).mean()
        assert 0.75 * target < found < 1.25 * target
        # The weight that was found is that of the objective.
        factor = np.exp(float(model.state_.memory["0.log_weight"]))
        assert model.penalty_.alpha == pytest.approx(ALPHA * factor / model.input_scale_)

    @pytest.mark.parametrize(
        ("encoder", "term"),
        [
            (JumpReLU(bandwidth=1.0), None),
            (Gated(), None),
            (ReLU(), NormWeighted(L1(0.5))),
            (ReLU(), Lp(weight=0.5)),
            (ReLU(), Hoyer()),
            (ReLU(), PopulationSparsity()),
            (ReLU(), LifetimeSparsity()),
        ],
        ids=lambda piece: type(piece).__name__,
    )
    def test_weight_of_another_term(self, X, encoder, term):
        loss = None if term is None else AutoencoderLoss([term])
        options = {"n_epochs": 30, "optimizer": Adam(lr=0.01)}
        model = autoencoder(encoder=encoder, loss=loss, target_l0=3.0, **options).fit(X)
        # Nothing is added to what keeps codes sparse itself; thresholds have a target of their own.
        assert "penalty" not in model.history_
        if isinstance(encoder, JumpReLU):
            assert "targetactiveunits" in model.history_ and not model.state_.memory
        else:
            assert model.state_.memory["0.log_weight"] != 0
        assert (model.transform(X) != 0).sum(axis=1).mean() == pytest.approx(3, rel=0.25)

    def test_loss_of_your_own(self, X):
        loss = AutoencoderLoss([PenaltyTerm(LogSum(0.5))])
        model = autoencoder(loss=loss, target_l0=3).fit(X)
        assert isinstance(model.penalty_, LogSum) and "0.log_weight" in model.state_.memory
        assert autoencoder(loss=AutoencoderLoss(), target_l0=3).fit(X).penalty_.alpha != 0
        with pytest.raises(ValueError, match="expected only one of th"):
            autoencoder(loss=AutoencoderLoss([TargetL0(target=2.0)]), target_l0=3).fit(X)
        with pytest.raises(TypeError, match="expected an AutoencoderLoss or None"):
            autoencoder(loss=NeedsNothing(), target_l0=3).fit(X)
        with pytest.raises(ValueError, match="target_l0 is 30; expected at most 20"):
            autoencoder(target_l0=30).fit(X)


class NeedsNothing(Loss):
    """A loss of one's own, without a dictionary's gradients."""

    def evaluate(self, X, dictionary, codes, target=None, sample_weight=None, **options):
        return AutoencoderLoss().evaluate(X, dictionary, codes, None, sample_weight, **options)


def test_a_loss_of_your_own(X):
    model = autoencoder(loss=NeedsNothing()).fit(X)
    same(model, autoencoder(loss=AutoencoderLoss()).fit(X), X)
    assert model.penalty_.alpha == 0


def test_a_weight_that_is_changed_holds_from_the_next_part(X):
    model = autoencoder(alpha=0.1).partial_fit(X)
    model.partial_fit(X)
    assert model.penalty_.alpha == 0.1
    model.set_params(alpha=0.3).partial_fit(X)
    assert model.penalty_.alpha == 0.3
    codes = model.transform(X)
    expected = certify(X, codes, model.dictionary_, L1(0.3)).objective.mean()
    assert -model.score(X) == pytest.approx(expected)
    # Also that of an optimizer which is changed in place.
    model.set_params(optimizer=Adam(1e-3)).partial_fit(X)
    model.optimizer.set_params(lr=0.0)
    atoms = model.components_.copy()
    np.testing.assert_array_equal(model.partial_fit(X).components_, atoms)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": -1}, "alpha is -1; expected alpha >= 0"),
        ({"n_components": 0}, "n_components is 0"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"max_norm": 0}, "max_norm is 0"),
        ({"validation_fraction": 2}, "validation_fraction is 2"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0; expected a number above 0 and"),
        ({"validation_fraction": 1e-6}, "one sample to hold out"),
        ({"verbose": -1}, "verbose is -1"),
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
        ({"sparse_output": 1}, "sparse_output is 1"),
        ({"scale_inputs": 1}, "scale_inputs is 1"),
        ({"target_l0": 0}, "target_l0 is 0"),
        ({"target_l0": 3, "patience": 2}, "patience is 2 but the weights"),
        ({"n_jobs": 0}, "n_jobs is 0"),
        ({"init": "ica"}, "init is 'ica'; expected one of 'samples'"),
        ({"offset": "median"}, "offset is 'median'; expected"),
        ({"offset": np.zeros(3)}, "offset has 3"),
        ({"init": np.eye(10)[:, 1:], "n_components": None}, r"init .*\(10, 9\)"),
        ({"init": np.eye(10), "n_components": 3}, r"init .*\(10, 10\)"),
        ({"encoder": TopK(k=21)}, "TopK has k=21 but the dictionary has 20 atoms"),
        ({"encoder": TopK(k=0)}, "k is 0"),
        ({"encoder": TopK(), "target_l0": 21}, "target_l0 is 21; expected at most 20"),
        ({"encoder": JumpReLU(), "target_l0": 21}, "target_l0 is 21; expected at most 20"),
        ({"offset": None}, "offset is None; expected one of"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0; expected a number .* below 1"),
        ({"loss": SupervisedLoss()}, "loss is SupervisedLoss, .* Use for example AutoencoderLoss"),
    ],
)
def test_bad_values(X, changes, message):
    model = autoencoder(**changes)
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_k_is_refused_before_any_work(X, monkeypatch):
    monkeypatch.setattr(sparsecode.initialization.dictionary, "_MAKERS", {})
    with pytest.raises(ValueError, match="TopK has k=21 but the dictionary has 20 atoms"):
        autoencoder(encoder=TopK(k=21)).fit(X)
    with pytest.raises(ValueError, match="TopK has k=11 but the dictionary has 10 atoms"):
        autoencoder(n_components=None, encoder=TopK(k=11)).partial_fit(X)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"encoder": ReLU}, "encoder is <class .*expected a TrainableEncoder instance"),
        ({"encoder": "relu"}, "encoder is 'relu'"),
        ({"encoder": encoders.Exact()}, r"encoder is Exact\(.*expected a TrainableEncoder"),
        ({"encoder": encoders.LISTA(), "scale_inputs": True}, "codes of LISTA do not scale"),
        ({"penalty": LogSum, "scale_inputs": True}, "LogSum does not scale with the codes"),
        ({"penalty": "l1"}, "penalty is 'l1'"),
        ({"loss": AutoencoderLoss}, "loss is <class .*expected a Loss instance"),
        ({"loss": AutoencoderLoss([3])}, r"terms\[0\] is 3"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; expected an Optimizer"),
        ({"optimizer": LBFGS()}, "LBFGS cannot keep atoms"),
        ({"constraint": "unit"}, "constraint"),
    ],
)
def test_wrong_objects(X, changes, message):
    with pytest.raises(TypeError, match=message):
        autoencoder(**changes).fit(X)


def test_what_streams_cannot_give(X):
    for changes in ({"patience": 2}, {"validation_fraction": 0.1}):
        with pytest.raises(ValueError, match="is given with an iterator"):
            autoencoder(**changes).fit(iter([X]))
    with pytest.raises(ValueError, match="is given with an iterator"):
        autoencoder().partial_fit(iter([X]), sample_weight=np.ones(600))
    with pytest.raises(ValueError, match="gave no batch"):
        autoencoder().fit(iter([]))
    model = autoencoder().fit(X)
    with pytest.raises(ValueError, match="expecting 10"):
        model.partial_fit(X[:, 1:])
    with pytest.raises(ValueError, match="expecting 10"):
        model.transform(X[:, 1:])
    with pytest.raises(ValueError, match="state has the method Adam"):
        model.set_params(optimizer=SGD()).partial_fit(X)
    with pytest.raises(TypeError, match="n_layers"):
        model.transform(X, n_layers=1)


def test_atoms_may_be_free(X):
    model = autoencoder(init="samples", constraint=Free(), optimizer=Adam(lr=0.05)).fit(X)
    assert model.dictionary_.constraint == Free() and np.ptp(model.dictionary_.norms) > 0.01
    assert autoencoder().fit(X).dictionary_.constraint == UnitNorm()


@pytest.mark.parametrize("scale_inputs", [False, True])
def test_dead_units_begin_anew(X, scale_inputs):
    """Half the units point away from all samples; new ones are samples, in units of training."""
    far = np.abs(np.random.default_rng(0).standard_normal((20, 10)))
    X, init = 5 * np.abs(X), np.concatenate([far, -far])
    options = {
        "encoder": TopK(k=2),
        "n_components": None,
        "init": init,
        "offset": "zero",
        "scale_inputs": scale_inputs,
        "batch_size": 100,
        "n_epochs": 30,
        "random_state": 0,
    }
    policy = ReplaceUnits(every=20, dead_window=500)
    left = autoencoder(**options, dead_window=500).fit(X)
    renewed = autoencoder(**options, replacement=policy).fit(X)
    assert left.history_["dead"][-1] > 0.3 > renewed.history_["dead"][-1]
    assert sum(renewed.history_["replaced"]) > 0
    assert renewed.score(X) > left.score(X)


def test_denoising_sees_noise_and_fits_clean_samples(X):
    seen = []

    def corrupt(X, rng):
        seen.append(X)
        return np.zeros_like(X)

    model = autoencoder(encoder=ReLU(), corrupt=corrupt, n_epochs=2).fit(X)
    plain = autoencoder(encoder=ReLU(), n_epochs=2).fit(X)
    # Besides, start and end are compared by what training makes small.
    assert len(seen) == model.n_iter_ + 2
    assert not np.array_equal(model.transform(X), plain.transform(X))
    for bad in ({"corrupt": 0.1}, {"replacement": "anthropic"}, {"dead_window": 0}):
        with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
            autoencoder(**bad).fit(X)


def test_a_target_is_the_number_that_winners_are(X):
    winners = encoders.WinnerTakeAll(lifetime=None, population=7)
    model = autoencoder(encoder=winners, target_l0=3).fit(X)
    assert model.encoder_.population == 3
    assert (model.transform(X) != 0).sum(axis=1).max() <= 3
    with pytest.raises(TypeError, match="sparsity of its own"):
        autoencoder(encoder=encoders.WinnerTakeAll(lifetime=0.1), target_l0=3).fit(X)


def test_the_weight_found_for_a_target_is_kept(X):
    model = autoencoder(target_l0=3, alpha=1e-3, n_epochs=60).fit(X)
    before = (model.transform(X) != 0).sum(axis=1).mean()
    found = model.penalty_.alpha
    assert found > 5e-3
    model.refine(X, "scale")
    for _ in range(3):
        model.partial_fit(X)
    assert model.penalty_.alpha == pytest.approx(found, rel=0.5)
    assert abs((model.transform(X) != 0).sum(axis=1).mean() - before) < 1
