"""OpenAI's sparse_autoencoder: a state dict that tells its activation; TopK with layer norm."""

import functools

import numpy as np
import pytest
from foreign_models import M, N, openai
from torch_files import integer, program, state_dict, storage, tensor, text, write_archive

from sparsecode import SparseAutoencoder
from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint


def model(random):
    arrays = {"pre_bias": random(M), "latent_bias": random(N)}
    arrays |= {"encoder.weight": random(N, M), "decoder.weight": random(M, N)}
    return arrays | {"stats_last_nonzero": np.arange(N), "latents_mean_square": random(N)}


def write(path, arrays, activation=None, settings=None):
    entries, storages = {}, {}
    for i, (name, array) in enumerate(arrays.items()):
        kind = {"f4": "Float", "i8": "Long"}[array.dtype.str[1:]]
        strides = [stride // array.itemsize for stride in array.strides]
        entries[name] = tensor(storage(kind, str(i), array.size), 0, array.shape, strides)
        storages[str(i)] = array.tobytes()
    if activation is not None:
        entries["activation"] = text(activation)
    if settings is not None:
        items = b"".join(text(key) + value for key, value in settings.items())
        entries["activation_state_dict"] = b"}(" + items + b"u"
    write_archive(path, state_dict(entries), storages)
    return path


def topk(k=3, after="ReLU"):
    return {"k": integer(k), "postact_fn": text(after)}


@pytest.mark.parametrize("format", [None, "openai"])
def test_topk_with_layer_norm(tmp_path, random, agree, format):
    arrays = model(random)
    path = write(tmp_path / "11.pt", arrays, "TopK", topk())
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    checkpoint = agree(path, functools.partial(openai, p=p, k=3), format=format)
    assert checkpoint.input_norm == "layer_norm" and checkpoint.k == 3
    assert checkpoint.metadata == {"format": "openai"}
    X = 3 * random(9, M, dtype=np.float64) + 5
    estimator, (codes, X_hat) = SparseAutoencoder.from_pretrained(path), openai(X, p, k=3)
    np.testing.assert_allclose(estimator.transform(X), codes, rtol=1e-5, atol=1e-5)
    found = estimator.inverse_transform(codes, estimator.input_moments(X))
    np.testing.assert_allclose(found, X_hat, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("activation", [None, "ReLU"])
def test_relu(tmp_path, random, agree, activation):
    arrays = model(random)
    path = write(tmp_path / "0.pt", arrays, activation, {})
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    agree(path, functools.partial(openai, p=p))
    X = random(9, M, dtype=np.float64)
    found = SparseAutoencoder.from_pretrained(path).transform(X)
    np.testing.assert_allclose(found, openai(X, p)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "settings", "words"),
    [
        ("Identity", {}, "activation is 'Identity'; expected 'ReLU' or 'TopK'"),
        ("TopK", None, "activation_state_dict is without k"),
        ("TopK", topk(after="Identity"), "postact_fn is 'Identity'; expected 'ReLU'"),
        ("TopK", topk(k=0), "k is 0; expected a whole number"),
        ("TopK", topk(k=N + 1), "k is 11"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path, random, activation, settings, words):
    write(tmp_path / "0.pt", model(random), activation, settings)
    with pytest.raises(ValueError, match=words):
        read_checkpoint(tmp_path / "0.pt")


def test_arrays_that_are_missing_or_of_other_shapes(tmp_path, random):
    arrays = model(random)
    for changes, words in (
        ({"decoder.weight": random(N, M)}, r"decoder.weight is of shape \(10, 6\)"),
        ({"other": random(3)}, "a file with the arrays 'other'"),
        ({"latent_bias": np.full(N, np.nan, np.float32)}, "latent_bias is an array with NaN"),
    ):
        write(tmp_path / "0.pt", {**arrays, **changes}, "ReLU", {})
        with pytest.raises(ValueError, match=words):
            read_checkpoint(tmp_path / "0.pt")
    del arrays["encoder.weight"]
    write(tmp_path / "0.pt", arrays, "ReLU", {})
    with pytest.raises(ValueError, match=r"without the arrays 'encoder\.weight'"):
        read_checkpoint(tmp_path / "0.pt")


def test_it_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="format is 'openai'; expected one of 'sae_lens'"):
        write_checkpoint(Checkpoint("ReLU", np.eye(2), np.eye(2)), tmp_path, "openai")


def test_anything_else_in_a_torch_file_is_refused(tmp_path):
    write_archive(tmp_path / "0.pt", program(b"]"), {})
    with pytest.raises(ValueError, match="a saved list; expected a saved dict"):
        read_checkpoint(tmp_path / "0.pt")
