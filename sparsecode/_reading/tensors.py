"""Files of safetensors: a header of JSON that tells where each array stands, then the arrays."""

from __future__ import annotations

import json

import numpy as np

from sparsecode._reading.npy import from_bfloat16
from sparsecode._reading.refusal import damaged, listed, refusal
from sparsecode._reading.regular import open_regular, read_into, size_of

FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
NUMBERS = {**FLOATS, "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}
ANYTHING = {**NUMBERS, "U64": "<u8", "U32": "<u4", "U16": "<u2", "BOOL": "?"}
_MOST_HEADER = 2**24
_MOST_TENSORS = 10_000
_MOST_AXES = 32


def read_tensors(path, kinds=NUMBERS):
    """Return the arrays of a safetensors file by name, and its metadata, a dict of strings.

    Types of `kinds` are read, bfloat16 as float32. The arrays must stand one behind the other and
    fill the file.
    """
    with open_regular(path) as file:
        header, start = _read_header(path, file)
        metadata = header.pop("__metadata__", {})
        if not _is_dict_of(metadata, str):
            raise damaged(path, "its metadata are not strings")
        places = _places(path, header, kinds, size_of(file) - start)
        arrays = {}
        for name, (kind, shape, place) in places.items():
            values = np.empty(shape, ANYTHING[kind])
            file.seek(start + place)
            if values.size:
                read_into(f"{path}: {name[:80]}", file, values)
            if kind == "BF16":
                values = from_bfloat16(values)
            arrays[name] = values.astype(values.dtype.newbyteorder("="), copy=False)
        return arrays, metadata


def _read_header(path, file):
    length = int.from_bytes(file.read(8), "little")
    size = size_of(file)
    if size < 8 or length > min(size - 8, _MOST_HEADER):
        raise damaged(path, f"its first bytes give a header of {length} bytes")
    text = file.read(length)
    if text.count(b'"data_offsets"') > _MOST_TENSORS:
        raise damaged(path, f"its header lists more than {_MOST_TENSORS} arrays")
    try:
        header = json.loads(text, object_pairs_hook=_dict_of_different)
    except (ValueError, RecursionError):
        raise damaged(path, "its header is not JSON, or has a name twice") from None
    if type(header) is not dict or len(header) > _MOST_TENSORS:
        raise damaged(path, "its header is not that of safetensors")
    return header, 8 + length


def _dict_of_different(pairs):
    known = dict(pairs)
    if len(known) != len(pairs):
        raise ValueError
    return known


def _places(path, header, kinds, n_bytes):
    """Type, shape and place of each array; these must fill `n_bytes` without gaps."""
    places = {name: _place(path, name, entry, kinds) for name, entry in header.items()}
    end = 0
    for name, (kind, shape, place, stop) in sorted(places.items(), key=lambda p: p[1][2:]):
        size = np.dtype(ANYTHING[kind]).itemsize
        for length in shape:
            size *= length
        if place != end or stop - place != size:
            raise damaged(f"{path}: {name[:80]}", f"{stop - place} bytes do not fit its shape")
        end = stop
    if end != n_bytes:
        raise damaged(
            path, f"its header lists arrays of {end} bytes, but {n_bytes} bytes follow it"
        )
    return {name: place[:3] for name, place in places.items()}


def _place(path, name, entry, kinds):
    label = f"{path}: {name[:80]}"
    if type(entry) is not dict or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged(label, "its entry in the header is not that of an array")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(kind) is not str or not _are_sizes(shape) or not _are_sizes(offsets):
        raise damaged(label, "its entry in the header is not that of an array")
    if len(offsets) != 2 or len(shape) > _MOST_AXES:
        raise damaged(label, "its entry in the header is not that of an array")
    if kind not in kinds:
        raise refusal(
            label,
            got=f"of type {kind[:80]}",
            expected=", ".join(FLOATS),
            remedy="Convert the file to one of these.",
        )
    return kind, tuple(shape), *offsets


def _are_sizes(values):
    if type(values) is not list:
        return False
    return all(type(value) is int and 0 <= value < 2**60 for value in values)


def _is_dict_of(value, kind):
    return type(value) is dict and all(type(item) is kind for item in value.values())


def map_tensor(path, name=None):
    """Return a memory map of one array of a safetensors file; bfloat16 is of type V2.

    Without a name it is the only array of the file.
    """
    with open_regular(path) as file:
        header, start = _read_header(path, file)
        header.pop("__metadata__", None)
        places = _places(path, header, NUMBERS, size_of(file) - start)
    if name is None and len(places) == 1:
        (name,) = places
    if name not in places:
        raise refusal(
            path,
            got=f"asked for the array {name!r} and has {listed(places)}",
            expected="one of these",
            remedy="Give its name as key.",
        )
    kind, shape, place = places[name]
    dtype = "V2" if kind == "BF16" else NUMBERS[kind]
    return np.memmap(path, dtype, "r", start + place, shape)
