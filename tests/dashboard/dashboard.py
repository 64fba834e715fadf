"""The committed dashboard, its queries, and the script that writes it."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "dashboards"


def committed() -> dict[str, Any]:
    return json.loads((FOLDER / "ninefold.json").read_text())


def regenerated() -> str:
    made: str = runpy.run_path(str(ROOT / "scripts" / "make_dashboard.py"))["dashboard_json"]()
    return made


def queries() -> Iterator[tuple[str, str]]:
    """(panel and letter, PromQL) of every target."""
    for panel in committed()["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']}, {target['refId']}", target["expr"]


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"ninefold_\w+", expression))
