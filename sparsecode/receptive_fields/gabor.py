"""The two-dimensional Gabor model and its least-squares fit to atoms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sparsecode._parallel import map_row_blocks
from sparsecode._values import check_numbers
from sparsecode.receptive_fields import _refine
from sparsecode.receptive_fields._fits import GaborFits
from sparsecode.receptive_fields._patches import as_patches, check_patch_shape, luminance
from sparsecode.receptive_fields._search import coarse_search

BLOCK_SIZE = 32  # atoms refined together: their Jacobians stay in cache
TRIAL = {"max_steps": 40, "tol": 1e-6}  # every start
POLISH = {"max_steps": 150, "tol": 1e-13}  # the best of them
CONSTANT = 1e-10  # an atom whose range is smaller, relative to its largest entry, is constant


def fit_gabors(
    atoms: Any, patch_shape: tuple[int, ...] | None = None, *, n_jobs: int | None = None
) -> GaborFits:
    """Fit one two-dimensional Gabor function to each atom, by least squares.

    The model is that of :func:`gabor_patches`. A coarse search over several thousand templates
    gives two dozen starts for each atom. Each start is refined by variable projection (amplitude
    and phase are solved for exactly), and the best result is kept. The fit is deterministic.

    Parameters
    ----------
    atoms : array of shape (n_atoms, n_features), (n_atoms, height, width) or \
            (n_atoms, height, width, 3), or an object with such `atoms` or `components_`
        The fit is done in float64. A colour atom is first projected on its first colour component,
        the colour direction that holds most of the atom's squared norm.
    patch_shape : (height, width) or (height, width, 3), optional
        Needed for flat atoms unless the patch is square.
    n_jobs : int or None, default=None
        Threads, as in joblib. None uses every core that numba may use.

    Returns
    -------
    fits : GaborFits
        Arrays with one entry for each atom. Atoms that are zero or constant get `r2`, `amplitude`
        and `frequency` 0, and the centre of the patch; nothing is NaN.

    Raises
    ------
    ValueError
        If `atoms` and `patch_shape` do not fit together, or an entry is NaN or infinite.

    Notes
    -----
    The bounds are: a centre at most two pixels outside the patch; each component of the wave
    vector at most half a cycle a pixel (the Nyquist square, so an oblique frequency can reach
    0.71); at least a quarter of a cycle across the longer side; widths from half a pixel to the
    longer side.

    ``r2 = 1 - ||atom - fit||^2 / ||atom - mean(atom)||^2``, clipped at 0. The mean of the atom is
    subtracted in the total, so that a constant offset does not count as explained.

    For a single edge, squared residuals hardly decide: any slow enough sine of large amplitude fits
    it equally well. A ridge on the amplitude then decides: 1e-5 times its square, for an atom of
    unit norm. It costs well under 0.001 of `r2`.

    References
    ----------
    J. Jones and L. Palmer, "An evaluation of the two-dimensional Gabor filter model of simple
    receptive fields in cat striate cortex", 1987.

    D. Ringach, "Spatial structure and symmetry of simple-cell receptive fields in macaque primary
    visual cortex", 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.receptive_fields import fit_gabors, gabor_patches
    >>> atom = gabor_patches((16, 16), center_x=7, center_y=8, orientation=np.pi / 3, frequency=0.2,
    ...                      width_x=2.0, width_y=3.0)
    >>> fits = fit_gabors(atom[np.newaxis])
    >>> fits.frequency.round(3), np.degrees(fits.orientation).round(1), fits.r2.round(3)
    (array([0.2]), array([60.]), array([1.]))
    """
    pictures = luminance(as_patches(atoms, patch_shape).astype(np.float64))
    n_atoms, height, width = pictures.shape
    rows = pictures.reshape(n_atoms, -1)

    peak = abs(rows).max(axis=1)
    fitted = np.flatnonzero(np.ptp(rows, axis=1) > CONSTANT * peak)
    rows = rows[fitted] / peak[fitted, None]  # before the norm, so that its squares are in range
    norms = np.linalg.norm(rows, axis=1)
    rows /= norms[:, None]

    middle = np.array([(width - 1) / 2, (height - 1) / 2, 0.0, -np.inf, 0.0, 0.0])
    params, weights = np.tile(middle, (n_atoms, 1)), np.zeros((n_atoms, 2))
    if len(fitted):
        params[fitted], weights[fitted] = _fit_rows(rows, height, width, n_jobs)
    found = _canonical(params, weights)

    model = gabor_patches((height, width), **found).reshape(n_atoms, -1)[fitted]
    total = ((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    r2 = np.zeros(n_atoms)
    r2[fitted] = np.maximum(1 - ((rows - model) ** 2).sum(axis=1) / total, 0)
    found["amplitude"][fitted] *= norms * peak[fitted]
    return GaborFits(**found, r2=r2, patch_shape=(height, width))


def gabor_patches(
    patch_shape: tuple[int, ...],
    *,
    center_x: ArrayLike,
    center_y: ArrayLike,
    orientation: ArrayLike,
    frequency: ArrayLike,
    width_x: ArrayLike,
    width_y: ArrayLike,
    phase: ArrayLike = 0.0,
    amplitude: ArrayLike = 1.0,
) -> np.ndarray:
    """Make Gabor patches: two-dimensional Gabor functions on the pixels of a patch.

    With ``along = (x - center_x) cos(orientation) + (y - center_y) sin(orientation)`` and
    ``across = (y - center_y) cos(orientation) - (x - center_x) sin(orientation)``, the value is
    ``amplitude exp(-along^2 / 2 width_x^2 - across^2 / 2 width_y^2)
    cos(2 pi frequency along + phase)``.

    Parameters
    ----------
    patch_shape : (height, width)
    center_x, center_y : float or array
        Column and row of the centre, in pixels; the first pixel is at 0.
    orientation : float or array
        Direction of the wave vector in radians, from the columns' axis (x, rightwards) towards the
        rows' axis (y, downwards). Bars run at right angles to it: 0 means vertical bars.
    frequency : float or array
        Cycles per pixel along the wave vector.
    width_x, width_y : float or array
        Standard deviations of the envelope along and across the wave vector, in pixels.
    phase : float or array, default=0.0
        Radians at the centre: 0 is an even, pi/2 an odd receptive field.
    amplitude : float or array, default=1.0

    Returns
    -------
    pictures : array of shape (..., height, width)
        The leading axes are those of the parameters, broadcast together.

    Examples
    --------
    >>> from sparsecode.receptive_fields import gabor_patches
    >>> gabor_patches((1, 3), center_x=1, center_y=0, orientation=0, frequency=0.5, width_x=1,
    ...               width_y=1).round(3)
    array([[-0.607,  1.   , -0.607]])
    """
    given = {
        "center_x": center_x,
        "center_y": center_y,
        "orientation": orientation,
        "frequency": frequency,
        "width_x": width_x,
        "width_y": width_y,
        "phase": phase,
        "amplitude": amplitude,
    }
    center_x, center_y, orientation, frequency, width_x, width_y, phase, amplitude = (
        _of_pictures(value, name) for name, value in given.items()
    )
    height, width = check_patch_shape(patch_shape)[:2]
    y, x = np.ogrid[:height, :width]
    c, s = np.cos(orientation), np.sin(orientation)
    along = c * (x - center_x) + s * (y - center_y)
    across = c * (y - center_y) - s * (x - center_x)
    envelope = np.exp(-0.5 * ((along / width_x) ** 2 + (across / width_y) ** 2))
    return amplitude * envelope * np.cos(2 * np.pi * frequency * along + phase)


def _of_pictures(value, name):
    """Parameter as floats with two more axes, which broadcast with the pixels."""
    is_width = name in ("width_x", "width_y")
    return check_numbers(value, name, low=0 if is_width else None, low_open=is_width)[
        ..., None, None
    ]


def _fit_rows(rows, height, width, n_jobs):
    low, high = _refine.bounds(height, width)
    grid = np.mgrid[:height, :width].reshape(2, -1).astype(np.float64)
    starts = coarse_search(rows, grid, n_jobs)

    def fit_block(block):
        n_rows, n_starts, _ = starts[block].shape
        trials, cost = _refine.refine(
            np.repeat(rows[block], n_starts, axis=0),
            starts[block].reshape(-1, 6),
            grid,
            low,
            high,
            **TRIAL,
        )
        best = cost.reshape(n_rows, n_starts).argmin(axis=1) + n_starts * np.arange(n_rows)
        params, _ = _refine.refine(rows[block], trials[best], grid, low, high, **POLISH)
        return params, _refine.linearize(rows[block], params, grid)[0]

    blocks = map_row_blocks(fit_block, len(rows), block_size=BLOCK_SIZE, n_jobs=n_jobs)
    return (np.concatenate(parts) for parts in zip(*blocks, strict=True))


def _canonical(params, weights):
    """Name the parameters: orientation in [0, pi), phase in (-pi, pi], amplitude >= 0."""
    turns = np.floor(params[:, 2] / np.pi)
    orientation = params[:, 2] - turns * np.pi
    # rounding can reach pi itself; half a turn of the wave vector mirrors the phase
    turns += orientation >= np.pi
    orientation = np.where(orientation >= np.pi, 0.0, orientation)
    phase = np.where(turns % 2 == 0, 1.0, -1.0) * np.arctan2(-weights[:, 1], weights[:, 0])
    return {
        "center_x": params[:, 0],
        "center_y": params[:, 1],
        "orientation": orientation,
        "frequency": np.exp(params[:, 3]),
        "phase": np.where(phase <= -np.pi, np.pi, phase) + 0.0,
        "width_x": np.exp(params[:, 4]),
        "width_y": np.exp(params[:, 5]),
        "amplitude": np.hypot(weights[:, 0], weights[:, 1]),
    }
