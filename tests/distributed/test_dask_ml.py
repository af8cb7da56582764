"""Wrappers of dask-ml around our estimators."""

import dask
import dask.array as da
import numpy as np
import pytest
from sklearn.base import clone

from sparsecode import DictionaryLearning, SparseAutoencoder

wrappers = pytest.importorskip("dask_ml.wrappers", reason="dask-ml is not installed")

MODELS = [
    DictionaryLearning(8, alpha=0.1, n_epochs=2, random_state=0),
    SparseAutoencoder(8, alpha=0.1, n_epochs=2, batch_size=20, random_state=0),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_wrapped_models_code_chunks(samples, model):
    wrapped = wrappers.ParallelPostFit(model).fit(samples)
    codes = wrapped.transform(da.from_array(samples, chunks=(20, 6)))
    assert isinstance(codes, da.Array)
    alone = clone(model).fit(samples)
    assert np.array_equal(codes.compute(), alone.transform(samples))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_wrapped_models_learn_chunk_by_chunk(samples, model):
    wrapped = wrappers.Incremental(model, shuffle_blocks=False)
    with dask.config.set(scheduler="synchronous"):
        wrapped.fit(da.from_array(samples, chunks=(20, 6)))
    alone = clone(model)
    for start in (0, 20, 40):
        alone.partial_fit(samples[start : start + 20])
    assert np.array_equal(wrapped.estimator_.components_, alone.components_)
