"""Training on any number of threads, and beside others: the same bits."""

import threading

import numpy as np
import pytest
import threadpoolctl

from sparsecode import Dictionary, _parallel
from sparsecode._blas import single_threaded_blas
from sparsecode.encoders import LISTA, MLP
from sparsecode.estimators import LISTA as LISTAEstimator
from sparsecode.estimators import SparseAutoencoder
from sparsecode.losses import LassoLoss
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign
from sparsecode.training import train

PENALTY = L1(0.3)
DICTIONARY = Dictionary.random(24, 16, random_state=0)
X = np.random.default_rng(0).standard_normal((120, 16))


def estimators(n_jobs=None):
    options = {"n_epochs": 2, "batch_size": 60, "random_state": 0, "n_jobs": n_jobs}
    return {
        "LISTA": LISTAEstimator(dictionary=DICTIONARY, n_layers=3, alpha=0.3, **options),
        "MLP": LISTAEstimator(
            dictionary=DICTIONARY, encoder=MLP(hidden=(20,)), alpha=0.3, **options
        ),
        "target_l0": SparseAutoencoder(20, target_l0=4, **options),
    }


def learned(estimator):
    estimator.fit(X)
    return {**estimator.encoder_.params, "atoms": estimator.dictionary_.atoms}


def blas_threads():
    info = threadpoolctl.threadpool_info()
    return {library["num_threads"] for library in info if library["user_api"] == "blas"}


@pytest.mark.needs_jit
@pytest.mark.parametrize("name", estimators())
def test_the_same_bits_beside_a_thread_that_codes(name, monkeypatch):
    # Every product is shared, as the large ones are.
    monkeypatch.setattr(_parallel, "_PRODUCT", 0)
    expected, ended = learned(estimators()[name]), threading.Event()

    def code():
        while not ended.is_set():
            FeatureSign().solve(X, DICTIONARY, PENALTY)

    other = threading.Thread(target=code)
    other.start()
    try:
        beside = learned(estimators()[name])
    finally:
        ended.set()
        other.join()
    for n_jobs in (1, 2, 3):
        for found in (beside, learned(estimators(n_jobs)[name])):
            for key, array in expected.items():
                np.testing.assert_array_equal(found[key], array)


@pytest.mark.needs_jit
def test_blas_has_one_thread_while_training():
    seen = []
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        states = train(
            LISTA(PENALTY, n_layers=2),
            DICTIONARY,
            X,
            loss=LassoLoss(PENALTY),
            n_epochs=1,
            random_state=0,
            callback=lambda progress: seen.append(blas_threads()),
        )
        for _ in states:
            # Between epochs the threads are the caller's.
            assert blas_threads() == {2}
    assert seen and all(threads == {1} for threads in seen)


@pytest.mark.needs_jit
def test_blas_has_one_thread_from_the_first_parameters_on(monkeypatch):
    seen, init = [], LISTA.init

    def watched(*args, **options):
        seen.append(blas_threads())
        return init(*args, **options)

    monkeypatch.setattr(LISTA, "init", watched)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        estimators()["LISTA"].fit(X)
        assert blas_threads() == {2}
    assert seen and all(threads == {1} for threads in seen)


@pytest.mark.needs_jit
@pytest.mark.parametrize("name", estimators())
def test_one_job_is_one_thread(name, monkeypatch):
    monkeypatch.setattr(_parallel, "_PRODUCT", 0)
    estimator = estimators(n_jobs=1)[name]

    def refuse(n_threads):
        raise AssertionError(f"{n_threads} threads")

    monkeypatch.setattr(_parallel, "_borrowed_pool", refuse)
    estimator.fit(X)


def test_a_shared_product(monkeypatch):
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((203, 7)), rng.standard_normal((7, 5)).astype(np.float32)
    with single_threaded_blas():
        plain = _parallel.product(left, right)
        np.testing.assert_array_equal(plain, left @ right)
        monkeypatch.setattr(_parallel, "_PRODUCT", 0)
        shared = _parallel.product(left, right)
        with _parallel.threads_of(1):
            np.testing.assert_array_equal(_parallel.product(left, right), shared)
        out = np.empty_like(shared)
        assert _parallel.product(left, right, out=out) is out
    np.testing.assert_array_equal(out, shared)
    np.testing.assert_allclose(shared, plain, rtol=1e-12)
    assert shared.dtype == np.float64
    with pytest.raises(ZeroDivisionError), _parallel.threads_of(1):
        assert _parallel.resolve_n_jobs(None) == 1 and _parallel.resolve_n_jobs(2) == 2
        raise ZeroDivisionError
    assert _parallel.resolve_n_jobs(None) == _parallel.resolve_n_jobs(-1)
