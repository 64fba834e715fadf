"""One peer doing one piece of work on trades; run in the peers' environment by `bench.research.ticks`.

In:  the peer, the number of trades or a file of events, repetitions. Out: a line of JSON: seconds of processor time of each
     repetition, the most memory, how many fills, or their prices, and what is left of the money.

hftbacktest fills market orders from a book alone, so it is given one: after each trade the best bid and ask stand one tick beside
the price of the next trade, which is what an order that arrives before the next trade meets. A buy pays a tick more than
ours, a sale a tick less; that is all that differs, and `bench.research.ticks` counts it.
"""

from __future__ import annotations

import json
import resource
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

    made = market(count)
    data = with_book(made, hft)

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
            .roi_lb(float(made["price"].min()) * TICK - 100)
            .roi_ub(float(made["price"].max()) * TICK + 100)
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


def nautilus(count: int) -> Callable[[], Found]:
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.backtest.models import LatencyModel
    from nautilus_trader.config import LoggingConfig, RiskEngineConfig
    from nautilus_trader.model.currencies import BTC, USDT
    from nautilus_trader.model.data import TradeTick
    from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
    from nautilus_trader.model.instruments import CryptoPerpetual
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy

    of = InstrumentId(Symbol("BTCUSDT-PERP"), Venue("SIM"))
    instrument = CryptoPerpetual(
        instrument_id=of,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        settlement_currency=USDT,
        is_inverse=False,
        price_precision=1,
        price_increment=Price(TICK, 1),
        size_precision=3,
        size_increment=Quantity(LOT, 3),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
        maker_fee=Decimal(str(FEE)),
        taker_fee=Decimal(str(FEE)),
        ts_event=0,
        ts_init=0,
    )

    class Cross(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.by_fast, self.by_slow = 2 / (FAST + 1), 2 / (SLOW + 1)
            self.fast = self.slow = 0.0
            self.above = False
            self.prices: list[float] = []
            self.subscribe_trade_ticks(of)

        def on_trade_tick(self, tick: TradeTick) -> None:
            price = tick.price.as_double()
            if self.fast == 0.0:
                self.fast = self.slow = price
            self.fast = self.by_fast * price + (1.0 - self.by_fast) * self.fast
            self.slow = self.by_slow * price + (1.0 - self.by_slow) * self.slow
            if (self.fast > self.slow) == self.above:
                return
            self.above = not self.above
            side = OrderSide.BUY if self.above else OrderSide.SELL
            self.submit_order(self.order_factory.market(of, side, Quantity(SIZE, 3)))

        def on_order_filled(self, event: Any) -> None:
            self.prices.append(event.last_px.as_double())

    made = market(count)
    much = Quantity(1_000, 3)  # of each trade: an order larger than the trade would pay a tick more
    sides = {1: AggressorSide.BUYER, -1: AggressorSide.SELLER}
    columns = zip(*(made[name].tolist() for name in ("price", "taker_side", "exchange_ns")), strict=True)
    ticks = [
        TradeTick(of, Price(price * TICK, 1), much, sides[side], TradeId(str(row)), at_ns, at_ns)
        for row, (price, side, at_ns) in enumerate(columns)
    ]

    def once() -> Found:
        quiet = LoggingConfig(bypass_logging=True)
        engine = BacktestEngine(
            BacktestEngineConfig(logging=quiet, risk_engine=RiskEngineConfig(bypass=True), run_analysis=False)
        )
        engine.add_venue(
            of.venue,
            OmsType.NETTING,
            AccountType.MARGIN,
            starting_balances=[Money(CASH, USDT)],
            latency_model=LatencyModel(base_latency_nanos=FEED_NS + ORDER_NS),
        )
        engine.add_instrument(instrument)
        engine.add_data(ticks, validate=False)
        strategy = Cross()
        engine.add_strategy(strategy)
        start = time.process_time()
        engine.run()
        seconds = time.process_time() - start
        found = {"prices": strategy.prices, "ran": seconds}
        engine.dispose()
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
    rows.append(
        (place, both | hft.TRADE_EVENT | np.where(made["taker_side"] > 0, hft.BUY_EVENT, hft.SELL_EVENT), price, 1.0)
    )
    at = np.flatnonzero(moves)
    gone = at[at > 0]
    for step, (kind, way) in enumerate(((hft.BUY_EVENT, -TICK), (hft.SELL_EVENT, TICK))):
        rows.append((place[gone] + 1 + step, both | hft.DEPTH_EVENT | kind, before[gone] + way, 0.0))
        rows.append((place[at] + 3 + step, both | hft.DEPTH_EVENT | kind, after[at] + way, 1000.0))
    key = np.concatenate([row[0] for row in rows])
    data = np.zeros(len(key), hft.types.event_dtype)
    data["ev"] = np.concatenate([np.broadcast_to(row[1], row[0].shape) for row in rows])
    data["px"] = np.concatenate([row[2] for row in rows])
    data["qty"] = np.concatenate([np.broadcast_to(row[3], row[0].shape) for row in rows])
    data["exch_ts"] = made["exchange_ns"][key // 8]
    data["local_ts"] = data["exch_ts"] + FEED_NS
    return data[np.argsort(key, kind="stable")]


def hftbacktest_book(path: str) -> Callable[[], Found]:
    """Quotes at the best bid and ask at every tick of a timer. path: an .npz that `bench.research.ticks` wrote."""
    import hftbacktest as hft
    from numba import njit

    made = np.load(path)
    tick, lot = float(made["tick"]), float(made["lot"])
    data = of_events(made["events"], tick, lot, hft)

    @njit
    def renew(hbt: Any, old: int, side: int, tick_at: int, price: float, size: float, new: int) -> int:
        order = hbt.orders(0).get(old)
        if order is not None:
            if size > 0 and order.price_tick == tick_at:
                return old
            if order.cancellable:
                hbt.cancel(0, old, False)
        if size == 0:
            return 0
        if side > 0:
            hbt.submit_buy_order(0, new, price, size, hft.GTX, hft.LIMIT, False)
        else:
            hbt.submit_sell_order(0, new, price, size, hft.GTX, hft.LIMIT, False)
        return new

    @njit
    def quote(hbt: Any, at_ns: int, interval_ns: int, size: float, most: float) -> None:
        bid, ask, order = 0, 0, 1
        while hbt.elapse(at_ns + interval_ns - hbt.current_timestamp) == 0:
            at_ns += interval_ns
            hbt.clear_inactive_orders(0)
            depth, held = hbt.depth(0), hbt.position(0)
            wanted = size if held < most - size / 2 else 0.0
            bid = renew(hbt, bid, 1, depth.best_bid_tick, depth.best_bid, wanted, order)
            wanted = size if -held < most - size / 2 else 0.0
            ask = renew(hbt, ask, -1, depth.best_ask_tick, depth.best_ask, wanted, order + 1)
            order += 2

    def once() -> Found:
        asset = (
            hft.BacktestAsset()
            .data([data])
            .linear_asset(1.0)
            .constant_order_latency(int(made["order_ns"]), int(made["feed_ns"]))
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()  # of one lot there is no part; the other one ends with an error here
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(tick)
            .lot_size(lot)
            .roi_lb(float(made["low"]) * tick)
            .roi_ub(float(made["high"]) * tick)
        )
        hbt = hft.ROIVectorMarketDepthBacktest([asset])
        quote(
            hbt, int(made["start_ns"]), int(made["interval_ns"]), float(made["size"]) * lot, float(made["most"]) * lot
        )
        state = hbt.state_values(0)
        found = {"fills": int(state.num_trades), "cash": float(state.balance), "position": float(state.position)}
        hbt.close()
        return found

    return once


def of_events(events: np.ndarray, tick: float, lot: float, hft: Any) -> np.ndarray:
    """Trades, levels and cleared books, as hftbacktest reads them."""
    trade, level, clear = 0, 1, 3  # as in ninefold.backtest.ticks.events
    kinds = {trade: hft.TRADE_EVENT, level: hft.DEPTH_EVENT, clear: hft.DEPTH_CLEAR_EVENT}
    data = np.zeros(len(events), hft.types.event_dtype)
    sides = np.select([events["side"] > 0, events["side"] < 0], [hft.BUY_EVENT, hft.SELL_EVENT], 0)
    kind = np.select([events["kind"] == of for of in kinds], list(kinds.values()))
    data["ev"] = kind | sides | hft.EXCH_EVENT | hft.LOCAL_EVENT
    data["exch_ts"], data["local_ts"] = events["exchange_ns"], events["known_ns"]
    data["px"], data["qty"] = events["price"] * tick, events["size"] * lot
    return data


ON_TRADES = {"hftbacktest": hftbacktest, "nautilus": nautilus}


def main() -> None:
    peer, of, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3])
    do = hftbacktest_book(of) if peer == "hftbacktest-book" else ON_TRADES[peer](int(of))
    found = do() if peer != "nautilus" else {}  # the first call compiles
    seconds: list[float] = []
    for _ in range(repeat):
        start = time.process_time()
        found = do()
        seconds.append(found.get("ran", time.process_time() - start))  # nautilus: without taking the data in
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak_mib, **found}))


if __name__ == "__main__":
    main()
