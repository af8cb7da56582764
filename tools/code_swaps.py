"""Functions of a running process that get the code of a changed source.

The code objects of the old and the new source are compared one by one. A function that is alive
with an old one gets the new one, wherever it is: a method, a property, a closure, or what a
decorator wraps. Defaults of parameters are computed anew. Whatever else an import runs, such as
constants of a module and bodies of classes, has left its results elsewhere and cannot be swapped.
"""

from __future__ import annotations

import ast
import gc
import inspect
from collections import defaultdict
from types import CodeType, FunctionType

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class CannotSwapError(Exception):
    """The change is in something that an import runs once."""


def functions_of(path):
    """Living functions of a source file, by their code."""
    found = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename == path:
            found[thing.__code__].append(thing)
    return found


def swap(functions, old, new, path):
    """Give functions from `functions_of` what the source `new` has in the place of `old`."""
    defaults = changed_defaults(old, new)
    # Not with the future statements of this file.
    codes = (compile(text, path, "exec", dont_inherit=True) for text in (old, new))
    pairs = list(_pairs(*codes))
    if not defaults and any(_is_run_once(*pair) for pair in pairs):
        raise CannotSwapError("a module or the body of a class")
    found = [(f, after) for before, after in pairs if before != after for f in functions[before]]
    if not found and not defaults:
        raise CannotSwapError("a function that is no longer alive")
    for function, code in found:
        _swap_one(function, code)
    for code, alike in functions.items():
        for function in alike if (code.co_name, code.co_firstlineno) in defaults else ():
            _set_defaults(function, *defaults[code.co_name, code.co_firstlineno])


def changed_defaults(old, new):
    """Nodes of the defaults that changed, by the name and first line of their function."""
    pairs = zip(_definitions(old), _definitions(new), strict=True)
    return {
        _place(before): (after.args.defaults, after.args.kwonlyargs, after.args.kw_defaults)
        for before, after in pairs
        if _defaults(before) != _defaults(after)
    }


def _place(node):
    """Name and first line of the code of a function."""
    return node.name, min(line.lineno for line in (node, *node.decorator_list))


def _definitions(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]


def _defaults(node):
    both = [*node.args.defaults, *node.args.kw_defaults]
    return [value and ast.dump(value) for value in both]


def _set_defaults(function, positional, names, keyword_only):
    function.__defaults__ = tuple(_value(node, function) for node in positional) or None
    pairs = zip(names, keyword_only, strict=True)
    named = {name.arg: _value(node, function) for name, node in pairs if node is not None}
    function.__kwdefaults__ = named or None


def _value(node, function):
    code = compile(ast.Expression(node), function.__code__.co_filename, "eval", dont_inherit=True)
    try:
        return eval(code, function.__globals__)
    except NameError as error:
        raise CannotSwapError(str(error)) from error


def _swap_one(function, code):
    if len(function.__code__.co_freevars) != len(code.co_freevars):
        raise CannotSwapError(code.co_qualname)
    function.__code__ = code


def _pairs(old, new):
    """A code object of either source and those inside, in their order."""
    yield old, new
    for before, after in zip(_inside(old), _inside(new), strict=True):
        yield from _pairs(before, after)


def _inside(code):
    return [value for value in code.co_consts if isinstance(value, CodeType)]


def _is_run_once(before, after):
    """Whether the change is in the code of a module or of the body of a class."""
    return not before.co_flags & inspect.CO_OPTIMIZED and _own(before) != _own(after)


def _own(code):
    """Code without that of what is inside, and without lines."""
    values = tuple(value for value in code.co_consts if not isinstance(value, CodeType))
    return code.replace(co_consts=values, co_linetable=b"", co_firstlineno=1)
