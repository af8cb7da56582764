"""Atoms as pictures: the shape of a patch, and one grey picture of a colour atom."""

from __future__ import annotations

import math
import numbers

import numpy as np

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._messages import shown, wrong
from sparsecode._validation import check_matrix


def as_patches(atoms, patch_shape=None):
    """Return atoms as a float array of shape (n_atoms, height, width, n_channels).

    Parameters
    ----------
    atoms : array of shape (n_atoms, n_features), (n_atoms, height, width) or \
            (n_atoms, height, width, n_channels), an object with such `atoms` or `components_`, or \
            a ConvolutionalDictionary of images, or an estimator that learned one
    patch_shape : (height, width) or (height, width, n_channels), optional
        By default the shape of `atoms` if they are pictures already. Flat atoms are then read as
        square patches, in grey or in three colours, whichever fits `n_features`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or an entry is NaN or infinite.
    """
    convolutional = getattr(atoms, "dictionary_", atoms)
    if isinstance(convolutional, ConvolutionalDictionary):
        atoms = _channels_last(convolutional)
    atoms = getattr(atoms, "components_", atoms)
    atoms = _numbers(getattr(atoms, "atoms", atoms))
    if patch_shape is not None:
        shape = check_patch_shape(patch_shape)
    elif atoms.ndim == 3 or (atoms.ndim == 4 and atoms.shape[3] in (1, 3)):
        shape = check_patch_shape(atoms.shape[1:])
    elif atoms.ndim == 2:
        shape = _square_shape(atoms.shape[1])
    else:
        shape = None
    if shape is None or atoms.ndim not in (2, 3, 4):
        raise ValueError(
            wrong(
                "atoms",
                got=f"an array of shape {atoms.shape}",
                expected="(n_atoms, n_features), (n_atoms, height, width) or "
                "(n_atoms, height, width, n_channels) with 1 or 3 channels",
                remedy="Pass atoms as rows; one atom is atom[np.newaxis].",
            )
        )
    n_features = math.prod(shape)
    if math.prod(atoms.shape[1:]) != n_features or (
        atoms.ndim > 2 and atoms.shape[1:3] != shape[:2]
    ):
        raise ValueError(
            f"atoms has shape {atoms.shape}, which does not fit patches of shape {shape} with "
            f"{n_features} features. Pass the patch_shape the atoms were learned on."
        )
    flat = check_matrix(atoms.reshape(len(atoms), n_features), "atoms")
    height, width, n_channels = (*shape, 1)[:3]
    return flat.reshape(len(flat), height, width, n_channels)


def _channels_last(dictionary):
    """Atoms of images as pictures (n_atoms, height, width, n_channels)."""
    if dictionary.n_dims != 2:
        raise ValueError(
            wrong(
                "atoms",
                got=shown(dictionary),
                expected="atoms of images, with a height and a width",
                remedy="Use sparsecode.plotting.plot_waveforms for atoms of series.",
            )
        )
    if dictionary.n_channels not in (1, 3):
        raise ValueError(
            wrong(
                "atoms",
                got=f"{dictionary.n_channels} channels",
                expected="1 or 3, grey or in colour",
                remedy="Take one channel: dictionary.atoms[:, channel].",
            )
        )
    return np.moveaxis(dictionary.atoms, 1, -1)


def _numbers(atoms):
    """Atoms as an array of numbers with at least one entry."""
    array = np.asarray(atoms)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            wrong(
                "atoms",
                got=shown(atoms),
                expected="numbers, or an object with atoms or components_",
                remedy="Give an array, or fit the estimator first.",
            )
        )
    if array.size == 0:
        raise ValueError(
            wrong(
                "atoms",
                got=f"an array of shape {array.shape}, without entries",
                expected="at least one atom of at least one feature",
                remedy="Check how the atoms were chosen.",
            )
        )
    return array


def luminance(patches):
    """Return one grey picture for each atom: the projection on its first colour component.

    The component is the colour direction, through zero, that holds most of the atom's squared norm.
    Its sign makes the sum of the colour weights positive. Grey atoms come back unchanged.

    Parameters
    ----------
    patches : array of shape (n_atoms, height, width, n_channels)

    Returns
    -------
    pictures : array of shape (n_atoms, height, width)
    """
    if patches.shape[-1] == 1:
        return patches[..., 0]
    pixels = patches.reshape(len(patches), -1, patches.shape[-1])
    _, directions = np.linalg.eigh(pixels.transpose(0, 2, 1) @ pixels)
    direction = directions[:, :, -1]
    direction = np.where(direction.sum(1, keepdims=True) < 0, -direction, direction)
    return np.einsum("ihwc,ic->ihw", patches, direction)


def check_patch_shape(patch_shape):
    shape = tuple(patch_shape) if np.iterable(patch_shape) else (patch_shape,)
    whole = all(isinstance(n, numbers.Integral) and n >= 1 for n in shape)
    if not whole or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise ValueError(
            wrong(
                "patch_shape",
                got=shown(patch_shape),
                expected="(height, width) or (height, width, 3)",
                remedy="Use positive integers, such as (16, 16).",
            )
        )
    return tuple(int(n) for n in shape)


def _square_shape(n_features):
    for n_channels in (1, 3):
        side = math.isqrt(n_features // n_channels)
        if side and side * side * n_channels == n_features:
            return (side, side) if n_channels == 1 else (side, side, n_channels)
    raise ValueError(
        f"atoms has {n_features} features, which is not a square patch in grey or in three "
        "colours. Pass patch_shape=(height, width) or (height, width, 3)."
    )
