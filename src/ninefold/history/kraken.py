"""The past of Kraken spot: trades by time, and bars made from them.

After docs.kraken.com, "Spot REST API" (Get Recent Trades, Get OHLC Data, Get Tradable Asset Pairs) and "Historical data",
as of 2026-11: OHLC gives the last 720 bars whatever is asked, so bars are made from trades; Trades gives at most 1,000
trades after a time in nanoseconds, and `last`, the time to go on from. One question a second. Complaints come with
status 200.
"""

from __future__ import annotations

import msgspec
import numpy as np

from ninefold.history.venue import History, Locate, Trades
from ninefold.market.arrays import ID_INTEGER, TRADES
from ninefold.market.instruments import Instrument
from ninefold.venues import kraken_wire as wire
from ninefold.venues.adapter import BadFrame, Question
from ninefold.venues.kraken_wire import PASSING
from ninefold.venues.told import units

PAGE = 1000


def rules(symbols: list[str]) -> Question:
    names = ",".join(wire.rest_name(symbol) for symbol in symbols)
    return Question("rules", f"/0/public/AssetPairs?pair={names}")


def all_rules() -> Question:
    return Question("rules", "/0/public/AssetPairs")


def read_rules(body: bytes) -> list[Instrument]:
    return wire.asset_pairs(_result(body))


def complaint(body: bytes) -> tuple[str, bool]:
    try:
        said = wire.answered_decoder.decode(body).error
    except msgspec.DecodeError as error:
        return f"an answer that cannot be read: {error}", False
    return ", ".join(said), bool(said) and all(one.startswith(PASSING) for one in said)


def ask_trades(of: Instrument, first: int, end: int, since_ns: int) -> Question:
    """A page has those after a time: ids follow from where the walk stands."""
    return Question(f"trades {of.venue_symbol}", _after(of, since_ns - 1))


def read_trades(of: Instrument, body: bytes) -> np.ndarray:
    deals, _ = wire.past_deals(of.venue_symbol, _result(body))
    rows = np.zeros(len(deals), TRADES)
    rows["instrument"], rows["id_kind"] = of.id, ID_INTEGER
    rows["exchange_ns"] = [deal.time_ns for deal in deals]
    rows["id_lo"] = [_id(deal) for deal in deals]
    rows["price"] = [units(deal.price, of.price_decimals) for deal in deals]
    rows["size"] = [units(deal.size, of.size_decimals) for deal in deals]
    rows["taker_side"] = [deal.side for deal in deals]
    return rows


def locate(of: Instrument, time_ns: int) -> Locate:
    """A page of one after the time before; if there is none, one after the newest."""
    found = read_trades(of, (yield Question("locate", _after(of, time_ns - 1) + "&count=1")))
    if len(found):
        return int(found["id_lo"][0])
    newest = read_trades(of, (yield Question("locate", f"/0/public/Trades?pair={wire.rest_name(of.venue_symbol)}")))
    return int(newest["id_lo"][-1]) + 1 if len(newest) else 0


def _after(of: Instrument, time_ns: int) -> str:
    return f"/0/public/Trades?pair={wire.rest_name(of.venue_symbol)}&since={time_ns}"


def _id(deal: wire.Deal) -> int:
    if deal.id is None:
        raise BadFrame(f"a trade at {deal.time_ns} has no id")
    return deal.id


def _result(body: bytes) -> msgspec.Raw:
    return wire.answered_decoder.decode(body).result


HISTORY = History(
    venue="kraken",
    pace_s=1.0,
    parallel=1,
    rules=rules,
    all_rules=all_rules,
    read_rules=read_rules,
    complaint=complaint,
    bars=None,
    trades=Trades(PAGE, ask_trades, read_trades, True, locate),
)
