"""`ninefold init`: write a commented config."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ninefold.config import parse, template


def run(path: Annotated[Path, typer.Argument(help="the file to write")] = Path("ninefold.toml")) -> None:
    """Write a commented ninefold.toml. An existing file is never overwritten."""
    text = template()
    parse(text)
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        print(f"ninefold: {path} exists already; remove it or name another file", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"ninefold: {path} cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    print(f"wrote {path}; next: `ninefold doctor --config {path}`, then `ninefold up --config {path}`")
