"""What a venue and the net do to orders and to what is told of them. docs/faults.md tells each kind.

In:  the fault that a signed request meets, and what carries it out; user data events on their way to the listeners.
Out: the answer, if any; the events as they are told: lost, twice, or after the one that should have followed.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from ninefold.simulator.accounts import OwnOrder
from ninefold.simulator.connection import Connection
from ninefold.simulator.exchange import Market, Rows
from ninefold.simulator.faults import Faults, Struck

HANG_SECONDS = 60.0  # a request on a dead line is never answered; who asked has given up long before
TIMEOUT = {"code": -1007, "msg": "Timeout waiting for response from backend server. Send status unknown; "
           "execution status unknown."}  # fmt: skip
TOO_MANY = {"code": -1015, "msg": "Too many new orders; current limit is 100 orders per 10 SECOND."}


async def reply(
    struck: Struck,
    request: web.Request,
    carry_out: Callable[[], web.Response],
    lines: dict[Connection, None],
    halving: "Halving",
) -> web.Response:
    """The answer to a signed request that meets a fault. lines: those of the account's events."""
    match struck.kind:
        case "refused_5xx":
            return web.Response(status=503, text="Service Unavailable.")
        case "order_limit":
            return _said(TOO_MANY, 429, {"Retry-After": str(struck.seconds)})
        case "accepted_5xx":
            carry_out()
            return _said(TIMEOUT, 504)
        case "late":
            asyncio.get_running_loop().call_later(struck.by_ms / 1000, carry_out)
        case "half_open":
            await asyncio.sleep(HANG_SECONDS)
        case "partial_fill":
            with halving:
                carry_out()
            for line in list(lines):
                line.drop()
        case _:  # reply_lost
            carry_out()
    return hang_up(request)


def hang_up(request: web.Request) -> web.Response:
    """Close the socket instead of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # nobody hears it


def _said(body: object, status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset="UTF-8"
    )


class Halving:
    """A market that, while it is entered, fills half of what an order that does not rest would get: the rest expires."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._on = False

    def __enter__(self) -> None:
        self._on = True

    def __exit__(self, *_: object) -> None:
        self._on = False

    def depth(self, symbol: str, limit: int) -> tuple[int, Rows, Rows]:
        return self._market.depth(symbol, limit)

    def walk(self, symbol: str, side: int, price_ticks: int | None, lots: int) -> Rows:
        return self._market.walk(symbol, side, price_ticks, lots)

    def submit(self, order: OwnOrder, price_ticks: int | None, rest: bool) -> None:
        whole = not self._on or rest or order.lots < 2
        part = order if whole else msgspec.structs.replace(order, lots=order.lots // 2)
        self._market.submit(part, price_ticks, rest)

    def cancel(self, order: OwnOrder) -> None:
        self._market.cancel(order)


class Telling:
    """Hands user data events to `tell`, as far as no fault strikes them."""

    LATEST_SECONDS = 0.12  # an event that nothing has overtaken by then goes out all the same

    def __init__(self, faults: Faults, tell: Callable[[dict[str, Any]], None]) -> None:
        self._faults = faults
        self._tell = tell
        self._held: dict[str, Any] | None = None

    def tell(self, event: dict[str, Any]) -> None:
        kind = self._faults.event(event["e"])
        if kind == "event_gap":
            return
        held, self._held = self._held, None
        if held is None and kind == "event_reorder":
            self._held = event
            asyncio.get_running_loop().call_later(self.LATEST_SECONDS, self._release, event)
            return
        for _ in range(2 if kind == "event_duplicate" else 1):
            self._tell(event)
        if held is not None:
            self._tell(held)

    def _release(self, event: dict[str, Any]) -> None:
        if self._held is event:
            self._held = None
            self._tell(event)
