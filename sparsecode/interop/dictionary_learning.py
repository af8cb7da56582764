"""Checkpoints of dictionary_learning: ``ae.pt`` and ``config.json``; also ``ae.safetensors``.

Reading gives the same model as the loader of that library since January 2025; see the guide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._messages import shown
from sparsecode._reading.refusal import listed, refusal
from sparsecode.interop._arrays import (
    check_finite,
    check_matrix_of,
    check_names,
    check_shapes,
    number,
    read_safetensors,
)
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._checkpoint_folding import are_units, fold_scales, shifted, subtracting
from sparsecode.interop._config import Settings, read_config
from sparsecode.interop._refusal import unwritable
from sparsecode.interop._torch_zip import read_state

WEIGHTS = ("ae.pt", "ae.safetensors")
CONFIG = "config.json"

_LINEAR = {"encoder.weight", "encoder.bias", "decoder.weight"}
_MATRICES = {"W_enc", "b_enc", "W_dec", "b_dec"}
# Class: its architecture, the arrays that it has, and those that only newer versions have.
CLASSES: dict[str, tuple[str, set[str], set[str]]] = {
    "AutoEncoder": ("ReLU", {*_LINEAR, "bias"}, set()),
    "AutoEncoderNew": ("ReLU", {*_LINEAR, "decoder.bias"}, set()),
    "AutoEncoderTopK": ("TopK", {*_LINEAR, "b_dec"}, {"k", "threshold"}),
    "BatchTopKSAE": ("BatchTopK", {*_LINEAR, "b_dec"}, {"k", "threshold"}),
    "MatryoshkaBatchTopKSAE": ("BatchTopK", {*_MATRICES, "k", "group_sizes"}, {"threshold"}),
    "JumpReluAutoEncoder": ("JumpReLU", {*_MATRICES, "threshold"}, set()),
    "GatedAutoEncoder": (
        "Gated",
        {"encoder.weight", "decoder.weight", "decoder_bias", "r_mag", "gate_bias", "mag_bias"},
        set(),
    ),
}
_OFFSETS = ("bias", "decoder.bias", "b_dec", "decoder_bias")
_NOT_SUBTRACTING = ("AutoEncoderNew", "JumpReluAutoEncoder")
# Its loader multiplies the codes of this class by the norms of atoms that are not about 1.
_NORMALIZED = "AutoEncoder"
# Names of the mean of samples that is subtracted before all else, beside a state dict.
_MEANS = ("act_mean", "activation_mean", "mean")
_SECTIONS = ("cfg", "config", "args")
# Parts of the names of numbers beside a state dict that could change what the model computes.
_TELLING = ("mean", "std", "scale", "norm", "shift", "bias")


def read(weights: Any, options: Any) -> Checkpoint:
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    arrays, mean, around = _read_arrays(weights, options)
    config = weights.parent / CONFIG
    settings = Settings(read_config(config) if config.is_file() else around, config)
    trainer = settings.section("trainer") if "trainer" in settings.config else settings
    name = _class(weights, arrays, trainer, options.dict_class)
    architecture, required, optional = CLASSES[name]
    check_names(weights, arrays, required, optional)
    check_finite(weights, arrays)
    arrays = _by_our_names(weights, arrays)
    n_components, n_features = arrays["W"].shape
    units = ("b", "b_gate", "b_mag", "r_mag")
    shapes = {
        "W": (n_components, trainer.integer("activation_dim", n_features)),
        "atoms": (trainer.integer("dict_size", n_components), n_features),
        "offset": (n_features,),
        **dict.fromkeys(units, (n_components,)),
    }
    check_shapes(weights, arrays, shapes)
    checkpoint = Checkpoint(
        architecture,
        **{name: arrays[name] for name in ("W", "atoms", "offset", *units) if name in arrays},
        threshold=_threshold(weights, arrays, architecture),
        k=_k(weights, arrays, trainer) if architecture in ("TopK", "BatchTopK") else None,
        subtract_offset=name not in _NOT_SUBTRACTING,
        norm_scaled=name == _NORMALIZED and not are_units(arrays["atoms"]),
        scale=options.scale,
        metadata=_metadata(arrays, settings),
    )
    return checkpoint if mean is None else shifted(checkpoint, mean)


def _read_arrays(weights, options):
    """Arrays of the state dict, the mean beside it or None, and the settings beside it."""
    if weights.suffix == ".safetensors":
        return read_safetensors(weights), None, {}
    state = read_state(weights, options.max_bytes)
    around = state.arrays_around()
    telling = {name for name in around if any(part in name.lower() for part in _TELLING)}
    unknown = telling | {name for name, array in around.items() if array.ndim > 0}
    means = unknown & set(_MEANS)
    if unknown - means or len(means) > 1:
        raise refusal(
            weights,
            got=f"a file with {listed(unknown)} beside its state dict",
            expected=f"at most one of {', '.join(_MEANS)} beside it",
            remedy="Save model.state_dict() alone, and apply the other arrays to the samples "
            "yourself.",
        )
    mean = None
    for name in means:
        mean = around[name].reshape(-1)
        check_shapes(weights, {name: mean}, {name: (_n_features(state),)})
    sections = [state.others[name] for name in _SECTIONS if type(state.others.get(name)) is dict]
    settings = {key: value for part in (state.others, *sections) for key, value in part.items()}
    return state.arrays(), mean, {key: v for key, v in settings.items() if type(key) is str}


def _n_features(state):
    """Number of features of the model in a state dict."""
    for name, axis in (("encoder.weight", 1), ("W_enc", 0)):
        shape = getattr(state.tensors.get(name), "shape", ())
        if len(shape) == 2:
            return shape[axis]
    return 0


def files(checkpoint: Any) -> dict[str, Any]:
    """Return the contents of the files of a checkpoint: arrays, and settings as a dict."""
    name, checkpoint = _as_class(checkpoint)
    arrays = {"encoder.weight": checkpoint.W, "decoder.weight": checkpoint.atoms.T}
    if name in ("JumpReluAutoEncoder", "MatryoshkaBatchTopKSAE"):
        arrays = {"W_enc": checkpoint.W.T, "W_dec": checkpoint.atoms, "b_enc": checkpoint.b}
    elif name == "GatedAutoEncoder":
        arrays |= {"r_mag": checkpoint.r_mag, "gate_bias": checkpoint.b_gate}
        arrays["mag_bias"] = checkpoint.b_mag
    else:
        arrays["encoder.bias"] = checkpoint.b
    (offset,) = CLASSES[name][1].intersection(_OFFSETS)
    arrays[offset] = checkpoint.offset
    if name == "JumpReluAutoEncoder":
        arrays["threshold"] = checkpoint.threshold
    elif checkpoint.k is not None:
        unset = checkpoint.threshold is None
        arrays["threshold"] = np.array(-1.0, np.float32) if unset else checkpoint.threshold
        arrays["k"] = np.array(checkpoint.k, np.int32)
    if name == "MatryoshkaBatchTopKSAE":
        arrays["group_sizes"] = np.array(checkpoint.metadata["group_sizes"], np.int64)
    return {WEIGHTS[0]: arrays, CONFIG: _settings(checkpoint, name)}


def _class(path, arrays, trainer, dict_class):
    """Name of the class of the file: as given, or detected from its arrays."""
    told = trainer.text("dict_class")
    if told is not None:
        trainer.choice("dict_class", tuple(CLASSES))
    if dict_class is not None and told not in (None, dict_class):
        raise refusal(
            f"{trainer.path}: dict_class", got=shown(told), expected=repr(dict_class),
            remedy="Leave dict_class out to use the class that the file gives.",
        )  # fmt: skip
    if told or dict_class:
        return told or dict_class
    fitting = [
        name
        for name, (_, required, optional) in CLASSES.items()
        if required <= set(arrays) <= required | optional
    ]
    if len(fitting) != 1:
        raise refusal(
            path,
            got=f"a file with the arrays {listed(arrays)} of {' or '.join(fitting) or 'no'} class",
            expected=f"arrays of one class, or {CONFIG} beside them with trainer.dict_class",
            remedy="Put that file into the same folder, or give dict_class: TopK and BatchTopK "
            "have the same arrays.",
        )
    return fitting[0]


def _by_our_names(path, arrays):
    ours = {"encoder.bias": "b", "b_enc": "b", "gate_bias": "b_gate", "mag_bias": "b_mag"}
    ours |= dict.fromkeys(_OFFSETS, "offset")
    renamed = {ours.get(name, name): array for name, array in arrays.items()}
    for name in {"encoder.weight", "decoder.weight", "W_enc", "W_dec"} & set(arrays):
        check_matrix_of(path, name, arrays[name])
    if "W_enc" in arrays:
        return renamed | {"W": arrays["W_enc"].T, "atoms": arrays["W_dec"]}
    return renamed | {"W": arrays["encoder.weight"], "atoms": arrays["decoder.weight"].T}


def _threshold(path, arrays, architecture):
    if architecture == "JumpReLU" or "threshold" not in arrays:
        return arrays.get("threshold")
    value = number(path, "threshold", arrays["threshold"])
    # It is -1 until training sets it; used as a threshold, -1 would turn the model into a ReLU.
    return None if value < 0 else value


def _k(path, arrays, trainer):
    k = trainer.integer("k")
    if "k" not in arrays and k is None:
        raise refusal(
            path,
            got="without k",
            expected=f"k among its arrays or in {CONFIG}",
            remedy="Add trainer.k to that file.",
        )
    stored = int(number(path, "k", arrays["k"])) if "k" in arrays else k
    if k is not None and stored != k:
        raise refusal(
            f"{path}: k",
            got=stored,
            expected=f"{k}, as {CONFIG} says",
            remedy="Correct one of them.",
        )
    return stored


def _metadata(arrays, settings):
    metadata = {"format": "dictionary_learning", "config": settings.config}
    trainer = settings.section("trainer")
    for ours, theirs in (("model_name", "lm_name"), ("hook_name", "submodule_name")):
        if isinstance(trainer.config.get(theirs), str):
            metadata[ours] = trainer.config[theirs]
    if "group_sizes" in arrays:
        metadata["group_sizes"] = [int(size) for size in arrays["group_sizes"].reshape(-1)]
    return metadata


def _as_class(checkpoint):
    """The class that a checkpoint is written as, and the checkpoint in its conventions."""
    plain = not checkpoint.transcoder and checkpoint.input_norm == "none"
    if not plain or checkpoint.W_skip is not None or checkpoint.architecture == "MatchingPursuit":
        raise unwritable(
            checkpoint,
            "dictionary_learning",
            got="a transcoder or a pursuit, or one with norms of inputs or W_skip",
            expected="an autoencoder without these",
            remedy="Use the format 'sae_lens' or 'sparsify'.",
        )
    if checkpoint.k is not None and checkpoint.k != int(checkpoint.k):
        raise unwritable(
            checkpoint,
            "dictionary_learning",
            got=f"one with k={checkpoint.k}",
            expected="a whole number",
            remedy="Use the format 'sae_lens', which writes its threshold.",
        )
    names = {architecture: name for name, (architecture, *_) in reversed(CLASSES.items())}
    name = names[checkpoint.architecture]
    if checkpoint.scale != 1 or (checkpoint.norm_scaled and name != _NORMALIZED):
        checkpoint = fold_scales(checkpoint)
    # Read back as this class, codes are multiplied by norms that are not about 1.
    as_told = checkpoint.norm_scaled or are_units(checkpoint.atoms)
    if name == _NORMALIZED and not (as_told and checkpoint.subtract_offset):
        checkpoint = fold_scales(checkpoint)
        name = "AutoEncoderNew"
    if checkpoint.architecture == "BatchTopK" and _has_groups(checkpoint):
        name = "MatryoshkaBatchTopKSAE"
    return name, subtracting(checkpoint, name not in _NOT_SUBTRACTING)


def _has_groups(checkpoint):
    sizes = checkpoint.metadata.get("group_sizes")
    return sizes is not None and sum(sizes) == checkpoint.n_components


def _settings(checkpoint, name):
    metadata = checkpoint.metadata
    config = metadata.get("config", {}) if metadata.get("format") == "dictionary_learning" else {}
    trainer = {
        **config.get("trainer", {}),
        "dict_class": name,
        "activation_dim": checkpoint.n_features,
        "dict_size": checkpoint.n_components,
    }
    trainer.pop("k", None)
    if checkpoint.k is not None:
        trainer["k"] = checkpoint.k
    for ours, theirs in (("model_name", "lm_name"), ("hook_name", "submodule_name")):
        if ours in metadata:
            trainer[theirs] = metadata[ours]
    return {**config, "trainer": trainer}
