"""The WebSocket API: user data subscriptions and orders over one socket.

In:  {"id", "method", "params"} frames. Out: {"id", "status", "result" | "error", "rateLimits"} frames, and events
     wrapped as {"subscriptionId", "event"}.
Source: developers.binance.com, "WebSocket API: User Data Stream requests", "Request security", "Error codes" (-2035,
-2036) (binance-spot-api-docs, web-socket-api.md, errors.md), read 2026-11-22. The signature payload of this API is all
parameters but the signature, sorted by name. Listen keys (`userDataStream.start`) ended on 2026-02-20.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from picows import WSTransport

from ninefold.simulator import errors
from ninefold.simulator.auth import Keys
from ninefold.simulator.connection import Connection
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.limits import RATE_LIMITS, Limits
from ninefold.simulator.order_faults import Telling
from ninefold.simulator.params import Params
from ninefold.simulator.private import Private

PATH = "/ws-api/v3"
CONNECTION_WEIGHT = 2

Method = Callable[[Params], object]


class WsApi:
    """What all connections of the WebSocket API share."""

    def __init__(self, exchange: Exchange, private: Private, keys: Keys, limits: Limits) -> None:
        self.exchange = exchange
        self.keys = keys
        self.limits = limits
        self.connections: dict[Connection, None] = {}
        self.open: dict[str, tuple[int, Method]] = {
            "ping": (1, lambda params: {}),
            "time": (1, lambda params: {"serverTime": exchange.judging_ms()}),
        }
        self.signed: dict[str, tuple[int, Method]] = {
            "order.place": (1, private.place),
            "order.test": (1, private.test),
            "order.status": (4, private.order),
            "order.cancel": (1, private.cancel),
            "openOrders.status": (6, private.open_orders),
            "openOrders.cancelAll": (1, private.cancel_all),
            "account.status": (20, private.account),
            "allOrders": (20, private.all_orders),
            "myTrades": (20, private.my_trades),
        }


class ApiConnection(Connection):
    """One client of the WebSocket API. It may hold one user data subscription at a time, as there is one account."""

    def __init__(self, api: WsApi) -> None:
        super().__init__()
        self.api = api
        self.subscription: int | None = None
        self._next_subscription = 0
        self._telling = Telling(api.exchange.hub.faults, self._event)

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self.api.connections[self] = None
        self.api.limits.weight.add(CONNECTION_WEIGHT, self.api.exchange.now_ms())

    def die(self) -> None:
        super().die()
        self.api.exchange.user_listeners.pop(self._telling.tell, None)

    def on_end(self) -> None:
        self.api.connections.pop(self, None)
        self.api.exchange.user_listeners.pop(self._telling.tell, None)

    def on_text(self, text: bytes) -> None:
        number: Any = None
        answer: dict[str, Any]
        try:
            number, method, values = read_request(text)
            answer = {"id": number, "status": 200, "result": self._answer(method, values)}
        except ApiError as error:
            answer = {"id": number, "status": error.status, "error": {"code": error.code, "msg": error.msg}}
        answer["rateLimits"] = [RATE_LIMITS[0] | {"count": self.api.limits.weight.used}]
        self.send(msgspec.json.encode(answer))

    def _answer(self, method: str, values: dict[str, str]) -> object:
        api, now_ms, params = self.api, self.api.exchange.now_ms(), Params(values)
        if method == "userDataStream.subscribe.signature":
            api.limits.request(2, now_ms)
            check(api.keys, values, params, api.exchange.judging_ms())
            return self._subscribe()
        if method == "userDataStream.unsubscribe":
            api.limits.request(2, now_ms)
            return self._unsubscribe(params)
        if method == "session.subscriptions":
            api.limits.request(2, now_ms)
            return [] if self.subscription is None else [{"subscriptionId": self.subscription}]
        if method in api.open:
            weight, answer = api.open[method]
            api.limits.request(weight, now_ms)
            return answer(params)
        if method not in api.signed:
            raise ApiError(-1020, "This operation is not supported.")
        weight, answer = api.signed[method]
        api.limits.request(weight, now_ms)
        check(api.keys, values, params, api.exchange.judging_ms())
        if method == "order.place":
            api.limits.order(now_ms)
        return answer(params)

    def _subscribe(self) -> object:
        if self.subscription is not None:
            raise ApiError(-2035, "User Data Stream subscription already active.")
        self.subscription = self._next_subscription
        self._next_subscription += 1
        self.api.exchange.user_listeners[self._telling.tell] = None
        return {"subscriptionId": self.subscription}

    def _unsubscribe(self, params: Params) -> object:
        wanted = params.number("subscriptionId")
        if self.subscription is None or wanted not in (None, self.subscription):
            raise ApiError(-2036, "User Data Stream subscription not active.")
        self.subscription = None
        self.api.exchange.user_listeners.pop(self._telling.tell, None)
        return {}

    def _event(self, event: dict[str, Any]) -> None:
        self.send(msgspec.json.encode({"subscriptionId": self.subscription, "event": event}))


def read_request(text: bytes) -> tuple[Any, str, dict[str, str]]:
    """Id, method without its version, and parameters as texts. raises: ApiError -1135."""
    try:
        request = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise ApiError(-1135, "Invalid JSON Request") from None
    method = request.get("method") if isinstance(request, dict) else None
    values = request.get("params", {}) if isinstance(request, dict) else None
    if not isinstance(method, str) or not isinstance(values, dict):
        raise ApiError(-1135, "Invalid JSON Request")
    return request.get("id"), method.removeprefix("v3/"), {key: plain(value) for key, value in values.items()}


def plain(value: Any) -> str:
    """A parameter as it stands in the signature payload."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def check(keys: Keys, values: dict[str, str], params: Params, now_ms: int) -> None:
    payload = "&".join(f"{key}={values[key]}" for key in sorted(values) if key != "signature")
    if "apiKey" not in values:
        raise errors.missing("apiKey")
    keys.check(values["apiKey"], payload, values.get("signature"), params, now_ms)
