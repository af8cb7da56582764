"""Directives whose content comes from the project itself, so that it cannot go stale.

``.. penalty-table::`` lists the kinds of the penalties, and the default solver of each.
``.. solver-table::`` lists which solver handles which penalty, as the solvers themselves say.
``.. command-help:: name`` shows what ``sparsecode name --help`` prints.
``.. changelog:: path`` includes the change log, which is written in a little Markdown.
"""

from __future__ import annotations

import pathlib
import re

from click.testing import CliRunner
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from sparsecode import penalties, solvers
from sparsecode.cli import main


class _FromText(SphinxDirective):
    def parse(self, lines, source):
        container = nodes.Element()
        nested_parse_with_titles(self.state, StringList(lines, source=source), container)
        return container.children


class _Table(_FromText):
    def run(self):
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in self.rows():
            lines += [f"   {'-' if i else '* -':>3} {cell}" for i, cell in enumerate(row)]
        return self.parse(lines, self.name)


class PenaltyTable(_Table):
    """A row for each penalty at its default parameters: what it is, and its default solver."""

    def rows(self):
        kinds = ["weighted", "convex", "separable", "smooth"]
        yield ["penalty", *kinds, "default solver"]
        for name, penalty in _subclasses(penalties, penalties.Penalty).items():
            chosen = type(solvers.choose_solver(penalty())).__name__
            marks = [_yes(getattr(penalty, kind)) for kind in kinds]
            yield [_link("penalties", name), *marks, _link("solvers", chosen)]


class SolverTable(_Table):
    """A row for each solver, a column for each penalty, both at their default parameters."""

    def rows(self):
        columns = _subclasses(penalties, penalties.Penalty)
        yield ["solver", *(_link("penalties", name) for name in columns)]
        for name, solver in _subclasses(solvers, solvers.Solver).items():
            marks = [_mark(solver(), penalty()) for penalty in columns.values()]
            yield [_link("solvers", name), *marks]


class CommandHelp(_FromText):
    """The help text of a command, as it is printed."""

    required_arguments = 1

    def run(self):
        result = CliRunner().invoke(
            main, [*self.arguments[0].split(), "--help"], prog_name="sparsecode"
        )
        if result.exit_code != 0:
            raise self.error(f"sparsecode {self.arguments[0]} --help failed: {result.output}")
        return [nodes.literal_block(result.output, result.output, language="none")]


class ChangeLog(_FromText):
    """The headings and literals of Markdown, turned into those of reStructuredText."""

    required_arguments = 1

    def run(self):
        path = pathlib.Path(self.env.srcdir, self.arguments[0])
        self.env.note_dependency(str(path))
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            heading = re.fullmatch(r"##(#?) (.*)", line)
            if heading:
                lines += [heading[2], ("~" if heading[1] else "-") * len(heading[2])]
            elif not line.startswith("# "):
                lines.append(re.sub(r"`([^`]+)`", r"``\1``", line))
        return self.parse(lines, str(path))


def _subclasses(module, base):
    """Public classes of a module that are kinds of `base`, by name."""
    public = {name: getattr(module, name) for name in module.__all__}
    return {
        name: thing
        for name, thing in public.items()
        if isinstance(thing, type) and issubclass(thing, base) and thing is not base
    }


def _mark(solver, penalty):
    try:
        solver.check_penalty(penalty)
    except TypeError:
        return _yes(False)
    chosen = type(solvers.choose_solver(penalty)) is type(solver)
    return "**default**" if chosen else _yes(True)


def _link(module, name):
    return f"`~sparsecode.{module}.{name}`"


def _yes(flag):
    return "yes" if flag else "–"


def setup(app):
    app.add_directive("penalty-table", PenaltyTable)
    app.add_directive("solver-table", SolverTable)
    app.add_directive("command-help", CommandHelp)
    app.add_directive("changelog", ChangeLog)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
