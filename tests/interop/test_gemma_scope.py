"""Gemma Scope: params.npz, whose models do not subtract the offset from their inputs."""

import functools

import numpy as np
import pytest
from foreign_models import M, N, gemma_scope, same_checkpoint

from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint


def model(random, n_outputs=M, dtype=np.float32):
    arrays = {
        "W_enc": random(M, N),
        "W_dec": random(N, n_outputs),
        "b_enc": random(N),
        "b_dec": random(n_outputs),
        "threshold": np.abs(random(N)),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def reference(arrays):
    return functools.partial(gemma_scope, p={k: v.astype(np.float64) for k, v in arrays.items()})


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_codes_and_reconstructions(tmp_path, random, agree, save, dtype):
    arrays = model(random, dtype=dtype)
    save(tmp_path / "params.npz", **arrays)
    checkpoint = agree(tmp_path, reference(arrays))
    assert checkpoint.architecture == "JumpReLU" and not checkpoint.transcoder
    assert checkpoint.dtype == (np.float64 if dtype == np.float64 else np.float32)
    # The biases alone tell that the offset is subtracted now.
    shift = arrays["b_dec"].astype(np.float64) @ arrays["W_enc"].astype(np.float64)
    np.testing.assert_allclose(checkpoint.b, arrays["b_enc"] + shift, rtol=1e-5)
    np.testing.assert_allclose(np.exp(checkpoint.log_threshold), arrays["threshold"], rtol=1e-5)


def test_small_letters_and_order_by_columns(tmp_path, random, agree):
    arrays = model(random)
    stored = {name.replace("W_", "w_"): np.asfortranarray(a) for name, a in arrays.items()}
    np.savez(tmp_path / "any name.npz", **stored)
    agree(tmp_path / "any name.npz", reference(arrays))


def test_a_scale_is_folded(tmp_path, random, agree):
    arrays = model(random)
    np.savez(tmp_path / "params.npz", **arrays)

    def scaled(X):
        codes, decoded = reference(arrays)(X * 0.5)
        return codes, decoded / 0.5

    agree(tmp_path, scaled, input_scale=0.5)


def test_transcoders_by_the_width_of_their_output(tmp_path, random, agree, assert_round_trip):
    arrays = model(random, n_outputs=3)
    np.savez(tmp_path / "params.npz", **arrays)
    checkpoint = agree(tmp_path, reference(arrays))
    assert checkpoint.transcoder and not checkpoint.subtract_offset
    assert_round_trip(checkpoint, "gemma_scope")
    with pytest.raises(ValueError, match=r"params.npz .*A transcoder has .*scale"):
        read_checkpoint(tmp_path, input_scale=2.0)


def test_bfloat16_as_numpy_keeps_it(tmp_path, random, agree):
    arrays = {
        name: (a.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, a in model(random).items()
    }
    bits = {name: (a.view(np.uint32) >> 16).astype("<u2").view("V2") for name, a in arrays.items()}
    np.savez(tmp_path / "params.npz", **bits)
    agree(tmp_path, reference(arrays))


def test_round_trip(tmp_path, random, assert_round_trip):
    np.savez(tmp_path / "params.npz", **model(random))
    checkpoint = read_checkpoint(tmp_path, fold=False)
    assert_round_trip(checkpoint, "gemma_scope")


def test_a_folded_checkpoint_is_unfolded(tmp_path, random, agree):
    arrays = model(random)
    np.savez(tmp_path / "params.npz", **arrays)
    write_checkpoint(read_checkpoint(tmp_path), tmp_path / "again", "gemma_scope")
    agree(tmp_path / "again", reference(arrays))
    with np.load(tmp_path / "again" / "params.npz") as file:
        np.testing.assert_allclose(file["b_enc"], arrays["b_enc"], atol=1e-5)


def test_batch_topk_is_written_with_one_threshold(tmp_path, random):
    checkpoint = Checkpoint("BatchTopK", random(N, M), random(N, M), k=2, threshold=0.25)
    write_checkpoint(checkpoint, tmp_path, "gemma_scope")
    again = read_checkpoint(tmp_path)
    np.testing.assert_array_equal(again.threshold, np.full(N, np.float32(0.25)))
    same_checkpoint(again, checkpoint, but=("architecture", "k", "threshold", "metadata"))


@pytest.mark.parametrize("architecture", ["ReLU", "TopK", "BatchTopK", "Gated"])
def test_other_architectures_are_not_written(tmp_path, architecture):
    k = 1 if "TopK" in architecture else None
    with pytest.raises(ValueError, match=f"{architecture} for the format 'gemma_scope'"):
        write_checkpoint(
            Checkpoint(architecture, np.eye(2), np.eye(2), k=k), tmp_path, "gemma_scope"
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("W_enc", np.ones((N, M))),
        ("W_dec", np.ones((M, N))),
        ("W_enc", np.ones(M)),
        ("threshold", np.ones(())),
        ("b_enc", np.full(N, np.nan)),
        ("b_dec", np.full(M, np.inf)),
        ("extra", np.ones(3)),
        ("b_enc", np.array(["a"] * N)),
        ("b_enc", np.ones(N, dtype=complex)),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, random, name, value):
    np.savez(tmp_path / "params.npz", **(model(random) | {name: value}))
    with pytest.raises(ValueError, match=r"params\.npz") as caught:
        read_checkpoint(tmp_path)
    assert name in str(caught.value) or "holds NaN or infinity" in str(caught.value)
