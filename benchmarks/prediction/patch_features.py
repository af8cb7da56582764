"""Time and memory of the features of colour images of 32x32 pixels: 1,600 atoms at 729 positions.

The images are crops of the bundled photographs at three zooms. With fewer than 50,000 images the
time of 50,000 is that many times the seconds of the processor for one. Run:
``python benchmarks/prediction/patch_features.py [--images 50000] [--threads 2] [--quick]``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _common import quick_option
from _report import Report
from memory import peak

from sparsecode import PatchFeatures
from sparsecode.datasets import load_photographs
from sparsecode.encoders import Exact, Thresholding, Triangle
from sparsecode.penalties import L1

SIDE, MANY, CORES, MOST_GIB = 32, 50_000, 2, 6.0
# Encoders, and the minutes that were asked for.
ENCODERS = {
    "soft threshold, alpha=0.5": (Thresholding(L1(0.5)), 8),
    "triangle": (Triangle(), None),
    "lasso, alpha=1": (Exact(L1(1.0)), 40),
    "lasso, alpha=0.5": (Exact(L1(0.5)), 40),
}
COLUMNS = {"features of": "", "images": ",d", "minutes": ".1f", "CPU us a position": ".1f"}
COLUMNS |= {"minutes of 50,000": ".1f", "asked": "", "worst gap": "", "peak GiB": ".1f"}


def crops(n_images, seed=0):
    """Crops of the photographs at random places, each pixel the mean of 1, 4 or 9, of 8 bits."""
    rng = np.random.default_rng(seed)
    photographs = [255 * photo for photo in load_photographs(grayscale=False, dtype=np.float32)]
    images = np.empty((n_images, SIDE, SIDE, 3), np.uint8)
    for image in images:
        photo, zoom = photographs[rng.integers(2)], rng.integers(1, 4)
        y, x = (rng.integers(length - zoom * SIDE + 1) for length in photo.shape[:2])
        crop = photo[y : y + zoom * SIDE, x : x + zoom * SIDE]
        image[:] = np.rint(crop.reshape(SIDE, zoom, SIDE, zoom, 3).mean(axis=(1, 3)))
    return images


@click.command()
@click.option("--images", "n_images", default=MANY, show_default=True)
@click.option("--threads", default=CORES, show_default=True)
@click.option(
    "--encoder", "names", multiple=True, type=click.Choice(list(ENCODERS)), help="Only these."
)
@quick_option
def main(n_images, threads, names, quick):
    """Print the minutes of each encoder, its certificate, and the peak of memory."""
    n_images, n_atoms = (20, 50) if quick else (n_images, 1600)
    report = Report(
        f"PatchFeatures: {n_images:,} colour images of {SIDE} x {SIDE}, 6x6 patches at every "
        f"position, {n_atoms:,} atoms, sums over quadrants, {threads} threads"
    )
    images = crops(n_images)
    settings = {"n_jobs": threads, "random_state": 0}
    learned = PatchFeatures(n_atoms, dictionary="patches", **settings).fit(images)
    table = report.table("float32; the tolerance of a solver is its default, 5e-5", COLUMNS)
    for name in names or ENCODERS:
        encoder, asked = ENCODERS[name]
        features = PatchFeatures(
            encoder=encoder,
            dictionary=learned.dictionary_,
            whitening=learned.whitening_,
            **settings,
        ).fit(images)
        features.transform(images[:8])  # compiles
        begin = time.perf_counter(), time.process_time()
        features.transform(images)
        wall, cpu = time.perf_counter() - begin[0], time.process_time() - begin[1]
        exact = isinstance(encoder, Exact)
        gap = features.certify(images, random_state=0).relative_gap.max() if exact else None
        table.row(
            name,
            n_images,
            wall / 60,
            1e6 * cpu / (n_images * 27**2),
            wall / 60 if n_images == MANY else cpu / n_images * MANY / CORES / 60,
            None if asked is None else f"under {asked}",
            None if gap is None else f"{gap:.1e}",
            peak(),
        )
    table.end()
    report.note(f"Asked: the whole process within {MOST_GIB:g} GiB; the peak is {peak():.1f} GiB.")
    report.finish()


if __name__ == "__main__":
    main()
