"""The licences of everything that the program brings along: which they are, and whether each is allowed.

In:  the packages of requirements.txt and of the extras as they are installed, and web/package-lock.json without tools.
Out: rows of package, licence and what is wrong with it. A package without any licence that can be told is wrong too.

Where a package names its licence in prose, the words are looked up; where it names none, its licence file is read.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Zlib", "Unlicense", "CC0-1.0", "PSF-2.0"),
    *("Apache-2.0", "MPL-2.0"),  # MPL: used as it is; changes to its own files would have to be published
}
PROSE = {  # a part of what metadata says, in small letters, and the licence that it means
    "agpl": "AGPL-3.0-only",
    "affero": "AGPL-3.0-only",
    "lgpl": "LGPL-3.0-only",
    "lesser general": "LGPL-3.0-only",
    "gpl": "GPL-3.0-only",
    "general public": "GPL-3.0-only",
    "non-commercial": "LicenseRef-non-commercial",
    "noncommercial": "LicenseRef-non-commercial",
    "commons clause": "LicenseRef-commons-clause",
    "business source": "BUSL-1.1",
    "proprietary": "LicenseRef-proprietary",
    "apache": "Apache-2.0",
    "mozilla public": "MPL-2.0",
    "mpl": "MPL-2.0",
    "python software foundation": "PSF-2.0",
    "psf": "PSF-2.0",
    "isc": "ISC",
    "mit": "MIT",
    "bsd": "BSD-3-Clause",
}
TEXTS = {  # a sentence of a licence file
    "affero general public license": "AGPL-3.0-only",
    "gnu general public license": "GPL-3.0-only",
    "gnu lesser general public license": "LGPL-3.0-only",
    "permission is hereby granted, free of charge": "MIT",
    "redistribution and use in source and binary forms": "BSD-3-Clause",
    "apache license version 2.0": "Apache-2.0",
}


class Row(NamedTuple):
    package: str
    licence: str
    wrong: str  # "" if it is allowed


def rows(names: list[str]) -> list[Row]:
    """Of installed packages; those of other platforms are not installed and not judged."""
    found = []
    for name in names:
        try:
            found.append(judged(name, licence_of(metadata.distribution(name))))
        except metadata.PackageNotFoundError:
            continue
    return found


def judged(package: str, licence: str) -> Row:
    """licence: an SPDX expression, "" if none was found.

    >>> judged("a", "MIT OR GPL-3.0-only").wrong, judged("b", "MIT AND GPL-3.0-only").wrong
    ('', 'GPL-3.0-only is not allowed')
    """
    if not licence:
        return Row(package, "unknown", "it names no licence that is known here")
    for part in re.split(r"\s+AND\s+", licence):
        either = [re.sub(r"\s+WITH\s+\S+", "", one).strip("() ") for one in re.split(r"\s+OR\s+", part)]
        if not ALLOWED & set(either):
            return Row(package, licence, f"{' or '.join(either)} is not allowed")
    return Row(package, licence, "")


def licence_of(package: metadata.Distribution) -> str:
    """An SPDX expression, "" if nothing tells."""
    about = package.metadata
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [one.rpartition("::")[2] for one in about.get_all("Classifier") or [] if one.startswith("License ::")]
    named = dict.fromkeys(filter(None, map(from_prose, classifiers)))
    said = str(about.get("License") or "").split("\n")[0]
    return " OR ".join(named) or from_prose(said) or from_file(package)


def from_prose(text: str) -> str:
    return next((licence for word, licence in PROSE.items() if re.search(rf"\b{word}", text.lower())), "")


def from_file(package: metadata.Distribution) -> str:
    for path in package.files or []:
        if re.match(r"(LICEN[CS]E|COPYING)", path.name, re.IGNORECASE):
            text = " ".join(path.read_text(encoding="utf-8").lower().split())
            return next((licence for sentence, licence in TEXTS.items() if sentence in text), "")
    return ""


def product() -> list[str]:
    """What `pip install ninefold` and its extras bring: the pins, and what the extras need beside them."""
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [need for needs in project["optional-dependencies"].values() for need in needs]
    return sorted({*pinned, *closure([bare(need) for need in extras])})


def closure(names: list[str]) -> set[str]:
    """These packages and all that they need here, without their extras."""
    found: set[str] = set()
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in found:
            continue
        found.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        names += [bare(need) for need in needs if "extra ==" not in need]
    return found


def bare(requirement: str) -> str:
    return re.split(r"[<>=!~;\[ (]", requirement)[0]


def page_rows() -> Iterator[Row]:
    """What is built into the page."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    for place, package in lock["packages"].items():
        if place and not package.get("dev"):
            yield judged(place.removeprefix("node_modules/"), package.get("license", ""))


def main() -> int:
    found = [*rows(product()), *page_rows()]
    for row in found:
        if row.wrong:
            print(f"{row.package}: {row.licence}: {row.wrong}")
    print(f"licences: {len(found)} packages, {sum(bool(row.wrong) for row in found)} not allowed")
    return int(any(row.wrong for row in found))


if __name__ == "__main__":
    sys.exit(main())
