"""The simulated exchange with ten instruments, which notes when each order reached its order entry.

In:  a file, then the simulator's own arguments. Out: the simulator; a line a new order in the file: client order id, nanoseconds.
Its limit of orders in ten seconds is ten times what Binance's is, so that a minute gives hundreds of them.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TextIO
from urllib.parse import parse_qs

from aiohttp import web

from ninefold.simulator import limits
from ninefold.simulator.instruments import GENERATED, Instrument
from ninefold.simulator.rest import Rest, Signed
from ninefold.simulator.server import main
from ninefold.simulator.texts import E8

Handle = Callable[[web.Request], Awaitable[web.Response]]
MORE = ("XRP", "LTC", "LINK", "AVAX", "DOT", "BNB")
ORDERS_PER_10S = 1_000


def add_instruments() -> None:
    """As busy as the busiest of the simulator's own, so that each has bars every second."""
    for number, base in enumerate(MORE):
        symbol = f"{base}USDT"
        GENERATED[symbol] = Instrument(
            symbol, base, "USDT", 1_000_000, 100_000, 5 * E8, 9_000 + 1_000 * number, 5_000, 0.2
        )
    del GENERATED["ADABTC"]  # is moved by time alone


def raise_limit() -> None:
    limits.ORDERS_PER_10S = ORDERS_PER_10S
    told = next(limit for limit in limits.RATE_LIMITS if limit["interval"] == "SECOND")
    told["limit"] = ORDERS_PER_10S


def note_arrivals(file: TextIO) -> None:
    signed = Rest._signed

    def noted(self: Rest, weight: int, answer: Signed, is_order: bool) -> Handle:
        handle = signed(self, weight, answer, is_order)

        async def arrived(request: web.Request) -> web.Response:
            at_ns = time.time_ns()
            body = parse_qs(await request.text())
            file.write(f"{body['newClientOrderId'][0]} {at_ns}\n")
            file.flush()
            return await handle(request)

        return arrived if is_order else handle

    Rest._signed = noted


if __name__ == "__main__":
    logging.getLogger("aiofastnet").setLevel(logging.ERROR)  # a client that went while much was to be written to it
    add_instruments()
    raise_limit()
    with open(sys.argv[1], "w") as noted_in:
        note_arrivals(noted_in)
        sys.exit(main(sys.argv[2:]))
