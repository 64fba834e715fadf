"""What every venue's lines must be. Each check raises AssertionError where one is not.

In:  the venue's table entry, how many pairs. Out: how many lines there were.
What a line asks for is read from its path and from what it says, whatever the venue's words are: of a message with lists, each
way to leave one entry in each list is one subscription.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from ninefold.venues.adapter import Line
from ninefold.venues.entry import VenueEntry

PAIRS = {  # a pair of each venue, by a name; several where their lines differ
    "binanceusdm": ("{}/USDT:USDT",),
    "binancecoinm": ("{}/USD:{}",),
    "deribit": ("{}/USD:{}",),
    "bitmex": ("{}/USDT:USDT",),
    "krakenfutures": ("{}/USD:USD",),
    "bitfinex": ("{}/USD", "{}/USDT:USDT"),
    "bybit": ("{}/USDT", "{}/USDT:USDT", "{}/USD:{}"),
    "okx": ("{}/USDT", "{}/USDT:USDT"),
    "bitget": ("{}/USDT", "{}/USDT:USDT"),
    "hyperliquid": ("{}/USDC:USDC",),
}
SPOT = ("{}/USDT",)


class Limits(NamedTuple):
    """What a venue's documentation says of one connection. subscriptions: at most so many; characters: of them together;
    messages: that may be said at once; arguments, bytes: of one message.
    """

    subscriptions: int = 10**6
    characters: int = 10**9
    messages: int = 10**6
    arguments: int = 10**6
    bytes: int = 10**9


LIMITS = {
    "binance": Limits(subscriptions=1024, messages=5),
    "binanceusdm": Limits(subscriptions=1024, messages=10),
    "binancecoinm": Limits(subscriptions=1024, messages=10),
    "bitfinex": Limits(subscriptions=25 + 1),  # and what says how to be told
    "bybit": Limits(characters=21_000, arguments=10),
    "bitget": Limits(subscriptions=1000, messages=10, bytes=4096),
    "okx": Limits(messages=480, bytes=64 * 1024),
    "hyperliquid": Limits(subscriptions=1000),
}


def symbols_of(venue: str, entry: VenueEntry, count: int) -> list[str]:
    forms = PAIRS.get(venue, SPOT)
    names = (f"C{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}{chr(65 + n // 676)}" for n in range(count))
    return [entry.venue_symbol(forms[n % len(forms)].format(name, name)) for n, name in enumerate(names)]


def together_all_is_asked_for_once(entry: VenueEntry, venue: str, count: int) -> int:
    """All lines together ask for what single pairs ask for, each by its own line alone."""
    symbols = symbols_of(venue, entry, count)
    lines = entry.lines(symbols, entry.streams)
    alone = {symbol: set(asked_by(*entry.lines([symbol], entry.streams))) for symbol in symbols}
    of = Counter(one for asked in alone.values() for one in asked)
    found = Counter(one for line in lines for one in set(asked_by(line)))
    assert found.keys() == of.keys(), f"not asked for {[*(of.keys() - found.keys())][:3]}"
    twice = [one for one, times in found.items() if times > 1 and of[one] == 1]
    assert not twice, f"asked for twice: {twice[:3]}"
    said = Counter(one for line in lines for one in asked_by(line))
    again = [one for one, times in said.items() if times > found[one]]
    assert not again, f"asked for twice by one line: {again[:3]}"
    return len(lines)


def lines_say_what_comes_over_them(entry: VenueEntry, venue: str, count: int) -> int:
    """Symbols and streams of a line are those that it asks for; trades of a symbol come over one line."""
    symbols = symbols_of(venue, entry, count)
    lines = entry.lines(symbols, entry.streams)
    for line in lines:
        alike = [one for symbol in line.symbols for one in entry.lines([symbol], line.streams)]
        wanted = {one for each in alike for one in asked_by(each)}
        mine = set(asked_by(line))
        assert mine <= wanted and all(belongs_to_no_pair(one, alike) for one in wanted - mine), line.name
    traded = Counter(symbol for line in lines if line.trades for symbol in line.symbols)
    assert traded == Counter(symbols)
    return len(lines)


def no_line_exceeds_what_the_venue_gives(entry: VenueEntry, venue: str, count: int) -> int:
    limits, lines = LIMITS.get(venue, Limits()), entry.lines(symbols_of(venue, entry, count), entry.streams)
    for line in lines:
        asked = list(asked_by(line))
        assert len(asked) <= limits.subscriptions, f"{line.name}: {len(asked)} subscriptions"
        assert len(line.say) <= limits.messages, f"{line.name}: {len(line.say)} messages at once"
        assert len(line.path) <= 5_000, f"{line.name}: a path of {len(line.path)} bytes"
        arguments = [json.loads(said).get("args", []) if said[:1] == b"{" else [] for said in line.say]
        assert max(map(len, arguments), default=0) <= limits.arguments
        assert sum(len(json.dumps(one)) for args in arguments for one in args) <= limits.characters
        assert max(map(len, line.say), default=0) <= limits.bytes
    return len(lines)


def lines_stay_as_they_are(entry: VenueEntry, venue: str, count: int) -> int:
    """The same pairs have the same lines, in order, each with a name of its own; one more pair changes one line of those that
    its streams come over, or adds one.
    """
    symbols = symbols_of(venue, entry, count)
    lines = entry.lines(symbols, entry.streams)
    assert lines == entry.lines(symbols, entry.streams)
    assert [line.name for line in lines] == ["market", *(f"market {n}" for n in range(2, len(lines) + 1))]
    before = Counter(line.symbols for line in entry.lines(symbols[:-1], entry.streams))
    now = Counter(line.symbols for line in lines)
    changed = [part for part in (now - before).elements() if symbols[-1] not in part]
    assert not changed, f"lines of other pairs changed: {changed[0][:5]}"
    return len(lines)


# what a line asks for


def asked_by(*lines: Line) -> Iterator[str]:
    """Its subscriptions, each with the address that it is asked for at."""
    for line in lines:
        address, _, names = line.path.partition("?streams=")
        address = address.removesuffix("/stream")
        for name in names.split("/") if names else ():
            yield f"{address} {json.dumps({'method': 'SUBSCRIBE', 'params': [name]})}"
        for said in line.say:
            message = json.loads(said)
            message.pop("id", None)
            for one in single(message):
                yield f"{address} {json.dumps(one)}"


def single(message: Any) -> Iterator[Any]:
    """Every way to leave one entry in each list."""
    if isinstance(message, dict):
        for values in product(*(list(single(value)) for value in message.values())):
            yield dict(zip(message, values, strict=True))
    elif isinstance(message, list):
        yield from ([one] for entry in message for one in single(entry))
    else:
        yield message


def belongs_to_no_pair(one: str, lines: list[Line]) -> bool:
    """What several pairs ask for alike, such as all liquidations, may come over one line."""
    return sum(one in set(asked_by(line)) for line in lines) > 1 or "liq:" in one
