"""Checkpoints of Gemma Scope: ``params.npz``, JumpReLU autoencoders and transcoders."""

from __future__ import annotations

import numpy as np

from sparsecode._reading.archive import read_npz
from sparsecode._reading.npy import widened
from sparsecode.interop._arrays import check_matrix_of, check_names, check_shapes
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._folding import fold_scales, subtracting
from sparsecode.interop._refusal import unwritable

WEIGHTS = ("params.npz",)
CONFIG = None

_NAMES = {"W_enc", "W_dec", "b_enc", "b_dec", "threshold"}


def read(weights, input_scale=None):
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    # Some files begin the names of matrices with a small letter.
    arrays = {
        f"W_{name[2:]}" if name.startswith("w_") else name: widened(array)
        for name, array in read_npz(weights).items()
    }
    check_names(weights, arrays, _NAMES)
    n_features, _ = check_matrix_of(weights, "W_enc", arrays["W_enc"])
    n_outputs = arrays["b_dec"].size
    n_components = arrays["b_enc"].size
    shapes = {
        "W_enc": (n_features, n_components),
        "W_dec": (n_components, n_outputs),
        "b_enc": (n_components,),
        "b_dec": (n_outputs,),
        "threshold": (n_components,),
    }
    check_shapes(weights, arrays, shapes)
    return Checkpoint(
        "JumpReLU",
        W=arrays["W_enc"].T,
        atoms=arrays["W_dec"],
        b=arrays["b_enc"],
        offset=arrays["b_dec"],
        threshold=arrays["threshold"],
        subtract_offset=False,
        scale=1.0 if input_scale is None else input_scale,
        transcoder=n_outputs != n_features,
        metadata={"format": "gemma_scope"},
    )


def files(checkpoint):
    """Return the contents of the file of a checkpoint: arrays."""
    fits = checkpoint.architecture in ("JumpReLU", "BatchTopK") and checkpoint.threshold is not None
    if not fits or checkpoint.W_skip is not None or checkpoint.input_norm != "none":
        raise unwritable(
            checkpoint,
            "gemma_scope",
            got=f"one with k={checkpoint.k}, input_norm={checkpoint.input_norm!r} and "
            f"{'no ' if checkpoint.W_skip is None else ''}W_skip",
            expected="JumpReLU, or BatchTopK with a threshold, without norms of inputs and W_skip",
            remedy="Use the format 'sae_lens'.",
        )
    checkpoint = subtracting(fold_scales(checkpoint), False)
    arrays = {
        "W_enc": checkpoint.W.T,
        "W_dec": checkpoint.atoms,
        "b_enc": checkpoint.b,
        "b_dec": checkpoint.offset,
        "threshold": np.broadcast_to(checkpoint.threshold, checkpoint.b.shape),
    }
    return {WEIGHTS[0]: arrays}
