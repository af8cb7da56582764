"""Arrays of safetensors files: half precision is exact, damaged files are refused."""

import json
import struct

import numpy as np
import pytest
from foreign_models import M, N, to_bfloat16, write_json, write_safetensors

from sparsecode._reading.npy import from_bfloat16
from sparsecode.interop import read_checkpoint
from sparsecode.interop._arrays import read_safetensors
from sparsecode.interop._arrays import write_safetensors as write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.safetensors"


def test_every_bfloat16_number_is_exact():
    """By its definition: sign, 8 bits of exponent, 7 of fraction."""
    bits = np.arange(2**16, dtype=np.uint16)
    values = from_bfloat16(bits)
    sign = np.where(bits >> 15, -1.0, 1.0)
    exponent, fraction = (bits >> 7 & 255).astype(int), bits & 127
    normal = sign * np.ldexp(1 + fraction / 128, exponent - 127)
    small = sign * np.ldexp(fraction / 128, -126)
    finite = exponent < 255
    expected = np.where(exponent == 0, small, normal)
    np.testing.assert_array_equal(values[finite], expected[finite])
    assert np.isinf(values[~finite & (fraction == 0)]).all()
    assert np.isnan(values[~finite & (fraction > 0)]).all()
    assert values.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_bfloat16_beside_others(path, rng, shape):
    exact = rng.integers(-100, 100, shape).astype(np.float32)
    arrays = {"a": np.ones(5, np.float32), "b": to_bfloat16(exact), "c": np.ones(2, np.float16)}
    write_safetensors(path, arrays)
    found = read_safetensors(path)
    np.testing.assert_array_equal(found["b"], exact)
    assert found["b"].dtype == found["c"].dtype == np.float32
    assert found["b"].shape == shape


def test_equal_arrays_make_equal_files(path, tmp_path):
    one, other = np.eye(3), np.ones(2)
    write(path, {"a": one, "b": other})
    write(tmp_path / "other.safetensors", {"b": other, "a": np.asfortranarray(one)})
    assert path.read_bytes() == (tmp_path / "other.safetensors").read_bytes()


def file_of(header, data=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def array(kind="F32", shape=(2,), place=(0, 8)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(place)}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 8,
        b"\xff" * 8 + b"{}",
        struct.pack("<Q", 2**40) + b"{}",
        file_of(b"junk"),
        file_of(b"[]", b""),
        file_of({"a": array(kind="BF16", shape=(2**40,), place=(0, 2**41))}),
        file_of({"a": array(kind="BF16", shape=(2**62, 4), place=(0, 8))}),
        file_of({"a": array(kind="BF16", shape=(-4,), place=(0, 8))}),
        file_of({"a": array(kind="BF16", shape=(4,), place=(8, 0))}),
        file_of({"a": array(kind="BF16", shape=(4,), place=(-8, 0))}),
        file_of({"a": array(shape=(3,))}),
        file_of({"a": array(place=(0, 4))}),
        file_of({"a": array(place=(4, 12))}),
        file_of({"a": array(), "b": array()}),
        file_of({"a": array()}, b"\0" * 12),
        file_of({"a": array()}, b"\0" * 4),
        file_of({"a": array(kind="F8_E4M3", shape=(8,))}),
        file_of({"a": array(kind="BOOL", shape=(8,))}),
        file_of({"a": array(kind="C64", shape=(1,))}),
        file_of({"a": array(kind="F1")}),
        file_of({"a": {}}),
        file_of(
            b'{"a": {"dtype":"BF16","shape":[4],"data_offsets":[0,8]}, "a": {"dtype":"BF16",'
            b'"shape":[1000000000000],"data_offsets":[0,2000000000000]}}'
        ),
    ],
)
def test_damaged_files_are_refused(tmp_path, data):
    (tmp_path / "sae.safetensors").write_bytes(data)
    write_json(tmp_path / "cfg.json", {"k": 1})
    with pytest.raises(ValueError, match=r"sae\.safetensors"):
        read_checkpoint(tmp_path)


def test_flipped_bits_never_crash(tmp_path, rng):
    shapes = {"encoder.weight": (N, M), "encoder.bias": N, "W_dec": (N, M), "b_dec": M}
    arrays = {name: to_bfloat16(rng.standard_normal(shape)) for name, shape in shapes.items()}
    write_safetensors(tmp_path / "sae.safetensors", arrays)
    write_json(tmp_path / "cfg.json", {"k": 1})
    good = (tmp_path / "sae.safetensors").read_bytes()
    for position in rng.integers(0, len(good), 300):
        damaged = bytearray(good)
        damaged[position] ^= 1 << rng.integers(8)
        (tmp_path / "sae.safetensors").write_bytes(bytes(damaged))
        try:
            assert read_checkpoint(tmp_path).n_components == N
        except ValueError as error:
            assert "sae.safetensors" in str(error)
