"""The workloads: whitened patches of the bundled photographs, and dictionaries learned from them.

A is 8x8 patches and 256 atoms, about 8 nonzeros a code; B 16x16 and 1024 atoms, about 15; C as B
with about 90; D as A, non-negative; E as B with an elastic net. F.. are A and B for greedy
solvers: a number of atoms, or an error.

What is learned is kept in the user's cache folder.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark_utils.common import patches, usable
from benchmark_utils.problems import Greedy, Lasso
from sparsecode import Dictionary
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign
from sparsecode.updates import GradientUpdate

# Changes when the recipe below does: what older ones left in the cache is not used any more.
_RECIPE = 1
_N_ALPHA = 256


@dataclass(frozen=True)
class Workload:
    """What is coded, and how many samples keep the benchmark short.

    `n_few` samples are for solvers that are much slower. `n_nonzero` is the mean number of
    nonzeros that the weight of the penalty is chosen for; for a greedy workload the number of
    atoms, or None for those that leave a tenth of the energy of the median sample.
    """

    patch_size: int
    n_components: int
    n_nonzero: int | None
    n_samples: int
    n_few: int = 300
    positive: bool = False
    l1_ratio: float = 1.0
    greedy: bool = False
    n_learn: int = 30_000
    n_epochs: int = 10

    def quick(self):
        """The same on a small scale, to see that everything runs."""
        n_nonzero = self.n_nonzero and max(self.n_nonzero // 4, 2)
        return replace(
            self, patch_size=self.patch_size // 2, n_components=self.n_components // 8,
            n_nonzero=n_nonzero, n_samples=64, n_few=16, n_learn=8000, n_epochs=1,
        )  # fmt: skip


_A = Workload(8, 256, 8, 8192)
_B = Workload(16, 1024, 15, 2048)
WORKLOADS = {
    "A": _A,
    "B": _B,
    "C": replace(_B, n_nonzero=90, n_samples=512, n_few=100),
    "D": replace(_A, positive=True),
    "E": replace(_B, l1_ratio=0.9),
}
for _letter, _workload in (("A", _A), ("B", _B)):
    for _n_nonzero in (5, 10, 20):
        WORKLOADS[f"F{_letter}{_n_nonzero}"] = replace(_workload, n_nonzero=_n_nonzero, greedy=True)
    WORKLOADS[f"F{_letter}error"] = replace(_workload, n_nonzero=None, greedy=True)


def load(name, *, quick=False, n_samples=None):
    """The problem of a workload, learned now if it is not in the cache.

    Parameters
    ----------
    name : str
        A key of `WORKLOADS`.
    quick : bool, default=False
        Whether the small-scale version is wanted.
    n_samples : int or None, default=None
        At most so many samples; None is the number of the workload.

    Returns
    -------
    problem : Lasso or Greedy
    """
    work = WORKLOADS[name].quick() if quick else WORKLOADS[name]
    dictionary = Dictionary(
        _cached("atoms", _learn, work.patch_size, work.n_components, work.n_learn, work.n_epochs)
    )
    X = _samples(work.patch_size)[: work.n_samples]
    if work.greedy:
        error = float(np.median((X**2).sum(axis=1)) / 10) if work.n_nonzero is None else 0.0
        problem = Greedy(name, X, dictionary, work.n_nonzero, error)
    else:
        # Nothing that defines the weight may be missing from the key.
        find = functools.partial(_find_weight, X[:_N_ALPHA], dictionary)
        problem = _lasso(name, X, dictionary, work, float(_cached("weight", find, work)))
    return problem if n_samples is None else problem.head(n_samples)


def is_cached(name, *, quick=False):
    """Whether `load` need not learn anything."""
    work = WORKLOADS[name].quick() if quick else WORKLOADS[name]
    atoms = _path("atoms", (work.patch_size, work.n_components, work.n_learn, work.n_epochs))
    return atoms.exists() and (work.greedy or _path("weight", (work,)).exists())


def _lasso(name, X, dictionary, work, weight):
    ridge = weight / work.l1_ratio * (1 - work.l1_ratio)
    return Lasso(name, X, dictionary, weight, ridge, work.positive)


def _samples(patch_size):
    return usable(patches(patch_size, 20_000, seed=1)).astype(np.float64)


def _learn(patch_size, n_components, n_learn, n_epochs):
    """Atoms learned by gradient steps on exact codes."""
    X = usable(patches(patch_size, n_learn))
    penalty = L1(0.1 * float(np.median(np.linalg.norm(X, axis=1))))
    start = Dictionary.from_samples(X, n_components, random_state=0)
    batches = (X[i : i + 512] for _ in range(n_epochs) for i in range(0, len(X) - 511, 512))
    encoder = Exact(penalty, FeatureSign(tol=1e-3))
    for state in alternate(encoder, start, batches, update=GradientUpdate(lr=2.0)):
        last = state
    return last.dictionary.atoms.astype(np.float64)


def _find_weight(X, dictionary, work):
    """The l1 weight at which codes have about the wanted number of nonzeros, by bisection."""
    low, high = 1e-3, np.abs(dictionary.correlate(X)).max()
    for _ in range(20):
        weight = float(np.sqrt(low * high))
        penalty = _lasso("", X, dictionary, work, weight).penalty
        codes = FeatureSign(tol=1e-4).solve(X, dictionary, penalty).codes
        if (codes != 0).sum(axis=1).mean() > work.n_nonzero:
            low = weight
        else:
            high = weight
    return np.float64(weight)


def _cached(kind, make, *key):
    path = _path(kind, key)
    if not path.exists():
        value = make(*key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole before it gets its name, so that nobody reads half of it.
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.save(file, value, allow_pickle=False)
        os.replace(file.name, path)
    return np.load(path, allow_pickle=False)


def _path(kind, key):
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = hashlib.sha256(repr((_RECIPE, kind, key)).encode()).hexdigest()[:20]
    return Path(root) / "sparsecode" / "benchmarks" / f"{kind}-{name}.npy"
