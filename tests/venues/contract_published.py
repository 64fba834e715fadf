"""Messages that others have published, and what every venue's adapter must make of them.

In:  raw/pairs (a raw message with the normalised values that another project expects) and raw/payloads (single messages), and
     the kinds that are not wanted.
Out: how many were read; AssertionError where one is neither read to the right values nor on the list of those not wanted.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.market.records import Malformed
from ninefold.venues.entry import VenueEntry

from .contract import Where, quiet, same
from .contract_messages import message
from .hearing import Listener, bests, book, deals, read
from .not_wanted import ELSEWHERE
from .reading import ASK, BID, Clear, Deal, Level, Reader, Reading, Told

PAIRS = "raw/pairs/tardis_raw_to_normalised.jsonl.gz"
PAYLOADS = "raw/payloads/{}.jsonl.gz"
SIDES = {"buy": 1, "sell": -1, "unknown": 0}
MILLISECOND_NS = 1_000_000

Json = dict[str, Any]


class Published(NamedTuple):
    """session: messages of one belong together, in order. file: "" for raw/pairs. expected: None where nobody says it."""

    session: str
    file: str
    text: str
    expected: list[Json] | None


def pairs(path: Path, venue: str) -> list[Published]:
    found = [line for line in lines(path) if line["exchange"] == venue]
    return [Published(line["test"], "", json.dumps(line["msg"]), line["expected"]) for line in found]


def payloads(path: Path) -> list[Published]:
    return [Published(line["file"], line["file"], line["msg"], None) for line in lines(path)]


def published_as_told(
    entry: VenueEntry, reading: Reading, published: Sequence[Published], unwanted: Mapping[str, str]
) -> int:
    """Every message is read to the values expected of it, or is of a kind not wanted and makes no rows. One that followed
    what is not there has a session of its own, which begins with what the reading says.
    """
    sessions: dict[str, tuple[Listener, Reader]] = {}
    count = 0
    for each in published:
        reasons = [unwanted[pattern] for pattern in matched(unwanted, f"{each.file} {each.text}")]
        if ELSEWHERE in reasons:
            continue
        if reasons:
            heard = Listener(entry).hear(message(entry, "", each.text))
            assert not (heard.deals or heard.book or heard.bests), f"not wanted, and yet {heard} of {each.text[:300]}"
            continue
        begun = [message(entry, *one) for one in reading.before(each.file, each.text)]
        if begun or each.session not in sessions:
            listener, reader = Listener(entry), reading.begin()
            for one in begun:
                quiet(listener.hear(one), Where(0, one))
                read(reader, one)
            if not begun:
                sessions[each.session] = listener, reader
        else:
            listener, reader = sessions[each.session]
        one = message(entry, *reading.given(each.file, each.text))
        heard, told = listener.hear(one), read(reader, one)
        quiet(heard, Where(0, one), (Malformed,))  # they are no whole sessions
        same(heard, told, reading, Where(0, one))
        if each.expected is None:
            assert told, f"{each.file} tells nothing; say why in not_wanted.py: {each.text[:300]}"
        else:
            as_expected(told, reading.words(each.text, each.expected), Where(0, one))
        count += 1
    return count


def matched(patterns: Iterable[str], text: str) -> list[str]:
    return [pattern for pattern in patterns if re.search(pattern, text)]


def as_expected(told: list[Told], expected: list[Json], at: object) -> None:
    """What others made of a message. They count the changes that waited for a snapshot as part of it."""
    of = {kind: [one for one in expected if one["type"] == kind] for kind in ("trade", "book_change", "book_ticker")}
    others = [one for one in expected if one["type"] not in (*of, "liquidation")]  # those are records, not rows
    assert not others, f"{at}: {others}; say why not in not_wanted.py"
    assert len(deals(told)) == len(of["trade"]), f"{at}: {deals(told)} should be {of['trade']}"
    for deal, trade in zip(deals(told), of["trade"], strict=True):
        trade_as_expected(deal, trade, at)
    levels = {one[:3]: one.size for one in book(told) if isinstance(one, Level)}
    wanted = {level: size for change in of["book_change"] for level, size in levels_of(change)}
    assert levels == wanted, f"{at}: {levels} should be {wanted}"
    snapshot = any(change["isSnapshot"] for change in of["book_change"])
    assert snapshot == any(isinstance(one, Clear) for one in told), f"{at}: {book(told)} should be {of['book_change']}"
    if of["book_ticker"]:
        assert [tuple(best) for best in bests(told)] == [ticker_of(one) for one in of["book_ticker"]], at


def trade_as_expected(deal: Deal, trade: Json, at: object) -> None:
    """Their times are whole milliseconds; their ids may be missing."""
    found = (deal.symbol, deal.price, deal.size, deal.side)
    wanted = (trade["symbol"], trade["price"], trade["amount"], SIDES[trade["side"]])
    assert found == wanted, f"{at}: {found} should be {wanted}"
    assert trade.get("id") in (None, deal.id), f"{at}: id {deal.id} should be {trade['id']}"
    if deal.time_ns is not None:
        told = datetime.fromisoformat(trade["timestamp"].replace("Z", "+00:00")).timestamp()
        assert abs(deal.time_ns / MILLISECOND_NS - told * 1000) < 1, (
            f"{at}: time {deal.time_ns} should be {trade['timestamp']}"
        )


def levels_of(change: Json) -> Iterator[tuple[tuple[str, int, Decimal], Decimal]]:
    for side, name in ((BID, "bids"), (ASK, "asks")):
        for level in change[name]:
            yield (change["symbol"], side, level["price"]), level["amount"]


def ticker_of(one: Json) -> tuple[str, Decimal, Decimal, Decimal, Decimal]:
    """A size that the venue does not say is 0 in our rows."""
    return (
        one["symbol"],
        one["bidPrice"],
        one["bidAmount"] or Decimal(0),
        one["askPrice"],
        one["askAmount"] or Decimal(0),
    )


def lines(path: Path) -> Iterator[Json]:
    """Numbers of what others expect are exact decimals; those of messages stay as JSON writes them."""
    with gzip.open(path, "rt") as file:
        for text in file:
            line = json.loads(text)
            if "expected" in line:
                line["expected"] = json.loads(text, parse_float=Decimal)["expected"]
            yield line
