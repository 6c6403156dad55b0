"""`Module`: a part of a network with its parameters, and a pytree of them."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Final, Self

import optree

from chainrule import ArgumentError, Tensor, Variable, as_tensor

_trees: Any = optree  # whose types know no classes that are registered
_EVERYWHERE: Final = optree.registry.__GLOBAL_NAMESPACE

_counts: Counter[str] = Counter()


class Module:
    """A part of a network: an object whose attributes are its parameters, its parts, and whatever else it needs.

    A subclass sets attributes in `__init__` and computes in `__call__`. Attributes that are arrays (tensors, variables,
    arrays of a library), modules, or lists, tuples and dictionaries of these make it a pytree; all others, such as
    numbers and functions, are part of its structure. So a module goes wherever a pytree goes:

    - Its parameters are variables, which tapes watch, optimizers change and compiled functions read:
      `optimizer.minimize(lambda: loss(model))`.
    - `cr.grad(loss)(model)` is a module of gradients. Inside, the parameters are tensors.
    - `cr.save` and `cr.load` take a module, and name each parameter by its path.

    >>> import chainrule as cr
    >>> class Perceptron(cr.nn.Module):
    ...     def __init__(self, seed):
    ...         self.hidden = cr.nn.Linear(2, 8, seed=seed)
    ...         self.out = cr.nn.Linear(8, 1, seed=seed)
    ...     def __call__(self, x):
    ...         return self.out(cr.relu(self.hidden(x)))
    >>> model = Perceptron(seed=0)
    >>> sorted(model.variables())
    ['hidden.b', 'hidden.w', 'out.b', 'out.w']
    >>> gradient = cr.grad(lambda model, x: cr.sum(model(x)))(model, cr.ones((1, 2)))
    >>> gradient.out.b
    Tensor([1.], float64)
    """

    __chainrule_tree__: ClassVar = True
    _modes: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._modes = frozenset({"training", "generator"} & inspect.signature(cls.__call__).parameters.keys())
        _trees.register_pytree_node(
            cls, _flatten, cls._unflatten, path_entry_type=optree.GetAttrEntry, namespace=_EVERYWHERE
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What it computes. A subclass that learns otherwise than it works takes `training` and `generator`."""
        raise NotImplementedError(f"{type(self).__name__} defines no __call__")

    @classmethod
    def _unflatten(cls, structure: _Structure, children: Iterable[Any]) -> Self:
        module = object.__new__(cls)
        vars(module).update(structure.rest)
        vars(module).update(zip(structure.names, children, strict=True))
        return module

    def variables(self) -> dict[str, Variable]:
        """All of its variables by their paths, those of its parts among them."""
        accessors, leaves, _ = _trees.tree_flatten_with_accessor(self)
        return {a.codify("")[1:]: x for a, x in zip(accessors, leaves, strict=True) if isinstance(x, Variable)}

    def values(self) -> Self:
        """The same module with the values that its variables have now in their place: one that nothing changes."""
        found: Self = _trees.tree_map(as_tensor, self)
        return found

    def assign(self, values: Self) -> None:
        """Give its variables the values of another module of the same structure.

        Raises:
            ArgumentError: a part of it is no variable.
        """
        pairs = list(zip(_trees.tree_leaves(self), _trees.tree_structure(self).flatten_up_to(values), strict=True))
        for variable, _ in pairs:
            if not isinstance(variable, Variable):
                raise ArgumentError(f"assign: {type(self).__name__} holds a {type(variable).__name__}, no variable")
        for variable, value in pairs:
            variable.assign(value)

    def updated(self, name: str, value: Tensor) -> None:
        """Give an attribute a new value: a variable is assigned, a tensor replaced in this module alone."""
        held = getattr(self, name)
        if isinstance(held, Variable):
            held.assign(value)
        else:
            setattr(self, name, value)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={_shown(value)}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inside})"


class _Structure:
    """What of a module is no array.

    Attributes:
        names: the attributes that are, or hold, arrays.
        rest: the others.
    """

    __slots__ = ("names", "rest")

    def __init__(self, names: tuple[str, ...], rest: dict[str, Any]) -> None:
        self.names = names
        self.rest = rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Structure) and self.names == other.names and self.rest == other.rest

    def __hash__(self) -> int:
        return hash((self.names, tuple(self.rest)))

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.rest.items())


def _flatten(module: Module) -> tuple[list[Any], _Structure, tuple[str, ...]]:
    names = tuple([name for name, value in vars(module).items() if _holds_arrays(value)])
    rest = {name: value for name, value in vars(module).items() if name not in names}
    return [vars(module)[name] for name in names], _Structure(names, rest), names


def _holds_arrays(value: Any) -> bool:
    """Whether something is an array, or made of modules and arrays."""
    if isinstance(value, Module):
        return True
    if isinstance(value, list | tuple | dict):
        return any(map(_holds_arrays, value.values() if isinstance(value, dict) else value))
    return hasattr(type(value), "dtype") and hasattr(type(value), "shape")


def _shown(value: Any) -> str:
    if hasattr(type(value), "dtype") and hasattr(type(value), "shape"):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return getattr(value, "__name__", None) or repr(value)


def fresh_name(module: Module) -> str:
    """A name for what belongs to a module, which no other has: `linear_2`. Made in one order, they have one name."""
    kind = type(module).__name__.lower()
    _counts[kind] += 1
    return f"{kind}_{_counts[kind] - 1}"
