"""Fitted models on Dask collections: numbers of arrays in memory, and nothing computed early."""

import pickle

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse

from sparsecode import Certificate, Dictionary, SparseCoder, certify
from sparsecode.penalties import L1, KSparse

MODELS = ["dense", "csr", "refitted", "learned", "filters", "lista", "autoencoder", "transcoder"]
# Conjugate gradients multiply all samples of a block at once, and BLAS rounds by their number.
ROUNDING = {"filters": 1e-13}
CERTIFIED = [name for name in MODELS if name != "transcoder"]


@pytest.fixture(params=[(17, 6), (60, 6)], ids=["chunks", "one chunk"])
def chunked(samples, request):
    return da.from_array(samples, chunks=request.param)


def equal(left, right, rounding=0):
    if rounding:
        return left.dtype == right.dtype and np.allclose(left, right, rtol=0, atol=rounding)
    if sparse.issparse(right):
        return type(left) is type(right) and (left != right).nnz == 0
    return left.dtype == right.dtype and np.array_equal(left, right)


@pytest.mark.parametrize("name", MODELS)
def test_codes_are_those_of_the_array(models, samples, chunked, name):
    model = models[name]
    lazy = model.transform(chunked)
    assert lazy.chunks == (chunked.chunks[0], (8,))
    expected = model.transform(samples)
    rounding = ROUNDING.get(name, 0)
    assert lazy.dtype == expected.dtype and equal(lazy.compute(), expected, rounding)
    back = model.inverse_transform(lazy)
    assert equal(back.compute(), model.inverse_transform(expected), rounding)


@pytest.mark.parametrize("method", ["transform", "score_samples", "certify"])
def test_codes_of_a_cluster_are_those_of_the_array(client, models, samples, method):
    lazy = getattr(models["csr"], method)(da.from_array(samples, chunks=(13, 6)))
    with client.as_current():
        (result,) = dask.compute(lazy)
    expected = getattr(models["csr"], method)(samples)
    if method != "certify":
        assert equal(result, expected)
        return
    for name in ("objective", "gap", "residual", "relative_gap", "relative_residual"):
        assert equal(getattr(result, name), getattr(expected, name))


@pytest.mark.parametrize("name", [*CERTIFIED, "outliers"])
def test_scores_are_those_of_the_array(models, samples, chunked, name):
    model, expected = models[name], models[name].score_samples(samples)
    assert equal(model.score_samples(chunked).compute(), expected, ROUNDING.get(name, 0))
    if hasattr(model, "score"):
        assert float(model.score(chunked)) == pytest.approx(model.score(samples), rel=1e-12)


def test_outliers_and_targets_are_predicted(models, samples, chunked):
    for name, method in [
        ("outliers", "decision_function"),
        ("outliers", "predict"),
        ("transcoder", "predict"),
    ]:
        predict = getattr(models[name], method)
        assert equal(predict(chunked).compute(), predict(samples))


@pytest.mark.parametrize("n_targets", [None, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients_of_determination(samples, n_targets, weighted):
    from sparsecode import Transcoder

    rng = np.random.default_rng(1)
    y = rng.standard_normal((60,) if n_targets is None else (60, n_targets))
    if n_targets == 2:
        y[:, 1] = 3.0
    weight = rng.uniform(0, 2, 60) if weighted else None
    model = Transcoder(4, n_epochs=1, random_state=0).fit(samples, y)
    X = da.from_array(samples, chunks=(20, 6))
    lazy = model.score(X, da.from_array(y, chunks=20), sample_weight=weight)
    assert float(lazy) == pytest.approx(model.score(samples, y, sample_weight=weight))


@pytest.mark.parametrize("name", CERTIFIED)
def test_certificates_are_those_of_the_array(models, samples, chunked, name):
    lazy, expected = models[name].certify(chunked), models[name].certify(samples)
    assert isinstance(lazy, Certificate) and "not computed" in repr(lazy)
    (result,) = dask.compute(lazy)
    for figure in ("objective", "gap", "residual", "half_squared_norm", "correlation"):
        mine, theirs = getattr(result, figure), getattr(expected, figure)
        assert mine is theirs is None or equal(mine, theirs, ROUNDING.get(name, 0))


@pytest.mark.parametrize("penalty", [L1(0.05), KSparse(2)])
def test_given_codes_are_certified(models, samples, chunked, penalty):
    atoms = models["dense"].dictionary_.atoms
    codes = penalty.prox(samples @ atoms.T, 1.0)
    lazy = certify(chunked, da.from_array(codes, chunks=(chunked.chunks[0], 8)), atoms, penalty)
    (result,), expected = dask.compute(lazy), certify(samples, codes, atoms, penalty)
    assert equal(result.objective, expected.objective)
    assert (result.gap is None) == (expected.gap is None)


def test_initial_codes_come_in_the_same_chunks(models, samples, chunked):
    model = models["dense"]
    codes = da.from_array(np.zeros((60, 8)), chunks=(chunked.chunks[0], 8))
    assert equal(model.transform(chunked, codes=codes).compute(), model.transform(samples))
    with pytest.raises(ValueError, match="chunks"):
        model.transform(chunked, codes=codes.rechunk((7, 8)))


def test_options_are_passed_on(models, samples, chunked):
    model = models["lista"]
    assert equal(
        model.transform(chunked, n_layers=1).compute(), model.transform(samples, n_layers=1)
    )


def test_chunks_may_be_empty_and_of_unknown_size(models, samples):
    model = models["dense"]
    parts = [samples[:20], samples[:0], samples[20:]]
    X = da.concatenate([da.from_array(part, chunks=(20, 6)) for part in parts])
    assert equal(model.transform(X).compute(), model.transform(samples))
    assert len(model.score_samples(X).compute()) == 60
    X = X[X[:, 0] > 0]
    assert np.isnan(X.shape[0])
    assert equal(model.transform(X).compute(), model.transform(samples[samples[:, 0] > 0]))


def test_frames_are_coded_by_their_values(samples):
    frame = pd.DataFrame(samples, columns=list("abcdef"))
    model = SparseCoder(Dictionary.random(8, 6, random_state=0), alpha=0.05).fit(frame)
    lazy = model.transform(dd.from_pandas(frame, npartitions=3))
    assert equal(lazy.compute(), model.transform(frame))
    with pytest.raises(ValueError, match="feature names"):
        model.transform(dd.from_pandas(frame.rename(columns={"a": "z"}), npartitions=3))


def test_missing_entries_stay_missing(samples, models):
    gone = samples.copy()
    gone[::3, 1] = np.nan
    X = da.from_array(gone, chunks=(17, 6))
    model = SparseCoder(models["dense"].dictionary_, alpha=0.05, missing="mask").fit(gone)
    assert equal(model.transform(X).compute(), model.transform(gone))
    X = da.from_array(np.vstack([samples, gone[:2]]), chunks=(30, 6))
    with pytest.raises(ValueError, match=r"Chunk 2 of the rows: .*NaN"):
        models["dense"].transform(X).compute()


def test_nothing_is_computed_before_it_is_asked_for(models):
    def fail():
        raise AssertionError("computed")

    block = dask.delayed(fail)()
    X = da.from_delayed(block, shape=(5, 6), dtype=float)
    for name in CERTIFIED:
        model = models[name]
        model.transform(X), model.score_samples(X), model.score(X), repr(model.certify(X))


def test_a_model_is_one_task_and_what_it_was(models, samples, chunked):
    model = pickle.loads(pickle.dumps(models["learned"]))
    lazy, expected = model.transform(chunked), model.transform(samples)
    model.dictionary_ = Dictionary.random(8, 6, random_state=5)
    assert equal(lazy.compute(), expected)
    graph = lazy.__dask_graph__()
    assert sum(str(key).startswith("model-") for key in graph) == 1


def test_the_same_work_has_the_same_name(models, chunked):
    model = models["dense"]
    assert model.transform(chunked).name == model.transform(chunked).name
    assert model.transform(chunked).name != models["csr"].transform(chunked).name


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda X: X.rechunk((20, 3)), r"rechunk\(\{1: -1\}\)"),
        (lambda X: X[:, :, None], "3 dimensions"),
        (lambda X: X.astype(object), "dtype object"),
        (lambda X: X.astype(complex), "dtype complex128"),
        (lambda X: X[:, :5], "5 features"),
        (lambda X: dask.delayed(np.asarray)(X), "Delayed"),
    ],
)
def test_wrong_collections_are_refused_before_any_work(models, chunked, wrong, match):
    for method in ("transform", "score_samples", "certify"):
        with pytest.raises((ValueError, TypeError), match=match):
            getattr(models["dense"], method)(wrong(chunked))


def test_frames_as_output_are_refused(models, chunked):
    model = pickle.loads(pickle.dumps(models["dense"])).set_output(transform="pandas")
    with pytest.raises(ValueError, match="default"):
        model.transform(chunked)
    with sklearn.config_context(transform_output="pandas"), pytest.raises(ValueError):
        models["dense"].transform(chunked)
