"""The documentation is whole: links lead somewhere, every page can be reached, every hook and variable is described."""

import re
from pathlib import Path

import pytest

from chainrule import _backends, _overrides, _plugins, _settings, _threads, hookspecs

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`]+`")


def text_of(page):
    """A page without its blocks of code, in which brackets and hashes mean other things."""
    return CODE.sub("", page.read_text(encoding="utf-8"))


def links_of(page):
    return [link for link in LINK.findall(INLINE.sub("code", text_of(page))) if "://" not in link]


def anchors_of(page):
    """The names of a page's headings, as they are made on the web: lower case, hyphens for blanks."""
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in HEADING.findall(text_of(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{link}: no such file"
        assert not anchor or anchor in anchors_of(target), f"{link}: no such heading"


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            others = (link.partition("#")[0] for link in links_of(page))
            waiting.extend((page.parent / link).resolve() for link in others if link)
    assert {page.relative_to(ROOT) for page in ROOT.glob("docs/**/*.md") if page not in reached} == set()


def test_every_hook_is_in_the_reference():
    page = (ROOT / "docs/reference/hooks.md").read_text(encoding="utf-8")
    hooks = {name for name in vars(hookspecs) if name.startswith("chainrule_")}
    assert set(re.findall(r"^\| `(\w+)\(\)`", page, re.MULTILINE)) == hooks


def test_every_environment_variable_is_in_the_reference():
    page = (ROOT / "docs/reference/environment.md").read_text(encoding="utf-8")
    read = {_backends.VARIABLE, _plugins.DISABLE, _overrides.VARIABLE, "CHAINRULE_DATA", "CHAINRULE_KEEP_MEMORY"}
    read |= {_threads.VARIABLE, _settings.STRICT, _settings.JIT}
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == read
