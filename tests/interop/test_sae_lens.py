"""SAELens: every architecture and switch computes what SAELens does."""

import functools
import json

import numpy as np
import pytest
from foreign_models import (
    M,
    N,
    matching_pursuit,
    ours,
    sae_lens,
    same_checkpoint,
    to_bfloat16,
    write_json,
    write_safetensors,
)

from sparsecode import SparseAutoencoder
from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint

NORMS = ["none", "layer_norm", "constant_norm_rescale"]
ARCHITECTURES = ["standard", "topk", "jumprelu", "gated", "batchtopk"]


def model(random, architecture, *, n_outputs=M, **settings):
    arrays = {"W_enc": random(M, N), "W_dec": random(N, n_outputs), "b_dec": random(n_outputs)}
    cfg = {"architecture": architecture, "d_in": M, "d_sae": N, "dtype": "float32", **settings}
    if architecture == "gated":
        arrays |= {"b_gate": random(N), "b_mag": random(N), "r_mag": random(N)}
    else:
        arrays["b_enc"] = random(N)
    if "jumprelu" in architecture:
        arrays["threshold"] = random(N)
    if "topk" in architecture:
        cfg["k"] = 3
    if architecture == "batchtopk":
        arrays["topk_threshold"] = np.array(0.7)
    if "skip" in architecture:
        arrays["W_skip"] = random(n_outputs, M)
    return arrays, cfg


def save(folder, arrays, cfg):
    write_safetensors(folder / "sae_weights.safetensors", arrays)
    write_json(folder / "cfg.json", cfg)
    return folder


def doubled(arrays):
    return {name: np.asarray(array, np.float64) for name, array in arrays.items()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_every_architecture(tmp_path, random, agree, architecture, apply, norm):
    switches = {"apply_b_dec_to_input": apply, "normalize_activations": norm}
    arrays, cfg = model(random, architecture, **switches)
    reference = functools.partial(sae_lens, p=doubled(arrays), cfg=cfg)
    checkpoint = agree(save(tmp_path, arrays, cfg), reference)
    assert checkpoint.subtract_offset
    assert checkpoint.dtype == np.float32


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("apply", [True, False])
def test_an_estimator_normalises_samples_itself(tmp_path, random, architecture, apply):
    switches = {"apply_b_dec_to_input": apply, "normalize_activations": "layer_norm"}
    arrays, cfg = model(random, architecture, **switches)
    X = 20 * random(30, M, dtype=np.float64) - 7
    codes, decoded = sae_lens(X, doubled(arrays), cfg)
    found = SparseAutoencoder.from_pretrained(save(tmp_path, arrays, cfg))
    np.testing.assert_allclose(found.transform(X), codes, rtol=1e-4, atol=1e-4)
    X_hat = found.inverse_transform(codes, found.input_moments(X))
    np.testing.assert_allclose(X_hat, decoded, rtol=1e-4, atol=1e-2)
    write_checkpoint(found.to_checkpoint(), tmp_path / "again", "sae_lens")
    again = SparseAutoencoder.from_pretrained(tmp_path / "again")
    assert again.input_scale_ == "layer_norm"
    np.testing.assert_allclose(again.transform(X), codes, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", ["topk", "batchtopk"])
@pytest.mark.parametrize("apply", [True, False])
def test_codes_rescaled_by_the_norms_of_the_decoder(tmp_path, random, agree, architecture, apply):
    switches = {"apply_b_dec_to_input": apply, "rescale_acts_by_decoder_norm": True}
    arrays, cfg = model(random, architecture, **switches)
    reference = functools.partial(sae_lens, p=doubled(arrays), cfg=cfg)
    checkpoint = agree(save(tmp_path, arrays, cfg), reference)
    np.testing.assert_allclose(np.linalg.norm(checkpoint.atoms, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "architecture",
    ["transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"],
)
def test_transcoders(tmp_path, random, agree, assert_round_trip, architecture):
    arrays, cfg = model(random, architecture, n_outputs=4, d_out=4)
    reference = functools.partial(sae_lens, p=doubled(arrays), cfg=cfg)
    checkpoint = agree(save(tmp_path, arrays, cfg), reference)
    assert checkpoint.transcoder and checkpoint.n_outputs == 4 and not checkpoint.subtract_offset
    assert_round_trip(checkpoint, "sae_lens")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_scale_of_the_inputs_is_folded(tmp_path, random, agree, architecture):
    arrays, cfg = model(random, architecture, normalize_activations="expected_average_only_in")
    folder = save(tmp_path, arrays, cfg)

    def reference(X):
        codes, decoded = sae_lens(
            0.3 * X, doubled(arrays), {**cfg, "normalize_activations": "none"}
        )
        return codes, decoded / 0.3

    assert agree(folder, reference, input_scale=0.3).scale == 1
    with pytest.raises(ValueError, match=r"cfg.json: normalize_activations .* input_scale=1.0"):
        read_checkpoint(folder)


def test_factors_of_finetuning_go_into_the_atoms(tmp_path, random, agree):
    arrays, cfg = model(random, "standard", finetuning_scaling_factor=True)
    arrays["scaling_factor"] = np.exp(random(N))
    agree(save(tmp_path, arrays, cfg), functools.partial(sae_lens, p=doubled(arrays), cfg=cfg))
    save(tmp_path, arrays, {**cfg, "finetuning_scaling_factor": False})
    with pytest.raises(ValueError, match="scaling_factor is other than 1"):
        read_checkpoint(tmp_path)


def test_half_precision(tmp_path, random, agree):
    """bfloat16 and float16 are exact in float32, beside arrays of other types."""
    arrays, cfg = model(random, "jumprelu", dtype="bfloat16")
    bits = {name: to_bfloat16(array) for name, array in arrays.items()}
    cut = {name: (b.astype(np.uint32) << 16).view(np.float32) for name, b in bits.items()}
    cut["b_enc"] = arrays["b_enc"].astype(np.float16)
    bits["b_enc"] = cut["b_enc"]
    save(tmp_path, bits, cfg)
    agree(tmp_path, functools.partial(sae_lens, p=doubled(cut), cfg=cfg))
    checkpoint = read_checkpoint(tmp_path, fold=False)
    assert checkpoint.dtype == np.float32
    np.testing.assert_array_equal(checkpoint.W, cut["W_enc"].T)
    np.testing.assert_array_equal(checkpoint.b, cut["b_enc"].astype(np.float32))


def test_log_threshold_is_understood(tmp_path, random, agree):
    arrays, cfg = model(random, "jumprelu")
    arrays["threshold"] = np.abs(arrays["threshold"])
    stored = {name: array for name, array in arrays.items() if name != "threshold"}
    stored["log_threshold"] = np.log(arrays["threshold"])
    agree(save(tmp_path, stored, cfg), functools.partial(sae_lens, p=doubled(arrays), cfg=cfg))


class TestOldSettings:
    """Versions before 6 told TopK by the activation: it must never be read as ReLU."""

    def test_topk_by_the_activation(self, tmp_path, random, agree):
        arrays, cfg = model(random, "standard", activation_fn_str="topk")
        cfg["activation_fn_kwargs"] = {"k": 3}
        reference = functools.partial(sae_lens, p=doubled(arrays), cfg={**cfg, "k": 3})
        checkpoint = agree(save(tmp_path, arrays, cfg), reference)
        assert (checkpoint.architecture, checkpoint.k) == ("TopK", 3)

    def test_no_architecture_is_standard(self, tmp_path, random):
        arrays, cfg = model(random, "standard", hook_point="blocks.3", model_name="gelu-2l")
        del cfg["architecture"]
        checkpoint = read_checkpoint(save(tmp_path, arrays, cfg))
        assert checkpoint.architecture == "ReLU"
        assert checkpoint.metadata["hook_name"] == "blocks.3"
        assert checkpoint.metadata["model_name"] == "gelu-2l"

    @pytest.mark.parametrize(
        "changes",
        [
            {"activation_fn_str": "tanh-relu"},
            {"activation_fn_str": "topk"},
            {"activation_fn_kwargs": {"k": 3}},
            {"k": 3},
            {"architecture": "topk"},
            {"architecture": "topk", "k": 3, "activation_fn_kwargs": {"k": 4}},
            {"architecture": "topk", "k": 0},
            {"architecture": "topk", "k": 2.5},
            {"architecture": "topk", "k": True},
            {"architecture": "topk", "k": "3"},
            {"architecture": "topk", "k": N + 1},
            {
                "architecture": "gated",
                "activation_fn_str": "topk",
                "activation_fn_kwargs": {"k": 2},
            },
            {"architecture": "temporal"},
            {"architecture": 3},
            {"normalize_activations": "batch"},
            {"normalize_activations": 1.5},
            {"apply_b_dec_to_input": "no"},
            {"d_in": M + 1},
            {"d_sae": N - 1},
            {"activation_fn_kwargs": [1]},
        ],
        ids=str,
    )
    def test_contradictions_are_refused(self, tmp_path, random, changes):
        arrays, cfg = model(random, "standard")
        save(tmp_path, arrays, cfg | changes)
        with pytest.raises(ValueError, match=r"sae_weights.safetensors|cfg.json"):
            read_checkpoint(tmp_path)


@pytest.mark.parametrize(("architecture", "k"), [("standard", 3), ("topk", None), ("gated", 3)])
def test_k_belongs_to_topk(tmp_path, random, architecture, k):
    arrays, cfg = model(random, architecture)
    save(tmp_path, arrays, {**cfg, "k": k})
    with pytest.raises(ValueError, match=rf"cfg\.json: k is {k}; expected"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("architecture", "extra"), [("standard", "threshold"), ("topk", "log_threshold")]
)
def test_arrays_of_another_architecture_are_refused(tmp_path, random, architecture, extra):
    arrays, cfg = model(random, architecture)
    arrays[extra] = random(N)
    with pytest.raises(ValueError, match=f"with the arrays '{extra}'"):
        read_checkpoint(save(tmp_path, arrays, cfg))


@pytest.mark.parametrize("name", ["W_enc", "b_enc", "threshold"])
def test_missing_arrays_are_refused(tmp_path, random, name):
    arrays, cfg = model(random, "jumprelu")
    del arrays[name]
    with pytest.raises(ValueError, match=f"without the arrays '{name}'"):
        read_checkpoint(save(tmp_path, arrays, cfg))


@pytest.mark.parametrize("name", ["W_enc", "W_dec"])
def test_swapped_axes_are_refused(tmp_path, random, name):
    arrays, cfg = model(random, "standard")
    arrays[name] = arrays[name].T
    with pytest.raises(ValueError, match=f"{name} is of shape"):
        read_checkpoint(save(tmp_path, arrays, cfg))


@pytest.mark.parametrize("architecture", ["standard", "topk", "jumprelu", "gated"])
@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("norm", NORMS)
def test_round_trip(tmp_path, random, assert_round_trip, architecture, apply, norm):
    switches = {"apply_b_dec_to_input": apply, "normalize_activations": norm}
    arrays, cfg = model(random, architecture, **switches, metadata={"hook_name": "h", "x": [1]})
    (tmp_path / "first").mkdir()
    checkpoint = read_checkpoint(save(tmp_path / "first", arrays, cfg), fold=False)
    again = assert_round_trip(checkpoint, "sae_lens")
    assert again.metadata["hook_name"] == "h"
    written = json.loads((tmp_path / "again" / "cfg.json").read_text())
    version = {"sae_lens_version": "6.0.0"}
    assert written["metadata"] == {"hook_name": "h", "x": [1], **version}


def test_settings_of_older_versions_are_written_as_of_version_6(tmp_path, random):
    """Without a version SAELens keeps only what it knows, and drops the section of metadata."""
    flat = {"model_name": "gpt2", "hook_name": "h", "prepend_bos": True, "context_size": 128}
    cases = [
        (flat, {**flat, "sae_lens_version": "6.0.0"}),
        ({"sae_lens_version": "5.3.1"}, {"sae_lens_version": "6.0.0"}),
        ({"metadata": {"sae_lens_version": "6.18.0"}}, {"sae_lens_version": "6.18.0"}),
        ({"metadata": {"sae_lens_version": None, "x": 1}}, {"x": 1, "sae_lens_version": "6.0.0"}),
    ]
    for given, expected in cases:
        arrays, cfg = model(random, "jumprelu", **given)
        write_checkpoint(read_checkpoint(save(tmp_path, arrays, cfg)), tmp_path / "b", "sae_lens")
        written = json.loads((tmp_path / "b" / "cfg.json").read_text())
        assert written["metadata"] == expected


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize(("stop", "residual"), [(True, 0.01), (False, 0.0), (True, 2.5)])
@pytest.mark.parametrize("most", [None, 4])
def test_matching_pursuit(tmp_path, random, agree, assert_round_trip, apply, stop, residual, most):
    atoms = random(N, M)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    cfg = {"architecture": "matching_pursuit", "d_in": M, "d_sae": N, "max_iterations": most}
    cfg |= {"residual_threshold": residual, "stop_on_duplicate_support": stop}
    cfg["apply_b_dec_to_input"] = apply
    arrays = {"W_dec": atoms, "b_dec": random(M)}
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    save(tmp_path, arrays, cfg)
    checkpoint = agree(tmp_path, functools.partial(matching_pursuit, p=p, cfg=cfg))
    assert checkpoint.architecture == "MatchingPursuit"
    assert_round_trip(checkpoint, "sae_lens")
    X = np.random.default_rng(0).standard_normal((9, M))
    model = SparseAutoencoder.from_pretrained(tmp_path)
    codes, decoded = matching_pursuit(X, p, cfg)
    np.testing.assert_allclose(model.transform(X), codes, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.inverse_transform(codes), decoded, rtol=1e-5, atol=1e-5)
    assert_round_trip(model.to_checkpoint(), "sae_lens")


def test_matching_pursuit_scaled_inputs(tmp_path, random):
    atoms = np.eye(M, dtype=np.float32)
    cfg = {"architecture": "matching_pursuit", "residual_threshold": 1.0}
    save(tmp_path, {"W_dec": atoms, "b_dec": np.ones(M, np.float32)}, cfg)
    X = np.random.default_rng(0).standard_normal((9, M))
    plain, scaled = read_checkpoint(tmp_path), read_checkpoint(tmp_path, input_scale=2.0)
    assert scaled.min_residual == 0.5
    codes, decoded = ours(plain, 2 * X)
    found, found_decoded = ours(scaled, X)
    np.testing.assert_allclose(found, codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found_decoded, decoded / 2, rtol=1e-5, atol=1e-6)


def test_matching_pursuit_with_other_norms_is_refused(tmp_path, random):
    arrays = {"W_dec": random(N, M), "b_dec": random(M)}
    save(tmp_path, arrays, {"architecture": "matching_pursuit"})
    with pytest.raises(ValueError, match="W_dec is an array with rows whose norm is not 1"):
        read_checkpoint(tmp_path)


def test_a_mean_number_of_units_may_be_a_fraction(tmp_path, random):
    arrays, cfg = model(random, "batchtopk")
    checkpoint = read_checkpoint(save(tmp_path, arrays, {**cfg, "k": 2.5}))
    assert checkpoint.k == 2.5
    for wrong in (0, -1.5, float("inf"), "2"):
        save(tmp_path, arrays, {**cfg, "k": wrong})
        with pytest.raises(ValueError, match=r"k is .*; expected a number above 0"):
            read_checkpoint(tmp_path)
    arrays, cfg = model(random, "topk")
    save(tmp_path, arrays, {**cfg, "k": 2.5})
    with pytest.raises(ValueError, match=r"k is 2\.5; expected a whole number of 1 or more"):
        read_checkpoint(tmp_path)


def test_rescaled_topk_comes_back(tmp_path, random, assert_round_trip):
    arrays, cfg = model(random, "topk", rescale_acts_by_decoder_norm=True)
    checkpoint = read_checkpoint(save(tmp_path, arrays, cfg), fold=False)
    assert checkpoint.norm_scaled
    assert_round_trip(checkpoint, "sae_lens")


def test_batch_topk_is_written_as_jump_relu(tmp_path, random):
    """As SAELens itself does; the codes are the same."""
    arrays, cfg = model(random, "batchtopk")
    checkpoint = read_checkpoint(save(tmp_path, arrays, cfg))
    write_checkpoint(checkpoint, tmp_path / "again", "sae_lens")
    again = read_checkpoint(tmp_path / "again")
    assert again.architecture == "JumpReLU"
    np.testing.assert_array_equal(again.threshold, np.full(N, np.float32(0.7)))
    same_checkpoint(again, checkpoint, but=("architecture", "k", "threshold", "metadata"))


def test_a_batch_topk_without_threshold_is_not_written(tmp_path, random):
    arrays, cfg = model(random, "batchtopk")
    arrays["topk_threshold"] = np.array(0.0)
    checkpoint = read_checkpoint(save(tmp_path, arrays, cfg))
    assert checkpoint.threshold is None
    with pytest.raises(ValueError, match="without a threshold"):
        write_checkpoint(checkpoint, tmp_path / "again", "sae_lens")
    assert not (tmp_path / "again").exists()


def test_old_words_are_not_written_again(tmp_path, random):
    arrays, cfg = model(random, "standard", activation_fn_str="topk")
    cfg["activation_fn_kwargs"] = {"k": 3}
    write_checkpoint(read_checkpoint(save(tmp_path, arrays, cfg)), tmp_path / "again", "sae_lens")
    written = json.loads((tmp_path / "again" / "cfg.json").read_text())
    assert (written["architecture"], written["k"]) == ("topk", 3)
    assert "activation_fn_str" not in written and "activation_fn_kwargs" not in written


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("ReLU", np.eye(2), np.eye(2), W_skip=np.eye(2)),
        Checkpoint("TopK", np.eye(2), np.eye(2), k=1, transcoder=True, subtract_offset=False),
    ],
    ids=["skip", "transcoder"],
)
def test_what_it_has_no_words_for_is_not_written(tmp_path, checkpoint):
    with pytest.raises(ValueError, match=r"'sae_lens' is .*; expected .*Use the format 'sparsify'"):
        write_checkpoint(checkpoint, tmp_path, "sae_lens")
    assert not list(tmp_path.iterdir())
