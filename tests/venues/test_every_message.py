"""Every message that others published, of every file of raw/pairs and raw/payloads: read to the right values, or of a kind not
wanted (not_wanted.py says which and why). Whole recorded sessions: test_every_session.py.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from ninefold.venues.table import VENUES

from . import not_wanted
from .contract_published import PAIRS, PAYLOADS, Published, matched, pairs, payloads, published_as_told
from .driven import Driven
from .not_wanted import ELSEWHERE
from .readings import reading_of

CCXT = "raw/pairs/ccxt_bitstamp_rest.jsonl.gz"
OURS = {  # of exchanges that have another name in raw/pairs
    "binance-futures": "binanceusdm",
    "gate-io": "gate",
    "huobi": "htx",
    "okex": "okx",
    "okex-swap": "okx",
}
READ = {  # how many; the others are of kinds not wanted
    "binance": 9,
    "binance-futures": 6,
    "bitfinex": 17,
    "bitmex": 12,
    "bitstamp": 7,
    "bybit": 22,
    "coinbase": 9,
    "deribit": 8,
    "gate-io": 7,
    "huobi": 15,
    "kraken": 4,
    "okex": 5,
    "okex-swap": 6,
}


def test_every_file_and_every_line_is_walked(recordings):
    """By a test of this file, under its venue's name."""
    assert names(recordings, "raw/pairs") == {Path(PAIRS).name, Path(CCXT).name}
    assert {line["exchange"] for line in lines(recordings / PAIRS)} == set(not_wanted.PAIRS)
    assert names(recordings, "raw/payloads") == {Path(PAYLOADS.format(file)).name for file in not_wanted.PAYLOADS}


@pytest.mark.parametrize("exchange", not_wanted.PAIRS)
def test_messages_are_read_to_the_values_that_others_expect(recording, exchange):
    venue, unwanted = OURS.get(exchange, exchange), not_wanted.PAIRS[exchange]
    published = in_order(exchange, pairs(recording(PAIRS), exchange))
    read = published_as_told(VENUES[venue], reading_of(venue), published, unwanted)
    assert read == READ[exchange]
    assert read + len([one for one in published if reasons(unwanted, one)]) == len(published)
    assert used(unwanted, published) == set(unwanted)


@pytest.mark.parametrize("file", not_wanted.PAYLOADS)
def test_single_messages_are_read(recording, file):
    published, kinds = payloads(recording(PAYLOADS.format(file))), not_wanted.PAYLOADS[file]
    for venue, unwanted in kinds.items():
        if venue:
            published_as_told(VENUES[venue], reading_of(venue), published, unwanted)
        assert used(unwanted, published) == set(unwanted)
    for one in published:
        elsewhere = [ELSEWHERE in reasons(unwanted, one) for unwanted in kinds.values()]
        assert elsewhere.count(False) == 1, (
            f"{one.file} must be one venue's: {dict(zip(kinds, elsewhere, strict=True))}"
        )
        assert kinds.keys() != {""} or reasons(kinds[""], one), f"{one.file} is of no kind that is listed"


def test_past_trades_are_read_to_the_values_that_others_expect(recording):
    """The answer heals what a lost connection missed: it is given behind the trade before it."""
    read = set()
    for line in lines(recording(CCXT)):
        if line["method"] == "fetchTrades":
            read.add("fetchTrades")
            [expected], [trade] = line["parsedResponse"], line["httpResponse"]
            venue = Driven("bitstamp", {"btcusdt"})
            before = {**trade, "tid": "326595341", "date": "1710327532"}
            live = {"id": 326595341, "timestamp": "1710327532", "microtimestamp": "1710327532000000", "type": 0}
            live |= {"amount_str": trade["amount"], "price_str": trade["price"], "amount": 0, "price": 0}
            venue.frame(json.dumps({"event": "trade", "channel": "live_trades_btcusdt", "data": live}).encode())
            venue.forget()
            venue.reconnect()
            venue.answer("/api/v2/transactions/btcusdt/?time=hour", json.dumps([trade, before]).encode())
            [(id, price, size, side)] = venue.trades()
            assert id == int(expected["id"])
            assert (Decimal(price), Decimal(size), side) == (expected["price"], expected["amount"], 1)
            assert expected["side"] == "buy"
        else:
            assert line["method"] in not_wanted.CCXT
            read.add(line["method"])
    assert read == {"fetchTrades", *not_wanted.CCXT}


def reasons(unwanted: dict[str, str], one: Published) -> list[str]:
    return [unwanted[pattern] for pattern in matched(unwanted, f"{one.file} {one.text}")]


def used(patterns: Iterable[str], published: list[Published]) -> set[str]:
    return {pattern for each in published for pattern in matched(patterns, f"{each.file} {each.text}")}


def in_order(exchange: str, published: list[Published]) -> list[Published]:
    """Changes of one of HTX's books stand there out of their order."""
    return sorted(published, key=lambda one: json.loads(one.text)["ts"]) if exchange == "huobi" else published


def names(recordings: Path, folder: str) -> set[str]:
    return {path.name for path in (recordings / folder).iterdir()}


def lines(path: Path) -> Iterable[dict]:
    with gzip.open(path, "rt") as file:
        yield from (json.loads(line, parse_float=Decimal) for line in file)
