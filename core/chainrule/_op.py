"""`Op`: what an operation is. How one is written is in `_define`, what happens when one is called in `_dispatch`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from chainrule._backend import Backend, Kernel
from chainrule._definition import Definition, Gradient, NoGradient
from chainrule._node import NO_ATTRIBUTES
from chainrule._owner import Owner

Infer = Callable[..., Any]


class Op:
    """An operation's identity.

    Attributes:
        name: unique among all operations; `"namespace.name"` for those that live in a namespace alone.
        n_inputs: how many arrays it takes; None for any number.
        attributes: its metadata, name to default (`REQUIRED` where there is none).
        infer: the shape-and-dtype rule, `(*specs, **attributes) -> Spec`, or a tuple of them for several outputs.
        kernel: the generic kernel, `(xp, *arrays, **attributes)`; None for the namespace's function of the same name.
        requires: functions that the generic kernel calls and that not every namespace has, such as `"linalg.eig"`.
        definition: its gradient definition, None while it has none.
        broadcasts: whether inputs broadcast and promote, which the engine undoes for gradients.
        elementwise: whether each element of the result depends on the same element of each input alone.
        linear: `"joint"` if it is linear in its differentiable inputs together, `"each"` if in each one by itself.
        multiple: whether it has several outputs.
        holomorphic: whether the definition is the textbook formula of a complex-differentiable function, which the
            engine then conjugates for complex cotangents; False if the definition sees to complex numbers itself.
        cut: `(**attributes)` to the reason why no gradient passes with these attributes, or None.
        effect: whether calling it does more than give a result, so that it is neither left out nor done once for two.
        decomposition: `(*tensors, **attributes)`, the same in other operations, for a composite one: its kernel where a
            backend has none, and what compiled programs run in its place.
        build: `(instruction, backend)` to the kernel, for an operation of graphs whose kernel depends on its program.
        owner: who registered it; found by its name if it is not given.
    """

    __slots__ = (
        *("_owner", "attributes", "broadcasts", "build", "cut", "decomposition", "definition", "effect", "elementwise"),
        *("holomorphic", "infer", "kernel", "kernels", "linear", "multiple", "n_inputs", "name", "requires"),
    )

    def __init__(
        self,
        name: str,
        n_inputs: int | None,
        infer: Infer,
        gradient: Gradient | NoGradient | None = None,
        *,
        kernel: Kernel | None = None,
        requires: Collection[str] = (),
        attributes: Mapping[str, Any] = NO_ATTRIBUTES,
        broadcasts: bool = False,
        elementwise: bool = False,
        linear: str | None = None,
        multiple: bool = False,
        holomorphic: bool = True,
        cut: Callable[..., str | None] | None = None,
        effect: bool = False,
        decomposition: Callable[..., Any] | None = None,
        build: Callable[[Any, Backend], Kernel] | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.name = name
        self.n_inputs = n_inputs
        self.attributes = attributes
        self.infer = infer
        self.kernel = kernel
        self.requires = requires
        self.broadcasts = broadcasts
        self.elementwise = elementwise
        self.linear = linear
        self.multiple = multiple
        self.holomorphic = holomorphic
        self.cut = cut
        self.effect = effect
        self.decomposition = decomposition
        self.build = build
        self._owner = owner
        self.kernels = KernelTable(self)
        self.definition = None if gradient is None else Definition(self, gradient)

    @property
    def owner(self) -> Owner:
        """Who registered it."""
        from chainrule._registry import owner_of

        return self._owner or owner_of(self)

    def __repr__(self) -> str:
        return f"<Op {self.name} of {self.owner}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from chainrule._registry import find_op

        return find_op, (self.name,)


class KernelTable(dict[Backend, Kernel]):
    """An operation's kernels by backend, each found at its first use."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op

    def __missing__(self, backend: Backend) -> Kernel:
        from chainrule._registry import find_kernel

        kernel = self[backend] = find_kernel(self.op, backend)
        return kernel


REQUIRED: Final = inspect.Parameter.empty
