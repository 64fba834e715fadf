"""A small market written by hand: chunks whose every row is known.

In:  nothing.
Out: the fixture `market`, which makes chunks.
     Instrument 1 is binance:BTC/USDT (2 and 5 decimals), 2 is binance:ADA/BTC (8 and 0).
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from ninefold.market.arrays import BUY, ID_INTEGER, KINDS, SELL, rows
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import AnyRecord, Equity, Listed, Tick
from ninefold.market.time import HOUR_NS, MINUTE_NS
from ninefold.store.delta import stored_files
from ninefold.store.layout import SCHEMAS
from ninefold.store.scan import scan

NOON_NS = 1_704_110_400_000_000_000  # 2024-01-01 12:00 UTC
BTC = msgspec.structs.replace(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"), id=1)
ADA = msgspec.structs.replace(listed("binance", "ADABTC", "ADA", "BTC", tick="0.00000001", lot="1"), id=2)


def trade(
    seq: int, id: int, after_ns: int, instrument: int = 1, price: int = 6_120_310, size: int = 12, side: int = BUY
) -> tuple:
    """One TRADES row, `after_ns` behind noon; received 5 ns later."""
    at = NOON_NS + after_ns
    return (instrument, at, at + 5, seq, ID_INTEGER, 0, id, price, size, side)


def bar(
    seq: int, after_ns: int, close: int = 100, state: int = 0, revision: int = 0, width_ns: int = MINUTE_NS
) -> tuple:
    """One BARS row of instrument 1 that opens `after_ns` behind noon: open 90, high 110, low 80, volume 50 of it 20
    bought, 3 trades.
    """
    at = NOON_NS + after_ns
    prices, quote = (90, 110, 80, close, 50, 20, 3), (99, 1, 101, 2)
    return (1, width_ns, at, at + width_ns, *prices, *quote, state, revision, at + width_ns + 7, seq)


def chunk(first: int, last: int, records: list[AnyRecord] | None = None, **kinds: list[tuple]) -> Chunk:
    """A chunk of rows given as tuples by kind."""
    return Chunk(first, last, NOON_NS, {kind: rows(kind, values) for kind, values in kinds.items()}, records or [])


def listing(seq: int = 1) -> list[AnyRecord]:
    return [Listed(seq=seq, known_ns=NOON_NS, instrument=one) for one in (BTC, ADA)]


def relisted(id: int, **rules: str) -> Listed:
    """binance:BTC/USDT again, with other steps, under another id."""
    made = listed("binance", "BTCUSDT", "BTC", "USDT", **rules)
    return Listed(seq=1, known_ns=NOON_NS, instrument=msgspec.structs.replace(made, id=id, version=2))


def random_stream(count: int, seed: int) -> list[Chunk]:
    """`count` chunks of every kind, 60 s apart, some rows an input; trade ids contiguous for each instrument."""
    rng = np.random.default_rng(seed)
    next_id = {1: 1000, 2: 5000}
    chunks = [chunk(1, 1, listing())]
    for number in range(count):
        first = 2 + number * 5
        made = Chunk(first, first + 4, NOON_NS)
        for kind, dtype in KINDS.items():
            made.arrays[kind] = _random_rows(dtype, int(rng.integers(0, 7)), first, NOON_NS + number * MINUTE_NS, rng)
        trades = made.arrays["trades"]
        trades["id_kind"], trades["id_hi"] = ID_INTEGER, 0
        for row in trades:
            row["id_lo"] = next_id[int(row["instrument"])]
            next_id[int(row["instrument"])] += 1
        made.records = [
            Equity(seq=first + 4, known_ns=NOON_NS + number, quote="USDT", value=number),
            Tick(seq=first + 4, known_ns=NOON_NS, exchange_ns=NOON_NS + (number + 1) * MINUTE_NS),
        ]
        chunks.append(made)
    return chunks


def _random_rows(dtype: np.dtype, count: int, first: int, at_ns: int, rng: np.random.Generator) -> np.ndarray:
    made = np.zeros(count, dtype)
    for name in dtype.names or ():
        if dtype[name].kind == "f":
            made[name] = np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count))
        elif dtype[name].kind == "S":
            made[name] = rng.choice([b"trend", b"fade", b"m\xc3\xbcde"], count)
        else:
            made[name] = rng.integers(0, 100, count)
    made["seq"] = np.sort(rng.integers(first, first + 5, count))
    made["instrument"] = rng.integers(1, 3, count)
    if "state" in (dtype.names or ()):
        made["state"] = rng.integers(0, 3, count)
    for name in {"exchange_ns", "receive_ns", "close_ns", "open_ns"} & set(dtype.names or ()):
        made[name] = at_ns + np.sort(rng.integers(0, MINUTE_NS, count))
    return made


def contents(path: Path) -> dict[str, list]:
    """Every stored row of every table but the certificates, in the order (seq, n)."""
    found = {}
    for name in SCHEMAS:
        if name != "certificates":
            table = scan(name, stored_files(path / "tables", name), None).sort_by(
                [("seq", "ascending"), ("n", "ascending")]
            )
            found[name] = [str(row) for row in table.to_pylist()]
    return found


@pytest.fixture(scope="session")
def market() -> SimpleNamespace:
    return SimpleNamespace(
        noon_ns=NOON_NS,
        hour_ns=HOUR_NS,
        btc=BTC,
        ada=ADA,
        buy=BUY,
        sell=SELL,
        trade=trade,
        bar=bar,
        chunk=chunk,
        listing=listing,
        relisted=relisted,
        stream=random_stream,
        contents=contents,
    )
