"""Task-driven dictionaries: what they learn, their gradients, files, interrupts and bad input."""

import itertools
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, normalize

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    SparseCoder,
    TaskDrivenDictionaryLearningClassifier,
    TaskDrivenDictionaryLearningRegressor,
)
from sparsecode._batches import Batch
from sparsecode.constraints import UnitBall
from sparsecode.encoders import Exact
from sparsecode.estimators._task_run import _warn_of_start
from sparsecode.optimizers import LBFGS, SGD, Adam
from sparsecode.penalties import L1, ElasticNet, LogSum
from sparsecode.prediction import Logistic, Softmax, Square, SquaredHinge
from sparsecode.prediction import _descent as descent
from sparsecode.prediction._descent import search_rate
from sparsecode.prediction._task import Task
from sparsecode.schedules import InverseTime
from sparsecode.solvers import FeatureSign

LOSSES = ("softmax", "logistic", "squared_hinge", "square")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = normalize(X)
    return X[:600], y[:600], X[1000:], y[1000:]


def classifier(**changes):
    given = {"n_components": 15, "n_epochs": 4, "batch_size": 100, "random_state": 0, "lr": 0.5}
    return TaskDrivenDictionaryLearningClassifier(**(given | changes))


def regressor(**changes):
    given = {"n_components": 8, "penalty": L1(positive=True), "n_epochs": 20, "random_state": 0}
    return TaskDrivenDictionaryLearningRegressor(**(given | changes))


def task(loss, **changes):
    given = {"encoder": Exact(ElasticNet(0.2, 0.9), FeatureSign(tol=1e-12)), "loss": loss}
    return Task(**(given | {"constraint": UnitBall()} | changes))


@pytest.mark.needs_jit("hundreds of exact codes")
@pytest.mark.parametrize("loss", [Softmax(), Logistic(), SquaredHinge(), Square()])
@pytest.mark.parametrize("mu", [0.0, 0.3])
def test_gradient_of_the_whole_cost(loss, mu):
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((8, 6)), rng.integers(3, size=8)
    target = loss.encode(labels, 3)
    if mu:
        target[:2] = np.nan
    params = {
        "atoms": Dictionary.random(7, 5, random_state=0).atoms * 0.9,
        "coef": rng.standard_normal((3, 7)),
        "intercept": rng.standard_normal(3),
    }
    # With an input map, the cost of reconstruction is not differentiated in it.
    params["input_map"] = np.eye(6)[:, :5] if mu == 0 else None
    params = {name: np.array(value) for name, value in params.items() if value is not None}
    X = X if mu == 0 else X[:, :5]
    weight = rng.uniform(0.5, 2, 8)
    offset = None if mu else 0.1 * rng.standard_normal(5)
    whole = task(loss, weight_decay=0.1, unsupervised_weight=mu, offset=offset)
    batch = Batch(X, weight, target)
    grads = whole.evaluate(params, batch).grads
    assert set(grads) == set(params)
    for name, array in params.items():
        found = np.empty_like(array)
        for entry in np.ndindex(array.shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = array.copy()
                moved[entry] += step
                values.append(whole.evaluate({**params, name: moved}, batch).cost)
            found[entry] = (values[0] - values[1]) / 2e-5
        assert np.abs(found - grads[name]).max() < 1e-5 * np.abs(found).max(), name


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("loss", LOSSES)
def test_labels_make_fewer_errors_than_an_unsupervised_start(digits, loss):
    X, y, X_new, y_new = digits
    start = DictionaryLearning(15, alpha=0.15, n_epochs=20, random_state=0).fit(X)
    before = classifier(loss=loss, dictionary=start.dictionary_, lr=1e-30, n_epochs=1).fit(X, y)
    after = classifier(loss=loss, dictionary=start.dictionary_, lr=None, n_epochs=15).fit(X, y)
    errors = [np.sum(model.predict(X_new) != y_new) for model in (before, after)]
    assert errors[1] < 0.7 * errors[0]
    assert after.history_["cost"][-1] < after.history_["cost"][0]
    assert np.linalg.norm(after.components_, axis=1).max() <= 1 + 1e-9
    assert after.score(X_new, y_new) == pytest.approx(1 - errors[1] / len(y_new))


@pytest.mark.needs_jit("it learns")
def test_the_start_is_logistic_regression_of_codes_on_the_given_atoms(digits):
    X, y, X_new, _ = digits
    atoms = Dictionary.from_samples(X, 12, random_state=0)
    model = classifier(n_components=None, dictionary=atoms, lr=1e-30, n_epochs=1).fit(X, y)
    np.testing.assert_allclose(model.components_, atoms.atoms, atol=1e-12)
    coder = SparseCoder(atoms, alpha=0.15).fit(X)
    reference = LogisticRegression(C=1 / (1e-5 * len(X)), max_iter=5000, tol=1e-8)
    reference.fit(coder.transform(X), y)
    got, expected = model.predict_proba(X_new), reference.predict_proba(coder.transform(X_new))
    assert np.abs(got - expected).max() < 0.02
    np.testing.assert_array_equal(model.transform(X_new), coder.transform(X_new))


@pytest.mark.needs_jit("it learns")
def test_methods_agree(digits):
    X, y, X_new, _ = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "7", "8", "9"])[y]
    model = classifier().fit(X, names)
    scores = model.transform(X_new) @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.decision_function(X_new), scores, atol=1e-12)
    np.testing.assert_array_equal(model.predict(X_new), model.classes_[scores.argmax(axis=1)])
    shares = model.predict_proba(X_new)
    np.testing.assert_array_equal(shares.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert model.certify(X_new).relative_gap.max() < 1e-5
    assert model.inverse_transform(model.transform(X_new)).shape == X_new.shape
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X_new), model.predict(X_new))
    single = classifier().fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.components_.dtype == np.float32
    assert single.transform(X_new.astype(np.float32)).dtype == np.float32


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("loss", LOSSES)
def test_two_classes(digits, loss):
    X, y, X_new, y_new = digits
    model = classifier(loss=loss).fit(X, y > 4)
    decision = model.decision_function(X_new)
    assert decision.shape == (len(X_new),)
    np.testing.assert_array_equal(model.predict(X_new), decision > 0)
    assert model.score(X_new, y_new > 4) > 0.7
    assert hasattr(model, "predict_proba") == (loss in ("softmax", "logistic"))
    if hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(model.predict_proba(X_new)[:, 1] > 0.5, decision > 0)


@pytest.mark.needs_jit("it learns")
def test_threads_and_formats_do_not_matter(digits):
    X, y, X_new, _ = digits
    one = classifier(n_jobs=1).fit(X, y)
    two = classifier(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.decision_function(X_new), two.decision_function(X_new))
    rows = classifier(n_jobs=1).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(rows.coef_, one.coef_, rtol=1e-6, atol=1e-6)


@pytest.mark.needs_jit("it learns")
def test_scales_of_samples_and_alpha_together(digits):
    X, y, X_new, _ = digits
    atoms = Dictionary.from_samples(X, 12, random_state=0)
    settings = {"n_components": None, "dictionary": atoms, "optimizer": SGD(0.0), "lr": None}
    one = classifier(**settings, weight_decay=0.0, loss="square", n_epochs=1).fit(X, y)
    more = classifier(**settings, weight_decay=0.0, loss="square", n_epochs=1, alpha=0.6)
    more.fit(4 * X, y)
    np.testing.assert_array_equal(one.predict(X_new), more.predict(4 * X_new))


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("start", [10, "identity", "array"])
def test_input_map(digits, start):
    X, y, X_new, y_new = digits
    given = np.random.default_rng(0).standard_normal((64, 9)) / 8 if start == "array" else start
    model = classifier(input_map=given, n_components=12, lr=None).fit(X, y)
    width = {10: 10, "identity": 64, "array": 9}[start]
    assert model.input_map_.shape == (64, width) and model.components_.shape == (12, width)
    coder = SparseCoder(model.dictionary_, alpha=0.15).fit(X_new @ model.input_map_)
    codes = coder.transform(X_new @ model.input_map_)
    np.testing.assert_allclose(model.transform(X_new), codes, atol=1e-9)
    assert model.score(X_new, y_new) > (0.5 if start == "array" else 0.7)
    assert model.certify(X_new).relative_gap.max() < 1e-5
    if start == 10:
        still = classifier(input_map=10, n_components=12, lr=1e-30).fit(X, y)
        directions = np.linalg.svd(X - X.mean(axis=0))[2][:10]
        np.testing.assert_allclose(np.abs(directions @ still.input_map_), np.eye(10), atol=1e-6)
        assert np.abs(model.input_map_ - still.input_map_).max() > 1e-4


@pytest.mark.needs_jit("it learns")
def test_samples_without_label_count_in_the_reconstruction_only(digits):
    X, y, X_new, y_new = digits
    part = np.where(np.arange(len(y)) % 3 == 0, y, -1)
    model = classifier(unsupervised_weight=0.9, n_epochs=8).fit(X, part)
    assert model.classes_.tolist() == list(range(10)) and model.score(X_new, y_new) > 0.8
    class_of_its_own = classifier().fit(X, part)
    assert class_of_its_own.classes_.tolist() == list(range(-1, 10))
    # The share of reconstruction keeps codes faithful.
    plain = classifier(n_epochs=8).fit(X[part >= 0], y[part >= 0])

    def error(fitted):
        return np.sum((X_new - fitted.inverse_transform(fitted.transform(X_new))) ** 2)

    assert error(model) < error(plain)
    words = np.where(part < 0, -1, np.array(list("abcdefghij"), dtype=object)[y])
    named = classifier(unsupervised_weight=0.2).fit(X, words)
    assert named.classes_.tolist() == list("abcdefghij")


@pytest.mark.needs_jit("it learns")
def test_weights_of_samples_and_of_classes(digits):
    X, y, X_new, _ = digits
    few, labels = X[:60], y[:60] % 2
    weight = np.arange(60) % 3
    atoms = Dictionary.from_samples(X, 8, random_state=0)
    settings = {"n_components": None, "dictionary": atoms, "batch_size": 1000, "lr": 0.05}
    weighted = classifier(**settings).fit(few, labels, sample_weight=weight)
    rows = np.repeat(np.arange(60), weight)
    copied = classifier(**settings).fit(few[rows], labels[rows])
    np.testing.assert_allclose(
        weighted.decision_function(X_new), copied.decision_function(X_new), atol=1e-3
    )
    by_class = classifier(**settings, class_weight={0: 1.0, 1: 3.0}).fit(few, labels)
    same = classifier(**settings).fit(few, labels, sample_weight=1 + 2.0 * labels)
    np.testing.assert_allclose(by_class.coef_, same.coef_, rtol=1e-9)
    rare = labels * (np.arange(60) < 20)
    shares = [
        np.mean(classifier(**settings, class_weight=given).fit(few, rare).predict(X_new))
        for given in (None, "balanced")
    ]
    assert shares[1] > shares[0]


@pytest.mark.needs_jit("it learns")
def test_partial_fit(digits):
    X, y, X_new, y_new = digits
    model = classifier(lr=None)
    for part in range(3):
        rows = slice(200 * part, 200 * (part + 1))
        model.partial_fit(X[rows], y[rows], classes=np.arange(10) if part == 0 else None)
    assert model.n_iter_ == 6 and len(model.history_["cost"]) == 3 and model.n_epochs_ == 0
    first = model.score(X_new, y_new)
    for _ in range(10):
        model.partial_fit(X, y)
    assert model.score(X_new, y_new) > max(first, 0.85)
    assert np.ptp(model.history_["lr"]) == 0
    with pytest.raises(ValueError, match=r"y has the label 12; expected labels of the classes"):
        model.partial_fit(X[:10], np.full(10, 12))
    with pytest.raises(ValueError, match="the first call had"):
        model.partial_fit(X[:10], y[:10], classes=[1, 2])
    # A class that has no sample yet.
    later = classifier().partial_fit(X[y < 9], y[y < 9], classes=np.arange(10))
    assert later.predict_proba(X_new).shape == (len(X_new), 10)
    after_fit = classifier().fit(X, y)
    steps = after_fit.n_iter_
    after_fit.partial_fit(X, y)
    assert after_fit.n_iter_ == steps + 6 and after_fit.history_["lr"][-1] < 0.5


@pytest.mark.needs_jit("it learns")
def test_step_sizes_are_the_published_ones(digits):
    X, y, *_ = digits
    model = classifier(decay_after=4, lr=0.3).fit(X, y)
    expected = [0.3 * min(1, 4 / step) for step in (6, 12, 18, 24)]
    np.testing.assert_allclose(model.history_["lr"], expected)
    assert model.lr_ == 0.3 and model.n_iter_ == 24
    given = classifier(optimizer=Adam(InverseTime(0.01, 5)), lr=None).fit(X, y)
    assert given.lr_ is None and given.history_["lr"][-1] == pytest.approx(0.01 * 5 / 24)


def test_a_search_takes_the_rate_of_the_lowest_cost(monkeypatch):
    costs = {}

    def cost_after(task, params, steps, probe, optimizer):
        rate = optimizer.lr
        costs[rate] = 1 - min(rate, 0.9) if rate < 5 else np.inf
        return costs[rate]

    monkeypatch.setattr(descent, "_cost_after", cost_after)
    start = descent.Evaluation(1.0, 1.0, 1.0, {"atoms": np.ones((2, 2))})
    monkeypatch.setattr(descent, "_evaluated", lambda *given: start)
    for scale in (1.0, 0.05, 10.0):
        costs.clear()
        params = {"atoms": scale * np.eye(2)}
        rate = search_rate(None, params, [], None, SGD)
        assert costs[rate] == min(costs.values()) < 0.7
    # The rate of the lowest cost is next to one that diverges.
    costs.clear()
    rate = search_rate(None, {"atoms": 20 * np.eye(2)}, [], None, SGD)
    best = min(costs, key=costs.get)
    assert costs[3 * best] == np.inf and rate == pytest.approx(best / 3)


@pytest.mark.needs_jit("it learns")
def test_the_rate_that_is_found_for_large_samples_does_not_diverge():
    X, y = load_digits(return_X_y=True)
    model = TaskDrivenDictionaryLearningClassifier(30, n_epochs=3, random_state=0)
    # Warnings are errors: that training raised the cost would be one.
    model.fit(X[:900], y[:900])
    assert model.history_["cost"][-1] <= model.history_["cost"][0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"lr_ = 13, is too large. Scale samples to norm 1, or set lr below it"),
        ({"lr": 13.0}, r"Lower lr, or raise n_epochs"),
        ({"optimizer": SGD(lr=13.0)}, r"Lower lr of the optimizer, or raise n_epochs"),
    ],
)
def test_a_warning_says_which_rate_is_too_large(given, message):
    model = TaskDrivenDictionaryLearningClassifier(5, **given)
    model.lr_ = None if model.optimizer else 13.0
    with pytest.warns(ConvergenceWarning, match=f"raised the cost .* from 1 to 2; .*{message}"):
        _warn_of_start(model, 1.0, 2.0, None)


@pytest.mark.needs_jit("it learns")
def test_validation_keeps_the_best_epoch(digits):
    X, y, *_ = digits
    model = classifier(validation_fraction=0.2, lr=30.0, decay_after=10**6, n_epochs=6)
    with pytest.warns(ConvergenceWarning, match="Training raised the cost of the held-out samples"):
        model.fit(X, y)
    assert len(model.history_["validation"]) == 7
    # At such a rate every epoch is worse than the start.
    assert np.argmin(model.history_["validation"]) == 0
    start = classifier(validation_fraction=0.2, lr=1e-30).fit(X, y)
    np.testing.assert_array_equal(model.coef_, start.coef_)


class _Interrupting(Square):
    """A loss that is interrupted after some calls."""

    def __init__(self, after=10):
        self.after = after

    def encode(self, labels, n_classes):
        self.calls = itertools.count()
        return super().encode(labels, n_classes)

    def gradient(self, scores, targets):
        if len(scores) == 100 and next(self.calls) >= self.after:
            raise KeyboardInterrupt
        return super().gradient(scores, targets)


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("after", [3, 15])
def test_an_interrupt_keeps_the_complete_epochs(digits, after):
    X, y, X_new, _ = digits
    model = classifier(loss=_Interrupting(after))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    n_epochs = after // 6
    assert model.n_epochs_ == n_epochs
    same = classifier(loss="square", n_epochs=max(n_epochs, 1), decay_after=2)
    same.set_params(lr=0.5 if n_epochs else 1e-30).fit(X, y)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-12)
    assert model.predict(X_new).shape == (len(X_new),)


@pytest.mark.needs_jit("it learns")
def test_an_error_before_learning_leaves_a_fitted_model_as_it_was(digits):
    X, y, X_new, _ = digits
    model = classifier().fit(X, y)
    before = model.predict(X_new)
    for bad in ({"X": X[:, :5], "y": np.zeros(600)}, {"X": X, "y": np.full(600, np.nan)}):
        with pytest.raises(ValueError):
            model.fit(**bad)
        np.testing.assert_array_equal(model.predict(X_new), before)
    with pytest.warns(ConvergenceWarning, match="Training raised the cost"):
        worse = classifier(lr=30.0, decay_after=10**6).fit(X, y)
    assert worse.score(X, y) > 0.8
    with pytest.raises(FloatingPointError, match="learning diverged"):
        classifier(lr=1e300, loss="square").fit(X, y)


@pytest.mark.needs_jit("it learns")
def test_numbers():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 4))
    y = 100 * np.abs(X[:, 0]) + 1000
    model = regressor().fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.8
    codes = model.transform(X)
    np.testing.assert_allclose(model.predict(X), (codes @ model.coef_.T + model.intercept_)[:, 0])
    both = regressor().fit(X, np.column_stack([y, X[:, 1]]))
    assert both.predict(X).shape == (500, 2) and both.coef_.shape == (2, 8)
    with pytest.raises(ValueError, match=r"y has 1 targets but .* was fitted to 2"):
        both.partial_fit(X, y)
    moved = regressor().fit(X[:400], 3 * y[:400] - 7)
    np.testing.assert_allclose(moved.predict(X), 3 * model.predict(X) - 7, rtol=1e-6)
    # Squares of such targets are infinite, or 0.
    for unit in (2.0**600, 2.0**-600):
        far = regressor(n_epochs=1).fit(X, y * unit).predict(X) / unit
        np.testing.assert_allclose(far, regressor(n_epochs=1).fit(X, y).predict(X), rtol=1e-9)
    some = np.where(np.arange(500) % 2 == 0, y, np.nan)
    partly = regressor(unsupervised_weight=0.1).fit(X, some)
    assert partly.score(X, y) > 0.8
    with pytest.raises(ValueError, match="y contains NaN"):
        regressor().fit(X, some)


@pytest.mark.needs_jit("it learns")
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("kind", ["classes", "words", "map", "numbers"])
def test_files(digits, kind, suffix, tmp_path):
    X, y, X_new, _ = digits
    path = tmp_path / f"model.{suffix}"
    if kind == "numbers":
        model = regressor(penalty=L1, dictionary=Dictionary.from_samples(X, 8)).fit(X, y)
    else:
        words = np.array(list("abcdefghij"))
        model = classifier(loss=Logistic(), input_map=8 if kind == "map" else None, lr=0.02)
        model.fit(X, words[y] if kind == "words" else y)
    model.save(path)
    other = type(model).load(path)
    np.testing.assert_array_equal(other.predict(X_new), model.predict(X_new))
    np.testing.assert_array_equal(other.transform(X_new), model.transform(X_new))
    assert other.n_features_in_ == 64 and other.lr_ == model.lr_
    before = other.components_.copy()
    labels = words[y] if kind == "words" else y
    other.partial_fit(X, labels)
    assert np.abs(other.components_ - before).max() > 0
    other.save(path)
    if kind != "numbers":
        assert other.classes_.dtype == model.classes_.dtype
        with pytest.raises(TypeError, match=r"loss .* cannot be saved"):
            classifier(loss=_Interrupting(10**6)).fit(X, y).save(path)


@pytest.mark.needs_jit("it learns")
def test_in_a_pipeline_and_a_search(digits):
    X, y, X_new, y_new = digits
    pipeline = make_pipeline(Normalizer(), classifier())
    search = GridSearchCV(
        pipeline, {"taskdrivendictionarylearningclassifier__alpha": [0.1, 0.3]}, cv=2
    )
    assert search.fit(X, y).score(X_new, y_new) > 0.8
    model = classifier(sparse_output=True, verbose=1)
    assert sparse.issparse(clone(model).fit(X, y).transform(X_new))
    assert list(model.fit(X, y).get_feature_names_out())[:1] == [
        "taskdrivendictionarylearningclassifier0"
    ]


def refused(error, match, y=None, kind=classifier, **changes):
    X = np.random.default_rng(0).standard_normal((12, 4))
    with pytest.raises(error, match=match):
        kind(**changes).fit(X, np.arange(12) % 2 if y is None else y)


def test_bad_input_is_refused_before_work():
    refused(ValueError, "y has 1 class, .*; expected at least two", y=np.zeros(12))
    refused(ValueError, "y has 0 class", y=np.full(12, -1), unsupervised_weight=0.5)
    refused(ValueError, "loss is 'hinge'; expected one of 'softmax'", loss="hinge")
    refused(ValueError, "loss is 'softmax'; expected one of 'square'", loss="softmax",
            kind=regressor)  # fmt: skip
    refused(TypeError, "expected L1 or ElasticNet", penalty=LogSum)
    refused(ValueError, "unsupervised_weight is 1, so that labels do not count",
            unsupervised_weight=1)  # fmt: skip
    refused(ValueError, "unsupervised_weight", unsupervised_weight=-0.1)
    refused(ValueError, "weight_decay is -1", weight_decay=-1)
    refused(ValueError, "lr is 0", lr=0)
    refused(ValueError, "an optimizer is given, which has its own", optimizer=SGD(0.1))
    refused(TypeError, "LBFGS needs all samples for a step", optimizer=LBFGS(), lr=None)
    refused(ValueError, "input_map is 'pca'; expected 'identity'", input_map="pca")
    refused(ValueError, "input_map is 5 but X has 4 features", input_map=5)
    refused(ValueError, "input_map has 3 rows; expected 4", input_map=np.ones((3, 2)))
    refused(ValueError, "class_weight is 'rare'; expected a dict", class_weight="rare")
    refused(ValueError, "The classes, .*, are not in class_weight", class_weight={7: 1.0})
    refused(ValueError, "n_components is 15 but the dictionary has 3", dictionary=np.eye(3, 4))
    refused(ValueError, "X has 4 features but the atoms of the dictionary have 5",
            dictionary=np.eye(15, 5))  # fmt: skip
    X = np.ones((4, 3))
    with pytest.raises(ValueError, match="classes"):
        classifier().partial_fit(X, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="class_weight is 'balanced' in partial_fit"):
        classifier(class_weight="balanced").partial_fit(X, [0, 1, 0, 1], classes=[0, 1])
    with pytest.raises(AttributeError, match="predict_proba"):
        _ = classifier(loss="squared_hinge").predict_proba
    with pytest.raises(ValueError, match="requires y to be passed"):
        classifier().fit(X, None)
