"""Directives that show what the benchmarks found: no figure of theirs is typed by hand.

``.. benchmark:: name`` shows the file ``benchmarks/results/name.json``: circumstances, tables,
notes and pictures. ``.. benchmark-machines::`` lists the machines, versions and commits of all.
"""

from __future__ import annotations

import json
import pathlib
import shlex

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

RESULTS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks" / "results"
_NONE = "Not measured yet: ``python benchmarks/run_all.py`` does it."


class BenchmarkDirective(SphinxDirective):
    """Tables of one benchmark."""

    required_arguments = 1

    def run(self):
        path = RESULTS / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(path))
        if not path.exists():
            return _text(self, _NONE)
        found = json.loads(path.read_text("utf-8"))
        return [*_text(self, circumstances(found)), *(self._show(part) for part in found["parts"])]

    def _show(self, part):
        if "note" in part:
            return nodes.paragraph("", part["note"])
        if "picture" in part:
            return nodes.image(uri=f"../benchmarks/results/{part['picture']}", alt=part["alt"])
        text = "\n".join([part["table"], *(f"   {line}" for line in layout(part))])
        return nodes.literal_block(text, text, language="none")


class BenchmarkMachines(SphinxDirective):
    """Machines, versions and commits, and the benchmarks that ran there."""

    def run(self):
        groups = {}
        for path in sorted(RESULTS.glob("*.json")):
            self.env.note_dependency(str(path))
            found = json.loads(path.read_text("utf-8"))
            versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
            groups.setdefault((found["machine"], versions, found["commit"]), []).append(path.stem)
        if not groups:
            return _text(self, _NONE)
        lines = []
        for (machine, versions, commit), names in groups.items():
            lines += [f"machine     {machine}", f"versions    {versions}", f"commit      {commit}"]
            lines += [f"benchmarks  {', '.join(names)}", ""]
        text = "\n".join(lines[:-1])
        return [nodes.literal_block(text, text, language="none")]


def circumstances(found):
    """A sentence on how, where and when figures were measured."""
    command = shlex.join(["python", f"benchmarks/{found['benchmark']}", *found["arguments"]])
    form = "" if found["form"] == "full" else f", {found['form']} form"
    return (
        f"``{command}``{form}, commit {found['commit']}, {found['machine']}, {found['date']}; load "
        f"{found['load before'].split()[0]} before and {found['load after'].split()[0]} after, "
        f"{found['seconds']:.0f} s."
    )


def layout(table):
    """Lines of a table: texts to the left in the first column, all else to the right."""
    forms = list(table["columns"].values())
    rows = [list(table["columns"])]
    rows += [
        [_cell(*pair) for pair in zip(row["cells"], forms, strict=True)] for row in table["rows"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cell(cell, form):
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else format(cell, form)


def _text(directive, text):
    container = nodes.Element()
    directive.state.nested_parse(StringList([text], source="benchmarks"), 0, container)
    return container.children


def setup(app):
    app.add_directive("benchmark", BenchmarkDirective)
    app.add_directive("benchmark-machines", BenchmarkMachines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
