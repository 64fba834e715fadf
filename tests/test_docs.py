"""What the documents say holds: examples run, links lead somewhere, commands exist.

In:  docstrings under src/ninefold, every Markdown file of the repository, `ninefold --help`, the Makefile.
Out: a failure that names the file and what is wrong in it.
"""

import doctest
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
WITH_EXAMPLES = sorted(path for path in SOURCE.rglob("*.py") if ">>>" in path.read_text(encoding="utf-8"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[\s/`])ninefold ([a-z][a-z|-]*)")
TARGET = re.compile(r"(?:^|[\s`])make ([a-z][a-z-]*)")


def by_path(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=by_path)
def test_examples_in_docstrings_run(path):
    module = importlib.import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"))
    result = doctest.testmod(module)
    assert result.attempted > 0, "the examples stand where doctest does not look: in no docstring"
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=by_path)
def test_links_inside_the_repository_lead_somewhere(page):
    assert dead_links(page) == []


def test_a_dead_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](page.md#one-thing) [b](gone.md) [c](#no-such) ![d](gone.png) `[e](code.md)`\n")
    assert dead_links(page) == ["gone.md", "#no-such", "gone.png"]


def test_commands_named_in_the_documents_exist():
    exist = set(commands_in_help())
    named = {(by_path(page), name) for page in PAGES for name in commands_named(page.read_text(encoding="utf-8"))}
    assert named, "no document names any command"
    assert sorted((page, name) for page, name in named if name not in exist) == []


def test_make_targets_named_in_the_documents_exist():
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {(by_path(page), name) for page in PAGES for name in TARGET.findall(code(page.read_text(encoding="utf-8")))}
    assert sorted((page, name) for page, name in named if name not in phony.split()) == []


def test_commands_are_read_from_code_and_not_from_prose():
    text = "ninefold is good. `ninefold halt|resume`\n```\n.venv/bin/ninefold demo --json\nimport ninefold\n```\n"
    assert commands_named(text) == ["halt", "resume", "demo"]


def dead_links(page: Path) -> list[str]:
    """The targets of links in `page` that are neither on the web, nor a file, nor a heading."""
    links = LINK.findall(CODE.sub("", page.read_text(encoding="utf-8")))
    return [link for link in links if not re.match(r"https?:|mailto:", link) and not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text(encoding="utf-8"))


def anchors(text: str) -> set[str]:
    """The names by which headings can be linked to: lower case, punctuation gone, spaces as hyphens."""
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_named(text: str) -> list[str]:
    return [name for named in COMMAND.findall(code(text)) for name in named.split("|")]


def code(text: str) -> str:
    """Only the code of a page: fenced blocks and `spans`, one a line."""
    return "\n".join(CODE.findall(text))


def commands_in_help() -> list[str]:
    shown = subprocess.run(
        [sys.executable, "-m", "ninefold", "--help"],
        env={**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return re.findall(r"^[\s│|]*([a-z][a-z-]*)(?:\s{2,}|$)", shown.stdout, re.MULTILINE)
