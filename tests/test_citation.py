"""The citation file names the version of the package."""

import pathlib
import re

import sparsecode


def test_version_of_the_citation():
    text = (pathlib.Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^version: (.+)$", text) == [sparsecode.__version__]
