"""How commands fail: the message of a known error and exit status 2; anything else is a bug and shows its trace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def plainly(*errors: type[Exception]) -> Iterator[None]:
    """Turn errors that a user can mend into their message and exit status 2."""
    try:
        yield
    except errors as error:
        print(f"ninefold: {error}", file=sys.stderr)
        sys.exit(2)
