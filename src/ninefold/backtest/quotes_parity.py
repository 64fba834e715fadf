"""The quotes of a run against the venue model of back-tests, on the quotes and trades that the run received.

In:  one instrument's quotes and trades, the post-only orders that left for it, with what they got.
Out: how many were compared, and a `Difference` for each that got another size in the queue of a back-test (`venue_slow`, at the back of
     the queue, behind the best prices alone; both by the time of receipt) while it rested in the run.

The paper market fills a quote when the other side is quoted at its price or through it; a queue fills it by trades. So they differ by
design, and each difference is of the fill model. A fill at another price than its own, one that neither quotes nor trades account for,
and on paper a quote that the other side reached without a fill are UNEXPLAINED.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ninefold.backtest.ticks.events import Session, events_of_rows
from ninefold.backtest.ticks.orders import ASKED, CANCEL, NOW, SUBMIT, Account, Life, Queue
from ninefold.backtest.ticks.venue_slow import play
from ninefold.execution.orders import TERMINAL
from ninefold.execution.reasons import FILL, UNEXPLAINED, Difference
from ninefold.execution.traded import SHOWN_WITHIN_NS
from ninefold.market.arrays import empty
from ninefold.market.instruments import Instrument
from ninefold.market.records import Fill, Order

QUOTE_FILL = "quote fill"
NEVER_NS = 2**63 - 1


class Left(NamedTuple):
    """A quote that left: as it was sent, how it ended (None: not yet), and its fills."""

    sent: Order
    end: Order | None
    fills: Sequence[Fill]

    @property
    def size(self) -> int:
        return sum(fill.size for fill in self.fills)

    @property
    def is_refused(self) -> bool:
        return self.end is not None and self.end.status == "rejected"


def quotes_left(orders: Sequence[Order], fills: Sequence[Fill], names: frozenset[str]) -> list[Left]:
    """orders: all states, oldest first. names: strategies that quote."""
    mine = [one for one in orders if one.order_type == "post_only" and names.issuperset(one.strategies)]
    ends = {one.client_order_id: one for one in mine if one.status in TERMINAL}
    got: dict[str, dict[str, Fill]] = {}
    for fill in fills:
        got.setdefault(fill.client_order_id, {}).setdefault(fill.trade_id, fill)
    return [
        Left(one, ends.get(one.client_order_id), list(got.get(one.client_order_id, {}).values()))
        for one in mine
        if one.status == "sent"
    ]


def quotes_again(
    of: Instrument, trades: np.ndarray, quotes: np.ndarray, left: Sequence[Left], order_ns: int, is_paper: bool
) -> list[Difference]:
    """trades, quotes: TRADES and QUOTES rows, by seq. order_ns: how long an order takes."""
    quotes = quotes[(quotes["bid"] > 0) & (quotes["ask"] > 0)]
    if not left or not len(quotes):
        return []
    trades, quotes = _as_received(trades), _as_received(quotes)
    session = events_of_rows(trades, empty("books"), quotes, of)
    sizes = _in_the_queue(session, of, left, order_ns)
    found = []
    for one, size in zip(left, sizes, strict=True):
        reason, why = _why(one, size, _reached(one, quotes, trades, order_ns, is_paper), is_paper, of)
        if reason:
            found.append(_difference(of, one, size, reason, why))
    return found


def _as_received(rows: np.ndarray) -> np.ndarray:
    """Happening when they were received: what the paper market goes by."""
    found = rows.copy()
    found["exchange_ns"] = np.maximum.accumulate(rows["receive_ns"])
    return found


def _in_the_queue(session: Session, of: Instrument, left: Sequence[Left], order_ns: int) -> list[int]:
    """What each got, in the instrument's units."""
    tick, lot = (
        int(session.tick * 10**of.price_decimals),
        int(session.lot * 10**of.size_decimals),
    )
    asked = []
    for number, (sent, end, _) in enumerate(left):
        lots, price = sent.size // lot, sent.price // tick
        asked.append((sent.known_ns + order_ns, SUBMIT, number, sent.side, lots, price))
        if end is not None:
            asked.append((max(end.known_ns, sent.known_ns + order_ns) + 1, CANCEL, number, sent.side, lots, price))
    asked.sort(key=lambda one: one[0])
    arrival = np.array([one[0] for one in asked], np.int64)
    event = np.maximum(np.searchsorted(session.exchange_ns, arrival - order_ns, "right") - 1, 0)
    rows = [
        (int(at), *one[1:], int(Life.POST_ONLY), NOW, 0, 0, 0) for at, one in zip(event.tolist(), asked, strict=True)
    ]
    fills, _, _ = play(session, np.array(rows, ASKED), arrival, Account(Queue.BACK_OF_QUEUE, 0, 0, 0))
    return [int(np.abs(fills["size"][fills["order"] == number]).sum()) * lot for number in range(len(left))]


def _reached(one: Left, quotes: np.ndarray, trades: np.ndarray, order_ns: int, is_paper: bool) -> tuple[bool, bool]:
    """Whether the other side was quoted, and whether somebody traded, at its price or through it while it rested. Of a real venue the
    feed may show that later than the venue's word, and nobody knows when the order was there."""
    sent, best = one.sent, "ask" if one.sent.side > 0 else "bid"
    from_ns = sent.known_ns + (order_ns if is_paper else 0)
    until_ns = NEVER_NS if one.end is None else one.end.known_ns + (0 if is_paper else SHOWN_WITHIN_NS)
    found = []
    for rows, price in ((quotes[quotes[f"{best}_size"] > 0], best), (trades, "price")):
        start = max(np.searchsorted(rows["seq"], sent.seq, "right"), np.searchsorted(rows["exchange_ns"], from_ns))
        rested = rows[price][start : np.searchsorted(rows["exchange_ns"], until_ns, "right")]
        found.append(bool(((rested - sent.price) * sent.side <= 0).any()))
    return found[0], found[1]


def _why(one: Left, size: int, reached: tuple[bool, bool], is_paper: bool, of: Instrument) -> tuple[str, str]:
    """Reason and words; both empty if it got the same."""
    quoted, traded = reached
    if other := next((fill.price for fill in one.fills if fill.price != one.sent.price), 0):
        return UNEXPLAINED, f"it rested at {of.price_text(one.sent.price)} and was filled at {of.price_text(other)}"
    if one.size and not quoted and (is_paper or not traded):
        return UNEXPLAINED, "the other side was not quoted at its price while it rested"
    if is_paper and quoted and not one.size and not one.is_refused:
        return UNEXPLAINED, "the other side was quoted at its price, and it was not filled"
    if one.size == size:
        return "", ""
    if one.size > size:
        return (
            FILL,
            "the other side was quoted at its price; in the queue too little had been traded there by then",
        )
    if one.is_refused:
        return (
            FILL,
            "refused, as it would have taken at the first quote; in the queue it rested behind the quote before",
        )
    return (
        FILL,
        "trades at its price or through it filled it in the queue; the other side was not quoted there with its size",
    )


def _difference(of: Instrument, one: Left, size: int, reason: str, why: str) -> Difference:
    sent = one.sent
    texts = [f"{of.size_text(amount)} {of.base} filled" if amount else "no fill" for amount in (one.size, size)]
    ended = one.end.status if one.end is not None else "resting"
    return Difference(
        seq=sent.seq,
        known_ns=sent.known_ns,
        kind=QUOTE_FILL,
        instrument=of.name,
        strategy=",".join(sent.strategies),
        what=sent.client_order_id,
        run=f"{'bid' if sent.side > 0 else 'ask'} of {of.size_text(sent.size)} at {of.price_text(sent.price)}: {texts[0]}, {ended}",
        again=f"{texts[1]} in the queue of a back-test",
        reason=reason,
        why=why,
    )
