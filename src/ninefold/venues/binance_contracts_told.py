"""What each message of Binance's futures tells, in the words of told.py.

In:  the data of a frame of a combined stream, by its kind; fields of REST answers, which tell the same.
Out: what was told, and the venue's time of it in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ninefold.market.arrays import ASK, BID, BUY, ID_AGGREGATE, SELL, UNKNOWN_SIDE
from ninefold.market.numbers import to_units
from ninefold.venues import binance_contracts_wire as wire
from ninefold.venues.binance_wire import aggregate_trade_decoder
from ninefold.venues.told import MILLISECOND_NS, Best, Change, Deal, Due, Forced, Id, Levels, Told, counted

RATE_DECIMALS = 18


def _trade(data: msgspec.Raw) -> tuple[list[Told], int]:
    """What is no trade of the market has no side."""
    one = wire.trade_decoder.decode(data)
    if one.X not in wire.MARKET_TRADE:
        return [Deal(one.s, counted(one.t), "0", "0", UNKNOWN_SIDE, one.T * MILLISECOND_NS)], one.E
    return [dealt(one.s, counted(one.t), one.p, one.q, one.m, one.T)], one.E


def _aggregate(data: msgspec.Raw) -> tuple[list[Told], int]:
    one = aggregate_trade_decoder.decode(data)
    return [dealt(one.s, Id(ID_AGGREGATE, 0, one.a), one.p, one.q, one.m, one.T)], one.E


def _depth(data: msgspec.Raw) -> tuple[list[Told], int]:
    one = wire.depth_decoder.decode(data)
    return [Change(one.s, False, levels(one.b, one.a), one.T * MILLISECOND_NS, min(one.U, one.pu + 1), one.u)], one.E


def _best(data: msgspec.Raw) -> tuple[list[Told], int]:
    one = wire.ticker_decoder.decode(data)
    return [Best(one.s, one.b, one.B, one.a, one.A, one.T * MILLISECOND_NS, one.u)], one.E


def _mark(data: msgspec.Raw) -> tuple[list[Told], int]:
    one = wire.mark_decoder.decode(data)
    return [due(one.s, one.r, one.T, one.p, one.E)], one.E


def _forced(data: msgspec.Raw) -> tuple[list[Told], int]:
    told = wire.force_decoder.decode(data)
    one = told.o
    return [Forced(one.s, BUY if one.S == "BUY" else SELL, one.p, one.q, one.T * MILLISECOND_NS)], told.E


def dealt(symbol: str, id: Id, price: str, size: str, buyer_is_maker: bool, time_ms: int) -> Deal:
    """The maker was there first: if that is the buyer, the taker sold."""
    return Deal(symbol, id, price, size, SELL if buyer_is_maker else BUY, time_ms * MILLISECOND_NS)


def due(symbol: str, rate: str, due_ms: int, mark: str, time_ms: int) -> Due:
    """raises: NotExact if the rate is no number; what is delivered has none."""
    if rate:
        to_units(rate, RATE_DECIMALS)
    return Due(symbol, rate, due_ms * MILLISECOND_NS, time_ms * MILLISECOND_NS, mark)


def levels(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> Levels:
    return [(side, *level) for side, levels in ((BID, bids), (ASK, asks)) for level in levels]


READERS: dict[str, Callable[[msgspec.Raw], tuple[list[Told], int]]] = {
    "trade": _trade,
    "aggTrade": _aggregate,
    "depth": _depth,
    "bookTicker": _best,
    "markPrice": _mark,
    "forceOrder": _forced,
}
