"""A file of secrets, which its owner alone may read.

In:  a path. Out: its bytes; a refusal names the file and what to do, never what is in it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class BadConfig(ValueError):
    """A config that cannot be used; the text names the key, what was found and what is allowed."""


def owner_only(path: Path, key: str) -> bytes:
    """key: of the config, that names the file. What is judged is the open file, so it cannot be exchanged in between.

    raises: BadConfig.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid not in (os.geteuid(), 0):
                raise BadConfig(f"{key} names {path}, which belongs to another user; run `chown $(id -u) {path}`")
            if stat.S_IMODE(found.st_mode) & 0o077:
                raise BadConfig(f"{key} names {path}, which can be read by others; run `chmod 600 {path}`")
            return file.read()
    except OSError as refused:
        why = "does not exist" if isinstance(refused, FileNotFoundError) else f"cannot be read ({refused.strerror})"
        raise BadConfig(f"{key} names {path}, which {why}") from None
