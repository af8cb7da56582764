"""dictionary_learning: each class, from torch's files and from safetensors."""

import functools
import json

import numpy as np
import pytest
import safetensors.numpy
from foreign_models import M, N, dictionary_learning, to_bfloat16, write_json, write_safetensors
from torch_files import write_torch

from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint

CLASSES = {
    "AutoEncoder": "ReLU",
    "AutoEncoderNew": "ReLU",
    "AutoEncoderTopK": "TopK",
    "BatchTopKSAE": "BatchTopK",
    "MatryoshkaBatchTopKSAE": "BatchTopK",
    "JumpReluAutoEncoder": "JumpReLU",
    "GatedAutoEncoder": "Gated",
}
classes = pytest.mark.parametrize("dict_class", CLASSES)
KINDS = {
    "ae.pt": write_torch,
    "ae.safetensors": lambda path, arrays: write_safetensors(path, arrays),
}


def model(random, dict_class):
    linear = {"encoder.weight": random(N, M), "decoder.weight": random(M, N)}
    scalars = {"k": np.array(3, np.int32), "threshold": np.array(0.8, np.float32)}
    matrices = {
        "W_enc": random(M, N),
        "b_enc": random(N),
        "W_dec": random(N, M),
        "b_dec": random(M),
    }
    bias = {"encoder.bias": random(N)}
    return {
        "AutoEncoder": linear | bias | {"bias": random(M)},
        "AutoEncoderNew": linear | bias | {"decoder.bias": random(M)},
        "AutoEncoderTopK": linear | bias | {"b_dec": random(M)} | scalars,
        "BatchTopKSAE": linear | bias | {"b_dec": random(M)} | scalars,
        "MatryoshkaBatchTopKSAE": matrices | scalars | {"group_sizes": np.array([4, 6])},
        "JumpReluAutoEncoder": matrices | {"threshold": random(N)},
        "GatedAutoEncoder": linear
        | {"decoder_bias": random(M), "r_mag": random(N)}
        | {"gate_bias": random(N), "mag_bias": random(N)},
    }[dict_class]


def settings(dict_class, **changes):
    trainer = {"dict_class": dict_class, "activation_dim": M, "dict_size": N, "lm_name": "pythia"}
    return {"trainer": {**trainer, "submodule_name": "resid_8", **changes}, "buffer": {"d": 1}}


def save(folder, arrays, config, file="ae.pt"):
    KINDS[file](folder / file, arrays)
    if config is not None:
        write_json(folder / "config.json", config)
    return folder


@classes
@pytest.mark.parametrize("file", KINDS)
def test_every_class(tmp_path, random, agree, dict_class, file):
    arrays = model(random, dict_class)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    reference = functools.partial(dictionary_learning, p=p, dict_class=dict_class)
    checkpoint = agree(save(tmp_path, arrays, settings(dict_class), file), reference)
    assert checkpoint.architecture == CLASSES[dict_class]
    assert checkpoint.metadata["model_name"] == "pythia"
    assert checkpoint.metadata["hook_name"] == "resid_8"


@classes
def test_round_trip(tmp_path, random, assert_round_trip, dict_class):
    save(tmp_path, model(random, dict_class), settings(dict_class))
    checkpoint = read_checkpoint(tmp_path, fold=False)
    again = assert_round_trip(checkpoint, "dictionary_learning")
    written = json.loads((tmp_path / "again" / "config.json").read_text())
    assert written["trainer"]["dict_class"] == dict_class
    assert written["buffer"] == {"d": 1}
    stored = safetensors.numpy.load_file(tmp_path / "again" / "ae.safetensors")
    expected = {name: array.shape for name, array in model(random, dict_class).items()}
    assert {name: array.shape for name, array in stored.items()} == expected
    assert again.metadata.get("group_sizes") == checkpoint.metadata.get("group_sizes")
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == [
        "ae.safetensors",
        "config.json",
    ]


@classes
def test_folded_models_are_written_where_norms_are_one(tmp_path, random, agree, dict_class):
    arrays = model(random, dict_class)
    for name, axis in (("decoder.weight", 0), ("W_dec", 1)):
        if name in arrays:
            arrays[name] /= np.linalg.norm(arrays[name], axis=axis, keepdims=True)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    save(tmp_path, arrays, settings(dict_class))
    write_checkpoint(read_checkpoint(tmp_path), tmp_path / "again", "dictionary_learning")
    agree(tmp_path / "again", functools.partial(dictionary_learning, p=p, dict_class=dict_class))


@pytest.mark.parametrize("architecture", ["JumpReLU", "Gated"])
def test_norms_that_would_multiply_codes_are_refused(tmp_path, random, architecture):
    threshold = np.ones(N) if architecture == "JumpReLU" else None
    checkpoint = Checkpoint(architecture, random(N, M), random(N, M), threshold=threshold)
    with pytest.raises(ValueError, match="expected atoms of norm 1"):
        write_checkpoint(checkpoint, tmp_path, "dictionary_learning")


@pytest.mark.parametrize(
    "dict_class",
    ["AutoEncoder", "AutoEncoderNew", "MatryoshkaBatchTopKSAE"]
    + ["JumpReluAutoEncoder", "GatedAutoEncoder"],
)
def test_classes_that_their_arrays_tell_need_no_settings(tmp_path, random, dict_class):
    save(tmp_path, model(random, dict_class), None)
    assert read_checkpoint(tmp_path / "ae.pt").architecture == CLASSES[dict_class]


@pytest.mark.parametrize("dict_class", ["AutoEncoderTopK", "BatchTopKSAE"])
def test_the_two_topk_are_not_guessed(tmp_path, random, dict_class):
    save(tmp_path, model(random, dict_class), None)
    with pytest.raises(ValueError, match=r"AutoEncoderTopK or BatchTopKSAE.*config.json"):
        read_checkpoint(tmp_path)


def test_older_topk_has_k_in_the_settings(tmp_path, random):
    arrays = model(random, "AutoEncoderTopK")
    del arrays["k"], arrays["threshold"]
    save(tmp_path, arrays, settings("AutoEncoderTopK", k=4))
    assert read_checkpoint(tmp_path).k == 4
    save(tmp_path, arrays, settings("AutoEncoderTopK"))
    with pytest.raises(ValueError, match="without k"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("k", [2, 0, "3", 3.5])
def test_two_values_of_k_are_refused(tmp_path, random, k):
    save(tmp_path, model(random, "AutoEncoderTopK"), settings("AutoEncoderTopK", k=k))
    with pytest.raises(ValueError, match="k is"):
        read_checkpoint(tmp_path)


def test_topk_is_never_read_as_relu(tmp_path, random):
    for dict_class in ("AutoEncoder", "AutoEncoderNew", "GatedAutoEncoder", "JumpReluAutoEncoder"):
        save(tmp_path, model(random, "AutoEncoderTopK"), settings(dict_class))
        with pytest.raises(ValueError, match="without the arrays"):
            read_checkpoint(tmp_path)


@pytest.mark.parametrize("dict_class", ["CrossCoder", "os.system", 3, ""])
def test_unknown_classes_are_refused(tmp_path, random, dict_class):
    save(tmp_path, model(random, "AutoEncoder"), settings(dict_class))
    with pytest.raises(ValueError, match="dict_class is"):
        read_checkpoint(tmp_path)


def test_a_threshold_that_was_never_set_is_none(tmp_path, random, assert_round_trip):
    """-1 taken for a threshold would make a ReLU model of it."""
    arrays = model(random, "BatchTopKSAE") | {"threshold": np.array(-1.0, np.float32)}
    checkpoint = read_checkpoint(save(tmp_path, arrays, settings("BatchTopKSAE")))
    assert checkpoint.threshold is None and "threshold" not in checkpoint.params
    assert_round_trip(checkpoint, "dictionary_learning")


def test_names_of_compiled_models(tmp_path, random):
    arrays = {f"_orig_mod.{name}": array for name, array in model(random, "AutoEncoder").items()}
    assert read_checkpoint(save(tmp_path, arrays, None)).architecture == "ReLU"


def test_bfloat16_and_big_endian_and_columns(tmp_path, random):
    arrays = model(random, "AutoEncoder")
    bits = {name: to_bfloat16(array) for name, array in arrays.items()}
    write_torch(tmp_path / "ae.pt", bits, by_columns=("decoder.weight",), big_endian=True)
    checkpoint = read_checkpoint(tmp_path)
    exact = (bits["decoder.weight"].astype(np.uint32) << 16).view(np.float32)
    np.testing.assert_array_equal(checkpoint.atoms, exact.T)
    assert checkpoint.dtype == np.float32


@pytest.mark.parametrize("changes", [{"activation_dim": N}, {"dict_size": M}])
def test_other_sizes_are_refused(tmp_path, random, changes):
    save(tmp_path, model(random, "AutoEncoder"), settings("AutoEncoder", **changes))
    with pytest.raises(ValueError, match="is of shape"):
        read_checkpoint(tmp_path)


def test_transcoders_are_not_written(tmp_path):
    checkpoint = Checkpoint("ReLU", np.eye(2), np.eye(2), transcoder=True, subtract_offset=False)
    with pytest.raises(ValueError, match="an autoencoder without these"):
        write_checkpoint(checkpoint, tmp_path, "dictionary_learning")
