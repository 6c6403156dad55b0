"""The errors of the package: of a checkpoint's content, of the file it is in, and of what is needed to read it."""

from chainrule import ChainruleError


class CheckpointError(ChainruleError, ValueError):
    """A file that is no checkpoint, is damaged, is of a newer format, or does not fit what it is loaded into."""


class CheckpointFileError(ChainruleError, OSError):
    """A file that cannot be read or written. `errno` is the system's, where that refused."""


class CheckpointNotFoundError(CheckpointFileError, FileNotFoundError):
    """A file, or the folder it is to be written to, does not exist."""


class CheckpointExistsError(CheckpointFileError, FileExistsError):
    """The file exists, and was not to be overwritten."""


class SafetensorsMissingError(ChainruleError, ImportError):
    """The safetensors library is not installed, or is too old."""
