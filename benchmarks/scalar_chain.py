"""A thousand dependent operations on one number: what recording an operation and walking back over it costs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.harness import Workload

TRIPLES = 333
OPERATIONS = 3 * TRIPLES + 1
START = 0.5


def chain(x: Any, sin: Callable[[Any], Any]) -> Any:
    """The chain: sine, multiply and add, again and again."""
    for _ in range(TRIPLES):
        x = sin(x) * 1.01 + 0.1
    return sin(x)


def workload() -> Workload:
    """Value and derivative, by every library that is installed."""
    libraries = {"chainrule": _chainrule, "autograd": _autograd, "mygrad": _mygrad, "advect": _advect}
    here = {name: make for name, make in libraries.items() if find_spec(name)}
    return Workload(
        f"scalar chain of {OPERATIONS:,} operations, value and gradient",
        {name: make() for name, make in here.items()},
        missing={name: "not installed" for name in libraries.keys() - here.keys()},
        operations=OPERATIONS,
    )


def _chainrule() -> Callable[[], tuple[Any, Any]]:
    function = cr.value_and_grad(lambda x: chain(x, cr.sin))
    return lambda: function(START)


def _autograd() -> Callable[[], tuple[Any, Any]]:
    autograd: Any = import_module("autograd")
    function = autograd.value_and_grad(lambda x: chain(x, autograd.numpy.sin))
    return lambda: function(START)


def _mygrad() -> Callable[[], tuple[Any, Any]]:
    mygrad: Any = import_module("mygrad")

    def run() -> tuple[Any, Any]:
        x = mygrad.tensor(START)
        y = chain(x, mygrad.sin)
        y.backward()
        return y.data, x.grad

    return run


def _advect() -> Callable[[], tuple[Any, Any]]:
    function: Any = import_module("advect").value_and_grad(lambda x: chain(x, np.sin))
    return lambda: function(np.float64(START))
