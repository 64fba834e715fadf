"""Back-tests of orders and of quotes on events.

In:  a session, what is sent, how long news and orders take, fees. Out: `Traded`. `venue_slow` says what happens at the venue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ninefold.backtest.exact import LARGEST, Number, multiple, rate
from ninefold.backtest.fee_tiers import FeeTiers, state_of
from ninefold.backtest.funding import NO_FUNDING, Funding
from ninefold.backtest.market_rules import Fees, Margin, margins
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.book_fast import CASH, COLUMNS, COUNTS, GROUP, POSITION, Given, clear
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.latency import Latency
from ninefold.backtest.ticks.orders import (
    ASKED,
    FILLED,
    FUNDED,
    SUBMIT,
    Account,
    BadOrder,
    Cancel,
    Life,
    Order,
    Queue,
    asked,
)
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quotes_fast import play_quotes, quote, tops
from ninefold.backtest.ticks.venue_fast import NONE, play_orders

ROOM = 1024  # fills that are looked for first
Decide = Callable[[int, int], tuple[int, int, int, int] | None]


@dataclass(frozen=True, slots=True)
class Terms:
    """cash: in quote, at the start. margin: None: a venue lends what is missing, and liquidates nothing. funding: what is paid at
    its moments."""

    cash: Number = 10_000
    fees: Fees | FeeTiers = field(default_factory=Fees)
    queue: Queue = Queue.BACK_OF_QUEUE
    latency: Latency = field(default_factory=Latency)
    margin: Margin | None = None
    funding: Funding = NO_FUNDING


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
        return int(self.fills["fee"].sum(where=self.fills["order"] != FUNDED))

    @property
    def funding(self) -> int:
        """Units paid; negative: received."""
        return int(self.fills["fee"].sum(where=self.fills["order"] == FUNDED))

    @property
    def unit(self) -> Fraction:
        return self.session.unit


def account_of(terms: Terms, session: Session) -> Account:
    """The terms as the kernels read them. raises: BadRules."""
    cash = multiple(terms.cash, session.unit, "cash", "units (tick times lot)")
    fees = terms.fees
    tiers = fees.whole(session.unit) if isinstance(fees, FeeTiers) else ()
    maker, taker = (rate(getattr(fees, name), f"{name} fee", -1) for name in ("maker", "taker"))
    asked_for = () if terms.margin is None else margins(terms.margin)
    dues = zip(terms.funding.at_ns.tolist(), terms.funding.whole.tolist(), strict=True)
    return replace(Account(terms.queue, cash, maker, taker, tiers, *asked_for), funding=tuple(dues))


def trade_orders(session: Session, wanted: list[Order | Cancel], terms: Terms) -> Traded:
    """Back-test orders that are known beforehand.

    raises: BadOrder, BadRules; TooLarge if the account outgrows 2**60 units.
    """
    rows = asked(wanted, session)
    largest = int(rows["size"].max(initial=0))
    fits(largest, session)
    arrival = terms.latency.arrivals(session, rows["event"], 0)
    table = rows.view(np.int64).reshape(-1, len(ASKED.names or ()))
    submits = table[table[:, 1] == SUBMIT]

    def play(room: int) -> tuple[int, _Arrays]:
        arrays = _arrays(session, terms, len(submits), len(rows), room)
        arrays.orders[:, : GROUP + 1] = submits[:, 3:]
        return play_orders(*arrays, given_of(session, terms), table_of(session), dues_of(terms), table, arrival), arrays

    return _traded(session, terms, play)


def trade_quotes(session: Session, quotes: Quotes, terms: Terms) -> Traded:
    """Back-test quotes. raises: BadQuotes, BadRules, BadOrder; TooLarge if the account outgrows 2**60 units."""
    quotes.check(session)
    fits(max(int(quotes.bid_size.max(initial=0)), int(quotes.ask_size.max(initial=0))), session)
    arrival, wanted = quotes.arrivals(session, terms.latency), np.stack(quotes.sides, axis=1)
    decisions = len(quotes.at)

    def play(room: int) -> tuple[int, _Arrays]:
        arrays = _arrays(session, terms, 2 * decisions, 4 * decisions, room)
        given, how = given_of(session, terms), (quotes.most, int(quotes.life), quotes.from_best)
        whole = (np.full(2, NONE), 0, len(session))
        return play_quotes(
            *arrays, given, table_of(session), dues_of(terms), quotes.at, wanted, arrival, *how, *whole
        ), arrays

    return _traded(session, terms, play)


class Turn(NamedTuple):
    """timer: when it is asked, and `most`; its prices and sizes are not read.
    make: makes what is asked at each decision: its row and the position in lots; bid, its size, ask, its size, in ticks and lots,
          or None to leave the quotes as they are."""

    timer: Quotes
    make: Callable[[], Decide]


def trade_live_quotes(session: Session, turns: Sequence[Turn], terms: Terms) -> Traded:
    """Back-test quotes that are decided while it runs, knowing the position; several take over one after the other, with what is
    held and what is quoted.

    raises: as `trade_quotes`, and what is asked.
    """
    arrivals, last_ns = [], 0
    for timer, _ in turns:
        timer.check(session)
        arrivals.append(np.maximum(timer.arrivals(session, terms.latency), last_ns).tolist())
        last_ns = arrivals[-1][-1] if arrivals[-1] else last_ns
    given, table, dues = given_of(session, terms), table_of(session), dues_of(terms)
    decisions = sum(map(len, arrivals))
    never, nothing = np.empty(0, np.int64), np.empty((0, 4), np.int64)

    def play(room: int) -> tuple[int, _Arrays]:
        arrays, working = _arrays(session, terms, 2 * decisions, 4 * decisions, room), np.full(2, NONE)
        book, orders, counts, _, way = arrays

        def to(begin: int, end: int) -> int:
            how = (0, int(Life.GTC), False)  # nothing is decided there
            return play_quotes(*arrays, given, table, dues, never, nothing, never, *how, working, begin, end)

        begin = 0
        for (timer, make), arrival in zip(turns, arrivals, strict=True):
            decide, most, life = make(), timer.most, int(timer.life)
            for row, (event, at_ns) in enumerate(zip((timer.at + 1).tolist(), arrival, strict=True)):
                if (count := to(begin, event)) < 0:
                    return count, arrays
                begin = event
                wanted = decide(row, int(counts[POSITION]))
                if wanted is not None:
                    fits(max(wanted[1], wanted[3]), session)
                    quote(book, orders, counts, way, working, given, np.array(wanted), at_ns, most, life, False)
        return to(begin, len(session)), arrays

    return _traded(session, terms, play)


def best_of(session: Session) -> np.ndarray:
    """The best bid and ask after each event, ticks, shape (n, 2); 0 where none is known."""
    return shown_by(session)[:, :2]


def shown_by(session: Session) -> np.ndarray:
    """The same, and how much they show, lots, shape (n, 4)."""
    terms = Terms(cash=0)
    found = np.zeros((len(session), 4), np.int64)
    tops(*_arrays(session, terms, 0, 0, 0), given_of(session, terms), table_of(session), dues_of(terms), found)
    return found


def book_at(session: Session, row: int) -> np.ndarray:
    """How much each level shows before the event of this row, lots, shape (2, span): bids, then asks, from `session.low` on."""
    terms, never, nothing = Terms(cash=0), np.empty(0, np.int64), np.empty((0, 4), np.int64)
    arrays, how = _arrays(session, terms, 0, 0, 0), (0, int(Life.GTC), False, np.full(2, NONE))
    play_quotes(
        *arrays, given_of(session, terms), table_of(session), dues_of(terms), never, nothing, never, *how, 0, row
    )
    return arrays.book[:2]


class _Arrays(NamedTuple):
    """As in `book_fast` and `venue_fast.happen`."""

    book: np.ndarray
    orders: np.ndarray
    counts: np.ndarray
    fills: np.ndarray
    way: np.ndarray


def _arrays(session: Session, terms: Terms, orders: int, messages: int, room: int) -> _Arrays:
    account = account_of(terms, session)
    tiers = state_of(account.tiers)
    counts = (COUNTS + len(tiers),)
    shapes = ((6, session.span), (orders, COLUMNS), counts, (room, len(FILLED.names or ())), (messages, 3))
    arrays = _Arrays(*(np.zeros(shape, np.int64) for shape in shapes))
    clear(arrays.book, arrays.counts)
    arrays.counts[CASH] = account.cash
    arrays.counts[COUNTS:] = tiers
    return arrays


def given_of(session: Session, terms: Terms) -> Given:
    """Of one instrument alone."""
    account = account_of(terms, session)
    fees, asked_for = (account.maker, account.taker), (account.initial, account.maintenance, account.liquidation_fee)
    return Given(session.low, session.has_book, int(account.queue), *fees, bool(account.tiers), *asked_for, 1)


def dues_of(terms: Terms) -> np.ndarray:
    """When, and the rate in 10**-8, shape (m, 2)."""
    return np.ascontiguousarray(np.stack((terms.funding.at_ns, terms.funding.whole), axis=1))


def table_of(session: Session) -> np.ndarray:
    """Events as whole numbers, shape (n, 6)."""
    found: np.ndarray = session.events.view(np.int64).reshape(len(session), -1)
    return found


def fits(lots: int, session: Session) -> None:
    """raises: BadOrder."""
    if lots > LARGEST // session.highest:
        raise BadOrder(
            f"an order of {lots} lots at prices up to {session.highest} ticks exceeds 2**60 units; send less"
        )


def _traded(session: Session, terms: Terms, play: Callable[[int], tuple[int, _Arrays]]) -> Traded:
    count, arrays = play(ROOM)
    if count > ROOM:
        count, arrays = play(count)
    if count < 0:
        raise TooLarge(-count - 1)
    fills = arrays.fills[:count].reshape(-1).view(FILLED).copy()
    start = account_of(terms, session).cash
    return Traded(session, start, fills, int(arrays.counts[CASH]), int(arrays.counts[POSITION]))
