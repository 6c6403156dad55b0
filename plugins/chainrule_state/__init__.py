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
`Stateful`. Importing the package imports none of its parts: each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

from chainrule import lazy_attributes

if TYPE_CHECKING:
    from chainrule_state._checkpoint import Checkpoint as Checkpoint
    from chainrule_state._errors import CheckpointError as CheckpointError
    from chainrule_state._errors import CheckpointExistsError as CheckpointExistsError
    from chainrule_state._errors import CheckpointFileError as CheckpointFileError
    from chainrule_state._errors import CheckpointNotFoundError as CheckpointNotFoundError
    from chainrule_state._errors import SafetensorsMissingError as SafetensorsMissingError
    from chainrule_state._inspect import inspect_checkpoint as inspect_checkpoint
    from chainrule_state._load import Loaded as Loaded
    from chainrule_state._load import load as load
    from chainrule_state._named import Stateful as Stateful
    from chainrule_state._save import save as save

# Where each public name is.
_PARTS = {
    "Checkpoint": "._checkpoint",
    "CheckpointError": "._errors",
    "CheckpointExistsError": "._errors",
    "CheckpointFileError": "._errors",
    "CheckpointNotFoundError": "._errors",
    "Loaded": "._load",
    "SafetensorsMissingError": "._errors",
    "Stateful": "._named",
    "inspect_checkpoint": "._inspect",
    "load": "._load",
    "save": "._save",
}
__all__ = [*_PARTS]  # names all the same
__getattr__, __dir__ = lazy_attributes(__name__, _PARTS)
