"""Which data dir this is, wherever it is moved to: for those elsewhere who hold a copy of what it made.

In:  a data dir. Out: a name that no other has; a backup does not carry it, for what is restored may become something else.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

ORIGIN = Path("state") / "origin"


def origin_of(data_dir: Path) -> str:
    """The same at every call, also of several processes and threads at once; made by the first."""
    path = data_dir / ORIGIN
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        name = uuid.uuid4().hex
        made = path.with_name(f".origin.{name}")
        made.write_text(name)
        try:
            os.link(made, path)  # unlike a rename it never takes the place of one that is there
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()
