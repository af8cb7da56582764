"""What is saved and copied comes back: every public class, by every way that people use."""

import copy
import dataclasses
import inspect
import io
import pickle
from collections.abc import Mapping

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from scipy import sparse
from test_contracts import ABSTRACT, PUBLIC, public

from sparsecode import (
    LISTA,
    ArchetypalAnalysis,
    Dictionary,
    DictionaryLearning,
    DictionaryPairClassifier,
    DiscriminativeKSVD,
    LabelConsistentKSVD,
    OlshausenField,
    PatchFeatures,
    PoissonDictionaryLearning,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    SparseRepresentationClassifier,
    StructuredIncoherenceClassifier,
    TaskDrivenDictionaryLearningClassifier,
    TaskDrivenDictionaryLearningRegressor,
    Transcoder,
    dropin,
    estimators,
    penalties,
)
from sparsecode.datasets import ImageScaling
from sparsecode.encoders import Exact, Thresholding
from sparsecode.estimators._base import _RESOLVED
from sparsecode.losses import LassoLoss
from sparsecode.penalties import L1, MCP, GroupL1, KSparse, Penalty

D = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
GRAM = D @ D.T
ONE = np.ones(1)
SCALING = ImageScaling().fit(np.arange(16.0).reshape(1, 4, 4))
# What cannot be made without arguments.
ARGUMENTS = {
    "Batch": (D,),
    "Certificate": (ONE,) * 5,
    "Checkpoint": ("ReLU", D, D),
    "CodingPath": (ONE,) * 8 + (Exact(),),
    "ConvolutionalDictionary": (np.ones((2, 1, 3)),),
    "ConvolutionalDictionaryLearning": (2, 3),
    "ConvolutionalSparseCoder": (np.ones((2, 1, 3)),),
    "DensityHistogram": (ONE, ONE, 0),
    "DetectionScores": (ONE,) * 4,
    "Dictionary": (D, [1.0, 2.0]),
    "EqualSparsityScorer": (2,),
    "FeatureMixture": (D, [0, 1], *np.ones((2, 3)), D / 2, *np.ones((2, 3)), np.ones(3, bool)),
    "FilterBank": (Dictionary(np.eye(4)), (2, 2), SCALING, L1(0.1)),
    "LayerReport": (ONE, ONE, 1.0, 0.0),
    "LearningState": (Dictionary(D), None),
    "LossResult": (1.0, {}, D, {}),
    "Patches": (np.ones((3, 4)), 2),
    "SelectionCurve": (ONE,) * 7,
    "SolveResult": (ONE, ONE, ONE, 1e-6),
    "SparseCoder": (D,),
    "TrainingState": ("ReLU", "Adam", {}, Dictionary(D), {}, Dictionary(D), {}),
}
PACKAGES = ["sparsecode.constraints", "sparsecode.datasets", "sparsecode.dropin"]
PACKAGES += ["sparsecode.receptive_fields"]
FITTING = {"GroupL1": GroupL1(groups=[0, 0, 1]), "KSparse": KSparse(1)}
EVERY = dict(PUBLIC)
for package in PACKAGES:
    EVERY |= dict(public(package))
CLASSES = {n: c for n, c in EVERY.items() if inspect.isclass(c) and c not in ABSTRACT}


def through_joblib(value):
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


def through_skops(value):
    data = skops.io.dumps(value)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


WAYS = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "joblib": through_joblib,
    "cloudpickle": lambda value: cloudpickle.loads(cloudpickle.dumps(value)),
    "skops": through_skops,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


def assert_same(one, other, where="it"):
    """Assert that two objects have the same types and values, down to their attributes."""
    assert type(one) is type(other), where
    if isinstance(one, Mapping):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}[{i}]")
    elif sparse.issparse(one):
        assert_same(one.toarray(), other.toarray(), where)
    elif isinstance(one, np.ndarray):
        assert one.flags.writeable == other.flags.writeable, where
        np.testing.assert_array_equal(one, other, err_msg=where, strict=True)
    elif isinstance(one, np.random.RandomState):
        assert_same(one.get_state(), other.get_state(), where)
    elif hasattr(one, "__dict__") and not inspect.isroutine(one) and not inspect.isclass(one):
        assert_same(attributes(one), attributes(other), where)
    else:
        assert one == other or one != one, where


def attributes(value):
    """The attributes of an object, without what it computes once and could again."""
    if isinstance(value, Dictionary):
        return value.__getstate__()
    return {name: kept for name, kept in vars(value).items() if name not in _RESOLVED}


def example(cls):
    arguments = ARGUMENTS.get(cls.__name__, ())
    if not arguments and dataclasses.is_dataclass(cls):
        needed = [f for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING]
        arguments = tuple(ONE for f in needed if f.default_factory is dataclasses.MISSING)
    elif not arguments and hasattr(cls, "_fields"):
        arguments = (1.0,) * (len(cls._fields) - len(cls._field_defaults))
    return cls(*arguments)


@ways
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_comes_back(name, way):
    value = example(CLASSES[name])
    if way is through_skops and isinstance(value, Penalty):
        # Alone it cannot be told from a tuple there; in what holds it, it can.
        value = Exact(value)
    assert_same(value, way(value))


@pytest.fixture(scope="module")
def fitted():
    X = np.random.default_rng(0).standard_normal((40, 4))
    atoms = Dictionary.random(6, 4, random_state=0)
    return [
        SparseCoder(atoms, penalty=MCP(0.1, 3.0), alpha=2.0).fit(X),
        SparseCoder(atoms, penalty=GroupL1(groups=[0, 0, 1, 1, 2, 2])).fit(X),
        DictionaryLearning(5, penalty=L1(weights=np.ones(5)), n_epochs=1, random_state=0).fit(X),
        DictionaryPairClassifier(2, n_epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        StructuredIncoherenceClassifier(2, n_epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        DiscriminativeKSVD(2, n_epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        LabelConsistentKSVD(2, n_epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        OlshausenField(5, n_epochs=1, random_state=0).fit(X / 3),
        LISTA(5, n_layers=2, n_epochs=1, random_state=0).fit(X),
        PatchFeatures(3, patch_size=2, levels=1, image_shape=(2, 2), random_state=0).fit(X),
        SparseAutoencoder(5, n_epochs=1, random_state=0).fit(X),
        Transcoder(5, n_epochs=1, random_state=0).fit(X, X),
        TaskDrivenDictionaryLearningClassifier(5, n_epochs=1, random_state=0).fit(X, X[:, 0] > 0),
        TaskDrivenDictionaryLearningRegressor(5, n_epochs=1, random_state=0).fit(X, X),
        ArchetypalAnalysis(3, n_epochs=1, random_state=0).fit(X),
        PoissonDictionaryLearning(3, n_epochs=1, random_state=0).fit(np.abs(X)),
        SparseOutlierDetector(DictionaryLearning(3, penalty=KSparse(1), n_epochs=1)).fit(X),
        SparseRepresentationClassifier(penalty=L1(0.1), occlusion=0.1).fit(X, X[:, 0] > 0),
        dropin.SparseCoder(atoms.atoms.copy()).fit(X),
        dropin.DictionaryLearning(3, max_iter=2, random_state=0).fit(X),
        dropin.MiniBatchDictionaryLearning(3, max_iter=2, random_state=0).fit(X),
    ]


@pytest.mark.needs_jit("it fits")
def test_every_estimator_is_among_them(fitted):
    public = {getattr(home, name) for home in (estimators, dropin) for name in home.__all__}
    assert {type(model) for model in fitted} == {cls for cls in public if inspect.isclass(cls)}


@pytest.mark.parametrize("name", [name for name in penalties.__all__ if name != "Penalty"])
@ways
def test_fitted_coders_come_back_with_every_penalty(name, way):
    penalty = FITTING.get(name) or example(getattr(penalties, name))
    X = np.random.default_rng(0).standard_normal((5, 2))
    model = SparseCoder(D, penalty=penalty).fit(X)
    again = way(model)
    assert_same(model, again)
    assert_same(model._model, again._model)
    assert type(again._model.penalty) is type(penalty)
    np.testing.assert_array_equal(
        again._model.penalty.value(GRAM), model._model.penalty.value(GRAM)
    )


@pytest.mark.needs_jit("it fits")
@ways
def test_fitted_estimators_come_back(fitted, way):
    X = np.random.default_rng(1).standard_normal((7, 4))
    for model in fitted:
        again = way(model)
        assert_same(model, again, type(model).__name__)
        method = next(m for m in ("transform", "predict") if hasattr(model, m))
        samples = np.abs(X) if isinstance(model, PoissonDictionaryLearning) else X
        np.testing.assert_array_equal(
            getattr(again, method)(samples), getattr(model, method)(samples)
        )


@ways
def test_penalties_come_back_wherever_they_are_held(way):
    """As parameters, in lists of terms, and in encoders within estimators."""
    penalty = L1(0.5, weights=np.array([0.0, 1.0, np.inf]), positive=True)
    holders = (
        SparseCoder(D, penalty=penalty),
        SparseCoder(D, penalty=L1),
        DictionaryLearning(3, penalty=penalty),
        LassoLoss(penalty),
        Thresholding(penalty),
    )
    for holder in holders:
        again = way(holder).penalty
        if again is L1:
            continue
        assert type(again) is L1
        assert again._fields == ("alpha", "weights", "positive")
        assert_same(again, penalty)
        np.testing.assert_array_equal(again.value(D @ D.T), penalty.value(D @ D.T))
