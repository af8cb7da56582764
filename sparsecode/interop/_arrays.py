"""Checks of arrays in a file: their names, shapes and dtypes."""

from __future__ import annotations

import numpy as np

from sparsecode._reading.npy import widened
from sparsecode._reading.refusal import listed, refusal
from sparsecode._reading.tensors import read_tensors
from sparsecode._tensor_files import write_tensors


def check_names(path, names, required, optional=()):
    """Refuse a file with missing or unknown arrays."""
    if missing := set(required) - set(names):
        raise refusal(
            path,
            got=f"without the arrays {listed(missing)}",
            expected=f"the arrays {listed(required)}",
            remedy="Check the format and the architecture, or download the file again.",
        )
    if unknown := set(names) - set(required) - set(optional):
        raise refusal(
            path,
            got=f"a file with the arrays {listed(unknown)}",
            expected=f"none but {listed({*required, *optional})}",
            remedy="Check the architecture: the file seems to hold another model.",
        )


def check_shapes(path, arrays, shapes):
    """Refuse a file in which an array has a wrong shape or is not finite."""
    for name, shape in shapes.items():
        if name in arrays and arrays[name].shape != tuple(shape):
            raise refusal(
                f"{path}: {name}",
                got=f"of shape {arrays[name].shape}",
                expected=f"shape {tuple(shape)}",
                remedy="Check the order of the axes and the settings.",
            )
    check_finite(path, {name: arrays[name] for name in shapes if name in arrays})


def check_finite(path, arrays):
    """Refuse a file with NaN or infinity in an array."""
    for name, array in arrays.items():
        if not _is_finite(array):
            raise refusal(
                f"{path}: {name}",
                got="an array with NaN or infinity",
                expected="finite numbers",
                remedy="Check the file or the model.",
            )


def _is_finite(array):
    with np.errstate(over="ignore", invalid="ignore"):
        # A sum takes no memory; it may overflow where every number is finite.
        return bool(np.isfinite(array.sum()) or np.isfinite(array).all())


def check_matrix_of(path, name, array):
    """Refuse an array that is not a matrix with entries; return its shape."""
    if array.ndim != 2 or array.size == 0:
        raise refusal(
            f"{path}: {name}",
            got=f"of shape {array.shape}",
            expected="a matrix",
            remedy="Save each autoencoder in a file of its own.",
        )
    return array.shape


def number(path, name, array):
    """Return an array of one entry as a Python number."""
    if array.size != 1:
        raise refusal(
            f"{path}: {name}",
            got=f"of shape {array.shape}",
            expected="one number",
            remedy="Check the format and the architecture.",
        )
    return array.reshape(()).item()


def read_safetensors(path):
    """Return the arrays of a safetensors file by name, half precision as float32."""
    arrays, _ = read_tensors(path)
    return {name: widened(array) for name, array in arrays.items()}


def write_safetensors(path, arrays):
    """Write arrays by name; equal arrays make equal files."""
    # Readers in torch ask for this entry.
    write_tensors(path, dict(sorted(arrays.items())), {"format": "pt"})
