"""The operations that only graphs have: what comes in, what is kept, and what changes.

They have no kernels: what they are when a program runs is in `_plan`.
"""

from __future__ import annotations

from chainrule._definition import NoGradient
from chainrule._op import REQUIRED, Op
from chainrule._owner import ENGINE
from chainrule.infer import Spec, scalar_spec

PLACEHOLDER = Op(
    "placeholder",
    0,
    lambda spec: spec,
    NoGradient("a placeholder is an input"),
    attributes={"spec": REQUIRED},
    owner=ENGINE,
)
ARGUMENT = Op(
    "argument",
    0,
    lambda spec: spec,
    NoGradient("an argument is an input"),
    attributes={"spec": REQUIRED},
    owner=ENGINE,
)
CONSTANT = Op(
    "constant",
    0,
    lambda value: Spec(value.shape, value.dtype),
    NoGradient("a constant depends on nothing"),
    attributes={"value": REQUIRED},
    owner=ENGINE,
)
FULL = Op(
    "full",
    0,
    lambda shape, value, dtype: Spec(shape, dtype),
    NoGradient("a constant depends on nothing"),
    attributes={"shape": REQUIRED, "value": REQUIRED, "dtype": REQUIRED},
    owner=ENGINE,
)
STRONG = Op(
    "strong",
    1,
    lambda x, dtype: Spec((), dtype),
    lambda g, _y, _x, dtype: g,
    attributes={"dtype": REQUIRED},
    linear="joint",
    owner=ENGINE,
)
SIZE = Op(
    "size",
    0,
    lambda size: scalar_spec(size),
    NoGradient("a size does not depend on values"),
    attributes={"size": REQUIRED},
    owner=ENGINE,
)
READ = Op(
    "read_variable",
    0,
    lambda variable: Spec(variable.shape, variable.dtype),
    attributes={"variable": REQUIRED},
    owner=ENGINE,
)
ASSIGN = Op(
    "assign_variable",
    1,
    lambda value, variable: Spec(variable.shape, variable.dtype),
    lambda g, _y, _value, variable: g,
    attributes={"variable": REQUIRED},
    linear="joint",
    effect=True,
    owner=ENGINE,
)
GROUP = Op(
    "group",
    0,
    lambda: (),
    NoGradient("it has no result"),
    multiple=True,
    owner=ENGINE,
)
