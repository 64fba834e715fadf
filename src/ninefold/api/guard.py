"""Who may ask: loopback only unless given a token; no page of another site may read or act.

In:  every request and websocket before anything else sees it.
Out: the request, or a refusal that says the rule. All answers carry the headers that keep a page from loading foreign
     things or being framed by them; an answer that brings a stricter policy of its own keeps that.

A page of another site can reach a server on loopback from the user's own browser. Two checks stop it: the Host
header must name loopback (a name that was rebound to 127.0.0.1 does not), and Origin, which browsers send with
websockets and POST, must be our own.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SOCKET_PATH = "/api/v1/ws"
READS = ("GET", "HEAD")
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        b"base-uri 'self'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def guarded(host: str, token: str | None) -> Callable[[ASGIApp], ASGIApp]:
    """A middleware for a server that listens on `host`.

    raises: ValueError for another address than loopback without a token.
    """
    if host not in LOOPBACK and not token:
        raise ValueError(
            f"serving on {host} lets others reach the API, and no token was given; "
            f"allowed without one are {', '.join(LOOPBACK)}: give a token or listen on 127.0.0.1"
        )

    def middleware(app: ASGIApp) -> ASGIApp:
        async def guard(scope: Scope, receive: Receive, send: Send) -> None:
            refusal = _refusal(scope, host, token)
            if refusal is not None:
                await _refuse(scope, send, *refusal)
            else:
                await app(scope, receive, _with_headers(send))

        return guard

    return middleware


def _refusal(scope: Scope, host: str, token: str | None) -> tuple[int, str] | None:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    asked = headers.get(b"host", "")
    if host in LOOPBACK and _host_of(asked) not in LOOPBACK:
        return 421, f"this server listens on loopback and was asked for as {asked!r}; open it as http://127.0.0.1:PORT"
    origin = headers.get(b"origin")
    acts = scope["type"] == ScopeType.WEBSOCKET or scope["method"] not in READS
    if origin is not None and acts and urlsplit(origin).netloc.lower() != asked.lower():
        return 403, f"a page of {origin} asked; only pages of {asked} may"
    if token is not None and _is_private(scope["path"]) and not _has_token(scope, headers, token):
        return 401, "this server asks for its token: send the header 'Authorization: Bearer TOKEN'"
    return None


def _is_private(path: str) -> bool:
    return path.startswith("/api") or path.startswith("/metrics")


def _has_token(scope: Scope, headers: dict[bytes, str], token: str) -> bool:
    scheme, _, given = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return hmac.compare_digest(given.encode(), token.encode())
    if scope["path"] == SOCKET_PATH:  # a browser cannot give a websocket headers
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        return hmac.compare_digest(given.encode(), token.encode())
    return False


def _host_of(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in own)]
        await send(message)

    return send_with_headers


async def _refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    if scope["type"] == ScopeType.WEBSOCKET:
        await send({"type": "websocket.close", "code": 1008, "reason": detail})
        return
    body = json.dumps({"status_code": status, "detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
