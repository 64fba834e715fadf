"""Hatch's hook: a wheel or an sdist carries the built web front end, so that installing needs no Node.

An editable install skips it: `make setup` runs scripts/build_web.py, which builds when web/ has changed.
"""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds web/ into src/ninefold/api/static before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; `version` is the kind of build ("standard" or "editable")."""
        if version != "editable":
            root = Path(self.root)
            runpy.run_path(str(root / "scripts" / "build_web.py"))["build_web"](root)
