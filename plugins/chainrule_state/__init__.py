"""Saving and loading the state of a program: `cr.save`, `cr.load` and `cr.inspect_checkpoint`.

>>> import tempfile, chainrule as cr
>>> path = tempfile.mkdtemp() + "/model.safetensors"
>>> w = cr.Variable([1.0, 2.0], name="w")
>>> cr.save(path, {"model": {"w": w}}, metadata={"epoch": "3"})
>>> w.assign([0.0, 0.0])
<Variable 'w' [0., 0.], float64>
>>> cr.load(path, {"model": {"w": w}}).metadata
{'epoch': '3'}
>>> w
<Variable 'w' [1., 2.], float64>

A checkpoint is a file in the safetensors format. Whatever has state beside variables takes part by two methods, see
`Stateful`. Importing the package imports neither an array library nor safetensors.
"""

from chainrule_state._checkpoint import Checkpoint
from chainrule_state._errors import (
    CheckpointError,
    CheckpointExistsError,
    CheckpointFileError,
    CheckpointNotFoundError,
    SafetensorsMissingError,
)
from chainrule_state._inspect import inspect_checkpoint
from chainrule_state._load import Loaded, load
from chainrule_state._named import Stateful
from chainrule_state._save import save

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "CheckpointExistsError",
    "CheckpointFileError",
    "CheckpointNotFoundError",
    "Loaded",
    "SafetensorsMissingError",
    "Stateful",
    "inspect_checkpoint",
    "load",
    "save",
]
