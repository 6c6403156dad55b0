"""`Variable`: a named value that changes, the trainable state of a program."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainrule import _record, ops
from chainrule._backend import Backend
from chainrule._context import current, no_grad
from chainrule._convert import as_tensor, tensor
from chainrule._dtypes import DType
from chainrule._errors import DTypeError, GraphError, ShapeError
from chainrule._graph_ops import READ
from chainrule._indexed_slices import IndexedSlices
from chainrule._node import KEPT
from chainrule._symbol import Symbol
from chainrule._tensor import OPERATORS, Tensor
from chainrule.infer import may_equal

if TYPE_CHECKING:
    from chainrule._graph import GraphNode

_counter = itertools.count()


class Variable:
    """A mutable holder of a tensor, usable wherever a tensor is. Recorded gradients see every read of it.

    A compiled function that assigns it may write the new value over the old one, if nobody holds that any more. What
    was read before stays as it was; a thread that reads while another runs such a function may see some of both.

    Args:
        initial_value: what `cr.tensor` takes, copied; or a function without arguments that gives it.
        trainable: whether tapes and optimizers take it by themselves.
        name: a name for reports; `"variable_<n>"` by default, inside the name scope.
        dtype: the dtype, the initial value's by default.

    >>> import chainrule as cr
    >>> w = cr.Variable([1.0, 2.0], name="w")
    >>> with cr.GradientTape() as tape:
    ...     loss = cr.sum(w * w)
    >>> w.assign_sub(0.5 * tape.gradient(loss, w))
    <Variable 'w' [0., 0.], float64>
    """

    __slots__ = ("__weakref__", "_initializer", "_value", "graph", "name", "trainable")

    def __init__(self, initial_value: Any, trainable: bool = True, name: str | None = None, dtype: Any = None) -> None:
        context = current()
        self.graph = context.graph
        self.trainable = trainable
        self.name = context.scope + (name or f"variable_{next(_counter)}")
        value = initial_value() if callable(initial_value) else initial_value
        self._value = tensor(value, dtype)
        self._initializer: Any = None
        if self.graph is not None:
            self.graph.own(self)
            self._value = self.graph.lifted(self._value, own=True)
        else:
            self._value._node = KEPT
        if trainable and not self._value.dtype.is_inexact:
            raise DTypeError(
                f"variable {self.name!r}: dtype {self._value.dtype} has no gradients; give floating-point values, a "
                "dtype, or trainable=False"
            )

    def read(self) -> Tensor:
        """The value now; while something records, a tensor that gradients reach this variable through.

        While a graph is being built, the symbolic tensor of the value that it has at that point.

        Raises:
            GraphError: it was made in a graph, and none is being built: its values are in sessions.
        """
        context = current()
        if context.graph is not None:
            return context.graph.read(self)
        if self.graph is not None:
            raise GraphError(
                f"variable {self.name!r} was made in a graph: it has a value in each session; read it with "
                "session.run(variable), or use it inside `with graph.as_default():`"
            )
        if self.trainable and context.recording:
            return _record.source(self._value, READ, {"variable": self})
        return self._value

    @property
    def initial_value(self) -> Tensor:
        """In a graph, what it is initialised with; the value it has now elsewhere."""
        return self._value

    @property
    def initializer(self) -> GraphNode:
        """The node that gives it its initial value in a session.

        Raises:
            GraphError: it was not made in a graph.
        """
        if self.graph is None:
            raise GraphError(f"variable {self.name!r} was not made in a graph: it has its value already")
        if self._initializer is None:
            self._initializer = self.graph.initializer(self, self._value)
        node: GraphNode = self._initializer
        return node

    __chainrule_tensor__ = read

    @property
    def value(self) -> Any:
        """The backend's own array."""
        return self._value.value

    @property
    def backend(self) -> Backend:
        """The backend whose array this holds."""
        return self._value.backend

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._value.shape

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._value.size

    def numpy(self) -> Any:
        """A copy as a NumPy array."""
        return self._value.numpy()

    def assign(self, value: Any) -> Variable | Tensor:
        """Give it a new value of the same shape and dtype.

        Returns:
            The variable; while a graph is being built, the tensor of the new value: what runs it makes the assignment.

        Raises:
            ShapeError: another shape.
            DTypeError: a dtype that would lose something: only Python numbers and narrower floats are converted.
        """
        context = current()
        if context.assigned is not None:
            context.assigned.setdefault(self, self._value)
        if type(value) is Tensor and self.graph is None and context.graph is None:
            own = self._value  # the usual case, without what it need not be asked
            if value._backend is own._backend and value.shape == own.shape and value.dtype is own.dtype:
                self._value = Tensor(value._value, value._backend, KEPT)
                return self
        weak = isinstance(value, bool | int | float | list | tuple)
        immutable = type(value) is Tensor or hasattr(type(value), "__chainrule_tensor__")
        new = as_tensor(value) if immutable else tensor(value)
        graph = context.graph
        if graph is None and self.graph is not None:
            self.read()  # says where its values are
        if new.backend is not self.backend and graph is None:
            new = ops.to_backend(new, backend=self.backend.name)
        if new.shape != self.shape and not (type(new.value) is Symbol and may_equal(new.shape, self.shape)):
            raise ShapeError(f"variable {self.name!r} has shape {self.shape}, cannot take a value of shape {new.shape}")
        if new.dtype != self.dtype:
            if not weak and not (new.dtype.kind == self.dtype.kind and new.dtype.bits < self.dtype.bits):
                raise DTypeError(f"variable {self.name!r} is {self.dtype}, got {new.dtype}; cast with cr.astype")
            new = ops.astype(new, dtype=self.dtype)
        if graph is not None:
            return graph.assign(self, graph.lifted(new))
        self._value = Tensor(new.value, new.backend, KEPT)
        return self

    def assign_add(self, delta: Any) -> Variable | Tensor:
        """Add to its value; `IndexedSlices` add to some rows."""
        return self._update(delta, "add")

    def assign_sub(self, delta: Any) -> Variable | Tensor:
        """Subtract from its value; `IndexedSlices` subtract from some rows."""
        return self._update(-delta if type(delta) is IndexedSlices else delta, "subtract")

    def _update(self, delta: Any, how: str) -> Variable | Tensor:
        with no_grad():
            value = self.read()
            if type(delta) is IndexedSlices:
                if delta.dense_shape != self.shape:
                    raise ShapeError(f"variable {self.name!r} has shape {self.shape}, got rows of {delta.dense_shape}")
                return self.assign(ops.add_at(value, delta.indices, delta.values))
            return self.assign(getattr(ops, how)(value, delta))

    def __repr__(self) -> str:
        if self.graph is not None:
            return f"<Variable {self.name!r} shape={self.shape}, {self.dtype}, of a graph>"
        text = repr(self._value)
        return f"<Variable {self.name!r} {text[text.find('(') + 1 : -1]}>"

    def __len__(self) -> int:
        return len(self._value)

    def __float__(self) -> float:
        return float(self.read())

    def __int__(self) -> int:
        return int(self.read())

    def __index__(self) -> int:
        return self.read().__index__()

    def __bool__(self) -> bool:
        return bool(self.read())

    def __complex__(self) -> complex:
        return complex(self.read())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.read().__array__(dtype)

    __hash__ = object.__hash__
    __array_ufunc__ = Tensor.__array_ufunc__
    __array_function__ = Tensor.__array_function__

    def __getattr__(self, name: str) -> Any:
        """Everything else a tensor can do."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.read(), name)


def _operator(method: str) -> Callable[..., Any]:
    """An operator on the value."""

    def operator(self: Variable, *others: Any) -> Any:
        return getattr(Tensor, method)(self.read(), *others)

    return operator


for _method in (m for m in Tensor.__dict__ if m in OPERATORS or m.replace("__r", "__", 1) in OPERATORS):
    setattr(Variable, _method, _operator(_method))
