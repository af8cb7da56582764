"""Logo and icon, drawn from filters that the package learns: ``python docs/draw_logo.py``."""

import pathlib

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image
from scipy.ndimage import zoom

from sparsecode import OlshausenField
from sparsecode.datasets import OlshausenFieldWhitening, load_photographs, sample_patches
from sparsecode.receptive_fields import fit_gabors

SIDE = 8
TILE, GAP = 60, 6
COLORS = LinearSegmentedColormap.from_list(
    "logo", ["#1d2f6f", "#5b7bc0", "#f3f1ea", "#f0a23c", "#b2481a"]
)


def learn():
    images = OlshausenFieldWhitening().fit_transform(load_photographs())
    X = sample_patches(images, SIDE, 60_000, random_state=0, dtype=np.float32)
    return OlshausenField(64, n_epochs=30, random_state=0).fit(X).components_


def choose(atoms, n):
    """Indices of well-fitted Gabor filters whose orientations go once around the half circle."""
    fits = fit_gabors(atoms, (SIDE, SIDE))
    centers = np.stack([fits.center_x, fits.center_y])
    inside = np.abs(centers - (SIDE - 1) / 2).max(axis=0) < SIDE / 4
    chosen = []
    for angle in np.arange(n) * np.pi / n:
        away = np.abs((fits.orientation - angle + np.pi / 2) % np.pi - np.pi / 2)
        cost = away + 2 * (1 - fits.r2) + ~inside
        cost[chosen] = np.inf
        chosen.append(int(np.argmin(cost)))
    return chosen


def tile(atom, side):
    patch = zoom(
        atom.reshape(SIDE, SIDE).astype(float), side / SIDE, order=3, mode="nearest", grid_mode=True
    )
    patch /= np.abs(patch).max()
    rgba = np.asarray(COLORS((patch + 1) / 2))
    y, x = np.mgrid[:side, :side] + 0.5
    radius = side / 6
    outside = np.hypot(*(np.maximum(np.abs(v - side / 2) - side / 2 + radius, 0) for v in (y, x)))
    rgba[..., 3] = np.clip(radius - outside + 0.5, 0, 1)
    return np.rint(255 * rgba).astype(np.uint8)


def mosaic(atoms, n_columns):
    step = TILE + GAP
    picture = np.zeros((n_columns * step - GAP, n_columns * step - GAP, 4), np.uint8)
    for index, atom in enumerate(atoms):
        y, x = (step * i for i in divmod(index, n_columns))
        picture[y : y + TILE, x : x + TILE] = tile(atom, TILE)
    return picture


if __name__ == "__main__":
    static = pathlib.Path(__file__).parent / "_static"
    atoms = learn()
    atoms = atoms[choose(atoms, 9)]
    Image.fromarray(mosaic(atoms, 3)).save(static / "logo.png", optimize=True)
    Image.fromarray(tile(atoms[1], 64)).save(static / "favicon.png", optimize=True)
