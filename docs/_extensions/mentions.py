"""Directive that lists the pages of the guide and the notebooks that use a public name.

``.. mentions:: sparsecode.penalties.L1`` shows nothing where there is no such page.
"""

from __future__ import annotations

import functools
import importlib
import json
import pathlib
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

DOCS = pathlib.Path(__file__).resolve().parents[1]
PAGES = [
    *sorted((DOCS / "guide").glob("*.rst")),
    *(DOCS / f"{n}.rst" for n in ("conventions", "math", "extending")),
]
NOTEBOOKS = sorted((DOCS.parent / "notebooks").glob("*.ipynb"))
# Names in roles, and names that code imports.
REFERENCE = re.compile(r"`(?:[^`<]*<)?~?(sparsecode(?:\.\w+)+)(?:\(\))?>?`")
IMPORT = re.compile(r"from (sparsecode[\w.]*) import (\([^)]*\)|[^\n]+)")


class Mentions(SphinxDirective):
    """Links to the pages that mention a name."""

    required_arguments = 1

    def run(self):
        pages = pages_of().get(id(found(self.arguments[0])), [])
        if not pages:
            return []
        lines = [".. rubric:: In the guide", "", *(f"* :doc:`/{page}`" for page in pages)]
        parent = nodes.Element()
        self.state.nested_parse(StringList(lines, source="mentions"), 0, parent)
        return parent.children


@functools.cache
def pages_of():
    """Pages that mention an object, by its identity."""
    texts = {
        f"guide/{p.stem}" if p.parent.name == "guide" else p.stem: p.read_text() for p in PAGES
    }
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        texts[f"notebooks/{path.stem}"] = "\n".join("".join(cell["source"]) for cell in cells)
    pages = {}
    for page, text in texts.items():
        for value in {id(value): value for value in mentioned(text)}.values():
            pages.setdefault(id(value), []).append(page)
    return pages


def mentioned(text):
    """Public objects that a text names or imports."""
    code = re.sub(r"(?m)^(>>> |\.\.\. )", "", text)
    names = REFERENCE.findall(text)
    for module, imported in IMPORT.findall(code):
        parts = re.sub(r"#.*", "", imported).strip("() \n").split(",")
        names += [f"{module}.{part.split(' as ')[0].strip()}" for part in parts if part.strip()]
    values = (found(name) for name in names)
    return [value for value in values if value is not None]


@functools.cache
def found(name):
    """The class or function of a dotted name; None if there is none, or it is a method."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None


def setup(app):
    app.add_directive("mentions", Mentions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
