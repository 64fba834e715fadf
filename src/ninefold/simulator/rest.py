"""The REST server: routes, weights, signatures, rate limits.

In:  HTTP requests. Out: JSON answers with Binance's headers and error objects.
A public question may meet a fault instead: 429 or 418 with Retry-After, 503, or a socket that closes without a word. What
signed requests may meet is in order_faults.py.
Weights and security types: developers.binance.com, REST API (binance-spot-api-docs, rest-api.md), read 2026-11-22.
`userDataStream` answers 410 Gone: listen keys ended on 2026-02-20.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from ninefold.simulator import errors
from ninefold.simulator.auth import Keys, split_signature
from ninefold.simulator.connection import Connection
from ninefold.simulator.errors import ApiError
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.faults import Trouble
from ninefold.simulator.limits import WEIGHT_PER_MINUTE, Limits, TooMany
from ninefold.simulator.order_faults import Halving, hang_up, reply
from ninefold.simulator.params import Params
from ninefold.simulator.private import Private
from ninefold.simulator.public import Public

Answer = Callable[[Params], Awaitable[object]]
Signed = Callable[[Params], object]
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50))


class Rest:
    """The `/api/v3` routes. lines: of the account's events; halving: the market that own orders meet."""

    def __init__(
        self,
        exchange: Exchange,
        public: Public,
        private: Private,
        keys: Keys,
        limits: Limits,
        lines: dict[Connection, None],
        halving: Halving,
    ) -> None:
        self.lines = lines
        self.halving = halving
        self.exchange = exchange
        self.public = public
        self.private = private
        self.keys = keys
        self.limits = limits

    def routes(self) -> list[web.RouteDef]:
        public, private = self.public, self.private
        open_to_all: list[tuple[str, int, Answer]] = [
            ("ping", 1, public.ping), ("time", 1, public.time), ("exchangeInfo", 20, public.exchange_info),
            ("depth", 0, public.depth), ("trades", 25, public.trades),
            ("historicalTrades", 25, public.historical_trades), ("aggTrades", 4, public.agg_trades),
            ("klines", 2, public.klines), ("uiKlines", 2, public.klines), ("ticker/price", 2, public.ticker_price),
            ("ticker/bookTicker", 2, public.book_ticker), ("ticker/24hr", 2, public.ticker_24hr),
        ]  # fmt: skip
        signed: list[tuple[str, str, int, Signed]] = [
            ("GET", "account", 20, private.account), ("POST", "order", 1, private.place),
            ("GET", "order", 4, private.order), ("DELETE", "order", 1, private.cancel),
            ("POST", "order/test", 1, private.test), ("GET", "openOrders", 6, private.open_orders),
            ("DELETE", "openOrders", 1, private.cancel_all), ("GET", "allOrders", 20, private.all_orders),
            ("GET", "myTrades", 20, private.my_trades),
        ]  # fmt: skip
        routes = [web.get(f"/api/v3/{path}", self._public(weight, answer)) for path, weight, answer in open_to_all]
        routes += [
            web.route(method, f"/api/v3/{path}", self._signed(weight, answer, method == "POST" and path == "order"))
            for method, path, weight, answer in signed
        ]
        restrictions = web.get("/sapi/v1/account/apiRestrictions", self._signed(1, private.api_restrictions, False))
        return [*routes, restrictions, web.route("*", "/api/v3/userDataStream", gone)]

    def _public(self, weight: int, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            trouble = self.exchange.hub.faults.question(request.path)
            if trouble is not None:
                return self._fail(trouble, request)
            params = Params(dict(request.query))
            try:
                self.limits.request(weight or depth_weight(params), self.exchange.now_ms())
                return self._ok(await answer(params))
            except ApiError as error:
                return self._error(error)

        return handle

    def _signed(self, weight: int, answer: Signed, is_order: bool) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            query, in_query = split_signature(request.rel_url.raw_query_string)
            body, in_body = split_signature(await request.text())
            params = Params(dict(parse_qsl(body)) | dict(parse_qsl(query)))

            def carry_out() -> web.Response:
                try:
                    now_ms = self.exchange.now_ms()
                    self.limits.request(weight, now_ms)
                    key = request.headers.get("X-MBX-APIKEY")
                    self.keys.check(key, query + body, in_query or in_body, params, self.exchange.judging_ms())
                    if is_order:
                        self.limits.order(now_ms)
                    return self._ok(answer(params), is_order)
                except ApiError as error:
                    return self._error(error)

            faults = self.exchange.hub.faults
            if faults.maintenance():
                faults.struck["maintenance"] += 1
                return self._fail(Trouble("outage", 1), request)
            struck = faults.reply(f"{request.method} {request.path}")
            return carry_out() if struck is None else await reply(struck, request, carry_out, self.lines, self.halving)

        return handle

    def _ok(self, answer: object, is_order: bool = False) -> web.Response:
        return json_response(answer, 200, self._headers(is_order))

    def _error(self, error: ApiError) -> web.Response:
        headers = self._headers(False)
        if isinstance(error, TooMany) and error.retry_seconds is not None:
            headers["Retry-After"] = str(error.retry_seconds)
        return json_response({"code": error.code, "msg": error.msg}, error.status, headers)

    def _fail(self, trouble: Trouble, request: web.Request) -> web.Response:
        """The answer of a venue in trouble, or none."""
        if trouble.kind == "hangup":
            return hang_up(request)
        if trouble.kind == "outage":
            return web.Response(status=503, text="Service Unavailable.")
        if trouble.kind == "limit":
            return self._error(too_much(trouble.seconds))
        return self._error(banned(trouble.seconds, self.exchange.now_ms()))

    def _headers(self, is_order: bool) -> dict[str, str]:
        used = str(self.limits.weight.used)
        headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if is_order:
            headers["X-MBX-ORDER-COUNT-10S"] = str(self.limits.orders_10s.used)
            headers["X-MBX-ORDER-COUNT-1D"] = str(self.limits.orders_day.used)
        return headers


def json_response(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(answer)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json", charset="UTF-8")


def depth_weight(params: Params) -> int:
    limit = params.limit(100, 5000)
    return next((weight for most, weight in DEPTH_WEIGHTS if limit <= most), 250)


async def gone(request: web.Request) -> web.Response:
    error = errors.ApiError(-1020, "This operation is not supported.", 410)
    return json_response({"code": error.code, "msg": error.msg}, error.status)


def too_much(seconds: int) -> TooMany:
    limit = f"current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE"
    advice = "Please use WebSocket Streams for live updates to avoid polling the API."
    return TooMany(-1003, f"Too much request weight used; {limit}. {advice}", seconds)


def banned(seconds: int, now_ms: int) -> TooMany:
    until = f"IP banned until {now_ms + seconds * 1000}"
    advice = "Please use WebSocket Streams for live updates to avoid bans."
    error = TooMany(-1003, f"Way too much request weight used; {until}. {advice}", seconds)
    error.status = 418
    return error
