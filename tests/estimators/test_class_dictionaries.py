"""DPL and DLSI as estimators: planted classes, history, interrupts, files, errors, and encoders."""

import numpy as np
import pytest

from sparsecode import (
    DictionaryPairClassifier,
    StructuredIncoherenceClassifier,
    amortization_report,
)
from sparsecode.penalties import L1
from sparsecode.prediction import dictionary_pairs, incoherent_classes

CLASSES = {"DPL": DictionaryPairClassifier, "DLSI": StructuredIncoherenceClassifier}
every = pytest.mark.parametrize("name", CLASSES)


@pytest.fixture(scope="module")
def planted():
    """Samples of three random subspaces of three dimensions in 16 features, with noise."""
    rng = np.random.default_rng(0)
    bases = rng.standard_normal((3, 3, 16))

    def draw(n):
        y = np.arange(n) % 3
        X = np.einsum("ij,ijf->if", rng.standard_normal((n, 3)), bases[y])
        return X + 0.05 * rng.standard_normal(X.shape), np.array(["x", "y", "z"])[y]

    return *draw(90), *draw(60)


def made(name, **named):
    return CLASSES[name](**{"atoms_per_class": 4, "n_epochs": 15, "random_state": 0} | named)


@every
@pytest.mark.parametrize("init", ["samples", "svd", "k-means++"])
def test_planted_classes_are_found(name, init, planted):
    X, y, new, labels = planted
    model = made(name, init=init).fit(X, y)
    assert model.score(new, labels) > 0.95
    costs = np.array(model.history_["objective"])
    assert len(costs) == model.n_iter_ + 1 and (np.diff(costs) < 1e-9).all()
    scores = model.decision_function(new)
    assert scores.shape == (60, 3) and (scores <= 0).all()
    np.testing.assert_allclose(model.decision_function(9 * new), scores, atol=1e-6)
    assert model.transform(new).shape == (60, 12)
    assert np.linalg.norm(model.components_, axis=1).max() < 1 + 1e-12
    assert model.set_params(tol=0.9).fit(X, y).n_iter_ < 3


def test_residuals_of_linear_codes(planted):
    X, y, new, _ = planted
    model = made("DPL").fit(X, y)
    unit = new / np.linalg.norm(new, axis=1, keepdims=True)
    for c in range(3):
        mine = model.atom_classes_ == c
        X_hat = unit @ model.analysis_[mine].T @ model.components_[mine]
        residuals = np.linalg.norm(unit - X_hat, axis=1)
        np.testing.assert_allclose(-model.decision_function(new)[:, c], residuals)
    codes = model.transform(new)
    np.testing.assert_allclose(codes, new @ model.analysis_.T)
    np.testing.assert_array_equal(model.encoder_.encode(new, model.dictionary_), codes)


def test_linear_codes_beside_exact_ones(planted):
    X, y, new, _ = planted
    model = made("DPL").fit(X, y)
    report = amortization_report(
        new,
        model.dictionary_,
        L1(0.1),
        encoders={"estimator": model, "encoder": model.encoder_},
        n_iters=(1,),
        n_repeats=1,
        n_jobs=1,
    )
    one, two = report["estimator"], report["encoder"]
    assert one.objective == two.objective > report["exact"].objective


@every
def test_an_interrupt_keeps_the_best_atoms(name, planted, monkeypatch):
    X, y, new, _ = planted
    module, step = {
        "DPL": (dictionary_pairs.BlockUpdate, "step"),
        "DLSI": (incoherent_classes, "improved"),
    }[name]
    usual, count = getattr(module, step), []

    def interrupted(*given, **named):
        count.append(1)
        if len(count) == 8:
            raise KeyboardInterrupt
        return usual(*given, **named)

    monkeypatch.setattr(module, step, interrupted)
    model = made(name, tol=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    monkeypatch.setattr(module, step, usual)
    other = made(name, tol=0, n_epochs=2).fit(X, y)
    assert model.n_iter_ == 2 and model.history_ == other.history_
    np.testing.assert_array_equal(model.predict(new), other.predict(new))
    np.testing.assert_array_equal(model.components_, other.components_)


@every
def test_threads_types_and_files(name, planted, tmp_path):
    X, y, new, _ = planted
    one, two = (made(name, n_jobs=n).fit(X, y) for n in (1, 2))
    scores = one.decision_function(new)
    np.testing.assert_array_equal(two.decision_function(new), scores)
    one.save(tmp_path / "model.npz")
    other = type(one).load(tmp_path / "model.npz")
    np.testing.assert_array_equal(other.decision_function(new), scores)
    np.testing.assert_array_equal(other.transform(new), one.transform(new))
    assert repr(other) == repr(one)
    single = made(name).fit(X.astype(np.float32), y)
    assert single.components_.dtype == np.float32
    assert single.transform(new.astype(np.float32)).dtype == np.float32
    assert single.score(new, one.predict(new)) > 0.95


@every
@pytest.mark.parametrize(
    "settings, words",
    [
        ({"atoms_per_class": 31}, "atoms_per_class is 31 but class 'x' has 30 samples"),
        ({"n_epochs": 0}, "n_epochs"),
        ({"init": "random"}, "init is 'random'"),
        ({"tol": -1}, "tol"),
    ],
)
def test_what_is_refused(name, settings, words, planted):
    X, y, *_ = planted
    with pytest.raises((ValueError, TypeError), match=words):
        made(name, **settings).fit(X, y)
    with pytest.raises(ValueError, match="labels of one class"):
        made(name).fit(X, ["x"] * len(X))


def test_weights_are_checked(planted):
    X, y, *_ = planted
    for setting in ({"coding_weight": 0}, {"ridge": 0}, {"other_weight": -1}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            made("DPL", **setting).fit(X, y)
    for setting in ({"alpha": -1}, {"incoherence": -1}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            made("DLSI", **setting).fit(X, y)
