"""The notebooks run without a warning, are stored without outputs, and stand in the docs."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

from sparsecode._compile_notice import TEXT as COMPILING

NOTEBOOKS = sorted((pathlib.Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

# In full they train as long as their readers do; otherwise a quarter of it.
IN_FULL = os.environ.get("NOTEBOOKS_IN_FULL", "0") != "0"

nbformat = pytest.importorskip("nbformat", reason="needs nbformat: pip install sparsecode[test]")

pytestmark = [
    pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem),
    # Jupyter's own warnings are not ours; those of the notebook end up in its outputs.
    pytest.mark.filterwarnings("default"),
]


def test_notebook_is_clean(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_notebook_is_listed(path):
    pages = path.parents[1] / "docs" / "notebooks.rst"
    listed = f":download:`{path.stem} <../notebooks/{path.name}>`"
    assert listed in pages.read_text(encoding="utf-8")


def _quarter(number):
    return str(-(-int(number.group()) // 4))


@pytest.mark.skipif(
    "NOTEBOOKS_HAVE_RUN" in os.environ, reason="NOTEBOOKS_HAVE_RUN: an earlier step has run them"
)
@pytest.mark.needs_jit("a notebook takes minutes without compiled kernels")
def test_notebook_runs(path, tmp_path):
    nbclient = pytest.importorskip(
        "nbclient", reason="needs nbclient: pip install sparsecode[test]"
    )
    pytest.importorskip("ipykernel", reason="needs ipykernel: pip install sparsecode[test]")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and not IN_FULL:
            cell.source = re.sub(r"(?<=\bn_epochs=)\d+", _quarter, cell.source)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    # Without MPLBACKEND the kernel draws into its outputs, as it does for a reader.
    client.execute(env={k: v for k, v in os.environ.items() if k != "MPLBACKEND"})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    # Where no kernel is on disk yet, a line says what the reader waits for.
    assert [text for text in said if text.strip() != COMPILING] == [], "the notebook warns"
    assert any("image/png" in output.get("data", {}) for output in outputs)
