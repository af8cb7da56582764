"""Archives are read only as large as they truly are."""

import io
import struct
import zipfile

import numpy as np
import pytest

from sparsecode._reading.archive import read_npz
from sparsecode._reading.npy import widened
from sparsecode.interop import read_checkpoint


@pytest.fixture
def path(tmp_path):
    return tmp_path / "params.npz"


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text, version=(1, 0)):
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text.encode()


def write(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i4", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(path, compressed, dtype, order):
    arrays = {"a": np.arange(6).reshape(2, 3).astype(dtype, order=order), "b": np.array(3.0)}
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    found = read_npz(path)
    found = {name: widened(array) for name, array in found.items()}
    assert list(found) == ["a", "b"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert found["a"].dtype.isnative


def test_second_version_of_headers(path):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
    write(path, {"a.npy": header(text, (2, 0)) + np.ones(2, "<f4").tobytes()})
    np.testing.assert_array_equal(read_npz(path)["a"], np.ones(2, np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk" * 10,
        npy(np.ones(3))[:-1],
        npy(np.ones(3)) + b"1",
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2)}") + b"12345678",
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (2**40,)}"),
        header("{'descr': '<f4', 'shape': (2,)}") + b"12345678",
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"12345678",
        header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}") + b"1234",
        header("{'descr': '|V4', 'fortran_order': False, 'shape': (1,)}") + b"1234",
        header("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}") + b"1234",
        header("__import__('os').mkdir('boom')"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", (3, 0)) + b"12345678",
        header("(" * 5000),
        header("9" * 9000),
    ],
)
def test_wrong_members_are_refused(path, data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write(path, {"W_enc.npy": data})
    with pytest.raises(ValueError, match=r"params\.npz") as caught:
        read_checkpoint(path)
    assert "without the arrays" not in str(caught.value)
    assert not (tmp_path / "boom").exists()


def test_bombs_are_refused_before_they_are_unpacked(path):
    """100 MiB of zeros in 100 kB; a member of its own that claims terabytes."""
    write(path, {"W_enc.npy": b"\0" * (100 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**18
    with pytest.raises(ValueError, match="would unpack to 104857600"):
        read_checkpoint(path)


def test_sizes_that_the_archive_makes_up(path):
    """The central directory says another size than what is there."""
    write(path, {"W_enc.npy": npy(np.ones(3))})
    good = path.read_bytes()
    place = good.index(b"PK\x01\x02") + 24
    for size in (0, 1, 10**6, 2**32 - 2):
        path.write_bytes(good[:place] + struct.pack("<I", size) + good[place + 4 :])
        with pytest.raises(ValueError, match=r"params\.npz"):
            read_checkpoint(path)


def test_damaged_contents_are_noticed(path):
    """By the checksum of the archive."""
    np.savez(path, W_enc=np.ones((4, 5)))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"params\.npz"):
        read_checkpoint(path)


def test_two_members_of_one_name_are_refused(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W_enc.npy", npy(np.ones(2)))
        archive.writestr("W_enc.npy", npy(np.ones(3)))
    with pytest.raises(ValueError, match="2 members with 1 different"):
        read_checkpoint(path)


def test_very_many_members_are_refused(path):
    write(path, {str(i): b"" for i in range(10_001)})
    with pytest.raises(ValueError, match="has 10001 members"):
        read_checkpoint(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(path, method):
    write(path, {"W_enc.npy": npy(np.ones(2))}, compression=method)
    with pytest.raises(ValueError, match="compressed by method"):
        read_checkpoint(path)


def test_encrypted_archives_are_refused(path):
    write(path, {"W_enc.npy": npy(np.ones(2))})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match="encrypted"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["../W_enc.npy", "/etc/W_enc.npy", "C:\\W_enc.npy", "a/b.npy"])
def test_names_lead_nowhere(path, name, tmp_path):
    write(path, {name: npy(np.ones(2))})
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(ValueError, match="without the arrays"):
        read_checkpoint(path)
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_cut_off_files_are_refused(path):
    np.savez(path, a=np.ones(20))
    good = path.read_bytes()
    for length in range(0, len(good), 9):
        path.write_bytes(good[:length])
        with pytest.raises(ValueError, match=r"params\.npz"):
            read_checkpoint(path)
