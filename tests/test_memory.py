"""Samples are read a block at a time: neither they nor their dense codes are in memory whole."""

import tracemalloc

import numpy as np
import pytest

from sparsecode import Dictionary, SparseCoder, certify
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign

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
