"""Plots of atoms as a mosaic of patches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import ArrayLike

from sparsecode._messages import shown, wrong
from sparsecode._validation import check_integer, check_number
from sparsecode._values import check_option
from sparsecode.plotting._style import axes_or_new, entitle
from sparsecode.receptive_fields import spatial_frequency
from sparsecode.receptive_fields._patches import as_patches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Times an atom.
_WIDEST_GAP = 10
# Pixels of the longer side of a mosaic of its own figure, and at least of an atom.
_SIDE_PIXELS, _TILE_PIXELS = 800, 24
_MARGIN, _ROOM_OF_TITLE, _LEAST_WIDTH = 12, 30, 320
_LONGEST = 3.0


def plot_atoms(
    atoms: Any,
    *,
    patch_shape: tuple[int, ...] | None = None,
    order: Literal["given", "frequency"] | ArrayLike = "given",
    n_columns: int | None = None,
    scale: Literal["atom", "shared"] = "atom",
    cmap: Any = "gray",
    gap: float = 0.04,
    gap_color: Any = "white",
    ax: Axes | None = None,
) -> Axes:
    """Plot the atoms of a dictionary as a mosaic of patches; zero is the middle of the scale.

    Parameters
    ----------
    atoms : array of shape (n_atoms, n_features), (n_atoms, height, width) or \
            (n_atoms, height, width, 3), an object with such `atoms` or `components_`, or a \
            ConvolutionalDictionary of images, or an estimator that learned one
        Three channels are drawn as red, green and blue, zero as mid-grey.
    patch_shape : (height, width) or (height, width, 3), optional
        Needed for flat atoms unless the patch is square.
    order : {"given", "frequency"} or integer array, default="given"
        "frequency" sorts by :func:`~sparsecode.receptive_fields.spatial_frequency`, slow first. An
        array lists the atoms to draw, in order; it may leave some out.
    n_columns : int, optional
        By default the mosaic is about square, with a full last row if a number of columns gives
        one and the mosaic is at most three times as long as it is high, or the reverse.
    scale : {"atom", "shared"}, default="atom"
        The colour scale goes from minus to plus the largest absolute value, of each atom or of all
        atoms together.
    cmap : str or matplotlib Colormap, default="gray"
        For atoms of one channel.
    gap : float, default=0.04
        Width of the lines between atoms, as a share of an atom's longer side.
    gap_color : matplotlib color, default="white"
    ax : matplotlib Axes, optional
        By default the axes of a new figure with a title, on which each pixel of an atom takes a
        whole number of pixels of the screen.

    Returns
    -------
    ax : matplotlib Axes

    Raises
    ------
    ValueError
        If the shapes do not fit, or `order` or `scale` is not one of those above.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.plotting import plot_atoms
    >>> atoms = np.random.default_rng(0).standard_normal((20, 64))
    >>> ax = plot_atoms(atoms, order="frequency", n_columns=5)
    """
    patches = as_patches(atoms, patch_shape).astype(np.float64)
    patches = patches[_order(order, patches)]
    gap = check_number(gap, "gap", low=0, high=_WIDEST_GAP)
    check_option(scale, "scale", ("atom", "shared"))
    colors = _colors(patches, scale, _colormap(cmap))
    between = _rgb(gap_color)
    n_atoms, height, width, _ = colors.shape

    if n_columns is None:
        n_columns = _choose_columns(n_atoms, height, width)
    n_columns = min(check_integer(n_columns, "n_columns"), n_atoms)
    n_rows = math.ceil(n_atoms / n_columns)
    longer = max(height, width)
    room = min(_SIDE_PIXELS / max(n_rows * height, n_columns * width), _SIDE_PIXELS / 4 / longer)
    zoom = max(1, math.ceil(_TILE_PIXELS / longer), math.floor(room / (1 + gap)))
    line = round(gap * zoom * longer)
    step_y, step_x = zoom * height + line, zoom * width + line
    mosaic = np.empty((n_rows * step_y - line, n_columns * step_x - line, 3), np.uint8)
    mosaic[:] = np.rint(255 * np.array(between))
    for index, tile in enumerate(colors):
        row, column = divmod(index, n_columns)
        y, x = row * step_y, column * step_x
        enlarged = tile.repeat(zoom, axis=0).repeat(zoom, axis=1)
        mosaic[y : y + zoom * height, x : x + zoom * width] = enlarged

    if ax is None:
        ax = _axes_of_pixels(*mosaic.shape[:2])
        sorted_by = ", by spatial frequency" if isinstance(order, str) and order != "given" else ""
        entitle(ax, f"{n_atoms} atoms of {height} x {width} pixels{sorted_by}")
    axes_or_new(ax, None).imshow(mosaic, interpolation="nearest")
    ax.set_axis_off()
    return ax


def _choose_columns(n_atoms, height, width):
    """Columns of a mosaic that is about square, without a gap in its last row if that is near."""
    square = math.ceil(math.sqrt(n_atoms * height / width))
    divisors = [n for n in range(1, n_atoms + 1) if n_atoms % n == 0]

    def length(n_columns):
        return math.log((n_columns * width) / (math.ceil(n_atoms / n_columns) * height))

    # Of two that are equally far from square, the wider one.
    best = min(divisors, key=lambda n: (round(abs(length(n)), 9), -n))
    return best if abs(length(best)) <= math.log(_LONGEST) + 1e-9 else square


def _axes_of_pixels(height, width):
    """Axes of a new figure whose pixels are those of a picture of this size."""
    dpi = plt.rcParams["figure.dpi"]
    left = _MARGIN + max(_LEAST_WIDTH - width, 0) // 2
    across, down = width + 2 * left, height + 2 * _MARGIN + _ROOM_OF_TITLE
    figure = plt.figure(figsize=(across / dpi, down / dpi))
    return figure.add_axes((left / across, _MARGIN / down, width / across, height / down))


def _order(order, patches):
    """Return the indices of the atoms to draw."""
    if isinstance(order, str):
        if order == "given":
            return np.arange(len(patches))
        if order == "frequency":
            return np.argsort(spatial_frequency(patches), kind="stable")
    else:
        indices = np.asarray(order)
        whole = indices.ndim == 1 and indices.size and np.issubdtype(indices.dtype, np.integer)
        if whole and indices.min() >= 0 and indices.max() < len(patches):
            return indices
    raise ValueError(
        wrong(
            "order",
            got=shown(order),
            expected=f'"given", "frequency" or a 1-D array of indices below {len(patches)}',
            remedy="Use np.argsort on a measure of the atoms to sort by it.",
        )
    )


def _colormap(cmap):
    try:
        return plt.get_cmap(cmap)
    except (ValueError, TypeError) as error:
        remedy = 'Use for example "gray".'
        expected = "the name of a colormap of matplotlib, or a Colormap"
        raise ValueError(
            wrong("cmap", got=shown(cmap), expected=expected, remedy=remedy)
        ) from error


def _rgb(color):
    try:
        return to_rgb(color)
    except (ValueError, TypeError) as error:
        remedy = 'Use for example "white".'
        expected = "a colour of matplotlib"
        got = shown(color)
        raise ValueError(wrong("gap_color", got=got, expected=expected, remedy=remedy)) from error


def _colors(patches, scale, cmap):
    """Map patches to (n_atoms, height, width, 3) bytes, zero to the middle."""
    size = abs(patches).max(axis=(1, 2, 3) if scale == "atom" else None, keepdims=True)
    unit = 0.5 + 0.5 * patches / np.where(size > 0, size, 1)
    if unit.shape[-1] == 1:
        return cmap(unit[..., 0], bytes=True)[..., :3]
    return np.rint(255 * unit).astype(np.uint8)
