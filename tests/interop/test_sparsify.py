"""sparsify: TopK models, with a skip or not, of another output or not."""

import functools
import json

import numpy as np
import pytest
from foreign_models import M, N, sparsify, write_json, write_safetensors

from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint


def model(random, **settings):
    arrays = {
        "encoder.weight": random(N, M),
        "encoder.bias": random(N),
        "W_dec": random(N, M),
        "b_dec": random(M),
    }
    cfg = {"activation": "topk", "expansion_factor": 32, "num_latents": N, "k": 3, "d_in": M}
    cfg |= {"skip_connection": False, "transcode": False, **settings}
    if cfg["skip_connection"]:
        arrays["W_skip"] = random(M, M)
    return arrays, cfg


def save(folder, arrays, cfg):
    write_safetensors(folder / "sae.safetensors", arrays)
    write_json(folder / "cfg.json", cfg)
    return folder


@pytest.mark.parametrize("transcode", [False, True])
@pytest.mark.parametrize("skip_connection", [False, True])
def test_codes_and_reconstructions(
    tmp_path, random, agree, assert_round_trip, transcode, skip_connection
):
    arrays, cfg = model(random, transcode=transcode, skip_connection=skip_connection)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}
    checkpoint = agree(save(tmp_path, arrays, cfg), functools.partial(sparsify, p=p, cfg=cfg))
    assert (checkpoint.architecture, checkpoint.k) == ("TopK", 3)
    assert checkpoint.transcoder == transcode
    assert checkpoint.subtract_offset != transcode
    assert_round_trip(checkpoint, "sparsify")
    written = json.loads((tmp_path / "again" / "cfg.json").read_text())
    assert written == cfg


def test_a_scale_beside_a_skip(tmp_path, random, agree):
    arrays, cfg = model(random, skip_connection=True)
    p = {name: array.astype(np.float64) for name, array in arrays.items()}

    def scaled(X):
        codes, decoded = sparsify(0.5 * X, p, cfg)
        return codes, decoded / 0.5

    agree(save(tmp_path, arrays, cfg), scaled, input_scale=0.5)


@pytest.mark.parametrize("missing", ["activation", "num_latents", "transcode", "skip_connection"])
def test_older_settings_have_defaults(tmp_path, random, missing):
    arrays, cfg = model(random)
    del cfg[missing]
    assert read_checkpoint(save(tmp_path, arrays, cfg)).architecture == "TopK"
    assert read_checkpoint(save(tmp_path, arrays, {**cfg, "num_latents": 0})).n_components == N


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "groupmax"},
        {"signed": True},
        {"embed_skip": True},
        {"gram_lookup": True},
        {"k": None},
        {"k": N + 1},
        {"k": -1},
        {"d_in": N},
        {"num_latents": M},
        {"skip_connection": True},
        {"transcode": 1},
        {"k": 1e300},
        {"k": float("nan")},
    ],
    ids=str,
)
def test_other_models_are_refused(tmp_path, random, changes):
    arrays, cfg = model(random)
    save(tmp_path, arrays, cfg | changes)
    with pytest.raises(ValueError, match=r"sae.safetensors|cfg.json"):
        read_checkpoint(tmp_path)


def test_a_skip_that_the_settings_do_not_tell_is_refused(tmp_path, random):
    arrays, cfg = model(random, skip_connection=True)
    save(tmp_path, arrays, {**cfg, "skip_connection": False})
    with pytest.raises(ValueError, match="arrays 'W_skip'"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("architecture", ["ReLU", "BatchTopK", "Gated"])
def test_other_architectures_are_not_written(tmp_path, architecture):
    k = 1 if architecture == "BatchTopK" else None
    with pytest.raises(ValueError, match="expected TopK"):
        write_checkpoint(Checkpoint(architecture, np.eye(2), np.eye(2), k=k), tmp_path, "sparsify")
