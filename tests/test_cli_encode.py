"""``sparsecode encode``: what it writes, what it says, and how it refuses."""

import pathlib
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from sparsecode import Dictionary
from sparsecode.applications import FilterBank
from sparsecode.cli import main
from sparsecode.datasets import OlshausenFieldWhitening, load_images
from sparsecode.penalties import Cauchy

WRITTEN = ["encoded-table.txt", "encoded.npz", "encoded.png"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a photograph, a stack of others, and filters."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    walks = rng.standard_normal((3, 24, 30)).cumsum(axis=1).cumsum(axis=2)
    walks = (walks - walks.min()) / np.ptp(walks)
    Image.fromarray(np.rint(255 * walks[0]).astype(np.uint8)).save("photo.png")
    np.save("stack.npy", walks)
    whitening = OlshausenFieldWhitening().fit(list(walks))
    bank = FilterBank(Dictionary.dct(36, 36), 6, whitening, Cauchy(alpha=0.022, sigma=0.316))
    bank.save("filters.safetensors")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["encode", *arguments])


def refused(result, *words):
    """Exit code 2, one line that holds all the words, and nothing written."""
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: "), result.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert not list(pathlib.Path().glob("encoded*"))


def test_writes_picture_codes_and_figures(folder):
    before = {path.name for path in folder.iterdir()}
    result = run("photo.png")
    assert result.exit_code == 0, result.output
    assert sorted({path.name for path in folder.iterdir()} - before) == WRITTEN
    bank = FilterBank.load("filters.safetensors")
    (image,) = load_images("photo.png")
    with np.load("encoded.npz") as saved:
        assert saved["step"] == 3
        assert np.array_equal(saved["codes"], bank.encode(image, step=3))
        whitened = bank.decode(saved["codes"], tuple(saved["image_shape"]), step=3)
        assert np.array_equal(saved["whitened"], whitened)
        assert np.array_equal(saved["image"], bank.unwhiten(whitened, mean=image.mean()))
    table = pathlib.Path("encoded-table.txt").read_text(encoding="utf-8")
    assert table in result.stdout and max(map(len, table.splitlines())) <= 80
    for words in ("photo.png coded", "63, one every 3 pixels", "explained variance", "dB"):
        assert words in table
    with Image.open("encoded.png") as picture:
        assert picture.size[0] > 200


def test_one_image_of_several(folder):
    result = run("stack.npy", "--index", "2", "--step", "6", "--out", "second.pdf")
    assert result.exit_code == 0, result.output
    assert "stack.npy, image 2 of 3, is coded; --index chooses another one." in result.stderr
    with np.load("second.npz") as saved:
        assert len(saved["codes"]) == 20


def test_quiet_prints_nothing(folder):
    result = run("photo.png", "--quiet")
    assert result.exit_code == 0 and result.output == ""


def test_the_default_is_a_photograph(folder):
    assert "427 x 640 pixels" in run("--step", "6").stdout


def test_other_units_are_told(folder):
    np.save("bytes.npy", 255 * np.load("stack.npy")[0])
    result = run("bytes.npy")
    assert result.exit_code == 0
    assert "Its pixels may have other units" in result.stderr
    assert not [line for line in run("photo.png").stderr.splitlines() if "Note" in line]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png"], ["nowhere.png does not exist"]),
        (["photo.png", "--filters", "nowhere.safetensors"], ["nowhere.safetensors: no such file"]),
        (["photo.png", "--filters", "plain.npz"], ["plain.npz is not a saved filter bank"]),
        (["photo.png", "--filters", "photo.png"], ["suffix '.png'"]),
        (["stack.npy", "--index", "3"], ["--index is 3", "holds 3 image(s)"]),
        (["photo.png", "--step", "7"], ["--step is 7", "only 6 pixels"]),
        (["small.npy"], ["small.npy", "smaller than a patch"]),
        (["flat.npy"], ["flat.npy is constant"]),
        (["filters.safetensors"], ["is not an image that Pillow can read"]),
        (["photo.png", "--out", "encoded.txt"], [".png, .pdf or .svg"]),
        (["photo.png", "--out", "no/encoded.png"], ["no"]),
    ],
)
def test_bad_input(folder, arguments, words):
    Dictionary.dct(36, 36).save("plain.npz")
    np.save("small.npy", np.random.default_rng(0).random((5, 30)))
    np.save("flat.npy", np.ones((20, 30)))
    refused(run(*arguments), *words)


def test_ctrl_c_leaves_nothing_behind(folder, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["sparsecode.cli.encode"], "describe_sparsity", interrupt)
    before = sorted(folder.iterdir())
    result = run("photo.png")
    assert result.exit_code == 130 and "Interrupted" in result.stderr
    assert sorted(folder.iterdir()) == before
