"""``sparsecode filters``: learn filters from photographs."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from rich.console import Console

from sparsecode._atomic_files import check_writable, write_atomically
from sparsecode.cli._progress import ObjectiveBar
from sparsecode.cli._report import describe_filters, render_table
from sparsecode.cli._shared import INTERRUPTED, load_pictures, one_line_errors, save_figure
from sparsecode.datasets import sample_patches
from sparsecode.estimators import OlshausenField
from sparsecode.estimators._callbacks import HAS_CALLBACKS
from sparsecode.receptive_fields import fit_gabors

_METHODS = {"olshausen-field": OlshausenField}
_DEFAULT_PATCHES = 100_000
_MEASURED_PATCHES = 10_000


@dataclass(frozen=True)
class Outputs:
    """Paths of everything the command writes, named after the picture."""

    picture: pathlib.Path

    @property
    def statistics(self) -> pathlib.Path:
        return self.picture.with_name(f"{self.picture.stem}-statistics{self.picture.suffix}")

    @property
    def dictionary(self) -> pathlib.Path:
        return self.picture.with_suffix(".safetensors")

    @property
    def table(self) -> pathlib.Path:
        return self.picture.with_name(f"{self.picture.stem}-table.txt")

    def __iter__(self) -> Iterator[Any]:
        return iter((self.picture, self.statistics, self.dictionary, self.table))


@click.command()
@click.option(
    "--images",
    multiple=True,
    metavar="PATH",
    help="Image file, folder of images, .npy or .npz stack, or MATLAB .mat file with an array "
    "IMAGES. May be repeated. Default: the two photographs that ship with scikit-learn.",
)
@click.option(
    "--raw/--whitened",
    "raw",
    default=True,
    help="Whether the images are raw photographs, to be whitened by Olshausen and Field's filter, "
    "or whitened already; these are only brought to mean 0 and variance 0.1.  [default: raw]",
)
@click.option(
    "--patch-size",
    type=click.IntRange(4, 64),
    default=12,
    show_default=True,
    help="Height and width of a patch in pixels.",
)
@click.option(
    "--n-components",
    type=click.IntRange(1),
    default=None,
    help="Number of atoms.  [default: patch size squared]",
)
@click.option(
    "--method",
    type=click.Choice(list(_METHODS)),
    default="olshausen-field",
    show_default=True,
    help="Learning algorithm.",
)
@click.option(
    "--n-patches",
    type=click.IntRange(2),
    default=None,
    help="Patches to learn from, drawn at random over all images.  [default: 100,000, or as many "
    "as the images hold]",
)
@click.option(
    "--n-epochs",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Passes over the patches.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random: the same seed gives the same numbers.",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    default="filters.png",
    show_default=True,
    help="Picture to write (.png, .pdf or .svg). The dictionary, a picture of the receptive-field "
    "statistics, and the table are written beside it under the same name.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def filters(images, raw, patch_size, n_components, method, n_patches, n_epochs, seed, out, quiet):
    """Learn filters from photographs, as Olshausen and Field did in 1996.

    Whitens the images, learns a dictionary of their patches, and writes a mosaic of its atoms
    sorted by spatial frequency (filters.png), the dictionary (filters.safetensors), plots of the
    receptive-field statistics (filters-statistics.png) and a table of what was learned
    (filters-table.txt).

    \b
    Examples:
      sparsecode filters
      sparsecode filters --images holiday/ --patch-size 16 --out holiday.png
      sparsecode filters --images IMAGES.mat --whitened --n-components 192

    Ctrl-C during learning writes what was learned so far. Bad input ends with exit code 2.
    """
    console = Console(stderr=True, quiet=quiet)
    outputs = Outputs(out)
    n_components = patch_size**2 if n_components is None else n_components
    with one_line_errors():
        _check_outputs(outputs, images)
        pictures = load_pictures(images, raw, patch_size)
        n_patches = _checked_n_patches(n_patches, n_components, pictures, patch_size)
        X = sample_patches(pictures, patch_size, n_patches, random_state=seed, dtype=np.float32)
        model = _METHODS[method](n_components, n_epochs=n_epochs, random_state=seed)
        interrupted = _learn(model, X, console)
        # The dictionary is saved before it is measured.
        _save(model.dictionary_, outputs.dictionary)
        try:
            _measure(outputs, model, X[:_MEASURED_PATCHES], patch_size, quiet)
        except OSError as error:
            raise OSError(f"{error} The dictionary is in {outputs.dictionary}.") from error
        except KeyboardInterrupt:
            console.print(
                f"Interrupted while measuring: the dictionary is in {outputs.dictionary}."
            )
            interrupted = True
    if interrupted:
        sys.exit(INTERRUPTED)


def _check_outputs(outputs, images):
    if outputs.picture.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ValueError(
            f"--out is {outputs.picture}; expected a name that ends with .png, .pdf or .svg. "
            "Choose such a name."
        )
    inputs = {pathlib.Path(image).resolve() for image in images}
    for path in outputs:
        if path.resolve() in inputs:
            raise ValueError(
                f"--out would overwrite the input {path}. Choose another name to write to."
            )
        if path.resolve().parent in inputs:
            raise ValueError(
                f"--out is in the folder of images {path.parent}, and the next run would learn "
                "from it. Choose another folder to write to."
            )
        check_writable(path)


def _checked_n_patches(n_patches, n_components, pictures, patch_size):
    n_positions = sum(
        (picture.shape[0] - patch_size + 1) * (picture.shape[1] - patch_size + 1)
        for picture in pictures
    )
    n_drawn = min(_DEFAULT_PATCHES, n_positions) if n_patches is None else n_patches
    if n_drawn > n_positions:
        raise ValueError(
            f"--n-patches is {n_drawn}, but the images have only {n_positions} different patches "
            f"of {patch_size}x{patch_size} pixels. Lower --n-patches or give more images."
        )
    if n_drawn < n_components:
        raise ValueError(
            f"{n_drawn} patches are too few for {n_components} atoms; expected at least as many "
            "patches as atoms. Raise --n-patches, give more images, or lower --n-components."
        )
    return n_drawn


def _learn(model, X, console):
    """Fit the model; True if Ctrl-C ended it early with something learned."""
    if not HAS_CALLBACKS:
        console.print("Learning. With scikit-learn 1.9 or newer a bar would show the progress.")
    elif not console.quiet:
        model.set_callbacks(ObjectiveBar(console))
    try:
        model.fit(X)
    except KeyboardInterrupt:
        if not getattr(model, "n_iter_", 0):
            console.print("Interrupted before anything was learned; nothing was written.")
            sys.exit(INTERRUPTED)
        console.print(
            f"Interrupted after {model.n_iter_} batches: writing what was learned so far."
        )
        return True
    return False


def _save(dictionary, path):
    """Write the dictionary, or if that fails into the folder of temporary files, and name it."""
    try:
        dictionary.save(path)
    except OSError as error:
        handle, other = tempfile.mkstemp(prefix="sparsecode-filters-", suffix=path.suffix)
        os.close(handle)
        try:
            dictionary.save(other)
        except OSError:
            os.unlink(other)
            raise error from None
        raise OSError(f"{error} The learned dictionary is in {other}.") from error


def _measure(outputs, model, X, patch_size, quiet):
    # matplotlib is slow to import: bad input and --help need not wait for it.
    import matplotlib

    matplotlib.use("Agg")
    from sparsecode import plotting

    shape = (patch_size, patch_size)
    fits = fit_gabors(model.components_, shape)
    title = f"{len(model.components_)} filters of {patch_size}x{patch_size} pixels"
    table = render_table(describe_filters(model, X, fits), title)
    with write_atomically(outputs.table) as temporary:
        temporary.write_text(table, encoding="utf-8")
    atoms = plotting.plot_atoms(model.components_, patch_shape=shape, order="frequency")
    save_figure(atoms.figure, outputs.picture)
    axes = plotting.plot_gabor_statistics(fits)
    save_figure(axes[0].figure, outputs.statistics)
    if not quiet:
        click.echo(table, nl=False)
        click.echo("written: " + ", ".join(str(path) for path in outputs))
