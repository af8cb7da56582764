"""Tensors of a file that torch saved: a zip archive of numbers and of instructions."""

from __future__ import annotations

import zipfile

import numpy as np

from sparsecode._reading.archive import open_archive, read_member
from sparsecode._reading.npy import from_bfloat16, widened
from sparsecode._reading.refusal import damaged, refusal
from sparsecode._reading.regular import open_regular
from sparsecode.interop._torch_stream import KINDS, StreamError, Tensor, follow

# Instructions for a hundred tensors take some ten thousand bytes.
_MOST_INSTRUCTIONS = 2**20


def read_torch(path):
    """Return the tensors of a saved state dict by name, half precision as float32.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    arrays : dict of str to ndarray
        Read-only, as tensors may share their numbers. Plain numbers become arrays of shape ().
    """
    if not _is_archive(path):
        raise refusal(
            path,
            got="not a zip archive",
            expected="a file that torch.save of version 1.6 or newer wrote",
            remedy="It may be older or cut off; load and save it with torch once more.",
        )
    with open_archive(path) as (archive, members):
        folder = _folder(path, members)
        instructions = members[f"{folder}/data.pkl"]
        if instructions.file_size > _MOST_INSTRUCTIONS:
            raise damaged(path, f"{instructions.file_size} bytes are too many for instructions")
        try:
            state = follow(read_member(path, archive, instructions))
        except StreamError as error:
            raise refusal(
                f"{path}: its pickle",
                got=f"refused, because {error}",
                expected="tensors in plain containers, and nothing that would be run",
                remedy="Save model.state_dict() of a model you trust, not the model itself.",
            ) from error
        storages = _Storages(path, archive, members, folder)
        return {name: storages.array(name, value) for name, value in _entries(path, state)}


def _is_archive(path):
    with open_regular(path) as file:
        return zipfile.is_zipfile(file)


def _folder(path, members):
    folders = [name.split("/")[0] for name in members if name.split("/")[1:] == ["data.pkl"]]
    if len(folders) != 1:
        raise damaged(path, f"it has {len(folders)} members data.pkl in a folder, not one")
    return folders[0]


def _entries(path, state):
    if type(state) is not dict:
        raise refusal(
            path,
            got=f"a saved {type(state).__name__}",
            expected="a saved dict of tensors by name",
            remedy="Save model.state_dict() alone.",
        )
    for name, value in state.items():
        if type(name) is not str or type(value) not in (Tensor, int, float):
            raise refusal(
                f"{path}: {str(name)[:80]!r}",
                got=f"a {type(value).__name__}",
                expected="a tensor or a number",
                remedy="Save model.state_dict() alone.",
            )
        # What torch.compile puts before each name.
        yield name.removeprefix("_orig_mod."), value


class _Storages:
    """The numbers of an archive, each storage read and checked once."""

    def __init__(self, path, archive, members, folder):
        self.path = path
        self.archive = archive
        self.members = members
        self.folder = folder
        self.flip = self._is_big_endian()
        self.loaded = {}

    def array(self, name, value):
        """Return a tensor as a read-only view of its storage, a number as an array."""
        if type(value) is not Tensor:
            return np.array(value, dtype=np.float64 if type(value) is float else np.int64)
        label = f"{self.path}: {name[:80]}"
        numbers = self._numbers(label, value.storage)
        size, last = 1, value.start
        for length, stride in zip(value.shape, value.strides, strict=True):
            size *= length
            last += (length - 1) * stride
        if size == 0:
            return np.zeros(value.shape, numbers.dtype)
        # A tensor with more entries than its storage repeats some, and could be of any size.
        if last >= numbers.size or size > numbers.size or len(value.shape) > 8:
            raise damaged(label, f"it reaches over the {numbers.size} numbers that it is made of")
        strides = [stride * numbers.itemsize for stride in value.strides]
        start = value.start * numbers.itemsize
        view = np.ndarray(value.shape, numbers.dtype, numbers, start, strides)
        view.flags.writeable = False
        return view

    def _numbers(self, label, storage):
        key = storage.key
        if key not in self.loaded:
            info = self.members.get(f"{self.folder}/data/{key}")
            kind = KINDS[storage.kind]
            dtype = np.dtype("<u2" if kind == "bfloat16" else kind)
            if info is None or info.file_size != storage.length * dtype.itemsize:
                raise damaged(
                    label,
                    f"it needs {storage.length} numbers of {dtype.itemsize} bytes, and "
                    "the archive has others",
                )
            data = read_member(self.path, self.archive, info)
            values = np.frombuffer(data, dtype.newbyteorder(">" if self.flip else "<"))
            values = (
                from_bfloat16(values) if kind == "bfloat16" else values.astype(kind, copy=False)
            )
            self.loaded[key] = storage, widened(values)
        known, values = self.loaded[key]
        if known != storage:
            raise damaged(label, f"the numbers {key[:80]!r} are read as of two types or lengths")
        return values

    def _is_big_endian(self):
        info = self.members.get(f"{self.folder}/byteorder")
        if info is None:
            return False
        order = read_member(self.path, self.archive, info) if info.file_size < 100 else b""
        if order not in (b"little", b"big"):
            raise damaged(self.path, "its byte order is unknown")
        return order == b"big"
