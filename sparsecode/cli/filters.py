"""``sparsecode filters``: learn filters from photographs."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from rich.console import Console

from sparsecode._atomic_files import check_writable
from sparsecode._version import __version__
from sparsecode.applications import FilterBank
from sparsecode.cli._convolutional_filters import learn_convolutional
from sparsecode.cli._convolutional_request import (
    N_COMPONENTS,
    N_EPOCHS,
    Request,
    check_options,
)
from sparsecode.cli._images import (
    image_options,
    n_positions,
    note_on_whitening,
    read_pictures,
    sizes_of,
    whitened,
)
from sparsecode.cli._progress import show_progress
from sparsecode.cli._report import describe_filters, notes_on_filters, render_table
from sparsecode.cli._shared import (
    INTERRUPTED,
    check_out,
    one_line_errors,
    save_figure,
    save_or_rescue,
    say,
    write_text,
    written,
)
from sparsecode.datasets import sample_patches
from sparsecode.estimators import OlshausenField
from sparsecode.estimators._filter_learning import prior_of
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
@image_options
@click.option(
    "--convolutional",
    is_flag=True,
    help="Learn filters that are shifted over the images, not filters of patches.",
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
    help="Number of atoms.  [default: patch size squared; 36 if convolutional]",
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
    default=None,
    help="Passes over the patches, or over the crops of convolutional filters.  [default: 20; "
    "5 if convolutional]",
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
@click.pass_context
def filters(
    context,
    images,
    raw,
    shape,
    dtype,
    convolutional,
    patch_size,
    n_components,
    method,
    n_patches,
    n_epochs,
    seed,
    out,
    quiet,
):
    """Learn filters from photographs, as Olshausen and Field did in 1996.

    Whitens the images, learns a dictionary of their patches, and writes a mosaic of its atoms
    sorted by spatial frequency (filters.png), the filters with all that coding takes
    (filters.safetensors, for `sparsecode encode`), plots of the receptive-field statistics
    (filters-statistics.png) and a table of what was learned (filters-table.txt).

    With --convolutional a filter is shifted over crops of the images, so that none needs to be the
    copy of another at another place. The contrast of the whitened images is lowered before
    where it is highest (sparsecode.datasets.normalize_contrast). The mosaic, the atoms (for
    ConvolutionalDictionary.load) and the table are written.

    \b
    Examples:
      sparsecode filters
      sparsecode filters --images holiday/ --patch-size 16 --out holiday.png
      sparsecode filters --images IMAGES.mat --whitened --n-components 192
      sparsecode filters --convolutional --out shifted.png
      sparsecode filters --images scans/ --shape 512x512 --dtype '>f4'

    Ctrl-C during learning writes what was learned so far. Bad input ends with exit code 2.
    """
    console = Console(stderr=True, quiet=quiet)
    outputs = Outputs(out)
    if convolutional:
        with one_line_errors():
            check_options(context)
            _check_outputs(outputs, images)
            n_components, n_epochs = n_components or N_COMPONENTS, n_epochs or N_EPOCHS
            request = Request(images, raw, shape, dtype, patch_size, n_components, n_epochs, seed)
            interrupted = learn_convolutional(request, outputs, quiet)
        sys.exit(INTERRUPTED if interrupted else 0)
    n_epochs = 20 if n_epochs is None else n_epochs
    n_components = patch_size**2 if n_components is None else n_components
    with one_line_errors():
        _check_outputs(outputs, images)
        pictures = read_pictures(images, shape, dtype, min_size=patch_size, allow_constant=False)
        n_patches = _checked_n_patches(n_patches, n_components, pictures, patch_size)
        note = note_on_whitening(pictures, raw)
        if note:
            say(console, f"Note: {note}")
        white, whitening = whitened(pictures, raw)
        X = sample_patches(white, patch_size, n_patches, random_state=seed, dtype=np.float32)
        model = _METHODS[method](n_components, n_epochs=n_epochs, random_state=seed)
        interrupted = _learn(model, X, console)
        record = {
            "version": __version__,
            "method": method,
            "images": list(images) or ["the photographs of scikit-learn"],
            "sizes": sizes_of(pictures),
            "n_patches": n_patches,
            "n_epochs": n_epochs,
            "n_batches": model.n_iter_,
            "seed": seed,
        }
        bank = FilterBank(model.dictionary_, patch_size, whitening, prior_of(model), record)
        # The filters are saved before they are measured.
        save_or_rescue(bank, outputs.dictionary)
        try:
            _measure(outputs, model, X[:_MEASURED_PATCHES], bank, note, quiet)
        except OSError as error:
            raise OSError(f"{error} The dictionary is in {outputs.dictionary}.") from error
        except KeyboardInterrupt:
            say(console, f"Interrupted while measuring: the filters are in {outputs.dictionary}.")
            interrupted = True
    if interrupted:
        sys.exit(INTERRUPTED)


def _check_outputs(outputs, images):
    check_out(outputs.picture)
    inputs = {pathlib.Path(image).resolve() for image in images if image}
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
    n_there = n_positions(pictures, patch_size)
    n_drawn = min(_DEFAULT_PATCHES, n_there) if n_patches is None else n_patches
    if n_drawn > n_there:
        raise ValueError(
            f"--n-patches is {n_drawn}, but the images have only {n_there} different patches "
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
    show_progress(model, console)
    try:
        model.fit(X)
    except KeyboardInterrupt:
        if not getattr(model, "n_iter_", 0):
            say(console, "Interrupted before anything was learned; nothing was written.")
            sys.exit(INTERRUPTED)
        say(console, f"Interrupted after {model.n_iter_} batches: writing what was learned so far.")
        return True
    return False


def _measure(outputs, model, X, bank, note, quiet):
    # matplotlib is slow to import: bad input and --help need not wait for it.
    import matplotlib

    matplotlib.use("Agg")
    from sparsecode import plotting

    height, width = bank.patch_size
    fits, codes = fit_gabors(model.components_, bank.patch_size), model.transform(X)
    notes = [*([note] if note else []), *notes_on_filters(model, codes, fits)]
    rows = [
        ("images", bank.record["sizes"]),
        ("seed", f"{bank.record['seed']}"),
        *describe_filters(model, X, codes, fits),
    ]
    title = f"{len(model.components_)} filters of {height} x {width} pixels"
    table = render_table(rows, title, notes)
    write_text(outputs.table, table)
    atoms = plotting.plot_atoms(model.components_, patch_shape=bank.patch_size, order="frequency")
    save_figure(atoms.figure, outputs.picture, times=2)
    axes = plotting.plot_gabor_statistics(fits)
    save_figure(axes[0].figure, outputs.statistics)
    if not quiet:
        click.echo(table, nl=False)
        click.echo(written(outputs))
