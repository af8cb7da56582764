"""Arrays as a state dict that torch loads, written without torch.

The file is a zip archive of numbers, and of instructions that rebuild tensors from them. The
instructions are written here one by one; nothing is pickled.
"""

from __future__ import annotations

import struct
import zipfile

import numpy as np

_STORAGES = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
}
_FOLDER = "archive"
# The same for equal arrays.
_DATE = (1980, 1, 1, 0, 0, 0)
_PIECE = 2**24


def write_torch(path, arrays):
    """Write arrays by name; equal arrays make equal files."""
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "data.pkl", _instructions(arrays))
        _put(archive, "byteorder", b"little")
        for i, array in enumerate(arrays.values()):
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            _put(archive, f"data/{i}", memoryview(little.reshape(-1).view("u1")))
        _put(archive, "version", b"3\n")


def _put(archive, name, data):
    info = zipfile.ZipInfo(f"{_FOLDER}/{name}", _DATE)
    info.file_size = len(data)
    with archive.open(info, "w", force_zip64=len(data) > zipfile.ZIP64_LIMIT) as member:
        for start in range(0, len(data), _PIECE):
            member.write(data[start : start + _PIECE])


def _instructions(arrays):
    """Return the instructions for an ordered dict of names and tensors."""
    items = b"".join(
        _text(name) + _tensor(str(i), array) for i, (name, array) in enumerate(arrays.items())
    )
    return b"\x80\x02" + _global("collections", "OrderedDict") + b")R(" + items + b"u."


def _tensor(key, array):
    kind = _global("torch", _STORAGES[array.dtype.str[1:]])
    storage = b"(" + _text("storage") + kind + _text(key) + _text("cpu") + _integer(array.size)
    strides = [stride // array.itemsize for stride in array.strides]
    return b"".join(
        [
            _global("torch._utils", "_rebuild_tensor_v2"),
            b"(" + storage + b"tQ",
            _integer(0) + _integers(array.shape) + _integers(strides),
            # Without a gradient, and without hooks.
            b"\x89" + _global("collections", "OrderedDict") + b")R",
            b"tR",
        ]
    )


def _global(module, name):
    return f"c{module}\n{name}\n".encode("ascii")


def _text(value):
    data = value.encode("utf-8")
    return b"X" + struct.pack("<I", len(data)) + data


def _integers(values):
    return b"(" + b"".join(map(_integer, values)) + b"t"


def _integer(value):
    if value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(8, "little")
    return b"\x8a" + bytes([9]) + data + b"\0"
