"""The operations that only graphs have: what comes in, what is kept, and what changes.

They have no kernels. What they are when a program runs is in `_lower`.
"""

from __future__ import annotations

from chainrule._definition import NoGradient
from chainrule._op import REQUIRED, Op
from chainrule.infer import Spec, scalar_spec

PLACEHOLDER = Op(
    "placeholder", 0, lambda spec: spec, NoGradient("a placeholder is an input"), attributes={"spec": REQUIRED}
)
ARGUMENT = Op("argument", 0, lambda spec: spec, NoGradient("an argument is an input"), attributes={"spec": REQUIRED})
CONSTANT = Op(
    "constant",
    0,
    lambda value: Spec(value.shape, value.dtype),
    NoGradient("a constant depends on nothing"),
    attributes={"value": REQUIRED},
)
FULL = Op(
    "full",
    0,
    lambda shape, value, dtype: Spec(shape, dtype),
    NoGradient("a constant depends on nothing"),
    attributes={"shape": REQUIRED, "value": REQUIRED, "dtype": REQUIRED},
)
STRONG = Op(
    "strong",
    1,
    lambda x, dtype: Spec((), dtype),
    lambda g, _y, _x, dtype: g,
    attributes={"dtype": REQUIRED},
    linear="joint",
)
SIZE = Op(
    "size",
    0,
    lambda size: scalar_spec(size),
    NoGradient("a size does not depend on values"),
    attributes={"size": REQUIRED},
)
READ = Op(
    "read_variable",
    0,
    lambda variable: Spec(variable.shape, variable.dtype),
    attributes={"variable": REQUIRED},
)
ASSIGN = Op(
    "assign_variable",
    1,
    lambda value, variable: Spec(variable.shape, variable.dtype),
    lambda g, _y, _value, variable: g,
    attributes={"variable": REQUIRED},
    linear="joint",
    effect=True,
)
GROUP = Op("group", 0, lambda: (), NoGradient("it has no result"), multiple=True)
