"""The web front end: files of the build, and its pages for the addresses they make themselves (/i/..., /backtests).

Nothing outside the folder is answered. Files under assets/ have their content's hash in the name and may be kept.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from litestar import Response
from litestar.exceptions import NotFoundException

PAGE = "index.html"


def page(folder: Path, asked: str) -> Response[bytes]:
    """raises: NotFoundException if there is no such file, or no build."""
    root = folder.resolve()
    file = (root / asked.lstrip("/")).resolve()
    if not file.is_relative_to(root):
        raise NotFoundException(f"there is no file {asked!r}")
    if file == root or asked.lstrip("/").startswith("i/"):
        file = root / PAGE
    elif not file.suffix:
        file = file.with_suffix(".html")
    if not file.is_file():
        built = (root / PAGE).is_file()
        reason = f"there is no file {asked!r}" if built else "the web front end is not built; run `make setup`"
        raise NotFoundException(reason)
    kept = "public, max-age=31536000, immutable" if file.parent.name == "assets" else "no-cache"
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(file.read_bytes(), media_type=kind, headers={"cache-control": kept})
