"""Chunks made by hand: a small stream of two instruments."""

from collections.abc import Sequence

from ninefold.market.arrays import BAR_OK, BUY, ID_INTEGER, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.records import AnyRecord, Equity, Fill, Has, Listed, May, MayScored, Order
from ninefold.market.time import SECOND_NS

BASE = 1_700_000_000 * SECOND_NS  # a whole minute and hour would be chance: only whole seconds are used
BTC, ETH = 1, 2


def registry() -> Registry:
    found = Registry()
    for base in ("BTC", "ETH"):
        found.add(listed("binance", f"{base}USDT", base, "USDT", tick="0.01", lot="0.00001"))
    return found


def listings() -> list[AnyRecord]:
    return [Listed(seq=1, known_ns=BASE, instrument=instrument) for instrument in registry()]


def instrument(id: int = BTC) -> Instrument:
    return registry()[id]


def chunk(
    seq: int,
    *records: AnyRecord,
    trades: Sequence[tuple] = (),  # type: ignore[type-arg]
    bars: Sequence[tuple] = (),  # type: ignore[type-arg]
    **arrays: list[tuple],  # type: ignore[type-arg]
) -> Chunk:
    made = Chunk(seq, seq, BASE + seq, records=list(records))
    made.add("trades", rows("trades", list(trades)))
    made.add("bars", rows("bars", list(bars)))
    for kind, values in arrays.items():
        made.add(kind, rows(kind, values))
    return made


def trade(seq: int, second: float, price: int, size: int, id: int = BTC, side: int = BUY) -> tuple:  # type: ignore[type-arg]
    at = BASE + round(second * SECOND_NS)
    return (id, at, at + 5, seq, ID_INTEGER, 0, seq, price, size, side)


def bar(
    second: int,
    prices: tuple[int, int, int, int],
    volume: int = 10,
    state: int = BAR_OK,
    revision: int = 0,
    id: int = BTC,
    width: int = 1,
    seq: int = 9,
) -> tuple:  # type: ignore[type-arg]
    open_ns, width_ns = BASE + second * SECOND_NS, width * SECOND_NS
    end = open_ns + width_ns
    return (id, width_ns, open_ns, end, *prices, volume, 1, 1, 99, 5, 101, 5, state, revision, end + 7, seq)


def order(seq: int, name: str, status: str = "intended", filled: int = 0, price: int = 0) -> Order:
    return Order(
        seq=seq,
        known_ns=BASE + seq,
        client_order_id=name,
        instrument=BTC,
        side=1,
        size=1_000,
        status=status,
        filled=filled,
        price=price,
        strategies=("trend",),
    )


def fill(seq: int, name: str) -> Fill:
    return Fill(
        seq=seq,
        known_ns=BASE + seq,
        client_order_id=name,
        instrument=BTC,
        side=1,
        price=6_120_310,
        size=1_000,
        fee=61_203_100,
        fee_asset="USDT",
        trade_id=str(seq),
        exchange_ns=BASE + seq - 3,
    )


def equity(seq: int, value: int | None) -> Equity:
    return Equity(seq=seq, known_ns=BASE + seq, quote="USDT", value=value)


def may(seq: int, name: str, probability: float) -> May:
    return May(
        seq=seq,
        known_ns=BASE + seq,
        may_id=name,
        instrument=BTC,
        strategy="trend",
        side=-1,
        probability=probability,
        price_low=6_120_000,
        price_high=6_121_000,
        until_ns=BASE + seq + 60 * SECOND_NS,
        text="may sell",
    )


def scored(seq: int, name: str, outcome: bool, probability: float) -> MayScored:
    return MayScored(seq=seq, known_ns=BASE + seq, may_id=name, outcome=outcome, probability=probability)


def has(seq: int, name: str, may_id: str = "") -> Has:
    return Has(
        seq=seq,
        known_ns=BASE + seq,
        has_id=name,
        may_id=may_id,
        instrument=BTC,
        strategy="trend",
        client_order_id="o1",
        side=1,
        size=1_000,
        price=6_120_310,
        text="has bought",
    )
