"""Every package that the program brings along has a licence that is allowed; and what would not be allowed is found.

In:  installed packages, web/package-lock.json, scripts/licences.py.
Out: a failure that names the package and its licence.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


licences = script("licences")


def test_every_package_of_the_program_and_of_the_page_has_an_allowed_licence():
    found = [*licences.rows(licences.product()), *licences.page_rows()]
    assert len(found) > 50, "the packages of requirements.txt are not installed"
    assert [row for row in found if row.wrong] == []


REFUSED = {
    "AGPL in an expression": "License-Expression: AGPL-3.0-or-later",
    "GPL beside what is allowed": "License-Expression: MIT AND GPL-3.0-only",
    "GPL as a classifier": "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
    "LGPL in prose": "License: LGPLv3",
    "non-commercial in prose": "License: Free for non-commercial use",
    "Commons Clause in prose": "License: Apache 2.0 with Commons Clause",
    "a source licence": "License-Expression: BUSL-1.1",
    "none at all": "Summary: nothing is said",
}


@pytest.mark.parametrize("line", REFUSED.values(), ids=REFUSED)
def test_a_package_with_another_licence_is_found(tmp_path, line):
    folder = tmp_path / "planted-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: planted\nVersion: 1.0\n{line}\n")
    planted = metadata.Distribution.at(folder)
    assert licences.judged("planted", licences.licence_of(planted)).wrong != ""


def test_a_licence_that_is_only_a_file_is_read(tmp_path):
    folder = tmp_path / "planted-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: planted\nVersion: 1.0\n")
    (folder / "RECORD").write_text("planted-1.0.dist-info/LICENSE,,\n")
    (folder / "LICENSE").write_text("GNU AFFERO\nGENERAL PUBLIC LICENSE\nVersion 3")
    planted = metadata.Distribution.at(folder)
    assert licences.licence_of(planted) == "AGPL-3.0-only"
    (folder / "LICENSE").write_text("Permission is hereby granted, free of\ncharge, to any person")
    assert licences.licence_of(planted) == "MIT"


def test_an_audit_that_reaches_no_database_says_that_nothing_was_checked(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    audit = script("audit")
    words = "requests.exceptions.ConnectionError: Max retries exceeded"
    checked = audit._not_asked("Python packages", subprocess.CompletedProcess([], 1, "", words))
    assert audit.told(checked) == ["Python packages: NOT CHECKED: no network reaches the database"]
    assert audit.told(audit.Checked("page", True, ["a: high"])) == ["page: 1 found", "  a: high"]
