"""``sparsecode filters --convolutional``: what it writes, and what it refuses."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sparsecode.cli import main
from sparsecode.convolutional import ConvolutionalDictionary, ConvolutionalDictionaryLearning

SMALL = ["--convolutional", "--patch-size", "5", "--n-components", "4", "--n-epochs", "1"]
WRITTEN = ["small-table.txt", "small.png", "small.safetensors"]


@pytest.fixture
def photograph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (24, 30), dtype=np.uint8)
    Image.fromarray(pixels).save("photo.png")
    return "photo.png"


def run(*arguments):
    return CliRunner().invoke(main, ["filters", *arguments])


def files():
    return sorted(path.name for path in pathlib.Path().iterdir() if path.name != "photo.png")


def test_writes_a_mosaic_atoms_and_a_table(photograph):
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert result.exit_code == 0, result.output
    assert files() == WRITTEN
    dictionary = ConvolutionalDictionary.load("small.safetensors")
    assert dictionary.atoms.shape == (4, 1, 5, 5)
    assert (dictionary.norms <= 1 + 1e-6).all()
    table = pathlib.Path("small-table.txt").read_text(encoding="utf-8")
    for word in ("explained variance", "duality gap", "Gabor", "seed"):
        assert word in table
    assert table in result.stdout
    assert "small-statistics.png" not in result.stdout
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    assert "objective" in result.stderr
    with Image.open("small.png") as picture:
        assert picture.size[0] > 100


def test_same_seed_same_atoms(photograph):
    for out, seed in (("a.png", "3"), ("b.png", "3"), ("c.png", "4")):
        result = run("--images", photograph, "--seed", seed, "--out", out, "--quiet", *SMALL)
        assert (result.exit_code, result.output) == (0, "")
    a, b, c = (ConvolutionalDictionary.load(f"{name}.safetensors").atoms for name in "abc")
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


@pytest.mark.parametrize(
    "given", [("--n-patches", "300"), ("--method", "olshausen-field")], ids=lambda g: g[0]
)
def test_options_of_patches_are_refused(photograph, given):
    result = run("--images", photograph, "--out", "small.png", *SMALL, *given)
    assert result.exit_code == 2
    assert f"{given[0]} does not apply to convolutional filters" in result.stderr
    assert files() == []


def test_images_smaller_than_two_filters_are_refused(photograph):
    result = run("--images", photograph, "--convolutional", "--patch-size", "13")
    assert result.exit_code == 2
    assert "26" in result.stderr
    assert files() == []


@pytest.mark.parametrize("n_steps", [0, 1])
def test_ctrl_c_writes_what_was_learned(photograph, monkeypatch, n_steps):
    step, steps = ConvolutionalDictionaryLearning.partial_fit, []

    def stopped(self, X):
        if len(steps) == n_steps:
            raise KeyboardInterrupt
        steps.append(X)
        return step(self, X)

    monkeypatch.setattr(ConvolutionalDictionaryLearning, "partial_fit", stopped)
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert result.exit_code == 130
    assert files() == (WRITTEN if n_steps else [])
    assert ("nothing was written" if n_steps == 0 else "Interrupted in step 2") in result.stderr


def test_ctrl_c_while_measuring_keeps_the_atoms(photograph, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ConvolutionalDictionaryLearning, "certify", stopped)
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert result.exit_code == 130
    assert files() == ["small.safetensors"]
    assert "the filters are in small.safetensors" in " ".join(result.stderr.split())


def test_help_tells():
    result = CliRunner().invoke(main, ["filters", "--help"])
    assert "--convolutional" in result.output
    assert "36 if convolutional" in " ".join(result.output.split())
