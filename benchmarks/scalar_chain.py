"""A thousand dependent operations on one number: what recording an operation and walking back over it costs."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.chain import chain
from benchmarks.harness import Workload

TRIPLES = 333
OPERATIONS = 3 * TRIPLES + 1
START = 0.5


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
    function = cr.value_and_grad(lambda x: chain(x, cr.sin, TRIPLES))
    return lambda: function(START)


def _autograd() -> Callable[[], tuple[Any, Any]]:
    autograd: Any = import_module("autograd")
    function = autograd.value_and_grad(lambda x: chain(x, autograd.numpy.sin, TRIPLES))
    return lambda: function(START)


def _mygrad() -> Callable[[], tuple[Any, Any]]:
    mygrad: Any = import_module("mygrad")

    def run() -> tuple[Any, Any]:
        x = mygrad.tensor(START)
        y = chain(x, mygrad.sin, TRIPLES)
        y.backward()
        return y.data, x.grad

    return run


def _advect() -> Callable[[], tuple[Any, Any]]:
    function: Any = import_module("advect").value_and_grad(lambda x: chain(x, np.sin, TRIPLES))
    return lambda: function(np.float64(START))
