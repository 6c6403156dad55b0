"""Reading and writing a whole file: a reader finds the old content or the new, never a part."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from chainrule import DTypeError
from chainrule_state._errors import CheckpointExistsError, CheckpointFileError, CheckpointNotFoundError

StrPath: TypeAlias = str | os.PathLike[str]


def as_path(what: str, path: StrPath) -> Path:
    """An absolute path, with `~` and links followed: a link goes on pointing to the file that is replaced.

    Raises:
        DTypeError: it is no path.
    """
    given: object = path
    if not isinstance(given, str | os.PathLike) or not isinstance(text := os.fspath(given), str):
        raise DTypeError(f"{what}: path: expected a string or a pathlib.Path, got {type(path).__name__} {path!r:.60}")
    return Path(os.path.realpath(os.path.expanduser(text)))


def read_file(what: str, path: Path) -> bytes:
    """The content of a file.

    Raises:
        CheckpointNotFoundError: there is none.
        CheckpointFileError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointNotFoundError(f"{what}: there is no file {path}. Correct the path.") from error
    except OSError as error:
        raise _refused(f"{what}: cannot read {path}: {_reason(path, error)}", error) from error


def check_target(what: str, path: Path, overwrite: bool) -> None:
    """Find out early whether a file can be written.

    Raises:
        CheckpointNotFoundError: its folder does not exist.
        CheckpointExistsError: it exists and is not to be overwritten.
        CheckpointFileError: something else is in the way.
    """
    if not path.parent.is_dir():
        raise CheckpointNotFoundError(
            f"{what}: cannot write {path}: there is no folder {path.parent}. Make it first: "
            "path.parent.mkdir(parents=True)"
        )
    if path.exists():
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no ordinary file"
            raise CheckpointFileError(f"{what}: cannot write {path}: it is {kind}. Give the name of a file.")
        if not overwrite:
            raise CheckpointExistsError(_exists(what, path))
        if not os.access(path, os.W_OK):
            raise CheckpointFileError(f"{what}: cannot write {path}: it is write-protected. Use another name.")


def write_file(what: str, path: Path, content: bytes, overwrite: bool) -> None:
    """Put a file in place in one step. Whatever happens before that leaves what was there.

    Raises:
        CheckpointExistsError: it exists and is not to be overwritten.
        CheckpointFileError: the system refuses, or the disk is full.
    """
    temporary = path.with_name(f".chainrule-{secrets.token_hex(8)}.tmp")  # in the same folder: else it were a copy
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # fails where a file is, unlike a look before a replacement
    except FileExistsError as error:
        raise CheckpointExistsError(_exists(what, path)) from error
    except OSError as error:
        reason = f"cannot write {path}: {_reason(path, error)}. What was there is unchanged"
        raise _refused(f"{what}: {reason}", error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    with suppress(OSError):  # the file is in place; not every system can make sure that its name lasts
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(what: str, path: Path) -> str:
    return f"{what}: {path} exists already. Use another name, or overwrite=True."


def _reason(path: Path, error: OSError) -> str:
    return "it is a folder" if path.is_dir() else error.strerror or str(error)


def _refused(message: str, cause: OSError) -> CheckpointFileError:
    error = CheckpointFileError(message)
    error.errno = cause.errno
    return error
