"""Counts of calls in tools/trace_calls.py: on steps that are known, and on a real training step."""

from pathlib import Path

import numpy as np
import pytest

from sparsecode import SparseAutoencoder
from sparsecode.penalties import L1

FOLDER = Path(__file__).parent.parent / "tools"


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import trace_calls

    return trace_calls


def test_hops_are_calls_from_one_file_to_another(tool):
    calls = [("a.py", "f", 0), ("b.py", "g", 1), ("_help.py", "check", 2), ("c.py", "h", 3)]
    calls += [("b.py", "k", 2), ("a.py", "m", 1), ("b.py", "g", 1), ("a.py", "f", 0)]
    steps = [tool.Step(*call) for call in calls]
    assert tool.counts_of(steps) == (3, 3, 5)
    assert tool.counts_of(steps, helpers=True) == (4, 4, 6)


def test_only_calls_inside_the_package_are_traced(tool):
    penalty = L1(0.5)
    steps = tool.trace(lambda: [penalty.scaled(2.0), np.median([1.0])])
    assert steps[0] == ("penalties/base.py", "Penalty.scaled", 0)
    assert steps[1].depth == 1
    assert tool.trace(lambda: np.median([1.0])) == []


def test_a_training_step_passes_through_its_estimator_first(tool):
    X = tool.samples(32)
    model = SparseAutoencoder(8, alpha=0.1, random_state=0).partial_fit(X)
    steps = tool.trace(lambda: model.partial_fit(X))
    files = {step.file for step in steps}
    assert steps[0].file.startswith("estimators/") and steps[0].depth == 0
    assert {"training/trainer.py", "losses/autoencoder.py", "dictionary.py"} <= files
    assert min(step.depth for step in steps[1:]) > 0


def test_pieces_of_a_fit_are_counted(tool):
    """Each is made once, however many epochs there are."""
    once = {"encoder": 1, "loss": 1, "penalty": 1}
    assert tool.resolutions(n_epochs=1) == tool.resolutions(n_epochs=2) == once


def maps(name):
    """Calls of a map in docs/maintaining.rst, by the heading above it."""
    page = (FOLDER.parent / "docs" / "maintaining.rst").read_text()
    lines = page.partition(f"{name}\n---")[2].partition(".. code-block:: text\n\n")[2]
    return [line.split()[:2] for line in lines.partition("\n\n")[0].splitlines()]


@pytest.mark.parametrize(
    "heading, name",
    [
        ("A training step", "SparseAutoencoder.partial_fit"),
        ("A transform", "SparseCoder.transform"),
    ],
)
def test_the_maps_of_the_documentation_are_true(tool, heading, name):
    steps = iter([[step.file, step.function] for step in tool.trace(tool.calls()[name])])
    listed = maps(heading)
    assert len(listed) >= 6
    # Each is called after the one before it.
    assert [call for call in listed if call not in steps] == []
