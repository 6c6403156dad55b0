"""The two errors of the package: no such file, and a file that is not what was expected."""

from chainrule import ChainruleError


class DatasetError(ChainruleError, ValueError):
    """A data set was found and cannot be used."""


class DatasetNotFoundError(ChainruleError, FileNotFoundError):
    """A file or folder of a data set does not exist."""
