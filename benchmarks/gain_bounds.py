"""What the bounds of gain control do to the filters learned from the bundled photographs.

Run: ``python benchmarks/gain_bounds.py``; takes about five minutes on two cores.
"""

from __future__ import annotations

import math

import click
import numpy as np
from _common import patches, quick_option
from _report import Report

from sparsecode import OlshausenField
from sparsecode.receptive_fields import fit_gabors, receptive_field_statistics

BOUNDS = ((0.0, math.inf), (0.5, 2.0), (0.9, 1.25), (0.95, 1.1), (1.0, 1.0))


COLUMNS = {"bounds": "", "fit a Gabor, %": ".1f", "bandwidth, octaves": ".2f"}
COLUMNS |= {"empty bins": "d", "least norm ever": ".2f", "largest": ".2f"}


@click.command()
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@quick_option
def main(epochs, quick):
    """Print statistics of the filters for each pair of bounds."""
    n_patches, epochs = (2000, 1) if quick else (100_000, epochs)
    report = Report(f"Gain bounds: 12x12 patches, 144 atoms, {n_patches} patches, {epochs} epochs")
    X = patches(12, n_patches).astype(np.float32)
    table = report.table("Filters of the bundled photographs, seed 0", COLUMNS)
    for bounds in BOUNDS:
        model = OlshausenField(144, n_epochs=epochs, gain_bounds=bounds, random_state=0).fit(X)
        statistics = receptive_field_statistics(fit_gabors(model.components_, (12, 12)))
        history = model.history_
        table.row(
            f"{bounds[0]:4.2f} to {bounds[1]:4.2f}", 100 * statistics.fraction_fitted,
            statistics.median_bandwidth, statistics.n_empty_orientation_bins,
            min(history["norm_min"]), max(history["norm_max"]),
        )  # fmt: skip
    report.finish()


if __name__ == "__main__":
    main()
