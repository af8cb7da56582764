"""Tables of the results of the commands."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console
from rich.table import Table

from sparsecode.metrics import dead_atoms, explained_variance, kurtosis, l0
from sparsecode.receptive_fields import receptive_field_statistics

_WIDTH = 78


def describe_filters(model, X, fits):
    """Rows (name, value) of the table: codes of `X`, then receptive fields.

    Parameters
    ----------
    model : OlshausenField
    X : ndarray of shape (n_samples, n_features)
        Patches to measure the codes on.
    fits : GaborFits
    """
    codes = model.transform(X)
    history = model.history_
    statistics = receptive_field_statistics(fits)
    tenth = max(len(history["objective"]) // 10, 1)
    orientations = " ".join(str(count) for count in statistics.orientation_histogram)
    return [
        ("atoms", f"{len(model.components_)}"),
        ("batches learned from", f"{model.n_iter_} in {history['seconds'][-1]:.1f} s"),
        (
            "objective, first and last tenth",
            f"{np.mean(history['objective'][:tenth]):.4f}, "
            f"{np.mean(history['objective'][-tenth:]):.4f}",
        ),
        ("explained variance", f"{explained_variance(X, model.inverse_transform(codes)):.3f}"),
        (
            f"mean l0 (coefficients above sigma = {model.sigma:g})",
            f"{l0(codes, threshold=model.sigma).mean():.1f}",
        ),
        ("kurtosis of the codes (excess)", f"{kurtosis(codes):.1f}"),
        ("dead atoms", f"{len(dead_atoms(codes, threshold=model.sigma))}"),
        (
            "atom norms, smallest to largest",
            f"{history['norm_min'][-1]:.2f} to {history['norm_max'][-1]:.2f} "
            f"(ever: {min(history['norm_min']):.2f} to {max(history['norm_max']):.2f})",
        ),
        ("atoms that fit a Gabor (R^2 >= 0.7)", f"{100 * statistics.fraction_fitted:.1f} %"),
        ("median R^2", f"{statistics.median_r2:.3f}"),
        ("median bandwidth", f"{statistics.median_bandwidth:.2f} octaves"),
        ("median aspect ratio", f"{statistics.median_aspect_ratio:.2f}"),
        ("median spatial frequency", f"{statistics.median_frequency:.3f} cycles/pixel"),
        (
            "median (n_x, n_y)",
            f"({statistics.median_n_x:.2f}, {statistics.median_n_y:.2f}) cycles",
        ),
        ("orientations, 18-degree bins", orientations),
    ]


def render_table(rows, title):
    """Lay rows (name, value) out as plain text."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for row in rows:
        table.add_row(*row)
    buffer = io.StringIO()
    Console(file=buffer, width=_WIDTH + 20, color_system=None).print(table)
    return buffer.getvalue()
