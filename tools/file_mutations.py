"""Changes of valid files: of their bytes, and of what archives, headers and JSON hold."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

_EXTREMES = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
_VALUES = (
    None, True, False, 0, -1, 1, 2, 1.5, 2**31, 2**63, 2**70, 1e308, -1e308, float("nan"),
    float("inf"), "", "x", "relu", "TopK", "a" * 1000, [], [1], [[]], {}, {"name": "L1"},
    [2**40] * 3,
)  # fmt: skip


def mutate(rng, folder):
    """Change one file of a folder in place; returns words for what was changed."""
    path = rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    data = path.read_bytes()
    kinds = [_of_bytes, _of_bytes]
    if data[:4] == b"PK\3\4":
        kinds += [_of_archive, _of_archive]
    if path.suffix == ".safetensors":
        kinds += [_of_safetensors, _of_safetensors]
    if path.suffix == ".json":
        kinds += [_of_json, _of_json]
    if path.suffix == ".png":
        kinds += [_of_png]
    if path.name == "packed.mat":
        kinds += [_of_packed_mat]
    kind = rng.choice(kinds)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = kind(rng, data)
    path.write_bytes(data)
    return f"{path.name} changed by {kind.__name__.removeprefix('_')}"


def _of_bytes(rng, data):
    """Flip bits, cut, overwrite numbers, move or repeat pieces."""
    data = bytearray(data)
    if not data:
        return bytes(data)
    kind = rng.choice(("flip", "flip", "number", "number", "cut", "insert", "swap", "repeat"))
    # Headers are at the beginning, and of archives at the end.
    reach = rng.choice((16, 64, 512, len(data)))
    place = min(rng.randrange(reach), len(data) - 1)
    if rng.random() < 0.2:
        place = len(data) - 1 - place
    if kind == "flip":
        for _ in range(rng.choice((1, 2, 8))):
            data[place] ^= 1 << rng.randrange(8)
            place = min(place + rng.randrange(4), len(data) - 1)
    elif kind == "number":
        size = rng.choice((1, 2, 4, 8))
        number = rng.choice(_EXTREMES) % 2 ** (8 * size)
        number = number.to_bytes(size, rng.choice(("little", "big")))
        data[place : place + len(number)] = number
    elif kind == "cut":
        del data[place : place + rng.choice((1, 8, len(data)))]
    elif kind == "insert":
        data[place:place] = rng.randbytes(rng.choice((1, 8, 1000)))
    else:
        other = rng.randrange(len(data))
        piece = data[other : other + rng.choice((4, 64))]
        data[place : place + (len(piece) if kind == "swap" else 0)] = piece
    return bytes(data)


def _of_archive(rng, data):
    """Change, rename, exchange, drop or add members; the archive itself is right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
    except Exception:
        return _of_bytes(rng, data)
    names = sorted(members)
    if not names:
        return _of_bytes(rng, data)
    one, other = rng.choice(names), rng.choice(names)
    kind = rng.choice(("bytes", "bytes", "text", "text", "exchange", "drop", "add", "bomb"))
    if kind == "bytes":
        members[one] = _of_bytes(rng, members[one])
    elif kind == "text":
        members[one] = _of_text(rng, members[one])
    elif kind == "exchange":
        members[one], members[other] = members[other], members[one]
    elif kind == "drop":
        del members[one]
    elif kind == "add":
        members[rng.choice(("x.npy", "../x.npy", "a/b/c", "W_enc.npy"))] = members[other]
    else:
        members[one] += bytes(rng.choice((2**20, 2**27)))
    out = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    if kind == "bomb":
        method = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return out.getvalue()


def _of_text(rng, data):
    """Change JSON or the header of an array within a member, in whatever characters."""
    for code in ("utf-32-le", "latin1"):
        start = data.find("{".encode(code))
        stop = data.rfind("}".encode(code))
        if 0 <= start < stop:
            stop += len("}".encode(code))
            text = data[start:stop].decode(code, "replace")
            changed = _changed_text(rng, text)
            # Arrays say how long they are: the same length fits.
            changed = changed[: len(text)].ljust(len(text))
            return data[:start] + changed.encode(code, "replace") + data[stop:]
    return _of_bytes(rng, data)


def _changed_text(rng, text):
    try:
        return json.dumps(_changed_value(rng, json.loads(text)))
    except ValueError:
        if not text:
            return rng.choice(("x", "{}", "1"))
        words = ("0", "-1", "9" * 18, "'<f8'", "'|O'", "'V2'", "True", "()", "(1,)")
        place = rng.randrange(len(text))
        return text[:place] + rng.choice(words) + text[place + rng.randrange(6) :]


def _of_json(rng, data):
    try:
        return json.dumps(_changed_value(rng, json.loads(data))).encode()
    except ValueError:
        return _of_bytes(rng, data)


def _changed_value(rng, value):
    """Replace one value somewhere within; strings of JSON are looked into."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        kind = rng.random()
        if kind < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if kind < 0.15:
            return {**value, rng.choice(("x", "k", "name", "")): rng.choice(_VALUES)}
        return {**value, key: _changed_value(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        return [*value[:place], _changed_value(rng, value[place]), *value[place + 1 :]]
    if isinstance(value, str) and value[:1] in "{[" and rng.random() < 0.85:
        return _changed_text(rng, value)
    return rng.choice(_VALUES)


def _of_safetensors(rng, data):
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        return _of_bytes(rng, data)
    if isinstance(header, dict) and rng.random() < 0.05:
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
        header |= {str(i): empty for i in range(100_000)}
    text = json.dumps(_changed_value(rng, header)).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _of_png(rng, data):
    """Another size in the header, whose checksum is right."""
    header = bytearray(data[16:29])
    place = rng.randrange(len(header))
    header[place] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    check = zlib.crc32(b"IHDR" + header)
    return data[:16] + bytes(header) + struct.pack(">I", check) + data[33:]


def _of_packed_mat(rng, data):
    """Change what a compressed array unpacks to."""
    place = 128
    elements = []
    while place + 8 <= len(data):
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        elements.append(data[place + 8 : place + 8 + length])
        place += 8 + length
    out = data[:128]
    chosen = rng.randrange(len(elements)) if elements else -1
    for i, element in enumerate(elements):
        try:
            unpacked = zlib.decompress(element)
        except zlib.error:
            return _of_bytes(rng, data)
        if i == chosen:
            unpacked = _of_bytes(rng, unpacked)
            if rng.random() < 0.1:
                unpacked += bytes(2**27)
        packed = zlib.compress(unpacked)
        out += (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    return out
