"""Filters that are shifted over photographs: what ``sparsecode filters --convolutional`` does."""

from __future__ import annotations

import sys
import time

import numpy as np
from rich.console import Console

from sparsecode.cli._convolutional_report import describe_convolutional, write_convolutional
from sparsecode.cli._images import (
    PIXEL_VARIANCE,
    n_positions,
    note_on_whitening,
    read_pictures,
    sizes_of,
    whitened,
)
from sparsecode.cli._progress import Steps
from sparsecode.cli._shared import (
    INTERRUPTED,
    save_or_rescue,
    say,
)
from sparsecode.convolutional import ConvolutionalDictionaryLearning
from sparsecode.datasets import normalize_contrast, sample_patches

# For whitened pixels of variance 0.1.
_ALPHA = 1.2
# Steps are small, and noisy if they forget the last ones too soon.
_FORGETTING = 2.0
# Crops of photographs, their side in filters, and how many a step takes.
_N_CROPS, _SIDE, _BATCH = 100, 6, 4
# Steps for each atom from which one enters in each step.
_STEPS_AN_ATOM = 2


def learn_convolutional(request, outputs, quiet):
    """Learn filters, and write their mosaic, atoms and table; True if Ctrl-C ended it early."""
    console = Console(stderr=True, quiet=quiet)
    pictures = read_pictures(
        request.images, request.shape, request.dtype, min_size=2 * request.size,
        allow_constant=False,
    )  # fmt: skip
    note = note_on_whitening(pictures, request.raw)
    if note:
        say(console, f"Note: {note}")
    white, _ = whitened(pictures, request.raw)
    # Otherwise the one place of highest contrast makes most of the filters.
    even = normalize_contrast(white, width=request.size / 2, variance=PIXEL_VARIANCE)
    crops = _crops(even, request)
    n_steps = request.n_epochs * -(-len(crops) // _BATCH)
    grows = n_steps >= _STEPS_AN_ATOM * request.n_components
    model = ConvolutionalDictionaryLearning(
        request.n_components,
        (request.size, request.size),
        alpha=_ALPHA,
        init="greedy" if grows else "samples",
        window=True,
        n_sweeps=1,
        forgetting=_FORGETTING,
        random_state=request.seed,
    )
    start = time.perf_counter()
    interrupted = _learn(model, crops, request, console)
    seconds = time.perf_counter() - start
    # The filters are saved before they are measured.
    save_or_rescue(model.dictionary_, outputs.dictionary)
    seen = [
        ("images", sizes_of(pictures)),
        ("contrast", f"evened out over {request.size / 2:g} pixels"),
        ("seed", f"{request.seed}"),
        ("first filters", "one more in each step" if grows else "parts of the crops"),
        ("crops learned from", f"{len(crops)} of {crops.shape[1]} x {crops.shape[2]} pixels"),
        ("steps", f"{model.n_iter_} in {seconds:.1f} s"),
    ]
    try:
        rows = [*seen, *describe_convolutional(model, crops[:_BATCH])]
        write_convolutional(model, outputs, rows, [note] if note else [], quiet)
    except OSError as error:
        raise OSError(f"{error} The dictionary is in {outputs.dictionary}.") from error
    except KeyboardInterrupt:
        say(console, f"Interrupted while measuring: the filters are in {outputs.dictionary}.")
        interrupted = True
    return interrupted


def _crops(white, request):
    """Square parts of whitened images, drawn at random."""
    side = min(_SIDE * request.size, *(min(picture.shape) for picture in white))
    n_crops = min(_N_CROPS, n_positions(white, side))
    rows = sample_patches(white, side, n_crops, random_state=request.seed, dtype=np.float32)
    return rows.reshape(n_crops, side, side)


def _learn(model, crops, request, console):
    """Steps over the crops, a few at a time; True if Ctrl-C ended them early."""
    rng = np.random.RandomState(request.seed)
    begins = range(0, len(crops), _BATCH)
    try:
        with Steps(console, "learning", request.n_epochs * len(begins)) as steps:
            for _ in range(request.n_epochs):
                order = rng.permutation(len(crops))
                for begin in begins:
                    batch = order[begin : begin + _BATCH]
                    model.partial_fit(crops[batch])
                    mean = model.history_["objective"][-1] / len(batch)
                    steps.advance(f"objective {mean:.1f}")
    except KeyboardInterrupt:
        if not getattr(model, "n_iter_", 0):
            say(console, "Interrupted before anything was learned; nothing was written.")
            sys.exit(INTERRUPTED)
        say(console, f"Interrupted in step {model.n_iter_ + 1}: writing what was learned so far.")
        return True
    return False
