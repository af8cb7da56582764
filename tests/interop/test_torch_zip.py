"""Tensors of torch's files: honest ones exactly, dishonest ones not at all."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from torch_files import (
    integer,
    program,
    state_dict,
    storage,
    tensor,
    text,
    write_archive,
    write_torch,
)

from sparsecode.interop import read_checkpoint
from sparsecode.interop._torch_write import write_torch as write_ours
from sparsecode.interop._torch_zip import read_torch

SIX = np.arange(6, dtype="<f4").tobytes()


def entry(start=0, shape=(2, 3), strides=(3, 1), kind="Float", key="0", length=6):
    return state_dict({"W": tensor(storage(kind, key, length), start, shape, strides)})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ae.pt"


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "u1"])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 3, 4), (0, 3)])
def test_arrays_come_back(path, dtype, big_endian, by_columns, shape):
    array = np.arange(np.prod(shape), dtype=int).reshape(shape).astype(dtype)
    write_torch(path, {"W": array}, big_endian=big_endian, by_columns=["W"] if by_columns else [])
    found = read_torch(path)["W"]
    np.testing.assert_array_equal(found, array)
    assert found.shape == shape and found.dtype.isnative
    assert found.dtype == (np.float32 if dtype == "f2" else dtype)


def test_tensors_share_storages(path):
    body = {
        "all": tensor(storage("Float", "0", 6), 0, (6,), (1,)),
        "last": tensor(storage("Float", "0", 6), 4, (2,), (1,)),
        "across": tensor(storage("Float", "0", 6), 1, (2, 2), (1, 3)),
    }
    write_archive(path, state_dict(body), {"0": SIX})
    arrays = read_torch(path)
    np.testing.assert_array_equal(arrays["last"], [4, 5])
    np.testing.assert_array_equal(arrays["across"], [[1, 4], [2, 5]])
    assert not any(array.flags.writeable for array in arrays.values())


def test_numbers_beside_tensors(path):
    write_archive(path, state_dict({"k": integer(3), "W": entry_of()}), {"0": SIX})
    assert read_torch(path)["k"] == 3


def entry_of():
    return tensor(storage("Float", "0", 6), 0, (2, 3), (3, 1))


@pytest.mark.parametrize(
    "instructions",
    [
        entry(start=1),
        entry(start=7, shape=(0,), strides=(1,), length=7),
        entry(shape=(7,), strides=(1,)),
        entry(shape=(2, 3), strides=(3, 2)),
        entry(shape=(2, 3), strides=(2**40, 1)),
        entry(shape=(2**40,), strides=(0,)),
        entry(shape=(2**30, 2**30), strides=(0, 0)),
        entry(shape=(7,), strides=(0,)),
        entry(shape=(2**59, 2**59, 2**59), strides=(1, 1, 1)),
        entry(shape=(1,) * 9, strides=(1,) * 9),
        entry(length=5),
        entry(length=7),
        entry(length=2**40),
        entry(kind="Double"),
        entry(kind="Half"),
        entry(key="1"),
        entry(key="../0"),
        entry(key="/etc/passwd"),
        entry(key="../data.pkl"),
        entry(key="0\x00"),
        entry(key=""),
    ],
)
def test_tensors_over_the_bounds_are_refused(path, instructions):
    write_archive(path, instructions, {"0": SIX})
    with pytest.raises(ValueError, match=r"ae\.pt: W"):
        read_torch(path)


def test_a_storage_of_two_lengths_is_refused(path):
    body = {
        "a": tensor(storage("Float", "0", 6), 0, (6,), (1,)),
        "b": tensor(storage("Int", "0", 6), 0, (6,), (1,)),
    }
    write_archive(path, state_dict(body), {"0": SIX})
    with pytest.raises(ValueError, match="with two dtypes or lengths"):
        read_torch(path)


@pytest.mark.parametrize(
    "instructions",
    [
        program(b"]"),
        program(b"N"),
        program(entry_of()),
        program(storage("Float", "0", 6)),
        state_dict({"W": b"]"}),
        state_dict({"W": text("x")}),
        state_dict({"W": b"\x88"}),
        state_dict({"W": b"}"}),
        program(b"}" + integer(3) + entry_of() + b"s"),
        b"",
        b"junk",
    ],
)
def test_anything_but_a_dict_of_tensors_is_refused(path, instructions):
    write_archive(path, instructions, {"0": SIX})
    with pytest.raises(ValueError, match=r"ae\.pt"):
        read_checkpoint(path)


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_is_refused_by_the_name_of_the_file(path, tmp_path):
    write_archive(path, pickle.dumps({"W": Bomb(tmp_path / "boom")}, protocol=2), {"0": SIX})
    with pytest.raises(ValueError, match=r"ae\.pt: its pickle is refused, .*mkdir") as caught:
        read_checkpoint(path)
    assert "state_dict" in str(caught.value)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("data", [b"", b"PK", pickle.dumps(0x1950A86A20F9469CFC6C), b"\0" * 1000])
def test_files_that_are_no_archives_are_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"ae\.pt is not a zip archive"):
        read_checkpoint(path)


def test_archives_without_or_with_two_folders_are_refused(path):
    for folders in ([], ["a", "b"]):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x", b"")
            for folder in folders:
                archive.writestr(f"{folder}/data.pkl", entry())
        with pytest.raises(ValueError, match=f"it has {len(folders)} members data.pkl"):
            read_checkpoint(path)


def test_long_instructions_are_refused(path):
    write_archive(path, b"\x80\x02" + b"N" * 2**20 + b".", {})
    with pytest.raises(ValueError, match="too many for instructions"):
        read_checkpoint(path)


@pytest.mark.parametrize("order", [b"", b"middle", b"little" * 50])
def test_unknown_byte_orders_are_refused(path, order):
    write_archive(path, entry(), {"0": SIX}, byteorder=order)
    with pytest.raises(ValueError, match="byte order"):
        read_checkpoint(path)


def test_cut_off_files_are_refused(path):
    write_archive(path, entry(), {"0": SIX})
    good = path.read_bytes()
    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(ValueError, match=r"ae\.pt"):
            read_checkpoint(path)


def test_flipped_bits_never_crash(path, rng):
    write_archive(path, entry(), {"0": SIX})
    good = path.read_bytes()
    for _ in range(500):
        damaged = bytearray(good)
        damaged[rng.integers(len(good))] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        with pytest.raises(ValueError, match=r"ae\.pt"):
            read_checkpoint(path)


def test_streams_of_bytes_are_not_paths():
    with pytest.raises(TypeError):
        read_checkpoint(io.BytesIO(b""))


def test_what_is_written_is_read_without_torch(tmp_path):
    arrays = {
        "W": np.arange(6, dtype=np.float32).reshape(2, 3),
        "T": np.arange(6.0).reshape(2, 3).T,
        "k": np.array(3, np.int32),
        "sizes": np.array([2, 4]),
        "none": np.zeros((0, 2)),
    }
    write_ours(tmp_path / "a.pt", arrays)
    found = read_torch(tmp_path / "a.pt")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    write_ours(tmp_path / "b.pt", arrays)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()
