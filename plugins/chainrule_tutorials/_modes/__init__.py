"""Softmax regression in each way that a program can be written: the same model, the same steps, the same weights."""

from collections.abc import Mapping
from typing import Final

from chainrule_tutorials._modes import function, functional, graph, tape
from chainrule_tutorials._modes._types import Learn

# How each of `chainrule_tutorials.MODES` learns.
LEARN: Final[Mapping[str, Learn]] = {
    "tape": tape.learn,
    "functional": functional.learn,
    "graph": graph.learn,
    "function": function.learn,
}
