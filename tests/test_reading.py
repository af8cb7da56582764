"""Files say less than they may, and are what they say: every reader of our own files."""

import errno
import json
import os
import struct
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from sparsecode import Dictionary, SparseAutoencoder
from sparsecode._reading.archive import open_archive, read_npz, read_npz_members
from sparsecode._reading.regular import open_regular
from sparsecode._reading.tensors import read_tensors
from sparsecode.interop import Checkpoint, read_checkpoint
from sparsecode.training import TrainingState

LOADERS = [Dictionary.load, SparseAutoencoder.load, TrainingState.load, read_checkpoint]
loaders = pytest.mark.parametrize("load", LOADERS, ids=lambda load: load.__qualname__)


def bomb(path, name="atoms.npy", n=10**9):
    """A small archive of many zeros."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({n},)}}".ljust(117) + "\n"
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open(name, "w") as member:
        member.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode())
        for _ in range(n // 2**20):
            member.write(bytes(2**20))
        member.write(bytes(n % 2**20))
    return path


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return bomb(tmp_path_factory.mktemp("bomb") / "params.npz", n=2**27)


@loaders
def test_bombs_are_refused_with_the_way_out(packed, load):
    with pytest.raises(ValueError, match=r"npz is \d+ bytes that .* 134217\d+; .* max_bytes"):
        load(packed)


@pytest.mark.parametrize("load", LOADERS[:3], ids=lambda load: load.__qualname__)
def test_the_limit_can_be_raised(packed, load):
    with pytest.raises(ValueError, match="holds nothing named 'header'"):
        load(packed, max_bytes=2**28)
    for wrong in (0, 1.5, "1 GB"):
        with pytest.raises(ValueError, match="max_bytes is"):
            load(packed, max_bytes=wrong)


def test_compressed_files_of_ordinary_ratio_are_read(tmp_path):
    Dictionary(np.eye(9)).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        np.savez_compressed(tmp_path / "b.npz", **file)
    assert Dictionary.load(tmp_path / "b.npz") == Dictionary(np.eye(9))
    with pytest.raises(ValueError, match="expected at most 100"):
        Dictionary.load(tmp_path / "b.npz", max_bytes=100)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@loaders
@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_pipes_and_devices_are_never_opened_to_read(tmp_path, load, suffix):
    if suffix == ".pt" and load is not read_checkpoint:
        return
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / f"pipe{suffix}")
    format = {"format": "sae_lens"} if suffix == ".safetensors" else {}
    for name in ("pipe", "zero", "link"):
        with pytest.raises(ValueError, match=r"a device or a pipe|missing"):
            load(tmp_path / f"{name}{suffix}", **(format if load is read_checkpoint else {}))


def test_links_to_regular_files_are_followed(tmp_path):
    Dictionary(np.eye(2)).save(tmp_path / "a.npz")
    (tmp_path / "b.npz").symlink_to(tmp_path / "a.npz")
    assert Dictionary.load(tmp_path / "b.npz") == Dictionary(np.eye(2))


def test_settings_that_are_a_device(tmp_path):
    """In a folder of which one file leads to something that never ends."""
    safetensors.numpy.save_file({"W_enc": np.eye(2)}, tmp_path / "sae_weights.safetensors")
    (tmp_path / "cfg.json").symlink_to("/dev/zero")
    with pytest.raises(ValueError, match=r"cfg\.json is a device or a pipe"):
        read_checkpoint(tmp_path)


def test_headers_of_very_many_tensors_are_refused(tmp_path):
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    for n, reason in (
        (20_000, "more than 10000 arrays"),
        (300_000, "first bytes give a header of"),
    ):
        text = json.dumps({str(i): entry for i in range(n)}).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(struct.pack("<Q", len(text)) + text)
        with pytest.raises(ValueError, match=reason):
            Dictionary.load(path)
        with pytest.raises(ValueError, match=reason):
            read_tensors(path)


def test_archives_of_very_many_members_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(40_000):
            archive.writestr(zipfile.ZipInfo(f"{i}" + "x" * 80), b"")
    with pytest.raises(ValueError, match=r"list of members has \d+ bytes"), open_archive(path):
        pass


def test_a_missing_file_and_one_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no such file"):
        Dictionary.load(tmp_path / "a.npz")

    def fail(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", fail)
    for name in ("a.npz", "a.safetensors"):
        with pytest.raises(PermissionError, match=rf"{name} cannot be read: Permission denied"):
            Dictionary.load(tmp_path / name)


def test_too_little_memory_is_not_called_a_damaged_file(tmp_path, monkeypatch):
    Dictionary(np.eye(2)).save(tmp_path / "a.npz")

    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("sparsecode._array_files.open_archive", fail)
    with pytest.raises(MemoryError, match=r"a\.npz needs more memory than is available"):
        Dictionary.load(tmp_path / "a.npz")


def test_messages_are_without_the_inside_of_python(tmp_path):
    for arrays in ({"atoms": np.eye(2)}, {"header": np.array('{"x": 1}')}, {"header": np.ones(2)}):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(ValueError, match="is not a saved dictionary") as caught:
            Dictionary.load(tmp_path / "a.npz")
        for word in ("Error", "object at", "NoneType", "subscriptable"):
            assert word not in str(caught.value)


def loss(terms=(), levels=None):
    """Settings of an autoencoder with a loss of these terms."""
    values = {"terms": terms, "levels": levels, "output": None}
    return {"loss": {"name": "losses.AutoencoderLoss", "values": values}}


def term(name, values):
    """Settings of an autoencoder with a loss of one term."""
    return loss([{"name": name, "values": values}])


def deep_terms(depth):
    values = {}
    for _ in range(depth):
        values = {"term": {"name": "losses.TargetL0", "values": values}}
    return term("losses.TargetL0", values)


@pytest.fixture
def saved(tmp_path):
    """Write a fitted autoencoder with one part of its header changed."""
    model = SparseAutoencoder.from_pretrained(Checkpoint("ReLU", np.eye(3, 2), np.eye(3, 2)))
    good = tmp_path / "good.npz"
    model.save(good)
    with np.load(good) as file:
        arrays = dict(file)

    def write(part, **changes):
        header = json.loads(str(arrays["header"]))
        value = json.loads(header[part])
        value = changes.get("value", {**value, **changes} if isinstance(value, dict) else None)
        header[part] = json.dumps(value)
        np.savez(tmp_path / "a.npz", **{**arrays, "header": np.array(json.dumps(header))})
        return tmp_path / "a.npz"

    return write


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("settings", {"alpha": float("nan")}, "alpha is nan"),
        ("settings", {"alpha": -1.0}, "alpha is -1.0"),
        ("settings", {"alpha": None}, "alpha is None"),
        ("settings", {"n_components": 2.5}, "n_components is 2.5"),
        ("settings", {"batch_size": 0}, "batch_size is 0"),
        ("settings", {"n_epochs": "ten"}, "n_epochs is 'ten'"),
        ("settings", {"target_l0": -2}, "target_l0 is -2"),
        ("settings", {"validation_fraction": 2.0}, "validation_fraction is 2.0"),
        ("settings", {"sparse_output": "no"}, "sparse_output is 'no'"),
        ("settings", {"dead_window": -5}, "dead_window is -5"),
        ("settings", {"boom": 1}, "settings 'boom', which SparseAutoencoder does not have"),
        ("settings", {"alpha": [1]}, "alpha is [1]"),
        ("settings", {"value": [1]}, "where an object is expected"),
        ("names", {"value": 5}, "where an object is expected"),
        ("names", {"value": ["a"]}, "names are not 2 strings"),
        ("names", {"value": ["a", 3]}, "names are not 2 strings"),
        ("fitted", {"input_scale": 0}, "input_scale is 0"),
        ("fitted", {"input_scale": float("inf")}, "input_scale is inf"),
        ("fitted", {"input_scale": None}, "input_scale is None"),
        ("fitted", {"debiases": 3}, "debiases is 3"),
        ("fitted", {"sparsity_weight": -1.0}, "sparsity_weight is -1.0"),
        ("fitted", {"value": {}}, "holds nothing named 'input_scale'"),
        ("penalty", {"name": "Penalty"}, "names the class 'Penalty'"),
        ("penalty", {"name": "os"}, "names the class 'os'"),
        ("penalty", {"values": {"alpha": float("nan")}}, "alpha"),
        ("penalty", {"values": {"beta": 1}}, "settings 'beta', which L1 does not have"),
        ("encoder", {"name": ["ReLU"]}, "names the class"),
        ("encoder", {"values": {"k": 3}}, "settings 'k', which ReLU does not have"),
        ("encoder", {"settings": {}}, "the unknown entries 'settings'"),
        ("encoder", {"name": "encoders.TopK", "values": {"k": 0}}, "k is 0"),
        ("constraint", {"name": "Constraint"}, "its constraint is 'Constraint'"),
        ("settings", {"init": "abc"}, "init is 'abc'"),
        ("settings", {"offset": "abc"}, "init of the offset is 'abc'"),
        ("settings", {"offset": 3}, "init of the offset is 3"),
        ("settings", {"loss": [1]}, "loss is [1]"),
        ("settings", {"loss": {"name": "losses.Lp"}}, "holds nothing named 'values'"),
        ("settings", {"loss": {"name": "losses.Lp", "values": 3}}, "settings of its loss are 3"),
        ("settings", loss(3), "terms is 3"),
        ("settings", loss([3]), "terms[0] is 3"),
        ("settings", loss([], [7, None]), "levels"),
        ("settings", term("os", {}), "names the class 'os'"),
        ("settings", term("losses.Lp", {"q": 1}), "settings 'q', which Lp does not have"),
        (
            "settings",
            term("losses.Lp", {"weight": "1"}),
            "Lp holds '1' where the number weight is expected",
        ),
        ("settings", term("losses.Lp", {"weight": -1.0}), "weight of Lp is -1.0"),
        ("settings", term("penalties.L1", {"alpha": float("nan")}), "alpha"),
        ("settings", term("losses.TargetL0", {"target": 0}), "target is 0"),
        ("settings", term("losses.GateSparsity", {}), "needs the signal 'gate' of the encoder"),
        (
            "settings",
            term("losses.Lp", {"weight": {"name": "schedules.Linear", "values": {"begin": -1}}}),
            "begin",
        ),
        ("settings", deep_terms(200), "nested too deeply"),
        ("settings", {"target_l0": 2.5, "patience": 3}, "patience is 3"),
    ],
)
def test_headers_are_checked_as_constructors_check(saved, part, changes, words):
    with pytest.raises(ValueError, match="is not a saved autoencoder") as caught:
        SparseAutoencoder.load(saved(part, **changes))
    assert words in str(caught.value)
    assert "Error" not in str(caught.value)


def test_what_fit_would_take_is_read(saved):
    path = saved("settings", alpha=0.5, patience=3, dead_window=100, verbose=2)
    model = SparseAutoencoder.load(path)
    assert model.alpha == 0.5 and model.patience == 3
    np.testing.assert_array_equal(model.transform([[1.0, 2.0]]), [[1.0, 2.0, 0.0]])
    assert SparseAutoencoder.load(saved("settings", target_l0=2.5)).target_l0 == 2.5


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("numbers", {"n_epochs": -1}, "n_epochs is -1"),
        ("numbers", {"seed": 1.5}, "seed is 1.5"),
        ("numbers", {"best_loss": "low"}, "best_loss is 'low'"),
        ("numbers", {"value": {}}, "holds nothing named 'n_epochs'"),
        ("history", {"value": ["loss"]}, "holds nothing named 'loss'"),
        ("history", {"value": {"loss": 1}}, "where an object is expected"),
    ],
)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_headers_of_states(tmp_path, part, changes, words, suffix):
    atoms = Dictionary(np.eye(2))
    state = TrainingState("ReLU", "Adam", {}, atoms, {}, atoms, {})
    path = tmp_path / f"a{suffix}"
    state.save(path)
    header, arrays = read(path)
    value = changes["value"] if "value" in changes else {**json.loads(header[part]), **changes}
    header[part] = json.dumps(value)
    if suffix == ".npz":
        np.savez(path, header=np.array(json.dumps(header)), **arrays)
    else:
        safetensors.numpy.save_file(arrays, path, metadata={"sparsecode": json.dumps(header)})
    with pytest.raises(ValueError, match="is not a saved state of training") as caught:
        TrainingState.load(path)
    assert words in str(caught.value)


def read(path):
    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = dict(file)
        return json.loads(str(arrays.pop("header"))), arrays
    arrays, metadata = read_tensors(path)
    return json.loads(metadata["sparsecode"]), arrays


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, bool])
def test_whole_numbers_are_limited_as_the_floats_that_they_become(tmp_path, dtype):
    atoms = np.ones((1000, 67_200), dtype)
    header = {"version": "1", "format": "sparsecode.Dictionary", "constraint": '{"name": "Free"}'}
    path = tmp_path / "a.npz"
    np.savez_compressed(path, header=np.array(json.dumps(header)), one=atoms[:500], atoms=atoms)
    with pytest.raises(ValueError, match=r"would unpack to 806400000, as floats; .* 536870912\."):
        Dictionary.load(path, max_bytes=2**27)
    with zipfile.ZipFile(path) as archive, pytest.raises(ValueError, match="as floats"):
        read_npz_members(path, archive, {"atoms": archive.getinfo("atoms.npy")}, "iub")


def test_half_precision_is_limited_as_float32(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", W_enc=np.zeros((1, 2**27 + 1), np.float16))
    with pytest.raises(ValueError, match="would unpack to 536870916, as floats"):
        read_npz(tmp_path / "a.npz", max_bytes=2**29)


def test_no_more_bytes_are_read_than_there_are(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    with open_regular(tmp_path / "a") as file:
        file.seek(1)
        # An ordinary file takes the memory first: more than there is.
        assert file.read(2**62) == b"23"
        assert file.read(2**62) == b"" and file.seek(0) == 0
        assert file.read() == file.read(-1) + b"123" and file.seek(0) == 0
        assert file.read(None) == b"123"


def test_only_regular_files_are_opened(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    with open_regular(tmp_path / "a") as file:
        assert file.read() == b"1"
    with pytest.raises(ValueError, match="is a device or a pipe"):
        open_regular("/dev/null")
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
