"""The backend of symbolic tensors: its kernel for any operation appends a node to the graph that is being built."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from chainrule import _backends
from chainrule._backend import Backend
from chainrule._context import current
from chainrule._dtypes import DTYPES
from chainrule._errors import GraphError
from chainrule._graph import Graph
from chainrule._graph_ops import FULL
from chainrule._op import Op
from chainrule._symbol import Symbol, refuse_value
from chainrule._tensor import Tensor


def _building(what: str) -> Graph:
    graph = current().graph
    if graph is None:
        raise GraphError(
            f"{what}: a symbolic tensor was used where no graph is being built; work on it inside "
            "`with graph.as_default():`, or make the graph the default with cr.set_default_graph(graph)"
        )
    return graph


def _append(op: Op, *inputs: Any, **attributes: Any) -> Any:
    """An operation on symbols: a node."""
    outputs = _building(op.name).add(op, inputs, attributes).outputs
    return outputs if op.multiple else outputs[0]


def _kernel(op: Op, _kernel: Any) -> Callable[..., Any]:
    return partial(_append, op)


def _full(shape: tuple[Any, ...], value: complex, dtype: Any, device: str | None) -> Symbol:
    attributes = {"shape": shape, "value": value, "dtype": dtype}
    symbol: Symbol = _building("full").tensor(FULL, (), attributes)._value
    return symbol


def _asarray(data: Any, dtype: Any, device: str | None) -> Symbol:
    if type(data) is Symbol:
        return data
    backend = _backends.get_backend()
    native = None if dtype is None else backend.native(dtype)
    symbol: Symbol = (
        _building("constant")
        .constant(Tensor(backend.asarray(data, native, device or _backends.get_device()), backend))
        ._value
    )
    return symbol


class _AnyName:
    """A namespace in which every name is found, within names too: no operation lacks a kernel here."""

    def __getattr__(self, name: str) -> Any:
        return self


SYMBOLIC: Final = Backend(
    name="symbolic",
    version="",
    xp=_AnyName(),
    array_types=(Symbol,),
    dtypes={dtype: dtype for dtype in DTYPES.values()},
    asarray=_asarray,
    full=_full,
    to_numpy=refuse_value,
    wrap_generic=_kernel,
    devices=lambda: (),
    device_of=lambda array: "",
)
