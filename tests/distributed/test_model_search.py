"""Model search on the workers of a cluster: the numbers of one process, a thread for each fit."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sparsecode import DictionaryLearning
from sparsecode._parallel import resolve_n_jobs
from sparsecode.datasets import make_sparse_signals
from sparsecode.model_selection import selection_curve


@pytest.fixture(scope="module")
def signals():
    return make_sparse_signals(120, 12, 8, n_nonzero=2, random_state=0).X


@pytest.fixture
def model():
    return DictionaryLearning(12, alpha=0.05, n_epochs=2, random_state=0)


def test_a_grid_is_searched_on_workers(client, signals, model):
    search = GridSearchCV(model, {"alpha": [0.02, 0.1]}, cv=2, error_score="raise")
    expected = search.fit(signals).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="dask", client=client):
        found = search.fit(signals).cv_results_["mean_test_score"]
    assert np.array_equal(found, expected)


def test_a_curve_is_made_on_workers(client, signals, model):
    grid = {"n_components": [6, 12], "alphas": [0.02, 0.1]}
    expected = selection_curve(model, signals, **grid)
    with joblib.parallel_config(backend="dask", client=client):
        found = selection_curve(model, signals, **grid)
    assert found.to_frame().equals(expected.to_frame())


def test_a_fit_on_a_worker_takes_one_thread(client, monkeypatch):
    def threads(n_jobs):
        # On a machine with cores to spare.
        from unittest.mock import patch

        from sparsecode import _parallel

        with (
            patch("numba.config.NUMBA_NUM_THREADS", 8),
            patch.object(_parallel, "_n_cores", lambda limit: 8),
        ):
            return _parallel.resolve_n_jobs(n_jobs)

    found = [client.submit(threads, n_jobs, pure=False).result() for n_jobs in (None, -1, 3)]
    assert found == [1, 1, 3]
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 8)
    monkeypatch.setattr("sparsecode._parallel._n_cores", lambda limit: 8)
    assert [resolve_n_jobs(n_jobs) for n_jobs in (None, -1, 3)] == [8, 8, 3]
