"""Back-tests of orders and of quotes on events.

In:  a session, what is sent, how long news and orders take, fees. Out: `Traded`. `venue_slow` says what happens at the venue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ninefold.backtest.exact import LARGEST, Number, multiple, rate
from ninefold.backtest.market_rules import Fees
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.book_fast import CASH, COUNTS, GROUP, ORDER_COLUMNS, POSITION, Given, Venue, clear
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.latency import Latency
from ninefold.backtest.ticks.orders import ASKED, FILLED, SUBMIT, Account, BadOrder, Cancel, Order, Queue, asked
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.venue_fast import play_orders, play_quotes, tops

ROOM = 1024  # fills that are looked for first


@dataclass(frozen=True, slots=True)
class Terms:
    """cash: in quote, at the start. A venue lends what is missing: neither margin nor liquidation is modelled."""

    cash: Number = 10_000
    fees: Fees = field(default_factory=Fees)
    queue: Queue = Queue.BACK_OF_QUEUE
    latency: Latency = field(default_factory=Latency)


@dataclass(frozen=True, eq=False, slots=True)
class Traded:
    """fills: FILLED rows, oldest first. cash: units at the end; position: lots."""

    session: Session
    start: int
    fills: np.ndarray
    cash: int
    position: int

    def equity(self, price: int) -> int:
        """Units, with the position at a price in ticks."""
        return self.cash + self.position * price

    @property
    def fees(self) -> int:
        """Units, of all fills."""
        return int(self.fills["fee"].sum())

    @property
    def unit(self) -> Fraction:
        return self.session.unit


def account_of(terms: Terms, session: Session) -> Account:
    """The terms as the kernels read them. raises: BadRules."""
    cash = multiple(terms.cash, session.unit, "cash", "units (tick times lot)")
    fees = terms.fees
    return Account(terms.queue, cash, rate(fees.maker, "maker fee", -1), rate(fees.taker, "taker fee", -1))


def trade_orders(session: Session, wanted: list[Order | Cancel], terms: Terms) -> Traded:
    """Back-test orders that are known beforehand.

    raises: BadOrder, BadRules; TooLarge if the account outgrows 2**60 units.
    """
    rows = asked(wanted, session)
    largest = int(rows["size"].max(initial=0))
    _fits(largest, session)
    arrival = terms.latency.arrivals(session, rows["event"], 0)
    table = rows.view(np.int64).reshape(-1, len(ASKED.names or ()))
    submits = table[table[:, 1] == SUBMIT]
    room = ROOM
    while True:
        venue, given = _venue(session, terms, len(submits), len(rows), room, int(rows["group"].max(initial=0)))
        venue.orders[:, : GROUP + 1] = submits[:, 3:]
        count = play_orders(venue, given, _table(session), table, arrival)
        if count <= room:
            return _traded(session, terms, venue, count)
        room = count


def trade_quotes(session: Session, quotes: Quotes, terms: Terms) -> Traded:
    """Back-test quotes. raises: BadQuotes, BadRules, BadOrder; TooLarge if the account outgrows 2**60 units."""
    quotes.check(session)
    _fits(max(int(quotes.bid_size.max(initial=0)), int(quotes.ask_size.max(initial=0))), session)
    arrival = terms.latency.arrivals(session, quotes.at, 0)
    table, decisions = np.stack(quotes.sides, axis=1), len(quotes.at)
    room = ROOM
    while True:
        venue, given = _venue(session, terms, 2 * decisions, 4 * decisions, room, 0)
        events = _table(session)
        count = play_quotes(venue, given, events, quotes.at, table, arrival, quotes.most, int(quotes.life))
        if count <= room:
            return _traded(session, terms, venue, count)
        room = count


def best_of(session: Session) -> np.ndarray:
    """The best bid and ask after each event, ticks, shape (n, 2); 0 where none is known."""
    venue, given = _venue(session, Terms(cash=0), 0, 0, 0, 0)
    found = np.zeros((len(session), 2), np.int64)
    tops(venue, given, _table(session), found)
    return found


def _table(session: Session) -> np.ndarray:
    found: np.ndarray = session.events.view(np.int64).reshape(len(session), -1)
    return found


def _venue(session: Session, terms: Terms, orders: int, messages: int, room: int, groups: int) -> tuple[Venue, Given]:
    account = account_of(terms, session)
    levels = np.zeros((3, 2, session.span), np.int64)
    venue = Venue(
        *levels,
        best=np.zeros(2, np.int64),
        orders=np.zeros((orders, ORDER_COLUMNS), np.int64),
        live=np.zeros(orders + 1, np.int64),
        way=np.zeros((messages, 3), np.int64),
        over=np.zeros(groups + 1, np.int64),
        fills=np.zeros((room, len(FILLED.names or ())), np.int64),
        counts=np.zeros(COUNTS, np.int64),
    )
    clear(venue)
    venue.counts[CASH] = account.cash
    return venue, Given(session.low, session.has_book, int(account.queue), account.maker, account.taker)


def _fits(lots: int, session: Session) -> None:
    if lots > LARGEST // session.highest:
        raise BadOrder(
            f"an order of {lots} lots at prices up to {session.highest} ticks exceeds 2**60 units; send less"
        )


def _traded(session: Session, terms: Terms, venue: Venue, count: int) -> Traded:
    if count < 0:
        raise TooLarge(-count - 1)
    fills = venue.fills[:count].reshape(-1).view(FILLED).copy()
    start = account_of(terms, session).cash
    return Traded(session, start, fills, int(venue.counts[CASH]), int(venue.counts[POSITION]))
