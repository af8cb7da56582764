"""Values that a parameter may be given by mistake, and what a call does with each."""

import copy
import re
from fractions import Fraction

import numpy as np

WRONG = {
    "None": None,
    "-1": -1,
    "0": 0,
    "1e308": 1e308,
    "-1e308": -1e308,
    "text": "abc",
    "bytes": b"x",
    "list": [],
    "dict": {},
    "True": True,
    "nan": np.nan,
    "inf": np.inf,
    "2**70": 2**70,
    "third": Fraction(1, 3),
    "complex": 1j,
    "object": object(),
    "array": np.array([1, 2]),
}
_HUGE = ("1e308", "-1e308", "2**70")
_SKLEARN = "sklearn.utils._param_validation"
# What no number is, and what neither True nor False is.
_NO_NUMBER = ("text", "bytes", "list", "dict", "nan", "complex", "object")
_NO_FLAG = (*_NO_NUMBER, "1e308", "None", "array")


def judge(call, parameter, label):
    """None if a wrong value is used or refused by its name, else what is wrong, in words."""
    value = copy.deepcopy(WRONG[label])
    try:
        with np.errstate(all="ignore"):
            call.run(**(call.arguments | {parameter: value}))
    except (ValueError, TypeError) as error:
        foreign = type(error).__module__ not in ("builtins", _SKLEARN)
        if foreign:
            return f"{type(error).__name__}: {error}"
        if re.search(rf"\b{parameter}\b", str(error)):
            return None
        return f"{type(error).__name__} without the name: {error}"
    except FloatingPointError as error:
        # Training by such a number diverged, and says so.
        known = label in _HUGE and "diverged" in str(error)
        return None if known else f"{type(error).__name__}: {error}"
    except OSError as error:
        known = isinstance(value, str) and value in str(error)
        return None if known else f"{type(error).__name__}: {error}"
    except AssertionError as error:
        known = call.name.startswith("testing.")
        return None if known else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if label in ("list", "dict") and value:
        return "written to"
    default = call.parameters[parameter]
    if isinstance(default, bool) and label in _NO_FLAG:
        return "accepted for True or False"
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    if is_number and label in _NO_NUMBER:
        return "accepted for a number"
    return None
