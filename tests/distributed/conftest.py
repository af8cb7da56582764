"""A small cluster on this machine, and models to run on it."""

import numpy as np
import pytest

pytest.importorskip("dask.array", reason="Dask is not installed")
pytest.importorskip("distributed", reason="dask.distributed is not installed")

from sparsecode import (
    LISTA,
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    Transcoder,
)
from sparsecode.encoders import TopK

N_SAMPLES, N_FEATURES, N_ATOMS = 60, 6, 8


@pytest.fixture(scope="session")
def client():
    """Client of two workers with a thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def samples():
    return 0.3 * np.random.default_rng(0).standard_normal((N_SAMPLES, N_FEATURES))


@pytest.fixture(scope="session")
def models(samples):
    """A fitted model of every kind, by its name."""
    atoms = Dictionary.random(N_ATOMS, N_FEATURES, random_state=0)
    short = {"n_epochs": 2, "random_state": 0}
    made = {
        "dense": SparseCoder(atoms, alpha=0.05, n_jobs=2),
        "csr": SparseCoder(atoms, alpha=0.05, sparse_output=True),
        "refitted": SparseCoder(atoms, alpha=0.05, debias=True),
        "learned": DictionaryLearning(N_ATOMS, alpha=0.05, **short),
        "filters": OlshausenField(N_ATOMS, batch_size=20, n_epochs=2, random_state=0),
        "lista": LISTA(dictionary=atoms, alpha=0.05, **short),
        "autoencoder": SparseAutoencoder(N_ATOMS, encoder=TopK(2), **short),
        "transcoder": Transcoder(N_ATOMS, **short),
        "outliers": SparseOutlierDetector(DictionaryLearning(N_ATOMS, alpha=0.05, **short)),
    }
    targets = samples[:, :2] @ [[1.0, 0.5], [-1.0, 2.0]]
    return {name: model.fit(samples, targets) for name, model in made.items()}
