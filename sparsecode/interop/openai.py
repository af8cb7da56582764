"""Checkpoints of OpenAI's sparse_autoencoder: state dicts that name their activation, as ``.pt``.

TopK models scale each sample to mean 0 and standard deviation 1, as their library does.
"""

from __future__ import annotations

from typing import Any

from sparsecode._reading.refusal import refusal
from sparsecode.interop._arrays import check_matrix_of, check_names, check_shapes
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._config import Settings
from sparsecode.interop._torch_zip import read_state

WEIGHTS = ()
CONFIG = None

_NAMES = {"pre_bias", "latent_bias", "encoder.weight", "decoder.weight"}
# Counts of the training, which do not affect the model.
_COUNTS = {"stats_last_nonzero", "latents_activation_frequency", "latents_mean_square"}


def is_of(state: Any) -> bool:
    """Whether a file that torch saved is of this format."""
    return {"pre_bias", "latent_bias"} <= set(state.tensors)


def read(weights: Any, options: Any) -> Checkpoint:
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    state = read_state(weights, options.max_bytes)
    check_names(weights, state.tensors, _NAMES, _COUNTS)
    arrays = state.arrays(_NAMES)
    settings = Settings(state.others, weights)
    activation = settings.choice("activation", ("ReLU", "TopK"), "ReLU")
    n_components, n_features = check_matrix_of(weights, "encoder.weight", arrays["encoder.weight"])
    shapes = {
        "encoder.weight": (n_components, n_features),
        "decoder.weight": (n_features, n_components),
        "pre_bias": (n_features,),
        "latent_bias": (n_components,),
    }
    check_shapes(weights, arrays, shapes)
    k = None
    if activation == "TopK":
        k = _k(weights, settings.section("activation_state_dict"))
    return Checkpoint(
        activation,
        W=arrays["encoder.weight"],
        atoms=arrays["decoder.weight"].T,
        b=arrays["latent_bias"],
        offset=arrays["pre_bias"],
        k=k,
        scale=options.scale,
        # Their library decides by the activation as well.
        input_norm="layer_norm" if activation == "TopK" else "none",
        metadata={"format": "openai"},
    )


def _k(path, settings):
    settings.only("postact_fn", "ReLU")
    k = settings.integer("k")
    if k is None:
        raise refusal(
            f"{path}: activation_state_dict",
            got="without k",
            expected="the number of active units",
            remedy="Save the state dict of the whole model.",
        )
    return k
