"""Give every public name random parameters and containers, and see that it copes or says why not.

Each call is the smallest one of a public class or function (see ``tests/parameter_calls.py``) with
one or two parameters changed: numbers of every type and size, values of other kinds, and for arrays
lists, tuples, object arrays, masked arrays, memory maps, sparse formats, data frames, read-only and
strided views, other byte orders and types. Counted are errors that are not worded by this package
with the name of a parameter, calls of more than 20 seconds or 1 GiB, inputs that are written to,
and claims of convergence that `certify` contradicts.

Run ``python tools/fuzz_parameters.py --n 100000``. The exit code is 1 if anything was counted. What
call number 17 is, ``--only 17`` shows.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import click
import matplotlib.pyplot as plt
import numpy as np
import parameter_calls
import parameter_values
from scipy import sparse

from sparsecode import certify
from sparsecode.penalties import L1
from sparsecode.solvers import Solver

MOST_SECONDS, MOST_COMPILING = 20, 300
MOST_BYTES = 2**30
_SPARSE = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
_DTYPES = ("f2", "f4", "f8", ">f4", ">f8", "g", "i1", "u1", "i2", "i4", "i8", "u8", "?", "c16", "O")
# Largest multiple of `tol` by which rounding may move the gap of what is judged again.
_SLACK = 2


class TooLong(BaseException):
    """A call that takes more than `MOST_SECONDS`."""


def random_value(rng):
    """A value of any kind for a parameter, and its name."""
    if rng.random() < 0.5:
        label = rng.choice(sorted(parameter_values.WRONG))
        return parameter_values.fresh(label), label
    number = rng.choice([rng.uniform(-2, 2), rng.randint(-3, 300), 10.0 ** rng.randint(-320, 308)])
    kinds = [*parameter_values.KINDS, int, float, np.array, Fraction]
    kind = rng.choice(kinds)
    try:
        with np.errstate(all="ignore"):
            value = kind(number)
    except (ValueError, OverflowError):
        value = number
    return value, repr(value)


def contained(rng, array, folder):
    """The same numbers in another container, and what that is called."""
    name = rng.choice([*_CONTAINERS, *_SPARSE, *_DTYPES])
    if name in _SPARSE and (array.ndim > 2 or array.dtype.kind not in "fiub"):
        name = "list"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in _CONTAINERS:
            return _CONTAINERS[name](array, folder), name
        if name in _SPARSE:
            return sparse.csr_array(np.atleast_2d(array)).asformat(name), name
        return array.astype(name), name


def _mapped(array, folder):
    path = folder / "mapped.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def _frame(array, folder):
    try:
        import pandas
    except ImportError:
        return array
    return array if array.ndim > 2 else pandas.DataFrame(np.atleast_2d(array))


def _frozen(array, folder):
    copied = array.copy()
    copied.flags.writeable = False
    return copied


_CONTAINERS = {
    "list": lambda array, folder: array.tolist(),
    "tuple": lambda array, folder: tuple(array.tolist()),
    "masked": lambda array, folder: np.ma.masked_array(array, array > 1),
    "unmasked": lambda array, folder: np.ma.masked_array(array),
    "memory map": _mapped,
    "data frame": _frame,
    "read-only": _frozen,
    "strided": lambda array, folder: np.repeat(array, 2, axis=-1)[..., ::2],
    "reversed": lambda array, folder: array[::-1],
    "Fortran": lambda array, folder: np.asfortranarray(array),
    "empty": lambda array, folder: array[:0],
    "one axis": lambda array, folder: array.ravel(),
    "three axes": lambda array, folder: array[None],
    "with NaN": lambda array, folder: np.where(array > 1, np.nan, array),
    "huge": lambda array, folder: array * 1e300,
    "tiny": lambda array, folder: array * 1e-300,
}


def draw(rng, names, folder):
    """A call, its changed arguments, and what was changed, in words."""
    call = parameter_calls.call_of(rng.choice(names))
    changed, words = {}, []
    free = [p for p in call.parameters if (call.name, p) not in parameter_calls.SLOW]
    for parameter in rng.sample(free, min(len(free), rng.choice([1, 1, 2]))):
        usual = call.parameters[parameter]
        if isinstance(usual, np.ndarray) and usual.ndim > 0 and rng.random() < 0.8:
            changed[parameter], label = contained(rng, usual, folder)
        else:
            changed[parameter], label = random_value(rng)
        words.append(f"{parameter}={label}")
    return call, changed, f"{call.name}({', '.join(words)})"


def run(call, changed):
    """What became of a call: "works", "refused", or what is counted, with a message."""
    before = {name: _snapshot(value) for name, value in changed.items()}
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call.run(**(call.arguments | changed))
        kind, message = _judged(result)
    except TooLong:
        return "hang", ""
    except MemoryError as error:
        return "memory", repr(error)
    except FloatingPointError as error:
        kind, message = ("refused" if "diverged" in str(error) else "foreign"), repr(error)
    except (ValueError, TypeError, OSError) as error:
        words = str(error)
        named = any(re.search(rf"\b{name}\b", words) for name in changed)
        # Files and pictures are called by their names.
        named = named or any(isinstance(v, str) and v in words for v in changed.values())
        kind, message = ("refused" if named else "foreign"), repr(error)
    except AssertionError as error:
        ours = call.name.startswith("testing.")
        kind, message = ("refused" if ours else "foreign"), repr(error)
    except Exception as error:
        kind, message = "foreign", repr(error)
    for name, value in changed.items():
        if _snapshot(value) != before[name]:
            return "written to", name
    return kind, message


def run_in_time(call, changed):
    """What became of a call that may take `MOST_SECONDS`, once its kernels are compiled."""
    for seconds in (MOST_SECONDS, MOST_COMPILING, MOST_SECONDS):
        signal.alarm(seconds)
        kind, message = run(call, changed)
        signal.alarm(0)
        if kind != "hang" and seconds == MOST_SECONDS:
            break
    return kind, message


def _snapshot(value):
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [(type(entry), repr(entry)) for entry in value.ravel()]
    return parameter_values.frozen(value) if not hasattr(value, "to_numpy") else value.to_csv()


def _judged(result):
    """Whether a solver claims more than `certify` finds."""
    if not isinstance(result, parameter_calls.Solved) or result.converged is None:
        return "works", ""
    solver, penalty = result.solver, result.penalty
    if not isinstance(solver, Solver) or not isinstance(penalty, L1) or result.tol == 0:
        return "works", ""
    gaps = certify(parameter_calls.X, result.codes, parameter_calls.D, penalty).relative_gap
    worst = gaps[result.converged].max(initial=0)
    return ("works", "") if worst <= _SLACK * result.tol else ("false claim", f"gap {worst:g}")


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _too_long(*_):
    raise TooLong


@contextlib.contextmanager
def alarms():
    """Within, a call can be ended after some seconds."""
    before = signal.signal(signal.SIGALRM, _too_long)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


@click.command()
@click.option("--n", "n_calls", default=1000, show_default=True, help="Calls.")
@click.option("--seed", default=0, show_default=True)
@click.option("--only", type=int, help="Run this call alone, and show what becomes of it.")
@click.option("--name", default="", help="Only names that contain this.")
def main(n_calls, seed, only, name):
    """Fuzz the parameters of every public name."""
    public = parameter_calls.public()
    names = [key for key, value in public.items() if parameter_calls.is_used(value) and name in key]
    counts, examples = collections.Counter(), {}
    with alarms(), tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for number in [only] if only is not None else range(n_calls):
            rng = random.Random(f"{seed} {number}")
            call, changed, label = draw(rng, names, Path(folder))
            peak, begin = _peak(), time.perf_counter()
            kind, message = run_in_time(call, changed)
            kind = "memory" if _peak() - peak > MOST_BYTES else kind
            plt.close("all")
            counts[kind] += 1
            if kind not in ("works", "refused") or only is not None:
                seconds = time.perf_counter() - begin
                line = f"{number}: {kind}: {label}: {message[:300]} ({seconds:.1f} s)"
                if examples.setdefault((kind, label), line) is line:
                    print(line, flush=True)
    print(dict(counts))
    sys.exit(bool(set(counts) - {"works", "refused"}))


if __name__ == "__main__":
    main()
