"""Saved dictionaries come back equal; anything else is refused, and nothing is executed."""

import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from sparsecode import Dictionary, _array_files
from sparsecode.constraints import Constraint, Free, NonNegative, UnitBall, UnitNorm

suffixes = pytest.mark.parametrize("suffix", [".npz", ".safetensors"])


class Bomb:
    """Creates a file when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@suffixes
@pytest.mark.parametrize(
    "constraint", [Free(), UnitNorm(), UnitBall(), NonNegative(), NonNegative(UnitBall())], ids=repr
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [None, [1.0, 2.0, 3.0]])
def test_round_trip(tmp_path, rng, suffix, constraint, dtype, offset):
    atoms = rng.standard_normal((4, 3)).astype(dtype)
    dictionary = Dictionary(atoms, offset, constraint)
    path = tmp_path / f"atoms{suffix}"
    for given in (path, str(path)):
        dictionary.save(given)
        loaded = Dictionary.load(given)
        assert loaded.dtype == dtype and loaded.constraint == constraint
        assert (loaded.offset is None) == (offset is None)
        assert loaded == dictionary
    assert os.listdir(tmp_path) == [path.name]


@suffixes
def test_atoms_come_back_bit_by_bit(tmp_path, suffix):
    """Also those that were projected: reading does not project them a second time."""
    dictionary = Dictionary.random(200, 30, random_state=0, dtype=np.float32)
    dictionary.save(tmp_path / f"a{suffix}")
    assert Dictionary.load(tmp_path / f"a{suffix}") == dictionary


@pytest.mark.parametrize("name", ["atoms.pkl", "atoms.npy", "atoms", "atoms.NPZ.txt"])
def test_other_suffixes_are_refused(tmp_path, name):
    for function in (Dictionary(np.eye(2)).save, Dictionary.load):
        with pytest.raises(ValueError, match=r"expected '.safetensors' or '.npz'"):
            function(tmp_path / name)
    assert os.listdir(tmp_path) == []


@suffixes
def test_missing_file(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match="no such file"):
        Dictionary.load(tmp_path / f"none{suffix}")
    with pytest.raises(OSError, match="no folder"):
        Dictionary(np.eye(2)).save(tmp_path / "missing" / f"a{suffix}")


@suffixes
@pytest.mark.parametrize("keep", [0, 1, 10, 200, -1])
def test_damaged_files_are_refused(tmp_path, suffix, keep):
    path = tmp_path / f"a{suffix}"
    Dictionary(np.eye(5)).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)


@suffixes
def test_flipped_bytes_never_crash(tmp_path, suffix, rng):
    path = tmp_path / f"a{suffix}"
    Dictionary(np.eye(4)).save(path)
    good = path.read_bytes()
    for position in rng.integers(0, len(good), 60):
        damaged = bytearray(good)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            assert Dictionary.load(path).n_components >= 1
        except ValueError as error:
            assert str(path) in str(error)


@suffixes
def test_pickles_are_refused_unopened(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)
    assert not (tmp_path / "boom").exists()


def test_object_arrays_are_refused_unopened(tmp_path):
    path = tmp_path / "a.npz"
    header = json.dumps({"format": "sparsecode.Dictionary", "constraint": '{"name": "Free"}'})
    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb(tmp_path / "boom")
    np.savez(path, header=np.array(header), atoms=bomb)
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "constraint",
    ['{"name": "Constraint"}', '{"name": "os"}', '"UnitNorm"', "[]", "{", '{"name": 3}', "null"],
)
@suffixes
def test_hostile_headers_are_refused(tmp_path, suffix, constraint):
    path = tmp_path / f"a{suffix}"
    header = {"format": "sparsecode.Dictionary", "version": "1", "constraint": constraint}
    if suffix == ".npz":
        np.savez(path, header=np.array(json.dumps(header)), atoms=np.eye(2))
    else:
        safetensors.numpy.save_file({"atoms": np.eye(2)}, path, metadata=header)
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"atoms": np.ones(3)},
        {"atoms": np.full((2, 2), np.nan)},
        {"atoms": np.eye(2), "offset": np.ones(5)},
        {"atoms": np.array([["a", "b"]])},
    ],
    ids=["none", "1-D", "NaN", "offset", "strings"],
)
def test_wrong_arrays_are_refused_with_the_path(tmp_path, arrays):
    path = tmp_path / "a.npz"
    header = {"format": "sparsecode.Dictionary", "constraint": '{"name": "Free"}'}
    np.savez(path, header=np.array(json.dumps(header)), **arrays)
    with pytest.raises(ValueError, match=r"a\.npz"):
        Dictionary.load(path)


@suffixes
def test_other_files_of_the_format_are_refused(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, atoms=np.eye(2))
    else:
        safetensors.numpy.save_file({"atoms": np.eye(2)}, path)
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)


def test_an_archive_that_is_not_numpy_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("atoms.npy", b"not numpy")
        archive.writestr("header.npy", b"")
    with pytest.raises(ValueError, match="is not a saved dictionary"):
        Dictionary.load(path)


@suffixes
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_save_leaves_the_old_file(tmp_path, suffix, error, monkeypatch):
    path = tmp_path / f"a{suffix}"
    old = Dictionary(np.eye(2))
    old.save(path)
    writer = "_write_npz" if suffix == ".npz" else "_write_safetensors"

    def half(temporary, arrays, header):
        temporary.write_bytes(b"half")
        raise error

    monkeypatch.setattr(_array_files, writer, half)
    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        Dictionary(np.ones((3, 3))).save(path)
    assert Dictionary.load(path) == old
    assert os.listdir(tmp_path) == [path.name]


def test_a_foreign_constraint_is_not_saved_as_something_else(tmp_path):
    class Centred(Constraint):
        pass

    path = tmp_path / "a.npz"
    with pytest.raises((TypeError, ValueError), match="Centred"):
        Dictionary(np.eye(2), constraint=Centred()).save(path)
    assert not path.exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_permissions_are_those_of_a_new_file(tmp_path, suffix):
    (tmp_path / "plain").touch()
    path = tmp_path / f"a{suffix}"
    Dictionary(np.eye(2)).save(path)
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_equal_dictionaries_make_equal_files(tmp_path):
    contents = set()
    for i in range(8):
        Dictionary(np.eye(3)).save(tmp_path / f"{i}.safetensors")
        contents.add((tmp_path / f"{i}.safetensors").read_bytes())
    assert len(contents) == 1
