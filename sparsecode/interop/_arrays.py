"""Arrays of a file by name: which belong there, of which shape and type."""

from __future__ import annotations

import json

import numpy as np
import safetensors.numpy
from safetensors import safe_open

from sparsecode.interop._refusal import listed, refusal

_FLOATS = ("F16", "F32", "F64", "BF16")
_INTEGERS = {"I64", "I32", "I16", "I8", "U8"}


def check_names(path, names, required, optional=()):
    """Refuse a file that lacks arrays, or has some that are not understood."""
    if missing := set(required) - set(names):
        raise refusal(
            path,
            got=f"without the arrays {listed(missing)}",
            expected=f"the arrays {listed(required)}",
            remedy="The file is incomplete, or of another format or architecture.",
        )
    if unknown := set(names) - set(required) - set(optional):
        raise refusal(
            path,
            got=f"a file with the arrays {listed(unknown)}",
            expected=f"none but {listed({*required, *optional})}",
            remedy="It holds a model that would be read as another one. Check the architecture.",
        )


def check_shapes(path, arrays, shapes):
    """Refuse a file in which an array has another shape than this."""
    for name, shape in shapes.items():
        if name in arrays and arrays[name].shape != tuple(shape):
            raise refusal(
                f"{path}: {name}",
                got=f"of shape {arrays[name].shape}",
                expected=f"shape {tuple(shape)}",
                remedy="The axes are swapped, or the file belongs to other settings.",
            )


def check_matrix_of(path, name, array):
    """Refuse an array that is not a matrix with entries; return its shape."""
    if array.ndim != 2 or array.size == 0:
        raise refusal(
            f"{path}: {name}",
            got=f"of shape {array.shape}",
            expected="a matrix",
            remedy="Only single autoencoders can be read.",
        )
    return array.shape


def number(path, name, array):
    """Return an array of one entry as a Python number."""
    if array.size != 1:
        raise refusal(
            f"{path}: {name}",
            got=f"of shape {array.shape}",
            expected="one number",
            remedy="The file is of another format or architecture.",
        )
    return array.reshape(()).item()


def widened(array):
    """Return half precision as float32, anything else as it is."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def from_bfloat16(bits):
    """Return float32 numbers of which `bits`, as uint16, are the upper halves: exactly these."""
    wide = bits.astype("<u4")
    wide <<= 16
    return wide.view("<f4").astype(np.float32, copy=False)


def read_safetensors(path):
    """Return the arrays of a safetensors file by name, half precision as float32.

    The safetensors library judges the header: that arrays do not overlap and fill the file. It
    hands no bfloat16 to NumPy; these are read from the places that its header tells.
    """
    with safe_open(path, framework="numpy") as file:
        kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        for name, kind in kinds.items():
            if kind not in _FLOATS and kind not in _INTEGERS:
                raise refusal(
                    f"{path}: {name}",
                    got=f"of type {kind}",
                    expected=", ".join(_FLOATS),
                    remedy="Convert the file to one of these.",
                )
        arrays = {
            name: widened(file.get_tensor(name)) for name, kind in kinds.items() if kind != "BF16"
        }
    return arrays | _read_bfloat16(path, [name for name in kinds if kinds[name] == "BF16"])


def write_safetensors(path, arrays):
    """Write arrays by name; equal arrays make equal files."""
    arrays = {name: np.asarray(array, order="C") for name, array in sorted(arrays.items())}
    # Readers in torch ask for this entry.
    safetensors.numpy.save_file(arrays, path, metadata={"format": "pt"})


def _read_bfloat16(path, names):
    if not names:
        return {}
    arrays = {}
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        for name in names:
            start, stop = header[name]["data_offsets"]
            file.seek(8 + length + start)
            # Never more than there are, should the header tell the libraries different things.
            bits = np.frombuffer(file.read(min(stop - start, path.stat().st_size)), "<u2")
            arrays[name] = from_bfloat16(bits).reshape(header[name]["shape"])
    return arrays
