"""Tensors of torch files, which are zip archives of numbers and instructions."""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from typing import Any

import numpy as np

from sparsecode._reading.archive import open_archive, read_member
from sparsecode._reading.npy import from_bfloat16, widened
from sparsecode._reading.refusal import damaged, listed, refusal
from sparsecode._reading.regular import check_as_floats, open_regular, size_as_floats, size_of
from sparsecode.interop._torch_stream import KINDS, StreamError, Tensor, follow

# Instructions for a hundred tensors take some ten thousand bytes.
_MOST_INSTRUCTIONS = 2**20


@dataclasses.dataclass(frozen=True)
class State:
    """Contents of a torch file: the tensors of a state dict by name, and other entries.

    Attributes
    ----------
    path : pathlib.Path
    tensors : dict
        Tensors and numbers of the state dict by name.
    around : dict
        Tensors and numbers beside a state dict that is one level down.
    others : dict
        Strings, dicts and the like, of both levels.
    """

    path: pathlib.Path
    tensors: dict[str, Any]
    around: dict[str, Any]
    others: dict[str, Any]
    max_bytes: int | None = None

    def arrays(self, names=None):
        """Return the tensors, or those of some names, as arrays; half precision as float32."""
        names = self.tensors if names is None else set(names) & set(self.tensors)
        return self._read({name: self.tensors[name] for name in names})

    def arrays_around(self):
        """Return the tensors beside the state dict as arrays."""
        return self._read(self.around)

    def _read(self, tensors):
        with open_archive(self.path, self.max_bytes) as (archive, members):
            folder = _folder(self.path, members)
            storages = _Storages(self.path, archive, members, folder, self.max_bytes)
            return {name: storages.array(name, value) for name, value in tensors.items()}


def read_torch(path, max_bytes=None):
    """Return the tensors of a saved state dict by name, half precision as float32.

    Parameters
    ----------
    path : pathlib.Path
    max_bytes : int or None, default=None

    Returns
    -------
    arrays : dict of str to ndarray
        Read-only, as tensors may share their numbers. Plain numbers become arrays of shape ().
    """
    state = read_state(path, max_bytes)
    for name, value in {**state.others, **state.around}.items():
        raise refusal(
            f"{path}: {name[:80]!r}",
            got=f"a {type(value).__name__}",
            expected="a tensor or a number",
            remedy="Save model.state_dict() alone.",
        )
    return state.arrays()


def read_state(path, max_bytes=None):
    """Return what torch saved at `path`, its tensors not read yet; see `State`."""
    if not _is_archive(path):
        raise refusal(
            path,
            got="not a zip archive",
            expected="a file that torch.save of version 1.6 or newer wrote",
            remedy="Load it with torch and save it again: it may be older or cut off.",
        )
    with open_archive(path, max_bytes) as (archive, members):
        instructions = members[f"{_folder(path, members)}/data.pkl"]
        if instructions.file_size > _MOST_INSTRUCTIONS:
            raise damaged(path, f"{instructions.file_size} bytes are too many for instructions")
        try:
            saved = follow(read_member(path, archive, instructions))
        except StreamError as error:
            raise refusal(
                f"{path}: its pickle",
                got=f"refused, because {error}",
                expected="tensors in plain containers, and no code to run",
                remedy="Save model.state_dict() of a model you trust, not the model itself.",
            ) from error
    return _sorted_out(path, saved, max_bytes)


def _is_archive(path):
    with open_regular(path) as file:
        return zipfile.is_zipfile(file)


def _folder(path, members):
    folders = [name.split("/")[0] for name in members if name.split("/")[1:] == ["data.pkl"]]
    if len(folders) != 1:
        raise damaged(path, f"it has {len(folders)} members data.pkl in a folder, not one")
    return folders[0]


def _sorted_out(path, saved, max_bytes):
    """Separate a state dict that is one level down from the entries beside it."""
    if type(saved) is not dict:
        raise refusal(
            path,
            got=f"a saved {type(saved).__name__}",
            expected="a saved dict of tensors by name",
            remedy="Save model.state_dict() alone.",
        )
    tensors, others = _split(path, saved)
    inner = {name: value for name, value in others.items() if _has_tensors(value)}
    if not inner:
        return State(path, tensors, {}, others, max_bytes)
    if len(inner) > 1 or any(name.endswith((".weight", "W_enc")) for name in tensors):
        raise refusal(
            path,
            got=f"{len(inner)} dicts of tensors, named {listed(inner)}",
            expected="one state dict",
            remedy="Save model.state_dict() alone.",
        )
    ((name, state_dict),) = inner.items()
    del others[name]
    around = tensors
    tensors, more = _split(path, state_dict)
    if any(_has_tensors(value) for value in more.values()):
        raise refusal(
            f"{path}: {name[:80]!r}",
            got="tensors two levels down",
            expected="a state dict at the top or one level down",
            remedy="Save model.state_dict() alone.",
        )
    return State(path, tensors, around, {**others, **more}, max_bytes)


def _split(path, values):
    """Tensors and numbers by name, and all other entries."""
    tensors, others = {}, {}
    for name, value in values.items():
        if type(name) is not str:
            raise refusal(
                f"{path}: {str(name)[:80]!r}",
                got="a key of a dict",
                expected="names of tensors",
                remedy="Save model.state_dict() alone.",
            )
        # Prefix that torch.compile adds to each name.
        plain = name.removeprefix("_orig_mod.")
        (tensors if type(value) in (Tensor, int, float) else others)[plain] = value
    return tensors, others


def _has_tensors(value):
    return type(value) is dict and any(type(item) is Tensor for item in value.values())


class _Storages:
    """The numbers of an archive, each storage read and checked once."""

    def __init__(self, path, archive, members, folder, max_bytes):
        self.path, self.max_bytes, self.n_bytes = path, max_bytes, 0
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
            raise damaged(label, f"it reaches beyond the {numbers.size} numbers of its storage")
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
                    f"it needs {storage.length} numbers of {dtype.itemsize} bytes, but the "
                    "archive has another number of bytes",
                )
            self.n_bytes += size_as_floats(storage.length, dtype)
            check_as_floats(self.path, size_of(self.archive.fp), self.n_bytes, self.max_bytes)
            data = read_member(self.path, self.archive, info)
            values = np.frombuffer(data, dtype.newbyteorder(">" if self.flip else "<"))
            values = (
                from_bfloat16(values) if kind == "bfloat16" else values.astype(kind, copy=False)
            )
            self.loaded[key] = storage, widened(values)
        known, values = self.loaded[key]
        if known != storage:
            raise damaged(label, f"the storage {key[:80]!r} is used with two dtypes or lengths")
        return values

    def _is_big_endian(self):
        info = self.members.get(f"{self.folder}/byteorder")
        if info is None:
            return False
        order = read_member(self.path, self.archive, info) if info.file_size < 100 else b""
        if order not in (b"little", b"big"):
            raise damaged(self.path, "its byte order is unknown")
        return order == b"big"
