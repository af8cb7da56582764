"""Search for the start of a Gabor fit: every atom against several thousand Gabor templates.

Parameters of one template are a row of six: centre x, centre y, orientation, log frequency, log
width along the wave vector, log width across it.
"""

from __future__ import annotations

import numpy as np

from sparsecode._interrupts import halt_if_told
from sparsecode._parallel import map_row_blocks
from sparsecode.receptive_fields._refine import gram, quadrature

CYCLES = (0.25, 0.5, 1.0)  # width along the wave vector, in wavelengths
COMPACT, LONG = (1.0, 2.0), (4.0,)  # width across over width along
WIDE = (0.2, 0.33)  # widths as a share of the patch
WIDTH_MIN = 0.6
SPACING = 1.25  # of the centres, in widths
N_STARTS = 8  # of each family
RIDGE = 1e-3  # passes over templates that need a large amplitude, and suits float32


def coarse_search(rows, grid, n_jobs):
    """Return the (n, n_starts, 6) parameters of the templates that explain most of each row.

    A template is matched with free phase and amplitude. Three families are ranked separately, since
    one often hides another: compact wavelets, long ones, and wide ones. Wide wavelets have a narrow
    spectrum and need a finer grid of wave vectors. Each ranking keeps the best template for each
    orientation and frequency. Peaks of that table that are not neighbours are the starts.
    """
    rows, grid = rows.astype(np.float32), grid.astype(np.float32)
    side = float(grid.max()) + 1
    octaves = np.arange(0, np.log2(side), 0.5)
    wavelets, waves = 0.5 * 2.0**-octaves, np.linspace(0.5, 1 / side, max(2, round(0.75 * side)))
    return np.concatenate(
        [
            _family_starts(rows, grid, wavelets, 8, _wavelet_widths(COMPACT, side), n_jobs),
            _family_starts(rows, grid, wavelets, 8, _wavelet_widths(LONG, side), n_jobs),
            _family_starts(
                rows, grid, waves, 16, lambda _: [(w * side, w * side) for w in WIDE], n_jobs
            ),
        ],
        axis=1,
    )


def _wavelet_widths(aspects, side):
    def widths(frequency):
        along = np.clip(np.array(CYCLES) / frequency, WIDTH_MIN, side / 2)
        return sorted({(w, min(w * aspect, side / 2)) for w in along for aspect in aspects})

    return widths


def _family_starts(rows, grid, frequencies, n_orientations, widths, n_jobs):
    orientations = np.arange(n_orientations) * np.pi / n_orientations

    def winners(block):
        frequency = frequencies[block.start]
        lattice = _lattice(frequency, widths(frequency), grid)
        explained_norms = np.empty((len(rows), n_orientations), np.float32)
        params = np.empty((*explained_norms.shape, 6))
        for j, orientation in enumerate(orientations):
            halt_if_told()
            lattice[:, 2] = orientation
            explained = _explained(rows, lattice, grid)
            winner = explained.argmax(axis=1)
            explained_norms[:, j] = explained[np.arange(len(rows)), winner]
            params[:, j] = lattice[winner]
        return explained_norms, params

    tables = map_row_blocks(winners, len(frequencies), block_size=1, n_jobs=n_jobs)
    return _separate_peaks(*(np.stack(parts, axis=1) for parts in zip(*tables, strict=True)))


def _lattice(frequency, widths, grid):
    """Return templates of one frequency, shape (n, 6), orientation left at zero."""
    blocks = []
    for width_x, width_y in widths:
        spacing = max(SPACING * min(width_x, width_y), 1.0)
        y, x = (_centres(axis.max(), spacing) for axis in grid)
        block = np.zeros((len(x) * len(y), 6))
        block[:, 0], block[:, 1] = np.tile(x, len(y)), np.repeat(y, len(x))
        block[:, 3:] = np.log([frequency, width_x, width_y])
        blocks.append(block)
    return np.concatenate(blocks)


def _centres(last, spacing):
    n_points = int(last / spacing) + 1
    return np.arange(n_points) * spacing + (last - (n_points - 1) * spacing) / 2


def _explained(rows, params, grid):
    """Squared norm of each row that each template explains, shape (n_rows, n_templates)."""
    cosine, sine, _, _ = quadrature(params.astype(np.float32), grid)
    cc, cs, ss = gram(cosine, sine, RIDGE)
    c, s = rows @ cosine.T, rows @ sine.T
    return (ss * c**2 - 2 * cs * c * s + cc * s**2) / (cc * ss - cs**2)


def _separate_peaks(explained_norms, params):
    """Take the highest cell of each row's table, mask it and its neighbours, and so on."""
    n_rows, n_frequencies, n_orientations = explained_norms.shape
    everyone = np.arange(n_rows)
    starts = []
    for _ in range(N_STARTS):
        i, j = np.divmod(explained_norms.reshape(n_rows, -1).argmax(axis=1), n_orientations)
        starts.append(params[everyone, i, j])
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                ii = np.clip(i + di, 0, n_frequencies - 1)
                explained_norms[everyone, ii, (j + dj) % n_orientations] = -1.0
    return np.stack(starts, axis=1)
