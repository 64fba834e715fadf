"""`make audit`: known vulnerabilities of the pinned packages and of the page's, and licences.

In:  requirements.txt and web/package-lock.json; pip-audit's Python as the argument; the public databases of PyPI and npm.
Out: what was found, and status 1 if something was, or if something could not be asked: not asked is not clean.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from build_web import npm_command
from licences import main as licences

ROOT = Path(__file__).resolve().parent.parent
OFFLINE = (
    "ConnectionError",
    "Max retries",
    "Name or service not known",
    "ENOTFOUND",
    "ECONNREFUSED",
    "EAI_AGAIN",
    "ETIMEDOUT",
)


class Checked(NamedTuple):
    """asked: whether the database answered."""

    what: str
    asked: bool
    found: list[str]
    why: str = ""


def python_packages(python: str) -> Checked:
    what = "Python packages of requirements.txt"
    command = [python, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", "requirements.txt"]
    done = _run([*command, "--progress-spinner", "off", "--format", "json"], ROOT, dict(os.environ))
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _not_asked(what, done)
    found = [f"{one['name']} {one['version']}: {each['id']}" for one in packages for each in one.get("vulns", [])]
    skipped = [f"{one['name']}: not looked up: {one['skip_reason']}" for one in packages if "skip_reason" in one]
    if len(skipped) == len(packages):
        return Checked(what, False, [], f"the database was asked for none of {len(packages)} packages; {skipped[0]}")
    return Checked(what, True, [*found, *skipped])


def page_packages() -> Checked:
    what = "packages of the page"
    command, environment = npm_command("audit", "--omit=dev", "--json")
    done = _run(command, ROOT / "web", environment)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return _not_asked(what, done)
    found = report.get("vulnerabilities")
    if found is None:
        return Checked(what, False, [], str(report.get("message", "npm gave no report"))[:300])
    return Checked(what, True, [f"{name}: {one['severity']}" for name, one in found.items()])


def _not_asked(what: str, done: subprocess.CompletedProcess[str]) -> Checked:
    words = done.stdout + done.stderr
    offline = any(sign in words for sign in OFFLINE)
    why = "no network reaches the database" if offline else " ".join(words.split())[:300]
    return Checked(what, False, [], why)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def told(checked: Checked) -> list[str]:
    if not checked.asked:
        return [f"{checked.what}: NOT CHECKED: {checked.why}"]
    return [f"{checked.what}: {len(checked.found)} found", *(f"  {one}" for one in checked.found)]


def main(python: str) -> int:
    done = [python_packages(python), page_packages()]
    print("\n".join(line for one in done for line in told(one)))
    wrong = licences()
    return int(bool(wrong) or any(one.found or not one.asked for one in done))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
