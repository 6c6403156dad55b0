"""What counts as a tensor, and how other things become one."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from chainrule import _backends
from chainrule._context import current
from chainrule._dtypes import PYTHON_NUMBERS, as_dtype, complex64, promote, scalar_dtype
from chainrule._errors import BackendError, DTypeError
from chainrule._symbol import Symbol
from chainrule._tensor import Tensor
from chainrule.infer import Spec, scalar_spec

if TYPE_CHECKING:
    from chainrule._backend import Backend
    from chainrule._op import Op


def tensor(data: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Make a constant tensor: a copy of an array, a number, or nested sequences of numbers.

    Args:
        data: numbers, nested lists or tuples of them, any array, or a tensor (whose history is cut).
        dtype: a dtype or its name; by default that of the data, the default dtype for Python floats.
        device: a device of the backend; by default that of the data if it has one, else the one in force.

    Raises:
        DTypeError: `data` is nothing that can be an array, or the backend lacks the dtype.

    >>> import chainrule as cr
    >>> cr.tensor([[1, 2], [3, 4]], dtype="float32")
    Tensor([[1., 2.],
            [3., 4.]], float32)
    """
    if type(data) is Tensor and type(data._value) is Symbol:
        from chainrule import ops

        cut: Tensor = ops.stop_gradient(data)
        return cut if dtype is None or cut.dtype == as_dtype(dtype) else ops.astype(cut, dtype=dtype)
    backend = data._backend if type(data) is Tensor else _backends.home_of(data)
    if type(data) in PYTHON_NUMBERS and dtype is None:
        dtype = scalar_dtype(data)
    if type(data) is Tensor:
        data = data._value
    native = None if dtype is None else backend.native(as_dtype(dtype))
    if device is None and not isinstance(data, backend.array_types):  # an array of the backend's own stays where it is
        device = _device_of_choice(backend)
    return Tensor(_checked(backend.asarray(_default_floats(data, native, backend), native, device), backend), backend)


def as_tensor(value: Any, backend: Backend | None = None, device: str | None = None) -> Tensor:
    """The tensor that something stands for: itself, a variable's value, or a constant. Arrays are not copied.

    Raises:
        DTypeError: it is nothing that can be an array.
    """
    kind = type(value)
    if kind is Tensor:
        return value  # type: ignore[no-any-return]  # `type(...) is` does not narrow Any
    convert = getattr(kind, "__chainrule_tensor__", None)
    if convert is not None:
        converted: Tensor = convert(value)
        return converted
    if backend is None:
        backend = _backends.home_of(value)
    if isinstance(value, backend.array_types):
        return Tensor(_checked(value, backend), backend)
    device = device or _device_of_choice(backend)
    if kind in PYTHON_NUMBERS:
        return Tensor(backend.full((), value, backend.native(scalar_dtype(value)), device), backend)
    owner = _backends.backend_of(value)
    if owner is not None:
        value = owner.to_numpy(_checked(value, owner))
    elif isinstance(value, list | tuple):
        if any(map(_holds_tensor, value)):
            from chainrule import ops

            stacked: Tensor = ops.stack([as_tensor(part, backend) for part in value])
            return stacked
    elif not hasattr(value, "__array__") and not hasattr(value, "__dlpack__"):
        raise DTypeError(
            f"expected a tensor, array or number, got {kind.__module__}.{kind.__qualname__}: {value!r:.80}"
        )
    return Tensor(_checked(backend.asarray(_default_floats(value, None, backend), None, device), backend), backend)


def _device_of_choice(backend: Backend) -> str | None:
    """The device in force, if that is one of this backend's."""
    return _backends.get_device() if backend is _backends.get_backend() else None


def _default_floats(data: Any, native: Any, backend: Backend) -> Any:
    """Nested Python floats in the default dtype, where that is not what libraries make of them by themselves."""
    if native is None and isinstance(data, list | tuple):
        kind = _widest(data)
        if kind in (float, complex):
            return backend.asarray(data, backend.native(scalar_dtype(kind())), None)
    return data


def _widest(data: Any) -> Any:
    """The widest type of the Python numbers in nested sequences, None if there is anything else."""
    if isinstance(data, list | tuple):
        kinds = [_widest(part) for part in data]
        ranks = [bool, int, float, complex]
        return max(kinds, key=ranks.index) if kinds and all(k in ranks for k in kinds) else None
    return type(data)


def _checked(array: Any, backend: Backend) -> Any:
    """The array, after it was looked at: arrays of objects or strings are refused by name."""
    backend.dtype(array.dtype)
    backend.admit(array)
    return array


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_tensor, value))
    return type(value) is Tensor or hasattr(type(value), "__chainrule_tensor__")


def coerce(op: Op, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Backend]:
    """An operation's inputs as tensors of one backend, and that backend.

    None stays, for inputs that may be left out. Beside an array a Python number stays what it is where the operation
    broadcasts: it is weak, and takes the array's dtype.

    Raises:
        BackendError: tensors of two backends.
    """
    backend: Backend | None = None
    for x in inputs:
        if type(x) is not Tensor or (backend is not None and x._backend is not backend):
            break
        backend = x._backend
    else:
        if backend is not None:  # the usual case
            return inputs, backend
    converted = [
        x if type(x) is Tensor or x is None or type(x) in PYTHON_NUMBERS or not _is_foreign(x) else as_tensor(x)
        for x in inputs
    ]
    backend = None
    first: Any = None
    for x in converted:
        if type(x) is Tensor:
            if backend is None:
                backend, first = x._backend, x
            elif x._backend is not backend:
                if type(x._value) is Symbol or type(first._value) is Symbol:
                    return coerce(op, tuple(map(lifted, converted)))
                raise BackendError(
                    f"{op.name}: inputs are tensors of backends {backend.name!r} and {x._backend.name!r}; "
                    f"move one: cr.to_backend(x, {backend.name!r})"
                )
    if backend is None:
        homes = [_backends.home_of(x) for x in converted if x is not None and type(x) not in PYTHON_NUMBERS]
        backend = next((home for home in homes if home.name != _backends.DEFAULT), None) or _backends.get_backend()
        if not homes:
            return tuple(x if x is None else as_tensor(x, backend) for x in converted), backend
    keep_numbers = op.broadcasts
    coerced = tuple(
        x
        if type(x) is Tensor or x is None or (keep_numbers and type(x) in PYTHON_NUMBERS)
        else as_tensor(x, backend, None if first is None else first.device)
        for x in converted
    )
    if keep_numbers and complex in map(type, coerced):
        coerced = _without_complex_numbers(coerced)
    return coerced, backend


def _without_complex_numbers(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Inputs with Python's complex numbers as arrays, of the dtype that they have beside the others.

    Python would compute by itself with one of them and what is a Python float too, as some of NumPy's scalars are.
    """
    tensors = [x for x in inputs if type(x) is Tensor]
    dtypes = [x.dtype for x in tensors if x.dtype.is_inexact]
    dtype = reduce(promote, dtypes, complex64) if dtypes else scalar_dtype(0j)
    concrete = next((x for x in tensors if type(x._value) is not Symbol), None)
    backend = _backends.get_backend() if concrete is None else concrete._backend
    device = _device_of_choice(backend) if concrete is None else concrete.device
    native = backend.native(dtype)
    made = [Tensor(backend.full((), x, native, device), backend) if type(x) is complex else x for x in inputs]
    return tuple(map(lifted, made) if any(type(x._value) is Symbol for x in tensors) else made)


def lifted(x: Any) -> Any:
    """A concrete tensor beside a symbolic one: a constant of the graph that is being built."""
    graph = current().graph
    return graph.constant(x) if graph is not None and type(x) is Tensor and type(x._value) is not Symbol else x


def _is_foreign(value: Any) -> bool:
    """Whether it becomes a tensor in a way of its own (a variable), not as a constant of the others' backend."""
    return hasattr(type(value), "__chainrule_tensor__") or (isinstance(value, list | tuple) and _holds_tensor(value))


def spec_of(x: Any) -> Spec | None:
    """The shape and dtype of an operation's input, as shape rules take them."""
    if x is None:
        return None
    if type(x) in PYTHON_NUMBERS:
        return scalar_spec(x)
    if type(x) is Tensor and type(x._value) is Symbol:
        return x._value.spec
    return Spec(x.shape, x.dtype)
