"""Compiler of functions that are inlined in kernels: types and code, but no machine code.

numba optimises every function and translates it to machine code, also one that all its callers
inline and that nobody calls. Its code is then optimised again at every level of the calls. A part
skips that: a kernel with all its parts is optimised and translated once, as a whole.
"""

from __future__ import annotations

from numba import _dynfunc
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NativeLowering


class _PartLibrary(JITCodeLibrary):
    """Code of a part, which other libraries link."""

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    """Pass that writes the code of a part, and stops before machine code."""

    _name = "part_lowering"

    def run_pass(self, state):
        name = state.func_id.func_qualname
        library = _PartLibrary(state.targetctx.codegen(), name)
        state.library, state.flags.no_compile = library, True
        super().run_pass(state)
        library._ensure_finalized()
        lowered = state["cr"]
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


class PartCompiler(Compiler):
    """Pipeline of numba that ends with `_PartLowering`."""

    def define_pipelines(self):
        pipelines = super().define_pipelines()
        for pipeline in pipelines:
            pipeline.passes = [
                (_PartLowering, text) if stage is NativeLowering else (stage, text)
                for stage, text in pipeline.passes
            ]
            pipeline.finalize()
        return pipelines


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
