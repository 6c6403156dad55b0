"""What goes into an update: gradients and variables, checked and named before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from chainrule import (
    ArgumentError,
    BackendError,
    ChainruleError,
    DTypeError,
    IndexedSlices,
    ShapeError,
    Tensor,
    Variable,
    as_tensor,
    infer,
    ops,
)
from chainrule_optim._checked import Checked
from chainrule_optim._numbers import is_symbolic

Gradient: TypeAlias = Tensor | IndexedSlices | None
Pairs: TypeAlias = list[tuple[Gradient, Variable]]
Given: TypeAlias = Sequence[Any] | Mapping[Variable, Any]
OwnGradients: TypeAlias = Given | Callable[[], Given] | Checked


def as_variables(what: str, variables: Any) -> list[Variable]:
    """A variable or an iterable of them as a list of different ones.

    Raises:
        DTypeError: something else among them, or one that has no gradient.
        ArgumentError: one comes twice, or there are none.
    """
    found = [variables] if isinstance(variables, Variable) else _listed(what, "variables", variables)
    for i, variable in enumerate(found):
        if not isinstance(variable, Variable):
            raise DTypeError(
                f"{what}: entry {i} of the variables is a {type(variable).__name__}, not a Variable: {variable!r:.60}"
            )
        if not variable.dtype.is_inexact:
            raise DTypeError(
                f"{what}: variable {variable.name!r} is {variable.dtype}, and only floating-point values have "
                "gradients; a counter of steps is passed as global_step="
            )
    _refuse_twice(what, found, "name it once")
    if not found:
        raise ArgumentError(f"{what}: no variables to optimize")
    return found


def as_pairs(what: str, grads_and_vars: Iterable[tuple[Any, Variable]], allow_duplicates: bool = False) -> Pairs:
    """Checked pairs of a gradient and a variable, each variable once.

    Raises:
        DTypeError: an entry is no such pair, or a gradient's dtype is wrong.
        ShapeError: a gradient has not its variable's shape.
        ArgumentError: a variable comes twice and may not, or there are no pairs.
    """
    listed = _listed(what, "pairs (gradient, variable)", grads_and_vars)
    if not listed:
        raise ArgumentError(f"{what}: no variables: expected pairs (gradient, variable), got none")
    for i, pair in enumerate(listed):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DTypeError(f"{what}: entry {i}: expected a pair (gradient, variable), got {pair!r:.60}")
        if not isinstance(pair[1], Variable):
            raise DTypeError(
                f"{what}: entry {i}: expected (gradient, variable), got a {type(pair[1]).__name__} in the variable's "
                f"place: {pair[1]!r:.60}"
            )
    if not allow_duplicates:
        instead = "add its gradients up into one, or pass allow_duplicates=True"
        _refuse_twice(what, [variable for _, variable in listed], instead)
    pairs: Pairs = [(as_gradient(what, gradient, variable), variable) for gradient, variable in listed]
    return _summed(pairs) if allow_duplicates else pairs


def _summed(pairs: Pairs) -> Pairs:
    """The gradients of one variable added up."""
    sums: dict[int, tuple[Any, Variable]] = {}
    for gradient, variable in pairs:
        before = sums.get(id(variable), (None, variable))[0]
        both = before is not None and gradient is not None
        sums[id(variable)] = (before + gradient if both else before if gradient is None else gradient, variable)
    return list(sums.values())


def as_gradient(what: str, gradient: Any, variable: Variable) -> Gradient:
    """A gradient as a tensor or rows, once it fits the variable.

    A tensor's dtype is the variable's; an array may be narrower, and Python's numbers become what is needed.
    """
    like = variable.initial_value
    if gradient is None or (
        type(gradient) is Tensor
        and gradient.backend is like.backend
        and gradient.shape == like.shape
        and gradient.dtype is like.dtype
        and like.dtype.is_inexact
    ):
        return gradient
    where = f"{what}: the gradient of variable {variable.name!r}"
    if not variable.dtype.is_inexact:
        raise DTypeError(f"{where}: the variable is {variable.dtype}, and only floating-point values have gradients")
    if type(gradient) is IndexedSlices:
        return _as_rows(where, gradient, variable)
    return _fitted(where, gradient, variable, variable.shape)


def _as_rows(where: str, rows: IndexedSlices, variable: Variable) -> IndexedSlices:
    if rows.dense_shape != variable.shape:
        raise ShapeError(f"{where}: expected rows of shape {variable.shape}, got rows of {rows.dense_shape}")
    indices = _converted(f"{where}: its row indices", rows.indices, variable)
    if indices.dtype.kind not in ("int", "uint") or indices.ndim != 1:
        raise DTypeError(f"{where}: row indices are integers of one dimension, got {indices.dtype} {indices.shape}")
    values = _fitted(f"{where}: its rows", rows.values, variable, indices.shape + variable.shape[1:])
    return IndexedSlices(values, indices, variable.shape)


def _fitted(where: str, gradient: Any, variable: Variable, shape: tuple[int, ...]) -> Tensor:
    """A tensor of this shape and the variable's dtype and backend."""
    tensor = _converted(where, gradient, variable)
    if tensor.shape != shape:
        if not (is_symbolic(tensor) and infer.may_equal(tensor.shape, shape)):
            raise ShapeError(f"{where}: expected shape {shape}, got {tensor.shape}")
        # Its sizes are known when it runs: then one number must not stand for many.
        tensor = ops.reshape(tensor, shape=shape)
    got, wanted = tensor.dtype, variable.dtype
    if got is wanted:
        return tensor
    if type(gradient) in (bool, int, float, complex, list, tuple):
        fits = got.kind != "complex" or wanted.kind == "complex"
    else:
        fits = not isinstance(gradient, Tensor | Variable) and got.kind == wanted.kind and got.bits < wanted.bits
    if not fits:
        raise DTypeError(f"{where}: expected dtype {wanted}, got {got}; cast it: cr.astype(gradient, {str(wanted)!r})")
    cast: Tensor = ops.astype(tensor, dtype=wanted)
    return cast


def _converted(where: str, gradient: Any, variable: Variable) -> Tensor:
    try:
        tensor = as_tensor(gradient, variable.backend)
    except (ChainruleError, TypeError, ValueError) as error:
        raise DTypeError(f"{where}: expected a tensor, array, IndexedSlices or None: {error}") from error
    if tensor.backend is not variable.backend and not is_symbolic(tensor):
        raise BackendError(
            f"{where}: it is on backend {tensor.backend.name!r}, the variable on {variable.backend.name!r}; move it: "
            f"cr.to_backend(gradient, {variable.backend.name!r})"
        )
    return tensor


def own_gradients(what: str, given: Given, variables: Sequence[Variable]) -> dict[int, Any]:
    """The gradients that somebody gave, by the position of their variable.

    Raises:
        ArgumentError: a sequence of another length, or a mapping from something else than these variables.
    """
    if isinstance(given, Mapping):
        places = {id(variable): i for i, variable in enumerate(variables)}
        strangers = [getattr(key, "name", repr(key)) for key in given if id(key) not in places]
        if strangers:
            names = ", ".join(variable.name for variable in variables)
            raise ArgumentError(
                f"{what}: gradients for {', '.join(map(repr, strangers))}, not among the variables: {names}"
            )
        return {places[id(key)]: gradient for key, gradient in given.items()}
    listed = _listed(what, "gradients", given)
    if len(listed) != len(variables):
        raise ArgumentError(f"{what}: got {len(listed)} gradients for {len(variables)} variables")
    return dict(enumerate(listed))


def _listed(what: str, name: str, things: Any) -> list[Any]:
    try:
        return list(things)
    except TypeError:
        raise DTypeError(f"{what}: expected {name}, got {type(things).__name__} {things!r:.60}") from None


def _refuse_twice(what: str, variables: Sequence[Variable], instead: str) -> None:
    seen: set[int] = set()
    for variable in variables:
        if id(variable) in seen:
            raise ArgumentError(f"{what}: variable {variable.name!r} comes twice; {instead}")
        seen.add(id(variable))
