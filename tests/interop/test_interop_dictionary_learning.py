"""dictionary_learning: each class, from torch's files and from safetensors."""

import functools
import json
import struct

import numpy as np
import pytest
from foreign_models import (
    M,
    N,
    dictionary_learning,
    ours,
    to_bfloat16,
    write_json,
    write_safetensors,
)
from torch_files import (
    integer,
    program,
    state_dict,
    storage,
    tensor,
    text,
    write_archive,
    write_torch,
)
from torch_files import name as name_of

from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint
from sparsecode.interop._torch_zip import read_torch

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
    stored = read_torch(tmp_path / "again" / "ae.pt")
    expected = {name: array.shape for name, array in model(random, dict_class).items()}
    assert {name: array.shape for name, array in stored.items()} == expected
    assert again.metadata.get("group_sizes") == checkpoint.metadata.get("group_sizes")
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == ["ae.pt", "config.json"]


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


@classes
def test_whatever_the_norms_what_is_written_is_found_right(tmp_path, random, agree, dict_class):
    """A ReLU model of which their loader would multiply the codes is written as another class."""
    arrays = model(random, dict_class)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    save(tmp_path, arrays, settings(dict_class))
    folded = read_checkpoint(tmp_path, fold_norms=False if CLASSES[dict_class] == "ReLU" else None)
    write_checkpoint(folded, tmp_path / "again", "dictionary_learning")
    reference = functools.partial(dictionary_learning, p=p, dict_class=dict_class, normalize=False)
    agree(tmp_path / "again", reference)
    written = json.loads((tmp_path / "again" / "config.json").read_text())["trainer"]
    if dict_class == "AutoEncoder":
        assert written["dict_class"] == "AutoEncoderNew"


@pytest.mark.parametrize("dict_class", ["AutoEncoder", "JumpReluAutoEncoder", "GatedAutoEncoder"])
@pytest.mark.parametrize("norms", [True, False])
def test_the_caller_may_fold_norms_or_not(tmp_path, random, agree, dict_class, norms):
    """As versions before and after January 2025, whatever the default is."""
    arrays = model(random, dict_class)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    save(tmp_path, arrays, settings(dict_class))
    reference = functools.partial(dictionary_learning, p=p, dict_class=dict_class, normalize=norms)
    checkpoint = agree(tmp_path, reference, fold_norms=norms)
    lengths = np.linalg.norm(checkpoint.atoms, axis=1)
    assert np.allclose(lengths, 1) == norms


def test_the_values_of_their_loader(tmp_path):
    """Atoms of norm 2.5, a sample of 3: what the library gives today, and gave before."""
    W, atoms, zero = np.eye(2, dtype="f4"), 2.5 * np.eye(2, dtype="f4"), np.zeros(2, "f4")
    linear = {"encoder.weight": W, "decoder.weight": atoms}
    files = {
        "AutoEncoder": {**linear, "bias": zero, "encoder.bias": zero},
        "AutoEncoderNew": {**linear, "decoder.bias": zero, "encoder.bias": zero},
        "JumpReluAutoEncoder": {"W_enc": W, "b_enc": zero, "W_dec": atoms, "b_dec": zero}
        | {"threshold": zero + 0.1},
        "GatedAutoEncoder": {**linear, "decoder_bias": zero, "r_mag": zero}
        | {"gate_bias": zero, "mag_bias": zero},
    }
    for name, arrays in files.items():
        save(tmp_path, arrays, settings(name, activation_dim=2, dict_size=2))
        for norms, expected in (
            (None, 7.5 if name == "AutoEncoder" else 3.0),
            (True, 7.5),
            (False, 3),
        ):
            found, _ = ours(read_checkpoint(tmp_path, fold_norms=norms), np.array([[3.0, 0.0]]))
            assert found[0, 0] == pytest.approx(expected), (name, norms)


@pytest.mark.parametrize("dict_class", ["AutoEncoderTopK", "BatchTopKSAE"])
def test_norms_are_not_folded_where_they_would_select_other_units(tmp_path, random, dict_class):
    save(tmp_path, model(random, dict_class), settings(dict_class))
    with pytest.raises(ValueError, match="would select other units; expected None"):
        read_checkpoint(tmp_path, fold_norms=True)
    assert not read_checkpoint(tmp_path, fold_norms=False).norm_scaled


def test_atoms_of_norm_zero_have_a_way_out(tmp_path, random):
    arrays = model(random, "AutoEncoder")
    arrays["decoder.weight"][:, 2] = 0
    save(tmp_path, arrays, settings("AutoEncoder"))
    with pytest.raises(ValueError, match=r"ae\.pt: 1 atoms have norm 0; .* fold_norms=False"):
        read_checkpoint(tmp_path)
    assert read_checkpoint(tmp_path, fold_norms=False).architecture == "ReLU"


class TestWrapped:
    """A state dict one level down, and what lies beside it."""

    MEAN = np.arange(M, dtype=np.float32) / 2

    def write(self, path, dict_class, arrays, *, mean="act_mean", cfg=None, extra=b""):
        entries, storages = {}, {}
        for i, (name, array) in enumerate({**arrays, mean: self.MEAN}.items()):
            strides = [stride // array.itemsize for stride in array.strides]
            kind = {"f4": "Float", "i4": "Int", "i8": "Long"}[array.dtype.str[1:]]
            reference = storage(kind, str(i), array.size)
            entries[name] = tensor(reference, 0, array.shape, strides)
            storages[str(i)] = array.tobytes()
        given_mean = text(mean) + entries.pop(mean)
        state = state_dict(entries)[2:-1]
        config = b""
        if cfg is not None:
            config = text("cfg") + b"}(" + b"".join(text(k) + v for k, v in cfg.items()) + b"u"
        body = b"}(" + text("state_dict") + state + given_mean + config + extra + b"u"
        write_archive(path, program(body), storages)
        return path

    @classes
    @pytest.mark.parametrize("told", ["cfg", "caller"])
    def test_every_class(self, tmp_path, random, agree, dict_class, told):
        arrays = model(random, dict_class)
        p = {name: array.astype(np.float64) for name, array in arrays.items()}
        cfg = {"lr": b"G" + struct.pack(">d", 1e-3), "dtype": name_of("torch", "float32")}
        cfg |= {"device": name_of("torch", "device") + text("cuda") + integer(0) + b"\x86R"}
        options = {}
        if told == "cfg":
            cfg["dict_class"] = text(dict_class)
        else:
            options["dict_class"] = dict_class
        path = self.write(tmp_path / "model.pt", dict_class, arrays, cfg=cfg)

        def reference(X):
            codes, decoded = dictionary_learning(X - self.MEAN, p, dict_class)
            return codes, decoded + self.MEAN

        agree(path, reference, **options)

    def test_the_class_may_be_in_a_section_of_the_settings(self, tmp_path, random):
        trainer = b"}" + text("dict_class") + text("BatchTopKSAE") + b"s"
        arrays = model(random, "BatchTopKSAE")
        path = self.write(tmp_path / "a.pt", "BatchTopKSAE", arrays, cfg={"trainer": trainer})
        assert read_checkpoint(path).architecture == "BatchTopK"

    def test_what_would_change_the_samples_is_refused(self, tmp_path, random):
        arrays = model(random, "AutoEncoder")
        for extra in (text("act_std") + b"G" + struct.pack(">d", 2.0), text("norm") + integer(3)):
            path = self.write(tmp_path / "a.pt", "AutoEncoder", arrays, extra=extra)
            with pytest.raises(ValueError, match=r"beside its state dict; expected at most one of"):
                read_checkpoint(path)
        path = self.write(tmp_path / "a.pt", "AutoEncoder", arrays, extra=text("step") + integer(9))
        assert read_checkpoint(path).architecture == "ReLU"
        with pytest.raises(ValueError, match=r"'median' beside its state dict"):
            read_checkpoint(self.write(tmp_path / "a.pt", "AutoEncoder", arrays, mean="median"))

    def test_a_mean_of_another_size_is_refused(self, tmp_path, random):
        arrays = {**model(random, "AutoEncoder"), "bias": random(M)}
        path = self.write(tmp_path / "a.pt", "AutoEncoder", arrays)
        short = TestWrapped()
        short.MEAN = np.ones(M + 1, np.float32)
        short.write(path, "AutoEncoder", arrays)
        with pytest.raises(ValueError, match=r"act_mean is of shape \(7,\)"):
            read_checkpoint(path)


def test_a_class_that_the_caller_names(tmp_path, random):
    save(tmp_path, model(random, "BatchTopKSAE"), None)
    assert read_checkpoint(tmp_path, dict_class="BatchTopKSAE").architecture == "BatchTopK"
    assert read_checkpoint(tmp_path, dict_class="AutoEncoderTopK").architecture == "TopK"
    with pytest.raises(ValueError, match="dict_class is 'TopK' of a file of the format"):
        read_checkpoint(tmp_path, dict_class="TopK")
    save(tmp_path, model(random, "BatchTopKSAE"), settings("BatchTopKSAE"))
    with pytest.raises(
        ValueError, match="dict_class is 'BatchTopKSAE'; expected 'AutoEncoderTopK'"
    ):
        read_checkpoint(tmp_path, dict_class="AutoEncoderTopK")
    with pytest.raises(ValueError, match="an autoencoder; expected what transcoder=True says"):
        read_checkpoint(tmp_path, transcoder=True)


def test_nan_is_reported_under_the_name_of_the_file(tmp_path, random):
    arrays = model(random, "MatryoshkaBatchTopKSAE")
    arrays["b_enc"][3] = np.nan
    save(tmp_path, arrays, settings("MatryoshkaBatchTopKSAE"))
    with pytest.raises(ValueError, match=r"ae\.pt: b_enc is an array with NaN or infinity"):
        read_checkpoint(tmp_path)


def test_a_fraction_of_units_is_not_written(tmp_path, random):
    checkpoint = Checkpoint("BatchTopK", random(N, M), random(N, M), k=2.5)
    with pytest.raises(ValueError, match=r"k=2\.5; expected a whole number"):
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
    checkpoint = read_checkpoint(tmp_path, fold_norms=False)
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
