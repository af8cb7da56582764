"""``sparsecode encode``: code an image with saved filters, and rebuild it from the codes."""

from __future__ import annotations

import pathlib
import sys
from dataclasses import dataclass

import click
import numpy as np
from rich.console import Console

from sparsecode._atomic_files import check_writable, write_atomically
from sparsecode.applications import FilterBank
from sparsecode.cli._images import raw_options, read_pictures
from sparsecode.cli._report import describe_sparsity, render_table
from sparsecode.cli._shared import (
    INTERRUPTED,
    check_out,
    one_line_errors,
    save_figure,
    say,
    write_text,
    written,
)
from sparsecode.metrics import explained_variance

# Factor between variances of whitened images, beyond which their units most likely differ.
_OTHER_UNITS = 10


@dataclass(frozen=True)
class Coded:
    """An image, its codes, and what was rebuilt from them."""

    name: str
    image: np.ndarray
    codes: np.ndarray
    step: int
    whitened: np.ndarray
    whitened_rebuilt: np.ndarray
    rebuilt: np.ndarray

    @property
    def explained(self) -> tuple[float, ...]:
        """Explained variance of the whitened image, and of the image."""
        return tuple(
            explained_variance(image.reshape(-1, 1), rebuilt.reshape(-1, 1))
            for image, rebuilt in (
                (self.whitened, self.whitened_rebuilt),
                (self.image, self.rebuilt),
            )
        )


@click.command()
@click.argument("image", required=False, metavar="[IMAGE]")
@click.option(
    "--filters",
    "bank",
    type=click.Path(path_type=pathlib.Path),
    default="filters.safetensors",
    show_default=True,
    help="Filters that `sparsecode filters` wrote.",
)
@click.option(
    "--index",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Image to code, where the file holds several: 0 is the first.",
)
@raw_options
@click.option(
    "--step",
    type=click.IntRange(1),
    default=None,
    help="Pixels between neighbouring patches, at most the patch size.  [default: half of it]",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    default="encoded.png",
    show_default=True,
    help="Picture to write (.png, .pdf or .svg). The codes and the table are written beside it "
    "under the same name.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def encode(image, bank, index, shape, dtype, step, out, quiet):
    """Code an image with saved filters, and rebuild it from its codes.

    Whitens the image as the filters' images were, codes its patches with the prior that the filters
    were learned with, and averages the decoded patches. Writes a picture of both (encoded.png), the
    codes with the rebuilt image (encoded.npz) and a table of figures (encoded-table.txt). IMAGE is
    a file of the kinds that `sparsecode filters` reads; by default it is a photograph that ships
    with scikit-learn.

    \b
    Examples:
      sparsecode encode
      sparsecode encode holiday/beach.jpg --filters holiday.safetensors --step 2
    """
    console = Console(stderr=True, quiet=quiet)
    codes_path, table_path = out.with_suffix(".npz"), out.with_name(f"{out.stem}-table.txt")
    try:
        with one_line_errors():
            check_out(out)
            for path in (codes_path, table_path):
                check_writable(path)
            filters = _load_filters(bank)
            step = _checked_step(step, filters)
            name, pixels = _read(image, index, shape, dtype, filters.patch_size, console)
            note = _note_on_units(pixels, filters)
            if note:
                say(console, f"Note: {note}")
            coded = _code(name, pixels, filters, step)
            table = render_table(_rows(coded, filters), f"{name} coded", [note] if note else [])
            _save_codes(coded, codes_path)
            write_text(table_path, table)
            _draw(coded, out)
    except KeyboardInterrupt:
        say(console, "Interrupted; the image was not coded.")
        sys.exit(INTERRUPTED)
    if not quiet:
        click.echo(table, nl=False)
        click.echo(written((out, codes_path, table_path)))


def _load_filters(path):
    try:
        return FilterBank.load(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: no such file. Learn filters first, with `sparsecode filters`, or give the "
            "file that it wrote as --filters."
        ) from error


def _checked_step(step, filters):
    smallest = min(filters.patch_size)
    if step is None:
        return max(smallest // 2, 1)
    if step > smallest:
        raise ValueError(
            f"--step is {step}, but the filters have only {smallest} pixels, so that some pixels "
            f"would be in no patch. Give at most {smallest}."
        )
    return step


def _read(path, index, shape, dtype, patch_size, console):
    """Name and pixels of the image to code."""
    pictures = read_pictures(
        () if path is None else (path,), shape, dtype, min_size=patch_size, allow_constant=False
    )
    name = "a photograph of scikit-learn" if path is None else path
    if index >= len(pictures):
        raise ValueError(
            f"--index is {index}, but {name} holds {len(pictures)} image(s). Give at most "
            f"{len(pictures) - 1}."
        )
    if path is not None and len(pictures) > 1:
        name = f"{name}, image {index} of {len(pictures)},"
        say(console, f"{name} is coded; --index chooses another one.")
    return name, pictures[index]


def _note_on_units(image, filters):
    variance, expected = float(filters.whiten(image).var()), filters.whitening.variance
    if expected / _OTHER_UNITS < variance < expected * _OTHER_UNITS:
        return None
    return (
        f"The whitened image has variance {variance:.3g}, but those of the filters had "
        f"{expected:g}. Its pixels may have other units than those images, such as 0 to 255 "
        "instead of 0 to 1, or it may be whitened already."
    )


def _code(name, image, filters, step):
    codes = filters.encode(image, step=step)
    rebuilt = filters.decode(codes, image.shape, step=step)
    return Coded(
        name=name,
        image=image,
        codes=codes,
        step=step,
        whitened=filters.whiten(image),
        whitened_rebuilt=rebuilt,
        rebuilt=filters.unwhiten(rebuilt, mean=float(image.mean())),
    )


def _rows(coded, filters):
    height, width = coded.image.shape
    patch_height, patch_width = filters.patch_size
    of_whitened, of_image = coded.explained
    error = np.mean((coded.image - coded.rebuilt) ** 2)
    noise = 10 * np.log10(np.ptp(coded.image) ** 2 / error) if error > 0 else np.inf
    sigma = getattr(filters.penalty, "sigma", 0.0)
    return [
        ("image", f"{height} x {width} pixels"),
        ("filters", f"{filters.dictionary.n_components} of {patch_height} x {patch_width} pixels"),
        ("patches", f"{len(coded.codes)}, one every {coded.step} pixels"),
        ("explained variance of the whitened image", f"{of_whitened:.3f}"),
        ("explained variance of the image", f"{of_image:.3f}"),
        ("peak signal-to-noise ratio", f"{noise:.1f} dB"),
        *describe_sparsity(coded.codes, sigma),
    ]


def _save_codes(coded, path):
    arrays = {
        "codes": coded.codes,
        "step": coded.step,
        "image_shape": coded.image.shape,
        "whitened": coded.whitened_rebuilt,
        "image": coded.rebuilt,
    }
    with write_atomically(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def _draw(coded, out):
    # matplotlib is slow to import: bad input and --help need not wait for it.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    height, width = coded.image.shape
    figure, axes = pyplot.subplots(
        2, 2, figsize=(9, 0.8 + 9 * height / width), layout="constrained", squeeze=False
    )
    of_whitened, of_image = coded.explained
    grey = {"vmin": coded.image.min(), "vmax": coded.image.max()}
    # Whitened images have few pixels far from zero: four deviations show the rest.
    most = 4 * coded.whitened.std()
    white = {"vmin": -most, "vmax": most}
    panels = (
        ("image", coded.image, grey),
        (f"rebuilt, explained variance {of_image:.3f}", coded.rebuilt, grey),
        ("whitened image", coded.whitened, white),
        (f"rebuilt, explained variance {of_whitened:.3f}", coded.whitened_rebuilt, white),
    )
    for letter, ax, (title, pixels, limits) in zip("ABCD", axes.flat, panels, strict=True):
        ax.imshow(pixels, cmap="gray", **limits)
        ax.set_title(title, fontsize=10)
        ax.set_title(letter, loc="left", fontsize=11, fontweight="bold")
        ax.set_axis_off()
    figure.suptitle(f"{coded.name}: {len(coded.codes)} patches coded", fontsize=11)
    save_figure(figure, out)
