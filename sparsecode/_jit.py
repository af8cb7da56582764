"""Compiled kernels: the decorator, and the scalar functions of a penalty.

A kernel is a free function on arrays, scalars and penalties. It is compiled on its first call, and
later processes load it from disk. Inside a kernel, `scalar_prox(penalty, ...)`, `row_prox(penalty,
...)` and their siblings stand for the function of that name of the penalty's class, resolved by
type while the kernel compiles. With ``NUMBA_DISABLE_JIT=1`` the same code runs as ordinary Python.
"""

from __future__ import annotations

import functools
import itertools

import numba
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.extending import overload

from sparsecode._compile_notice import notice
from sparsecode._interrupts import halt_if_told, out_of_reach
from sparsecode._kernel_cache import guarded_cache, is_foreign
from sparsecode._kernel_parts import PART, KernelCompiler, as_part, without_literals

# Sums may be reordered and fused; NaN and infinity keep their meaning. Only Python calls a kernel.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "no_cfunc_wrapper": True,
}
# A kernel inlines what it calls, or has a copy of its own: otherwise which of two differently
# rounding copies is linked depends on whether the caller was just compiled or came from the disk.
_PART = {**_OPTIONS, **PART, "forceinline": True}
# numba counts the references to every view of an array, an atomic operation that costs as much as
# dozens of others; without a runtime that could release memory there is nothing to count.
_INNER = {**_PART, "_nrt": False}
_counter = itertools.count()

# Factor that keeps an upper bound valid after rounding to float32.
ABOVE_ONE = 1 + 1e-6


def kernel(function):
    """Compile `function` lazily, without the GIL, and cache it on disk."""
    return _kernel(function, _OPTIONS)


def exact_kernel(function):
    """Compile as `kernel` a function whose sums keep their order and their roundings."""
    return _kernel(function, {**_OPTIONS, "fastmath": False})


def _kernel(function, options):
    compiled = numba.njit(**options, pipeline_class=KernelCompiler)(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = guarded_cache(function)
        compiled.compile = functools.partial(_compile, compiled)
        without_literals(compiled)
    return compiled


def _compile(dispatcher, signature):
    """Compile or load a kernel where no interrupt breaks it off: that can end the process."""
    compile_here = functools.partial(type(dispatcher).compile, dispatcher)
    if global_compiler_lock.is_locked():
        # For a kernel that is being compiled on this thread; another one would wait for it.
        return compile_here(signature)
    return out_of_reach(compile_here, signature, meanwhile=notice())


class _HaltBetweenPasses(event.Listener):
    """Ends a compilation that is told to stop, where the compiler is in no middle of anything."""

    def on_start(self, event):
        halt_if_told()

    def on_end(self, event):
        pass


event.register("numba:run_pass", _HaltBetweenPasses())


def inner(function):
    """Compile a function that only kernels call and that makes no array; views are cheap."""
    return _part(function, _INNER)


def inner_with_arrays(function):
    """Compile a function that only kernels call and that makes arrays."""
    return _part(function, _PART)


def outlined(function):
    """Compile as `inner` a function that is not inlined.

    For what is called at several places, or once where a loop stops: code that is inlined is
    optimised and translated again at every place, and all of a kernel waits for its largest
    function. A call takes some 10 ns.
    """
    return _part(function, {**_INNER, "forceinline": False})


def outlined_with_arrays(function):
    """Compile as `outlined` a function that makes arrays."""
    return _part(function, {**_PART, "forceinline": False})


def _part(function, options):
    compiled = numba.njit(**options)(function)
    return compiled if numba.config.DISABLE_JIT else as_part(compiled)


@functools.cache
def own_type(cls):
    """Return the class of penalties to compile for `cls`; foreign classes get a unique name.

    numba treats named tuples of the same name as the same type. It would still call the functions
    of an older class after a notebook cell is edited and run again.
    """
    if not is_foreign(cls):
        return cls
    body = {"__slots__": (), "__module__": cls.__module__}
    return type(f"{cls.__name__}_{next(_counter)}", (cls,), body)


def row_value(penalty, code):
    """Penalty of the code of one sample."""
    return penalty._row_value(penalty, code)


def row_prox(penalty, point, step, out):
    """Fill `out`, which may be `point` itself, with the proximal operator of one sample."""
    penalty._row_prox(penalty, point, step, out)


def row_dual_excess(penalty, correlations):
    """Divisor that makes the correlations of one sample dual feasible."""
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
    """Derivative of the penalty at one coefficient, 0 at a kink."""
    return penalty._grad(penalty, code, j)


def scalar_curvature(penalty, code, j):
    """Slope and second derivative of a smooth penalty, and the curvature of a majorant parabola.

    The parabola touches the penalty at `code`; all three share one division.
    """
    return penalty._curvature(penalty, code, j)


def scalar_dual_excess(penalty, correlation, j):
    """Divisor that makes a correlation dual feasible: at most 1 if it already is."""
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


@overload(scalar_curvature, jit_options=_INNER)
def _typed_curvature(penalty, code, j):
    return _function_of(penalty, "_curvature")


@overload(scalar_dual_excess, jit_options=_INNER)
def _typed_dual_excess(penalty, correlation, j):
    return _function_of(penalty, "_dual_excess")


@overload(scalar_conjugate, jit_options=_INNER)
def _typed_conjugate(penalty, correlation, j):
    return _function_of(penalty, "_conjugate")


def _function_of(penalty, name):
    # numba types a named tuple by its class, whatever the types of its fields.
    return getattr(getattr(penalty, "instance_class", None), name, None)
