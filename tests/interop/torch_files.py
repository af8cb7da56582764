"""Files as torch saves them, made byte by byte without torch, honest ones and others."""

import struct
import zipfile

import numpy as np

STORAGES = {"f8": "Double", "f4": "Float", "f2": "Half", "i8": "Long", "i4": "Int", "u1": "Byte"}


def text(value):
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def integer(value):
    """BININT, or LONG1 where it is too long."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    size = (value.bit_length() + 8) // 8
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def integers(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def name(module, attribute):
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def storage(kind, key, length):
    """The persistent id of a storage."""
    kind = name("torch", f"{kind}Storage")
    return b"(" + text("storage") + kind + text(key) + text("cpu") + integer(length) + b"tQ"


def tensor(reference, start, shape, strides):
    """A call of _rebuild_tensor_v2: no gradient, an empty ordered dict of hooks."""
    hooks = name("collections", "OrderedDict") + b")R"
    rest = integer(start) + integers(shape) + integers(strides) + b"\x89" + hooks
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + reference + rest + b"tR"


def program(body):
    return b"\x80\x02" + body + b"."


def state_dict(entries):
    """An ordered dict of instructions by name, with the attribute that state_dict() leaves."""
    items = b"".join(text(key) + value for key, value in entries.items())
    metadata = b"}" + text("_metadata") + name("collections", "OrderedDict") + b")R" + b"sb"
    return program(name("collections", "OrderedDict") + b")R(" + items + b"u" + metadata)


def write_archive(path, instructions, storages, *, folder="archive", **members):
    """Write the zip archive; `storages` are bytes by key."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{folder}/data.pkl", instructions)
        for key, data in storages.items():
            archive.writestr(f"{folder}/data/{key}", data)
        for member, data in {"version": b"3\n", **members}.items():
            archive.writestr(f"{folder}/{member}", data)


def write_torch(path, arrays, *, big_endian=False, by_columns=()):
    """Write arrays by name as a state dict; uint16 arrays are the bits of bfloat16."""
    entries, storages = {}, {}
    for i, (key, array) in enumerate(arrays.items()):
        columns = key in by_columns
        stored = np.asarray(array, order="F" if columns else "C")
        kind = "BFloat16" if array.dtype == np.uint16 else STORAGES[array.dtype.str[1:]]
        strides = [stride // array.itemsize for stride in stored.strides]
        reference = storage(kind, str(i), array.size)
        entries[key] = tensor(reference, 0, array.shape, strides)
        flat = stored.ravel(order="F" if columns else "C")
        storages[str(i)] = flat.astype(
            flat.dtype.newbyteorder(">" if big_endian else "<")
        ).tobytes()
    order = {"byteorder": b"big" if big_endian else b"little"}
    write_archive(path, state_dict(entries), storages, **order)
