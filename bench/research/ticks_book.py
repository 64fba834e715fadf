"""The recorded session of Binance USD-M with quotes on both sides: ninefold beside hftbacktest.

In:  a data dir into which the recording was replayed; the peers' Python. Out: how long each took, and what each traded.

Both see the same: trades and levels of the book (best quotes are left out: hftbacktest's converter knows none), the same
constant ways of news and orders, a timer of 100 ms, the least size at the best bid and ask, post-only, a largest position, the
back of the queue. What differs: hftbacktest also fills a resting order when the other side's best level is told beyond it,
ours by trades alone; of levels that cross, it moves the best away, ours forgets what was crossed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ninefold.backtest.market_rules import Fees
from ninefold.backtest.ticks.events import BEST, Session
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.market import Terms, Traded, trade_quotes
from ninefold.backtest.ticks.orders import Queue
from ninefold.backtest.ticks.quotes import Quotes, every

RECORDING = "orderbook/binance_usdm_btcusdt_20240808.jsonl.gz"
NAME = "binanceusdm:BTC/USDT:USDT"
INTERVAL_NS = 100_000_000
FEED_NS, ORDER_NS = 10_000_000, 20_000_000
MOST = 20  # orders of the least size
TERMS = Terms(1_000_000, Fees(taker=0, maker=0), Queue.BACK_OF_QUEUE, Latency(FixedFeed(FEED_NS), FixedOrder(ORDER_NS)))


def without_best(session: Session) -> Session:
    return Session(session.events[session.events["kind"] != BEST], session.tick, session.lot)


def decide(session: Session, size: int) -> Quotes:
    """At the best bid and ask as they are known at each tick of the timer."""
    at, decided_ns = every(session, TERMS.latency, INTERVAL_NS)
    none, sizes = np.zeros(len(at), np.int64), np.full(len(at), size)
    return Quotes(at, none, sizes, none, sizes, MOST * size, from_best=True, decided_ns=decided_ns)


def play(session: Session, size: int) -> Traded:
    return trade_quotes(session, decide(session, size), TERMS)


def write(session: Session, size: int, path: Path) -> None:
    """What the peer reads."""
    events: np.ndarray = session.events.copy()
    events["known_ns"] = events["exchange_ns"] + FEED_NS
    rules: dict[str, Any] = {
        "tick": float(session.tick),
        "lot": float(session.lot),
        "low": session.low,
        "high": session.highest,
        "order_ns": ORDER_NS,
        "feed_ns": FEED_NS,
        "start_ns": int(events["known_ns"][0]),
        "interval_ns": INTERVAL_NS,
        "size": size,
        "most": MOST * size,
    }
    np.savez(path, events=events, **rules)
