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


@_jit.outlined
def summed(row):
    result = 0.0
    for value in row:
        result += value
    return result


@_jit.kernel
def twice(row):
    return summed(row) + summed(row[::-1])


@_jit.kernel
def thrice(row):
    return summed(row) * 3


# This file is not of the package, which alone has a cache.
for kernel in (total, twice, thrice):
    kernel._cache = NullCache()


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


@pytest.mark.parametrize("caller", [twice, thrice])
def test_an_outlined_part_is_a_function_of_its_kernel_alone(caller):
    assert caller(np.arange(4.0)) == {twice: 12, thrice: 18}[caller]
    (compiled,) = caller.overloads.values()
    names = {part.fndesc.llvm_func_name for part in summed.overloads.values()}
    bodies = [
        function for function in compiled.library._final_module.functions
        if function.name in names and not function.is_declaration
    ]  # fmt: skip
    assert bodies, "it is inlined"
    # With another linkage the linker would take one copy for all kernels.
    assert {function.linkage.name for function in bodies} == {"internal"}


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
