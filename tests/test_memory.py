"""Samples are read a block at a time: neither they nor their dense codes are in memory whole."""

import os
import tracemalloc

import numpy as np
import pytest

from sparsecode import (
    Dictionary,
    DictionaryLearning,
    OlshausenField,
    SparseAutoencoder,
    SparseCoder,
    SparseOutlierDetector,
    certify,
    dropin,
)
from sparsecode.penalties import L1, Cauchy
from sparsecode.solvers import ConjugateGradient, FeatureSign

pytestmark = pytest.mark.needs_jit

PENALTY = L1(2.5)
DICTIONARY = Dictionary.random(128, 64, random_state=0)
SOLVER = FeatureSign(tol=1e-4)


def load(folder, order, dtype, missing=False):
    """A memory map of samples, 8 or 16 MiB, whose dense codes would be twice as large."""
    X = np.random.default_rng(0).standard_normal((2**15, 64)).astype(dtype)
    if missing:
        X[:, 0] = np.nan
    np.save(folder / "X.npy", np.asarray(X, order=order))
    return np.load(folder / "X.npy", mmap_mode="r")


def traced_peak(function):
    """What a call returns, and the most bytes of arrays it held at once."""
    tracemalloc.start()
    try:
        return function(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def nbytes(codes):
    return codes.data.nbytes + codes.indices.nbytes + codes.indptr.nbytes


@pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_maps_are_never_in_memory_whole(tmp_path, order, dtype, missing):
    X, dictionary = load(tmp_path, order, dtype, missing), DICTIONARY.astype(dtype)

    def solve(X):
        return SOLVER.solve(X, dictionary, PENALTY, sparse_output=True, missing=missing, n_jobs=1)

    # Compiled, imported and cached before it counts.
    assert solve(X[:5000]).certificate.gap is not None
    result, peak = traced_peak(lambda: solve(X))
    codes = result.codes
    assert 0 < codes.nnz < codes.shape[0] * 4
    # The blocks of the codes and all of them together; counts of each sample; blocks at work.
    assert peak < 2 * nbytes(codes) + 3 * 8 * len(X) + 6 * 2**20
    certificate, peak = traced_peak(
        lambda: certify(X, codes, dictionary, PENALTY, missing=missing, n_jobs=1)
    )
    assert certificate.relative_gap.max() <= 1e-4
    assert peak < 2 * 5 * 8 * len(X) + 2**23


def test_transform_of_a_memory_map(tmp_path):
    X = load(tmp_path, "F", np.float64)
    coder = SparseCoder(DICTIONARY, alpha=2.5, sparse_output=True, n_jobs=1).fit(X)
    coder.transform(X[:5000])
    codes, peak = traced_peak(lambda: coder.transform(X))
    assert peak < 2 * nbytes(codes) + 3 * 8 * len(X) + 6 * 2**20


@pytest.mark.parametrize("penalty", [L1, Cauchy])
def test_scores_of_a_memory_map_hold_no_dense_codes(tmp_path, penalty):
    X = load(tmp_path, "C", np.float32)
    # A loose solver for dense codes, which only their size matters of.
    solver = ConjugateGradient(tol=0.5) if penalty is Cauchy else SOLVER
    coder = SparseCoder(DICTIONARY.astype(np.float32), penalty=penalty, alpha=2.5, solver=solver)
    coder.set_params(n_jobs=1).fit(X)
    coder.score_samples(X[:5000]), coder.certify(X[:5000])
    scores, peak = traced_peak(lambda: coder.score_samples(X))
    assert scores.shape == (len(X),)
    # Dense codes have 16 MiB; of 8192 samples a quarter of that.
    assert peak < 12 * 2**20
    certificate, peak = traced_peak(lambda: coder.certify(X))
    assert peak < 12 * 2**20 + 2 * 5 * 8 * len(X)
    np.testing.assert_allclose(scores, -certificate.objective, rtol=1e-6)


def test_outliers_in_a_memory_map(tmp_path):
    X = load(tmp_path, "F", np.float32)
    detector = SparseOutlierDetector(SparseCoder(DICTIONARY, alpha=2.5, solver=SOLVER, n_jobs=1))
    detector.fit(X[:5000])
    _, peak = traced_peak(lambda: detector.fit(X))
    # The map has 8 MiB.
    assert peak < 12 * 2**20


def resident_file_pages():
    """Bytes of files that are mapped and in memory, of this process."""
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["RssFile"].split()[0]) * 1024


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells resident pages")
@pytest.mark.parametrize(
    "estimator",
    [
        DictionaryLearning(16, alpha=2.5, batch_size=1024, random_state=0),
        DictionaryLearning(16, alpha=2.5, random_state=0),
        SparseAutoencoder(16, n_epochs=1, batch_size=1024, random_state=0),
        OlshausenField(16, variance_goal=1.0, batch_size=4096, max_iter=2, random_state=0),
        dropin.MiniBatchDictionaryLearning(16, batch_size=4096, max_iter=1, random_state=0),
    ],
    ids=["batches", "all samples", "autoencoder", "olshausen-field", "drop-in"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pages_of_a_memory_map_are_let_go(tmp_path, estimator):
    X = np.random.default_rng(0).standard_normal((2**17, 64)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    del X
    estimator.set_params(n_jobs=1)
    if "n_epochs" in estimator.get_params():
        estimator.set_params(n_epochs=1)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    estimator.fit(X[:5000])
    before = resident_file_pages()
    estimator.fit(X)
    # Of 32 MiB.
    assert resident_file_pages() - before < 12 * 2**20
