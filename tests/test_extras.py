"""Libraries of the extras may be missing: what needs them names the extra, the rest works."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_lazy import PUBLIC_SUBMODULES

from sparsecode._extras import EXTRAS, MissingExtra, require

LIBRARIES = sorted({name for names in EXTRAS.values() for name in names})
SETUP = Path(__file__).parents[1] / "setup.cfg"
BLOCK = f"""
import sys
for name in {LIBRARIES}:
    sys.modules[name] = None
"""


def run(code, *arguments, cwd=None):
    command = [sys.executable, "-W", "error", "-c", BLOCK + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_extras_are_those_of_the_installation():
    options = configparser.ConfigParser()
    options.read(SETUP, encoding="utf-8")
    section = options["options.extras_require"]
    for extra, modules in EXTRAS.items():
        # An extra may install more than what its users are asked for.
        assert {name.replace("PIL", "pillow") for name in modules} <= needed(section, extra), extra
    base = re.findall(r"(?m)^([\w-]+)", options["options"]["install_requires"])
    assert not {name.replace("PIL", "pillow") for name in LIBRARIES} & {*base}


def needed(section, extra):
    """Libraries of an extra, and of the extras that it names."""
    found = set()
    for line in section[extra].split():
        inner = re.fullmatch(r"sparsecode\[(.+)\]", line)
        if inner:
            found |= set().union(*(needed(section, name) for name in inner[1].split(",")))
        else:
            found.add(re.match(r"[\w-]+", line)[0])
    return found


def test_all_but_plots_and_commands_work_without(tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((8, 8)))
    code = """
import importlib
from sparsecode import *
for name in sys.argv[1:]:
    importlib.import_module("sparsecode." + name)
from sparsecode.datasets import load_images
print(load_images("a.npy")[0].shape, Dictionary.random(3, 2, random_state=0).atoms.shape)
"""
    names = [name for name in PUBLIC_SUBMODULES if name not in ("cli", "plotting")]
    done = run(code, *names, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "(8, 8) (3, 2)"


@pytest.mark.parametrize(
    ("code", "library", "extra"),
    [
        ("from sparsecode import plotting", "matplotlib", "plot"),
        ("from sparsecode.plotting import plot_atoms", "matplotlib", "plot"),
        ("from sparsecode.plotting.atoms import plot_atoms", "matplotlib", "plot"),
        ("import sparsecode.cli", "click and matplotlib and Pillow and rich", "cli"),
        ("sparsecode.datasets.load_photographs()", "Pillow", "images"),
        ("sparsecode.datasets.load_images('a.png')", "a.png, a picture, needs Pillow", "images"),
    ],
)
def test_what_needs_a_library_names_its_extra(tmp_path, code, library, extra):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    done = run(f"import sparsecode\n{code}", cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("sparsecode._extras.MissingExtra: "), done.stderr
    assert library in last
    assert last.endswith(f'not installed. Run `pip install "sparsecode[{extra}]"`.')
    # The reason is not hidden behind others.
    assert "During handling" not in done.stderr


BY_NAME = "from sparsecode.__main__ import main; main()"
AS_MODULE = "import runpy; runpy.run_module('sparsecode', run_name='__main__')"


@pytest.mark.parametrize("code", [BY_NAME, AS_MODULE])
def test_the_command_says_it_in_one_line(code):
    done = run(code)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: The command sparsecode needs click")
    assert '`pip install "sparsecode[cli]"`' in line


def test_one_of_several_libraries(monkeypatch):
    require("cli", "This")
    monkeypatch.setitem(sys.modules, "rich", None)
    words = r'^This needs rich, which is not installed. Run `pip install "sparsecode\[cli\]"`.$'
    with pytest.raises(MissingExtra, match=words) as caught:
        require("cli", "This")
    assert caught.value.name == "rich"
