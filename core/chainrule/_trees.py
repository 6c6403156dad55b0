"""Pytrees of arguments and results: which leaves are arrays, and giving back what was put in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule import _backends
from chainrule._backend import Backend
from chainrule._convert import as_tensor
from chainrule._dtypes import PYTHON_NUMBERS
from chainrule._tensor import Tensor

if TYPE_CHECKING:
    import optree


class Leaf:
    """The structure of a tree that is one leaf, as optree's are. Most are, and optree takes long to import."""

    num_leaves = 1

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The leaf."""
        (leaf,) = leaves
        return leaf

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What stands in the leaf's place."""
        return [tree]

    def __repr__(self) -> str:
        return "PyTreeSpec(*)"


_LEAF = Leaf()
Structure: TypeAlias = "optree.PyTreeSpec | Leaf"


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a tree, in order, and its structure, which puts others in their places."""
    if is_tensor(tree) or is_number(tree) or _backends.backend_of(tree) is not None:
        return [tree], _LEAF
    import optree

    return optree.tree_flatten(tree)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a Python number."""
    return type(leaf) in PYTHON_NUMBERS


def is_tensor(leaf: Any) -> bool:
    """Whether a leaf is a tensor or, like a variable, stands for one."""
    return type(leaf) is Tensor or hasattr(type(leaf), "__chainrule_tensor__")


def is_array(leaf: Any) -> bool:
    """Whether a leaf of an argument can have a gradient: a tensor, variable, array or float."""
    if is_tensor(leaf) or _backends.backend_of(leaf) is not None:
        return as_tensor(leaf).dtype.is_inexact
    return type(leaf) in (float, complex)


def any_tensor(trees: Iterable[Any]) -> bool:
    """Whether some leaf is a tensor."""
    for tree in trees:
        if is_tensor(tree):
            return True
        if _is_tree(tree) and any(map(is_tensor, leaves_of(tree))):
            return True
    return False


def _is_tree(x: Any) -> bool:
    """Whether something is a container, or of a class that says of itself that it is a pytree."""
    return isinstance(x, list | tuple | dict) or hasattr(type(x), "__chainrule_tree__")


def leaves_of(tree: Any) -> list[Any]:
    """The leaves of a tree, in order."""
    return flatten(tree)[0]


def path_of(treedef: Structure, i: int) -> str:
    """Where leaf `i` of a tree is, as an expression to follow the tree's name."""
    if isinstance(treedef, Leaf):
        return ""
    import optree

    return optree.treespec_accessors(treedef)[i].codify("")


def untensor(x: Any, library: Backend | None = None) -> Any:
    """A tensor as an array of a library, its own backend's by default.

    It is a copy: what is written into a result reaches neither another result nor a graph that is still used.
    """
    if type(x) is not Tensor:
        return x
    if library is None or library is x._backend:
        return x._backend.asarray(x._value, None, x.device) if x._value.shape else x._value
    return library.asarray(x._backend.to_numpy(x._value), library.native(x.dtype), None)


def library_of(leaf: Any) -> Backend | None:
    """The library that a leaf's result goes back to; None for whichever computed it."""
    return None if is_number(leaf) else _backends.backend_of(leaf)


def arrays_out(tree: Any, library: Backend | None = None) -> Any:
    """A tree with its tensors as arrays."""
    leaves, treedef = flatten(tree)
    return treedef.unflatten([untensor(leaf, library) for leaf in leaves])
