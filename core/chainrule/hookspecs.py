"""The hooks of chainrule's plugins.

A plugin is a module or object with functions of these names marked `@chainrule.hookimpl`, named by an entry point of
group `chainrule.plugins`. Each hook is called once, when plugins load, and what it returns goes into plain tables.
"""

# The types name what plugins return; importing them here costs nothing at run time.
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from chainrule._cli import Command
    from chainrule._definition import Gradient, NoGradient
    from chainrule_testing import Samples

PROJECT = "chainrule"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def chainrule_ops() -> Iterable[Callable[..., Any]] | Mapping[str, Callable[..., Any] | str]:  # type: ignore[empty-body]
    """Operations: the functions that `cr.op` and `cr.elementwise` give. They become `cr.<name>` and `ops.<name>`.

    One whose name has a dot, `"special.entr"`, belongs to a namespace, and is found in it alone. By name, in a mapping,
    `"module:function"` in place of one is imported at its first use: so does a plugin of many, to cost nothing before.

    Example:
        @hookimpl
        def chainrule_ops():
            return {"softsign": "our_package.smooth:softsign", "our.huber": "our_package.losses:huber"}
    """


@hookspec
def chainrule_functions() -> Mapping[str, Callable[..., Any] | str]:  # type: ignore[empty-body]  # as above
    """Public functions that are no operations of their own, by the name they get under `cr`.

    `"module:function"` in place of one is imported at its first use.

    Example:
        @hookimpl
        def chainrule_functions():
            return {"hstack": hstack, "train": "our_package.training:train"}
    """


@hookspec
def chainrule_numpy_functions() -> Mapping[str, Callable[..., Any] | str]:  # type: ignore[empty-body]  # as above
    """What NumPy's functions do on tensors, by NumPy's name (`"concatenate"`, `"linalg.norm"`, `"add"` for a ufunc).

    They take NumPy's arguments. Operations answer to their own names without this. `"module:function"` as above.

    Example:
        @hookimpl
        def chainrule_numpy_functions():
            return {"concatenate": concat}
    """


@hookspec
def chainrule_tensor_methods() -> Mapping[str, Any]:  # type: ignore[empty-body]  # specifications have none
    """Methods and properties of tensors, by name.

    Example:
        @hookimpl
        def chainrule_tensor_methods():
            return {"sum": sum_, "T": property(transpose)}
    """


@hookspec
def chainrule_gradients() -> Mapping[str, Gradient | NoGradient]:  # type: ignore[empty-body]  # as above
    """Gradient definitions by name: for an operation that has none, or, under another name, to override with.

    One that is not the derivative says so: `cr.approximate(rtol)(f)`, `cr.surrogate(f)`.

    Example:
        @hookimpl
        def chainrule_gradients():
            return {"their_op": lambda g, _y, x: 2 * g * x, "through": cr.surrogate(lambda g, _y, _x: g)}
    """


@hookspec
def chainrule_overrides() -> Mapping[str, Mapping[str, Any]]:  # type: ignore[empty-body]  # specifications have none
    """Named override sets: what `cr.override_gradients("name")` and `CHAINRULE_OVERRIDES` put in force.

    Example:
        @hookimpl
        def chainrule_overrides():
            return {"straight_through": {"sign": cr.surrogate(lambda g, _y, _x: g)}}
    """


@hookspec
def chainrule_kernels() -> Mapping[str, Mapping[str, Callable[..., Any]]]:  # type: ignore[empty-body]  # as above
    """Kernels by backend and operation: `(*arrays, **attributes)` on that backend's own arrays.

    One that has an attribute `writes` which is true takes `out=` as well, and gives it back: an array of the result's
    shape and dtype, in order in memory, into which it writes the result. Compiled programs then use memory again. An
    attribute `refuses` is a function of an instruction of a program, to the reason why the kernel cannot compute it, or
    None: what `cr.check` tells before a program runs.

    Example:
        @hookimpl
        def chainrule_kernels():
            return {"numpy": {"softsign": softsign_numpy}}
    """


@hookspec
def chainrule_passes() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]  # specifications have none
    """Passes of the compiler by name, run after ours in the order they are registered.

    A pass takes a `Program` and the `Backend` it will run on and gives a program that computes the same: the same
    object if there is nothing to change.

    Example:
        @hookimpl
        def chainrule_passes():
            return {"fuse_softsign": fuse_softsign}
    """


@hookspec
def chainrule_namespaces() -> Mapping[str, str]:  # type: ignore[empty-body]  # specifications have none
    """Public namespaces: the name under `cr`, and the module that is imported at its first use.

    Example:
        @hookimpl
        def chainrule_namespaces():
            return {"optim": "chainrule_optim"}
    """


@hookspec
def chainrule_batching() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]  # as above
    """Batching rules of operations, by name: what `cr.vmap` does with them. See `chainrule.batching`.

    Elementwise operations and composite ones need none. Called when something is first batched.

    Example:
        @hookimpl
        def chainrule_batching():
            return {"their_flip": batching.along("axis"), "their_solve": batching.stacked(2, 2)}
    """


@hookspec
def chainrule_commands() -> Mapping[str, Command]:  # type: ignore[empty-body]  # specifications have none
    """Subcommands of `chainrule`, by name.

    Example:
        @hookimpl
        def chainrule_commands():
            return {"mnist": cr.Command("train softmax regression", add_arguments, run)}
    """


@hookspec
def chainrule_samples() -> Mapping[str, Samples]:  # type: ignore[empty-body]  # specifications have none
    """What operations are checked with, by operation: called by the conformance kit alone, when it runs.

    Example:
        @hookimpl
        def chainrule_samples():
            from chainrule_testing import Samples, case, real
            return {"softsign": Samples(lambda x: x / (1 + abs(x)), [case(real()), case(real(2, 3))])}
    """


@hookspec
def chainrule_info() -> Iterable[str]:  # type: ignore[empty-body]  # specifications have none
    """Lines for the report of `chainrule info`, shown under the plugin's name. Called when the report is made.

    Example:
        @hookimpl
        def chainrule_info():
            return [f"model zoo: {len(zoo)} models"]
    """
