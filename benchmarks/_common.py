"""Parts that benchmark scripts share: data, timing, options."""

from __future__ import annotations

import importlib
import time

import click
import numpy as np

from sparsecode.datasets import OlshausenFieldWhitening, load_photographs, sample_patches


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


def quick_option(function):
    """The option of all scripts that makes the sizes small: a run proves that the script works."""
    return click.option("--quick", is_flag=True, help="Small sizes, to see that it runs.")(function)


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
