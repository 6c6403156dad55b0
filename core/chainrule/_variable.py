"""`Variable`: a named value that changes, the trainable state of a program."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from chainrule import _record, ops
from chainrule._backend import Backend
from chainrule._context import current, no_grad
from chainrule._convert import as_tensor, tensor
from chainrule._dtypes import DType
from chainrule._engine_ops import _read
from chainrule._errors import DTypeError, ShapeError
from chainrule._indexed_slices import IndexedSlices
from chainrule._tensor import OPERATORS, Tensor

_counter = itertools.count()


class Variable:
    """A mutable holder of a tensor, usable wherever a tensor is. Recorded gradients see every read of it.

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

    __slots__ = ("__weakref__", "_value", "name", "trainable")

    def __init__(self, initial_value: Any, trainable: bool = True, name: str | None = None, dtype: Any = None) -> None:
        value = initial_value() if callable(initial_value) else initial_value
        self._value = tensor(value, dtype)
        self.trainable = trainable
        self.name = current().scope + (name or f"variable_{next(_counter)}")
        if trainable and not self._value.dtype.is_inexact:
            raise DTypeError(
                f"variable {self.name!r}: dtype {self._value.dtype} has no gradients; give floating-point values, a "
                "dtype, or trainable=False"
            )

    def read(self) -> Tensor:
        """The value now; while something records, a tensor that gradients reach this variable through."""
        if self.trainable and current().recording:
            return _record.source(self._value, _read, {"variable": self})
        return self._value

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

    def assign(self, value: Any) -> Variable:
        """Give it a new value of the same shape and dtype.

        Raises:
            ShapeError: another shape.
            DTypeError: a dtype that would lose something: only Python numbers and narrower floats are converted.
        """
        weak = isinstance(value, bool | int | float | list | tuple)
        immutable = type(value) is Tensor or hasattr(type(value), "__chainrule_tensor__")
        new = as_tensor(value) if immutable else tensor(value)
        if new.backend is not self.backend:
            new = ops.to_backend(new, backend=self.backend.name)
        if new.shape != self.shape:
            raise ShapeError(f"variable {self.name!r} has shape {self.shape}, cannot take a value of shape {new.shape}")
        if new.dtype != self.dtype:
            if not weak and not (new.dtype.kind == self.dtype.kind and new.dtype.bits < self.dtype.bits):
                raise DTypeError(f"variable {self.name!r} is {self.dtype}, got {new.dtype}; cast with cr.astype")
            new = ops.astype(new, dtype=self.dtype)
        self._value = Tensor(new.value, new.backend)
        return self

    def assign_add(self, delta: Any) -> Variable:
        """Add to its value; `IndexedSlices` add to some rows."""
        return self._update(delta, "add")

    def assign_sub(self, delta: Any) -> Variable:
        """Subtract from its value; `IndexedSlices` subtract from some rows."""
        return self._update(-delta if type(delta) is IndexedSlices else delta, "subtract")

    def _update(self, delta: Any, how: str) -> Variable:
        with no_grad():
            if type(delta) is IndexedSlices:
                if delta.dense_shape != self.shape:
                    raise ShapeError(f"variable {self.name!r} has shape {self.shape}, got rows of {delta.dense_shape}")
                return self.assign(ops.add_at(self._value, delta.indices, delta.values))
            return self.assign(getattr(ops, how)(self._value, delta))

    def __repr__(self) -> str:
        text = repr(self._value)
        return f"<Variable {self.name!r} {text[text.find('(') + 1 : -1]}>"

    def __len__(self) -> int:
        return len(self._value)

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
