"""Parts of the commands: pictures and tables to write, notes, and one-line errors."""

from __future__ import annotations

import contextlib
import os
import tempfile

import click

from sparsecode._atomic_files import check_writable, write_atomically

INTERRUPTED = 130
_SUFFIXES = (".png", ".pdf", ".svg")
_DPI = 150


def check_out(path):
    """Refuse a picture of an unknown format, or one that cannot be written."""
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(
            f"--out is {path}; expected a name that ends with .png, .pdf or .svg. Choose such a "
            "name."
        )
    check_writable(path)


def save_figure(figure, path, *, times=None):
    """Write a figure, whole or not at all, and close it.

    `times` is the number of pixels of the file for each pixel of the figure, both ways.
    """
    from matplotlib import pyplot

    with write_atomically(path) as temporary:
        figure.savefig(temporary, dpi=_DPI if times is None else times * figure.dpi)
    pyplot.close(figure)


def save_or_rescue(learned, path):
    """Write what was learned, or if that fails into the folder of temporary files, and name it."""
    try:
        learned.save(path)
    except OSError as error:
        handle, other = tempfile.mkstemp(prefix="sparsecode-filters-", suffix=path.suffix)
        os.close(handle)
        try:
            learned.save(other)
        except OSError:
            os.unlink(other)
            raise error from None
        raise OSError(f"{error} The learned dictionary is in {other}.") from error


def write_text(path, text):
    """Write a text, whole or not at all."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def say(console, text):
    """Print a sentence: wrapped on a terminal, on one line where output goes elsewhere."""
    soft = not console.is_terminal
    console.print(text, soft_wrap=soft, markup=False, highlight=False)


def written(paths):
    """Names of the files that were written, one a line."""
    return "written: " + "\n         ".join(str(path) for path in paths)


@contextlib.contextmanager
def one_line_errors():
    """Turn what bad input raises into one line on standard error and exit code 2."""
    try:
        yield
    except (ValueError, OSError, FloatingPointError, MemoryError) as error:
        exception = click.ClickException(" ".join(str(error).split()))
        exception.exit_code = 2
        raise exception from error
