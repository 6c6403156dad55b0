"""Regions made by hand and compiled to machine code."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule._backends import get_backend
from chainrule._passes.constant_folding import constant_folding
from chainrule._passes.dead_code import dead_code
from chainrule._passes.simplification import simplification
from chainrule.regions import Region
from chainrule_numpy import _jit


@pytest.fixture(autouse=True)
def _installed():
    reason = _jit.why_not()
    if reason is not None:
        pytest.skip(reason)


def traced(function, *arrays, space=None, simplified=False):
    """A function of arrays as a region, over the shape of the first one if not said otherwise."""
    backend, program = get_backend(), cr.function(function).trace(*arrays)
    for step in (constant_folding, *[simplification] * simplified, dead_code):
        program = step(program, backend)
    return Region(program, np.shape(arrays[0]) if space is None else space)


@pytest.fixture
def region():
    return traced


@pytest.fixture
def kernel():
    """A function of arrays as a kernel."""

    def make(function, *arrays, **options):
        made = _jit.compile(traced(function, *arrays, **options))
        assert made is not None
        return made

    return make


@pytest.fixture
def computed(kernel):
    """What the kernel of a function gives for its arrays."""
    return lambda function, *arrays, **options: kernel(function, *arrays, **options)(*arrays)
