"""Request weight and order counts, per address and fixed interval, as Binance counts them.

In:  weights of requests, new orders, the clock.
Out: used counts for the headers; ApiError -1003 or -1015 with status 429 above a limit.
Source: developers.binance.com, "Limits" (binance-spot-api-docs, rest-api.md), read 2026-11-22.
"""

from ninefold.simulator.errors import ApiError

WEIGHT_PER_MINUTE = 6_000
ORDERS_PER_10S = 100
ORDERS_PER_DAY = 200_000
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_PER_MINUTE},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": ORDERS_PER_10S},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": ORDERS_PER_DAY},
]


class TooMany(ApiError):
    """429 with the seconds to wait."""

    def __init__(self, code: int, msg: str, retry_seconds: int | None) -> None:
        super().__init__(code, msg, status=429)
        self.retry_seconds = retry_seconds


class Counter:
    """A sum that starts again with every interval."""

    def __init__(self, every_ms: int) -> None:
        self.every_ms = every_ms
        self.interval = -1
        self.used = 0

    def add(self, amount: int, now_ms: int) -> int:
        if now_ms // self.every_ms != self.interval:
            self.interval, self.used = now_ms // self.every_ms, 0
        self.used += amount
        return self.used


class Limits:
    """All clients come from loopback, so there is one of each."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Count from nothing."""
        self.weight = Counter(60_000)
        self.orders_10s = Counter(10_000)
        self.orders_day = Counter(86_400_000)

    def request(self, weight: int, now_ms: int) -> None:
        """Count a request. raises: TooMany above the limit (it counts all the same)."""
        if self.weight.add(weight, now_ms) > WEIGHT_PER_MINUTE:
            raise TooMany(
                -1003,
                f"Too much request weight used; current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE. "
                "Please use WebSocket Streams for live updates to avoid polling the API.",
                60 - now_ms // 1000 % 60,
            )

    def order(self, now_ms: int) -> None:
        """Count a new order. raises: TooMany above a limit."""
        if self.orders_10s.add(1, now_ms) > ORDERS_PER_10S:
            raise TooMany(-1015, f"Too many new orders; current limit is {ORDERS_PER_10S} orders per 10 SECOND.", None)
        if self.orders_day.add(1, now_ms) > ORDERS_PER_DAY:
            raise TooMany(-1015, f"Too many new orders; current limit is {ORDERS_PER_DAY} orders per 1 DAY.", None)
