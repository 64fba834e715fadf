"""What the messages of Deribit hold: their fields, the rules of an instrument, and the names of things.

After docs.deribit.com, as of 2026-11. Field names are the venue's.
Whatever does not have these fields in these forms and ranges is refused by the decoders.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from ninefold.market.instruments import Instrument
from ninefold.venues.adapter import BadFrame
from ninefold.venues.listing import contract, ruled
from ninefold.venues.told import Count, Milliseconds, day_of, number, short

VENUE = "deribit"
MOST_MS = 253_402_300_799_999  # the year 9999; what never expires does in the year 3000
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DATE = re.compile(r"([0-9]{1,2})([A-Z]{3})([0-9]{2})", re.ASCII)


class Params(msgspec.Struct, gc=False):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    type: str = ""


class Error(msgspec.Struct, gc=False):
    code: int
    message: str


class Frame(msgspec.Struct, gc=False):
    method: str = ""
    params: Params | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Error | None = None


class Trade(msgspec.Struct, gc=False):
    """liquidation: who was under it, T the taker, M the maker."""

    instrument_name: str
    trade_seq: Count
    timestamp: Milliseconds
    price: msgspec.Raw
    amount: msgspec.Raw
    direction: Literal["buy", "sell"]
    liquidation: Literal["", "T", "M", "MT"] = ""


class Level(msgspec.Struct, array_like=True, gc=False):
    action: Literal["new", "change", "delete"]
    price: msgspec.Raw
    amount: msgspec.Raw


class Book(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    change_id: Count
    bids: list[Level]
    asks: list[Level]
    prev_change_id: Count | None = None
    type: Literal["snapshot", "change", ""] = ""


class Quote(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    best_bid_price: msgspec.Raw
    best_bid_amount: msgspec.Raw
    best_ask_price: msgspec.Raw
    best_ask_amount: msgspec.Raw


class Ticker(msgspec.Struct, gc=False):
    instrument_name: str
    timestamp: Milliseconds
    mark_price: msgspec.Raw
    current_funding: msgspec.Raw = msgspec.Raw(b"null")


class Listed(msgspec.Struct, gc=False):
    instrument_name: str
    kind: str
    base_currency: str
    quote_currency: str
    tick_size: msgspec.Raw
    min_trade_amount: msgspec.Raw
    settlement_period: str = ""
    expiration_timestamp: Annotated[int, msgspec.Meta(ge=0, le=MOST_MS)] = 0
    counter_currency: str = ""
    settlement_currency: str = ""
    strike: msgspec.Raw = msgspec.Raw(b"0")
    option_type: str = ""


class Past(msgspec.Struct, gc=False):
    trades: list[Trade]
    has_more: bool = False


class Answer(msgspec.Struct, gc=False):
    result: msgspec.Raw


frame_decoder = msgspec.json.Decoder(Frame)
trades_decoder = msgspec.json.Decoder(list[Trade])
book_decoder = msgspec.json.Decoder(Book)
quote_decoder = msgspec.json.Decoder(Quote)
ticker_decoder = msgspec.json.Decoder(Ticker)
answer_decoder = msgspec.json.Decoder(Answer)
past_decoder = msgspec.json.Decoder(Past)
instrument_decoder = msgspec.json.Decoder(Listed)
instruments_decoder = msgspec.json.Decoder(list[Listed])
time_decoder = msgspec.json.Decoder(Milliseconds)


def listings(found: list[Listed]) -> list[Instrument]:
    """Combinations of several instruments are left out."""
    made: list[Instrument] = []
    for one in found:
        tick, lot = number(one.tick_size), number(one.min_trade_amount)
        base, quote = one.base_currency, one.counter_currency or one.quote_currency
        quote = "USD" if quote == base else quote  # as older lists of options have it
        settle = one.settlement_currency or base
        of = ruled(VENUE, one.instrument_name, base, quote, tick=short(tick), lot=short(lot), least=short(lot))
        if one.kind == "spot":
            made.append(of)
        elif one.settlement_period == "perpetual":
            made.append(contract(of, "swap", settle))
        elif one.kind == "future":
            made.append(contract(of, "future", settle, day_of(one.expiration_timestamp)))
        elif one.kind == "option":
            end = f"-{short(number(one.strike))}-{'C' if one.option_type == 'call' else 'P'}"
            made.append(contract(of, "option", settle, day_of(one.expiration_timestamp) + end))
    return made


def unlisted(symbol: str) -> Instrument:
    """What its name says. Combinations of several instruments are none. raises: BadFrame."""
    name, *more = symbol.split("-")
    base, _, quote = name.partition("_")
    settle = quote or base
    of = ruled(VENUE, symbol, base, quote or "USD")
    if not more:
        return of
    if more == ["PERPETUAL"]:
        return contract(of, "swap", settle)
    date = DATE.fullmatch(more[0])
    if date is None or date[2] not in MONTHS or len(more) not in (1, 3):
        raise BadFrame(f"instrument {symbol!r} is no spot pair, perpetual, future or option by its name")
    day = f"{date[3]}{MONTHS.index(date[2]) + 1:02}{int(date[1]):02}"
    strike = [part.replace("d", ".") for part in more[1:]]
    return contract(of, "option" if strike else "future", settle, "-".join([day, *strike]))
