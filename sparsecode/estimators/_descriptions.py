"""Descriptions of parameters as JSON: numbers, names, tuples, and components of this package.

A component is described by its public name and its settings, such as ``{"name": "penalties.L1",
"values": {"alpha": 0.1, ...}}``, and a class by ``{"class": "penalties.L1"}``. Only the classes
that the packages below offer are made again, so that a file executes nothing.
"""

from __future__ import annotations

import inspect

import numpy as np

from sparsecode import (
    constraints,
    data_terms,
    encoders,
    losses,
    optimizers,
    penalties,
    prediction,
    replacement,
    schedules,
    solvers,
    training,
    updates,
)
from sparsecode._array_files import part
from sparsecode._messages import shown
from sparsecode._plain import plain
from sparsecode._reading.refusal import Refused, listed
from sparsecode.penalties import Penalty

_BASES = (
    constraints.Constraint,
    data_terms.DataTerm,
    encoders.Encoder,
    encoders.TrainableEncoder,
    losses.Loss,
    losses.Term,
    optimizers.Optimizer,
    penalties.Penalty,
    prediction.PredictionLoss,
    solvers.Solver,
    updates.Update,
)
# Packages of the components that a setting of this name can be; any other can be a schedule.
_PACKAGES = {
    "constraint": ("constraints",),
    "corrupt": ("training",),
    "data_term": ("data_terms",),
    "encoder": ("encoders",),
    "gain_control": ("updates",),
    "loss": ("losses", "prediction"),
    "norm": ("constraints",),
    "optimizer": ("optimizers",),
    "outliers": ("training",),
    "penalty": ("penalties",),
    "replacement": ("replacement",),
    "solver": ("solvers",),
    "stages": ("training",),
    "term": ("losses", "penalties"),
    "terms": ("losses", "penalties"),
    "update": ("updates",),
}
_SCHEDULES = ("schedules",)
# Settings that may be arrays to start from, of which only names are described.
_STARTS = ("dict_init", "dictionary", "init", "offset")
# How deep components and lists are in each other at most.
_DEEPEST = 10


def _offered(module):
    """Classes of a package that can be made of settings alone, by qualified name."""
    package = module.__name__.rpartition(".")[2]
    for name in getattr(module, "__all__", vars(module)):
        cls = getattr(module, name)
        if not isinstance(cls, type) or not cls.__module__.startswith(module.__name__):
            continue
        if cls in _BASES or (issubclass(cls, tuple) and not issubclass(cls, Penalty)):
            continue
        defaults = [p.default for p in inspect.signature(cls).parameters.values()]
        if inspect.Parameter.empty not in defaults:
            yield f"{package}.{name}", cls


_CLASSES = {
    name: cls
    for module in (
        constraints,
        data_terms,
        encoders,
        losses,
        optimizers,
        penalties,
        prediction,
        replacement,
        schedules,
        solvers,
        training,
        updates,
    )
    for name, cls in _offered(module)
}
_NAMES = {cls: name for name, cls in _CLASSES.items()}


def describe_settings(estimator):
    """Describe the parameters of an estimator.

    Returns
    -------
    settings : dict of str to object
        What JSON can hold.
    left_out : list of str
        Names of the parameters that cannot be described: arrays to start from, functions,
        generators, and objects that are not of this package.
    """
    settings, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            settings[name] = describe(value, name)
        except TypeError:
            left_out.append(name)
    return settings, left_out


def describe(value, name):
    """Describe a value of the parameter `name`; raises TypeError if that is not possible."""
    value = plain(value)
    if name in _STARTS and not (value is None or isinstance(value, str)):
        raise _not_described(value, name)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) is list:
        return [describe(item, name) for item in value]
    if type(value) is tuple:
        return {"tuple": [describe(item, name) for item in value]}
    is_class = isinstance(value, type)
    found = _NAMES.get(value if is_class else type(value))
    if found is None or found.partition(".")[0] not in _PACKAGES.get(name, _SCHEDULES):
        raise _not_described(value, name)
    if is_class:
        return {"class": found}
    settings = {key: getattr(value, key) for key in _settings_of(type(value))}
    if isinstance(value, Penalty):
        settings = {key: _as_list(item) for key, item in settings.items()}
    return {"name": found, "values": {key: describe(v, key) for key, v in settings.items()}}


def rebuild(description, name, depth=0):
    """Return the value of the parameter `name` that `describe` described.

    Raises
    ------
    Refused
        If it is no such description, or names a class that such a parameter cannot be.
    TypeError, ValueError
        If a component refuses its settings.
    """
    if depth > _DEEPEST:
        raise Refused(f"its setting {name} is nested too deeply")
    if isinstance(description, list):
        return [rebuild(item, name, depth + 1) for item in description]
    if not isinstance(description, dict):
        return description
    if description.keys() == {"tuple"}:
        items = description["tuple"]
        if not isinstance(items, list):
            raise Refused(f"its setting {name} is {str(items)[:80]} where a tuple is expected")
        return tuple(rebuild(item, name, depth + 1) for item in items)
    if description.keys() == {"class"}:
        return _class_named(description["class"], name)
    cls = _class_named(part(description, "name"), name)
    values = part(description, "values")
    if unknown := set(description) - {"name", "values"}:
        raise Refused(f"its setting {name} has the unknown entries {listed(unknown)}")
    if not isinstance(values, dict):
        raise Refused(f"the settings of its {name} are {str(values)[:80]}")
    known = _settings_of(cls)
    if unknown := set(values) - set(known):
        raise Refused(f"it has the settings {listed(unknown)}, which {cls.__name__} does not have")
    for key, value in values.items():
        if isinstance(value, str) and not (known[key] is None or isinstance(known[key], str)):
            raise Refused(
                f"its {cls.__name__} holds {value[:80]!r} where the number {key} is expected"
            )
    made = cls(**{key: rebuild(value, key, depth + 1) for key, value in values.items()})
    return made.checked() if isinstance(made, Penalty) else made


def _settings_of(cls):
    """Names and defaults of the settings of a class; arrays of an encoder are none."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.name != "params"}


def _class_named(found, name):
    packages = _PACKAGES.get(name, _SCHEDULES)
    possible = [key for key in _CLASSES if key.partition(".")[0] in packages]
    if not isinstance(found, str) or found not in possible:
        raise Refused(
            f"its setting {name} names the class {str(found)[:80]!r}; expected one of "
            f"{listed(possible)}"
        )
    return _CLASSES[found]


def _as_list(value):
    return value.tolist() if isinstance(value, np.ndarray) else value


def _not_described(value, name):
    return TypeError(
        f"the setting {name}={shown(value)} cannot be saved; expected numbers or names."
    )
