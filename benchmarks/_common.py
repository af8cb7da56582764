"""What every benchmark script prints first and shares: machine, versions, data, timing."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import time
from importlib import metadata

import numpy as np

from sparsecode.datasets import OlshausenFieldWhitening, load_photographs, sample_patches

PACKAGES = ("sparsecode", "numpy", "scipy", "numba", "scikit-learn", "spams-bin", "celer", "skglm")


def print_header(title):
    """Print what the figures below depend on."""
    print(title)
    print(f"machine   {_cpu()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name))
    print(f"versions  Python {platform.python_version()}, {versions}")
    print(f"commit    {_commit()}")
    print()


def patches(size, n_patches, *, photographs=slice(None), seed=0):
    """Whitened patches of the bundled photographs, or of some that are whitened apart, float64.

    `n_patches` None is one patch at every position, in random order.
    """
    images = OlshausenFieldWhitening().fit_transform(load_photographs()[photographs])
    if n_patches is None:
        n_patches = sum((a - size + 1) * (b - size + 1) for a, b in (im.shape for im in images))
    return sample_patches(images, size, n_patches, random_state=seed)


def usable(X):
    """Patches with something to code, which those of the sky have not, in float32."""
    return X[np.linalg.norm(X, axis=1) > 1].astype(np.float32)


def missing(module, package):
    """Why a module cannot be used, or None: it is absent, or fails with what else is installed."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        return f"{error} (pip install {package})"
    return None


def clock(run):
    """Seconds of one call."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def interleaved(runs, n_rounds):
    """Seconds of every run in `runs` (name -> callable), in turn, for `n_rounds` rounds."""
    seconds = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, run in runs.items():
            seconds[name].append(clock(run))
    return {name: np.asarray(values) for name, values in seconds.items()}


def _cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit():
    command = ["git", "describe", "--always", "--dirty"]
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        return subprocess.run(
            command, cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
