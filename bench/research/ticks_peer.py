"""One peer doing one piece of work on trades; run in the peers' environment by `bench.research.ticks`.

In:  the peer, the number of trades, repetitions. Out: a line of JSON: seconds of processor time of each repetition, the
     fills (price, signed size) as a file, and what is left of the money.

hftbacktest fills market orders from a book alone, so it is given one: after each trade the best bid and ask stand one tick beside
the price of the next trade, which is what an order that arrives before the next trade meets. A buy pays a tick more than
ours, a sale a tick less; that is all that differs, and `bench.research.ticks` counts it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.research.ticks_market import CASH, FAST, FEE, FEED_NS, LOT, ORDER_NS, SIZE, SLOW, TICK, market

Found = dict[str, Any]


def hftbacktest(count: int) -> Callable[[], Found]:
    import hftbacktest as hft
    from numba import njit

    data = with_book(market(count), hft)

    @njit
    def cross(hbt: Any, fills: np.ndarray) -> int:
        by_fast, by_slow = 2 / (FAST + 1), 2 / (SLOW + 1)
        keep_fast, keep_slow = 1.0 - by_fast, 1.0 - by_slow
        fast, slow, above, order, started = 0.0, 0.0, False, 0, False
        while hbt.wait_next_feed(False, 10_000_000_000_000) == 2:
            for trade in hbt.last_trades(0):
                if not started:
                    fast, slow, started = trade.px, trade.px, True
                fast = by_fast * trade.px + keep_fast * fast
                slow = by_slow * trade.px + keep_slow * slow
                if (fast > slow) != above:
                    above = not above
                    order += 1
                    if above:
                        hbt.submit_buy_order(0, order, trade.px, SIZE, hft.GTC, hft.MARKET, False)
                    else:
                        hbt.submit_sell_order(0, order, trade.px, SIZE, hft.GTC, hft.MARKET, False)
            hbt.clear_last_trades(0)
            if order % 64 == 0:
                hbt.clear_inactive_orders(0)
        return order

    def once() -> Found:
        asset = (
            hft.BacktestAsset()
            .data([data])
            .linear_asset(1.0)
            .constant_order_latency(ORDER_NS, FEED_NS)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(FEE, FEE)
            .tick_size(TICK)
            .lot_size(LOT)
            .last_trades_capacity(16)
        )
        hbt = hft.ROIVectorMarketDepthBacktest([asset])
        sent = cross(hbt, np.zeros(1))
        state = hbt.state_values(0)
        found = {
            "sent": int(sent),
            "fills": int(state.num_trades),
            "cash": float(state.balance),
            "fees": float(state.fee),
            "position": float(state.position),
        }
        hbt.close()
        return found

    return once


def with_book(made: dict[str, np.ndarray], hft: Any) -> np.ndarray:
    """Each trade, and where the next price is another, the book one tick beside that: bid and ask, and what was best before
    gone."""
    count = len(made["price"])
    price = made["price"] * TICK
    after = np.append(price[1:], price[-1])
    moves = np.append(True, after[1:] != after[:-1])
    before = np.append(np.nan, after[:-1])
    rows = []
    both = hft.EXCH_EVENT | hft.LOCAL_EVENT
    place = np.arange(count) * 8
    rows.append((place, both | hft.TRADE_EVENT | np.where(made["taker_side"] > 0, hft.BUY_EVENT, hft.SELL_EVENT), price, 1.0))
    at = np.flatnonzero(moves)
    gone = at[at > 0]
    for step, (kind, way) in enumerate(((hft.BUY_EVENT, -TICK), (hft.SELL_EVENT, TICK))):
        rows.append((place[gone] + 1 + step, both | hft.DEPTH_EVENT | kind, before[gone] + way, 0.0))
        rows.append((place[at] + 3 + step, both | hft.DEPTH_EVENT | kind, after[at] + way, 1000.0))
    key = np.concatenate([row[0] for row in rows])
    data = np.zeros(len(key), hft.types.event_dtype if hasattr(hft, "types") else hft.event_dtype)
    data["ev"] = np.concatenate([np.broadcast_to(row[1], row[0].shape) for row in rows])
    data["px"] = np.concatenate([row[2] for row in rows])
    data["qty"] = np.concatenate([np.broadcast_to(row[3], row[0].shape) for row in rows])
    data["exch_ts"] = made["exchange_ns"][key // 8]
    data["local_ts"] = data["exch_ts"] + FEED_NS
    return data[np.argsort(key, kind="stable")]


def main() -> None:
    peer, count, repeat = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    do = {"hftbacktest": hftbacktest}[peer](count)
    found = do()  # the first call loads and compiles
    seconds: list[float] = []
    for _ in range(repeat):
        start = time.process_time()
        found = do()
        seconds.append(time.process_time() - start)
    print(json.dumps({"seconds": seconds, **found}))


if __name__ == "__main__":
    main()
