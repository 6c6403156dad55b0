"""Files and folders: where writing fails or is interrupted the old file stays, and nothing else is left behind."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule_state import (
    CheckpointError,
    CheckpointExistsError,
    CheckpointFileError,
    CheckpointNotFoundError,
    load,
    save,
)


@pytest.fixture
def w() -> cr.Variable:
    return cr.Variable([1.0, 2.0], name="w")


def untouched(path: Path, before: bytes | None) -> bool:
    """Whether a folder holds this file, with this content, and nothing else."""
    expected = {} if before is None else {path.name: before}
    return {file.name: file.read_bytes() for file in path.parent.iterdir()} == expected


@pytest.mark.parametrize("kind", [str, Path, lambda path: Path(os.fspath(path))], ids=["str", "Path", "PathLike"])
def test_kinds_of_paths(path: Path, w: cr.Variable, kind: Callable[[Path], Any]) -> None:
    save(kind(path), w)
    assert list(path.parent.iterdir()) == [path]
    load(kind(path), w)


def test_a_path_in_the_current_folder_and_one_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, w: cr.Variable
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    save("here", w)
    save("~/there", w)
    assert {file.name for file in tmp_path.iterdir()} == {"here", "there"}


@pytest.mark.parametrize("path", [3, None, b"bytes"], ids=str)
def test_what_is_no_path(w: cr.Variable, path: Any) -> None:
    for function in (save, load):
        with pytest.raises(cr.DTypeError, match=r"^cr.(save|load): path: expected a string or a pathlib.Path, got "):
            function(path, w)


def test_no_file(path: Path, w: cr.Variable) -> None:
    with pytest.raises(CheckpointNotFoundError, match=rf"^cr.load: there is no file {path}\. Correct the path\.$"):
        load(path, w)
    with pytest.raises(FileNotFoundError):
        load(path, w)
    with pytest.raises(cr.ChainruleError):
        load(path, w)


def test_no_folder(path: Path, w: cr.Variable) -> None:
    message = r"^cr.save: cannot write .*there is no folder .*a/b\. Make it first: path.parent.mkdir\(parents=True\)$"
    with pytest.raises(CheckpointNotFoundError, match=message):
        save(path.parent / "a" / "b" / "c", w)
    assert untouched(path, None)


def test_a_folder_in_place_of_a_file(tmp_path: Path, w: cr.Variable) -> None:
    with pytest.raises(
        CheckpointFileError, match=rf"^cr.save: cannot write {tmp_path}: it is a folder\. Give the name"
    ):
        save(tmp_path, w)
    with pytest.raises(CheckpointFileError, match=rf"^cr.load: cannot read {tmp_path}: it is a folder$"):
        load(tmp_path, w)
    assert list(tmp_path.iterdir()) == []


def test_a_device_is_not_replaced(w: cr.Variable) -> None:
    with pytest.raises(CheckpointFileError, match="it is no ordinary file"):
        save(os.devnull, w)
    assert not Path(os.devnull).is_file()


def test_overwriting(path: Path, w: cr.Variable) -> None:
    save(path, w, overwrite=False)
    before = path.read_bytes()
    w.assign([3.0, 4.0])
    message = rf"^cr.save: {path} exists already\. Use another name, or overwrite=True\.$"
    with pytest.raises(CheckpointExistsError, match=message):
        save(path, w, overwrite=False)
    with pytest.raises(FileExistsError):
        save(path, w, overwrite=False)
    assert untouched(path, before)
    save(path, w)
    w.assign([0.0, 0.0])
    load(path, w)
    assert w.tolist() == [3.0, 4.0]


def test_a_file_that_comes_while_another_is_written_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, path: Path, w: cr.Variable
) -> None:
    real = os.fsync

    def somebody_else_is_first(descriptor: int) -> None:
        real(descriptor)
        path.write_bytes(b"theirs")

    monkeypatch.setattr(os, "fsync", somebody_else_is_first)
    with pytest.raises(CheckpointExistsError, match="exists already"):
        save(path, w, overwrite=False)
    assert untouched(path, b"theirs")


def test_permissions_are_those_of_any_new_file_and_then_stay(path: Path, w: cr.Variable) -> None:
    ordinary = path.with_name("ordinary")
    ordinary.touch()
    save(path, w)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    path.chmod(0o640)
    save(path, w)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_goes_on_pointing_to_the_file(path: Path, w: cr.Variable) -> None:
    folder = path.parent / "runs"
    folder.mkdir()
    path.symlink_to(folder / "1")
    save(path, w)
    assert path.is_symlink()
    assert (folder / "1").is_file()
    save(path, w)
    assert path.is_symlink()
    load(path, w)


def test_a_write_protected_file_is_left_alone(monkeypatch: pytest.MonkeyPatch, path: Path, w: cr.Variable) -> None:
    save(path, w)
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda file, mode: (Path(file), mode) != (path, os.W_OK))  # root may do anything
    with pytest.raises(CheckpointFileError, match=r"it is write-protected\. Use another name\.$"):
        save(path, w)
    assert untouched(path, before)


def fail(error: BaseException) -> Callable[..., Any]:
    def failing(*args: Any, **kwargs: Any) -> Any:
        raise error

    return failing


class HalfWritten:
    """A file that takes half of what is written, and then fails."""

    def __init__(self, error: BaseException, path: Path, mode: str) -> None:
        self.error = error
        self.file = path.open(mode)

    def __enter__(self) -> "HalfWritten":
        return self

    def __exit__(self, *raised: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> None:
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        raise self.error


ERRORS = [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied")]


@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("place", ["fsync", "replace", "write", "open"])
@pytest.mark.parametrize("error", [*ERRORS, KeyboardInterrupt(), MemoryError()], ids=lambda error: type(error).__name__)
def test_a_failure_at_any_point_leaves_what_was_there(
    monkeypatch: pytest.MonkeyPatch, path: Path, w: cr.Variable, place: str, error: BaseException, there: bool
) -> None:
    if there:
        save(path, w)
    before = path.read_bytes() if there else None
    w.assign([5.0, 6.0])
    with monkeypatch.context() as patch:
        if place == "write":
            patch.setattr("chainrule_state._file.open", lambda *where: HalfWritten(error, *where), raising=False)
        elif place == "open":
            patch.setattr("chainrule_state._file.open", fail(error), raising=False)
        else:
            patch.setattr(os, place, fail(error))
        with pytest.raises(CheckpointFileError if isinstance(error, OSError) else type(error)) as caught:
            save(path, w)
    assert untouched(path, before)
    if isinstance(error, OSError):
        reason = f"cannot write {path}: {error.strerror}. What was there is unchanged"
        assert str(caught.value) == f"cr.save: {reason}"
        assert caught.value.errno == error.errno
        assert caught.value.__cause__ is error


def test_a_folder_that_cannot_be_synchronized_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, path: Path, w: cr.Variable
) -> None:
    monkeypatch.setattr("chainrule_state._file._sync_folder", fail(OSError(errno.EINVAL, "Invalid argument")))
    save(path, w)
    load(path, w)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
def test_a_disk_that_is_full(path: Path) -> None:
    program = (
        "import resource, signal, sys, chainrule as cr, numpy as np\n"
        "from chainrule_state import save\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "save(sys.argv[1], cr.Variable(np.zeros(10), name='w'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: save(sys.argv[1], cr.Variable(np.ones(10_000), name='w'))\n"
        "except OSError as error: print(error, error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, text=True)
    reason = f"cannot write {path}: {os.strerror(errno.EFBIG)}. What was there is unchanged {errno.EFBIG}"
    assert done.stdout == f"cr.save: {reason}\n"
    assert list(path.parent.iterdir()) == [path]
    w = cr.Variable([1.0] * 10, name="w")
    load(path, w)
    assert w.tolist() == [0.0] * 10


def test_a_process_that_is_killed_leaves_a_whole_file(path: Path) -> None:
    program = (
        "import sys, itertools, numpy as np, chainrule as cr\n"
        "from chainrule_state import save\n"
        "w = cr.Variable(np.zeros(100_000), name='w')\n"
        "for i in itertools.count():\n"
        "    save(sys.argv[1], w.assign(np.full(100_000, float(i))))\n"
        "    if i == 3: print('started', flush=True)\n"
    )
    w = cr.Variable([0.0] * 100_000, name="w")
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            process.kill()
        load(path, w)
        assert len(set(w.tolist())) == 1


def test_reading_is_refused(monkeypatch: pytest.MonkeyPatch, path: Path, w: cr.Variable) -> None:
    save(path, w)
    monkeypatch.setattr(Path, "read_bytes", fail(PermissionError(errno.EACCES, "Permission denied")))
    with pytest.raises(CheckpointFileError, match=rf"^cr.load: cannot read {path}: Permission denied$") as caught:
        load(path, w)
    assert caught.value.errno == errno.EACCES


def test_many_threads_save_to_one_file_while_others_load_it(path: Path) -> None:
    writers = [[cr.Variable([float(i)] * 1000, name=name) for name in "ab"] for i in range(4)]
    save(path, writers[0])
    done = threading.Event()
    failures: list[BaseException] = []
    seen = set()

    def write(variables: list[cr.Variable]) -> None:
        try:
            for _ in range(25):
                save(path, variables)
        except BaseException as error:
            failures.append(error)

    def read() -> None:
        a, b = (cr.Variable([0.0] * 1000, name=name) for name in "ab")
        try:
            while not done.is_set():
                load(path, [a, b])
                (value,) = {*a.tolist(), *b.tolist()}
                seen.add(value)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(variables,)) for variables in writers]
    reader = threading.Thread(target=read)
    for thread in [*threads, reader]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    assert failures == []
    assert seen <= {0.0, 1.0, 2.0, 3.0}
    assert list(path.parent.iterdir()) == [path]


def test_a_file_cut_short_by_a_copy_is_refused_and_the_next_save_repairs_it(path: Path, w: cr.Variable) -> None:
    save(path, w)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError):
        load(path, w)
    save(path, w)
    load(path, w)
