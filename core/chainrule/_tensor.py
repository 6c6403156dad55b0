"""`Tensor`: an immutable array value that knows how it was computed."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from chainrule import _numpy_protocol
from chainrule._context import current
from chainrule._dtypes import DType
from chainrule._errors import ArgumentError, MissingKernelError, TrackedValueError
from chainrule._node import MADE, Cut, Node
from chainrule._symbol import Symbol
from chainrule.infer import size

if TYPE_CHECKING:
    from chainrule._backend import Backend


_STACK = "Build arrays of tensors with cr.stack or cr.asarray, and call cr.* or np.*"
_SCIPY = (
    "SciPy's functions of the array API take tensors if SCIPY_ARRAY_API=1 is in the environment before SciPy is "
    "imported; for the others there are cr.special, cr.linalg, cr.fft and cr.custom_gradient"
)


class Tensor:
    """An immutable array value.

    A tensor holds an array of a backend's library (`value`) and, where a gradient may have to flow through it, the
    node that made it. Make one with `cr.tensor`; operations, operators and `np.*` functions on tensors give tensors.

    >>> import chainrule as cr
    >>> x = cr.tensor([1.0, 2.0, 3.0])
    >>> x * 2 + 1
    Tensor([3., 5., 7.], float64)
    >>> x.shape, x.dtype
    ((3,), chainrule.float64)
    """

    __slots__ = ("__weakref__", "_backend", "_index", "_node", "_value")

    _value: Any
    _backend: Backend
    _node: Node | Cut | None
    _index: int

    def __init__(self, value: Any, backend: Backend, node: Node | Cut | None = None, index: int = 0) -> None:
        self._value = value
        self._backend = backend
        self._node = MADE if node is None and current().mode else node
        self._index = index

    @property
    def value(self) -> Any:
        """The backend's own array, to read and never to write to."""
        return self._value

    @property
    def backend(self) -> Backend:
        """The backend whose array this holds."""
        return self._backend

    @property
    def node(self) -> Node | None:
        """The node that made it, if a gradient can pass from here."""
        node = self._node
        return node if isinstance(node, Node) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis; of a symbolic tensor, one that is not known yet is a `Dim`, which equals None.

        None for a symbolic tensor of which not even the number of axes is known.
        """
        shape: Any = self._value.shape
        return shape if shape is None else tuple(shape)  # type: ignore[return-value]  # None for symbols alone

    @property
    def dtype(self) -> DType:
        """The type of its elements."""
        return self._backend.dtype(self._value.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        if self._value.shape is None:
            self._value.refuse("The number of axes", "Give the placeholder a shape")
        return len(self._value.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        shape: Any = self._value.shape
        if shape is None:
            self._value.refuse("The number of elements", "Give the placeholder a shape")
        total: Any = size(shape)
        return total  # type: ignore[no-any-return]  # an integer, or a `Dim` in a graph

    @property
    def name(self) -> str | None:
        """A symbolic tensor's name in its graph; None for a concrete one."""
        return self._value.name if type(self._value) is Symbol else None

    @property
    def device(self) -> str:
        """The name of the device its array is on."""
        return self._backend.device_of(self._value)

    def numpy(self) -> Any:
        """A copy as a NumPy array in host memory, cut from the gradient."""
        return self._backend.to_numpy(self._value)

    def item(self) -> Any:
        """The one element as a Python number, cut from the gradient.

        Raises:
            ValueError: it has more than one element.
        """
        return self._backend.to_numpy(self._value).item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers, cut from the gradient."""
        return self._backend.to_numpy(self._value).tolist()

    def eval(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> Any:
        """The value as an array; of a symbolic tensor, run in a session, the default one if none is given."""
        if type(self._value) is not Symbol:
            return self._value
        from chainrule._session import default_session

        return default_session(f"{self._value.name}.eval", session).run(self, feed_dict)

    def detach(self) -> Tensor:
        """The same value as a constant: no gradient flows back from it. The same as `cr.stop_gradient(x)`."""
        from chainrule import ops

        stopped: Tensor = ops.stop_gradient(self)
        return stopped

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Call `hook(cotangent)` when a gradient reaches this tensor; what it returns, unless None, goes on instead.

        Returns:
            A function that takes the hook away again.

        Raises:
            TrackedValueError: no gradient can reach this tensor.
        """
        from chainrule._hooks import register_hook

        return register_hook(self, hook)

    def keep_gradient(self) -> Tensor:
        """Keep the cotangent of this intermediate result when a gradient passes; read it as `gradient`.

        >>> import chainrule as cr
        >>> with cr.GradientTape() as tape:
        ...     x = tape.watch(cr.tensor(3.0))
        ...     y = (x * x).keep_gradient()
        ...     z = y * 2.0
        >>> tape.gradient(z, x), y.gradient
        (Tensor(12.0, float64), Tensor(2.0, float64))
        """
        from chainrule._hooks import keep_gradient

        return keep_gradient(self)

    @property
    def gradient(self) -> Any:
        """What `keep_gradient` kept of the latest gradient that passed; None before one did."""
        from chainrule._hooks import kept_gradient

        return kept_gradient(self)

    # Conversions to other worlds

    def _escape(self, conversion: str, instead: str) -> NoReturn:
        if type(self._value) is Symbol:
            self._value.refuse(conversion, instead)
        node = self._node
        made = f"; it was made at {node.site}" if isinstance(node, Node) else ""
        raise TrackedValueError(
            f"{conversion} of a tracked tensor of shape {self.shape} would cut it out of the gradient in silence. "
            f"{instead}; to read the value and cut it knowingly, use .item(), .numpy() or cr.stop_gradient(x){made}"
        )

    @property
    def _is_tracked(self) -> bool:
        return self._node is not None and self._node.live and current().recording

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self._is_tracked:
            self._escape("np.array(...)", _SCIPY if _called_by("scipy") else _STACK)
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __float__(self) -> float:
        if self._is_tracked:
            self._escape(
                "float(...)",
                "Compute with cr.* or np.* functions (cr.sin(t) for math.sin(t), cr.set_at(a, i, t) for a[i] = t)",
            )
        return float(self.item())

    def __complex__(self) -> complex:
        if self._is_tracked:
            self._escape("complex(...)", "Compute with cr.* or np.* functions")
        return complex(self.item())

    def __int__(self) -> int:
        if self._is_tracked:
            self._escape("int(...)", "Compute with cr.floor, cr.round or cr.astype")
        return int(self.item())

    def __index__(self) -> int:
        if self._is_tracked:
            self._escape("Use as an index", "Index with integers")
        return operator.index(self.item())

    def __bool__(self) -> bool:
        if type(self._value) is Symbol:
            self._value.refuse(
                "The truth",
                "Instead of `if x:` write cr.cond(x, f, g) or cr.where(x, a, b); instead of `while x:`, "
                "cr.while_loop(cond, body, init); instead of `x and y`, cr.logical_and(x, y)",
            )
        return bool(self.item())

    def __len__(self) -> int:
        if not self._value.shape:
            raise TypeError("len() of a tensor of no dimensions")
        return int(self._value.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        """The namespace that has the functions of the array API standard: `chainrule`.

        Raises:
            ArgumentError: it has no such version of the standard.
        """
        from chainrule._inspection import namespace

        return namespace(api_version)

    def to_device(self, device: str, /, *, stream: Any = None) -> Tensor:
        """The tensor on another device of its backend; gradients move back. See `cr.to_backend` for other backends.

        Args:
            device: the name of one, as in `x.device`.
            stream: None; operations wait for what they need by themselves.

        Raises:
            BackendError: the backend has no such device.
        """
        from chainrule import ops

        if stream is not None:
            raise ArgumentError(
                f"to_device: takes no stream, got {stream!r}; the copy waits for what it needs by itself"
            )
        moved: Tensor = ops.to_backend(self, f"{self._backend.name}:{device}")
        return moved

    def __dlpack__(
        self,
        /,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if self._is_tracked:
            self._escape("DLPack export", "Compute with cr.* functions")
        options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        return self._exported.__dlpack__(**{name: value for name, value in options.items() if value is not None})

    def __dlpack_device__(self) -> Any:
        return self._exported.__dlpack_device__()

    @property
    def _exported(self) -> Any:
        """The array that others read the elements of: a number that NumPy has no array for becomes one."""
        return self._value if hasattr(self._value, "__dlpack__") else self.numpy()

    def __repr__(self) -> str:
        if type(self._value) is Symbol:
            return f"Tensor({self._value.name!r}, shape={self.shape}, {self.dtype})"
        if not hasattr(self._value, "__len__") and not hasattr(self._value, "ndim"):
            return f"Tensor(<dropped>, shape={tuple(self._value.shape)}, {self.dtype})"
        text = str(self.tolist()) if not self._value.shape else self._array_text()
        return f"Tensor({text}, {self.dtype}{self._where()})"

    def _array_text(self) -> str:
        text = repr(self.numpy())
        body = text[text.find("(") + 1 : -1]
        return body.partition(", dtype=")[0].partition(", shape=")[0].replace("\n      ", "\n       ")

    def _where(self) -> str:
        return "" if self._backend.name == "numpy" else f", {self._backend.name}:{self.device}"

    def __format__(self, format_spec: str) -> str:
        return format(self.item() if format_spec and not self._value.shape else str(self), format_spec)

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._is_tracked:
            self._escape("Pickling", "Pickle results after the gradient")
        return Tensor, (self._value, self._backend)

    __array_ufunc__ = _numpy_protocol.array_ufunc
    __array_function__ = _numpy_protocol.array_function

    __hash__ = object.__hash__

    def __setitem__(self, index: Any, value: Any) -> None:
        """Make this tensor what it is with the elements at an index replaced: `x = cr.set_at(x, index, value)`.

        Only this object changes: what was computed from it, or taken of it, stays as it was.

        Raises:
            TrackedValueError: it was not made by the function that is being differentiated or compiled.
        """
        from chainrule._assignment import assign

        assign(self, index, value)

    def __getattr__(self, name: str) -> Any:
        """Methods come with plugins: load them when the first unknown one is asked for."""
        if not name.startswith("_"):
            from chainrule._plugins import load_plugins

            load_plugins()
            if name in Tensor.__dict__:
                return getattr(self, name)
        raise AttributeError(f"a Tensor has no attribute {name!r}; write cr.{name}(...) if that is a function")

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lshift__(self, other: Any) -> Tensor: ...
        def __rshift__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]  # elementwise, as arrays do
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]  # elementwise, as arrays do
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...


OPERATORS = {
    "__add__": "add",
    "__sub__": "subtract",
    "__mul__": "multiply",
    "__truediv__": "divide",
    "__floordiv__": "floor_divide",
    "__mod__": "remainder",
    "__pow__": "pow",
    "__matmul__": "matmul",
    "__and__": "bitwise_and",
    "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift",
    "__lt__": "less",
    "__le__": "less_equal",
    "__gt__": "greater",
    "__ge__": "greater_equal",
    "__eq__": "equal",
    "__ne__": "not_equal",
    "__neg__": "negative",
    "__pos__": "positive",
    "__abs__": "abs",
    "__invert__": "bitwise_invert",
    "__getitem__": "getitem",
}
_REFLECTED = (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
)


def bind_operator(op: str, function: Callable[..., Any]) -> None:
    """Make an operation's function the operator it stands for, if it does: no frame lies between the two."""
    for method, name in OPERATORS.items():
        if name == op:
            setattr(Tensor, method, function)
            if method.strip("_") in _REFLECTED:
                setattr(Tensor, f"__r{method.strip('_')}__", lambda self, other: function(other, self))


def _unbound(method: str, op: str) -> Callable[..., Any]:
    """An operator before the plugin that has its operation is loaded."""

    def operator(*operands: Any) -> Any:
        from chainrule._plugins import load_plugins, why_no_op
        from chainrule._registry import ops

        load_plugins()
        bound = Tensor.__dict__[method]
        if bound is operator:
            function = ops.find(op)  # imported now, if ever
            if function is None:
                raise MissingKernelError(f"operator {method} of tensors is op {op!r}, and {why_no_op(op)}")
            bind_operator(op, function)
            bound = Tensor.__dict__[method]
        return bound(*operands)

    return operator


def unbind_operator(op: str) -> None:
    """Leave the operators that an operation stands for to the plugin that will have it."""
    for method, name in OPERATORS.items():
        if name == op:
            setattr(Tensor, method, _unbound(method, op))
            if method.strip("_") in _REFLECTED:
                reflected = f"__r{method.strip('_')}__"
                setattr(Tensor, reflected, _unbound(reflected, op))


for _op in OPERATORS.values():
    unbind_operator(_op)


def _called_by(package: str) -> bool:
    """Whether the nearest code outside of chainrule and NumPy is a package's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        if module not in ("chainrule", "numpy"):
            return module == package
        frame = frame.f_back
    return False
