"""What a backend is: the arrays, devices and kernels of one library, as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from chainrule._dtypes import DType
from chainrule._errors import DTypeError

if TYPE_CHECKING:
    from chainrule._graph import Instruction
    from chainrule._program import Program
    from chainrule.regions import Region

Kernel = Callable[..., Any]
Axes = tuple[int, ...]


class Fusion(Protocol):
    """How a backend computes several elementwise operations, and reductions of their results, in one go.

    Attributes:
        rows: whether what is reduced along the last axes, which are kept, can be used again in the same region.
    """

    @property
    def rows(self) -> bool: ...

    def expanded(self, instruction: Instruction) -> Sequence[Instruction] | None:
        """The instructions of a region that compute what one does, if all its shapes are known; None to leave it."""

    def takes(self, instruction: Instruction) -> bool:
        """Whether an instruction can be part of a region."""

    def pays(self, region: Region) -> bool:
        """Whether a region is computed faster than its instructions one after the other."""

    def executor(self, region: Region) -> str:
        """What computes a region, for people to read: `"machine code"`."""

    def compile(self, region: Region, backend: Backend) -> Kernel:
        """The kernel of a region: from its inputs, by position, to the tuple of its results.

        With `out=`, a tuple of arrays and None in the order of the results, it writes into these arrays, which have the
        right shape and dtype, lie in memory in order, and share none with an input but for an element's own place.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class Backend:
    """One array library, ready to compute.

    An entry point of group `chainrule.backends` names a function that takes nothing and gives one of these, or raises
    `BackendUnavailableError` with what is missing and what to do. Nothing of the library is imported before that call.

    Attributes:
        name: the entry point's name.
        version: the library's version, for reports.
        xp: the array API namespace that generic kernels are written against.
        array_types: the classes of its arrays, scalars that stand for 0-d arrays among them.
        dtypes: what each dtype it has is in the library. A dtype that is not in it is refused by name.
        asarray: `(data, dtype, device)`: an array from a number, nested sequence, NumPy array or array of its own;
            `dtype` is the library's own or None to keep the data's, `device` a name or None for the default.
        full: `(shape, value, dtype, device)`: an array of one value.
        to_numpy: a copy in host memory, as a NumPy array.
        kernels: kernels by op name, where the generic one is wrong or slow. Arrays positional, attributes by keyword.
        wrap_generic: what to put around a kernel written for `xp` (promotion, say); `(op, kernel) -> kernel`.
        on_device: what makes any kernel, a plugin's too, run where its arrays are, if the library computes on a device
            that is current.
        scalar_type: if arrays without dimensions may be scalars of other classes, the class of the most common ones,
            which has one real dtype; the engine then knows shape and dtype by the class.
        refuses: why it cannot compute an instruction that it has a kernel for, or None: what `cr.check` tells before a
            program runs, and the kernel when it does.
        admit: looks at an array of its own that is to be a tensor, and raises an error if it cannot be one.
        devices: names of the devices it can use now, the default first.
        device_of: the name of the device an array is on.
        synchronize: wait until everything asked of a device is done.
        memory: figures of a device's memory in bytes, by name; empty where there are none.
        into: the kernel of an instruction that writes its result into an array: like the usual one, with `out=`, of the
            right shape and dtype and in order in memory, which for an elementwise one may be an input; or None. That of
            a matrix product may lie in another order, with one of its last two axes varying fastest.
        overwriting: the kernel of an instruction that writes over arrays at the very end of a run; or None. It takes
            `out=`, a tuple of arrays and None, does all that can fail, and gives the tuple of results and what writes
            them: a `functools.partial` of compiled code or, if there is Python in it, any other function of no
            arguments; or None if they are done and lie in new arrays.
        workspace: `(sizes, arrays)`: the arrays, each as the number of a stretch of memory, a shape, a dtype of the
            library's own, and None or the order that its axes lie in, in stretches of so many bytes. None instead of a
            function if the library uses freed memory again by itself.
        add_into: `(total, part)`: adds to an array another like it, in place; None if arrays never change.
        notes: lines about it for the report of `chainrule info`.
        fusion: what computes regions of elementwise operations in one go; None if nothing here does.
        compile: `(function, program)`: from the Python function of a whole plan, from arrays to a tuple of arrays, to
            one that computes the same, and what that is, for people to read: `"jax.jit"`, or why it is left as it is.
        quiet: a context that holds back floating-point warnings. Gradients run in it, because a warning from there has
            no line of the user's; `debug_nans` finds what matters.
        set_threads: sets how many threads the library computes with by itself, in the whole process; None brings back
            what it had. None instead of a function if it has none or they cannot be set.
        complex_dtypes: its own complex dtypes, taken from `dtypes`.
    """

    name: str
    version: str
    xp: Any
    array_types: tuple[type, ...]
    dtypes: Mapping[DType, Any]
    asarray: Callable[[Any, Any, str | None], Any]
    full: Callable[[tuple[int, ...], complex, Any, str | None], Any]
    to_numpy: Callable[[Any], Any]
    kernels: Mapping[str, Kernel] = field(default_factory=dict)
    wrap_generic: Callable[[Any, Kernel], Kernel] = lambda op, kernel: kernel
    on_device: Callable[[Kernel], Kernel] = lambda kernel: kernel
    scalar_type: type | None = None
    refuses: Callable[[Instruction], str | None] = lambda instruction: None
    admit: Callable[[Any], None] = lambda array: None
    devices: Callable[[], Sequence[str]] = lambda: ("cpu",)
    device_of: Callable[[Any], str] = lambda array: "cpu"
    synchronize: Callable[[str | None], None] = lambda device: None
    memory: Callable[[str | None], Mapping[str, int]] = lambda device: {}
    into: Callable[[Instruction], Kernel | None] = lambda instruction: None
    overwriting: Callable[[Instruction, Backend], Kernel | None] = lambda instruction, backend: None
    workspace: Callable[[Sequence[int], Sequence[tuple[int, Axes, Any, Axes | None]]], Sequence[Any]] | None = None
    add_into: Callable[[Any, Any], Any] | None = None
    notes: Callable[[], Sequence[str]] = lambda: ()
    fusion: Fusion | None = None
    compile: Callable[[Kernel, Program], tuple[Kernel, str]] = lambda function, program: (function, "Python")
    quiet: Callable[[], AbstractContextManager[Any]] = nullcontext
    set_threads: Callable[[int | None], None] | None = None
    complex_dtypes: frozenset[Any] = field(init=False, repr=False)
    _names: dict[Any, DType] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        complex_dtypes = frozenset(native for dtype, native in self.dtypes.items() if dtype.kind == "complex")
        object.__setattr__(self, "complex_dtypes", complex_dtypes)
        object.__setattr__(self, "_names", {native: dtype for dtype, native in self.dtypes.items()})

    def native(self, dtype: DType) -> Any:
        """The library's own object for a dtype.

        Raises:
            DTypeError: the library has none.
        """
        try:
            return self.dtypes[dtype]
        except KeyError:
            have = ", ".join(self.dtypes)
            raise DTypeError(f"backend {self.name!r} has no dtype {str(dtype)!r}; it has {have}") from None

    def dtype(self, native: Any) -> DType:
        """The dtype that the library's own object stands for.

        Raises:
            DTypeError: chainrule has no such dtype.
        """
        try:
            return self._names[native]
        except KeyError:
            raise DTypeError(
                f"backend {self.name!r}: arrays of dtype {native} cannot be tensors; convert to one of "
                + ", ".join(self.dtypes)
            ) from None

    def __repr__(self) -> str:
        return f"<Backend {self.name} {self.version}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        from chainrule._backends import load_backend

        return load_backend, (self.name,)
