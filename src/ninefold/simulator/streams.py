"""Market streams: /ws/<stream>, /stream?streams=, SUBSCRIBE and its kin.

In:  websocket connections and their requests. Out: subscriptions in the hub, answers as Binance gives them.
Source: developers.binance.com, "WebSocket Streams" (binance-spot-api-docs, web-socket-streams.md), read 2026-11-22.
A stream of a known kind but an unknown symbol is accepted and stays silent; a stream of no known kind is refused with
`{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":...}` (seen in public issue threads).
"""

import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from picows import WSCloseCode, WSTransport

from ninefold.simulator.candles import INTERVALS_MS
from ninefold.simulator.connection import Connection
from ninefold.simulator.hub import Hub

MOST_REQUESTS_PER_SECOND = 5
MOST_STREAMS = 1_024
STREAM = re.compile(
    r"[a-z0-9_\-]{1,30}@(trade|aggTrade|bookTicker|depth|depth@100ms|kline_(" + "|".join(INTERVALS_MS) + "))"
)
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class Refused(Exception):
    """A request that gets an error answer."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


class MarketConnection(Connection):
    """One client of market streams."""

    face = "binance"

    def __init__(self, hub: Hub, streams: list[str], combined: bool, on_subscribed: Callable[[], None]) -> None:
        super().__init__()
        self.hub = hub
        self.number = 0
        self.combined = combined
        self.streams: dict[str, None] = dict.fromkeys(streams)
        self._on_subscribed = on_subscribed
        self._requests: deque[float] = deque(maxlen=MOST_REQUESTS_PER_SECOND)

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.hub.join(self)
        for stream in self.streams:
            self.hub.subscribe(self, stream)
        if self.streams:
            self._on_subscribed()

    def on_end(self) -> None:
        self.hub.leave(self)
        for stream in self.streams:
            self.hub.unsubscribe(self, stream)

    def on_text(self, text: bytes) -> None:
        now_s = time.monotonic()
        if len(self._requests) == MOST_REQUESTS_PER_SECOND and now_s - self._requests[0] < 1.0:
            self.close(WSCloseCode.POLICY_VIOLATION, b"Too many requests")
            return
        self._requests.append(now_s)
        request: Any = None
        try:
            request = msgspec.json.decode(text)
            answer = {"result": self._answer(request), "id": request.get("id")}
        except msgspec.DecodeError:
            answer = {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}}
        except Refused as refused:
            answer = {"error": {"code": refused.code, "msg": refused.msg}}
            if isinstance(request, dict) and "id" in request:
                answer["id"] = request["id"]
        self.send(msgspec.json.encode(answer))
        if isinstance(request, dict) and request.get("method") == "SUBSCRIBE" and self.streams:
            self._on_subscribed()

    def _answer(self, request: Any) -> object:
        if not isinstance(request, dict):
            raise Refused(2, "Invalid request: expected an object")
        method, params, number = request.get("method"), request.get("params", []), request.get("id")
        if method is None:
            raise Refused(2, "Invalid request: missing field `method` at line 1 column 1")
        if method not in METHODS:
            known = ", ".join(f"`{each}`" for each in METHODS)
            raise Refused(2, f"Invalid request: unknown variant `{method}`, expected one of {known} at line 1 column 1")
        if isinstance(number, bool) or not isinstance(number, int | str | None) or len(str(number)) > 36:
            raise Refused(2, "Invalid request: request ID must be an unsigned integer")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self.streams)
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(method, params)
        self._subscribe(method == "SUBSCRIBE", params)
        return None

    def _subscribe(self, adding: bool, params: Any) -> None:
        if not isinstance(params, list) or not all(isinstance(each, str) for each in params):
            raise Refused(2, "Invalid request: stream names must be strings")
        if not all(STREAM.fullmatch(each) for each in params):
            raise Refused(2, "Invalid request: invalid stream")
        if adding and len({*self.streams, *params}) > MOST_STREAMS:
            raise Refused(2, "Invalid request: too many streams")
        for stream in params:
            if adding:
                self.streams[stream] = None
                self.hub.subscribe(self, stream)
            else:
                self.streams.pop(stream, None)
                self.hub.unsubscribe(self, stream)

    def _property(self, method: str, params: Any) -> object:
        if not isinstance(params, list) or not params or not isinstance(params[0], str):
            raise Refused(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise Refused(0, "Unknown property")
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise Refused(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def route(path: str) -> tuple[list[str], bool] | None:
    """Streams and combined form that a request path asks for; None for a path that is not served."""
    head, _, query = path.partition("?")
    head = head.rstrip("/")
    if head == "/stream":
        names = next((part.removeprefix("streams=") for part in query.split("&") if part.startswith("streams=")), "")
        wanted = unquote(names).split("/")
        return [each for each in wanted if STREAM.fullmatch(each)], True
    if head == "/ws" or head.startswith("/ws/"):
        return [each for each in unquote(head).split("/")[2:] if STREAM.fullmatch(each)], False
    return None
