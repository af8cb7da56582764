"""Settings that must hold before `sparsecode` is imported, and what several tests share."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from pathlib import Path

# Workers share the cores: before anything loads a BLAS, which would take all of them each time.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import hypothesis
import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TQDM_DISABLE", "1")

# The same examples every time, and no folder of examples in the checkout.
hypothesis.settings.register_profile(
    "sparsecode", derandomize=True, deadline=None, max_examples=25, database=None
)
hypothesis.settings.load_profile("sparsecode")

WITHOUT_JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
_A_DAY = 24 * 3600


def _cache_folder():
    """A folder named by a hash of the sources, which only this user can write to."""
    sources = Path(importlib.util.find_spec("sparsecode").origin).parent
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*.py")):
        digest.update(str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes())
    user = os.getuid() if hasattr(os, "getuid") else "user"
    root = Path(tempfile.gettempdir()) / f"sparsecode-tests-{user}"
    root.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and root.stat().st_uid != user:
        root = Path(tempfile.mkdtemp(prefix="sparsecode-tests-"))
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > _A_DAY:
            shutil.rmtree(old, ignore_errors=True)
    folder = root / digest.hexdigest()[:20]
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    return folder


# Workers inherit that of the process that started them.
if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(_cache_folder())


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "needs_jit(reason): skipped with NUMBA_DISABLE_JIT=1, for the reason given"
    )
    config.addinivalue_line("markers", "thread_unsafe: set by tests of scikit-learn, means nothing")


def pytest_collection_modifyitems(items):
    if not WITHOUT_JIT:
        return
    for item in items:
        marker = item.get_closest_marker("needs_jit")
        if marker is not None:
            reason = marker.args[0] if marker.args else "too slow without compiled kernels"
            item.add_marker(pytest.mark.skip(reason=f"NUMBA_DISABLE_JIT=1: {reason}"))


@pytest.fixture
def callbacks():
    """scikit-learn's callbacks, from its version 1.9 on."""
    return pytest.importorskip("sklearn.callback", reason="callbacks need scikit-learn 1.9")


@pytest.fixture
def n_samples():
    """Rows of a small problem; fewer where the kernels are not compiled."""
    return 3 if WITHOUT_JIT else 8


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def frame(rng):
    """Nine unit atoms of six features, nearly a tight frame, so that solvers are quick."""
    atoms = np.linalg.qr(rng.standard_normal((9, 6)))[0]
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


@pytest.fixture
def X(rng, frame, n_samples):
    """Samples for `frame`."""
    return rng.standard_normal((n_samples, 6))
