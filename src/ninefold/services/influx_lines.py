"""Trades, bars and indicators as InfluxDB line protocol: the pure core of the live copy.

In:  chunks in the order of the stream, and instruments as they are listed.
Out: lines, the same for the same stream however often it is sent. A point is one measurement, set of tags and time, and a
     second one replaces it: so trades of one instrument in one millisecond (VictoriaMetrics keeps no finer time) carry the
     tag `n`, which counts them from 1; the first carries none. A trade that comes more than a minute after its time is
     not counted with them, its `n` is "late-" and its id.
source: docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol, read 2026-11-22
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ninefold.market.arrays import BAR_UNKNOWN, BUY, ID_AGGREGATE, ID_INTEGER, ID_NONE, SELL
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Listed
from ninefold.market.time import MINUTE_NS, TIMEFRAME_OF, UNKNOWN_NS

LATE_NS = MINUTE_NS
REMEMBERED_NS = 3 * MINUTE_NS  # of receive time: within it all trades of a millisecond arrive that are not late
MILLISECOND_NS = 1_000_000
INT64_MAX = 2**63 - 1
SIDES = {BUY: "buy", SELL: "sell"}
PRICES = ("open", "high", "low", "close")


class Lines:
    """Remembers instruments, and how many trades each millisecond had lately."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self.instruments: dict[int, Instrument] = {one.id: one for one in instruments}
        self._minutes: dict[int, dict[tuple[int, int], int]] = {}

    def of(self, chunk: Chunk) -> list[str]:
        """The lines of a chunk: trades, bars, indicators. What is unknown gives no field, NaN no line."""
        for record in chunk.records:
            if isinstance(record, Listed):
                self.instruments[record.instrument.id] = record.instrument
        made = [self._trade(row) for row in chunk.rows("trades")]
        made += [self._bar(row) for row in chunk.rows("bars")]
        made += [self._value(row) for row in chunk.rows("values") if math.isfinite(row["value"])]
        for minute in [
            minute for minute in self._minutes if minute * MINUTE_NS < chunk.known_ns - REMEMBERED_NS - LATE_NS
        ]:
            del self._minutes[minute]
        return made

    def _trade(self, row: np.void) -> str:
        of = self.instruments[int(row["instrument"])]
        known = row["exchange_ns"] != UNKNOWN_NS
        time_ns = int(row["exchange_ns"] if known else row["receive_ns"])
        kind, high, low = int(row["id_kind"]), int(row["id_hi"]), int(row["id_lo"])
        whole = kind in (ID_INTEGER, ID_AGGREGATE) and low <= INT64_MAX
        if whole:
            field, name = f",trade_id={low}i", str(low)
        elif kind == ID_NONE:
            field, name = "", f"seq-{row['seq']}"
        else:
            name = f"{high:016x}{low:016x}"
            field = f',trade_text="{name}"'
        if known and row["receive_ns"] != UNKNOWN_NS and row["receive_ns"] - time_ns > LATE_NS:
            number = f",n=late-{name}"
        else:
            place = self._place(int(row["instrument"]), time_ns)
            number = f",n={place}" if place else ""
        side = SIDES.get(int(row["taker_side"]), "unknown")
        price, size = to_text(row["price"], of.price_decimals), to_text(row["size"], of.size_decimals)
        return f"trades,instrument={tag(of.name)}{number},side={side} price={price},size={size}{field} {time_ns}"

    def _place(self, instrument: int, time_ns: int) -> int:
        """How many trades of this millisecond came before."""
        counts = self._minutes.setdefault(time_ns // MINUTE_NS, {})
        key = (instrument, time_ns // MILLISECOND_NS)
        counts[key] = counts.get(key, -1) + 1
        return counts[key]

    def _bar(self, row: np.void) -> str:
        of = self.instruments[int(row["instrument"])]
        fields = [f"state={row['state']}i", f"revision={row['revision']}i"]
        if row["state"] != BAR_UNKNOWN:
            fields += [f"{name}={to_text(row[name], of.price_decimals)}" for name in PRICES]
            fields += [f"volume={to_text(row['volume'], of.size_decimals)}"]
            if row["trades"] >= 0:
                fields += [f"buy_volume={to_text(row['buy_volume'], of.size_decimals)}", f"trades={row['trades']}i"]
        return f"bars,{self._series(row)} {','.join(fields)} {row['open_ns']}"

    def _value(self, row: np.void) -> str:
        """Beside its bar: at the time where that opens."""
        term = tag(row["term"].decode("utf-8", "replace"))
        return f"indicators,{self._series(row)},term={term} value={float(row['value'])!r} {row['close_ns'] - row['width_ns']}"

    def _series(self, row: np.void) -> str:
        width = int(row["width_ns"])
        name = self.instruments[int(row["instrument"])].name
        return f"instrument={tag(name)},timeframe={TIMEFRAME_OF.get(width, f'{width}ns')}"


def tag(text: str) -> str:
    """The value of a tag: commas, equals signs and spaces escaped; it has no line break and does not end in a backslash.

    >>> tag("sma(close, 10)=x")
    'sma(close\\\\,\\\\ 10)\\\\=x'
    """
    plain = " ".join(text.splitlines()).rstrip("\\") or "-"
    return plain.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
