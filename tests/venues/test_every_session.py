"""Every recorded session of raw/cryptofeed and orderbook, message by message to the end: read to its values, or of a kind not
wanted (not_wanted.py); its books never cross where the venue's did not. The long ones are whole in torture.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from ninefold.journal import inputs
from ninefold.journal.inputs import Input
from ninefold.journal.recordings import open_source
from ninefold.venues.table import RECORDED, VENUES

from .contract_messages import message
from .contract_published import matched
from .contract_whole import SHAPE, Walked, walk
from .hearing import Listener, load
from .not_wanted import FILES, SESSIONS, WAITS
from .readings import reading_of

LONG = "orderbook/"
LONG_MOST = 4000  # inputs of a long session in `make test`
NO_MARKET = "raw/cryptofeed/DERIBIT_2021-07-22.jsonl.gz"  # REST answers alone
OF = {venue: reading_of(venue).recordings for venue in VENUES} | {
    "deribit": (*reading_of("deribit").recordings, NO_MARKET),
}


def test_every_file_is_walked(recordings):
    there = {
        f"{folder}/{path.name}"
        for folder in ("raw/cryptofeed", "orderbook")
        for path in (recordings / folder).iterdir()
    }
    assert there == {name for names in OF.values() for name in names} | set(FILES)


@pytest.mark.parametrize(
    ("venue", "whole"),
    [
        pytest.param(
            venue, whole, marks=pytest.mark.torture if whole else (), id=f"{venue}-{'whole' if whole else 'short'}"
        )
        for venue, names in OF.items()
        for whole in (False, True)
        if names and not (whole and not any(name.startswith(LONG) for name in names))
    ],
)
def test_every_message_of_a_venue_is_read_or_not_wanted_and_no_book_crosses(recording, venue, whole):
    told, silent, boundaries = Counter[str](), Counter[str](), 0
    unwanted, waits = SESSIONS[venue], WAITS.get(venue, {})
    for name in OF[venue]:
        most = LONG_MOST if name.startswith(LONG) and not whole else None
        session = islice((one for one in open_source(recording(name), RECORDED) if one.kind != inputs.TICK), most)
        found = walk(VENUES[venue], reading_of(venue), session, unwanted, waits)
        assert found.messages == messages(recording(name), most, found)
        told += found.told
        silent += found.silent
        boundaries += found.boundaries
    assert boundaries > 0
    assert set(silent) == {*unwanted, *waits}, "each kind that is listed must be there"
    assert set(told) == set(waits), "of a kind that may wait, others must tell something"


@pytest.mark.parametrize("name", FILES)
def test_files_without_a_wanted_kind_make_no_row(recording, name):
    """Nor a message that could not be read."""
    unwanted, seen = FILES[name], set[str]()
    listener: Listener | None = None
    with gzip.open(recording(name), "rt") as file:
        for line in map(json.loads, file):
            entry = VENUES[line["exchange"]]
            listener = listener or Listener(entry)
            kinds = matched(unwanted, line["msg"][:SHAPE])
            assert kinds, f"{line['msg'][:300]} is of no kind that is listed"
            seen.update(kinds)
            assert not any(listener.made_of(message(entry, "", line["msg"]))[:2]), line["msg"][:300]
    assert seen == set(unwanted)


FUTURES = "raw/cryptofeed/KRAKEN_FUTURES_2021-07-22.jsonl.gz"
KINDS = SESSIONS["krakenfutures"]


def crossed(session: list[Input]) -> list[Input]:
    """The price of one bid is far above all asks."""
    bid = re.compile(rb'("feed":"book",.*"side":"buy",.*"price":)[\d.]+(.*"qty":)[\d.]+')
    at = next(place for place, one in enumerate(session) if bid.search(one.payload))
    tampered = replace(session[at], payload=bid.sub(rb"\g<1>999999.5\g<2>1.0", session[at].payload))
    return [*session[:at], tampered, *session[at + 1 :]]


@pytest.mark.parametrize(
    ("unwanted", "change", "said"),
    [
        (KINDS, list, None),
        ({kind: KINDS[kind] for kind in KINDS if "trade_snapshot" not in kind}, list, "its kind is not listed"),
        (KINDS | {r'"feed":"ticker': "a planted fault"}, list, "not wanted .a planted fault., and yet"),
        (KINDS, crossed, "the book of PI_LTCUSD crosses"),
    ],
    ids=["none", "a kind that is not listed", "a wanted kind on the list", "a book that crosses"],
)
def test_a_planted_fault_is_told(recording, unwanted, change, said):
    session = change(list(load(recording(FUTURES), 400)))
    with nullcontext() if said is None else pytest.raises(AssertionError, match=said):
        walk(VENUES["krakenfutures"], reading_of("krakenfutures"), session, unwanted, {})


def messages(path: Path, most: int | None, found: Walked) -> int:
    """How many lines of a recording are messages that came from the venue."""
    if most is not None:
        return found.messages
    with gzip.open(path, "rt") as file:
        return sum(json.loads(line).get("dir", "recv") in ("recv", "http") for line in file)
