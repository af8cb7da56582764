"""Defaults that docstrings name are those of the signatures."""

import inspect
import re

import parameter_calls

ENTRY = re.compile(r"^(\w[\w, ]*) : .*\bdefault=(.*)$", re.MULTILINE)


def differences(function):
    """Parameters whose docstring names another default, if that is a number, a text or None."""
    parameters = inspect.signature(function).parameters
    found = []
    for names, text in ENTRY.findall(inspect.getdoc(function)):
        names, texts = names.split(", "), text.split(" and ")
        texts = texts if len(texts) == len(names) else [text] * len(names)
        for name, said in zip(names, texts, strict=True):
            try:
                documented = eval(said, {"__builtins__": {}})
            except NameError:
                continue
            if parameters[name].default != documented:
                found.append((name, said, parameters[name].default))
    return found


def test_defaults_are_the_documented_ones():
    public = parameter_calls.public()
    wrong = {name: differences(value) for name, value in public.items() if callable(value)}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_methods_have_the_defaults_of_the_base_and_of_their_docstrings():
    wrong = {}
    for name, cls in parameter_calls.public().items():
        for method, function in vars(cls).items() if inspect.isclass(cls) else ():
            if inspect.isfunction(function) and not method.startswith("_"):
                found = differences(function) if function.__doc__ else overridden(cls, method)
                wrong |= {f"{name}.{method}": found} if found else {}
    assert wrong == {}


def overridden(cls, method):
    """Parameters of a method with another default than in a base class of the package."""
    own = inspect.signature(getattr(cls, method)).parameters
    found = []
    for base in cls.__mro__[1:]:
        if base.__module__.startswith("sparsecode") and method in vars(base):
            theirs = inspect.signature(getattr(base, method)).parameters
            both = own.keys() & theirs.keys()
            found += [(name, own[name].default, theirs[name].default) for name in both]
    return [entry for entry in found if entry[1] != entry[2]]


def test_a_wrong_default_is_found():
    def function(rate=0.5, least=1, most=2.0, name=None, penalty=len):
        """Function of defaults that are right, but for two.

        rate : float, default=0.25
            Share.
        least, most : float, default=1.0 and 2.0
        name : str or None, default="a"
        penalty : Penalty, default=L1
        """

    assert differences(function) == [("rate", "0.25", 0.5), ("name", '"a"', None)]
