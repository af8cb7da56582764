"""What the parts share: the problem, samples on disk in chunks, and clusters on this machine."""

import contextlib
import os
import sys
from pathlib import Path

import dask.array as da
import numpy as np

_SCRIPTS = Path(__file__).resolve().parents[2]
for _folder in (_SCRIPTS, _SCRIPTS / "coding"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from _common import clock, patches, usable  # noqa: E402
from _report import Report  # noqa: E402
from benchmark_utils import workloads  # noqa: E402

__all__ = [
    "Report",
    "chunked",
    "clock",
    "local_cluster",
    "problem_of",
    "processes",
    "write_patches",
]

# Photographs do not have more different patches than this at a time.
_DRAWN = 250_000


def problem_of(name, quick):
    """Dictionary in float32 and weight of the penalty of a workload."""
    problem = workloads.load(name, quick=quick)
    atoms = problem.dictionary.atoms.astype(np.float32)
    return atoms, problem.l1, problem.X.astype(np.float32)


def write_patches(path, n_samples, size):
    """A file of patches with something to code, in float32; returns its array, mapped."""
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_samples, size**2))
    start, seed = 0, 100
    while start < n_samples:
        drawn = usable(patches(size, min(_DRAWN, 2 * (n_samples - start)), seed=seed))
        part = drawn[: n_samples - start]
        X[start : start + len(part)] = part
        start, seed = start + len(part), seed + 1
    X.flush()
    return np.load(path, mmap_mode="r")


def chunked(path, rows):
    """Dask array of a file, whose chunks the workers read."""
    shape, dtype = (mapped := np.load(path, mmap_mode="r")).shape, mapped.dtype
    lengths = tuple(min(rows, shape[0] - start) for start in range(0, shape[0], rows))
    return da.map_blocks(
        _read, path=str(path), chunks=(lengths, (shape[1],)), dtype=dtype,
        meta=np.empty((0, shape[1]), dtype),
    )  # fmt: skip


def _read(path, block_info=None):
    (start, stop), _ = block_info[None]["array-location"]
    return np.array(np.load(path, mmap_mode="r")[start:stop])


@contextlib.contextmanager
def local_cluster(n_workers, **options):
    """Client of a `LocalCluster` with one thread a worker."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=":0", **options
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextlib.contextmanager
def processes(n_workers):
    """Client of a scheduler and workers of one thread, each in a process of its own."""
    from distributed import Client
    from distributed.deploy.subprocess import SubprocessCluster

    # Workers import this module, too.
    before, folder = os.environ.get("PYTHONPATH", ""), str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, str(_SCRIPTS.parent), before])
    try:
        with (
            SubprocessCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=":0",
                worker_class="distributed.Worker",
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield client
    finally:
        os.environ["PYTHONPATH"] = before
