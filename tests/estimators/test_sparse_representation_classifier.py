"""Classification by representation: against scikit-learn's lasso, on planted classes, and files."""

import json

import numpy as np
import pytest
from sklearn.linear_model import Lasso, orthogonal_mp

from sparsecode import DictionaryLearning
from sparsecode import SparseRepresentationClassifier as SRC
from sparsecode.penalties import L1, ElasticNet, KSparse


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def planted(rng):
    """Samples of three random planes in 20 features, of unequal numbers, and more to predict."""
    bases = rng.standard_normal((3, 2, 20))

    def draw(numbers):
        y = np.repeat(["b", "a", "c"], numbers)
        X = [rng.standard_normal((n, 2)) @ basis for n, basis in zip(numbers, bases, strict=True)]
        return np.concatenate(X) + 0.02 * rng.standard_normal((len(y), 20)), y

    return *draw((9, 5, 7)), *draw((10, 10, 10))


KINDS = {
    "l1": {},
    "omp": {"penalty": KSparse(3)},
    "ridge": {"penalty": ElasticNet(0.01, l1_ratio=0)},
    "occlusion": {"penalty": L1(0.02), "occlusion": 0.05},
    "atoms": {"atoms_per_class": 3, "random_state": 0},
    "share": {"atoms_per_class": 0.5, "init": "svd"},
    "learned": {"learner": DictionaryLearning(2, alpha=0.05, n_epochs=5, random_state=0)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_planted_classes_are_found(kind, planted):
    X, y, new, labels = planted
    model = SRC(**KINDS[kind]).fit(X, y)
    assert model.score(new, labels) > 0.95
    scores = model.decision_function(new)
    assert scores.shape == (30, 3) and (scores <= 0).all()
    np.testing.assert_array_equal(model.classes_[scores.argmax(axis=1)], model.predict(new))
    assert model.transform(new).shape == (30, len(model.components_))
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
    # Only directions count.
    np.testing.assert_allclose(model.decision_function(7 * new), scores, atol=1e-5)


def residuals(codes, model, new):
    parts = [np.where(model.atom_classes_ == c, codes, 0) for c in range(3)]
    return np.transpose([np.linalg.norm(unit(new) - z @ model.components_, axis=1) for z in parts])


def test_l1_as_with_the_lasso_of_scikit_learn(planted):
    X, y, new, _ = planted
    model = SRC(penalty=L1, alpha=0.03).fit(X, y)
    atoms = model.components_
    np.testing.assert_allclose(atoms, unit(X)[np.argsort(y, kind="stable")])
    lasso = Lasso(0.03 / 20, fit_intercept=False, tol=1e-12, max_iter=10**5)
    codes = np.array([lasso.fit(atoms.T, x).coef_ for x in unit(new)])
    np.testing.assert_allclose(
        -model.decision_function(new), residuals(codes, model, new), atol=1e-3
    )
    assert model.certify(new).relative_gap.max() < 1e-5


def test_greedy_codes_as_in_scikit_learn(planted):
    X, y, new, _ = planted
    model = SRC(penalty=KSparse(2)).fit(X, y)
    codes = orthogonal_mp(model.components_.T, unit(new).T, n_nonzero_coefs=2).T
    np.testing.assert_allclose(model.transform(new), codes, atol=1e-8)
    np.testing.assert_allclose(
        -model.decision_function(new), residuals(codes, model, new), atol=1e-8
    )


def test_collaborative_representation_divides_by_the_norm_of_the_code(planted):
    X, y, new, _ = planted
    model = SRC(penalty=ElasticNet(0.1, l1_ratio=0)).fit(X, y)
    atoms = model.components_
    codes = unit(new) @ atoms.T @ np.linalg.inv(atoms @ atoms.T + 0.1 * np.eye(len(atoms)))
    norms = [np.linalg.norm(codes[:, model.atom_classes_ == c], axis=1) for c in range(3)]
    plain = residuals(codes, model, new)
    np.testing.assert_allclose(-model.decision_function(new), plain / np.transpose(norms))
    np.testing.assert_allclose(-model.set_params(divided=False).decision_function(new), plain)


def test_occlusion_is_found_and_does_not_mislead(rng):
    bases = rng.random((2, 2, 60))
    X = np.concatenate([rng.random((8, 2)) @ basis for basis in bases])
    y = np.repeat([False, True], 8)
    new = np.concatenate([rng.random((20, 2)) @ basis for basis in bases])
    labels = np.repeat([False, True], 20)
    hidden = new.copy()
    hidden[:, 10:25] = X[0, 10:25] * rng.uniform(2, 4, (40, 1))
    plain = SRC().fit(X, y)
    model = SRC(occlusion=0.01).fit(X, y)
    assert model.score(hidden, labels) > max(0.95, plain.score(hidden, labels))
    clean = hidden - model.estimate_occlusion(hidden)
    assert np.abs(clean - new).max(axis=1).mean() < 0.2 * np.abs(hidden - new).max(axis=1).mean()
    assert model.decision_function(hidden).shape == (40,)
    with pytest.raises(ValueError, match="occlusion is None; expected a weight"):
        plain.estimate_occlusion(hidden)


def test_concentration_tells_strangers(planted, rng):
    X, y, new, _ = planted
    model = SRC().fit(X, y)
    strangers = model.sparsity_concentration(rng.standard_normal((30, 20)))
    known = model.sparsity_concentration(new)
    assert known.min() >= 0 and known.max() <= 1 and np.median(known) > strangers.max()


def test_order_of_samples_and_threads_do_not_matter(planted, rng):
    X, y, new, _ = planted
    model = SRC(n_jobs=1).fit(X, y)
    order = rng.permutation(len(X))
    other = SRC(n_jobs=2).fit(X[order], y[order])
    scores = model.decision_function(new)
    np.testing.assert_allclose(other.decision_function(new), scores, atol=1e-5)
    np.testing.assert_array_equal(model.set_params(n_jobs=2).decision_function(new), scores)


def test_a_learner_without_a_seed_has_that_of_the_classifier(planted):
    X, y, *_ = planted
    learner = DictionaryLearning(2, alpha=0.05, n_epochs=2)
    one, two, other = (SRC(learner=learner, random_state=seed).fit(X, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.components_, two.components_)
    assert np.abs(one.components_ - other.components_).max() > 0
    assert learner.random_state is None


def test_float32_stays(planted):
    X, y, new, _ = planted
    model = SRC().fit(X.astype(np.float32), y)
    assert model.components_.dtype == model.transform(new.astype(np.float32)).dtype == np.float32
    assert model.transform(new).dtype == np.float64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", ["text", "object", "whole", "flag"])
def test_files(kind, labels, planted, tmp_path):
    X, y, new, _ = planted
    y = {
        "text": y,
        "object": y.astype(object),
        "whole": np.unique(y, return_inverse=True)[1] - 1,
    }.get(labels, y == "a")
    model = SRC(**KINDS[kind]).fit(X, y)
    model.save(tmp_path / "model.npz")
    other = SRC.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(other.decision_function(new), model.decision_function(new))
    np.testing.assert_array_equal(other.predict(new), model.predict(new))
    assert other.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(other.atom_classes_, model.atom_classes_)
    if kind != "learned":
        assert repr(other) == repr(model)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": json.dumps({"dtype": "int64", "labels": [1]})},
        {"classes": json.dumps({"dtype": "int64", "labels": [1, 0, 2]})},
        {"classes": json.dumps({"dtype": "int64", "labels": [0, 0, 1]})},
        {"classes": json.dumps({"dtype": "int64", "labels": [[0], [1], [2]]})},
        {"classes": json.dumps({"dtype": "nonsense", "labels": [0, 1, 2]})},
        {"classes": json.dumps({"dtype": "int64", "labels": ["a", "b", "c"]})},
        {"classes": json.dumps({"dtype": "int64"})},
        {"classes": "no JSON"},
        {"atom_classes_": np.zeros(3, int)},
        {"atom_classes_": np.full(21, 3)},
        {"atom_classes_": np.arange(21)[::-1] // 7},
        {"atom_classes_": np.zeros(21)},
    ],
)
def test_damaged_files_are_refused(change, planted, tmp_path):
    X, y, *_ = planted
    SRC().fit(X, np.unique(y, return_inverse=True)[1]).save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    header = json.loads(str(arrays.pop("header")))
    for name, value in change.items():
        if isinstance(value, str):
            header[name] = value
        else:
            arrays[f"classifier/{name}"] = value
    np.savez(tmp_path / "bad.npz", header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(ValueError, match="is not a saved SparseRepresentationClassifier"):
        SRC.load(tmp_path / "bad.npz")


def test_labels_that_no_file_holds(planted, tmp_path):
    X, y, *_ = planted
    model = SRC().fit(X, y)
    model.classes_ = np.array([1, "a", 2.0], dtype=object)
    with pytest.raises(TypeError, match=r"classes_ are .*expected numbers or strings"):
        model.save(tmp_path / "model.npz")


@pytest.mark.parametrize(
    "settings, y, words",
    [
        ({}, ["one"] * 21, "y of SparseRepresentationClassifier is labels of one class, 'one'"),
        ({}, None, "requires y"),
        ({"atoms_per_class": 6}, ..., "atoms_per_class is 6 but class 'a' has 5 samples"),
        ({"occlusion": 0.1, "penalty": KSparse(2)}, ..., "penalty is KSparse.* occlusion is 0.1"),
        ({"occlusion": 0}, ..., "occlusion"),
        ({"learner": DictionaryLearning}, ..., "learner is"),
        ({"learner": DictionaryLearning(2), "atoms_per_class": 2}, ..., "atoms_per_class is 2 and"),
        ({"penalty": KSparse(22)}, ..., "n_nonzero of KSparse is 22 but the dictionary has 21"),
        ({"penalty": "l1"}, ..., "penalty is 'l1'"),
        ({"init": "dct"}, ..., "init is 'dct'"),
    ],
)
def test_what_is_refused(settings, y, words, planted):
    X, labels, *_ = planted
    with pytest.raises((ValueError, TypeError), match=words):
        SRC(**settings).fit(X, labels if y is ... else y)


def test_a_failed_fit_changes_nothing(planted):
    X, y, new, _ = planted
    model = SRC().fit(X, y)
    before = model.decision_function(new)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X[:, :4], ["x"] * len(X))
    np.testing.assert_array_equal(model.decision_function(new), before)
    with pytest.raises(ValueError, match="features"):
        model.predict(new[:, :4])
