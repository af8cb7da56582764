"""Denoising of the bundled photographs: PSNR of noisy image, cosines and learned dictionary.

Run: ``python benchmarks/denoising.py``. 8x8 patches, 256 atoms, ten rounds of K-SVD.
"""

from __future__ import annotations

import time

import click
import numpy as np
from _common import quick_option
from _report import Report

from sparsecode.applications import denoise_image
from sparsecode.datasets import load_photographs

COLUMNS = {"image": "", "noisy": ".2f", "cosines": ".2f", "learned": ".2f"}
COLUMNS |= {"seconds, cosines": ".1f", "seconds, learned": ".1f"}


@click.command()
@click.option("--level", "levels", multiple=True, type=int, default=(10, 25, 50), help="Of noise.")
@quick_option
def main(levels, quick):
    """Print the PSNR at each level of noise, and the seconds."""
    report = Report("denoise_image: grey photographs of 427 x 640 pixels, and one of 512 x 512")
    china, flower = load_photographs(dtype=np.float32)
    # As large as the usual test images, by reflection.
    square = np.pad(china, ((0, 85), (0, 0)), mode="reflect")[:, :512]
    denoise_image(china[:64, :64], 0.01)  # compiles
    table = report.table("PSNR in dB, and seconds, with the atoms given", COLUMNS)
    for name, clean in (("china", china), ("flower", flower), ("512 x 512", square)):
        for level in levels:
            _measure(table, name, clean[:64, :64] if quick else clean, level)
    report.finish()


def _measure(table, name, clean, level):
    sigma = level / 255
    noise = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    noisy = clean + np.float32(sigma) * noise
    values, seconds = [_psnr(noisy, clean)], []
    for n_iter in (0, 10):
        begin = time.perf_counter()
        denoised = denoise_image(noisy, sigma, n_iter=n_iter, random_state=0)
        seconds.append(time.perf_counter() - begin)
        values.append(_psnr(denoised, clean))
    table.row(f"{name}, sigma {level}", *values, *seconds)


def _psnr(image, clean):
    return 10 * np.log10(1 / np.mean((image - clean) ** 2))


if __name__ == "__main__":
    main()
