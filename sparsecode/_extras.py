"""Extras of the installation: libraries that only some parts of the package need."""

from __future__ import annotations

import importlib.util
import sys

# Modules of the libraries, by the extra that installs them, as in `setup.cfg`.
EXTRAS = {
    "cli": ("click", "matplotlib", "PIL", "rich"),
    "plot": ("matplotlib",),
    "images": ("PIL",),
    "matlab": ("h5py",),
    "zarr": ("zarr",),
    "arrow": ("pyarrow",),
    "dask": ("dask",),
}
_NAMES = {"PIL": "Pillow"}


class MissingExtra(ImportError):
    """A library is needed that only an extra installs."""


def require(extra, subject):
    """Raise one error that names the extra unless all its libraries are installed.

    It looks for them and imports none, so that what is missing is said before any work starts.
    """
    missing = [name for name in EXTRAS[extra] if not _is_installed(name)]
    if missing:
        names = " and ".join(_NAMES.get(name, name) for name in missing)
        there = "which is" if len(missing) == 1 else "which are"
        raise MissingExtra(
            f"{subject} needs {names}, {there} not installed. {how_to_install(extra)}",
            name=missing[0],
        )


def how_to_install(extra):
    """Word the remedy: the command that installs the extra."""
    return f'Run `pip install "sparsecode[{extra}]"`.'


def _is_installed(name):
    if name in sys.modules:
        # An entry of None forbids the import.
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None
