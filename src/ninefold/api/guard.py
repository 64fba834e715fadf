"""Who may ask: loopback only unless given tokens; no page of another site may read or act.

In:  every request and websocket before anything else sees it.
Out: the request, or a refusal that says the rule. All answers carry the headers that keep a page from loading foreign
     things or being framed by them; an answer that brings a stricter policy of its own keeps that.

A page of another site can reach a server on loopback from the user's own browser. Three checks stop it: the Host
header must name loopback (a name that was rebound to 127.0.0.1 does not); Origin, which browsers send with websockets,
POST and whatever a script may read, must be our own; and what a browser says it loads for another site
(Sec-Fetch-Site), an image say, is not answered by the API. No CORS header is ever sent: no other site may read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from ninefold.api.gate import Gate, Refusal
from ninefold.api.scopes import Tokens, needed

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SOCKET_PATH = "/api/v1/ws"
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        b"base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
PRIVATE = [*HEADERS, (b"cache-control", b"no-store")]  # of the API: no cache between keeps an account


def guarded(host: str, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> Callable[[ASGIApp], ASGIApp]:
    """A middleware for a server that listens on `host`.

    raises: ValueError for another address than loopback without a token.
    """
    if host not in LOOPBACK and not tokens:
        raise ValueError(
            f"serving on {host} lets others reach the API, and no token was given; "
            f"allowed without one are {', '.join(LOOPBACK)}: give a token or listen on 127.0.0.1"
        )
    gate = Gate(tokens, clock)

    def middleware(app: ASGIApp) -> ASGIApp:
        async def guard(scope: Scope, receive: Receive, send: Send) -> None:
            headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
            refusal = _foreign(scope, headers, host) or _unauthorised(scope, headers, gate)
            if refusal is not None:
                await _refuse(scope, send, refusal)
            else:
                await app(scope, receive, send)

        return guard

    return middleware


async def add_headers(message: Message, scope: Scope) -> None:
    """To every answer, those of errors too: what is sent passes here last."""
    if message["type"] == "http.response.start":
        own = {name.lower() for name, _ in message["headers"]}
        further = PRIVATE if _is_private(scope["path"]) else HEADERS
        message["headers"] = [*message["headers"], *(pair for pair in further if pair[0] not in own)]


def _foreign(scope: Scope, headers: dict[bytes, str], host: str) -> Refusal | None:
    asked = headers.get(b"host", "")
    if host in LOOPBACK and _host_of(asked) not in LOOPBACK:
        return Refusal(
            421, f"this server listens on loopback and was asked for as {asked!r}; open http://127.0.0.1:PORT"
        )
    origin = headers.get(b"origin")
    if origin is not None and origin.lower().partition("://")[2] != asked.lower():
        return Refusal(403, f"a page of {origin} asked; only pages of {asked} may")
    site = headers.get(b"sec-fetch-site", "none")
    loads = headers.get(b"sec-fetch-mode", "navigate") != "navigate"  # a link from elsewhere may be followed
    if _is_private(scope["path"]) and loads and site not in ("same-origin", "none"):
        return Refusal(403, f"a page of another site asked ({site}); only pages of {asked} may")
    return None


def _unauthorised(scope: Scope, headers: dict[bytes, str], gate: Gate) -> Refusal | None:
    client = scope["client"]
    method = scope["method"] if scope["type"] == ScopeType.HTTP else "the websocket"
    shown = _shown(scope, headers)
    return gate.refusal(f"{method} {scope['path']}", needed(scope), shown, client[0] if client else "unknown")


def _is_private(path: str) -> bool:
    return path.startswith("/api") or path.startswith("/metrics")


def _shown(scope: Scope, headers: dict[bytes, str]) -> str:
    """The token that a request shows, "" if none."""
    scheme, _, given = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scope["path"] == SOCKET_PATH:  # a browser cannot give a websocket headers
        return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
    return ""


def _host_of(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail})
        return
    body = json.dumps({"status_code": refusal.status, "detail": refusal.detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.retry_s:
        headers.append((b"retry-after", str(refusal.retry_s).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
