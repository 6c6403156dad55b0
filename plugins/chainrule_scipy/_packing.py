"""Between a pytree of arrays and the one float64 vector that SciPy works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import optree
from numpy.typing import NDArray

from chainrule import ArgumentError, ChainruleError, DTypeError, ShapeError, Tensor, Variable, as_tensor

Vector: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = NDArray[np.float64]


class Packing:
    """The structure of a pytree, with the shape, dtype and library of each leaf.

    The vector holds the leaves in the tree's order (of a dict: its sorted keys), each in row-major order.

    Args:
        what: who asks, for messages.
        name: what the tree is called there.
        tree: the tree.
    """

    def __init__(self, what: str, name: str, tree: Any) -> None:
        self.what = what
        self.leaves, self.treedef = optree.tree_flatten(tree)
        if not self.leaves:
            raise ArgumentError(f"{what}: {name} holds no numbers: {tree!r:.60}")
        self.homes = [self._home(self.path(name, i), leaf) for i, leaf in enumerate(self.leaves)]
        self.shapes = [home.shape for home in self.homes]
        self.sizes = [home.size for home in self.homes]
        self.size = sum(self.sizes)
        self.start = np.concatenate([np.ravel(np.asarray(home, np.float64)) for home in self.homes])

    def _home(self, where: str, leaf: Any) -> Tensor:
        try:
            home = as_tensor(leaf)
        except ChainruleError as error:
            raise DTypeError(f"{self.what}: {where}: {error}") from None
        if home.dtype.kind == "complex":
            raise DTypeError(f"{self.what}: {where} is {home.dtype}; SciPy minimizes over real numbers: take two parts")
        if home.dtype.kind != "float":
            raise DTypeError(f"{self.what}: {where} is {home.dtype}, which has no gradient; make it floating-point")
        return home

    def path(self, name: str, i: int) -> str:
        """Where leaf `i` is, as an expression."""
        return optree.treespec_accessors(self.treedef)[i].codify(name)

    def leaf_of(self, position: int) -> int:
        """Which leaf an element of the vector belongs to."""
        return int(np.searchsorted(np.cumsum(self.sizes), position, side="right"))

    @property
    def is_leaf(self) -> bool:
        """Whether the tree is one array or number."""
        return bool(self.treedef.is_leaf())

    def unpack(self, vector: Vector) -> Any:
        """The tree of a vector: its leaves have the shapes, dtypes and libraries of the original ones."""
        if len(self.leaves) == 1:
            return optree.tree_unflatten(self.treedef, [self._leaf(0, vector)])
        parts = np.split(vector, np.cumsum(self.sizes)[:-1])
        return optree.tree_unflatten(self.treedef, [self._leaf(i, part) for i, part in enumerate(parts)])

    def _leaf(self, i: int, part: Vector) -> Any:
        leaf, home = self.leaves[i], self.homes[i]
        if type(leaf) is float:
            return float(part[0])
        array = part.reshape(home.shape).astype(str(home.dtype))
        if isinstance(leaf, np.ndarray):
            return array
        value = home.backend.asarray(array, home.backend.native(home.dtype), home.device)
        return Tensor(value, home.backend) if isinstance(leaf, Tensor | Variable) else value

    def pack(self, name: str, tree: Any) -> Vector:
        """The vector of a tree of this structure and these shapes.

        Raises:
            ArgumentError: another structure.
            ShapeError: a leaf of another shape.
            DTypeError: a leaf that is no array of real numbers.
        """
        parts = [
            self._part(self.path(name, i), leaf, self.shapes[i]) for i, leaf in enumerate(self.leaves_of(name, tree))
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def leaves_of(self, name: str, tree: Any) -> Sequence[Any]:
        """What a tree has in the place of each leaf.

        Raises:
            ArgumentError: another structure.
        """
        try:
            return self.treedef.flatten_up_to(tree)
        except ValueError as error:
            raise ArgumentError(f"{self.what}: {name} has not the structure of x0: {error}") from None

    def _part(self, where: str, leaf: Any, shape: tuple[int, ...]) -> Vector:
        array = as_array(self.what, where, leaf)
        if array.shape != shape:
            raise ShapeError(f"{self.what}: {where}: expected shape {shape}, got {array.shape}")
        return array.ravel()


def as_array(what: str, where: str, value: Any) -> Vector:
    """Something as an array of float64.

    Raises:
        DTypeError: it is no array of real numbers.
    """
    if not (type(value) is np.ndarray and value.dtype == np.float64):
        try:
            value = as_tensor(value)
        except (ChainruleError, TypeError, ValueError) as error:
            raise DTypeError(f"{what}: {where}: expected real numbers: {error}") from None
        if value.dtype.kind not in ("float", "int", "uint"):
            raise DTypeError(f"{what}: {where}: expected real numbers, got {value.dtype}")
    array: Vector = np.array(value, np.float64)
    return array
