"""Formulas as MathML, which browsers draw by themselves, without a script or the internet."""

from __future__ import annotations

from docutils.nodes import SkipNode
from math_core import LatexError, LatexToMathML
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number

CONVERTER = LatexToMathML()


def to_mathml(latex, where="", *, display=False):
    """MathML of a formula; LaTeX that the converter does not know ends the build."""
    latex = " ".join(latex.split())
    if display and "&" in latex and r"\begin" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    try:
        return CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise ExtensionError(f"{where}: no MathML for {latex!r}: {error}") from error


def visit_inline(translator, node):
    where = translator.builder.current_docname
    translator.body.append(f'<span class="math">{to_mathml(node.astext(), where)}</span>')
    raise SkipNode


def visit_block(translator, node):
    where = translator.builder.current_docname
    translator.body.append('<div class="math">')
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    for part in node.astext().split("\n\n"):
        if part.strip():
            translator.body.append(to_mathml(part, where, display=True))
    translator.body.append("</div>")
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
