"""Where torch is installed, its own files are read to the same numbers, and it reads ours."""

import numpy as np
import pytest

from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint
from sparsecode.interop._torch_write import write_torch as write_ours
from sparsecode.interop._torch_zip import read_torch

torch = pytest.importorskip("torch", reason="needs torch: pip install torch")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ae.pt"


def test_state_dicts(path):
    model = torch.nn.Module()
    model.encoder = torch.nn.Linear(6, 10)
    model.decoder = torch.nn.Linear(10, 6, bias=False)
    model.bias = torch.nn.Parameter(torch.randn(6))
    torch.save(model.state_dict(), path)
    arrays = read_torch(path)
    assert list(arrays) == list(model.state_dict())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(arrays[name], value.numpy())
    checkpoint = read_checkpoint(path, fold_norms=False)
    X = torch.randn(20, 6)
    codes = torch.relu(model.encoder(X - model.bias)).detach().numpy()
    H = (X.numpy() - checkpoint.offset) @ checkpoint.W.T + checkpoint.b
    np.testing.assert_allclose(np.maximum(H, 0), codes, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int32"])
def test_types_views_and_parameters(path, dtype):
    whole = (10 * torch.randn(4, 5)).to(getattr(torch, dtype))
    state = {"a": whole, "t": whole.T, "row": whole[2], "step": whole[::2, 1:4]}
    state["number"] = torch.tensor(7, dtype=torch.int)
    if dtype != "int32":
        state["parameter"] = torch.nn.Parameter(whole.clone())
    torch.save(state, path)
    for name, array in read_torch(path).items():
        expected = state[name].detach()
        expected = expected.float() if dtype in ("bfloat16", "float16") else expected
        np.testing.assert_array_equal(array, expected.numpy())


def test_expanded_and_whole_models_are_refused(path):
    torch.save({"W": torch.ones(1).expand(5)}, path)
    with pytest.raises(ValueError, match="reaches beyond"):
        read_torch(path)
    torch.save(torch.nn.Linear(2, 3), path)
    with pytest.raises(ValueError, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_torch(path)


def test_older_files_are_refused(path):
    torch.save({"W": torch.ones(1)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="not a zip archive"):
        read_torch(path)


def test_files_that_are_written_load_into_torch(tmp_path):
    checkpoint = Checkpoint("TopK", np.eye(4, 3), np.eye(4, 3), k=2)
    write_checkpoint(checkpoint, tmp_path, "dictionary_learning")
    state = torch.load(tmp_path / "ae.pt")
    assert state["k"].shape == () and state["k"].dtype == torch.int32
    torch.nn.Linear(3, 4).load_state_dict(
        {"weight": state["encoder.weight"], "bias": state["encoder.bias"]}
    )


def test_torch_loads_what_is_written(tmp_path):
    """Also in its safe way, and mapped."""
    arrays = {"W": np.arange(6, dtype=np.float32).reshape(2, 3), "k": np.array(3, np.int32)}
    write_ours(tmp_path / "a.pt", arrays)
    for options in ({}, {"weights_only": True}, {"weights_only": False}, {"mmap": True}):
        found = torch.load(tmp_path / "a.pt", **options)
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name].numpy(), array, strict=True)
