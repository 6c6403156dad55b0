"""Machine code through llvmlite: what this processor has, and functions made from LLVM's language."""

from __future__ import annotations

import itertools
import threading
from functools import lru_cache
from typing import Any, Final, NamedTuple

import llvmlite.binding as llvm

from chainrule_numpy._jit import _objects

_lock: Final = threading.RLock()  # one thread at a time has LLVM compile
_new_number: Final = itertools.count(1).__next__
_LONG: Final = 1500  # lines; a longer module is compiled with less effort, which grows faster than its length


class Host(NamedTuple):
    """This machine.

    Attributes:
        target: LLVM's target.
        cpu: the processor's name.
        features: what it can do, as LLVM writes it.
        bits: how wide its vectors are.
        fma: whether it multiplies and adds in one step.
        x86: which variants of vector functions it can call, by the letters of the x86-64 vector ABI.
    """

    target: Any
    cpu: str
    features: str
    bits: int
    fma: bool
    x86: str


@lru_cache(maxsize=1)
def host() -> Host:
    """This machine, asked once."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.get_process_triple()
    try:
        found = llvm.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on this processor
        found = llvm.FeatureMap()
    bits, fma, x86 = 128, not triple.startswith(("x86_64", "i")), ""
    if triple.startswith("x86_64"):
        x86, fma = "b", bool(found.get("fma"))
        if found.get("avx2") and fma:
            bits, x86 = 256, "db"
            if all(found.get(f"avx512{part}") for part in ("f", "dq", "bw", "vl")):
                bits, x86 = 512, "edb"
    return Host(llvm.Target.from_triple(triple), llvm.get_host_cpu_name(), found.flatten(), bits, fma, x86)


class Code:
    """Functions in memory; they are there as long as this is."""

    def __init__(self, text: str) -> None:
        """Compile a module.

        Args:
            text: the module, in LLVM's language.

        Raises:
            RuntimeError: LLVM does not understand it.
        """
        long = text.count("\n") > _LONG
        with _lock:
            target = _target(1 if long else 2)
            module = llvm.parse_assembly(text)
            passes = llvm.create_new_module_pass_manager()
            passes.add_sroa_pass()
            passes.add_simplify_cfg_pass()
            passes.add_instruction_combine_pass()
            if not long:
                passes.add_new_gvn_pass()
            passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=1)))
            library = llvm.JITLibraryBuilder().add_current_process().add_object_img(target.emit_object(module))
            for function in module.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    library.export_symbol(function.name)
            self._library = library.link(_linker(), f"code_{_new_number()}")

    def address(self, name: str) -> int:
        """Where a function is."""
        address: int = self._library[name]
        return address

    def stay(self) -> None:
        """Keep it for as long as the process lives, even after Python has ended."""
        for needed in (self._library, _linker()):
            _objects.stay(needed)


@lru_cache(maxsize=2)
def _target(effort: int) -> Any:
    """What makes machine code for this machine."""
    machine = host()
    return machine.target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=effort, jit=True)


@lru_cache(maxsize=1)
def _linker() -> Any:
    """What puts machine code into memory, and takes it out again."""
    return llvm.create_lljit_compiler()
