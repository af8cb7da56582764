"""Compiler of functions that are inlined in kernels: types and code, but no machine code.

numba optimises every function and translates it to machine code, also one that all its callers
inline and that nobody calls. Its code is then optimised again at every level of the calls. A part
skips that: a kernel with all its parts is optimised and translated once, as a whole. It inlines its
parts, but for those that are marked as outlined: these are functions in its machine code.
"""

from __future__ import annotations

from typing import ClassVar

from numba import _dynfunc
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering

# Symbols of the parts that are outlined.
_outlined = set()


class _KernelLibrary(JITCodeLibrary):
    """Code of a kernel and of its parts."""

    def _optimize_final_module(self):
        for function in self._final_module.functions:
            if function.name in _outlined and not function.is_declaration:
                # A copy for this kernel alone: those of others may round differently.
                function.linkage = "internal"
        super()._optimize_final_module()


class _PartLibrary(JITCodeLibrary):
    """Code of a part, which other libraries link."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class _PartLower(Lower):
    """Writer of the code of a part."""

    def setup_function(self, fndesc):
        super().setup_function(fndesc)
        if not fndesc.inline:
            self.function.attributes.add("noinline")


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    """Pass that writes the code of a part, and stops before machine code."""

    _name = "part_lowering"
    lowering_class = _PartLower

    def run_pass(self, state):
        name = state.func_id.func_qualname
        library = _PartLibrary(state.targetctx.codegen(), name)
        state.library, state.flags.no_compile = library, True
        super().run_pass(state)
        library._ensure_finalized()
        lowered = state["cr"]
        if not state.flags.forceinline:
            _outlined.add(lowered.fndesc.llvm_func_name)
        # numba knows the part by this object; as there is no machine code, its address is 0.
        entry = _dynfunc.make_function(
            lowered.fndesc.lookup_module(), name, "part of kernels", 0, lowered.env, (library,)
        )
        state.targetctx.insert_user_function(entry, lowered.fndesc, [library])
        # numba before 0.62 has no such list.
        if getattr(library, "_reload_init", None):
            state.reload_init.extend(library._reload_init)
        state["cr"] = lowered._replace(cfunc=entry)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _KernelLowering(NativeLowering):
    """Pass that writes the code of a kernel, and translates it."""

    _name = "kernel_lowering"

    def run_pass(self, state):
        state.library = _KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        # Otherwise the machine code could not be written to disk.
        state.library.enable_object_caching()
        return super().run_pass(state)


class _OwnCompiler(Compiler):
    """Pipeline of numba with another pass in place of `NativeLowering`."""

    lowering: ClassVar[type[NativeLowering]]

    def define_pipelines(self):
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (self.lowering, text) if stage is NativeLowering else (stage, text)
                for stage, text in pipeline.passes
            ]
            pipeline.finalize()
        return pipelines


class PartCompiler(_OwnCompiler):
    """Pipeline for parts."""

    lowering = _PartLowering


class KernelCompiler(_OwnCompiler):
    """Pipeline for kernels."""

    lowering = _KernelLowering


# Options that belong to a part: nobody calls it but compiled code.
PART = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": PartCompiler}


class _Part(CPUDispatcher):
    """Dispatcher of a function that runs compiled in kernels only: Python calls it as Python."""

    def __call__(self, *args, **kws):
        return self.py_func(*args, **kws)


def as_part(dispatcher):
    """Turn a dispatcher, compiled with `PART`, into that of a part."""
    dispatcher.__class__ = _Part
    return without_literals(dispatcher)


def without_literals(dispatcher):
    """Make calls with a literal, as ``f(x, 0)``, use the function that ``f(x, i)`` uses.

    Inlining still puts the value of the literal into the code.
    """
    template_of = dispatcher.get_call_template

    def get_call_template(args, kws):
        args = tuple(map(types.unliteral, args))
        return template_of(args, {name: types.unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = get_call_template
    return dispatcher
