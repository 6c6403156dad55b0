"""A function of a tree as SciPy wants it: of a vector, with its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optree

import chainrule as cr
from chainrule import NumericsError, ShapeError
from chainrule_scipy._packing import Matrix, Packing, Vector, as_array


class Objective:
    """A function to be minimized.

    Args:
        packing: the structure of its argument.
        fun: the function.
        args: further arguments.
        overrides: gradient-time overrides.
    """

    def __init__(
        self,
        packing: Packing,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        overrides: Mapping[Any, Any] | None,
    ) -> None:
        self.packing = packing
        self.fun = fun
        self.args = args
        self._value_and_grad = cr.value_and_grad(fun, overrides=overrides)
        self._hvp = cr.hvp(fun, overrides=overrides)
        self._hessian = cr.hessian(fun, overrides=overrides)

    def value(self, vector: Vector) -> float:
        """The value, of the function as it is."""
        what = self.packing.what
        value = as_array(what, "the value of the function", self.fun(self.packing.unpack(vector), *self.args))
        if value.shape:
            raise ShapeError(f"{what}: the function gave shape {value.shape}, and one number is minimized; sum it")
        return float(value)

    def value_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        """The value and the exact gradient."""
        value, gradient = self._value_and_grad(self.packing.unpack(vector), *self.args)
        return float(value), self.packing.pack("gradient", gradient)

    def product(self, vector: Vector, direction: Vector) -> Vector:
        """The exact Hessian times a direction."""
        x, v = self.packing.unpack(vector), self.packing.unpack(direction)
        return self.packing.pack("product", self._hvp(x, v, *self.args))

    def matrix(self, vector: Vector) -> Matrix:
        """The exact Hessian."""
        sizes = self.packing.sizes
        blocks = iter(optree.tree_leaves(self._hessian(self.packing.unpack(vector), *self.args)))
        rows = [[as_array(self.packing.what, "Hessian", next(blocks)).reshape(m, n) for n in sizes] for m in sizes]
        return np.block(rows)

    def own_gradient(self, jac: Callable[..., Any]) -> Callable[[Vector], Vector]:
        """A gradient that somebody wrote, once its value at the start is found to be usable.

        Raises:
            ArgumentError, ShapeError, DTypeError: it has not the tree's structure, shapes or real numbers.
            NumericsError: it is not finite.
        """

        def gradient(vector: Vector) -> Vector:
            return self.packing.pack("jac", jac(self.packing.unpack(vector), *self.args))

        first = gradient(self.packing.start)
        if not np.all(np.isfinite(first)):
            bad = np.flatnonzero(~np.isfinite(first))
            raise NumericsError(
                f"{self.packing.what}: jac: {bad.size} of {first.size} elements at x0 are not finite, the first is "
                f"{first[bad[0]]} in {self.packing.path('jac', self.packing.leaf_of(int(bad[0])))}"
            )
        return gradient

    def own_product(self, hessp: Callable[..., Any]) -> Callable[[Vector, Vector], Vector]:
        """A Hessian-vector product that somebody wrote, of trees."""
        pack, unpack = self.packing.pack, self.packing.unpack
        return lambda vector, direction: pack("hessp", hessp(unpack(vector), unpack(direction), *self.args))

    def own_matrix(self, hess: Callable[..., Any]) -> Callable[[Vector], Matrix]:
        """A Hessian that somebody wrote: a matrix over the vector of all leaves."""
        wanted = (self.packing.size, self.packing.size)

        def matrix(vector: Vector) -> Matrix:
            found = as_array(self.packing.what, "hess", hess(self.packing.unpack(vector), *self.args))
            if found.shape != wanted:
                raise ShapeError(f"{self.packing.what}: hess: expected shape {wanted}, got {found.shape}")
            return found

        return matrix
