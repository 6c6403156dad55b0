"""`inspect_checkpoint`: what a file holds."""

from __future__ import annotations

from chainrule_state._checkpoint import Checkpoint
from chainrule_state._file import StrPath, as_path, read_file
from chainrule_state._format import unpack


def inspect_checkpoint(path: StrPath) -> Checkpoint:
    """What a file that `cr.save` wrote holds. All of it is read and checked: nothing is found that cannot be loaded.

    Raises:
        CheckpointError: the file is no checkpoint, is damaged, or is of a newer format.
        CheckpointFileError: it cannot be read; `CheckpointNotFoundError` if there is none.
        SafetensorsMissingError: the safetensors library is not installed.

    >>> import tempfile, chainrule as cr
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> cr.save(path, cr.Variable([1.0, 2.0], name="w"), metadata={"epoch": "3"})
    >>> print(cr.inspect_checkpoint(path))
    /...model.safetensors: format 1, written by chainrule ...
      w        float64 (2,)
      [epoch]  3
    """
    what = "cr.inspect_checkpoint"
    file = as_path(what, path)
    return unpack(what, file, read_file(what, file)).checkpoint
