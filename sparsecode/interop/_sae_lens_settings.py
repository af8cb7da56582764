"""Settings of a checkpoint that is written for SAELens."""

from __future__ import annotations

# Settings that others have replaced; written files contain only the new ones.
_OUTDATED = (
    "activation_fn",
    "activation_fn_str",
    "activation_fn_kwargs",
    "finetuning_scaling_factor",
    "hook_point",
)
# Version of these settings. SAELens drops unknown settings of files without a version.
_VERSION = "6.0.0"
# Entries that older versions store beside the settings, and newer ones in a separate section.
_MOVED = (
    "model_name",
    "hook_name",
    "hook_head_index",
    "model_class_name",
    "model_from_pretrained_kwargs",
    "prepend_bos",
    "exclude_special_tokens",
    "neuronpedia_id",
    "context_size",
    "seqpos_slice",
    "dataset_path",
    "sae_lens_training_version",
)


def settings_of(checkpoint, name):
    """Settings of a checkpoint of the architecture `name`, as SAELens writes them."""
    metadata = checkpoint.metadata
    config = dict(metadata.get("config", {})) if metadata.get("format") == "sae_lens" else {}
    for outdated in (*_OUTDATED, "k", "rescale_acts_by_decoder_norm", "d_out"):
        config.pop(outdated, None)
    ours = {"none": "none", "layer_norm": "layer_norm", "constant_norm": "constant_norm_rescale"}
    known = {key: metadata[key] for key in ("model_name", "hook_name") if key in metadata}
    told = config.get("metadata") or config.pop("meta", None) or {}
    moved = {key: config[key] for key in _MOVED if key in config}
    config["metadata"] = {**moved, **told, **known, "sae_lens_version": _version(config, told)}
    config |= {
        "architecture": name,
        "d_in": checkpoint.n_features,
        "d_sae": checkpoint.n_components,
        "dtype": str(checkpoint.dtype),
        "device": "cpu",
        "apply_b_dec_to_input": checkpoint.subtract_offset,
        "normalize_activations": ours[checkpoint.input_norm],
    }
    config.setdefault("reshape_activations", "none")
    if name == "matching_pursuit":
        config |= {
            "max_iterations": checkpoint.k,
            "residual_threshold": checkpoint.min_residual,
            "stop_on_duplicate_support": not checkpoint.repeats,
        }
    if checkpoint.architecture == "TopK":
        config |= {"k": checkpoint.k, "rescale_acts_by_decoder_norm": checkpoint.norm_scaled}
    if checkpoint.transcoder:
        config["d_out"] = checkpoint.n_outputs
    return config


def _version(config, metadata):
    """Version of the settings that are written: that of the file, unless it had older ones."""
    version = metadata.get("sae_lens_version") or config.pop("sae_lens_version", None)
    major = str(version).partition(".")[0]
    return version if major.isdigit() and int(major) >= 6 else _VERSION
