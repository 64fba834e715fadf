"""What a route needs of who asks, and the tokens that give it.

In:  names, scopes and texts of tokens. Out: the token that a text is, found in constant time, or None.
Each scope includes those before it. Of a token only its digest is kept, so no error and no dump of memory shows it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Scope as Asgi


class Scope(IntEnum):
    """OPEN: anybody; for the page's own files, and for what proves itself in another way (Slack's signature)."""

    OPEN = 0
    READ = 1
    TRADE = 2
    ADMIN = 3


OPEN, READ, TRADE, ADMIN = ({"needs": scope} for scope in Scope)  # for a route: @get("/bars", opt=READ)


class Given(NamedTuple):
    """A token as it is written down."""

    name: str
    scope: Scope
    text: str


@dataclass(frozen=True)
class Token:
    name: str
    scope: Scope
    digest: bytes


class Tokens:
    """raises: ValueError if one text is given twice, or a name is."""

    def __init__(self, given: Iterable[Given] = ()) -> None:
        self._all = [Token(one.name, one.scope, digest_of(one.text)) for one in given]
        for what in ("name", "digest"):
            if len({getattr(token, what) for token in self._all}) < len(self._all):
                names = ", ".join(token.name for token in self._all)
                raise ValueError(f"two of the tokens {names} have the same {what}; each needs its own")

    def __bool__(self) -> bool:
        return bool(self._all)

    def find(self, digest: bytes) -> Token | None:
        """As long for a wrong one as for any right one."""
        found = None
        for token in self._all:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found


def digest_of(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def needed(asked: Asgi) -> Scope:
    """What the route of a request needs. OPTIONS, which only names the methods of a route, is Litestar's own."""
    if asked.get("method") == "OPTIONS":
        return Scope.OPEN
    needs: Scope = asked["route_handler"].opt["needs"]
    return needs


def scopes_of(app: Litestar) -> dict[tuple[str, str], Scope | None]:
    """Of every route: its path and method ("WS" for a websocket), and what it needs; None if it does not say."""
    found: dict[tuple[str, str], Scope | None] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    found[route.path, method] = handler.opt.get("needs")
        else:
            found[route.path, "WS"] = route.route_handler.opt.get("needs")
    return found


def check_scopes(app: Litestar) -> None:
    """raises: LookupError if a route does not say which scope it needs."""
    silent = [f"{method} {path}" for (path, method), needs in scopes_of(app).items() if needs is None]
    if silent:
        raise LookupError(
            f"no scope is declared for {', '.join(silent)}; give each route opt=READ, TRADE, ADMIN or OPEN"
        )
