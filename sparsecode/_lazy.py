"""Public names of a package that are loaded when they are first used."""

from __future__ import annotations

import importlib
import sys


def lazy_names(package, homes):
    """Return the functions `__getattr__` and `__dir__` of a package whose names load on first use.

    `homes` has for each module the names that come from it. Names that come from the package
    itself are its submodules.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def __getattr__(name):
        module = sys.modules[package]
        home = home_of.get(name)
        if home is None:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=module)
        if home == package:
            return importlib.import_module(f"{package}.{name}")
        value = getattr(importlib.import_module(home), name)
        # Later uses find the name without this function.
        setattr(module, name, value)
        return value

    def __dir__():
        # What the package imports for itself is no name for users.
        own = {name for name in vars(sys.modules[package]) if name.startswith("_")}
        return sorted(own | home_of.keys())

    return __getattr__, __dir__
