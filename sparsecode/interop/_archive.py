"""Zip archives, from which members are read only as large as they truly are."""

from __future__ import annotations

import contextlib
import zipfile

import numpy as np

from sparsecode.interop._arrays import from_bfloat16, widened
from sparsecode.interop._refusal import damaged, refusal

# Weights hardly compress: an archive that unpacks to much more than it is, is not of weights.
_MOST_UNPACKED = 2**26
_MOST_RATIO = 20
_MOST_MEMBERS = 10_000
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@contextlib.contextmanager
def open_archive(path):
    """Give the archive at `path` and its members by name.

    Nothing is ever unpacked to the disk, so names of members cannot lead anywhere.
    """
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        members = {info.filename: info for info in infos}
        if len(members) != len(infos) or len(infos) > _MOST_MEMBERS:
            raise damaged(path, f"of {len(infos)} members {len(members)} have names of their own")
        for info in infos:
            if info.flag_bits & 1:
                raise damaged(path, "it is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise damaged(path, f"it is compressed by method {info.compress_type}")
        unpacked = sum(info.file_size for info in infos)
        if unpacked > max(_MOST_UNPACKED, _MOST_RATIO * path.stat().st_size):
            raise damaged(
                path,
                f"{path.stat().st_size} bytes would unpack to {unpacked}, which weights do not",
            )
        yield archive, members


def read_member(path, archive, info):
    """Return the bytes of a member, of which there are as many as the archive says."""
    data = archive.read(info)
    if len(data) != info.file_size:
        raise damaged(path, f"{info.filename[:80]!r} has {len(data)} bytes, not {info.file_size}")
    return data


def read_npz(path):
    """Return the arrays of an npz file by name, half precision as float32."""
    with open_archive(path) as (archive, members):
        return {
            name.removesuffix(".npy"): _read_npy(path, archive, info)
            for name, info in members.items()
        }


def _read_npy(path, archive, info):
    """Read one array; its header must agree with the size of the member before any is made."""
    label = f"{path}: {info.filename[:80]}"
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise damaged(label, f"it is written in version {version} of the npy format")
        shape, by_columns, dtype = _HEADERS[version](stream)
        # NumPy does not know bfloat16, and keeps such arrays as pairs of bytes.
        is_bfloat16 = dtype == np.dtype("V2")
        if dtype.kind not in "fiu" and not is_bfloat16:
            raise refusal(
                label, got=f"of type {dtype}", expected="numbers", remedy="Convert it to float32."
            )
        size = dtype.itemsize
        for length in shape:
            size *= length
        if min(shape, default=0) < 0 or stream.tell() + size != info.file_size:
            raise damaged(label, f"{info.file_size} bytes are not those of an array of {shape}")
        data = stream.read(size)
    if len(data) != size:
        raise damaged(label, "it is cut off")
    values = np.frombuffer(data, np.dtype("<u2") if is_bfloat16 else dtype)
    values = (
        from_bfloat16(values) if is_bfloat16 else values.astype(dtype.newbyteorder("="), copy=False)
    )
    return widened(values).reshape(shape, order="F" if by_columns else "C")
