"""What came over the wire, was stored and was certified: read from a running world as it grows.

In:  a running world: its journal, its tables, the exchange's database and log of what it withheld.
Out: the story of each symbol since the last one. The journal is read again by `struct` and `json`, as truth.py does.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc
from deltalake import DeltaTable

from ninefold.market.records import Gap

from . import truth
from .parts import SKIPPABLE, World
from .plans import LOSING, Certified, Kept, Story
from .wires import exchange_symbol, framed, streams

HEADER_BYTES = 20
MS_NS, HOUR_NS = 10**6, 3600 * 10**9


class Hearing:
    """Follows a world; `stories` tells what happened since the last call and begins anew."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scales = {of.symbol: (id, of) for id, of in truth.scales(world.data_dir).items()}
        self.heard: dict[str, set[int]] = {symbol: set() for symbol in self.scales}
        self.newest: dict[str, int] = {}
        self.first_ns: dict[str, int] = {}  # of the first trade that is stored
        self._journal: dict[Path, int] = {}
        self._whole: dict[Path, int] = {}  # compressed segments: nothing is added to them any more
        self._withheld: list[dict[str, Any]] = []
        self._gaps: list[Gap] = []
        self._kept: dict[str, dict[int, list[Kept]]] = {symbol: defaultdict(list) for symbol in self.scales}
        self._books: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self._stored_seq = self._gap_seq = self._book_seq = self._told_seq = 0
        self._commit = -1
        self._begin: dict[str, int] = {}
        self.listen()

    def listen(self) -> None:
        """Take in what the journal has got since."""
        for path in sorted((self.world.data_dir / "journal").glob("*.nfj")):
            at = self._journal.get(path, HEADER_BYTES)
            if self._whole.get(path) == at:
                continue
            with path.open("rb") as file:  # before it is read: it may be replaced meanwhile, and have grown before that
                whole = file.read(4) == SKIPPABLE
            self._journal[path] = at + self._take(truth.segment(path, at))
            if whole:
                self._whole[path] = self._journal[path]

    def position(self) -> int:
        """How far the store is."""
        log = self.world.data_dir / "tables" / "certificates" / "_delta_log"
        return max((int(path.stem) for path in log.glob("*.json")), default=-1)

    def whole(self, ends: dict[str, int]) -> bool:
        """Whether all trades since the last story and up to these are stored."""
        self.read_trades()
        return all(
            id in self._kept[symbol] for symbol, end in ends.items() for id in range(self.begin_of(symbol), end + 1)
        )

    def told(self, ends: dict[str, int]) -> bool:
        """Whether the gaps up to these trades were told as healed, and what never came over the wire as a gap."""
        self._read_gaps()
        for symbol, end in ends.items():
            mine = [gap for gap in self._gaps if gap.instrument == self.scales[symbol][0]]
            healed = [(gap.from_id, gap.to_id) for gap in mine if gap.healed]
            owed = [(gap.from_id, gap.to_id) for gap in mine if not gap.healed and gap.from_id <= end]
            owed += [(id, id) for id in range(self.begin_of(symbol), end + 1) if id not in self.heard[symbol]]
            if not all(any(a <= first and last <= b for a, b in healed) for first, last in owed):
                return False
        return True

    def begin_of(self, symbol: str) -> int:
        return self._begin.setdefault(symbol, min(self.heard[symbol]))

    def read_trades(self) -> None:
        rows = self.rows("trades", pc.field("seq") > self._stored_seq)
        names = {id: of for id, of in self.scales.values()}
        for row in rows:
            of = names[row["instrument"]]
            price, size = of.price_e8(row["price"]), of.size_e8(row["size"])
            deal = (price, size, row["exchange_ns"] // MS_NS, row["taker_side"] == -1)
            self._kept[of.symbol][row["id_lo"]].append(Kept(deal, row["exchange_ns"], row["seq"]))
            self._stored_seq = max(self._stored_seq, row["seq"])
            self.first_ns[of.symbol] = min(row["exchange_ns"], self.first_ns.get(of.symbol, row["exchange_ns"]))

    def take_books(self, instrument: int) -> list[dict[str, Any]]:
        """The rows of an instrument's book that are stored since the last call, in order; all books are read at once."""
        for row in self.rows("books", pc.field("seq") > self._book_seq):
            self._books[row["instrument"]].append(row)
            self._book_seq = max(self._book_seq, row["seq"])
        return sorted(self._books.pop(instrument, []), key=lambda row: (row["seq"], row["n"]))

    def stories(self, ends: dict[str, int]) -> list[Story]:
        """Of every symbol, up to these trades; each must have been heard."""
        self.listen()
        commits = self._commits()
        self.read_trades()
        self._read_gaps()
        self._withheld += self.world.ask(f"/sim/v1/faults?from={len(self._withheld)}")["withheld"]
        since_ns = min(rows[0].exchange_ns for kept in self._kept.values() for rows in kept.values())
        certificates = self.rows("certificates", pc.field("hour_ns") > since_ns - HOUR_NS)
        told = [self._story(symbol, end, commits, certificates) for symbol, end in sorted(ends.items())]
        for story in told:
            self._begin[story.symbol] = story.end
            for id in [id for id in self._kept[story.symbol] if id < story.end]:
                del self._kept[story.symbol][id]
        self._gaps = [gap for gap in self._gaps if max(gap.to_id, gap.from_id) >= self._begin_of(gap.instrument)]
        return told

    def _begin_of(self, instrument: int) -> int:
        return next(self._begin.get(symbol, 0) for symbol, (id, _) in self.scales.items() if id == instrument)

    def _story(self, symbol: str, end: int, commits: list[int], certificates: list[dict[str, Any]]) -> Story:
        begin, (instrument, of) = self.begin_of(symbol), self.scales[symbol]
        trades, _ = streams(symbol)
        log = [one for one in self._withheld if one["stream"] == trades and one["fault"] in LOSING]
        columns = "trade_id, price_ticks, lots, time_ms, buyer_is_maker"
        query = (
            f"select {columns} from trades join symbols using (symbol_id) where symbol = '{exchange_symbol(symbol)}'"
        )
        rows = truth.exchange_rows(self.world.data_dir, f"{query} and trade_id between {begin} and {end}")
        return Story(
            symbol=symbol,
            begin=begin,
            end=end,
            traded={row[0]: (row[1] * of.tick_e8, row[2] * of.lot_e8, row[3], bool(row[4])) for row in rows},
            heard=frozenset(id for id in self.heard[symbol] if id >= begin),
            withheld=frozenset(
                id for one in log for id in range(max(one["first_id"], begin), min(one["last_id"], end) + 1)
            ),
            cut=tuple(one["first_id"] - 1 for one in log if one["fault"] == "disconnect" and one["first_id"] > begin),
            kept={id: list(rows) for id, rows in self._kept[symbol].items() if id >= begin},
            gaps=tuple(
                gap
                for gap in self._gaps
                if gap.instrument == instrument and gap.from_id <= end and max(gap.to_id, gap.from_id) > begin
            ),
            commits=self._certified(
                [row for row in certificates if row["instrument"] == instrument],
                commits,
                self._kept[symbol][begin][0].exchange_ns,
            ),
        )

    def _certified(self, certificates: list[dict[str, Any]], commits: list[int], since_ns: int) -> tuple[Any, ...]:
        """The newest certificates of an instrument's hours, at each commit."""
        newer = [row for row in certificates if row["hour_ns"] > since_ns - HOUR_NS]
        rows = sorted(newer, key=lambda row: row["revision"])
        found = []
        for position in commits:
            newest = {
                row["hour_ns"]: Certified(row["hour_ns"], row["state"], row["missing"])
                for row in rows
                if row["seq"] <= position
            }
            found.append((position, tuple(newest.values())))
        return tuple(found)

    def _commits(self) -> list[int]:
        """Positions that the store has had since the last story; each names the last input whose rows are all there."""
        found = []
        log = self.world.data_dir / "tables" / "certificates" / "_delta_log"
        for path in sorted(path for path in log.glob("*.json") if int(path.stem) > self._commit):
            self._commit = int(path.stem)
            actions = map(json.loads, path.read_text().splitlines())
            found += [action["txn"]["version"] for action in actions if "txn" in action]
        found = sorted({position for position in found if position > self._told_seq})
        self._told_seq = max([self._told_seq, *found])
        return found

    def _read_gaps(self) -> None:
        condition = (pc.field("type") == "gap") & (pc.field("seq") > self._gap_seq)
        found = [msgspec.json.decode(row["payload"], type=Gap) for row in self.rows("records", condition)]
        self._gap_seq = max([self._gap_seq, *(gap.seq for gap in found)])
        self._gaps += [gap for gap in found if gap.stream == "trades"]

    def rows(self, table: str, condition: pc.Expression) -> list[dict[str, Any]]:
        dataset = DeltaTable(self.world.data_dir / "tables" / table).to_pyarrow_dataset()
        return list(dataset.to_table(filter=condition).to_pylist())

    def _take(self, data: bytes) -> int:
        """Remember the trades of whole records; how many bytes those have."""
        at = 0
        while at + 8 <= len(data):
            length, checksum = struct.unpack_from("<II", data, at)
            body = data[at + 8 : at + 8 + length]
            if len(body) < length or zlib.crc32(body) != checksum:
                break
            at += 8 + length
            if body[0] == truth.FRAME:
                for (symbol, id), _ in framed(body[19:]):
                    self.heard[symbol].add(id)
                    self.newest[symbol] = max(id, self.newest.get(symbol, 0))
        return at
