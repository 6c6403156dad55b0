"""The hooks that register what this package has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import chainrule_arrays
from chainrule import hookimpl
from chainrule_arrays import _beyond, _numpy_names

_PUBLIC = {name: value for name, value in vars(chainrule_arrays).items() if callable(value) and name[0] != "_"}


@hookimpl
def chainrule_ops() -> Mapping[str, Callable[..., Any] | str]:
    """Every function with an operation behind it."""
    loaded = {function.op.name: function for function in _PUBLIC.values() if hasattr(function, "op")}
    return {**loaded, **_beyond.OPERATIONS}


@hookimpl
def chainrule_functions() -> Mapping[str, Callable[..., Any] | str]:
    """The rest: functions composed of operations."""
    loaded = {name: function for name, function in _PUBLIC.items() if not hasattr(function, "op")}
    return {**loaded, **_beyond.FUNCTIONS}


@hookimpl
def chainrule_numpy_functions() -> Mapping[str, Callable[..., Any] | str]:
    """What answers to NumPy's names."""
    return _numpy_names.numpy_functions()


@hookimpl
def chainrule_tensor_methods() -> Mapping[str, Any]:
    """Methods of tensors."""
    return _numpy_names.tensor_methods()


@hookimpl
def chainrule_batching() -> Mapping[str, Any]:
    """What `cr.vmap` does with the operations."""
    from chainrule_arrays._batching import RULES

    return RULES


@hookimpl
def chainrule_samples() -> Mapping[str, Any]:
    """What the conformance kit checks the operations with."""
    from chainrule_testing.samples import arrays, numpy_functions

    return {**arrays.SAMPLES, **numpy_functions.SAMPLES}
