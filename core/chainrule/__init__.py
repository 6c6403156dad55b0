"""chainrule: automatic differentiation of array programs, with every gradient in your hands.

Operations, gradients, backends and namespaces come from plugins: `chainrule.sin`, `chainrule.optim` and the rest are
found when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import TYPE_CHECKING, Any

from chainrule._backends import available_backends as available_backends
from chainrule._backends import get_backend as get_backend
from chainrule._backends import get_device as get_device
from chainrule._backends import register_backend as register_backend
from chainrule._backends import set_backend as set_backend
from chainrule._backends import use_backend as use_backend
from chainrule._context import init_scope as init_scope
from chainrule._context import name_scope as name_scope
from chainrule._context import no_grad as no_grad
from chainrule._dtypes import DTYPES as DTYPES
from chainrule._dtypes import PYTHON_NUMBERS as PYTHON_NUMBERS
from chainrule._dtypes import DType as DType
from chainrule._dtypes import as_dtype as as_dtype
from chainrule._dtypes import bfloat16 as bfloat16
from chainrule._dtypes import bool_ as bool_
from chainrule._dtypes import complex64 as complex64
from chainrule._dtypes import complex128 as complex128
from chainrule._dtypes import default_dtype as default_dtype
from chainrule._dtypes import float16 as float16
from chainrule._dtypes import float32 as float32
from chainrule._dtypes import float64 as float64
from chainrule._dtypes import int8 as int8
from chainrule._dtypes import int16 as int16
from chainrule._dtypes import int32 as int32
from chainrule._dtypes import int64 as int64
from chainrule._dtypes import scalar_dtype as scalar_dtype
from chainrule._dtypes import set_default_dtype as set_default_dtype
from chainrule._dtypes import uint8 as uint8
from chainrule._dtypes import uint16 as uint16
from chainrule._dtypes import uint32 as uint32
from chainrule._dtypes import uint64 as uint64
from chainrule._errors import ArgumentError as ArgumentError
from chainrule._errors import BackendError as BackendError
from chainrule._errors import BackendUnavailableError as BackendUnavailableError
from chainrule._errors import BatchingWarning as BatchingWarning
from chainrule._errors import ChainruleError as ChainruleError
from chainrule._errors import DTypeError as DTypeError
from chainrule._errors import GradientCheckError as GradientCheckError
from chainrule._errors import GradientDefinitionError as GradientDefinitionError
from chainrule._errors import GraphError as GraphError
from chainrule._errors import IndexingError as IndexingError
from chainrule._errors import KernelError as KernelError
from chainrule._errors import MissingGradientError as MissingGradientError
from chainrule._errors import MissingKernelError as MissingKernelError
from chainrule._errors import MissingRuleWarning as MissingRuleWarning
from chainrule._errors import NumericsError as NumericsError
from chainrule._errors import PluginError as PluginError
from chainrule._errors import SelectorError as SelectorError
from chainrule._errors import ShapeError as ShapeError
from chainrule._errors import SymbolicValueError as SymbolicValueError
from chainrule._errors import TapeError as TapeError
from chainrule._errors import TrackedValueError as TrackedValueError
from chainrule._errors import UnknownNameError as UnknownNameError
from chainrule._errors import UnknownSizeError as UnknownSizeError
from chainrule._version import __version__ as __version__

if TYPE_CHECKING:
    # What plugins bring at run time, for type checkers and editors.
    import chainrule_datasets  # noqa: TID251
    import chainrule_fft  # noqa: TID251
    import chainrule_linalg  # noqa: TID251
    import chainrule_nn  # noqa: TID251
    import chainrule_optim  # noqa: TID251
    import chainrule_random  # noqa: TID251
    import chainrule_scipy  # noqa: TID251
    import chainrule_special  # noqa: TID251
    from chainrule import infer as infer
    from chainrule import ops as ops
    from chainrule._backend import Backend as Backend
    from chainrule._backend import Kernel as Kernel
    from chainrule._batching import BatchingLoop as BatchingLoop
    from chainrule._batching import batching_loops as batching_loops
    from chainrule._check import check_gradient as check_gradient
    from chainrule._checkpoint import checkpoint as checkpoint
    from chainrule._cli import Command as Command
    from chainrule._composite import composite as composite
    from chainrule._contracts import approximate as approximate
    from chainrule._contracts import exact as exact
    from chainrule._contracts import surrogate as surrogate
    from chainrule._control_flow import cond as cond
    from chainrule._control_flow import fori_loop as fori_loop
    from chainrule._control_flow import map as map
    from chainrule._control_flow import scan as scan
    from chainrule._control_flow import switch as switch
    from chainrule._control_flow import while_loop as while_loop
    from chainrule._convert import as_tensor as as_tensor
    from chainrule._convert import tensor as tensor
    from chainrule._custom_gradient import custom_gradient as custom_gradient
    from chainrule._custom_jvp import custom_jvp as custom_jvp
    from chainrule._debug import debug_nans as debug_nans
    from chainrule._define import Binary as Binary
    from chainrule._define import Unary as Unary
    from chainrule._define import elementwise as elementwise
    from chainrule._define import fronts as fronts
    from chainrule._define import op as op
    from chainrule._define import widens as widens
    from chainrule._definition import NoGradient as NoGradient
    from chainrule._describe import GraphDescription as GraphDescription
    from chainrule._describe import NodeDescription as NodeDescription
    from chainrule._describe import RuleDescription as RuleDescription
    from chainrule._describe import describe_graph as describe_graph
    from chainrule._dim import Dim as Dim
    from chainrule._effects import callback as callback
    from chainrule._effects import print as print
    from chainrule._explain import explain_gradients as explain_gradients
    from chainrule._explain import why_no_gradient as why_no_gradient
    from chainrule._explain_program import ProgramExplanation as ProgramExplanation
    from chainrule._explain_program import explain as explain
    from chainrule._function import Function as Function
    from chainrule._function import RetraceWarning as RetraceWarning
    from chainrule._function import function as function
    from chainrule._functional import grad as grad
    from chainrule._functional import hessian as hessian
    from chainrule._functional import hvp as hvp
    from chainrule._functional import jacfwd as jacfwd
    from chainrule._functional import jacobian as jacobian
    from chainrule._functional import jacrev as jacrev
    from chainrule._functional import jvp as jvp
    from chainrule._functional import value_and_grad as value_and_grad
    from chainrule._functional import vjp as vjp
    from chainrule._gradients import gradients as gradients
    from chainrule._graph import Graph as Graph
    from chainrule._graph import GraphNode as GraphNode
    from chainrule._graph import Instruction as Instruction
    from chainrule._graph_diff import GraphDiff as GraphDiff
    from chainrule._graph_diff import diff_graphs as diff_graphs
    from chainrule._graph_functions import constant as constant
    from chainrule._graph_functions import control_dependencies as control_dependencies
    from chainrule._graph_functions import get_default_graph as get_default_graph
    from chainrule._graph_functions import global_variables as global_variables
    from chainrule._graph_functions import global_variables_initializer as global_variables_initializer
    from chainrule._graph_functions import group as group
    from chainrule._graph_functions import placeholder as placeholder
    from chainrule._graph_functions import set_default_graph as set_default_graph
    from chainrule._graph_functions import trainable_variables as trainable_variables
    from chainrule._graph_functions import variables_initializer as variables_initializer
    from chainrule._implicit import fixed_point as fixed_point
    from chainrule._implicit import implicit_root as implicit_root
    from chainrule._indexed_slices import IndexedSlices as IndexedSlices
    from chainrule._lazy import lazy_attributes as lazy_attributes
    from chainrule._linearize import linear_transpose as linear_transpose
    from chainrule._linearize import linearize as linearize
    from chainrule._missing import missing_rules_used as missing_rules_used
    from chainrule._missing import on_missing as on_missing
    from chainrule._missing import set_on_missing as set_on_missing
    from chainrule._node import Node as Node
    from chainrule._op import Op as Op
    from chainrule._overrides import override_gradients as override_gradients
    from chainrule._plugins import plugins as plugins
    from chainrule._plugins import register_plugin as register_plugin
    from chainrule._program import Program as Program
    from chainrule._registry import no_gradient as no_gradient
    from chainrule._registry import register_gradient as register_gradient
    from chainrule._session import InteractiveSession as InteractiveSession
    from chainrule._session import Session as Session
    from chainrule._session import get_default_session as get_default_session
    from chainrule._settings import jit_mode as jit_mode
    from chainrule._settings import set_jit as set_jit
    from chainrule._settings import set_strict_math as set_strict_math
    from chainrule._settings import strict_math as strict_math
    from chainrule._settings import use_jit as use_jit
    from chainrule._settings import use_strict_math as use_strict_math
    from chainrule._support import BackendCheck as BackendCheck
    from chainrule._support import check as check
    from chainrule._symbol import Symbol as Symbol
    from chainrule._tape import GradientTape as GradientTape
    from chainrule._tensor import Tensor as Tensor
    from chainrule._threads import get_num_threads as get_num_threads
    from chainrule._threads import run_tasks as run_tasks
    from chainrule._threads import set_num_threads as set_num_threads
    from chainrule._threads import use_num_threads as use_num_threads
    from chainrule._variable import Variable as Variable
    from chainrule._verify import Verification as Verification
    from chainrule._verify import verify as verify
    from chainrule._vmap import vmap as vmap
    from chainrule.hookspecs import hookimpl as hookimpl
    from chainrule.infer import Spec as Spec
    from chainrule_arrays import *  # noqa: F403, TID251
    from chainrule_optim import checked as checked  # noqa: TID251
    from chainrule_state import inspect_checkpoint as inspect_checkpoint  # noqa: TID251
    from chainrule_state import load as load  # noqa: TID251
    from chainrule_state import save as save  # noqa: TID251

    datasets = chainrule_datasets
    fft = chainrule_fft
    linalg = chainrule_linalg
    nn = chainrule_nn
    optim = chainrule_optim
    random = chainrule_random
    scipy = chainrule_scipy
    special = chainrule_special

# The array API standard's own names.
__array_api_version__ = "2024.12"
bool = bool_
newaxis = None

# Where the parts of the engine that are imported at their first use are.
_LAZY = {
    "approximate": "_contracts",
    "as_tensor": "_convert",
    "Backend": "_backend",
    "BackendCheck": "_support",
    "batching_loops": "_batching",
    "BatchingLoop": "_batching",
    "Binary": "_define",
    "callback": "_effects",
    "check": "_support",
    "check_gradient": "_check",
    "checkpoint": "_checkpoint",
    "Command": "_cli",
    "composite": "_composite",
    "cond": "_control_flow",
    "constant": "_graph_functions",
    "control_dependencies": "_graph_functions",
    "custom_gradient": "_custom_gradient",
    "custom_jvp": "_custom_jvp",
    "debug_nans": "_debug",
    "describe_graph": "_describe",
    "diff_graphs": "_graph_diff",
    "Dim": "_dim",
    "elementwise": "_define",
    "exact": "_contracts",
    "explain": "_explain_program",
    "explain_gradients": "_explain",
    "fixed_point": "_implicit",
    "fori_loop": "_control_flow",
    "fronts": "_define",
    "function": "_function",
    "Function": "_function",
    "get_default_graph": "_graph_functions",
    "get_default_session": "_session",
    "get_num_threads": "_threads",
    "global_variables": "_graph_functions",
    "global_variables_initializer": "_graph_functions",
    "grad": "_functional",
    "gradients": "_gradients",
    "GradientTape": "_tape",
    "Graph": "_graph",
    "GraphDescription": "_describe",
    "GraphDiff": "_graph_diff",
    "GraphNode": "_graph",
    "group": "_graph_functions",
    "hessian": "_functional",
    "hookimpl": "hookspecs",
    "hvp": "_functional",
    "implicit_root": "_implicit",
    "IndexedSlices": "_indexed_slices",
    "Instruction": "_graph",
    "InteractiveSession": "_session",
    "jacfwd": "_functional",
    "jacobian": "_functional",
    "jacrev": "_functional",
    "jit_mode": "_settings",
    "jvp": "_functional",
    "Kernel": "_backend",
    "lazy_attributes": "_lazy",
    "linear_transpose": "_linearize",
    "linearize": "_linearize",
    "map": "_control_flow",
    "missing_rules_used": "_missing",
    "no_gradient": "_registry",
    "Node": "_node",
    "NodeDescription": "_describe",
    "NoGradient": "_definition",
    "on_missing": "_missing",
    "Op": "_op",
    "op": "_define",
    "override_gradients": "_overrides",
    "placeholder": "_graph_functions",
    "plugins": "_plugins",
    "print": "_effects",
    "Program": "_program",
    "ProgramExplanation": "_explain_program",
    "register_gradient": "_registry",
    "register_plugin": "_plugins",
    "RetraceWarning": "_function",
    "RuleDescription": "_describe",
    "run_tasks": "_threads",
    "scan": "_control_flow",
    "Session": "_session",
    "set_default_graph": "_graph_functions",
    "set_jit": "_settings",
    "set_num_threads": "_threads",
    "set_on_missing": "_missing",
    "set_strict_math": "_settings",
    "Spec": "infer",
    "strict_math": "_settings",
    "surrogate": "_contracts",
    "switch": "_control_flow",
    "Symbol": "_symbol",
    "Tensor": "_tensor",
    "tensor": "_convert",
    "trainable_variables": "_graph_functions",
    "Unary": "_define",
    "use_jit": "_settings",
    "use_num_threads": "_threads",
    "use_strict_math": "_settings",
    "value_and_grad": "_functional",
    "Variable": "_variable",
    "variables_initializer": "_graph_functions",
    "verify": "_verify",
    "Verification": "_verify",
    "vjp": "_functional",
    "vmap": "_vmap",
    "while_loop": "_control_flow",
    "why_no_gradient": "_explain",
    "widens": "_define",
}

# What no plugin can have as its own public name.
_RESERVED = frozenset({*globals(), *_LAZY, "hookspecs", "infer", "ops"})


def __array_namespace_info__() -> Any:
    """What the array API standard asks a namespace for: dtypes, devices and capabilities of the backend in force.

    >>> import chainrule as cr
    >>> cr.__array_namespace_info__().default_dtypes()["integral"]
    chainrule.int64
    """
    from chainrule._inspection import NamespaceInfo

    return NamespaceInfo(get_backend())


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    if name in _LAZY:
        value = getattr(import_module(f"chainrule.{_LAZY[name]}"), name)
    elif name in ("hookspecs", "infer", "ops"):
        value = import_module(f"chainrule.{name}")
    else:
        value = _from_plugins(name)
    globals()[name] = value
    return value


def _from_plugins(name: str) -> Any:
    from chainrule import _plugins, _registry

    _plugins.load_plugins()
    for table in (_registry.functions, _registry.ops):
        if name in table:
            return table.find(name)
    if name in _registry.namespaces:
        return import_module(_registry.namespaces[name])
    raise UnknownNameError(f"chainrule has no {name!r}: {_plugins.why_no_op(name)}")


def __dir__() -> list[str]:
    from chainrule import _plugins, _registry

    _plugins.load_plugins()
    return sorted({*globals(), *_LAZY, *_registry.public_names()})
