"""`ninefold demo --venues binance,coinbase,kraken`: one exchange captured three times at once, in three protocols."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from .running import Program, Result, Row, ask, ledger, ninefold, records, rest_of, stored

pytestmark = pytest.mark.slow

VENUES = ("binance", "coinbase", "kraken")
BUSY = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "DOGE/USDT")
ENOUGH = 60  # trades of an instrument
UNKNOWN_NS = -(2**63)
CLEAR, OK = 1, 0
TRADE = "id_lo, price, size, exchange_ns, taker_side"
NEWEST = "select instrument, max(update_id) as update_id, max(exchange_ns) as exchange_ns from books group by 1"
Levels = dict[tuple[int, int], int]  # side, price in 10**-10, to size in 10**-10


class Captured:
    """A demo of three venues that ran until all had traded for a while, and the exchange's truth from its last seconds."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        venues = ("--venues", ",".join(VENUES), "--rate", "150")
        arguments = (*venues, "--json", "--port", "0", "--data-dir", self.data_dir)
        program = Program(folder, "demo", *arguments)
        try:
            program.url()
            program.until(lambda: len(self.orders()) >= 1 and self.enough(), "orders, and trades of every venue")
            self.books = {(venue, pair): self._book(venue, pair) for venue in VENUES for pair in BUSY}
            self.traded = {pair: {row["id"]: row for row in self._ask("trades", pair, limit=100_000)} for pair in BUSY}
            last = {pair: max(rows) for pair, rows in self.traded.items()}
            program.until(lambda: self.all_stored(last), "what was traded until then is stored")
            program.until(self.books_stored, "and the books")
            program.interrupt()
        finally:
            program.end()
        self.result: Result = program.result()

    @cached_property
    def instruments(self) -> dict[int, dict[str, Any]]:
        """All that are listed once something was traded; looking at tables takes what they are made with."""
        return {one["instrument"]["id"]: one["instrument"] for one in records(self.data_dir, "listed")}

    def id_of(self, venue: str, pair: str) -> int:
        [found] = [id for id, one in self.instruments.items() if (one["venue"], one["symbol"]) == (venue, pair)]
        return found

    def orders(self) -> list[dict[str, Any]]:
        return ledger(self.data_dir, "order")

    def enough(self) -> bool:
        found = stored(self.data_dir, "select instrument, count(*) as rows from trades group by 1")
        return len([row for row in found if row["rows"] > ENOUGH]) >= len(VENUES) * 3

    def all_stored(self, last: dict[str, int]) -> bool:
        found = stored(self.data_dir, "select instrument, max(id_lo) as last from trades group by 1")
        newest = {row["instrument"]: row["last"] for row in found}
        return all(newest.get(self.id_of(venue, pair), 0) >= last[pair] for venue in VENUES for pair in BUSY)

    def books_stored(self) -> bool:
        newest = {row["instrument"]: row for row in stored(self.data_dir, NEWEST)}
        return all(newest[self.id_of(*key)][_mark(key[0])] > mark for key, (mark, _) in self.books.items())

    def rebuilt(self, venue: str, pair: str) -> tuple[Levels, set[tuple[int, int]]]:
        """The book of the stored rows at the moment of the exchange's; and the levels that were changing just then: Binance
        tells changes every 100 ms, the others were made to tell all before.
        """
        levels: Levels = {}
        of = self.instruments[self.id_of(venue, pair)]
        rows, later = self._rows(venue, pair)
        for row in rows:
            if row["action"] == CLEAR:
                levels.clear()
            elif row["size"]:
                levels[_level(row, of)] = row["size"] * 10 ** (10 - of["size_decimals"])
            else:
                levels.pop(_level(row, of), None)
        under_way = [row for row in later if row["update_id"] == later[0]["update_id"]] if venue == "binance" else []
        return levels, {_level(row, of) for row in under_way}

    def _rows(self, venue: str, pair: str) -> tuple[list[Row], list[Row]]:
        """The rows up to the moment, and those behind it. Binance numbers its messages, the others stamp them."""
        name, (mark, _) = _mark(venue), self.books[venue, pair]
        found = stored(
            self.data_dir,
            "select update_id, exchange_ns, action, side, price, size from books "
            f"where instrument = {self.id_of(venue, pair)} order by seq, n",
        )
        places = [place for place, row in enumerate(found) if row[name] != UNKNOWN_NS and row[name] > mark]
        return (found[: places[0]], found[places[0] :]) if places else (found, [])

    def _book(self, venue: str, pair: str) -> tuple[int, Levels]:
        """The exchange's book, and the last message that tells of it."""
        told = self._ask("book", pair, face=venue)
        sides = {
            (side, e10(price)): e10(size) for side, name in ((1, "bids"), (-1, "asks")) for price, size in told[name]
        }
        return (told["lastUpdateId"] if venue == "binance" else int(told["told_ns"])), sides

    def _ask(self, what: str, pair: str, **params: Any) -> Any:
        more = "".join(f"&{name}={value}" for name, value in params.items())
        return ask(f"{rest_of(self.data_dir)}/sim/v1/{what}?symbol={pair.replace('/', '')}{more}")


def _mark(venue: str) -> str:
    """The column by which rows of a book come before or after a moment."""
    return "update_id" if venue == "binance" else "exchange_ns"


def _level(row: Row, of: dict[str, Any]) -> tuple[int, int]:
    return row["side"], row["price"] * 10 ** (10 - of["price_decimals"])


def e10(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 10**10 + int(part.ljust(10, "0"))


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    return Captured(tmp_path_factory.mktemp("venues"))


def test_the_summary_is_that_of_any_demo_and_counts_the_trades_of_all(captured: Captured) -> None:
    said = captured.result.json
    assert captured.result.status == 0, captured.result.err
    assert said["trades"] == stored(captured.data_dir, "select count(*) as rows from trades")[0]["rows"]
    assert (said["gaps"], said["malformed"], said["shift_ns"]) == (0, 0, "0")
    venues = {one["venue"] for one in captured.instruments.values()}
    assert venues == set(VENUES)


@pytest.mark.parametrize("venue", VENUES)
def test_the_stored_trades_of_each_venue_are_the_exchanges(captured: Captured, venue: str) -> None:
    for pair in BUSY:
        id = captured.id_of(venue, pair)
        of, truth = captured.instruments[id], captured.traded[pair]
        rows = stored(captured.data_dir, f"select {TRADE} from trades where instrument = {id} order by id_lo")
        ids = [row["id_lo"] for row in rows]
        assert ids == list(range(ids[0], ids[0] + len(ids))), f"{pair}: a hole or a double"
        assert ids[0] <= max(truth) <= ids[-1]
        for row in rows:
            same = truth.get(row["id_lo"])
            if same is None:
                continue  # after we asked
            price, size = (
                row["price"] * 10 ** (10 - of["price_decimals"]),
                row["size"] * 10 ** (10 - of["size_decimals"]),
            )
            assert (price, size) == (e10(same["price"]), e10(same["qty"])), f"{pair} trade {row['id_lo']}"
            assert row["exchange_ns"] == same["time"] * 10**6
            assert row["taker_side"] == (-1 if same["isBuyerMaker"] else 1)


@pytest.mark.parametrize("venue", VENUES)
def test_the_book_that_is_rebuilt_is_the_exchanges(captured: Captured, venue: str) -> None:
    for pair in BUSY:
        ours, under_way = captured.rebuilt(venue, pair)
        _, theirs = captured.books[venue, pair]
        off = {level for level in ours.keys() | theirs.keys() if ours.get(level) != theirs.get(level)} - under_way
        assert not off, f"{pair}: {len(off)} of {len(theirs)} levels differ, such as {sorted(off)[:3]}"
        assert len(under_way) < len(theirs)


def test_bars_of_one_pair_are_the_same_at_all_venues(captured: Captured) -> None:
    """Those that had all their trades from everywhere when the demo ended: a venue's line may have been behind by then."""
    newest = stored(captured.data_dir, "select instrument, max(exchange_ns) as at_ns from trades group by 1")
    of, heard_ns = captured.instruments, defaultdict[str, list[int]](list)
    for row in newest:
        heard_ns[of[row["instrument"]]["symbol"]].append(row["at_ns"])
    made: dict[tuple[str, int, int], dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for row in sorted(stored(captured.data_dir, "select * from bars"), key=lambda row: row["revision"]):
        one = of[row["instrument"]]
        if one["symbol"] not in BUSY or row["open_ns"] + row["width_ns"] > min(heard_ns[one["symbol"]]):
            continue
        prices = (row[name] * 10 ** (10 - one["price_decimals"]) for name in ("open", "high", "low", "close"))
        sizes = (row[name] * 10 ** (10 - one["size_decimals"]) for name in ("volume", "buy_volume"))
        shown = (row["state"], *prices, *sizes, row["trades"])
        made[one["symbol"], row["width_ns"], row["open_ns"]][one["venue"]] = shown
    whole = {key: bars for key, bars in made.items() if len(bars) == 3 and all(bar[0] == OK for bar in bars.values())}
    assert {pair for pair, _, _ in whole} == set(BUSY)
    assert len(whole) > len(BUSY)  # more than one of a pair; a machine with other work has fewer of them
    for key, bars in whole.items():
        assert len(set(bars.values())) == 1, f"{key}: {bars}"


def test_orders_went_to_the_traded_venue_alone(captured: Captured) -> None:
    of = captured.instruments
    assert {of[order["instrument"]]["venue"] for order in captured.orders()} == {"binance"}


def test_every_venue_has_certificates_and_none_knows_of_a_gap(captured: Captured) -> None:
    told = ninefold("certify", "--data-dir", captured.data_dir, "--json")
    assert told.status == 0, told.err
    rows = json.loads(told.out)["certificates"]
    assert {str(row["instrument"]).partition(":")[0] for row in rows} == set(VENUES)
    assert {row["state"] for row in rows} <= {"cannot tell", "complete", "healed"}


@pytest.mark.parametrize(
    ("venues", "says"),
    [("binance,bitmex", "no 'bitmex'"), ("coinbase,kraken", "'binance', which is traded, is missing")],
)
def test_venues_that_cannot_be_are_refused(tmp_path: Path, venues: str, says: str) -> None:
    told = ninefold("demo", "--venues", venues, "--data-dir", tmp_path / "data", "--seconds", "1")
    assert told.status == 2
    assert says in " ".join(told.err.replace("│", " ").split())
