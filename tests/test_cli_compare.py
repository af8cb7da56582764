"""``sparsecode compare``: what it prints and writes, and how it refuses."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sparsecode import Dictionary
from sparsecode.cli import main

SMALL = ["--n-patches", "300", "--n-epochs", "2", "--layers", "2", "--layers", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["compare", *arguments])


@pytest.mark.needs_jit("it solves larger problems")
def test_learns_trains_and_prints_the_report(folder):
    result = run("--patch-size", "6", "--n-components", "12", *SMALL)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    for name in ("exact", "FISTA 64", "ISTA 1", "thresholding", "LISTA 1", "LISTA 2"):
        assert any(line.startswith(f"{name} ") for line in lines)
    assert "learning 100 %  objective" in result.stderr
    assert result.stderr.count("training 100 %  objective") == 2
    assert "30 samples of 36 features, 12 atoms, L1 of alpha 0.1" in result.stdout
    assert "training a LISTA of 2 layers" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["ladder.png"]
    with Image.open("ladder.png") as picture:
        assert picture.size[0] > 200


@pytest.mark.needs_jit("it solves larger problems")
def test_a_dictionary_decides_the_patch_size(folder):
    Dictionary.random(10, 25, random_state=0).save("mine.npz")
    result = run("--dictionary", "mine.npz", "--out", "mine.svg", "--quiet", *SMALL)
    assert result.exit_code == 0 and result.output == ""
    assert sorted(path.name for path in folder.iterdir()) == ["mine.npz", "mine.svg"]


@pytest.mark.needs_jit("it solves larger problems")
def test_images_of_ones_own(folder):
    np.save("mine.npy", np.random.default_rng(0).standard_normal((2, 40, 40)))
    size = ["--patch-size", "5", "--n-components", "8", "--n-patches", "300", "--n-epochs", "1"]
    result = run("--images", "mine.npy", "--layers", "1", *size)
    assert result.exit_code == 0, result.output
    assert "look whitened already" in result.stderr
    assert "30 samples of 25 features" in result.stdout


def test_bad_input(folder):
    Dictionary(np.ones((3, 10))).save("flat.npz")
    np.save("small.npy", np.random.default_rng(0).random((20, 20)))
    cases = {
        ("--out", "ladder.txt"): "expected a name that ends with .png",
        ("--dictionary", "nowhere.npz"): "nowhere.npz",
        ("--dictionary", "flat.npz"): "expected a square number",
        ("--images", "nowhere.png"): "nowhere.png",
        ("--images", "small.npy"): "--n-patches is 300, and the comparison needs 30 other patches",
    }
    for arguments, message in cases.items():
        result = run(*arguments, *SMALL)
        assert result.exit_code == 2, result.output
        assert len(result.stderr.strip().splitlines()) == 1 and message in result.stderr
    assert run("--alpha", "0").exit_code == 2


def test_help_names_every_option():
    result = run("--help")
    assert result.exit_code == 0
    for option in ("--images", "--whitened", "--shape", "--dtype",
                   "--dictionary", "--patch-size", "--n-components", "--alpha", "--layers",
                   "--n-patches", "--n-epochs", "--seed", "--out", "--quiet"):  # fmt: skip
        assert option in result.output
