"""Checkpoints of sparsify: ``sae.safetensors`` and ``cfg.json``, TopK with or without a skip."""

from __future__ import annotations

from typing import Any

from sparsecode._reading.refusal import refusal
from sparsecode.interop._arrays import (
    check_matrix_of,
    check_names,
    check_shapes,
    read_safetensors,
)
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._checkpoint_folding import fold
from sparsecode.interop._config import Settings, read_config
from sparsecode.interop._refusal import unwritable

WEIGHTS = ("sae.safetensors",)
CONFIG = "cfg.json"

_NAMES = {"encoder.weight", "encoder.bias", "W_dec", "b_dec"}


def read(weights: Any, options: Any) -> Checkpoint:
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    settings = Settings(read_config(weights.parent / CONFIG), weights.parent / CONFIG)
    settings.only("activation", "topk")
    for name in ("signed", "embed_skip", "gram_lookup"):
        settings.only(name, False)
    transcoder = settings.flag("transcode", False)
    skip = {"W_skip"} if settings.flag("skip_connection", False) else set()
    arrays = read_safetensors(weights)
    check_names(weights, arrays, _NAMES | skip)
    n_components, n_features = check_matrix_of(weights, "encoder.weight", arrays["encoder.weight"])
    n_features = settings.integer("d_in", n_features)
    n_components = settings.integer("num_latents", low=0) or n_components
    shapes = {
        "encoder.weight": (n_components, n_features),
        "encoder.bias": (n_components,),
        "W_dec": (n_components, n_features),
        "b_dec": (n_features,),
        "W_skip": (n_features, n_features),
    }
    check_shapes(weights, arrays, shapes)
    return Checkpoint(
        "TopK",
        W=arrays["encoder.weight"],
        atoms=arrays["W_dec"],
        b=arrays["encoder.bias"],
        offset=arrays["b_dec"],
        k=_k(settings),
        W_skip=arrays.get("W_skip"),
        subtract_offset=not transcoder,
        scale=options.scale,
        transcoder=transcoder,
        metadata={"format": "sparsify", "config": settings.config},
    )


def files(checkpoint: Any) -> dict[str, Any]:
    """Return the contents of the files of a checkpoint: arrays, and settings as a dict."""
    same_width = checkpoint.n_outputs == checkpoint.n_features
    if checkpoint.architecture != "TopK" or checkpoint.input_norm != "none" or not same_width:
        raise unwritable(
            checkpoint,
            "sparsify",
            got=f"one with input_norm={checkpoint.input_norm!r}, {checkpoint.n_features} features "
            f"and {checkpoint.n_outputs} outputs",
            expected="TopK without norms of inputs, with as many outputs as features",
            remedy="Use the format 'sae_lens'.",
        )
    checkpoint = fold(checkpoint)
    arrays = {
        "encoder.weight": checkpoint.W,
        "encoder.bias": checkpoint.b,
        "W_dec": checkpoint.atoms,
        "b_dec": checkpoint.offset,
    }
    if checkpoint.W_skip is not None:
        arrays["W_skip"] = checkpoint.W_skip
    metadata = checkpoint.metadata
    config = metadata.get("config", {}) if metadata.get("format") == "sparsify" else {}
    settings = {
        **config,
        "activation": "topk",
        "d_in": checkpoint.n_features,
        "num_latents": checkpoint.n_components,
        "k": checkpoint.k,
        "skip_connection": checkpoint.W_skip is not None,
        "transcode": checkpoint.transcoder,
    }
    return {WEIGHTS[0]: arrays, CONFIG: settings}


def _k(settings):
    k = settings.integer("k")
    if k is None:
        raise refusal(
            f"{settings.path}: k",
            got="missing",
            expected="the number of active units",
            remedy="Add it to the file.",
        )
    return k
