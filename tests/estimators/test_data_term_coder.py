"""Coders with a data term: codes and certificates of `encode`, pipelines, files, bad input."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from sparsecode import Dictionary, SparseCoder
from sparsecode.data_terms import Absolute, DataTerm, Huber, KullbackLeibler, certify, encode
from sparsecode.model_selection import selection_curve
from sparsecode.penalties import L1, ElasticNet
from sparsecode.solvers import FISTA

SIGNED = Dictionary(check_random_state(0).standard_normal((6, 5)), 0.1 * np.arange(5.0))
COUNTED = Dictionary(check_random_state(1).gamma(0.5, 1, (6, 5)) + 0.01)
X = check_random_state(2).poisson(4, (12, 5)).astype(float)
MAKERS = {
    "huber": lambda: SparseCoder(SIGNED, alpha=0.3, data_term=Huber(0.5)),
    "absolute": lambda: SparseCoder(SIGNED, alpha=0.3, data_term=Absolute()),
    "counts": lambda: SparseCoder(
        COUNTED, penalty=L1(2.0, positive=True), alpha=0.2, data_term=KullbackLeibler()
    ),
}
every = pytest.mark.parametrize("name", MAKERS)


def of(name):
    """A coder, and the arguments of the functions of `data_terms` that mean its problem."""
    coder = MAKERS[name]()
    penalty = L1(0.4, positive=True) if name == "counts" else L1(0.3)
    return coder, (coder.dictionary, coder.data_term, penalty)


@every
def test_codes_scores_and_certificates_are_those_of_the_functions(name):
    coder, problem = of(name)
    result = encode(X, *problem)
    codes = coder.fit_transform(X)
    np.testing.assert_array_equal(codes, result.codes)
    certificate = coder.certify(X)
    assert certificate.relative_gap.max() < 1e-6
    np.testing.assert_allclose(coder.score_samples(X), -certificate.objective)
    assert coder.score(X) == pytest.approx(-certificate.objective.mean())
    judged = certify(X, codes, problem[0], *problem[1:], duals=result.duals)
    np.testing.assert_allclose(judged.objective, certificate.objective)
    np.testing.assert_array_equal(coder.inverse_transform(codes), problem[0].decode(codes))
    with pytest.raises(AttributeError, match="no solver_ with a data_term"):
        coder.solver_  # noqa: B018
    rows = clone(coder).set_params(sparse_output=True).fit_transform(X)
    assert sparse.issparse(rows) and (rows.toarray() == codes).all()


@every
def test_missing_entries_types_and_threads(name):
    coder, problem = of(name)
    gone = np.where(check_random_state(3).random_sample(X.shape) < 0.2, np.nan, X)
    masked = coder.set_params(missing="mask").fit(gone)
    np.testing.assert_array_equal(
        masked.transform(gone), encode(gone, *problem, missing=True).codes
    )
    one, two = (masked.set_params(n_jobs=n).transform(gone) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    single = clone(coder).set_params(dictionary=problem[0].astype(np.float32)).fit(X)
    assert single.transform(X.astype(np.float32)).dtype == np.float32


@every
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_files_copies_and_pipelines(name, suffix, tmp_path):
    coder = MAKERS[name]().fit(X)
    coder.save(tmp_path / f"coder.{suffix}")
    for other in (
        SparseCoder.load(tmp_path / f"coder.{suffix}"),
        pickle.loads(pickle.dumps(coder)),
        clone(coder).fit(X),
    ):
        assert other.data_term == coder.data_term and repr(other) == repr(coder)
        np.testing.assert_array_equal(other.transform(X), coder.transform(X))
    assert make_pipeline(MAKERS[name](), PCA(2)).fit_transform(X).shape == (12, 2)
    search = GridSearchCV(MAKERS[name](), {"alpha": [0.1, 0.4]}, cv=2).fit(X)
    assert search.best_params_ == {"alpha": 0.1}


def test_dask_collections_are_coded_in_chunks():
    array = pytest.importorskip("dask.array").from_array(X, chunks=(5, 5))
    coder = MAKERS["counts"]().fit(array)
    np.testing.assert_array_equal(coder.transform(array).compute(), coder.transform(X))
    assert float(coder.score(array)) == pytest.approx(coder.score(X))
    with pytest.raises(ValueError, match=r"certify .* data term of the model is Kullback"):
        coder.certify(array)


class Own(DataTerm):
    """A data term that is not of this package."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_term": "huber"}, "data_term is 'huber'; expected an instance of a DataTerm"),
        ({"data_term": Huber(-1.0)}, "delta of Huber is -1"),
        ({"solver": FISTA()}, r"solver is FISTA.* with a data_term; expected None"),
        ({"debias": True}, "debias is True with a data_term; expected False"),
        ({"penalty": ElasticNet()}, "penalty is ElasticNet.*; expected an instance of L1"),
        ({"alpha": 0.0}, "penalty has weights of 0"),
        ({"data_term": KullbackLeibler()}, "penalty allows negative coefficients"),
        (
            {"data_term": KullbackLeibler(), "penalty": L1(positive=True)},
            "the dictionary has an offset",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_fit(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        MAKERS["huber"]().set_params(**changes).fit(X)


def test_samples_and_starts_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="X has the negative entry"):
        MAKERS["counts"]().fit(-X)
    coder = MAKERS["huber"]().fit(X)
    with pytest.raises(ValueError, match="codes is given with a data_term; expected None"):
        coder.transform(X, codes=np.zeros((12, 6)))
    coder.data_term = Own()
    with pytest.raises(TypeError, match=r"data_term .* cannot be saved"):
        coder.save(tmp_path / "coder.npz")


def test_selection_curves_are_of_the_squared_error():
    coder, _ = of("huber")
    with pytest.raises(ValueError, match="selection_curve is about the squared error"):
        selection_curve(coder, X, alphas=[0.1])
