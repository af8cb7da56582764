"""Tables of the results of the commands, and notes on what seems wrong in them."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console
from rich.table import Table

from sparsecode.metrics import dead_atoms, explained_variance, kurtosis, l0
from sparsecode.receptive_fields import receptive_field_statistics

_WIDTH = 80
_N_BINS = 10
# Below this share of its variance, an atom is explained by no Gabor function at all.
_NO_GABOR = 0.5
# Shares of atoms at which a note says that something is wrong.
_NEARLY_ALL, _FEW_FITTED, _MUCH_NOISE = 0.9, 0.5, 0.1
_V1_OCTAVES, _V1_DEGREES = "V1: 1.4", "V1: 40"


def describe_filters(model, X, codes, fits):
    """Rows (name, value) of the table: codes of `X`, then receptive fields.

    Parameters
    ----------
    model : OlshausenField
    X : ndarray of shape (n_samples, n_features)
        Patches to measure the codes on.
    codes : ndarray of shape (n_samples, n_components)
        Their codes.
    fits : GaborFits
    """
    history = model.history_
    tenth = max(len(history["objective"]) // 10, 1)
    low, high = model.gain_bounds
    at_low, at_high = _at_bounds(model)
    return [
        ("atoms", f"{len(model.components_)}"),
        ("batches learned from", f"{model.n_iter_} in {history['seconds'][-1]:.1f} s"),
        (
            "objective, first and last tenth",
            f"{np.mean(history['objective'][:tenth]):.4f}, "
            f"{np.mean(history['objective'][-tenth:]):.4f}",
        ),
        ("explained variance", f"{explained_variance(X, model.inverse_transform(codes)):.3f}"),
        *describe_sparsity(codes, model.sigma),
        (
            "norms of the atoms",
            f"{history['norm_min'][-1]:.2f} to {history['norm_max'][-1]:.2f}",
        ),
        (
            f"held at the bounds {low:g}, {high:g}",
            f"{at_low}, {at_high} of {len(model.components_)} norms",
        ),
        *_describe_fits(fits),
    ]


def describe_sparsity(codes, sigma):
    """Rows (name, value) on the sparsity of codes whose prior has the scale `sigma`."""
    return [
        (f"mean l0 (above sigma = {sigma:g})", f"{l0(codes, threshold=sigma).mean():.1f}"),
        ("kurtosis of the codes (excess)", f"{kurtosis(codes):.1f}"),
        ("dead atoms", f"{len(dead_atoms(codes, threshold=sigma))}"),
    ]


def _describe_fits(fits):
    statistics = receptive_field_statistics(fits)
    good = fits[fits.r2 >= statistics.r2_min]
    counts = np.histogram(good.seen_direction, bins=_N_BINS, range=(0, 180))[0]

    def median(value, unit, cells=None):
        if not len(good):
            return "undefined: no atom fits"
        return " ".join([f"{value:.3g}", unit, f"({cells})" if cells else ""]).strip()

    return [
        (
            f"fit a Gabor function (r2 >= {statistics.r2_min:g})",
            f"{len(good)} of {len(fits)} ({100 * statistics.fraction_fitted:.1f} %)",
        ),
        (f"fit none, such as noise (r2 < {_NO_GABOR:g})", f"{(fits.r2 < _NO_GABOR).sum()}"),
        ("median r2", f"{statistics.median_r2:.3f}"),
        ("median bandwidth", median(statistics.median_bandwidth, "octaves", _V1_OCTAVES)),
        (
            "median bandwidth in orientation",
            median(statistics.median_orientation_bandwidth, "degrees", _V1_DEGREES),
        ),
        ("median aspect ratio", median(statistics.median_aspect_ratio, "")),
        ("median spatial frequency", median(statistics.median_frequency, "cycles/pixel")),
        ("median n_x", median(statistics.median_n_x, "cycles")),
        ("median n_y", median(statistics.median_n_y, "cycles")),
        ("orientations, 18-degree bins", " ".join(str(count) for count in counts)),
    ]


def notes_on_filters(model, codes, fits):
    """Sentences on what seems to have gone wrong while learning."""
    n_atoms, notes = len(model.components_), []
    n_fitted = int((fits.r2 >= receptive_field_statistics(fits).r2_min).sum())
    if n_fitted < _FEW_FITTED * n_atoms:
        notes.append(
            f"Only {n_fitted} of {n_atoms} atoms fit a Gabor function. Most likely learning was "
            f"too short: it had {model.n_iter_} batches of {model.batch_size} patches, and usually "
            "takes thousands. Raise --n-epochs or --n-patches."
        )
    n_noise = int((fits.r2 < _NO_GABOR).sum())
    if n_fitted >= _FEW_FITTED * n_atoms and n_noise > _MUCH_NOISE * n_atoms:
        notes.append(
            f"{n_noise} of {n_atoms} atoms fit no Gabor function at all; most look like noise. "
            "Raise --n-epochs or --n-patches, or lower --n-components."
        )
    for count, bound, reason in zip(
        _at_bounds(model), model.gain_bounds, ("little", "much"), strict=True
    ):
        if count > _NEARLY_ALL * n_atoms:
            notes.append(
                f"Gain control holds {count} of {n_atoms} norms at its bound {bound:g}: nearly all "
                f"coefficients have too {reason} variance. Most likely learning was too short, or "
                "the patches have another scale than variance 0.1."
            )
    n_dead = len(dead_atoms(codes, threshold=model.sigma))
    if n_dead:
        notes.append(
            f"{n_dead} of {n_atoms} atoms are dead: no patch uses them. Lower --n-components, or "
            "raise --n-epochs."
        )
    return notes


def _at_bounds(model):
    """Numbers of norms at the lower and the upper bound of gain control."""
    norms, (low, high) = model.dictionary_.norms, model.gain_bounds
    slack = 1e-4
    return int((norms <= low * (1 + slack)).sum()), int((norms >= high * (1 - slack)).sum())


def render_table(rows, title, notes=()):
    """Lay rows (name, value) out as plain text of at most 80 columns, notes below."""
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for row in rows:
        table.add_row(*row)
    buffer = io.StringIO()
    console = Console(file=buffer, width=_WIDTH, color_system=None)
    console.print(table)
    for note in notes:
        console.print(f"Note: {note}", markup=False, highlight=False)
    lines = (line.rstrip() for line in buffer.getvalue().splitlines())
    return "\n".join(lines) + "\n"
