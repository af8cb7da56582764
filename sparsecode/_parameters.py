"""Parameters of estimators and components: plain numbers, and penalties that keep their class."""

from __future__ import annotations

import functools
import inspect
from typing import Any, ClassVar

from sparsecode._doc_pages import page_of
from sparsecode._plain import plain

# Types of values that are no components, and that are compared as they are.
_SIMPLE = {type(None), bool, int, float, str, type}


class Parameterized:
    """Mix-in of the estimators and their components.

    Numbers become plain Python numbers when they are set. Named tuples with methods, such as
    penalties, keep their class however an object is saved: some libraries (skops) restore a named
    tuple as a plain tuple unless `tuple` is its only base class. The state of an object therefore
    holds the class and the fields of such a value, also inside containers, and the value is made
    again when the state is set.
    """

    # Names that scikit-learn reads for the link of the HTML of an estimator.
    _doc_link_module = "sparsecode"
    _doc_link_template = "{page}"

    def _doc_link_url_param_generator(self):
        return {"page": page_of(type(self))}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _parameters_of(type(self)):
            value = plain(value)
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return _replaced(super().__getstate__(), _is_named_tuple, _Fields.of)

    def __setstate__(self, state: Any) -> None:
        state = _replaced(state, _is_fields, _Fields.rebuild)
        parent = super()
        if hasattr(parent, "__setstate__"):
            parent.__setstate__(state)
        else:
            self.__dict__.update(state)


def leaves_of(component):
    """Values of the parameters of a component, and of the components inside of it, as a tuple.

    Two such tuples are equal only if no parameter has changed in between.
    """
    found, waiting = [], [component]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind in _SIMPLE:
            found.append(value)
        elif isinstance(value, Parameterized):
            found.append(kind)
            waiting += [getattr(value, name, None) for name in _parameters_of(kind)]
        elif kind in (list, tuple):
            found.append(len(value))
            waiting += value
        elif isinstance(value, (bool, int, float, str, type)):
            found.append(value)
        else:
            found.append(_Same(value))
    return tuple(found)


class _Same:
    """Reference compared by identity, for arrays, generators, functions and penalties."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is _Same and self.value is other.value

    __hash__: ClassVar[None] = None


@functools.cache
def _parameters_of(cls):
    return frozenset(inspect.signature(cls).parameters)


class _Fields:
    """The class of a named tuple and its fields."""

    def __init__(self, cls, values):
        self.cls = cls
        self.values = values

    @classmethod
    def of(cls, value):
        return cls(type(value), tuple(value))

    def rebuild(self):
        return self.cls(*self.values)

    def __reduce__(self):
        return _Fields, (self.cls, self.values)


def _is_named_tuple(value):
    cls = type(value)
    return isinstance(value, tuple) and hasattr(cls, "_fields") and cls.__bases__ != (tuple,)


def _is_fields(value):
    return type(value) is _Fields


def _replaced(value, is_changed, change):
    """Return the value with `change` applied to parts where `is_changed`, also in containers."""
    if is_changed(value):
        return change(value)
    if type(value) is dict:
        return {key: _replaced(item, is_changed, change) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, is_changed, change) for item in value)
    return value
