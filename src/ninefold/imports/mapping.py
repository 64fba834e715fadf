"""Which of their columns is which of our values, from a small TOML file and options, or by the names they carry.

In:  what a source knows of its columns, what the user says, the names of the columns.
Out: for each of our fields the name of theirs; what cannot be told apart is refused, with what was found.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from ninefold.market.time import TIMEFRAMES

Decimals = Annotated[int, msgspec.Meta(ge=0, le=18)]
Unit = Literal["", "s", "ms", "us", "ns"]


class ImportRefused(ValueError):
    """An import that cannot be begun or gone on with; the text says what was found and what to say instead."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mapping file may say; empty is "not said".

    what:       trades, bars, books or quotes.
    instrument: of all rows, such as 'binance:BTC/USDT'. venue: of all symbols that do not name one.
    timeframe:  of all bars. bar_time: whether the time of a bar is its open or its close.
    time_unit:  of whole or decimal numbers. time_zone: of times written without one; only UTC.
    id_kind:    what whole-number ids count in an instrument, one after the other: single trades (integer) or aggregates.
                Empty: single trades at venues known for that, at others nothing.
    columns:    our field to their column; "" leaves a field out. symbols: their symbol to our instrument.
    header:     the names of the columns of a CSV without a header.
    price_decimals, size_decimals: of instruments that are not listed yet.
    """

    what: Literal["", "trades", "bars", "books", "quotes"] = ""
    instrument: str = ""
    venue: str = ""
    timeframe: str = ""
    bar_time: Literal["", "open", "close"] = ""
    time_unit: Unit = ""
    time_zone: Literal["", "UTC"] = ""
    id_kind: Literal["", "integer", "aggregate"] = ""
    columns: dict[str, str] = {}
    symbols: dict[str, str] = {}
    header: tuple[str, ...] = ()
    price_decimals: Decimals = 8
    size_decimals: Decimals = 8


_TIME = ("time", "timestamp", "timestamp_ms", "ts", "date", "datetime", "exchange_ns", "exchange_time")
_SYMBOL = {"symbol": ("symbol", "pair", "instrument", "market"), "exchange": ("exchange", "venue", "feed")}
_SIZE = ("size", "amount", "quantity", "qty", "volume")
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {  # what: our field to the names by which it is known without a mapping
    "trades": {
        "time": _TIME,
        "price": ("price", "rate"),
        "size": _SIZE,
        "side": ("side", "taker_side", "trade_side"),
        "buyer_is_maker": ("is_buyer_maker", "buyer_is_maker", "isbuyermaker", "buyer_maker"),
        "id": ("id", "trade_id", "tradeid", "tid"),
        **_SYMBOL,
    },
    "bars": {
        "time": (*_TIME, "open_time", "open_ns", "start"),
        "open": ("open",),
        "high": ("high",),
        "low": ("low",),
        "close": ("close",),
        "volume": ("volume", "vol", "amount", "quantity"),
        "buy_volume": ("buy_volume", "taker_buy_base"),
        "trades": ("trades", "count"),
        "timeframe": ("timeframe", "interval"),
        "closed": ("closed",),
        **_SYMBOL,
    },
    "books": {
        "time": _TIME,
        "price": ("price",),
        "size": _SIZE,
        "side": ("side",),
        "is_snapshot": ("is_snapshot",),
        **_SYMBOL,
    },
    "quotes": {
        "time": _TIME,
        "bid": ("bid_price", "bid"),
        "bid_size": ("bid_amount", "bid_size"),
        "ask": ("ask_price", "ask"),
        "ask_size": ("ask_amount", "ask_size"),
        **_SYMBOL,
    },
}
NEEDED = {
    "trades": ("time", "price", "size"),
    "bars": ("time", "open", "high", "low", "close", "volume"),
    "books": ("time", "price", "size", "side", "is_snapshot"),
    "quotes": ("time", "bid", "bid_size", "ask", "ask_size"),
}


def parse_mapping(text: str, name: str) -> Mapping:
    """A mapping from TOML.

    raises: ImportRefused naming the key and what is allowed.
    """
    try:
        return msgspec.convert(tomllib.loads(text), Mapping)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        allowed = ", ".join(Mapping.__struct_fields__)
        raise ImportRefused(f"{name}: {error}. Keys of a mapping: {allowed}") from None


def over(user: Mapping, known: Mapping) -> Mapping:
    """What the user says, and where the user says nothing what the source knows."""
    said = {
        field: getattr(user, field)
        for field, default in zip(Mapping.__struct_fields__, _defaults(), strict=True)
        if getattr(user, field) != default
    }
    for table in ("columns", "symbols"):
        said[table] = {**getattr(known, table), **getattr(user, table)}
    return msgspec.structs.replace(known, **said)


def fields_of(mapping: Mapping, columns: Iterable[str], place: str) -> dict[str, str]:
    """Our fields to their columns.

    raises: ImportRefused if a needed one is missing or two could be meant, naming the columns there are.
    """
    names = tuple(columns)
    listed = f"{place} has the columns {', '.join(names) or 'none'}"
    if not mapping.what:
        raise ImportRefused(f"{listed}; say what they are: --what trades or --what bars")
    known = FIELDS[mapping.what]
    if strange := sorted(mapping.columns.keys() - known.keys()):
        raise ImportRefused(f"there is no field {strange[0]!r} in {mapping.what}; there are {', '.join(known)}")
    found = {
        field: name for field, aliases in known.items() if (name := _named(field, aliases, mapping, names, listed))
    }
    if missing := [field for field in NEEDED[mapping.what] if field not in found]:
        raise ImportRefused(
            f"{listed}; none of them is known as {missing[0]!r} of {mapping.what}: say --column {missing[0]}=NAME"
        )
    if "symbol" not in found and not mapping.instrument:
        raise ImportRefused(
            f"{listed}; none of them names the instrument: say --instrument binance:BTC/USDT or --column symbol=NAME"
        )
    if mapping.what == "bars" and "timeframe" not in found and not mapping.timeframe:
        raise ImportRefused(
            f"{listed}; how wide the bars are is not said: say --timeframe, one of {' '.join(TIMEFRAMES)}"
        )
    return found


def _named(field: str, aliases: tuple[str, ...], mapping: Mapping, names: tuple[str, ...], listed: str) -> str:
    """Their column for a field, "" if there is none."""
    if field in mapping.columns:
        name = mapping.columns[field]
        if name and name not in names:
            raise ImportRefused(f"{listed}; the mapping says {field} is {name!r}, which is not among them")
        return name
    if field in ("symbol", "exchange") and mapping.instrument:
        return ""
    taken = set(mapping.columns.values())
    found = [name for name in names if name.lower() in aliases and name not in taken]
    if len(found) > 1:
        raise ImportRefused(f"{listed}; {' and '.join(found)} could both be {field!r}: say --column {field}=NAME")
    return found[0] if found else ""


def _defaults() -> list[object]:
    empty = Mapping()
    return [getattr(empty, field) for field in Mapping.__struct_fields__]
