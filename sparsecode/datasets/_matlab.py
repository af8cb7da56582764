"""Arrays of MATLAB files: of versions 4 and 5, compressed or not, and of 7.3, which is HDF5.

Only the requested array of a file is read. Its size is first checked against the size of the file.
"""

from __future__ import annotations

import math
import zlib

import numpy as np

from sparsecode._extras import how_to_install
from sparsecode._reading.refusal import Refused, damaged
from sparsecode._reading.regular import (
    check_as_floats,
    check_unpacked,
    open_regular,
    read_into,
    size_as_floats,
    size_of,
)

NAMES = ("IMAGES", "IMAGESr")  # whitened and raw, as Olshausen and Field distribute them
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_STORED |= {12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"}
_CLASSES |= {14: "i8", 15: "u8"}
_OLDEST = {0: "f8", 1: "f4", 2: "i4", 3: "i2", 4: "u2", 5: "u1"}
_HEAD = 2**12
_MOST_ELEMENTS = 10_000


def read_matlab(path, max_bytes):
    """Return the array IMAGES, or IMAGESr, of a file, with the axes in MATLAB's order."""
    with open_regular(path) as file:
        head = file.read(520)
        if _HDF5_SIGNATURE in (head[:8], head[512:]):
            return _read_hdf5(path, size_of(file), max_bytes)
        if head[126:128] in (b"IM", b"MI") and 0 not in head[:4]:
            return _Mat5(path, file, ">" if head[126:128] == b"MI" else "<", max_bytes).read()
        return _read_mat4(path, file)


def _chosen(path, held):
    for name in NAMES:
        if name in held:
            return name
    listed = ", ".join(sorted(held)[:10]) + (", ..." if len(held) > 10 else "")
    raise Refused(
        f"{path} holds no array IMAGES; it holds {listed or 'no array'}. "
        "Save the images in MATLAB as IMAGES, of shape (rows, columns, n_images)."
    )


def _read_mat4(path, file):
    """Read the oldest kind: matrices one behind the other, each after five numbers and a name."""
    size, place, found = size_of(file), 0, {}
    if size == 0:
        raise damaged(path, "it is empty")
    for _ in range(_MOST_ELEMENTS):
        file.seek(place)
        head = file.read(20)
        if not head:
            break
        # The thousands of the first number tell the order of bytes, so that it is below 10000.
        order = "<" if len(head) == 20 and np.frombuffer(head, "<i4")[0] in range(5000) else ">"
        numbers = np.frombuffer(head, f"{order}i4").tolist() if len(head) == 20 else [-1] * 5
        kind, rows, columns, imaginary, length = numbers
        stored = _OLDEST.get(kind % 1000 // 10)
        if kind not in range(5000) or stored is None or min(rows, columns, length) < 0:
            raise damaged(path, "it is not a MATLAB file")
        stored = np.dtype(stored).newbyteorder(order)
        start = place + 20 + length
        place = start + rows * columns * stored.itemsize * (2 if imaginary else 1)
        if place > size:
            raise damaged(path, "it is cut off")
        name = file.read(min(length, _HEAD)).rstrip(b"\0").decode("latin1")
        found.setdefault(name, (kind % 10, imaginary, start, (rows, columns), stored))
    name = _chosen(path, list(found))
    text, imaginary, start, shape, stored = found[name]
    if imaginary:
        raise _not_real(path, name)
    if text:
        raise _no_numbers(path, name)
    array = np.empty(shape, stored, order="F")
    file.seek(start)
    if array.size:
        read_into(path, file, array.reshape(-1, order="A"))
    return array.astype(stored.newbyteorder("="), copy=False)


def _read_hdf5(path, size, max_bytes):
    try:
        import h5py
    except ImportError as error:
        raise Refused(
            f"{path} is a MATLAB 7.3 file, which needs h5py. {how_to_install('matlab')} Or save "
            "the file in MATLAB with the option -v7."
        ) from error
    with h5py.File(path, "r") as file:
        links = {name: file.get(name, getlink=True) for name in file}
        for name in set(NAMES) & set(links):
            # Another link could lead to any file of the machine.
            if not isinstance(links[name], h5py.HardLink):
                raise _elsewhere(path, name, "a link")
        held = [
            name
            for name, link in links.items()
            if isinstance(link, h5py.HardLink) and file.get(name, getclass=True) is h5py.Dataset
        ]
        dataset = file[_chosen(path, held)]
        name = dataset.name.strip("/")
        if dataset.external or dataset.is_virtual:
            raise _elsewhere(path, name, "kept in other files")
        if dataset.dtype.kind not in "fiubcV" or dataset.shape is None:
            raise Refused(f"{path} has {name} of type {dataset.dtype}; expected numbers.")
        if dataset.dtype.kind in "cV":
            raise _not_real(path, name)
        itemsize = dataset.dtype.itemsize
        for shape in (dataset.shape, dataset.chunks or ()):
            check_unpacked(path, size, math.prod(shape) * itemsize, max_bytes)
        floats = size_as_floats(math.prod(dataset.shape), dataset.dtype)
        check_as_floats(path, size, floats, max_bytes)
        # MATLAB counts the first axis fastest, HDF5 the last: the axes arrive reversed.
        return np.asarray(dataset[()]).T


def _elsewhere(path, name, what):
    return Refused(
        f"{path} has {name} as {what}; expected an array in the file itself, as other files are "
        "never read. Save it again in MATLAB."
    )


def _not_real(path, name):
    return Refused(
        f"{path} has {name} of complex numbers; expected real numbers. Save its real part."
    )


def _no_numbers(path, name):
    return Refused(
        f"{path} has {name} that is not an array of numbers; expected an array. Save the images "
        "in MATLAB as an array of numbers."
    )


class _Mat5:
    """A file of version 5: elements one behind the other, each an array or a compressed one."""

    def __init__(self, path, file, order, max_bytes):
        self.path, self.file, self.order, self.max_bytes = path, file, order, max_bytes
        self.size = size_of(file)

    def read(self):
        """Return the requested array."""
        found = {}
        place = 128
        for _ in range(_MOST_ELEMENTS):
            if place + 8 > self.size:
                break
            self.file.seek(place)
            kind, length = self._words(self.file.read(8))
            if place + 8 + length > self.size:
                raise damaged(self.path, "it is cut off")
            if kind in (_MATRIX, _COMPRESSED):
                found.setdefault(self._name(kind, place + 8, length), (kind, place + 8, length))
            place += 8 + length
        name = _chosen(self.path, list(found))
        return self._array(name, self._contents(*found[name]))

    def _words(self, data):
        return np.frombuffer(data, f"{self.order}u4").tolist()

    def _name(self, kind, place, length):
        head = self._unpack(place, length, _HEAD)[8:] if kind == _COMPRESSED else None
        if head is None:
            self.file.seek(place)
            head = self.file.read(min(length, _HEAD))
        if len(head) == 0:
            return ""
        _, start = self._element(head, 0)
        _, start = self._element(head, start)
        (_, name), _ = self._element(head, start)
        return bytes(name).decode("latin1")

    def _contents(self, kind, place, length):
        """Bytes of an array, without the eight bytes that state its length."""
        if kind == _MATRIX:
            contents = np.empty(length, np.uint8)
            self.file.seek(place)
            if length:
                read_into(self.path, self.file, contents)
            return contents.data
        kind, unpacked = self._words(self._unpack(place, length, 8))
        if kind != _MATRIX:
            raise damaged(self.path, "it has compressed data that are not an array")
        check_unpacked(self.path, self.size, unpacked, self.max_bytes)
        return memoryview(self._unpack(place, length, 8 + unpacked))[8:]

    def _unpack(self, place, length, most):
        """Return the first bytes that a compressed element unpacks to, `most` of them."""
        self.file.seek(place)
        unpacker, out = zlib.decompressobj(), bytearray()
        while length and len(out) < most and not unpacker.eof:
            piece = self.file.read(min(length, 2**16))
            length -= len(piece)
            try:
                out += unpacker.decompress(piece, most - len(out))
                while unpacker.unconsumed_tail and len(out) < most:
                    out += unpacker.decompress(unpacker.unconsumed_tail, most - len(out))
            except zlib.error:
                raise damaged(self.path, "it cannot be unpacked") from None
        return out

    def _element(self, data, place):
        """Type and bytes of an element within an array, and where the next one begins."""
        if place + 8 > len(data):
            raise damaged(self.path, "it is cut off")
        kind, length = self._words(data[place : place + 8])
        if kind >> 16:
            # Four bytes or less stand beside their length.
            length, kind = kind >> 16, kind & 0xFFFF
            start, following = place + 4, place + 8
        else:
            start, following = place + 8, place + 8 + length + -length % 8
        if start + length > len(data) or (start == place + 4 and length > 4):
            raise damaged(self.path, "it is cut off")
        return (kind, data[start : start + length]), following

    def _array(self, name, data):
        (_, flags), place = self._element(data, 0)
        (kind, lengths), place = self._element(data, place)
        _, place = self._element(data, place)
        if len(flags) != 8 or kind != 5 or len(lengths) % 4 or len(lengths) > 128:
            raise damaged(self.path, f"the header of {name} is not that of an array")
        shape = np.frombuffer(lengths, f"{self.order}i4").tolist()
        word = self._words(flags)[0]
        if word & 0xFF not in _CLASSES:
            raise _no_numbers(self.path, name)
        if word >> 11 & 1:
            raise _not_real(self.path, name)
        (kind, values), _ = self._element(data, place)
        if kind not in _STORED or min(shape, default=0) < 0:
            raise damaged(self.path, f"the header of {name} is not that of an array")
        stored = np.dtype(_STORED[kind]).newbyteorder(self.order)
        if len(values) != math.prod(shape) * stored.itemsize:
            raise damaged(self.path, f"{name} has {len(values)} bytes, which do not fit its shape")
        floats = size_as_floats(math.prod(shape), np.dtype(_STORED[kind]))
        check_as_floats(self.path, self.size, floats, self.max_bytes)
        # MATLAB stores whole numbers in few bytes, even if the class of the array is another.
        array = np.frombuffer(values, stored).astype(_CLASSES[word & 0xFF], copy=False)
        return array.reshape(shape, order="F")
