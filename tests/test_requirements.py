"""The pinned requirements hold what pyproject.toml asks for, with hashes, and name no index.

In:  pyproject.toml, requirements*.txt.
Out: a failure that says what to recompile; `make pins` does it.
"""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = ["requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-audit.txt"]


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_a_hash_and_no_line_names_an_index_or_a_folder(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.sub(r" \\\n +", " ", text).splitlines()
    assert [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []
    assert not re.search(r"https?:|file:|^ *-(?!-hash)", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_all_that_the_program_depends_on_is_pinned(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {bare(line) for line in [*project["dependencies"], *project["optional-dependencies"]["bus"]]}
    assert wanted - set(pins(name)) == set()


def test_the_program_is_tested_with_the_versions_that_users_get():
    users, tested = pins("requirements.txt"), pins("requirements-dev.txt")
    assert users == {package: tested.get(package) for package in users}


def pins(name: str) -> dict[str, set[str]]:
    """The versions of each package; more than one where they differ from Python to Python."""
    found: dict[str, set[str]] = {}
    text = (ROOT / name).read_text(encoding="utf-8")
    for package, version in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def bare(requirement: str) -> str:
    """The name in a requirement, as index pages write it: lower case, hyphens."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~\[ ;]", requirement)[0]).lower()
