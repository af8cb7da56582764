"""Single changes of a source that a test should notice, made on its syntax tree.

Each changes one thing: a comparison, a sign, a factor, a number, ``and`` or ``or``, ``min`` or
``max``, a negation, the end of a slice or of a range, or an augmented assignment, which is dropped.
Annotations, docstrings, error messages, decorators and checks of types are left alone.
"""

from __future__ import annotations

import ast
import contextlib
import re
from itertools import accumulate
from typing import NamedTuple

COMPARISONS = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.Pow: ("**", "*"),
    ast.Mod: ("%", "//"),
    ast.FloorDiv: ("//", "*"),
}
BOOLEAN = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
NEGATIONS = {ast.USub: "-", ast.Not: "not", ast.Invert: "~"}
EXTREMES = {"min": "max", "minimum": "maximum", "fmin": "fmax", "argmin": "argmax"}
EXTREMES |= {new: old for old, new in EXTREMES.items()}
MESSAGES = ("wrong", "warn", "click.echo")
# Options that check, save memory or print, and change no result.
INERT = ("strict", "check_finite", "overwrite_a", "overwrite_b", "repr", "stacklevel")


class Edit(NamedTuple):
    """Text to put in the place of some bytes of a source."""

    start: int
    end: int
    text: str


class Mutant(NamedTuple):
    """A changed source of one file, and the line before and after."""

    file: str
    line: int
    old: str
    new: str
    source: bytes

    @property
    def name(self):
        """Name in the list of equivalent mutants."""
        return f"{self.file}: {self.old} -> {self.new}"

    def __str__(self):
        return f"{self.file}:{self.line}: {self.old} -> {self.new}"


def mutants_of(source, file):
    """All mutants of a source, given as bytes."""
    lines = source.splitlines(keepends=True)
    found = {}
    for edit in Edits(lines).of(ast.parse(source)):
        changed = source[: edit.start] + edit.text.encode() + source[edit.end :]
        start = source.rfind(b"\n", 0, edit.start) + 1
        after = source[edit.end :].split(b"\n", 1)[0]
        old = source[start : edit.end] + after
        new = source[start : edit.start] + edit.text.encode() + after
        with contextlib.suppress(SyntaxError):
            compile(changed, file, "exec")
            texts = (" ".join(text.decode().split()) for text in (old, new))
            found[changed] = Mutant(file, source.count(b"\n", 0, start) + 1, *texts, changed)
    return list(found.values())


class Edits:
    """Single changes of a source, of one node of its syntax tree and of those below."""

    def __init__(self, lines):
        self.source = b"".join(lines)
        self.starts = list(accumulate(map(len, lines), initial=0))

    def of(self, node):
        """Changes of a node and of all below it that is not a message or an annotation."""
        yield from getattr(self, type(node).__name__, lambda node: ())(node)
        for child in ast.iter_child_nodes(node):
            if not _is_left_alone(child, node):
                yield from self.of(child)

    def Compare(self, node):
        before = node.left
        for operator, after in zip(node.ops, node.comparators, strict=True):
            old, others = COMPARISONS[type(operator)]
            for new in others:
                yield self._between(before, after, old, new)
            before = after

    def BinOp(self, node):
        if type(node.op) in ARITHMETIC:
            yield self._between(node.left, node.right, *ARITHMETIC[type(node.op)])

    def BoolOp(self, node):
        for before, after in zip(node.values, node.values[1:], strict=False):
            yield self._between(before, after, *BOOLEAN[type(node.op)])

    def UnaryOp(self, node):
        if type(node.op) in NEGATIONS:
            start = self._start(node)
            yield Edit(start, start + len(NEGATIONS[type(node.op)]), "")

    def Constant(self, node):
        if isinstance(node.value, bool):
            values = [not node.value]
        elif isinstance(node.value, int | float):
            values = [2 * node.value, 1 if node.value == 0 else 0]
        else:
            return
        for value in values:
            if value != node.value:
                yield Edit(self._start(node), self._end(node), repr(value))

    def Name(self, node):
        if node.id in EXTREMES and isinstance(node.ctx, ast.Load):
            yield Edit(self._start(node), self._end(node), EXTREMES[node.id])

    def Attribute(self, node):
        if node.attr in EXTREMES:
            yield Edit(self._end(node) - len(node.attr), self._end(node), EXTREMES[node.attr])

    def Slice(self, node):
        yield self._moved(node.lower, " + 1") if node.lower else self._inserted(node, "1")
        if node.upper:
            yield self._moved(node.upper, " - 1")

    def Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id == "range" and node.args:
            yield self._moved(node.args[1 if len(node.args) > 1 else 0], " - 1")
            yield (
                self._moved(node.args[0], " + 1")
                if len(node.args) > 1
                else self._inserted(node.args[0], "1, ")
            )

    def AugAssign(self, node):
        yield Edit(self._start(node), self._end(node), "pass")
        if type(node.op) in ARITHMETIC:
            old, new = (f"{text}=" for text in ARITHMETIC[type(node.op)])
            yield self._between(node.target, node.value, old, new)

    def _between(self, before, after, old, new):
        """Replace an operator between two operands, among brackets, white space and comments."""
        pattern = rb"\s+".join(re.escape(word) for word in old.encode().split())
        start = self._end(before)
        gap = self.source[start : self._start(after)]
        gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment.group()), gap)
        match = re.search(pattern, gap)
        return Edit(start + match.start(), start + match.end(), new)

    def _moved(self, node, step):
        return Edit(self._end(node), self._end(node), step)

    def _inserted(self, node, text):
        return Edit(self._start(node), self._start(node), text)

    def _start(self, node):
        return self.starts[node.lineno - 1] + node.col_offset

    def _end(self, node):
        return self.starts[node.end_lineno - 1] + node.end_col_offset


def _is_left_alone(node, parent):
    """Whether nothing is changed in a node: messages, annotations, checks of types, decorators."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Assert):
        return True
    if isinstance(node, ast.Call) and ast.unparse(node.func).split("warnings.")[-1] in MESSAGES:
        return True
    if node in getattr(parent, "decorator_list", ()):
        return True
    if isinstance(node, ast.keyword) and node.arg in INERT:
        return True
    if isinstance(parent, ast.If) and node is parent.test and isinstance(parent.body[0], ast.Raise):
        return "isinstance" in ast.unparse(node)
    return any(getattr(parent, name, None) is node for name in ("annotation", "returns"))
