"""Values that a parameter may be given by mistake, and what a call does with each."""

import copy
import re
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from scipy import sparse

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
_TIMES = ("seconds", "microseconds")
_HUGE = ("1e308", "-1e308", "2**70")
_SKLEARN = "sklearn.utils._param_validation"
# What no number is, and what neither True nor False is.
_NO_NUMBER = ("text", "bytes", "list", "dict", "nan", "complex", "object")
_NO_FLAG = (*_NO_NUMBER, "1e308", "None", "array")


def fresh(label):
    """A wrong value, a new one each time."""
    return copy.deepcopy(WRONG[label])


def judge(call, parameter, label):
    """None if a wrong value is used or refused by its name, else what is wrong, in words."""
    value = fresh(label)
    try:
        with np.errstate(all="ignore"):
            call.run(**(call.arguments | {parameter: value}))
    except (ValueError, TypeError) as error:
        home = type(error).__module__
        if home not in ("builtins", _SKLEARN) and not home.startswith("sparsecode"):
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


KINDS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
KINDS += [np.float16, np.float32, np.float64, np.longdouble, Fraction]


def numbers_of(value):
    """Numbers to give instead of `value`, if it is one: small, and short in binary digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return []
    if isinstance(value, int):
        return [min(value, 100)]
    short = float(np.float16(value))
    return [short if short != 0 or value == 0 else float(np.float32(value))]


def as_type(number, kind):
    """The number as one of `KINDS`, or None where that would be another number."""
    if kind is Fraction:
        return Fraction(number) if isinstance(number, float) and np.isfinite(number) else None
    is_whole = isinstance(number, int)
    is_integer = issubclass(kind, np.integer)
    if is_integer and not (float(number).is_integer() and _fits(number, kind)):
        return None
    if is_whole and not is_integer:
        return None
    given = kind(number)
    return given if given == number else None


def _fits(number, kind):
    limits = np.iinfo(kind)
    return limits.min <= number <= limits.max


def frozen(result):
    """A value that is equal for results that are the same bit for bit, but for measured times."""
    if isinstance(result, np.ndarray):
        return str(result.dtype), result.shape, result.tobytes()
    if sparse.issparse(result):
        return frozen(result.toarray())
    if isinstance(result, dict):
        # What is kept for later calls, such as the same atoms in another precision, is no result.
        kept = {key for key in result if key in _TIMES or str(key).startswith("_")}
        return tuple((key, frozen(v)) for key, v in result.items() if key not in kept)
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return type(result).__name__, frozen(result._asdict())
    if isinstance(result, (list, tuple)):
        return tuple(frozen(entry) for entry in result)
    if isinstance(result, Axes):
        return "axes"
    if type(result).__module__.startswith("sparsecode"):
        return type(result).__name__, frozen(vars(result))
    if isinstance(result, (int, float)) and not isinstance(result, bool):
        # A parameter that was given as another type: 1 or 1.0. In words NaN is NaN.
        return repr(float(result))
    return repr(result)
