"""Entry points: what is found is what `importlib.metadata` finds, wherever and however it was installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from zipfile import ZipFile

import pytest

from chainrule import _discovery
from chainrule._discovery import Entry, find

GROUP = "chainrule.plugins"
POINTS = f"[{GROUP}]\nsome = some_module\n"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is remembered from before a test, nor after it."""
    caches = (_discovery.find, _discovery._entry_points)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder that modules are looked for in."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def install(folder: Path, points: str | None, name: str = "some", version: str = "1.0", kind: str = "dist") -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.{kind}-info"
    info.mkdir(parents=True)
    metadata = "METADATA" if kind == "dist" else "PKG-INFO"
    info.joinpath(metadata).write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: of the text\n"
    )
    if points is not None:
        info.joinpath("entry_points.txt").write_text(points)


def expected() -> set[Entry]:
    return {Entry(e.name, e.value, e.dist.name, e.dist.version) for e in entry_points(group=GROUP) if e.dist}


def found() -> set[Entry]:
    return {entry for found in find(GROUP).values() for entry in found.entries}


def test_what_is_installed_here() -> None:
    assert found() == expected()
    assert {"arrays", "chainrule", "optim"} <= find(GROUP).keys()


@pytest.mark.parametrize("kind", ["dist", "egg"])
@pytest.mark.parametrize(
    "points",
    [
        POINTS,
        f"# ours\n[console_scripts]\nother = other:main\n\n[{GROUP}]\n# a comment\n"
        "  some=some_module : a.b [extra]\n[last]\nx = y\n",
        "[chainrule.others]\nsome = some_module\n",
        "",
        None,
    ],
    ids=["one", "among others", "of another group", "empty", "none"],
)
def test_a_distribution(path: Path, points: str | None, kind: str) -> None:
    install(path, points, "some-name", kind=kind)
    assert found() == expected()


def test_the_name_and_version_are_those_of_the_metadata(path: Path) -> None:
    install(path, POINTS, "Some-Name", "2.1")
    assert find(GROUP)["some"].owner.distribution == "Some-Name"
    assert find(GROUP)["some"].owner.version == "2.1"


@pytest.mark.parametrize("newer", [POINTS.replace("some_module", "newer_module"), None])
def test_a_distribution_hides_those_of_its_name_behind_it(path: Path, newer: str | None) -> None:
    sys.path.insert(1, str(path / "behind"))
    install(path / "behind", POINTS)
    install(path, newer, version="2.0")
    assert found() == expected()
    assert Entry("some", "some_module", "some", "1.0") not in found()


def test_two_distributions_with_one_name_for_an_entry(path: Path) -> None:
    install(path, POINTS, "one")
    install(path, POINTS, "two")
    assert [entry.distribution for entry in find(GROUP)["some"].entries] == ["one", "two"]
    assert found() == expected()


def test_an_archive(path: Path) -> None:
    archive = path / "archive.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("some-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some\nVersion: 1.0\n")
        file.writestr("some-1.0.dist-info/entry_points.txt", POINTS)
    sys.path.append(str(archive))
    assert Entry("some", "some_module", "some", "1.0") in found()
    assert found() == expected()


def test_a_finder_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import Distribution, DistributionFinder

    install(path / "elsewhere", POINTS)

    class Elsewhere(DistributionFinder):
        def find_spec(self, *_arguments: object) -> None:
            return None

        def find_distributions(self, context: object = None) -> list[Distribution]:
            return [Distribution.at(path / "elsewhere" / "some-1.0.dist-info")]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Elsewhere()])
    assert Entry("some", "some_module", "some", "1.0") in found()


def test_folders_that_are_not_there_or_cannot_be_read(path: Path) -> None:
    sys.path.append(str(path / "nowhere"))
    path.joinpath("a_file-1.0.egg-info").write_text("Name: a_file\n")
    install(path, POINTS)
    assert found() == expected()


@pytest.mark.parametrize(
    ("value", "module", "result"),
    [
        ("os", "os", __import__("os")),
        ("os.path:join", "os.path", __import__("os").path.join),
        ("os : path.join [extra, other]", "os", __import__("os").path.join),
    ],
)
def test_what_an_entry_names(value: str, module: str, result: object) -> None:
    entry = Entry("some", value)
    assert entry.module == module
    assert entry.load() is result


def test_what_an_entry_names_in_vain() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        Entry("some", "no_such_module:f").load()
    with pytest.raises(AttributeError, match="no_such_function"):
        Entry("some", "os:no_such_function").load()
