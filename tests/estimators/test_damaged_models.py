"""Damaged files of fitted estimators are refused, in words that name what is wrong."""

import json

import numpy as np
import pytest
from fitted_models import MAKERS, TRAINED, every, fitted, header_of, write

from sparsecode import Transcoder

DAMAGES = [
    ("settings", {"n_jobs": "many"}, "n_jobs is 'many'"),
    ("settings", {"n_jobs": {"name": "schedules.Constant", "values": {}}}, "n_jobs"),
    ("settings", {"other": 1}, "'other', which"),
    ("names", ["a"], "names are not 4 strings"),
    ("names", [1, 2, 3, 4], "names are not 4 strings"),
    ("left_out", {}, "where an object is expected"),
    ("constraint", {"name": "os.system"}, "its constraint is 'os.system'"),
]
OF_COMPONENTS = [
    ("optimizer", {"name": "builtins.eval", "values": {}}, "names the class 'builtins.eval'"),
    ("optimizer", {"class": "optimizers.Adam"}, "optimizer is"),
    ("optimizer", {"name": "optimizers.Adam", "values": {"lr": -1}}, "lr is -1"),
    ("optimizer", {"name": "optimizers.Adam", "values": {"lr": "x"}}, "holds 'x' where the number"),
    ("optimizer", {"name": "optimizers.Adam", "values": {"rate": 1}}, "'rate', which Adam does"),
    ("optimizer", {"name": "optimizers.Adam", "values": [1]}, r"settings of its optimizer are \[1"),
    ("optimizer", {"name": "optimizers.Adam"}, "nothing named 'values'"),
    ("optimizer", {"tuple": 1}, "is 1 where a tuple"),
    ("loss", [[[[[[[[[[[[[1]]]]]]]]]]]]], "too deep"),
]


@every
@pytest.mark.parametrize(("key", "value", "message"), DAMAGES)
def test_damaged_headers_are_refused(name, key, value, message, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    if key == "settings":
        value = {**json.loads(header["settings"]), **value}
    write(tmp_path / "damaged.npz", arrays, {**header, key: json.dumps(value)})
    with pytest.raises(ValueError, match=rf"damaged.npz is not a saved .*{message}"):
        type(MAKERS[name]()).load(tmp_path / "damaged.npz")


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(("key", "value", "message"), OF_COMPONENTS)
def test_damaged_components_are_refused(name, key, value, message, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    settings = {**json.loads(header["settings"]), key: value}
    write(tmp_path / "damaged.npz", arrays, {**header, "settings": json.dumps(settings)})
    with pytest.raises(ValueError, match=rf"damaged.npz is not a saved .*{message}"):
        type(MAKERS[name]()).load(tmp_path / "damaged.npz")


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("key", ["encoder", "penalty"])
@pytest.mark.parametrize("value", [{"tuple": []}, {"class": "penalties.L1"}, {"class": 3}, 3])
def test_parts_of_the_model_are_refused(name, key, value, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    write(tmp_path / "damaged.npz", arrays, {**header, key: json.dumps(value)})
    with pytest.raises(ValueError, match=rf"is not a saved .*(its {key}|{key} names|where an obj)"):
        type(MAKERS[name]()).load(tmp_path / "damaged.npz")


WEIGHTED = {"name": "penalties.L1", "values": {"alpha": 0.1, "weights": [1.0]}}


@pytest.mark.parametrize(
    ("name", "part", "value", "message"),
    [
        ("LISTA", "encoder", {"name": "encoders.LISTA", "values": {"penalty": WEIGHTED}}, "params"),
        (
            "LISTA",
            "encoder",
            {
                "name": "encoders.LISTACP",
                "values": {"n_layers": 2, "tied": True, "penalty": WEIGHTED},
            },
            "weights of L1",
        ),
        ("LISTA", "penalty", WEIGHTED, "weights of L1"),
        (
            "LISTA",
            "settings",
            {"loss": {"name": "losses.LassoLoss", "values": {"penalty": WEIGHTED}}},
            "weights of L1",
        ),
        (
            "SparseAutoencoder",
            "settings",
            {"corrupt": {"name": "training.GaussianNoise", "values": {"scale": -1}}},
            "scale is -1",
        ),
        ("SparseAutoencoder", "fitted", {"output": "sigmoid"}, "different outputs"),
        ("Transcoder", "fitted", {"is_flat": True}, "3 targets; expected 1"),
        ("Transcoder", "fitted", {"n_inputs": 2**70}, "n_inputs"),
    ],
)
def test_parts_fit_each_other(name, part, value, message, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    value = {**json.loads(header[part]), **value}
    write(tmp_path / "damaged.npz", arrays, {**header, part: json.dumps(value)})
    with pytest.raises(ValueError, match=rf"is not a saved .*{message}"):
        type(MAKERS[name]()).load(tmp_path / "damaged.npz")


@pytest.mark.parametrize("name", TRAINED)
def test_arrays_are_finite_floats(name, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    key = next(key for key in arrays if key.startswith("params/"))
    for value in (np.full(arrays[key].shape, np.inf), np.zeros(arrays[key].shape, dtype=int)):
        write(tmp_path / "damaged.npz", {**arrays, key: value}, header)
        with pytest.raises(ValueError, match=r"its parameter \w+ has dtype .*; expected finite"):
            type(MAKERS[name]()).load(tmp_path / "damaged.npz")


def test_the_encoder_of_a_transcoder_does_not_read_atoms(tmp_path):
    fitted("Transcoder").save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    header["encoder"] = json.dumps({"name": "encoders.TopK", "values": {"k": 2, "tied": True}})
    del arrays["params/W"]
    write(tmp_path / "damaged.npz", arrays, header)
    with pytest.raises(ValueError, match="which reads the atoms"):
        Transcoder.load(tmp_path / "damaged.npz")


@pytest.mark.parametrize("name", TRAINED)
def test_numbers_of_the_model_are_all_checked(name, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    numbers, used = json.loads(header["fitted"]), 0
    for key in numbers:
        if (name, key) == ("Transcoder", "input_scale") or key == "output":
            continue
        for damaged in ({k: v for k, v in numbers.items() if k != key}, {**numbers, key: "x"}):
            write(tmp_path / "damaged.npz", arrays, {**header, "fitted": json.dumps(damaged)})
            with pytest.raises(ValueError, match=rf"is not a saved .*{key}"):
                type(MAKERS[name]()).load(tmp_path / "damaged.npz")
        used += 1
    assert used >= 3


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("DictionaryLearning", {"update": {"name": "updates.KSVD", "values": {"n_sweeps": 0}}}, ""),
        ("DictionaryLearning", {"update": {"class": "solvers.OMP"}}, "names the class"),
        ("DictionaryLearning", {"replacement": 3}, "replacement"),
        ("DictionaryLearning", {"init": "pca"}, "init is 'pca'"),
        ("DictionaryLearning", {"random_state": "x"}, "random_state"),
        ("DictionaryLearning", {"constraint": {"class": "constraints.Free"}}, "constraint"),
        ("SparseCoder", {"solver": {"name": "solvers.FISTA", "values": {"tol": -1}}}, "tol is -1"),
        ("SparseCoder", {"penalty": {"name": "penalties.L1", "values": {"alpha": -1}}}, "alpha"),
        (
            "SparseCoder",
            {"penalty": {"name": "penalties.L1", "values": {"weights": [1.0]}}},
            "weights of L1",
        ),
        ("SparseCoder", {"solver": {"name": "solvers.OMP", "values": {}}}, "OMP needs"),
        ("OlshausenField", {"gain_bounds": {"tuple": [2, 1]}}, "gain_bounds"),
        ("OlshausenField", {"transform_tol": -1}, "transform_tol is -1"),
        ("SparseAutoencoder", {"corrupt": {"name": "training.Stage", "values": {}}}, "corrupt"),
        ("Transcoder", {"encoder": {"name": "encoders.Exact", "values": {}}}, "TrainableEncoder"),
    ],
)
def test_settings_are_checked_as_by_fit(name, changes, message, tmp_path):
    fitted(name).save(tmp_path / "model.npz")
    arrays, header = header_of(tmp_path / "model.npz")
    settings = {**json.loads(header["settings"]), **changes}
    write(tmp_path / "damaged.npz", arrays, {**header, "settings": json.dumps(settings)})
    with pytest.raises(ValueError, match=rf"is not a saved .*{message}"):
        type(MAKERS[name]()).load(tmp_path / "damaged.npz")
