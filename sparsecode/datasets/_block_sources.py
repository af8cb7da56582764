"""Sources of rows that are read a block at a time, each by the library of its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparsecode._extras import require
from sparsecode._messages import shown, wrong
from sparsecode._reading.npy import widened
from sparsecode._reading.refusal import Refused, listed
from sparsecode._reading.tensors import map_tensor

from ._rows import KINDS, Rows
from ._table_rows import FORMATS, rows_of_table


def rows_of(source, columns=None, key=None, name="source"):
    """Return the rows of an array, or of a file."""
    if not isinstance(source, str | Path):
        return _of_array(name, source, columns)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a file of rows. Check the path.")
    opened = _OPEN.get(path.suffix.lower())
    if opened is None:
        got = f"a file that ends in {path.suffix!r}" if path.suffix else "of unknown format"
        raise ValueError(
            wrong(
                str(path),
                got=got,
                expected=f"the end to be one of {', '.join(_OPEN)}",
                remedy="Convert it to one of these, or give the opened array.",
            )
        )
    return opened(path, columns, key)


def _of_array(name, array, columns):
    """Rows of anything with a shape, a dtype and slices, such as an array of HDF5 or Zarr."""
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    if shape is None or dtype is None or not hasattr(array, "__getitem__"):
        raise TypeError(
            wrong(
                name,
                got=shown(array),
                expected="an array, a path, or a list of these",
                remedy="Give for example np.load(path, mmap_mode='r').",
            )
        )
    if len(shape) != 2:
        raise ValueError(
            wrong(
                name,
                got=f"of shape {tuple(shape)}",
                expected="2 dimensions: samples and features",
                remedy="Reshape it, or give a part of it.",
            )
        )
    dtype = np.dtype(dtype)
    if dtype.kind not in KINDS and dtype != np.dtype("V2") and dtype.name != "bfloat16":
        raise TypeError(
            wrong(
                name, got=f"of dtype {dtype}", expected="numbers", remedy="Convert it to float32."
            )
        )

    if columns is not None:
        columns = _indices(columns, shape[1], name)

    def pieces(rows):
        for start in range(0, shape[0], rows):
            block = array[start : start + rows]
            yield block if columns is None else block[:, columns]

    return Rows(name, shape[0], pieces)


def _indices(columns, n_columns, name):
    """Columns of an array, if they are indices that it has."""
    if all(isinstance(c, int | np.integer) and 0 <= c < n_columns for c in columns):
        return [int(c) for c in columns]
    raise ValueError(
        wrong(
            "columns",
            got=shown(list(columns)),
            expected=f"indices from 0 to {n_columns - 1} of {name}, an array",
            remedy="Give for example columns=[0, 1]; names are for tables.",
        )
    )


def _npy(path, columns, key):
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise Refused(f"{path} cannot be read as an array of NumPy: {error}") from error
    return _of_array(str(path), array, columns)


def _safetensors(path, columns, key):
    return _of_array(f"{path}", map_tensor(path, key), columns)


def _zarr(path, columns, key):
    require("zarr", f"Reading {path}")
    import zarr

    return _of_array(str(path), _member(path, zarr.open(path, mode="r"), key), columns)


def _hdf5(path, columns, key):
    require("matlab", f"Reading {path}")
    import h5py

    return _of_array(str(path), _member(path, h5py.File(path, "r"), key), columns)


def _member(path, node, key):
    """Array of a group by its name, or the only one."""
    if hasattr(node, "dtype"):
        return node
    names = [name for name in node if hasattr(node[name], "dtype")]
    if key is None and len(names) == 1:
        return node[names[0]]
    if key is None or key not in node:
        raise Refused(
            wrong(
                f"key for {path}",
                got=shown(key),
                expected=f"one of its arrays: {listed(names)}" if names else "a file with arrays",
                remedy="Give the name of an array as key.",
            )
        )
    return node[key]


_OPEN = {".npy": _npy, ".safetensors": _safetensors, ".zarr": _zarr, ".h5": _hdf5, ".hdf5": _hdf5}
_OPEN |= dict.fromkeys(FORMATS, rows_of_table)


def as_floats(block):
    """Block of rows as float32 or float64: halves as float32, whole numbers as float64."""
    block = block.astype(np.float32) if block.dtype.name == "bfloat16" else widened(block)
    if block.dtype in (np.float32, np.float64):
        return block
    return block.astype(np.float64)
