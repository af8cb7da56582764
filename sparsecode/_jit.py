"""Compiled kernels: the decorator, its guarded disk cache, and the scalar functions of a penalty.

A kernel is a free function on arrays, scalars and penalties. It is compiled on its first call and
found again on disk by every later process. Inside a kernel, `scalar_prox(penalty, ...)`,
`row_prox(penalty, ...)` and their siblings stand for the function of that name of the penalty's
class, resolved by type while the kernel compiles. With ``NUMBA_DISABLE_JIT=1`` the same code runs
as ordinary Python.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import pathlib
import warnings

import numba
from numba.core import caching
from numba.extending import overload

_PACKAGE = pathlib.Path(__file__).parent
# Rooms that no kernel lives in or depends on, as a test asserts.
WITHOUT_KERNELS = (
    "applications",
    "cli",
    "compare",
    "datasets",
    "estimators",
    "interop",
    "plotting",
    "testing",
    "training",
)
# Sums may be reordered and fused; NaN and infinity keep their meaning. Kernels are inlined in each
# other: otherwise which of two differently rounding copies of a callee is linked depends on
# whether its caller was just compiled or came from the disk.
_OPTIONS = {
    "forceinline": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
}
# numba counts the references to every view of an array, an atomic operation that costs as much as
# dozens of others; without a runtime that could release memory there is nothing to count.
_INNER = {**_OPTIONS, "_nrt": False}
_counter = itertools.count()

# Keeps an upper bound an upper bound when it is rounded to float32.
ABOVE_ONE = 1 + 1e-6


def kernel(function):
    """Compile `function` lazily, without the GIL, and cache it on disk."""
    compiled = numba.njit(**_OPTIONS)(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = _guarded_cache(function)
    return compiled


def inner(function):
    """Compile a function that only kernels call, and that makes no array: its views are free."""
    return numba.njit(**_INNER)(function)


@functools.cache
def own_type(cls):
    """Return the class of penalties to compile for `cls`: of a unique name where it is foreign.

    numba takes named tuples of the same name for the same type, and would go on calling the
    functions of the first one: those of a notebook's cell before it was edited and run again.
    """
    if not _is_foreign(cls):
        return cls
    body = {"__slots__": (), "__module__": cls.__module__}
    return type(f"{cls.__name__}_{next(_counter)}", (cls,), body)


def _is_foreign(cls):
    return cls.__module__.partition(".")[0] != __package__


@functools.cache
def _sources_stamp():
    """Fingerprint of every source file that a kernel may depend on, as size and time of change.

    numba itself only watches the file that holds a kernel, not the files of what it calls.
    """
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        if path.relative_to(_PACKAGE).parts[0] in WITHOUT_KERNELS:
            continue
        status = path.stat()
        line = f"{path.relative_to(_PACKAGE)} {status.st_mtime_ns} {status.st_size}\n"
        digest.update(line.encode())
    return digest.hexdigest()


class _GuardedCache(caching.FunctionCache):
    """numba's cache, valid only for exactly these sources, and never worth a crash."""

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = _FilesOfSignatures(self._cache_path, self._impl.filename_base)

    def load_overload(self, signature, target_context):
        if _has_foreign(signature):
            return None
        try:
            return super().load_overload(signature, target_context)
        except Exception:
            # Damaged, or of a version with other classes: to be written anew.
            return None

    def save_overload(self, signature, data):
        if _has_foreign(signature):
            return
        try:
            super().save_overload(signature, data)
        except OSError as error:
            _warn_no_cache(error)


class _FilesOfSignatures:
    """An index and a data file for each signature of a function.

    numba has one index for all of them and numbers the data files: of two processes that compile
    different signatures at once, one may find what the other compiled under its own number.
    """

    def __init__(self, path, base):
        self._path, self._base = path, base

    def _of(self, key):
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return caching.IndexDataCacheFile(self._path, f"{self._base}-{digest}", _sources_stamp())

    def load(self, key):
        return self._of(key).load(key)

    def save(self, key, data):
        files = self._of(key)
        name = files._data_name(1)
        # The data first: those of other sources may lie there, which no new index must name.
        files._save_data(name, data)
        files._save_index({key: name})


def _has_foreign(signature):
    """Whether a kernel, or one that it calls, is compiled for a penalty from elsewhere.

    Such a penalty may be edited, or be missing in the next process, where it would make the whole
    index of the kernel unreadable.
    """
    classes = (getattr(argument, "instance_class", None) for argument in signature)
    return any(cls is not None and _is_foreign(cls) for cls in classes)


class _NoCache(caching.NullCache):
    """Stands in where no folder can be written: says so when the first kernel compiles."""

    def save_overload(self, signature, data):
        _warn_no_cache("no folder to write to")


def _guarded_cache(function):
    try:
        return _GuardedCache(function)
    except (RuntimeError, OSError):
        return _NoCache()


@functools.cache
def _warn_once(message):
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _warn_no_cache(reason):
    _warn_once(
        f"compiled kernels cannot be cached on disk ({reason}); every process compiles them "
        "again. Set NUMBA_CACHE_DIR to a folder that can be written."
    )


def row_value(penalty, code):
    """Penalty of the code of one sample."""
    return penalty._row_value(penalty, code)


def row_prox(penalty, point, step, out):
    """Fill `out`, which may be `point` itself, with the proximal operator of one sample."""
    penalty._row_prox(penalty, point, step, out)


def row_dual_excess(penalty, correlations):
    """By how much the correlations of one sample must be divided to be dual feasible."""
    return penalty._row_dual_excess(penalty, correlations)


def row_conjugate(penalty, scale, correlations):
    """Convex conjugate of the penalty at feasible correlations, ``scale * correlations``."""
    return penalty._row_conjugate(penalty, scale, correlations)


def scalar_value(penalty, code, j):
    """Contribution of one coefficient of atom `j` to the penalty."""
    return penalty._value(penalty, code, j)


def scalar_prox(penalty, value, step, j):
    """Minimiser over `u` of ``(u - value)**2 / 2 + step * g_j(u)``."""
    return penalty._prox(penalty, value, step, j)


def scalar_grad(penalty, code, j):
    """Derivative of the penalty at one coefficient, 0 where there is none."""
    return penalty._grad(penalty, code, j)


def scalar_bends(penalty, code, j):
    """Slope and second derivative of a smooth penalty, and the curvature of a parabola above it.

    The parabola touches the penalty at `code`; all three share one division.
    """
    return penalty._bends(penalty, code, j)


def scalar_dual_excess(penalty, correlation, j):
    """By how much a correlation must be divided to be dual feasible: at most 1 if it is."""
    return penalty._dual_excess(penalty, correlation, j)


def scalar_conjugate(penalty, correlation, j):
    """Convex conjugate of the penalty at a feasible correlation."""
    return penalty._conjugate(penalty, correlation, j)


@overload(row_value, jit_options=_INNER)
def _typed_row_value(penalty, code):
    return _function_of(penalty, "_row_value")


@overload(row_prox, jit_options=_INNER)
def _typed_row_prox(penalty, point, step, out):
    return _function_of(penalty, "_row_prox")


@overload(row_dual_excess, jit_options=_INNER)
def _typed_row_dual_excess(penalty, correlations):
    return _function_of(penalty, "_row_dual_excess")


@overload(row_conjugate, jit_options=_INNER)
def _typed_row_conjugate(penalty, scale, correlations):
    return _function_of(penalty, "_row_conjugate")


@overload(scalar_value, jit_options=_INNER)
def _typed_value(penalty, code, j):
    return _function_of(penalty, "_value")


@overload(scalar_prox, jit_options=_INNER)
def _typed_prox(penalty, value, step, j):
    return _function_of(penalty, "_prox")


@overload(scalar_grad, jit_options=_INNER)
def _typed_grad(penalty, code, j):
    return _function_of(penalty, "_grad")


@overload(scalar_bends, jit_options=_INNER)
def _typed_bends(penalty, code, j):
    return _function_of(penalty, "_bends")


@overload(scalar_dual_excess, jit_options=_INNER)
def _typed_dual_excess(penalty, correlation, j):
    return _function_of(penalty, "_dual_excess")


@overload(scalar_conjugate, jit_options=_INNER)
def _typed_conjugate(penalty, correlation, j):
    return _function_of(penalty, "_conjugate")


def _function_of(penalty, name):
    # numba types a named tuple by its class, whatever the types of its fields.
    return getattr(getattr(penalty, "instance_class", None), name, None)
