"""D-KSVD and LC-KSVD: planted classes, falling objectives, interrupts, files, and errors."""

import json

import numpy as np
import pytest

from sparsecode import DiscriminativeKSVD, LabelConsistentKSVD
from sparsecode.updates import KSVD, ApproximateKSVD, BlockUpdate

MAKERS = {
    "D-KSVD": DiscriminativeKSVD,
    "LC-KSVD1": lambda *given, **named: LabelConsistentKSVD(*given, variant=1, **named),
    "LC-KSVD2": LabelConsistentKSVD,
}
every = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture(scope="module")
def planted():
    """Two-sparse positive mixtures of three dictionaries of four atoms in 16 features."""
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((3, 4, 16))

    def draw(n):
        y = np.arange(n) % 3
        codes = np.where(rng.random((n, 4)).argsort(axis=1) < 2, rng.uniform(0.5, 2, (n, 4)), 0)
        X = np.einsum("ij,ijf->if", codes, atoms[y])
        return X + 0.02 * rng.standard_normal(X.shape), np.array(["x", "y", "z"])[y]

    return *draw(240), *draw(90)


def made(name, **named):
    settings = {"n_nonzero": 2, "n_epochs": 10, "random_state": 0}
    return MAKERS[name](**{"atoms_per_class": 4} | settings | named)


@every
def test_planted_classes_are_found(name, planted):
    X, y, new, labels = planted
    model = made(name).fit(X, y)
    assert model.score(new, labels) > 0.9
    codes = model.transform(new)
    assert codes.shape == (90, 12) and (codes != 0).sum(axis=1).max() <= 2
    np.testing.assert_allclose(model.decision_function(new), codes @ model.coef_.T)
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
    # Codes are those of the samples at norm 1.
    np.testing.assert_allclose(model.transform(5 * new), codes, atol=1e-10)
    assert model.atom_classes_.tolist() == [0] * 4 + [1] * 4 + [2] * 4


@every
@pytest.mark.parametrize("update", [KSVD(), ApproximateKSVD(), BlockUpdate()])
def test_the_objective_falls(name, update, planted):
    X, y, *_ = planted
    # Fewer atoms than the samples are made of, so that there is something to learn.
    model = made(name, atoms_per_class=3, update=update, tol=0).fit(X, y)
    costs = model.history_["objective"]
    assert min(costs) < 0.97 * costs[0] and len(costs) == model.n_iter_ + 1
    # Greedy codes may raise it, which ends learning.
    assert np.all(np.diff(costs[:-1]) < 0)
    assert model.set_params(tol=0.5).fit(X, y).n_iter_ < 10


class Interrupted(KSVD):
    """K-SVD that is interrupted in the step after the one of class-wise atoms and three more."""

    def step(self, dictionary, stats, **options):
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 4:
            raise KeyboardInterrupt
        return super().step(dictionary, stats, **options)


@every
def test_an_interrupt_keeps_the_best_atoms(name, planted):
    X, y, new, labels = planted
    model = made(name, atoms_per_class=3, update=Interrupted(), tol=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    other = made(name, atoms_per_class=3, n_epochs=2, tol=0).fit(X, y)
    assert model.n_iter_ == 2 and model.score(new, labels) > 0.8
    assert model.history_ == other.history_
    np.testing.assert_array_equal(model.components_, other.components_)


@every
def test_threads_and_types(name, planted):
    X, y, new, _ = planted
    one, two = (made(name, n_jobs=n).fit(X, y) for n in (1, 2))
    np.testing.assert_array_equal(one.components_, two.components_)
    np.testing.assert_array_equal(one.decision_function(new), two.decision_function(new))
    single = made(name).fit(X.astype(np.float32), y)
    assert single.components_.dtype == single.coef_.dtype == np.float32
    assert single.transform(new.astype(np.float32)).dtype == np.float32


@every
def test_files(name, planted, tmp_path):
    X, y, new, _ = planted
    model = made(name, update=ApproximateKSVD()).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    other = type(model).load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(other.decision_function(new), model.decision_function(new))
    assert repr(other) == repr(model) and other.classes_.tolist() == ["x", "y", "z"]
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    header = json.loads(str(arrays.pop("header")))
    arrays["classifier/coef_"] = arrays["classifier/coef_"][:2]
    np.savez(tmp_path / "bad.npz", header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(ValueError, match=r"its array coef_ has the shape \(2, 12\)"):
        type(model).load(tmp_path / "bad.npz")


@every
@pytest.mark.parametrize(
    "settings, words",
    [
        ({"atoms_per_class": 81}, "atoms_per_class is 81 but class 'x' has 80 samples"),
        ({"n_nonzero": 13}, "n_nonzero of KSparse is 13 but the dictionary has 12"),
        ({"n_nonzero": 0}, "n_nonzero"),
        ({"label_weight": 0}, "label_weight"),
        ({"ridge": -1}, "ridge"),
        ({"update": "ksvd"}, "update is 'ksvd'"),
        ({"n_epochs": 0}, "n_epochs"),
    ],
)
def test_what_is_refused(name, settings, words, planted):
    X, y, *_ = planted
    with pytest.raises((ValueError, TypeError), match=words):
        made(name).set_params(**settings).fit(X, y)


def test_variants():
    X, y = np.eye(4), [0, 0, 1, 1]
    for variant in (3, True, "2", 2.0):
        with pytest.raises(ValueError, match=r"variant is .*; expected 1 or 2"):
            LabelConsistentKSVD(variant=variant).fit(X, y)
    with pytest.raises(ValueError, match="labels of one class, 'a'"):
        DiscriminativeKSVD().fit(X, ["a"] * 4)
