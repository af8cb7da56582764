"""The whole ``sparsecode filters`` command: seconds, peak memory, and what was learned.

Run: ``python benchmarks/filters.py``.
"""

from __future__ import annotations

import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from _common import print_header

from sparsecode import Dictionary
from sparsecode.receptive_fields import fit_gabors, gabor_patches


def main():
    print_header("sparsecode filters, 12x12 patches, 144 atoms, the bundled photographs")
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "filters.png"
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "sparsecode", "filters", "--out", str(out)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(out.with_name("filters-table.txt").read_text(encoding="utf-8"))
        Dictionary.load(out.with_suffix(".safetensors"))
    print(f"whole command            {seconds:6.1f} s    (asked: under 180 s)")
    print(f"peak memory              {peak:6.2f} GiB  (asked: under 2 GiB)")
    _print_fit_time()


def _print_fit_time():
    rng = np.random.default_rng(0)
    atoms = gabor_patches(
        (16, 16),
        center_x=rng.uniform(4, 11, 256),
        center_y=rng.uniform(4, 11, 256),
        orientation=rng.uniform(0, np.pi, 256),
        frequency=rng.uniform(0.08, 0.4, 256),
        phase=rng.uniform(-np.pi, np.pi, 256),
        width_x=rng.uniform(1, 3, 256),
        width_y=rng.uniform(1, 4, 256),
    )
    atoms = atoms.reshape(256, -1) + 0.02 * rng.standard_normal((256, 256))
    fit_gabors(atoms[:2], (16, 16))
    begin = time.perf_counter()
    fits = fit_gabors(atoms, (16, 16))
    seconds = time.perf_counter() - begin
    print(
        f"256 Gabor fits of 16x16  {seconds:6.1f} s    (asked: under 10 s; "
        f"smallest R^2 {fits.r2.min():.3f})"
    )


if __name__ == "__main__":
    main()
