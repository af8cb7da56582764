"""Opening of regular files, and limits on their unpacked size."""

from __future__ import annotations

import io
import os
import stat

from sparsecode._messages import wrong
from sparsecode._reading.refusal import TooLarge, damaged, refusal
from sparsecode._validation import check_integer

# Weights and photographs in floating point hardly compress: what unpacks to much more than it is,
# is something else.
_LEAST_LIMIT = 2**26
_RATIO = 20
# Whole numbers become floats of this size, of which even small files may hold some.
_FLOAT, _LEAST_FLOATS = 8, 2**29
_PIECE = 2**20


def open_regular(path):
    """Open a file for reading bytes; a pipe or a device, which may never end, is refused.

    A symbolic link to a regular file is followed. Decoders of others may ask it for as many bytes
    as a header claims: no more memory is taken than there are bytes.

    Raises
    ------
    Refused
        If it is something else than a regular file.
    OSError
        If there is none, or it cannot be opened.
    """
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise refusal(
            path,
            got="a device or a pipe",
            expected="a regular file",
            remedy="Give the path of a file.",
        )
    return _Regular(file.detach())


class _Regular(io.BufferedReader):
    """An open file that takes memory for bytes that it has, not for those that it is asked for."""

    def read(self, size=-1, /):
        if size is not None and size > _PIECE:
            size = min(size, max(size_of(self) - self.tell(), 0))
        return super().read(size)


def size_of(file):
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def check_unpacked(path, size, unpacked, max_bytes):
    """Refuse a file of `size` bytes that says that it unpacks to more than it may.

    That is `max_bytes`, or where this is None 64 MiB or 20 times its size, whatever is more.
    """
    limit = max(_LEAST_LIMIT, _RATIO * size) if max_bytes is None else max_bytes
    if unpacked > limit:
        raise too_large(path, f"{size} bytes that would unpack to {unpacked}", limit)


def size_as_floats(n_numbers, dtype):
    """Bytes of so many numbers of a type once they are floats, as which readers use them."""
    if dtype.kind in "iub":
        return n_numbers * _FLOAT
    # Half precision becomes float32.
    return n_numbers * max(dtype.itemsize, 4)


def check_as_floats(path, size, n_bytes, max_bytes):
    """Refuse a file of `size` bytes whose numbers would take `n_bytes` as floats, if too many.

    That is more than `max_bytes`, or where this is None 20 times its size, and more than 512 MiB.
    """
    limit = max(_LEAST_FLOATS, _RATIO * size if max_bytes is None else max_bytes)
    if n_bytes > limit:
        raise too_large(path, f"{size} bytes that would unpack to {n_bytes}, as floats", limit)


def too_large(path, got, limit):
    """The error for a file that says that it needs more than `limit` bytes."""
    return TooLarge(
        wrong(
            path,
            got=got,
            expected=f"at most {limit}",
            remedy="Raise max_bytes if you trust the file.",
        )
    )


def check_max_bytes(max_bytes):
    """Return `max_bytes` if it is None or a whole number of at least 1."""
    return None if max_bytes is None else check_integer(max_bytes, "max_bytes")


def read_into(path, stream, array):
    """Fill an array with the next bytes of a stream, of which there must be enough."""
    view = memoryview(array.reshape(-1).view("u1"))
    place = 0
    while place < len(view):
        read = stream.readinto(view[place : place + _PIECE])
        if not read:
            raise damaged(path, "it is cut off")
        place += read


def _open_without_waiting(path, flags):
    # Opening a pipe would wait for one who writes to it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
