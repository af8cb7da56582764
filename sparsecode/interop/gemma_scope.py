"""Checkpoints of Gemma Scope: JumpReLU autoencoders and transcoders.

Files are ``params.npz``, or for Gemma Scope 2 ``params.safetensors`` and ``config.json``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._reading.archive import read_npz
from sparsecode._reading.npy import widened
from sparsecode.interop._arrays import (
    check_matrix_of,
    check_names,
    check_shapes,
    read_safetensors,
)
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._checkpoint_folding import fold_scales, subtracting
from sparsecode.interop._config import Settings, read_config
from sparsecode.interop._refusal import unwritable

WEIGHTS = ("params.npz", "params.safetensors")
CONFIG = "config.json"

_NAMES = {"W_enc", "W_dec", "b_enc", "b_dec", "threshold"}
_SKIP = "affine_skip_connection"


def read(weights: Any, options: Any) -> Checkpoint:
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    is_npz = weights.suffix != ".safetensors"
    arrays = read_npz(weights, max_bytes=options.max_bytes) if is_npz else read_safetensors(weights)
    # Some files begin the names of matrices with a small letter.
    arrays = {
        f"W_{name[2:]}" if name.startswith("w_") else name: widened(array)
        for name, array in arrays.items()
    }
    path = weights.parent / CONFIG
    settings = Settings(read_config(path) if path.is_file() and not is_npz else {}, path)
    settings.only("architecture", "jump_relu")
    skip = {_SKIP} if settings.flag("affine_connection", _SKIP in arrays) else set()
    check_names(weights, arrays, _NAMES | skip)
    n_features, _ = check_matrix_of(weights, "W_enc", arrays["W_enc"])
    n_outputs = arrays["b_dec"].size
    n_components = arrays["b_enc"].size
    shapes = {
        "W_enc": (n_features, n_components),
        "W_dec": (n_components, n_outputs),
        "b_enc": (n_components,),
        "b_dec": (n_outputs,),
        "threshold": (n_components,),
        _SKIP: (n_features, n_outputs),
    }
    check_shapes(weights, arrays, shapes)
    return Checkpoint(
        "JumpReLU",
        W=arrays["W_enc"].T,
        atoms=arrays["W_dec"],
        b=arrays["b_enc"],
        offset=arrays["b_dec"],
        threshold=arrays["threshold"],
        W_skip=arrays[_SKIP].T if skip else None,
        subtract_offset=False,
        scale=options.scale,
        transcoder=_is_transcoder(settings, options, n_outputs != n_features or bool(skip)),
        metadata=_metadata(settings),
    )


def files(checkpoint: Any) -> dict[str, Any]:
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


def _is_transcoder(settings, options, by_shape):
    """Whether it is a transcoder, by the caller, else by the settings, else by the shapes.

    Arrays with as many outputs as inputs may be either; both compute the same.
    """
    if options.transcoder is not None:
        return options.transcoder
    return by_shape or settings.text("hf_hook_point_out") is not None


def _metadata(settings):
    metadata = {"format": "gemma_scope"}
    if settings.config:
        metadata["config"] = settings.config
    for ours, theirs in (("model_name", "model_name"), ("hook_name", "hf_hook_point_in")):
        if settings.text(theirs) is not None:
            metadata[ours] = settings.text(theirs)
    return metadata
