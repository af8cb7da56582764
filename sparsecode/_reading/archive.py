"""Members of zip archives, read up to the sizes that they truly have."""

from __future__ import annotations

import contextlib
import math
import struct
import zipfile

from sparsecode._reading.npy import read_npy, read_npy_header
from sparsecode._reading.refusal import damaged
from sparsecode._reading.regular import (
    check_as_floats,
    check_unpacked,
    open_regular,
    size_as_floats,
    size_of,
)

_MOST_MEMBERS = 10_000
_MOST_DIRECTORY = 2**22
_END = struct.Struct("<4s4H2LH")


@contextlib.contextmanager
def open_archive(path, max_bytes=None):
    """Give the archive at `path` and its members by name.

    Nothing is ever unpacked to the disk, so names of members cannot lead anywhere.
    """
    with open_regular(path) as file:
        _check_directory(path, file)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            members = {info.filename: info for info in infos}
            if len(members) != len(infos) or len(infos) > _MOST_MEMBERS:
                raise damaged(
                    path,
                    f"it has {len(infos)} members with {len(members)} different names; expected "
                    f"at most {_MOST_MEMBERS} members, each with a name of its own",
                )
            for info in infos:
                if info.flag_bits & 1:
                    raise damaged(path, "it is encrypted")
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise damaged(path, f"it is compressed by method {info.compress_type}")
            unpacked = sum(info.file_size for info in infos)
            check_unpacked(path, size_of(file), unpacked, max_bytes)
            yield archive, members


def read_member(path, archive, info):
    """Return the bytes of a member, of which there are as many as the archive says."""
    data = archive.read(info)
    if len(data) != info.file_size:
        raise damaged(path, f"{info.filename[:80]!r} has {len(data)} bytes, not {info.file_size}")
    return data


def read_npz(path, *, kinds="fiu", max_bytes=None):
    """Return the arrays of an npz file by name, of types of these kinds."""
    with open_archive(path, max_bytes) as (archive, members):
        return read_npz_members(path, archive, members, kinds, max_bytes)


def read_npz_members(path, archive, members, kinds="fiu", max_bytes=None):
    """Return the arrays of some members by name, if they are not too large as floats."""
    n_bytes = 0
    for info in members.values():
        with archive.open(info) as stream:
            label = f"{path}: {info.filename[:80]}"
            shape, _, dtype = read_npy_header(label, stream, info.file_size, kinds)
            n_bytes += size_as_floats(math.prod(shape), dtype)
    check_as_floats(path, size_of(archive.fp), n_bytes, max_bytes)
    return {
        name.removesuffix(".npy"): read_npz_member(path, archive, info, kinds)
        for name, info in members.items()
    }


def read_npz_member(path, archive, info, kinds="fiu"):
    """Return one array of an npz file, of a type of these kinds."""
    with archive.open(info) as stream:
        return read_npy(f"{path}: {info.filename[:80]}", stream, info.file_size, kinds)


def _check_directory(path, file):
    """Refuse what begins as something else, or has a longer list of members than weights have."""
    if file.read(4) not in (b"PK\3\4", b"PK\5\6"):
        raise damaged(path, "its first bytes are not those of a zip archive")
    file.seek(max(size_of(file) - 2**16 - _END.size, 0))
    tail = file.read()
    place = len(tail) - _END.size
    if place < 0 or tail[place : place + 4] != b"PK\5\6":
        place = tail.rfind(b"PK\5\6")
    if 0 <= place <= len(tail) - _END.size:
        length = _END.unpack_from(tail, place)[5]
        # The longest that 32 bits hold means that it stands elsewhere: only for huge archives.
        locator = tail[place - 20 : place] if place >= 20 else b""
        if locator[:4] == b"PK\6\7":
            file.seek(min(struct.unpack("<Q", locator[8:16])[0], size_of(file)))
            record = file.read(56)
            length = struct.unpack("<Q", record[40:48])[0] if len(record) == 56 else 0
        if length > _MOST_DIRECTORY:
            raise damaged(path, f"its list of members has {length} bytes")
    file.seek(0)
