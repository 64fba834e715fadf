"""What must be true of a data dir after anything at all: checked by code that shares nothing with the pipeline's.

In:  the data dir of a stopped pipeline and of its stopped exchange: journal segments, Delta tables, ledger and exchange as files.
Out: AssertionErrors that say what differs. The journal's frames are read again with `json`, its format by `struct`.
Segment: 20 bytes of header, then records: length, crc32, kind u8, connection u16, seq i64, receive_ns i64, payload; little endian.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zstandard
from deltalake import DeltaTable

from .parts import SKIPPABLE
from .wires import E8, Deal, Key, answered, exchange_symbol, framed, venue_of

FRAME, ANSWER = 1, 2
SECOND_NS = 10**9
OK, FLAT, UNKNOWN = 0, 1, 2


class Entry(NamedTuple):
    """A record of the journal."""

    kind: int
    seq: int
    receive_ns: int
    payload: bytes


Deals = dict[Key, Deal]


def entries(data_dir: Path) -> Iterator[Entry]:
    """Every whole record of the journal; whatever follows the last one is not read."""
    for path in sorted((data_dir / "journal").glob("*.nfj")):
        data, at = segment(path), 20
        while at + 8 <= len(data):
            length, checksum = struct.unpack_from("<II", data, at)
            body = data[at + 8 : at + 8 + length]
            if len(body) < length or zlib.crc32(body) != checksum:
                break
            kind, _, seq, receive_ns = struct.unpack_from("<BHqq", body)
            yield Entry(kind, seq, receive_ns, body[19:])
            at += 8 + length


def segment(path: Path, at: int = 0) -> bytes:
    """The bytes of a segment from a place on. A closed one may be compressed, to a file that `zstd -dc` turns into it again."""
    with path.open("rb") as file:
        if file.read(4) != SKIPPABLE:
            file.seek(at)
            return file.read()
        file.seek(0)
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as whole:
            return bytes(whole.read()[at:])


def check_numbers(data_dir: Path) -> None:
    """Every input has the number after that of the one before it, and our clock went on."""
    found = list(entries(data_dir))
    seqs = [entry.seq for entry in found]
    assert seqs == list(range(1, len(seqs) + 1)), f"first break after seq {_break(seqs)}"
    times = [entry.receive_ns for entry in found]
    assert times == sorted(times), "receive times of the journal go back"


def check_trades(data_dir: Path) -> None:
    """Stored is what the journal holds, each trade once; and it is all that the exchange traded since the first of them."""
    journalled, stored, traded = journalled_deals(data_dir), stored_deals(data_dir), exchange_deals(data_dir)
    assert max(Counter(key for key, _ in stored).values()) == 1, "a trade is stored twice"
    _same(dict(stored), journalled, "stored", "in the journal")
    first = {}
    last = {}
    for symbol, number in journalled:
        first[symbol] = min(first.get(symbol, number), number)
        last[symbol] = max(last.get(symbol, number), number)
    due = {key: deal for key, deal in traded.items() if first.get(key[0], 1 << 62) <= key[1] <= last[key[0]]}
    _same(dict(stored), due, "stored", "at the exchange")


def check_many_trades(data_dir: Path) -> int:
    """As `check_trades`, against the exchange only, in little memory: every trade since the first stored one, once; how many there are."""
    columns = ["instrument", "id_lo", "price", "size"]
    table = DeltaTable(data_dir / "tables" / "trades").to_pyarrow_table(columns=columns)
    stored = np.column_stack([table.column(name).to_numpy() for name in columns])
    for instrument, of in scales(data_dir).items():
        mine = stored[stored[:, 0] == instrument][:, 1:]
        mine = mine[np.argsort(mine[:, 0], kind="stable")]
        if not len(mine):
            continue
        ids = mine[:, 0]
        assert (np.diff(ids) == 1).all(), (
            f"{of.symbol}: doubled or missing after trade {ids[:-1][np.diff(ids) != 1][0]}"
        )
        columns = f"trade_id, price_ticks * {of.tick_e8}, lots * {of.lot_e8}"
        query = (
            f"select {columns} from trades join symbols using (symbol_id) where symbol = '{exchange_symbol(of.symbol)}'"
        )
        theirs = exchange_rows(data_dir, f"{query} and trade_id between {ids[0]} and {ids[-1]} order by trade_id")
        mine[:, 1] = of.price_e8(mine[:, 1])
        mine[:, 2] = of.size_e8(mine[:, 2])
        assert (np.array(theirs, np.int64) == mine).all(), f"{of.symbol}: stored trades differ from the exchange's"
    return len(stored)


def check_exchange(data_dir: Path) -> None:
    """Trade ids of the exchange follow each other from 1, its times do not go back, and none of our orders is open."""
    by_symbol: dict[str, list[tuple[int, int]]] = {}
    for (symbol, number), deal in sorted(exchange_deals(data_dir).items()):
        by_symbol.setdefault(symbol, []).append((number, deal.time_ms))
    for symbol, deals in by_symbol.items():
        assert [number for number, _ in deals] == list(range(1, len(deals) + 1)), f"{symbol}: trade ids have holes"
        times = [time_ms for _, time_ms in deals]
        assert times == sorted(times), f"{symbol}: the exchange's clock went back"
    still = exchange_rows(data_dir, "select client_id, status from orders where status in ('NEW', 'PARTIALLY_FILLED')")
    assert still == [], f"open at the exchange: {still}"


def check_bars(data_dir: Path) -> int:
    """The last revision of every bar is what its trades make; how many were checked.

    Only the bar that holds the first trade ever seen of an instrument may be unknown (and the second after it, if our clock began there);
    no bar is missing between the first and the last.
    """
    decimals = scales(data_dir)
    trades = sorted(
        stored_rows(data_dir, "trades"), key=lambda row: (row["instrument"], row["exchange_ns"], row["id_lo"])
    )
    bars = latest_bars(data_dir)
    checked = 0
    for (instrument, width_ns), series in bars.items():
        mine = [row for row in trades if row["instrument"] == instrument]
        begun_ns = mine[0]["exchange_ns"] + SECOND_NS
        name = f"{decimals[instrument].symbol} {width_ns // SECOND_NS}s"
        opens = [bar["open_ns"] for bar in series]
        assert opens == list(range(opens[0], opens[-1] + 1, width_ns)), f"{name}: a bar is missing"
        for bar in series:
            if bar["state"] == UNKNOWN:
                assert bar["open_ns"] <= begun_ns, f"{name}: the bar at {bar['open_ns']} stayed unknown: {bar}"
                continue
            _check_bar(bar, mine, name)
            checked += 1
    return checked


def check_account(data_dir: Path, opening: dict[str, int]) -> int:
    """The ledger's fills are the exchange's, and opening balances and fills give its balances to the last unit; the number of fills.

    opening: asset to 10**-8 of it, before the first order.
    """
    decimals = scales(data_dir)
    fills = ledger_fills(data_dir)
    columns = "client_id, trade_id, f.price_ticks, f.lots, fee_e8, fee_asset, is_buyer"
    query = f"select {columns} from fills f join orders using (order_id) where client_id like 'nf-%'"
    theirs = {(row[0], row[1]): (*row[2:6], bool(row[6])) for row in exchange_rows(data_dir, query)}
    held = dict(opening)
    for key, fill in fills.items():
        of = decimals[fill["instrument"]]
        price, size = of.price_e8(fill["price"]), of.size_e8(fill["size"])
        held[of.base] += fill["side"] * size
        held[of.quote] -= fill["side"] * (price * size // E8)
        held[fill["fee_asset"]] -= fill["fee"]
        assert key in theirs, f"the ledger has fill {key}, which the exchange does not know"
        ours = (price // of.tick_e8, size // of.lot_e8, fill["fee"], fill["fee_asset"], fill["side"] == 1)
        assert ours == theirs[key], f"fill {key}: the ledger has {ours}, the exchange {theirs[key]}"
    assert fills.keys() == theirs.keys(), f"not in the ledger: {sorted(theirs.keys() - fills.keys())}"
    balances = {
        row[0]: row[1] + row[2] for row in exchange_rows(data_dir, "select asset, free_e8, locked_e8 from balances")
    }
    off = {asset: (held.get(asset), amount) for asset, amount in balances.items() if held.get(asset) != amount}
    assert not off, f"opening balances and fills give one sum, the exchange has another (10**-8): {off}"
    assert not (still := unsettled_orders(data_dir)), f"not settled in the ledger: {still}"
    return len(fills)


def journalled_deals(data_dir: Path) -> Deals:
    """The trades of all trade frames and of all answers to questions for trades; of Kraken's answers, which begin earlier than
    what was asked for, those from the first trade on that came in a frame.
    """
    found: Deals = {}
    first: dict[str, int] = {}
    for entry in entries(data_dir):
        if entry.kind == FRAME:
            for (symbol, number), _ in framed(entry.payload):
                first[symbol] = min(number, first.get(symbol, number))
    for entry in entries(data_dir):
        deals = (
            framed(entry.payload) if entry.kind == FRAME else answered(entry.payload) if entry.kind == ANSWER else []
        )
        for key, deal in deals:
            if venue_of(key[0]) == "kraken" and key[1] < first.get(key[0], key[1] + 1):
                continue
            assert found.setdefault(key, deal) == deal, f"trade {key} came as {found[key]} and as {deal}"
    return found


def stored_deals(data_dir: Path) -> list[tuple[tuple[str, int], Deal]]:
    """The rows of the table of trades."""
    of = scales(data_dir)
    return [
        (
            (of[row["instrument"]].symbol, row["id_lo"]),
            Deal(
                of[row["instrument"]].price_e8(row["price"]),
                of[row["instrument"]].size_e8(row["size"]),
                row["exchange_ns"] // 1_000_000,
                row["taker_side"] == -1,
            ),
        )
        for row in stored_rows(data_dir, "trades")
    ]


def exchange_deals(data_dir: Path) -> Deals:
    """What the exchange itself has kept, by the names of all venues that it is."""
    named: dict[str, list[Scale]] = {}
    for of in scales(data_dir).values():
        named.setdefault(exchange_symbol(of.symbol), []).append(of)
    query = (
        "select symbol, trade_id, price_ticks, lots, time_ms, buyer_is_maker from trades join symbols using (symbol_id)"
    )
    return {
        (of.symbol, number): Deal(ticks * of.tick_e8, lots * of.lot_e8, time_ms, bool(maker))
        for symbol, number, ticks, lots, time_ms, maker in exchange_rows(data_dir, query)
        for of in named.get(symbol, ())
    }


class Scale(NamedTuple):
    """An instrument as it was listed: decimals of price and size; and the exchange's own steps as 10**-8, which are those of
    its first venue's listing.
    """

    symbol: str
    base: str
    quote: str
    price: int
    size: int
    tick_e8: int
    lot_e8: int

    def price_e8(self, units: Any) -> Any:
        """A stored price, or an array of them, as 10**-8."""
        return _e8(units, self.price)

    def size_e8(self, units: Any) -> Any:
        return _e8(units, self.size)


def scales(data_dir: Path) -> dict[int, Scale]:
    """Instrument id to its scale, from the stored listings."""
    found = [json.loads(row["payload"]) for row in stored_rows(data_dir, "records") if row["type"] == "listed"]
    listed = [record["instrument"] for record in found]
    own = {one["venue_symbol"]: one for one in listed if one["venue"] == "binance"}
    return {one["id"]: _scale(one, own[exchange_symbol(one["venue_symbol"])]) for one in listed}


def stored_rows(data_dir: Path, table: str) -> list[dict[str, Any]]:
    return DeltaTable(data_dir / "tables" / table).to_pyarrow_table().to_pylist()


def latest_bars(data_dir: Path) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """The last revision of every bar, oldest first, by instrument and width."""
    newest: dict[tuple[int, int, int], dict[str, Any]] = {}
    for row in stored_rows(data_dir, "bars"):
        key = (row["instrument"], row["width_ns"], row["open_ns"])
        if key not in newest or newest[key]["revision"] < row["revision"]:
            newest[key] = row
    series: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for key in sorted(newest):
        series.setdefault(key[:2], []).append(newest[key])
    return series


def ledger_events(data_dir: Path, kind: str) -> list[dict[str, Any]]:
    with sqlite3.connect(f"file:{data_dir / 'ledger.db'}?mode=ro", uri=True) as ledger:
        rows = ledger.execute("select payload from events where type = ? order by number", (kind,)).fetchall()
    ledger.close()
    return [json.loads(row[0]) for row in rows]


def ledger_fills(data_dir: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Each fill once; one that was told by an answer and by the event stream must be the same both times."""
    fills: dict[tuple[str, int], dict[str, Any]] = {}
    for fill in ledger_events(data_dir, "fill"):
        first = fills.setdefault((fill["client_order_id"], int(fill["trade_id"])), fill)
        for field in ("instrument", "side", "price", "size", "fee", "fee_asset"):
            assert first[field] == fill[field], f"one fill, two stories: {first} and {fill}"
    return fills


def unsettled_orders(data_dir: Path) -> list[dict[str, Any]]:
    """Orders whose last state in the ledger is not an end, or says that more was filled than its fills do."""
    latest = {order["client_order_id"]: order for order in ledger_events(data_dir, "order")}
    over = ("refused", "filled", "cancelled", "rejected", "expired")
    filled = Counter[str]()
    for (order_id, _), fill in ledger_fills(data_dir).items():
        filled[order_id] += fill["size"]
    return [
        order
        for order_id, order in latest.items()
        if order["status"] not in over or order.get("filled", 0) != filled[order_id]
    ]


def exchange_rows(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{data_dir / 'simulator' / 'exchange.sqlite'}?mode=ro", uri=True) as exchange:
        rows = exchange.execute(query).fetchall()
    exchange.close()
    return rows


def _scale(one: dict[str, Any], own: dict[str, Any]) -> Scale:
    tick_e8, lot_e8 = _e8(own["tick_size"], own["price_decimals"]), _e8(own["lot_size"], own["size_decimals"])
    decimals = one["price_decimals"], one["size_decimals"]
    return Scale(one["venue_symbol"], one["base"], one["quote"], *decimals, tick_e8, lot_e8)


def _e8(units: Any, decimals: int) -> Any:
    """Units of 10**-decimals as 10**-8; finer ones than that are never there."""
    return units * 10 ** (8 - decimals) if decimals <= 8 else units // 10 ** (decimals - 8)


def _check_bar(bar: dict[str, Any], trades: list[dict[str, Any]], name: str) -> None:
    inside = [row for row in trades if bar["open_ns"] <= row["exchange_ns"] < bar["close_ns"]]
    if inside:
        prices = [row["price"] for row in inside]
        bought = sum(row["size"] for row in inside if row["taker_side"] == 1)
        volume = sum(row["size"] for row in inside)
        made = (OK, prices[0], max(prices), min(prices), prices[-1], volume, bought, len(inside))
    else:
        before = [row["price"] for row in trades if row["exchange_ns"] < bar["open_ns"]]
        made = (FLAT, *([before[-1]] * 4), 0, 0, 0)
    shown = tuple(bar[field] for field in ("state", "open", "high", "low", "close", "volume", "buy_volume", "trades"))
    assert shown == made, f"{name} at {bar['open_ns']}: stored {shown}, its trades make {made}"


def _same(left: Deals, right: Deals, here: str, there: str) -> None:
    missing, extra = sorted(right.keys() - left.keys()), sorted(left.keys() - right.keys())
    assert not missing, f"{len(missing)} trades are {there} and not {here}, the first {missing[:5]}"
    assert not extra, f"{len(extra)} trades are {here} and not {there}, the first {extra[:5]}"
    differing = [key for key in left if left[key] != right[key]]
    assert not differing, f"trade {differing[0]}: {here} {left[differing[0]]}, {there} {right[differing[0]]}"


def _break(seqs: list[int]) -> int:
    return next((before for before, after in zip([0, *seqs], seqs, strict=False) if after != before + 1), len(seqs))
