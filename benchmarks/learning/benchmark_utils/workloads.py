"""The workloads: whitened patches of one bundled photograph, judged on those of the other.

A is 8x8 patches and 256 atoms, about 8 nonzeros a code; B is 16x16 and 1024 atoms, about 15. Each
photograph is whitened by itself, so neither has its scale from the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark_utils.common import patches, usable
from benchmark_utils.problems import Learning

_CHINA, _FLOWER = slice(0, 1), slice(1, 2)


@dataclass(frozen=True)
class Workload:
    """What is learned; `n_positions` None is a patch at every position of the photograph."""

    patch_size: int
    n_components: int
    alpha: float
    n_held_out: int
    n_positions: int | None = None

    def quick(self):
        """The same on a small scale, to see that everything runs."""
        return replace(
            self, patch_size=self.patch_size // 2, n_components=self.n_components // 8,
            n_held_out=128, n_positions=20_000,
        )  # fmt: skip


# The weights give learned dictionaries about these numbers of nonzeros, the mean of both sets.
WORKLOADS = {
    "A": Workload(8, 256, 0.7, 8192),
    "B": Workload(16, 1024, 1.1, 2048, 150_000),
}


def load(name, *, quick=False):
    """The problem of a workload.

    Parameters
    ----------
    name : str
        A key of `WORKLOADS`.
    quick : bool, default=False
        Whether the small-scale version is wanted.

    Returns
    -------
    problem : Learning
    """
    work = WORKLOADS[name].quick() if quick else WORKLOADS[name]
    X = usable(patches(work.patch_size, work.n_positions, photographs=_CHINA))
    # Most of this photograph is out of focus.
    held_out = usable(patches(work.patch_size, 16 * work.n_held_out, photographs=_FLOWER))
    held_out = held_out[: work.n_held_out].astype(np.float64)
    return Learning(name, X, held_out, work.n_components, work.alpha)
