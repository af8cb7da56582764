"""Formats are found by the names of files; files are written whole or not at all."""

import os

import numpy as np
import pytest
from foreign_models import same_checkpoint

from sparsecode.interop import Checkpoint, _formats, read_checkpoint, write_checkpoint
from sparsecode.interop._formats import WRITTEN

FILES = {
    "sae_lens": ["cfg.json", "sae_weights.safetensors"],
    "gemma_scope": ["params.npz"],
    "sparsify": ["cfg.json", "sae.safetensors"],
    "dictionary_learning": ["ae.pt", "config.json"],
}
formats = pytest.mark.parametrize("format", WRITTEN)


def model(format, seed=0):
    rng = np.random.default_rng(seed)
    arrays = dict(zip(("W", "atoms"), rng.standard_normal((2, 4, 3)), strict=True))
    arrays["offset"] = rng.standard_normal(3)
    if format == "gemma_scope":
        return Checkpoint("JumpReLU", threshold=np.ones(4), subtract_offset=False, **arrays)
    return Checkpoint("TopK", k=2, **arrays)


@formats
def test_found_by_folder_and_by_file(tmp_path, format):
    write_checkpoint(model(format), tmp_path, format)
    assert sorted(os.listdir(tmp_path)) == FILES[format]
    weights = next(name for name in FILES[format] if not name.endswith("json"))
    for path in (tmp_path, str(tmp_path), tmp_path / weights):
        for given in (None, format):
            checkpoint = read_checkpoint(path, given, fold=False)
            same_checkpoint(checkpoint, model(format), but=("metadata",))
            assert checkpoint.metadata["format"] == format


@formats
def test_equal_checkpoints_make_equal_files(tmp_path, format):
    for name in ("a", "b"):
        write_checkpoint(model(format), tmp_path / name, format)
    for file in FILES[format]:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@formats
def test_another_format_is_refused(tmp_path, format):
    other = "sparsify" if format != "sparsify" else "sae_lens"
    write_checkpoint(model(format), tmp_path, format)
    with pytest.raises(ValueError, match="with none of them; expected exactly one of"):
        read_checkpoint(tmp_path, other)
    weights = next(name for name in FILES[format] if not name.endswith("json"))
    with pytest.raises(ValueError, match=str(tmp_path)):
        read_checkpoint(tmp_path / weights, other)


@formats
def test_models_go_from_one_format_to_another(tmp_path, format):
    """TopK through all that have it, and back."""
    if format == "gemma_scope":
        return
    write_checkpoint(model(format), tmp_path / "first", format)
    for other in ("sae_lens", "sparsify", "dictionary_learning"):
        write_checkpoint(read_checkpoint(tmp_path / "first"), tmp_path / other, other)
        same_checkpoint(read_checkpoint(tmp_path / other), model(format), but=("metadata",))


def test_two_checkpoints_in_a_folder_are_told_apart_by_the_format(tmp_path):
    write_checkpoint(model("gemma_scope"), tmp_path, "gemma_scope")
    write_checkpoint(model("sparsify"), tmp_path, "sparsify")
    with pytest.raises(ValueError, match=r"with params\.npz and sae\.safetensors"):
        read_checkpoint(tmp_path)
    assert read_checkpoint(tmp_path, "sparsify").architecture == "TopK"


def test_paths_that_are_no_checkpoints(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_checkpoint(tmp_path / "none")
    with pytest.raises(ValueError, match="a folder with none of them"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="a file of unknown format; expected format=sae_lens"):
        read_checkpoint(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="format is 'onnx'"):
        read_checkpoint(tmp_path, "onnx")
    with pytest.raises(ValueError, match="format is None"):
        write_checkpoint(model("sparsify"), tmp_path, None)


def test_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match="fold is 1"):
        read_checkpoint(tmp_path, fold=1)
    for scale in (0.0, -1.0, np.nan, "1"):
        with pytest.raises(ValueError, match="input_scale is"):
            read_checkpoint(tmp_path, input_scale=scale)
    with pytest.raises(TypeError, match="checkpoint is a dict; expected a Checkpoint"):
        write_checkpoint({}, tmp_path, "sparsify")


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "ae.pt", "cfg.json"])
def test_a_name_of_a_file_is_no_folder(tmp_path, name):
    with pytest.raises(ValueError, match="is the name of a file; expected a folder"):
        write_checkpoint(model("sparsify"), tmp_path / name, "sparsify")
    assert not list(tmp_path.iterdir())


def test_missing_parents_are_not_made(tmp_path):
    with pytest.raises(OSError):
        write_checkpoint(model("sparsify"), tmp_path / "a" / "b", "sparsify")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="not a folder"):
        write_checkpoint(model("sparsify"), tmp_path / "file", "sparsify")


@formats
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("after", [0, 1])
def test_an_interrupted_write_leaves_the_old_files(tmp_path, monkeypatch, format, error, after):
    """Also if the weights were complete already: they do not belong to the old settings."""
    if after >= len(FILES[format]):
        return
    write_checkpoint(model(format), tmp_path / "old", format)
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    write, calls = _formats._write, []

    def fail(path, content):
        calls.append(path)
        if len(calls) > after:
            path.write_bytes(b"half")
            raise error
        write(path, content)

    monkeypatch.setattr(_formats, "_write", fail)
    for folder in ("old", "new"):
        calls.clear()
        with pytest.raises(error):
            write_checkpoint(model(format, seed=1), tmp_path / folder, format)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert not (tmp_path / "new").exists()


@formats
def test_a_failing_rename_leaves_no_new_folder(tmp_path, monkeypatch, format):
    """Not even with the file that was renamed before."""
    rename, calls = os.replace, []

    def fail(*args):
        calls.append(args)
        if len(calls) == len(FILES[format]):
            raise OSError(28, "No space left on device")
        rename(*args)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(model(format), tmp_path / "new", format)
    assert not (tmp_path / "new").exists()


def test_errors_of_the_system_stay_what_they_are(tmp_path, monkeypatch):
    write_checkpoint(model("gemma_scope"), tmp_path, "gemma_scope")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_formats.FORMATS["gemma_scope"], "read", refuse)
    with pytest.raises(PermissionError):
        read_checkpoint(tmp_path)
