"""The command line: what it writes, what it says, and how it refuses."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import sparsecode
from sparsecode import Dictionary, OlshausenField, _array_files
from sparsecode.applications import FilterBank
from sparsecode.cli import main
from sparsecode.cli._report import notes_on_filters
from sparsecode.datasets import OlshausenFieldWhitening, load_images
from sparsecode.penalties import Cauchy
from sparsecode.receptive_fields import fit_gabors

SMALL = ["--patch-size", "6", "--n-patches", "300", "--n-components", "8", "--n-epochs", "1"]
WRITTEN = ["small-statistics.png", "small-table.txt", "small.png", "small.safetensors"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photograph(folder):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    return "photo.png"


def run(*arguments):
    return CliRunner().invoke(main, ["filters", *arguments])


def refused(result, *words):
    """Exit code 2, and one line that holds all the words."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("Error: "), result.stderr
    for word in words:
        assert word in lines[0], lines[0]


def test_writes_pictures_dictionary_and_table(folder, photograph):
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir() if path.name != photograph) == WRITTEN
    dictionary = Dictionary.load("small.safetensors")
    assert dictionary.atoms.shape == (8, 36)
    table = pathlib.Path("small-table.txt").read_text(encoding="utf-8")
    for word in ("explained variance", "mean l0", "kurtosis", "dead atoms", "bandwidth"):
        assert word in table
    assert table in result.stdout
    with Image.open("small.png") as picture:
        assert picture.size[0] > 200


def test_same_seed_same_numbers_and_another_seed_others(photograph):
    for out, seed in (("a.png", "3"), ("b.png", "3"), ("c.png", "4")):
        assert run("--images", photograph, "--seed", seed, "--out", out, *SMALL).exit_code == 0
    a, b, c = (Dictionary.load(f"{name}.safetensors").atoms for name in "abc")
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_the_file_of_filters_codes_images_by_itself(folder, photograph):
    assert run("--images", photograph, "--out", "small.png", "--seed", "5", *SMALL).exit_code == 0
    bank = FilterBank.load("small.safetensors")
    assert bank.patch_size == (6, 6) and bank.penalty == Cauchy(alpha=0.01 * 2.2, sigma=0.316)
    whitening = OlshausenFieldWhitening().fit(load_images(photograph))
    assert bank.whitening.scale_ == whitening.scale_
    assert bank.record["seed"] == 5 and bank.record["images"] == [photograph]
    assert bank.record["version"] == sparsecode.__version__
    assert bank.record["n_batches"] == 3 and bank.record["sizes"] == "1 of 40 x 50 pixels"


def test_tables_fit_a_terminal_of_80_columns(folder, photograph):
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    assert "nan" not in result.stdout


def test_progress_is_told_where_there_is_no_terminal(folder, photograph):
    small = ["--patch-size", "6", "--n-patches", "50", "--n-components", "8", "--n-epochs", "30"]
    result = run("--images", photograph, "--out", "small.png", *small)
    lines = [line for line in result.stderr.splitlines() if line.startswith("learning")]
    assert [line.split()[1] for line in lines] == [str(n) for n in range(10, 101, 10)]
    assert all("objective" in line for line in lines)


class TestNotes:
    """What seems wrong is told in one line, on standard error and in the table."""

    @staticmethod
    def notes(result):
        assert result.exit_code == 0, result.output
        return " ".join(line for line in result.stderr.splitlines() if line.startswith("Note: "))

    def test_images_that_look_whitened(self, folder):
        np.save("white.npy", np.random.default_rng(0).standard_normal((2, 64, 64)))
        result = run("--images", "white.npy", "--out", "small.png", *SMALL)
        assert "look whitened already" in self.notes(result)
        table = " ".join(pathlib.Path("small-table.txt").read_text(encoding="utf-8").split())
        assert "Note: The images look whitened already" in table
        result = run("--images", "white.npy", "--whitened", "--out", "small.png", *SMALL)
        assert not self.notes(result)

    def test_images_that_do_not(self, folder):
        assert not self.notes(run("--out", "small.png", *SMALL))
        assert "do not look whitened" in self.notes(run("--whitened", "--out", "small.png", *SMALL))

    def test_a_run_that_is_too_short(self, folder, photograph):
        result = run("--images", photograph, "--out", "small.png", *SMALL)
        words = " ".join(result.stdout.split())
        assert "of 8 atoms fit a Gabor function. Most likely learning was too short" in words
        assert "it had 3 batches" in words

    def test_gain_control_at_its_bound(self):
        model = OlshausenField(4, dict_init=1.1 * np.eye(4)).fit(np.sqrt(0.1) * np.eye(4))
        codes = np.ones((2, 4))
        fits = fit_gabors(model.components_, (2, 2))
        words = " ".join(notes_on_filters(model, codes, fits))
        low = int((model.dictionary_.norms < 0.951).sum())
        assert (f"holds {low} of 4 norms at its bound 0.95" in words) == (low == 4)
        model.dictionary_ = Dictionary(1.1 * np.eye(4))
        words = " ".join(notes_on_filters(model, codes, fits))
        assert "holds 4 of 4 norms at its bound 1.1: nearly all coefficients have too much" in words
        codes[:, 1:] = 0
        assert "3 of 4 atoms are dead" in " ".join(notes_on_filters(model, codes, fits))


def test_raw_numbers_and_their_layout(folder):
    stack = np.random.default_rng(0).standard_normal((2, 64, 64)).astype(">f4")
    pathlib.Path("scan.raw").write_bytes(stack.tobytes())
    result = run("--images", "scan.raw", *SMALL)
    refused(result, "scan.raw", "32768 bytes", "--shape 512x512 --dtype '>f4'")
    layout = ("--images", "scan.raw", "--whitened", "--shape", "64x64", "--dtype")
    refused(run(*layout, "<f4", *SMALL), "other byte order", "'>f4'")
    assert run(*layout, ">f4", "--out", "small.png", *SMALL).exit_code == 0
    refused(run(*layout, "f9", *SMALL), "raw_dtype is 'f9'")
    assert "is not a height and a width" in run("--shape", "64", *SMALL).output


def test_a_folder_of_arrays(folder):
    pathlib.Path("arrays").mkdir()
    np.save("arrays/a.npy", np.random.default_rng(0).random((40, 50)))
    assert run("--images", "arrays", "--out", "small.png", *SMALL).exit_code == 0


def test_quiet_prints_nothing(photograph):
    result = run("--images", photograph, "--quiet", "--out", "small.png", *SMALL)
    assert result.exit_code == 0
    assert result.output == ""


def test_progress_shows_the_objective(callbacks, photograph):
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert "objective" in result.stderr


def test_whitened_images_are_only_scaled(folder):
    images = np.random.default_rng(0).standard_normal((2, 30, 30))
    np.save("stack.npy", images)
    np.save("scaled.npy", 7 * images)
    for name in ("stack", "scaled"):
        result = run("--images", f"{name}.npy", "--whitened", "--out", f"{name}.png", *SMALL)
        assert result.exit_code == 0, result.output
    one, other = (Dictionary.load(f"{name}.safetensors").atoms for name in ("stack", "scaled"))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_the_bundled_photographs_are_the_default(folder):
    assert run("--quiet", "--out", "small.png", *SMALL).exit_code == 0


def test_help_names_every_option():
    result = run("--help")
    assert result.exit_code == 0
    options = ("--images", "--raw", "--whitened", "--shape", "--dtype", "--patch-size",
               "--n-components", "--method", "--n-patches", "--n-epochs", "--seed", "--out",
               "--quiet")  # fmt: skip
    for option in options:
        assert option in result.output


class TestBadInput:
    def test_missing_file(self, folder):
        refused(run("--images", "nowhere.png", *SMALL), "nowhere.png")

    def test_not_an_image(self, folder):
        pathlib.Path("notes.png").write_text("not a picture")
        refused(run("--images", "notes.png", *SMALL), "notes.png")

    def test_truncated_image(self, folder, photograph):
        data = pathlib.Path(photograph).read_bytes()
        pathlib.Path("half.png").write_bytes(data[: len(data) // 2])
        refused(run("--images", "half.png", *SMALL), "half.png")

    def test_folder_without_image(self, folder):
        pathlib.Path("empty").mkdir()
        refused(run("--images", "empty", *SMALL), "empty")

    def test_image_smaller_than_a_patch(self, photograph):
        small = ["--n-patches", "300", "--n-components", "8", "--patch-size", "45"]
        refused(run("--images", photograph, *small), photograph, "45")

    def test_constant_image(self, folder):
        Image.fromarray(np.full((30, 30), 7, dtype=np.uint8)).save("grey.png")
        refused(run("--images", "grey.png", *SMALL), "grey.png")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_values_that_are_not_finite(self, folder, value):
        stack = np.random.default_rng(0).standard_normal((2, 30, 30))
        stack[1, 3, 4] = value
        np.save("stack.npy", stack)
        refused(run("--images", "stack.npy", "--whitened", *SMALL), "stack.npy")

    def test_too_few_patches_for_the_atoms(self, photograph):
        result = run("--images", photograph, "--n-patches", "10", "--n-components", "64")
        refused(result, "--n-patches", "10", "64")

    def test_output_over_an_input(self, folder, photograph):
        before = pathlib.Path(photograph).read_bytes()
        refused(run("--images", photograph, "--out", photograph, *SMALL), photograph, "overwrite")
        assert pathlib.Path(photograph).read_bytes() == before

    def test_output_among_the_images(self, folder, photograph):
        pathlib.Path("images").mkdir()
        pathlib.Path(photograph).rename("images/photo.png")
        refused(run("--images", "images", "--out", "images/a.png", *SMALL), "images", "folder")

    def test_whitened_images_without_contrast(self, folder):
        np.save("tiny.npy", 1e-200 * np.random.default_rng(0).standard_normal((2, 30, 30)))
        refused(run("--images", "tiny.npy", "--whitened", *SMALL), "standard deviation")

    def test_more_patches_than_the_images_hold(self, photograph):
        result = run("--images", photograph, "--n-patches", "1000000")
        refused(result, "1000000")

    def test_matlab_file_without_the_array(self, folder):
        from scipy.io import savemat

        savemat("other.mat", {"pixels": np.ones((20, 20, 2))})
        refused(run("--images", "other.mat", *SMALL), "other.mat", "IMAGES", "pixels")

    def test_output_in_a_missing_folder(self, photograph):
        refused(run("--images", photograph, "--out", "no/such/small.png", *SMALL), "no")

    def test_output_that_is_a_folder(self, folder, photograph):
        pathlib.Path("small.safetensors").mkdir()
        refused(run("--images", photograph, "--out", "small.png", *SMALL), "small.safetensors")

    def test_output_of_an_unknown_format(self, photograph):
        refused(run("--images", photograph, "--out", "small.xyz", *SMALL), "small.xyz", ".png")

    def test_nothing_is_left_behind(self, folder, photograph):
        before = sorted(folder.iterdir())
        run("--images", photograph, "--n-patches", "10", "--out", "small.png")
        assert sorted(folder.iterdir()) == before


def test_matlab_v5_file(folder):
    from scipy.io import savemat

    images = np.random.default_rng(0).standard_normal((30, 30, 3))
    savemat("images.mat", {"IMAGES": images})
    result = run("--images", "images.mat", "--whitened", "--out", "small.png", *SMALL)
    assert result.exit_code == 0, result.output


def test_small_images_lower_the_default_number_of_patches(photograph):
    small = ["--patch-size", "6", "--n-components", "8", "--n-epochs", "1", "--quiet"]
    assert run("--images", photograph, "--out", "small.png", *small).exit_code == 0


def test_ctrl_c_while_measuring_keeps_the_dictionary(photograph, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["sparsecode.cli.filters"], "describe_filters", interrupt)
    result = run("--images", photograph, "--out", "small.png", *SMALL)
    assert result.exit_code == 130
    assert "small.safetensors" in result.stderr
    assert Dictionary.load("small.safetensors").n_components == 8


def test_python_dash_m(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "sparsecode", "--version"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert result.stdout.startswith("sparsecode, version")


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT, which only POSIX processes have")
def test_ctrl_c_writes_what_was_learned(callbacks, tmp_path):
    # A shell that runs the tests in the background makes its children ignore Ctrl-C.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from sparsecode.cli import main; main()"
    )
    command = [
        sys.executable, "-c", code, "filters", "--patch-size", "8", "--n-patches", "2000",
        "--n-epochs", "100000", "--out", "small.png",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "FORCE_COLOR": "1", "COLUMNS": "100"},
    )  # fmt: skip
    try:
        # The bar shows an objective once something was learned.
        seen = ""
        deadline = time.monotonic() + 120
        while "objective 0." not in seen and "objective 1." not in seen:
            assert time.monotonic() < deadline and process.poll() is None, seen
            seen += process.stderr.read(50)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, stderr
    assert "Interrupted after" in stderr and "writing what was learned" in stderr
    assert "Traceback" not in stderr
    assert "explained variance" in stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == WRITTEN
    assert np.isfinite(Dictionary.load(tmp_path / "small.safetensors").atoms).all()


class TestFullDisk:
    """The learned dictionary is not lost: it is named in one line, with exit code 2."""

    @staticmethod
    def fill(monkeypatch, path):
        """Let every write beside `path` fail, as on a full disk."""

        write, folder = _array_files.write_tensors, path.resolve().parent

        def fail(temporary, *arguments):
            if temporary.parent == folder:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(temporary, *arguments)

        monkeypatch.setattr(_array_files, "write_tensors", fail)

    def test_the_dictionary_is_offered_elsewhere(
        self, folder, photograph, monkeypatch, tmp_path_factory
    ):
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
        self.fill(monkeypatch, folder / "small.png")
        result = run("--quiet", "--images", photograph, "--out", "small.png", *SMALL)
        refused(result, "small.safetensors cannot be written: No space left on device")
        (saved,) = elsewhere.iterdir()
        assert f"The learned dictionary is in {saved}." in result.stderr
        assert Dictionary.load(saved).n_components == 8
        assert os.listdir(folder) == [photograph]

    def test_where_nothing_can_be_written(self, folder, photograph, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        self.fill(monkeypatch, folder / "small.png")
        result = run("--quiet", "--images", photograph, "--out", "small.png", *SMALL)
        refused(result, "small.safetensors cannot be written: No space left on device")
        assert "The learned dictionary" not in result.stderr
        assert os.listdir(folder) == [photograph]

    def test_a_picture_that_cannot_be_written(self, folder, photograph, monkeypatch):
        def fail(*arguments, **options):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
        result = run("--quiet", "--images", photograph, "--out", "small.png", *SMALL)
        refused(result, "small.png cannot be written", "The dictionary is in small.safetensors.")
        assert Dictionary.load("small.safetensors").n_components == 8
