"""Parts of kernels: compiled once with their kernel, never on their own."""

import numpy as np
import pytest
from numba.core.caching import NullCache

from sparsecode import _jit

pytestmark = pytest.mark.needs_jit("about the compiler")


@_jit.inner
def shifted(value, shift):
    return value + shift


@_jit.inner_with_arrays
def doubled(row):
    return row * 2


@_jit.kernel
def total(row):
    result = shifted(0.0, 1)
    for value in doubled(row):
        result = shifted(result, value)
    for i in range(3):
        result = shifted(result, i)
    return result


# This file is not of the package, which alone has a cache.
total._cache = NullCache()


def test_a_kernel_calls_its_parts():
    assert total(np.arange(4.0)) == 1 + 12 + 3


def test_a_part_has_no_machine_code():
    total(np.arange(4.0))
    for part in (shifted, doubled):
        for compiled in part.overloads.values():
            name = compiled.fndesc.llvm_func_name
            assert compiled.library.get_pointer_to_function(name) == 0
    (kernel,) = total.overloads.values()
    text = kernel.library.get_llvm_str()
    assert shifted.overloads and "call double @_ZN" not in text, "a part is called, not inlined"


def test_literals_share_the_code_of_variables():
    total(np.arange(4.0))
    kinds = {str(signature) for signature in shifted.overloads}
    assert kinds == {"(float64, int64)", "(float64, float64)"}


def test_a_part_called_from_python_runs_as_python():
    total(np.arange(4.0))
    before = len(shifted.overloads)
    assert shifted(1.0, 2) == 3
    assert shifted("a", shift="b") == "ab"
    assert len(shifted.overloads) == before
