"""What the models of other libraries compute, written down from their definitions.

Each function takes samples, arrays under the names of that library, and its settings, and returns
codes and reconstructions. All is float64. Besides: files of these arrays, byte by byte.
"""

import dataclasses
import json
import struct

import numpy as np

from sparsecode.encoders import MatchingPursuit
from sparsecode.interop import Checkpoint

# Features and units of the models of the tests.
M, N = 6, 10
KINDS = {"<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "<i4": "I32"}


def to_bfloat16(array):
    """The upper halves of float32 numbers, as uint16."""
    return (np.asarray(array, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def write_safetensors(path, arrays):
    """uint16 arrays are the bits of bfloat16."""
    header, data = {}, b""
    for name, array in arrays.items():
        kind = "BF16" if array.dtype == np.uint16 else KINDS[array.dtype.str]
        raw = np.ascontiguousarray(array).tobytes()
        place = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": place}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def relu(A):
    return np.maximum(A, 0)


def topk(A, k):
    """The k largest of each row, if they are positive."""
    codes = np.zeros_like(A)
    for row, out in zip(A, codes, strict=True):
        chosen = np.argsort(-row, kind="stable")[:k]
        out[chosen] = relu(row[chosen])
    return codes


def sae_lens(X, p, cfg):
    norm = cfg.get("normalize_activations", "none")
    inputs, out = X, lambda Y: Y
    if norm == "layer_norm":
        mean = X.mean(axis=1, keepdims=True)
        std = np.sqrt(((X - mean) ** 2).sum(axis=1, keepdims=True) / (X.shape[1] - 1))
        inputs, out = (X - mean) / (std + 1e-5), lambda Y: Y * std + mean
    elif norm == "constant_norm_rescale":
        factor = np.sqrt(X.shape[1]) / np.sqrt((X**2).sum(axis=1, keepdims=True))
        inputs, out = X * factor, lambda Y: Y / factor
    transcoder = "transcoder" in cfg["architecture"]
    if cfg.get("apply_b_dec_to_input", True) and not transcoder:
        inputs = inputs - p["b_dec"]
    if cfg["architecture"] == "gated":
        gates = inputs @ p["W_enc"] + p["b_gate"] > 0
        codes = gates * relu(inputs @ (p["W_enc"] * np.exp(p["r_mag"])) + p["b_mag"])
        return codes, out(codes @ p["W_dec"] + p["b_dec"])
    A = inputs @ p["W_enc"] + p["b_enc"]
    norms = np.ones(A.shape[1])
    if cfg.get("rescale_acts_by_decoder_norm"):
        norms = np.linalg.norm(p["W_dec"], axis=1)
    A = A * norms
    if "jumprelu" in cfg["architecture"]:
        codes = relu(A) * (p["threshold"] < A)
    elif cfg["architecture"] == "batchtopk":
        codes = relu(A) * (p["topk_threshold"] < A)
    elif "k" in cfg:
        codes = topk(A, cfg["k"])
    else:
        codes = relu(A)
    decoded = codes * p.get("scaling_factor", 1.0) / norms @ p["W_dec"] + p["b_dec"]
    if "W_skip" in p:
        decoded = decoded + X @ p["W_skip"].T
    return codes, out(decoded)


def gemma_scope(X, p):
    A = X @ p["W_enc"] + p["b_enc"]
    codes = (p["threshold"] < A) * relu(A)
    return codes, codes @ p["W_dec"] + p["b_dec"]


def matching_pursuit(X, p, cfg):
    """Step by step, one sample after the other."""
    inputs = X - p["b_dec"] * cfg["apply_b_dec_to_input"]
    codes = np.zeros((len(X), len(p["W_dec"])))
    for x, z in zip(inputs, codes, strict=True):
        rest, support = x.copy(), set()
        for _ in range(cfg["max_iterations"] or X.shape[1]):
            products = relu(p["W_dec"] @ rest)
            j = int(np.argmax(products))
            z[j] += products[j]
            rest -= products[j] * p["W_dec"][j]
            before, support = support, set(np.flatnonzero(z))
            if cfg["stop_on_duplicate_support"] and support == before:
                break
            if cfg["residual_threshold"] > 0 and np.linalg.norm(rest) < cfg["residual_threshold"]:
                break
    return codes, codes @ p["W_dec"] + p["b_dec"] * cfg["apply_b_dec_to_input"]


def openai(X, p, k=None):
    shift, factor = np.zeros((len(X), 1)), np.ones((len(X), 1))
    if k is not None:
        shift = X.mean(axis=1, keepdims=True)
        factor = np.sqrt(((X - shift) ** 2).sum(axis=1, keepdims=True) / (X.shape[1] - 1))
    inputs = (X - shift) / (factor + (1e-5 if k is not None else 0))
    A = (inputs - p["pre_bias"]) @ p["encoder.weight"].T + p["latent_bias"]
    codes = relu(A) if k is None else topk(A, k)
    return codes, (codes @ p["decoder.weight"].T + p["pre_bias"]) * factor + shift


def sparsify(X, p, cfg):
    inputs = X if cfg["transcode"] else X - p["b_dec"]
    codes = topk(relu(inputs @ p["encoder.weight"].T + p["encoder.bias"]), cfg["k"])
    decoded = codes @ p["W_dec"] + p["b_dec"]
    return codes, decoded + X @ p["W_skip"].T if cfg["skip_connection"] else decoded


def dictionary_learning(X, p, dict_class, *, normalize=None):
    """As loaded today: of AutoEncoder alone codes are multiplied by the norms of atoms.

    Until January 2025 it was JumpReluAutoEncoder and GatedAutoEncoder, and not AutoEncoder.
    """
    scaled = normalize if normalize is not None else dict_class == "AutoEncoder"
    if dict_class == "AutoEncoder":
        norms = np.linalg.norm(p["decoder.weight"], axis=0) if scaled else 1.0
        codes = relu((X - p["bias"]) @ p["encoder.weight"].T + p["encoder.bias"]) * norms
        return codes, codes / norms @ p["decoder.weight"].T + p["bias"]
    if dict_class == "AutoEncoderNew":
        codes = relu(X @ p["encoder.weight"].T + p["encoder.bias"])
        return codes, codes @ p["decoder.weight"].T + p["decoder.bias"]
    if dict_class == "GatedAutoEncoder":
        H = (X - p["decoder_bias"]) @ p["encoder.weight"].T
        norms = np.linalg.norm(p["decoder.weight"], axis=0) if scaled else 1.0
        codes = (H + p["gate_bias"] > 0) * relu(np.exp(p["r_mag"]) * H + p["mag_bias"]) * norms
        return codes, codes / norms @ p["decoder.weight"].T + p["decoder_bias"]
    if dict_class == "JumpReluAutoEncoder":
        A = X @ p["W_enc"] + p["b_enc"]
        norms = np.linalg.norm(p["W_dec"], axis=1) if scaled else 1.0
        codes = relu(A * (p["threshold"] < A)) * norms
        return codes, codes / norms @ p["W_dec"] + p["b_dec"]
    if dict_class == "MatryoshkaBatchTopKSAE":
        A = relu((X - p["b_dec"]) @ p["W_enc"] + p["b_enc"])
        codes = A * (p["threshold"] < A)
        return codes, codes @ p["W_dec"] + p["b_dec"]
    A = relu((X - p["b_dec"]) @ p["encoder.weight"].T + p["encoder.bias"])
    if dict_class == "AutoEncoderTopK":
        codes = topk(A, int(p["k"]))
    else:
        codes = A * (p["threshold"] < A)
    return codes, codes @ p["decoder.weight"].T + p["b_dec"]


def ours(checkpoint, X):
    """Codes and reconstructions by the formula of `Checkpoint`."""
    c = {
        name: value.astype(np.float64) if isinstance(value, np.ndarray) else value
        for name, value in vars(checkpoint).items()
    }
    inputs, factor, shift = checkpoint.standardize(X)
    H = c["scale"] * inputs
    if c["subtract_offset"]:
        H = H - c["offset"]
    H = H @ c["W"].T
    norms = np.linalg.norm(c["atoms"], axis=1) if c["norm_scaled"] else np.ones(len(c["W"]))
    if c["architecture"] == "MatchingPursuit":
        names = ("k", "min_residual", "repeats")
        encoder = MatchingPursuit(**{name: c[name] for name in names})
        shift_in = c["offset"] if c["subtract_offset"] else 0
        codes = encoder.encode(c["scale"] * inputs - shift_in, c["atoms"], n_jobs=1)
    elif c["architecture"] == "Gated":
        codes = (H + c["b_gate"] > 0) * relu(np.exp(c["r_mag"]) * H + c["b_mag"]) * norms
    else:
        A = H + c["b"]
        codes = {
            "ReLU": lambda: relu(A) * norms,
            "TopK": lambda: topk(A * norms, c["k"]),
            "BatchTopK": lambda: relu(A * norms) * (A * norms > c["threshold"]),
            "JumpReLU": lambda: relu(A) * (c["threshold"] < A) * norms,
        }[c["architecture"]]()
    decoded = (codes / norms @ c["atoms"] + c["offset"]) / c["scale"]
    decoded = factor * decoded + shift
    return codes, decoded if c["W_skip"] is None else decoded + X @ c["W_skip"].T


def same_checkpoint(left, right, but=()):
    """Assert that two checkpoints are equal bit by bit."""
    for field in dataclasses.fields(Checkpoint):
        if field.name in but:
            continue
        one, other = getattr(left, field.name), getattr(right, field.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name, strict=True)
        else:
            assert one == other, field.name


def write_json(path, content):
    path.write_text(json.dumps(content))
