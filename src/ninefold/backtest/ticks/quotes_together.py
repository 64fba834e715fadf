"""Back-tests of quotes on several instruments on one account, on recorded books: one cash, each instrument's own book and orders.

In:  sessions by name, what is quoted on each, its terms. Out: a `TogetherResult`. `quotes_together_slow` says what happens.

Events of all are taken in the order in which they were received. Prices stay whole ticks at the venue; money is counted in the
account's unit, so one instrument alone is filled as by `market`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ninefold.backtest.exact import Number
from ninefold.backtest.fee_tiers import state_of
from ninefold.backtest.legs import LEG_FILLS
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.ticks.book_fast import CASH, COLUMNS, COUNTS, FILLS, POSITION, Given, clear
from ninefold.backtest.ticks.events import Session
from ninefold.backtest.ticks.market import Decide, Terms, dues_of, fits, given_of, table_of
from ninefold.backtest.ticks.orders import FILLED
from ninefold.backtest.ticks.quoted import whole_fills
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quotes_fast import quote
from ninefold.backtest.ticks.quotes_together_fast import Each, play_each
from ninefold.backtest.ticks.together import Counted, Market, TogetherResult, counted
from ninefold.backtest.ticks.venue_fast import NONE

ROOM = 1024  # fills of each that are looked for first


class Quoted(NamedTuple):
    """One instrument. timer: when it is asked, and `most`; its prices and sizes are not read.
    make: makes what is asked at each decision: its row and the position in lots; as `market.Turn` has it.
    market: its trades, by which what is held is valued; of its rules the fees and the margin are read as `terms` has them."""

    session: Session
    terms: Terms
    timer: Quotes
    make: Callable[[], Decide]
    market: Market


class Played(NamedTuple):
    """filled: FILLED rows of each instrument. cash: what each made, the first with what there was at the start, units of the account.
    position: lots."""

    filled: list[np.ndarray]
    cash: list[int]
    position: list[int]


def trade_quotes_together(quoted: Mapping[str, Quoted], cash: Number) -> TogetherResult:
    """Back-test quotes that are decided while it runs, each instrument's knowing its own position.

    raises: BadTicks without trades; as `market.trade_live_quotes`.
    """
    ready = counted({name: one.market for name, one in quoted.items()}, cash)
    played = play(list(quoted.values()), ready)
    found, found_ns = [], []
    for of, (market, filled, worth) in enumerate(zip(ready.markets.values(), played.filled, ready.worth, strict=True)):
        fills, fill_ns = whole_fills(filled)
        rows = np.zeros(len(fills), LEG_FILLS)
        for name in fills.dtype.names or ():
            rows[name] = fills[name]
        rows["price"] *= worth
        rows["bar"] = np.minimum(np.searchsorted(market.ticks.exchange_ns, fill_ns), len(market.ticks) - 1)
        rows["instrument"] = of
        found.append(rows)
        found_ns.append(fill_ns)
    fill_ns = np.concatenate(found_ns)
    order = np.argsort(fill_ns, kind="stable")
    all_fills = np.concatenate(found)[order]
    return TogetherResult(ready.markets, ready.numbers, ready.unit, ready.numbers[0].cash, all_fills, fill_ns[order])


def play(quoted: Sequence[Quoted], ready: Counted) -> Played:
    """What the venues made. raises: as `trade_quotes_together`."""
    order, steps = merged([one.session for one in quoted])
    arrivals = [one.timer.arrivals(one.session, one.terms.latency) for one in quoted]
    for one in quoted:
        one.timer.check(one.session)
    decisions = sorted(
        (int(step), of, row)
        for of, (one, mine) in enumerate(zip(quoted, steps, strict=True))
        for row, step in enumerate(mine[one.timer.at].tolist())
    )
    givens = [
        given_of(one.session, one.terms)._replace(worth=worth) for one, worth in zip(quoted, ready.worth, strict=True)
    ]
    room = ROOM
    while True:
        each = _arrays(quoted, givens, ready, room)
        _played(each, quoted, ready.worth, givens, order, decisions, arrivals)
        needed = int(each.counts[:, FILLS].max())
        if needed <= room:
            break
        room = needed
    filled = [
        fills[:count].reshape(-1).view(FILLED).copy()
        for fills, count in zip(each.fills, each.counts[:, FILLS].tolist(), strict=True)
    ]
    return Played(filled, each.counts[:, CASH].tolist(), each.counts[:, POSITION].tolist())


def merged(sessions: Sequence[Session]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All events in one order, as instrument and row, shape (n, 2), and the step of each row of each session."""
    of = np.repeat(np.arange(len(sessions)), [len(one) for one in sessions])
    row = np.concatenate([np.arange(len(one)) for one in sessions])
    at = np.argsort(np.concatenate([one.known_ns for one in sessions]), kind="stable")
    order = np.ascontiguousarray(np.stack((of, row), axis=1)[at])
    return order, [np.flatnonzero(order[:, 0] == one) for one in range(len(sessions))]


def _played(
    each: Each,
    quoted: Sequence[Quoted],
    worth: Sequence[int],
    givens: Sequence[Given],
    order: np.ndarray,
    decisions: Sequence[tuple[int, int, int]],
    arrivals: Sequence[np.ndarray],
) -> None:
    decides, working = [one.make() for one in quoted], np.full((len(quoted), 2), NONE)
    books = [_book(each, of, one.session) for of, one in enumerate(quoted)]
    begin = 0
    for step, of, row in [*decisions, (len(order) - 1, NONE, 0)]:
        failed = play_each(*each, order, begin, step + 1)
        if failed:
            raise TooLarge(-failed - 1)
        begin = step + 1
        if of == NONE:
            break
        wanted, timer = decides[of](row, int(each.counts[of, POSITION])), quoted[of].timer
        if wanted is not None:
            fits(max(wanted[1], wanted[3]) * worth[of], quoted[of].session)
            mine = (books[of], each.orders[of], each.counts[of], each.ways[of], working[of], givens[of])
            how = (timer.most, int(timer.life), timer.from_best)
            quote(*mine, np.array(wanted), int(arrivals[of][row]), *how)


def _book(each: Each, of: int, session: Session) -> np.ndarray:
    begin = int(each.book_begin[of])
    return each.books[begin : begin + 6 * session.span].reshape(6, session.span)


def _arrays(quoted: Sequence[Quoted], givens: Sequence[Given], ready: Counted, room: int) -> Each:
    sessions, most = [one.session for one in quoted], max(len(one.timer.at) for one in quoted)
    tiers, dues = state_of(ready.tiers), [dues_of(one.terms) for one in quoted]
    each = Each(
        books=np.zeros(6 * sum(one.span for one in sessions), np.int64),
        book_begin=_begins([6 * one.span for one in sessions]),
        orders=np.zeros((len(quoted), 2 * most, COLUMNS), np.int64),
        counts=np.zeros((len(quoted), COUNTS + len(tiers)), np.int64),
        fills=np.zeros((len(quoted), room, len(FILLED.names or ())), np.int64),
        ways=np.zeros((len(quoted), 4 * most, 3), np.int64),
        given=np.array([(*map(int, given), one.span) for given, one in zip(givens, sessions, strict=True)], np.int64),
        events=np.concatenate([table_of(one) for one in sessions]),
        event_begin=_begins([len(one) for one in sessions]),
        dues=np.concatenate(dues),
        due_begin=_begins([len(one) for one in dues]),
        tiers=tiers,
        last=np.zeros(len(quoted), np.int64),
    )
    each.counts[0, CASH] = ready.numbers[0].cash
    for of, session in enumerate(sessions):
        clear(_book(each, of, session), each.counts[of])
    return each


def _begins(lengths: Sequence[int]) -> np.ndarray:
    found: np.ndarray = np.cumsum([0, *lengths])
    return found
