"""Golden outputs in tools/golden.py: two runs agree, and what changed is reported."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

FOLDER = Path(__file__).parent.parent / "tools"
QUICK = ["sparse_autoencoder[ReLU]", "loss_term[Hoyer]", "untrained_encoder[Thresholding]"]


@pytest.fixture
def golden(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import golden

    return golden


@pytest.fixture
def stored(golden, monkeypatch, tmp_path):
    """Outputs of two cases that are written, and a call that compares with them."""
    value = {"x": np.arange(3.0), "y": np.float32(2.0)}
    cases = {"first": lambda: dict(value), "second": lambda: [np.ones(2)]}
    monkeypatch.setattr(golden, "CASES", cases)
    files = [str(tmp_path / "digests.json"), str(tmp_path / "arrays.npz")]

    def call(option):
        return CliRunner().invoke(golden.main, [option, files[0], "--arrays", files[1]])

    assert call("--write").exit_code == 0
    return value, cases, lambda: call("--compare")


def test_two_runs_of_quick_cases_agree(golden):
    (arrays, first), (_, second) = (golden.run(QUICK, quiet=True) for _ in range(2))
    assert len(arrays) > 30 and not any("error" in found for found in first.values())
    assert golden.differences(second, first) == []


def test_a_last_bit_that_changed_is_reported(golden):
    arrays, digests = golden.run(QUICK, quiet=True)
    name = f"{QUICK[0]}/float64/codes"
    changed = arrays[name].copy()
    changed.flat[0] = np.nextafter(changed.flat[0], 2)
    before = json.loads(json.dumps(digests))
    digests[QUICK[0]]["float64/codes"] = golden.digest(changed)
    lines = golden.differences(digests, before, arrays | {name: changed}, arrays)
    assert len(lines) == 1 and lines[0].startswith(f"{name}: other values, by ")


def test_the_command_compares_with_what_it_wrote(stored):
    _, _, compare = stored
    result = compare()
    assert result.exit_code == 0 and "All outputs are the same." in result.output


def test_the_command_names_other_values_and_types(stored):
    value, _, compare = stored
    value["x"] = value["x"] + [0, 0, 1.0]
    value["y"] = np.float64(2.0)
    result = compare()
    assert result.exit_code == 1
    assert "first/x: other values, by 0.5 of the largest" in result.output
    assert "first/y: float32 () became float64 ()" in result.output
    assert "second" not in result.output.partition("cases,")[2]


def test_the_command_names_cases_that_fail_and_outputs_that_went(stored):
    value, cases, compare = stored
    del value["y"]

    def fail():
        raise ValueError("no more")

    cases["second"] = fail
    result = compare()
    assert result.exit_code == 1
    assert "first/y: gone" in result.output and "ValueError: no more" in result.output
    assert "second/error: new" in result.output


def test_every_public_solver_encoder_term_and_update_has_a_case(golden):
    from sparsecode import encoders, losses, solvers, updates

    text = " ".join(golden.CASES)
    names = [n for package in (encoders, losses, solvers, updates) for n in package.__all__]
    abstract = {"Encoder", "TrainableEncoder", "Loss", "LossContext", "LossResult", "Solver"}
    abstract |= {"SolveResult", "choose_solver", "Term", "Update"}
    made = {"AutoencoderLoss", "LassoLoss", "SupervisedLoss"}
    assert [n for n in names if f"[{n}]" not in text and n not in abstract | made] == []


def test_no_case_is_asked_for(golden, tmp_path):
    result = CliRunner().invoke(golden.main, ["--write", str(tmp_path / "x"), "--only", "nothing"])
    assert result.exit_code == 2 and "no case has 'nothing'" in result.output
