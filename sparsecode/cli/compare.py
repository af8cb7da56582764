"""``sparsecode compare``: amortized inference against exact optimization, on photographs."""

from __future__ import annotations

import pathlib
import sys

import click
import numpy as np
from rich.console import Console

from sparsecode.cli._images import (
    image_options,
    n_positions,
    note_on_whitening,
    read_pictures,
    whitened,
)
from sparsecode.cli._progress import Steps, show_progress
from sparsecode.cli._shared import INTERRUPTED, check_out, one_line_errors, save_figure, say
from sparsecode.compare import amortization_report
from sparsecode.datasets import sample_patches
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import LISTA
from sparsecode.estimators import DictionaryLearning
from sparsecode.losses import LassoLoss
from sparsecode.optimizers import Adam
from sparsecode.penalties import L1
from sparsecode.training import train

_N_ITERS = (1, 2, 4, 8, 16, 32, 64)
_DICTIONARY_EPOCHS = 3


@click.command()
@image_options
@click.option(
    "--dictionary",
    type=click.Path(path_type=pathlib.Path),
    default=None,
    help="Dictionary of square patches to code on, as `sparsecode filters` or Dictionary.save "
    "writes it.  [default: learned from the patches]",
)
@click.option(
    "--patch-size",
    type=click.IntRange(4, 32),
    default=8,
    show_default=True,
    help="Height and width of a patch in pixels; that of the dictionary where one is given.",
)
@click.option(
    "--n-components",
    type=click.IntRange(1),
    default=128,
    show_default=True,
    help="Number of atoms that are learned.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, min_open=True),
    default=0.1,
    show_default=True,
    help="Weight of the l1 penalty.",
)
@click.option(
    "--layers",
    type=click.IntRange(1, 64),
    multiple=True,
    default=(3, 8),
    show_default=True,
    help="Layers of a LISTA to train. May be repeated.",
)
@click.option(
    "--n-patches",
    type=click.IntRange(100),
    default=20_000,
    show_default=True,
    help="Patches to learn and train on; a tenth as many others, but at most 1000, are compared.",
)
@click.option(
    "--n-epochs",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Passes over the patches in training.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    default="ladder.png",
    show_default=True,
    help="Picture to write (.png, .pdf or .svg): the gap to the optimum against the time.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def compare(
    images,
    raw,
    shape,
    dtype,
    dictionary,
    patch_size,
    n_components,
    alpha,
    layers,
    n_patches,
    n_epochs,
    seed,
    out,
    quiet,
):
    """Compare trained encoders with the exact optimum, on patches of whitened photographs.

    Learns a dictionary, or loads one, and trains a LISTA for each number of layers to minimise the
    objective. Compares their codes with the certified optimum on patches that they were not trained
    on, and prints a table: objective, gap, supports, time, and the equivalent number of iterations
    of FISTA. Plots the gap against the time (ladder.png).

    \b
    Examples:
      sparsecode compare
      sparsecode compare --images holiday/ --n-components 256
      sparsecode compare --dictionary filters.safetensors --layers 3 --layers 16
    """
    console = Console(stderr=True, quiet=quiet)
    try:
        with one_line_errors():
            check_out(out)
            given = None if dictionary is None else _load_dictionary(dictionary)
            if given is not None:
                patch_size = round(np.sqrt(given.n_features))
            pictures = read_pictures(
                images, shape, dtype, min_size=patch_size, allow_constant=False
            )
            X, held = _patches(whitened(pictures, raw)[0], patch_size, n_patches, seed)
            note = note_on_whitening(pictures, raw)
            if note:
                say(console, f"Note: {note}")
            atoms = _learn(X, n_components, alpha, seed, console) if given is None else given
            encoders = {
                f"LISTA {n_layers}": _train(n_layers, atoms, X, alpha, n_epochs, seed, console)
                for n_layers in sorted(set(layers))
            }
            say(console, "comparing")
            report = amortization_report(
                held, atoms, L1(alpha), encoders=encoders, n_iters=_N_ITERS, random_state=seed
            )
            try:
                _draw(report, out)
            except OSError:
                # The numbers took long to compute, so they are printed even if the plot fails.
                click.echo(report)
                raise
    except KeyboardInterrupt:
        say(console, "Interrupted; nothing was written.")
        sys.exit(INTERRUPTED)
    if not quiet:
        click.echo(report)
        click.echo(f"written: {out}")


def _load_dictionary(path):
    dictionary = Dictionary.load(path)
    side = round(np.sqrt(dictionary.n_features))
    if side**2 != dictionary.n_features:
        raise ValueError(
            f"--dictionary has atoms of {dictionary.n_features} values; expected a square number, "
            "as patches are square and grey. Give another dictionary."
        )
    return dictionary.astype(np.float32)


def _patches(pictures, patch_size, n_patches, seed):
    """Patches to learn from, and others to compare on."""
    n_held = min(max(n_patches // 10, 2), 1000)
    n_there = n_positions(pictures, patch_size)
    if n_patches + n_held > n_there:
        raise ValueError(
            f"--n-patches is {n_patches}, and the comparison needs {n_held} other patches, but the "
            f"images have only {n_there} different patches of {patch_size}x{patch_size} pixels. "
            "Lower --n-patches or give more images."
        )
    X = sample_patches(
        pictures, patch_size, n_patches + n_held, random_state=seed, dtype=np.float32
    )
    return X[:-n_held], X[-n_held:]


def _learn(X, n_components, alpha, seed, console):
    say(console, f"learning {n_components} atoms")
    model = DictionaryLearning(
        n_components, alpha=alpha, batch_size=256, n_epochs=_DICTIONARY_EPOCHS, random_state=seed
    )
    show_progress(model, console)
    return model.fit(X).dictionary_


def _train(n_layers, dictionary, X, alpha, n_epochs, seed, console):
    encoder, penalty = LISTA(L1(alpha), n_layers=n_layers), L1(alpha)
    say(console, f"training a LISTA of {n_layers} layers")
    states = train(
        encoder,
        dictionary,
        X,
        loss=LassoLoss(penalty),
        optimizer=Adam(lr=1e-3),
        n_epochs=n_epochs,
        validation_fraction=0.1,
        random_state=seed,
    )
    with Steps(console, "training", n_epochs) as steps:
        next(states)  # The state before training.
        for state in states:
            steps.advance(f"objective {state.history['validation'][-1]:.4f}")
    return encoder.bind(state.best_params)


def _draw(report, out):
    # matplotlib is slow to import: bad input and --help need not wait for it.
    import matplotlib

    matplotlib.use("Agg")
    from sparsecode.plotting import plot_ladder

    save_figure(plot_ladder(report).figure, out)
