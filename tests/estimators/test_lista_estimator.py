import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sparsecode import LISTA, Dictionary, DictionaryLearning, SparseCoder, certify, encoders
from sparsecode.constraints import UnitNorm
from sparsecode.datasets import make_sparse_signals
from sparsecode.encoders import ALISTA, LISTACP, PSD, SLISTA, Exact, TiLISTA
from sparsecode.estimators._learning_run import LearningRun
from sparsecode.estimators._network import learner_of
from sparsecode.losses import LassoLoss, Loss, SupervisedLoss
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1, ElasticNet, KSparse
from sparsecode.schedules import Constant
from sparsecode.solvers import ISTA
from sparsecode.training import Stage, TrainingState, train

pytestmark = pytest.mark.needs_jit("networks are trained for hundreds of steps")
ALPHA = 0.1


@pytest.fixture(scope="module")
def dictionary():
    return Dictionary.random(20, 10, random_state=0)


@pytest.fixture(scope="module")
def X(dictionary):
    return make_sparse_signals(600, n_nonzero=2, dictionary=dictionary, random_state=0).X


@pytest.fixture(scope="module")
def unseen(dictionary):
    return make_sparse_signals(300, n_nonzero=2, dictionary=dictionary, random_state=1).X


def network(**changes):
    given = {"alpha": ALPHA, "n_layers": 3, "n_epochs": 5, "random_state": 0, "batch_size": 100}
    return LISTA(**(given | changes))


def objective(X, dictionary, encoder):
    codes = encoder.encode(X, dictionary)
    return certify(X, codes, dictionary, L1(ALPHA)).objective.mean()


def same(one, other, X):
    np.testing.assert_array_equal(one.transform(X), other.transform(X))


ENCODERS = [
    None,
    LISTACP(),
    encoders.LISTA(tied=True),
    TiLISTA(p=0.0),
    ALISTA(p=0.0),
    SLISTA(),
    PSD(),
]


@pytest.mark.parametrize("loss", ["unsupervised", "supervised"])
@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: type(encoder).__name__)
def test_training_comes_closer_to_the_certified_optimum(X, unseen, dictionary, encoder, loss):
    n_layers = None if isinstance(encoder, PSD) else 3
    options = {"encoder": encoder, "n_layers": n_layers, "loss": loss, "n_epochs": 40}
    model = network(dictionary=dictionary, **options).fit(X)
    assert type(model.encoder_) is type(encoder or encoders.LISTA())
    untrained, exact = model.encoder_.bind(None), Exact(L1(ALPHA))
    best = objective(unseen, dictionary, exact)
    assert -model.score(unseen) > best - 1e-6
    if loss == "unsupervised":
        assert -model.score(unseen) < 0.9 * objective(unseen, dictionary, untrained) + 0.1 * best
        return
    target = exact.encode(unseen, dictionary)
    after, before = (
        np.mean((codes - target) ** 2)
        for codes in (model.transform(unseen), untrained.encode(unseen, dictionary))
    )
    assert after < 0.9 * before


def test_without_steps_the_layers_are_iterations_of_ista(X, dictionary):
    still = network(dictionary=dictionary, optimizer=Adam(lr=0.0), n_epochs=1).fit(X)
    for n_layers in (1, 2, 3):
        solver = ISTA(max_iter=n_layers, tol=0)
        expected = solver.solve(X, dictionary, L1(ALPHA)).codes
        codes = still.transform(X, n_layers=n_layers)
        np.testing.assert_allclose(codes, expected, atol=1e-12)
        fewer = still.encoder_.encode(X, dictionary, n_layers=n_layers)
        np.testing.assert_array_equal(codes, fewer)


def test_score_and_certificate_are_those_of_the_codes(X, dictionary):
    model = network(dictionary=dictionary)
    codes = model.fit_transform(X)
    np.testing.assert_array_equal(codes, model.transform(X))
    expected = certify(X, codes, dictionary, L1(ALPHA))
    np.testing.assert_array_equal(model.certify(X).gap, expected.gap)
    assert model.score(X) == pytest.approx(-expected.objective.mean(), rel=1e-12)
    np.testing.assert_allclose(model.inverse_transform(codes), dictionary.decode(codes))
    # The problem stays that of the fit.
    assert model.set_params(alpha=5.0).score(X) == pytest.approx(-expected.objective.mean())


@pytest.mark.parametrize("loss", ["unsupervised", "supervised"])
def test_it_is_the_training_loop(X, dictionary, loss):
    model = network(dictionary=dictionary, loss=loss, validation_fraction=0.2).fit(X)
    scale = model.input_scale_
    penalty, codes = L1(scale * ALPHA), scale * Exact(L1(ALPHA)).encode(X, dictionary)
    *_, state = train(
        encoders.LISTA(penalty, n_layers=3),
        dictionary,
        X,
        input_scale=scale,
        loss=LassoLoss(penalty) if loss == "unsupervised" else SupervisedLoss(),
        target=codes if loss == "supervised" else None,
        n_epochs=5,
        batch_size=100,
        validation_fraction=0.2,
        random_state=0,
    )
    for name, param in state.best_params.items():
        found = model.encoder_.params[name] * (scale if name == "theta" else 1)
        np.testing.assert_allclose(found, param, rtol=1e-9, atol=1e-12)
    expected = np.array(state.history["validation"]) / scale**2
    np.testing.assert_allclose(model.history_["validation"], expected, rtol=1e-9)
    assert model.n_iter_ == state.n_steps == 25 and model.n_epochs_ == 5


def test_a_dictionary_is_learned_first(X):
    model = network(n_components=20).fit(X)
    learner = DictionaryLearning(20, alpha=ALPHA, random_state=np.random.RandomState(0)).fit(X)
    cosines = model.dictionary_.match(learner.dictionary_).cosines
    assert model.components_.shape == (20, 10) and model.n_features_in_ == 10
    assert -model.score(X) < 0.5 * np.mean(np.sum(X**2, axis=1) / 2)
    assert np.median(cosines) > 0.9
    assert network(n_epochs=1).fit(X).components_.shape == (10, 10)
    assert list(model.get_feature_names_out()[:2]) == ["lista0", "lista1"]


def test_an_estimator_may_learn_the_dictionary(X):
    learner = DictionaryLearning(alpha=0.3, n_epochs=2)
    model = network(dictionary=learner, n_components=7).fit(X)
    same(model, network(dictionary=learner, n_components=7).fit(X), X)
    assert model.components_.shape == (7, 10)
    assert not hasattr(learner, "dictionary_") and learner.n_components is None
    seeded = DictionaryLearning(7, alpha=0.3, n_epochs=2, random_state=3)
    model = network(dictionary=seeded, n_epochs=1).fit(X)
    np.testing.assert_array_equal(model.components_, clone(seeded).fit(X).components_)


def test_many_samples_are_learned_from_in_batches(X):
    many = np.tile(X, (4, 1))
    model = network(n_components=5, n_epochs=1).fit(many)
    assert learner_of(model, many, np.random.RandomState(0)).batch_size == 1024
    assert learner_of(model, X, np.random.RandomState(0)).batch_size is None


def test_codes_to_learn_may_be_given(X, dictionary):
    codes = Exact(L1(ALPHA)).encode(X, dictionary)
    options = {"dictionary": dictionary, "loss": SupervisedLoss()}
    model = network(**options).fit(X, codes=codes)
    same(model, network(**options).fit(X), X)
    other = network(**options).fit(X, codes=sparse.csr_array(2 * codes))
    assert np.abs(other.transform(X)).mean() > 1.2 * np.abs(model.transform(X)).mean()
    with pytest.raises(
        ValueError, match="codes is given but LassoLoss does not compare with codes"
    ):
        network(dictionary=dictionary).fit(X, codes=codes)
    with pytest.raises(ValueError, match="codes is given but the dictionary is learned"):
        network(loss="supervised").fit(X, codes=codes)
    with pytest.raises(ValueError, match=r"codes has shape \(600, 19\)"):
        network(**options).fit(X, codes=codes[:, 1:])


def test_layer_by_layer(X, unseen, dictionary):
    model = network(dictionary=dictionary, stages="layer_by_layer", n_epochs=10).fit(X)
    assert model.history_["n_layers"] == [float(k) for k in (1, 2, 3) for _ in range(30)]
    # Each layer is trained to be the last, so that each is of use.
    truncated = [
        certify(unseen, model.transform(unseen, n_layers=k), dictionary, L1(ALPHA)).objective.mean()
        for k in (1, 2, 3)
    ]
    assert truncated[0] > truncated[1] > truncated[2]
    shorter = network(dictionary=dictionary, stages=[Stage(1, n_epochs=2), Stage()]).fit(X)
    assert shorter.history_["n_layers"] == [1.0] * 2 + [0.0] * 5
    # Going on is about all layers.
    assert shorter.partial_fit(X).history_["n_layers"][-1] == 0.0


def test_atoms_may_be_trained_too(X):
    start = Dictionary.random(20, 10, random_state=7)
    fixed = network(dictionary=start, n_epochs=30).fit(X)
    learned = network(dictionary=start.atoms, learn_dictionary=True, n_epochs=30).fit(X)
    np.testing.assert_array_equal(fixed.components_, start.atoms)
    assert learned.score(X) > 0.9 * fixed.score(X) and learned.score(X) > fixed.score(X)
    assert learned.dictionary_.constraint == UnitNorm()
    np.testing.assert_allclose(learned.dictionary_.norms, 1)
    before = learned.components_
    assert np.abs(learned.partial_fit(X).components_ - before).max() > 0


def test_the_best_parameters_are_kept_and_patience_ends(X, dictionary):
    options = {"optimizer": Adam(lr=0.02), "patience": 3, "validation_fraction": 0.3}
    model = network(dictionary=dictionary, n_epochs=200, **options).fit(X)
    held = model.history_["validation"]
    assert len(held) < 200 and min(held) == held[-4]
    assert model.state_.best_loss == pytest.approx(min(held) * model.input_scale_**2)
    # The same as if training had ended there.
    shorter = network(dictionary=dictionary, n_epochs=len(held) - 3, **options).fit(X)
    same(model, shorter, X)
    assert model.n_epochs_ == shorter.n_epochs_ + 3


def test_schedule_clipping_and_full_batches(X, dictionary):
    model = network(dictionary=dictionary, optimizer=SGD(Constant(0.25))).fit(X)
    assert set(model.history_["lr"]) == {0.25}
    start = model.encoder_.init(dictionary)
    clipped = network(dictionary=dictionary, optimizer=SGD(lr=1.0), max_norm=1e-6).fit(X)
    moved = max(np.abs(clipped.encoder_.params[name] - start[name]).max() for name in start)
    assert 0 < moved < 1e-6 * clipped.n_iter_ * 1.001
    whole = network(dictionary=dictionary, optimizer=LBFGS(), encoder=SLISTA(), batch_size=None)
    assert whole.fit(X).score(X) > network(dictionary=dictionary, encoder=SLISTA()).fit(X).score(X)


def test_streams_are_calls_of_partial_fit(X, dictionary):
    options = {"dictionary": dictionary, "batch_size": 60}
    pieces = [X[start : start + 150] for start in range(0, 600, 150)]
    by_calls = network(**options)
    for piece in pieces:
        by_calls.partial_fit(piece)
    same(network(**options).fit(iter(pieces)), by_calls, X)
    same(network(**options).partial_fit(iter(pieces)), by_calls, X)
    assert by_calls.n_iter_ == 12 and by_calls.n_epochs_ == 4

    # The same steps as one epoch over batches of equal size, in units that the samples do not set.
    options = {"dictionary": dictionary, "batch_size": 50, "loss": Plain(L1(ALPHA))}
    whole = network(**options, shuffle=False, n_epochs=1).fit(X)
    same(network(**options).fit(iter(pieces)), whole, X)


def test_a_stream_learns_the_dictionary_from_its_first_batch(X):
    model = network(n_components=12).fit(iter([X[:300], X[300:]]))
    expected = network(n_components=12).partial_fit(X[:300])
    np.testing.assert_array_equal(model.components_, expected.components_)
    assert model.n_iter_ == 6 and len(model.history_["loss"]) == 2


def test_partial_fit_goes_on_from_the_best(X, dictionary):
    model = network(dictionary=dictionary, optimizer=Adam(lr=0.02), validation_fraction=0.3).fit(X)
    best = {name: param.copy() for name, param in model.encoder_.params.items()}
    model.set_params(optimizer=Adam(lr=0.0)).partial_fit(X)
    for name, param in best.items():
        np.testing.assert_array_equal(model.encoder_.params[name], param)
    assert model.n_epochs_ == 6


def test_training_goes_on_from_given_parameters(X, dictionary):
    first = network(dictionary=dictionary, n_epochs=20).fit(X)
    again = network(dictionary=dictionary, encoder=first.encoder_, optimizer=SGD(lr=0.0)).fit(X)
    # In units of training and back.
    np.testing.assert_allclose(again.transform(X), first.transform(X), atol=1e-12)
    with pytest.raises(ValueError, match=r"params\['W'\] of LISTA has shape"):
        network(dictionary=dictionary, encoder=first.encoder_, n_layers=5).fit(X)
    with pytest.raises(ValueError, match=r"params\['W'\] of LISTA has shape"):
        network(n_components=8, encoder=first.encoder_).fit(X)


def test_the_state_can_be_saved(X, dictionary, tmp_path):
    model = network(dictionary=dictionary).fit(X)
    model.state_.save(tmp_path / "state.npz")
    state = TrainingState.load(tmp_path / "state.npz", model.encoder_)
    np.testing.assert_array_equal(state.params["W"], model.encoder_.params["W"])
    with pytest.raises(ValueError, match="of LISTA; expected one of ALISTA"):
        TrainingState.load(tmp_path / "state.npz", ALISTA())


@pytest.mark.parametrize("kind", ["csr", "memory map", "fortran"])
def test_kinds_of_samples_are_alike(X, dictionary, kind, tmp_path):
    np.save(tmp_path / "X.npy", X)
    other = {
        "csr": lambda: sparse.csr_array(X),
        "memory map": lambda: np.load(tmp_path / "X.npy", mmap_mode="r"),
        "fortran": lambda: np.asfortranarray(X),
    }[kind]()
    options = {"dictionary": dictionary, "shuffle": False, "loss": "supervised"}
    expected = network(**options).fit(X)
    model = network(**options, sparse_output=True).fit(other)
    codes = model.transform(other)
    assert sparse.issparse(codes)
    np.testing.assert_allclose(codes.toarray(), expected.transform(X), atol=1e-9)
    assert model.score(other) == pytest.approx(expected.score(X), rel=1e-9)


def test_weights_are_repetitions(X, dictionary):
    weight = np.arange(200) % 3
    options = {"dictionary": dictionary, "shuffle": False, "batch_size": None}
    weighted = network(**options).fit(X[:200], sample_weight=weight)
    repeated = network(**options).fit(np.repeat(X[:200], weight, axis=0))
    np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-6)
    part = network(**options).partial_fit(X[:200], sample_weight=weight)
    whole = network(**options).partial_fit(np.repeat(X[:200], weight, axis=0))
    np.testing.assert_allclose(part.transform(X), whole.transform(X), atol=1e-6)


def test_float32_stays_and_arguments_are_not_written_to(X, dictionary):
    single, atoms = X.astype(np.float32), dictionary.atoms.astype(np.float32)
    single.flags.writeable = atoms.flags.writeable = False
    for given in ({"dictionary": atoms}, {"dictionary": atoms, "learn_dictionary": True}, {}):
        for loss in ("unsupervised", "supervised"):
            if "learn_dictionary" in given and loss == "supervised":
                continue
            model = network(loss=loss, n_epochs=2, **given).fit(single)
            assert model.transform(single).dtype == model.components_.dtype == np.float32
            assert all(param.dtype == np.float32 for param in model.encoder_.params.values())
    assert network(dictionary=atoms, n_epochs=1).fit(X).components_.dtype == np.float64


@pytest.mark.parametrize("loss", ["unsupervised", "supervised"])
def test_threads_do_not_matter(X, loss):
    one, two = (network(n_components=12, loss=loss, n_jobs=n).fit(X) for n in (1, 2))
    same(one, two, X)


def test_offsets_and_signs(X, dictionary):
    moved = dictionary.replace(offset=np.full(10, 3.0))
    model = network(dictionary=moved).fit(X + 3)
    plain = network(dictionary=dictionary).fit(X)
    np.testing.assert_allclose(model.transform(X + 3), plain.transform(X), atol=1e-8)
    positive = network(dictionary=dictionary, penalty=L1(positive=True)).fit(X)
    assert (positive.transform(X) >= 0).all() and positive.transform(X).any()


def test_pickle_and_clone(X, dictionary):
    model = network(dictionary=dictionary, encoder=LISTACP()).fit(X)
    other = pickle.loads(pickle.dumps(model))
    same(model, other, X)
    same(model.partial_fit(X), other.partial_fit(X), X)
    copied = clone(model)
    assert not hasattr(copied, "dictionary_") and copied.encoder == LISTACP()


def test_grid_search_and_pipeline(X, dictionary):
    grid = {"encoder__n_layers": [1, 4], "alpha": [0.1, 0.3]}
    model = network(dictionary=dictionary, encoder=encoders.LISTA(), n_layers=None)
    search = GridSearchCV(model, grid, cv=2).fit(X)
    assert search.best_params_ == {"encoder__n_layers": 4, "alpha": 0.1}
    assert search.best_estimator_.encoder_.n_layers == 4
    y = X[:, 0] > 0
    pipe = make_pipeline(network(dictionary=dictionary), LogisticRegression())
    assert pipe.fit(X, y).score(X, y) > 0.8
    # Labels are not codes.
    supervised = network(dictionary=dictionary, loss="supervised")
    same(clone(supervised).fit(X, y), supervised.fit(X), X)


def test_callbacks_and_verbose(callbacks, X, dictionary, capsys):
    monitor = callbacks.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    model = network(dictionary=dictionary, verbose=1, n_epochs=3).set_callbacks(monitor).fit(X)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("epoch 1: loss ")
    scores = [entry["score"] for entry in monitor.get_logs().data]
    assert len(scores) == 4 and len(set(scores)) == 3 and scores[-1] == model.score(X)
    monitor = callbacks.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    staged = network(dictionary=dictionary, stages="layer_by_layer", n_epochs=2)
    staged.set_callbacks(monitor).fit(X)
    assert len(monitor.get_logs().data) == staged.n_epochs_ + 1 == 19


class Plain(LassoLoss):
    """Not known to scale, so that training is in the units of the samples."""


class Interrupting(LassoLoss):
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


@pytest.mark.parametrize(
    "loss, error", [(Interrupting, KeyboardInterrupt), (Diverging, FloatingPointError)]
)
def test_what_breaks_off_keeps_the_best(X, dictionary, loss, error):
    loss.n_calls = 0
    model = network(dictionary=dictionary, loss=loss(L1(ALPHA)))
    with pytest.raises(error) as raised:
        model.fit(X)
    # Six steps an epoch: the third was not completed.
    assert model.n_epochs_ == 2 and model.n_iter_ == 12
    if error is FloatingPointError:
        assert "in epoch 3" in str(raised.value) and "learning rate" in str(raised.value)
    same(model, network(dictionary=dictionary, loss=Plain(L1(ALPHA)), n_epochs=2).fit(X), X)
    loss.n_calls = -100
    assert model.partial_fit(X).n_iter_ == 18


def test_divergence_in_the_first_epoch_leaves_ista(X, dictionary):
    model = network(dictionary=dictionary, optimizer=SGD(lr=1e12))
    with pytest.raises(FloatingPointError, match=r"diverged in epoch 1.*Lower the learning rate"):
        model.fit(X)
    expected = ISTA(max_iter=3, tol=0).solve(X, dictionary, L1(ALPHA)).codes
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)
    streamed = network(dictionary=dictionary).partial_fit(X)
    before = streamed.transform(X)
    with pytest.raises(FloatingPointError):
        streamed.partial_fit(X * 1e300)
    np.testing.assert_array_equal(streamed.transform(X), before)


def test_an_interrupt_while_the_dictionary_is_learned(X, monkeypatch):
    learn = LearningRun._learn

    def interrupted(run, batches, *, full_batch):
        if run.estimator.n_iter_ >= 3:
            raise KeyboardInterrupt
        learn(run, batches, full_batch=full_batch)

    monkeypatch.setattr(LearningRun, "_learn", interrupted)
    model = network(dictionary=DictionaryLearning(12, alpha=ALPHA))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    assert model.transform(X).shape == (600, 12) and model.n_iter_ == 0 and model.state_ is None
    assert model.partial_fit(X).n_iter_ == 6


class NeedsNothing(Loss):
    """A loss with no gradients but in the codes."""

    uses_target = True

    def evaluate(self, X, dictionary, codes, target=None, sample_weight=None, **options):
        return SupervisedLoss().evaluate(X, dictionary, codes, target, sample_weight)


def test_a_loss_of_your_own_gets_exact_codes(X, dictionary):
    class Codes(SupervisedLoss):
        """Not known to scale either."""

    model = network(dictionary=dictionary, loss=NeedsNothing()).fit(X)
    same(model, network(dictionary=dictionary, loss=Codes()).fit(X), X)


def test_alpha_that_is_too_large_is_told(X, dictionary):
    with pytest.warns(ConvergenceWarning, match="Every code is zero: alpha is 1000"):
        network(dictionary=dictionary, alpha=1000.0, n_epochs=1).fit(X)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": -1}, "alpha is -1; expected alpha >= 0"),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"max_norm": 0}, "max_norm is 0"),
        ({"validation_fraction": 2}, "validation_fraction is 2"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0; expected a number above 0 and"),
        ({"validation_fraction": 1e-6}, "one sample to hold out"),
        ({"verbose": -1}, "verbose is -1"),
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
        ({"sparse_output": 1}, "sparse_output is 1"),
        ({"n_jobs": 0}, "n_jobs is 0"),
        ({"loss": "mse"}, "loss is 'mse'; expected 'unsupervised', 'supervised' or a Loss"),
        ({"stages": "layers"}, "stages is 'layers'; expected 'layer_by_layer'"),
        ({"stages": [Stage(9)]}, "a stage has n_layers=9 but LISTA has 3"),
        ({"dictionary": np.eye(10)[:, 1:]}, "X has 10 features but the atoms .* have 9"),
        ({"dictionary": np.eye(10), "n_components": 3}, "is 3 but the dictionary has 10 atoms"),
        ({"dictionary": DictionaryLearning(4), "n_components": 3}, "dictionary learns 4 atoms"),
        ({"encoder": LISTACP(L1(0.3))}, "LISTACP has the penalty .*0.3.* the estimator has"),
        ({"loss": "supervised", "learn_dictionary": True}, "learn_dictionary is True but"),
    ],
)
def test_bad_values(X, changes, message, monkeypatch):
    monkeypatch.setattr(DictionaryLearning, "fit", None)
    with pytest.raises(ValueError, match=message):
        network(**changes).fit(X)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"dictionary": "random"}, "dictionary is 'random'; expected"),
        ({"dictionary": DictionaryLearning}, "dictionary is <class .*expected a Dictionary"),
        ({"encoder": encoders.LISTA}, "encoder is <class .*expected a TrainableEncoder instance"),
        ({"encoder": Exact()}, r"encoder is Exact\(.*expected a TrainableEncoder"),
        ({"encoder": PSD()}, "n_layers is 3 but PSD has no n_layers"),
        ({"encoder": PSD(), "n_layers": None, "stages": "layer_by_layer"}, "PSD has no layers"),
        ({"encoder": PSD(), "n_layers": None, "penalty": L1(positive=True)}, "PSD needs a signed"),
        ({"penalty": KSparse(2), "alpha": 1}, "LISTA needs an l1 penalty; got KSparse"),
        ({"penalty": ElasticNet}, "LISTA needs an l1 penalty; got ElasticNet"),
        ({"penalty": "l1"}, "penalty is 'l1'"),
        ({"loss": LassoLoss}, "loss is <class .*expected a Loss instance"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; expected an Optimizer"),
        ({"optimizer": LBFGS(), "learn_dictionary": True}, "LBFGS cannot keep atoms"),
    ],
)
def test_wrong_objects(X, changes, message, monkeypatch):
    monkeypatch.setattr(DictionaryLearning, "fit", None)
    with pytest.raises(TypeError, match=message):
        network(**changes).fit(X)


def test_what_streams_cannot_give(X, dictionary):
    for changes in ({"patience": 2}, {"validation_fraction": 0.1}, {"stages": [Stage()]}):
        with pytest.raises(ValueError, match="is given with an iterator"):
            network(dictionary=dictionary, **changes).fit(iter([X]))
    for options in ({"sample_weight": np.ones(600)}, {"codes": np.zeros((600, 20))}):
        with pytest.raises(ValueError, match="is given with an iterator"):
            network(dictionary=dictionary).partial_fit(iter([X]), **options)
    with pytest.raises(ValueError, match="gave no batch"):
        network(dictionary=dictionary).fit(iter([]))
    with pytest.raises(TypeError, match="LBFGS passes over the samples many times"):
        network(dictionary=dictionary, optimizer=LBFGS()).partial_fit(X)
    model = network(dictionary=dictionary).fit(X)
    with pytest.raises(ValueError, match="expecting 10"):
        model.partial_fit(X[:, 1:])
    with pytest.raises(ValueError, match="state has the method Adam"):
        model.set_params(optimizer=SGD()).partial_fit(X)


def test_exact_and_learned_share_a_problem(X, dictionary):
    exact = SparseCoder(dictionary, alpha=ALPHA).fit(X)
    learned = network(dictionary=dictionary).fit(X)
    gap = learned.certify(X).objective - exact.certify(X).objective
    assert (gap > -1e-5).all()
    assert (learned.certify(X).gap >= gap - 1e-9).all()
