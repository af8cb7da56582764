"""What the bounds of gain control do to the filters learned from the bundled photographs.

Run: ``python benchmarks/gain_bounds.py``; takes about five minutes on two cores.
"""

from __future__ import annotations

import math

import numpy as np
from _common import patches, print_header

from sparsecode import OlshausenField
from sparsecode.receptive_fields import fit_gabors, receptive_field_statistics

BOUNDS = ((0.0, math.inf), (0.5, 2.0), (0.9, 1.25), (0.95, 1.1), (1.0, 1.0))


def main():
    print_header("Gain bounds: 12x12 patches, 144 atoms, 100,000 patches, 20 epochs, seed 0")
    X = patches(12, 100_000).astype(np.float32)
    print("bounds         fit a Gabor  bandwidth  empty bins  norms ever")
    for bounds in BOUNDS:
        model = OlshausenField(144, n_epochs=20, gain_bounds=bounds, random_state=0).fit(X)
        statistics = receptive_field_statistics(fit_gabors(model.components_, (12, 12)))
        history = model.history_
        print(
            f"({bounds[0]:4.2f}, {bounds[1]:4.2f})   {100 * statistics.fraction_fitted:6.1f} %"
            f"  {statistics.median_bandwidth:6.2f} oct  {statistics.n_empty_orientation_bins:8d}"
            f"     {min(history['norm_min']):.2f} to {max(history['norm_max']):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
