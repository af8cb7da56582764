"""Whatever takes CSR takes every other format of SciPy, matrices and arrays, and gives the same."""

import inspect

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils import get_tags

from sparsecode import (
    LISTA,
    Dictionary,
    DictionaryLearning,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    TaskDrivenDictionaryLearningClassifier,
    TaskDrivenDictionaryLearningRegressor,
    Transcoder,
    alpha_max,
    certify,
    coding_path,
    debias,
    encoders,
    estimators,
    metrics,
    polish,
    training,
)
from sparsecode.compare import match_l0
from sparsecode.initialization import initial_dictionary, initial_offset
from sparsecode.losses import LassoLoss
from sparsecode.metrics import reconstruction
from sparsecode.objective import objective
from sparsecode.penalties import L1, KSparse
from sparsecode.solvers import FISTA, OMP

FORMATS = ("bsr", "coo", "csc", "dia", "dok", "lil", "csr")
KINDS = [f"{name}_{kind}" for name in FORMATS for kind in ("array", "matrix")]
KINDS.remove("csr_array")

rng = np.random.default_rng(0)
DICTIONARY = Dictionary.random(7, 5, random_state=0)
SAMPLES = rng.standard_normal((30, 5)) * (rng.random((30, 5)) < 0.5)
CODES = rng.standard_normal((30, 7)) * (rng.random((30, 7)) < 0.3)
LOSS = {"n_epochs": 1, "batch_size": 10, "random_state": 0}


def fitted(estimator, X, **more):
    """What a fitted estimator says of samples, and learns from a part of them and from batches."""
    model = estimator.fit(X, **more)
    yield model.transform(X)
    yield from (getattr(model, name)(X) for name in ("score_samples",) if hasattr(model, name))
    if hasattr(model, "partial_fit") and not more:
        yield model.partial_fit(X).transform(X)
        yield model.partial_fit(iter([X])).transform(X)


def of_outliers(X):
    model = SparseOutlierDetector(DictionaryLearning(3, alpha=0.1, n_epochs=2, random_state=0))
    yield model.fit(X).score_samples(X)


def of_features(X):
    model = SparseAutoencoder(4, **LOSS).fit(X)
    yield from (hit for hit in model.max_activating(X, 0))
    yield model.refine(X).transform(X)


ESTIMATORS = {
    "SparseCoder": lambda X: fitted(SparseCoder(DICTIONARY, alpha=0.1), X),
    "DictionaryLearning": lambda X: fitted(
        DictionaryLearning(4, alpha=0.1, n_epochs=2, random_state=0), X
    ),
    "LISTA": lambda X: fitted(LISTA(dictionary=DICTIONARY, alpha=0.1, n_layers=2, **LOSS), X),
    "SparseAutoencoder": lambda X: fitted(SparseAutoencoder(4, **LOSS), X),
    "TaskDrivenDictionaryLearningClassifier": lambda X: fitted(
        TaskDrivenDictionaryLearningClassifier(4, input_map=3, **LOSS),
        X,
        y=np.arange(X.shape[0]) % 3,
    ),
    "TaskDrivenDictionaryLearningRegressor": lambda X: fitted(
        TaskDrivenDictionaryLearningRegressor(4, **LOSS), X, y=np.arange(X.shape[0]) % 3
    ),
    "Transcoder": lambda X: fitted(Transcoder(4, **LOSS), X, y=X),
    "SparseOutlierDetector": of_outliers,
}
OF_SAMPLES = ESTIMATORS | {
    "features": of_features,
    "solve": lambda X: [FISTA().solve(X, DICTIONARY, L1(0.1)).codes],
    "OMP": lambda X: [OMP().solve(X, DICTIONARY, KSparse(2)).codes],
    "alpha_max": lambda X: [alpha_max(X, DICTIONARY), alpha_max(X)],
    "coding_path": lambda X: [*coding_path(X, DICTIONARY, alphas=3).codes],
    "initial_dictionary": lambda X: [
        initial_dictionary(name, X, 4, random_state=0).atoms
        for name in ("samples", "svd", "k-means++")
    ],
    "initial_offset": lambda X: [initial_offset(name, X) for name in ("mean", "geometric_median")],
    "encode": lambda X: [encoders.ReLU().encode(X, DICTIONARY), thresholded(X)],
    "train": lambda X: trained(X),
    "match_l0": lambda X: [match_l0(encoders.Exact(), X, DICTIONARY, 2).l0],
    "reconstructions": lambda X: [
        getattr(reconstruction, name)(X, 0.9 * X)
        for name in ("mse", "normalized_mse", "explained_variance", "cosine", "l2_ratio")
    ],
}
OF_BOTH = {
    "start": lambda X, Z: [FISTA().solve(X, DICTIONARY, L1(0.1), codes=Z).codes],
    "warm": lambda X, Z: [SparseCoder(DICTIONARY, alpha=0.1).fit(X).transform(X, codes=Z)],
    "certify": lambda X, Z: vars(certify(X, Z, DICTIONARY, L1(0.1))).values(),
    "objective": lambda X, Z: [objective(X, Z, DICTIONARY, L1(0.1))],
    "debias": lambda X, Z: [debias(X, Z, DICTIONARY)],
    "polish": lambda X, Z: [polish(X, Z, DICTIONARY, L1(0.1)).codes],
    "bic": lambda X, Z: [metrics.bic(X, Z, DICTIONARY), metrics.code_length(X, Z, DICTIONARY)],
    "summary": lambda X, Z: [*metrics.summary(X, Z, DICTIONARY)],
    "decode": lambda X, Z: [DICTIONARY.decode(Z)],
    "inverse_transform": lambda X, Z: [SparseCoder(DICTIONARY).fit(X).inverse_transform(Z)],
    "value": lambda X, Z: [L1(0.3).value(Z), KSparse(2).value(Z)],
    "counts": lambda X, Z: [metrics.l0(Z), metrics.kurtosis(Z), metrics.dead_atoms(Z)],
    "fractions": lambda X, Z: [metrics.dead_fraction(Z), metrics.dense_fraction(Z)],
    "usage": lambda X, Z: [*metrics.usage(Z), metrics.sort_atoms(DICTIONARY, Z)[1]],
    "density": lambda X, Z: [metrics.density_histogram(Z).counts],
    "supports": lambda X, Z: [*metrics.support_scores(Z, 2 * Z)],
    "code_mcc": lambda X, Z: [metrics.code_mcc(Z, Z), metrics.code_mmcs(Z, Z)],
}


def thresholded(X):
    return encoders.Thresholding(L1(0.1)).encode(X, DICTIONARY)


def trained(X):
    encoder, loss = encoders.SLISTA(L1(0.1), n_layers=2), LassoLoss(L1(0.1))
    for samples in (X, iter([X])):
        options = {"loss": loss, "random_state": 0, "n_epochs": 1}
        *_, last = training.train(encoder, DICTIONARY, samples, **options)
        yield from last.params.values()


def dense(value):
    return value.toarray() if sparse.issparse(value) else np.asarray(value)


def assert_same(one, other):
    for got, expected in zip(one, other, strict=True):
        if expected is not None:
            np.testing.assert_allclose(dense(got), dense(expected), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def expected():
    """What is found for CSR arrays, each when it is first asked for."""
    found = {}

    def of(name, function, *arrays):
        if name not in found:
            found[name] = list(function(*map(sparse.csr_array, arrays)))
        return found[name]

    return of


def given(kind, array):
    """The array in that format, with values that are stored twice where it can store them so."""
    made = getattr(sparse, kind)(array)
    if kind.startswith("coo"):
        halves = [np.tile(part, 2) for part in (made.data / 2, made.row, made.col)]
        made = getattr(sparse, kind)((halves[0], (halves[1], halves[2])), shape=array.shape)
    return made


def test_every_estimator_that_takes_csr_is_tried():
    takes = []
    for name in estimators.__all__:
        cls = getattr(estimators, name)
        needs = "dictionary" in inspect.signature(cls).parameters and name == "SparseCoder"
        if get_tags(cls(DICTIONARY) if needs else cls()).input_tags.sparse:
            takes.append(name)
    assert sorted(takes) == sorted(ESTIMATORS)


@pytest.mark.needs_jit("it trains")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_SAMPLES)
def test_samples(name, kind, expected):
    X = given(kind, SAMPLES)
    before = X.copy()
    assert_same(OF_SAMPLES[name](X), expected(name, OF_SAMPLES[name], SAMPLES))
    assert X.format == before.format and (before != X).nnz == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_BOTH)
def test_samples_and_codes(name, kind, expected):
    X, Z = given(kind, SAMPLES), given(kind, CODES)
    before = Z.copy()
    assert_same(OF_BOTH[name](X, Z), expected(name, OF_BOTH[name], SAMPLES, CODES))
    assert Z.format == before.format and (before != Z).nnz == 0
