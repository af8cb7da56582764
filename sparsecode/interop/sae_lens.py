"""Checkpoints of SAELens: ``sae_weights.safetensors`` and ``cfg.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from sparsecode._messages import shown
from sparsecode._reading.refusal import damaged, refusal
from sparsecode.interop._arrays import (
    check_matrix_of,
    check_names,
    check_shapes,
    number,
    read_safetensors,
)
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._checkpoint_folding import are_units, fold_scales
from sparsecode.interop._config import Settings, read_config
from sparsecode.interop._refusal import unwritable
from sparsecode.interop._sae_lens_settings import settings_of

WEIGHTS = ("sae_weights.safetensors",)
CONFIG = "cfg.json"

_TRANSCODERS = {
    "transcoder": "standard",
    "skip_transcoder": "standard",
    "jumprelu_transcoder": "jumprelu",
    "jumprelu_skip_transcoder": "jumprelu",
}
_ARCHITECTURES = {
    "standard": "ReLU",
    "topk": "TopK",
    "batchtopk": "BatchTopK",
    "matryoshka_batchtopk": "BatchTopK",
    "jumprelu": "JumpReLU",
    "gated": "Gated",
    "matching_pursuit": "MatchingPursuit",
}
_NORMS = {
    "none": "none",
    "layer_norm": "layer_norm",
    "constant_norm_rescale": "constant_norm",
    "expected_average_only_in": "none",
}
_COMMON = {"W_enc", "W_dec", "b_dec"}
_GATES = {"b_gate", "b_mag", "r_mag"}
# Factors of the units before decoding, under the names of two versions.
_FACTORS = ("scaling_factor", "finetuning_scaling_factor")


def read(weights: Any, options: Any) -> Checkpoint:
    """Return the checkpoint as it is in the file; see `read_checkpoint`."""
    settings = Settings(read_config(weights.parent / CONFIG), weights.parent / CONFIG)
    name = settings.choice("architecture", (*_ARCHITECTURES, *_TRANSCODERS), "standard")
    transcoder = name in _TRANSCODERS
    skip = "skip" in name
    arrays = read_safetensors(weights)
    if name == "matching_pursuit":
        return _pursuit(weights, arrays, settings, options)
    architecture, k = _activation(settings, _ARCHITECTURES[_TRANSCODERS.get(name, name)])
    rescaled = k is not None and settings.flag("rescale_acts_by_decoder_norm", False)
    _check(weights, arrays, architecture, settings, transcoder, skip)
    return Checkpoint(
        architecture,
        W=arrays["W_enc"].T,
        atoms=_atoms(weights, arrays, settings),
        b=arrays.get("b_enc"),
        offset=arrays["b_dec"],
        threshold=_threshold(weights, arrays, architecture),
        k=k,
        W_skip=arrays.get("W_skip"),
        **{name: arrays[name] for name in _GATES & set(arrays)},
        subtract_offset=settings.flag("apply_b_dec_to_input", True) and not transcoder,
        norm_scaled=rescaled,
        scale=_scale(settings, options.input_scale),
        input_norm=_NORMS[_norm(settings)],
        transcoder=transcoder,
        metadata=_metadata(settings),
    )


def _pursuit(weights, arrays, settings, options):
    """The checkpoint of matching pursuit, which has atoms of norm 1 and an offset or none."""
    check_names(weights, arrays, {"W_dec", "b_dec"})
    n_components, n_features = check_matrix_of(weights, "W_dec", arrays["W_dec"])
    shapes = {
        "W_dec": (
            settings.integer("d_sae", n_components),
            settings.integer("d_in", n_features),
        ),
        "b_dec": (n_features,),
    }
    check_shapes(weights, arrays, shapes)
    if not are_units(arrays["W_dec"], 1e-3):
        raise refusal(
            f"{weights}: W_dec",
            got="an array with rows whose norm is not 1",
            expected="norm 1, as codes are products with these rows",
            remedy="Divide the rows by their norms if the model was trained with such rows.",
        )
    # Where the offset is not subtracted it is not added, either.
    centred = settings.flag("apply_b_dec_to_input", True)
    k = settings.integer("max_iterations", n_features)
    repeats = not settings.flag("stop_on_duplicate_support", True)
    return Checkpoint(
        "MatchingPursuit",
        W=arrays["W_dec"],
        atoms=arrays["W_dec"],
        offset=arrays["b_dec"] if centred else None,
        # Unless atoms may repeat, more steps than atoms change nothing.
        k=k if repeats else min(k, n_components),
        min_residual=settings.number("residual_threshold", 1e-2, low=0),
        repeats=repeats,
        scale=_scale(settings, options.input_scale),
        input_norm=_NORMS[_norm(settings)],
        metadata=_metadata(settings),
    )


def files(checkpoint: Any) -> dict[str, Any]:
    """Return the contents of the files of a checkpoint: arrays, and settings as a dict."""
    if checkpoint.scale != 1 or (checkpoint.norm_scaled and checkpoint.architecture != "TopK"):
        checkpoint = fold_scales(checkpoint)
    name = _name(checkpoint)
    if name == "matching_pursuit":
        arrays = {"W_dec": checkpoint.atoms, "b_dec": checkpoint.offset}
        return {WEIGHTS[0]: arrays, CONFIG: settings_of(checkpoint, name)}
    arrays = {"W_enc": checkpoint.W.T, "W_dec": checkpoint.atoms, "b_dec": checkpoint.offset}
    if checkpoint.architecture == "Gated":
        arrays |= {gate: getattr(checkpoint, gate) for gate in _GATES}
    else:
        arrays["b_enc"] = checkpoint.b
    if checkpoint.architecture in ("JumpReLU", "BatchTopK"):
        arrays["threshold"] = np.broadcast_to(checkpoint.threshold, checkpoint.b.shape)
    if checkpoint.W_skip is not None:
        arrays["W_skip"] = checkpoint.W_skip
    settings = settings_of(checkpoint, name)
    return {WEIGHTS[0]: arrays, CONFIG: settings}


def _activation(settings, architecture):
    """Architecture and k, which versions before 6 stored in the activation."""
    activation = settings.text("activation_fn", settings.text("activation_fn_str"))
    if activation == "topk" and architecture == "ReLU":
        architecture = "TopK"
    arguments = settings.section("activation_fn_kwargs")
    # In the mean of a batch it may be a fraction.
    read = Settings.number if architecture == "BatchTopK" else Settings.integer
    k = read(settings, "k", read(arguments, "k"))
    if read(arguments, "k", k) != k:
        raise damaged(settings.path, "it has two values of k")
    sparse = architecture in ("TopK", "BatchTopK")
    if activation not in (None, "relu", "topk") or (activation == "topk" and not sparse):
        raise refusal(
            f"{settings.path}: activation_fn",
            got=shown(activation),
            expected="'relu', or 'topk' with a TopK architecture",
            remedy="Use a model with one of these activations.",
        )
    if sparse != (k is not None):
        raise refusal(
            f"{settings.path}: k",
            got=k,
            expected=f"{'a number' if sparse else 'none'} for the architecture {architecture}",
            remedy="Check the architecture in the documentation of the model.",
        )
    return architecture, k


def _check(path, arrays, architecture, settings, transcoder, skip):
    needed = {*_COMMON, *(_GATES if architecture == "Gated" else {"b_enc"})}
    optional = set(_FACTORS)
    if architecture == "JumpReLU":
        needed.add("log_threshold" if "log_threshold" in arrays else "threshold")
    if architecture == "BatchTopK":
        optional.add("topk_threshold")
    if skip:
        needed.add("W_skip")
    check_names(path, arrays, needed, optional)
    n_features, n_components = check_matrix_of(path, "W_enc", arrays["W_enc"])
    n_features = settings.integer("d_in", n_features)
    n_components = settings.integer("d_sae", n_components)
    n_outputs = n_features
    if transcoder:
        n_outputs = settings.integer("d_out", arrays["b_dec"].size)
    units = ("b_enc", "threshold", "log_threshold", *_GATES)
    shapes = {
        "W_enc": (n_features, n_components),
        "W_dec": (n_components, n_outputs),
        "b_dec": (n_outputs,),
        "W_skip": (n_outputs, n_features),
        **dict.fromkeys(units, (n_components,)),
    }
    check_shapes(path, arrays, shapes)


def _atoms(path, arrays, settings):
    atoms = arrays["W_dec"]
    for name in _FACTORS:
        factors = arrays.get(name)
        if factors is None or np.allclose(factors, 1):
            continue
        check_shapes(path, arrays, {name: atoms.shape[:1]})
        if settings.config.get("finetuning_scaling_factor") is not True:
            raise refusal(
                f"{path}: {name}",
                got="other than 1",
                expected="1, as the settings do not set finetuning_scaling_factor",
                remedy="Correct one of them.",
            )
        atoms = atoms * factors[:, None]
    return atoms


def _threshold(path, arrays, architecture):
    if architecture == "BatchTopK":
        value = arrays.get("topk_threshold")
        # Its first value is 0, and stays while it is never set.
        return (number(path, "topk_threshold", value) or None) if value is not None else None
    if "log_threshold" in arrays:
        return np.exp(arrays["log_threshold"])
    return arrays.get("threshold")


def _norm(settings):
    # A bool in the oldest versions.
    old = {True: "expected_average_only_in", False: "none", None: "none"}
    value = settings.config.get("normalize_activations")
    if value is None or isinstance(value, bool):
        return old[value]
    return settings.choice("normalize_activations", tuple(_NORMS))


def _scale(settings, input_scale):
    if _norm(settings) == "expected_average_only_in" and input_scale is None:
        raise refusal(
            f"{settings.path}: normalize_activations",
            got="'expected_average_only_in', and the factor is not in the file",
            expected="the factor that inputs were multiplied by in training",
            remedy="Give the factor as input_scale, or input_scale=1.0 for scaled inputs.",
        )
    return 1.0 if input_scale is None else input_scale


def _metadata(settings):
    sections = [settings.section("metadata"), settings.section("meta"), settings]
    metadata = {"format": "sae_lens", "config": settings.config}
    for name, others in (("model_name", ()), ("hook_name", ("hook_point",))):
        found = [section.config.get(key) for section in sections for key in (name, *others)]
        found = [value for value in found if isinstance(value, str)]
        if found:
            metadata[name] = found[0]
    return metadata


def _name(checkpoint):
    if checkpoint.W_skip is not None and not checkpoint.transcoder:
        raise unwritable(
            checkpoint,
            "sae_lens",
            got="an autoencoder with W_skip",
            expected="W_skip of a transcoder only",
            remedy="Use the format 'sparsify'.",
        )
    if checkpoint.architecture == "BatchTopK" and checkpoint.threshold is None:
        raise unwritable(
            checkpoint,
            "sae_lens",
            got="without a threshold",
            expected="a threshold, as the format writes a JumpReLU autoencoder",
            remedy="Train the model until it has a threshold, or use the format "
            "'dictionary_learning'.",
        )
    if checkpoint.architecture == "MatchingPursuit":
        _check_pursuit(checkpoint)
    names = {"ReLU": "standard", "TopK": "topk", "JumpReLU": "jumprelu", "Gated": "gated"}
    names["MatchingPursuit"] = "matching_pursuit"
    name = names.get(checkpoint.architecture, "jumprelu")
    if not checkpoint.transcoder:
        return name
    base = {"standard": "", "jumprelu": "jumprelu_"}.get(name)
    if base is None:
        raise unwritable(
            checkpoint,
            "sae_lens",
            got="a transcoder",
            expected="a transcoder of ReLU or JumpReLU",
            remedy="Use the format 'sparsify' for TopK.",
        )
    return f"{base}{'' if checkpoint.W_skip is None else 'skip_'}transcoder"


def _check_pursuit(checkpoint):
    if not are_units(checkpoint.atoms, 1e-3) or not checkpoint.subtract_offset:
        raise unwritable(
            checkpoint,
            "sae_lens",
            got="one with atoms whose norm is not 1, or with an offset that is not subtracted",
            expected="atoms of norm 1, and an offset that is subtracted",
            remedy="Normalise the atoms.",
        )
