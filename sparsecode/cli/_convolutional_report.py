"""Report of convolutional filters: the table of their codes and Gabor fits, and the mosaic."""

from __future__ import annotations

import click
import numpy as np

from sparsecode.cli._report import render_table
from sparsecode.cli._shared import save_figure, write_text, written
from sparsecode.metrics import explained_variance
from sparsecode.receptive_fields import fit_gabors, receptive_field_statistics


def describe_convolutional(model, crops):
    """Rows (name, value) on the codes of crops and on the filters."""
    codes = model.transform(crops)
    certificate = model.certify(crops)
    fits = fit_gabors(np.moveaxis(model.components_, 1, -1))
    statistics = receptive_field_statistics(fits)
    n_fitted = int((fits.r2 >= statistics.r2_min).sum())
    flat = crops.reshape(len(crops), -1)
    decoded = model.inverse_transform(codes).reshape(len(crops), -1)
    used = (codes != 0).any(axis=(0, 2, 3))
    return [
        ("filters", f"{len(used)}, {int((~used).sum())} unused in {len(crops)} crops"),
        ("weight alpha", f"{model.alpha:g}"),
        ("explained variance", f"{explained_variance(flat, decoded):.3f}"),
        ("nonzeros for each pixel", f"{np.count_nonzero(codes) / crops.size:.4f}"),
        ("relative duality gap, worst", f"{certificate.relative_gap.max():.1e}"),
        (
            f"fit a Gabor function (r2 >= {statistics.r2_min:g})",
            f"{n_fitted} of {len(fits)} ({100 * statistics.fraction_fitted:.1f} %)",
        ),
    ]


def write_convolutional(model, outputs, rows, notes, quiet):
    # matplotlib is slow to import: bad input and --help need not wait for it.
    import matplotlib

    matplotlib.use("Agg")
    from sparsecode import plotting

    height, width = model.support
    title = f"{len(model.components_)} convolutional filters of {height} x {width} pixels"
    table = render_table(rows, title, notes)
    write_text(outputs.table, table)
    ax = plotting.plot_atoms(model, order="frequency")
    save_figure(ax.figure, outputs.picture, times=2)
    if not quiet:
        click.echo(table, nl=False)
        click.echo(written((outputs.picture, outputs.dictionary, outputs.table)))
