"""nautilus_trader doing the crossing of averages on bars; run in its own environment by `bench.research.bars`.

In:  "opens" or "closes", the number of bars, repetitions.
Out: a line of JSON: seconds of processor time of each repetition (of the engine's run; not of taking the data in), the last
     equity in quote, and how many trades were closed.

Its engine fills a market order on bars at the close at which it was sent. "closes" is that form: bars and nothing else. For
"opens" it is given the first trade of each bar too, which an order sent at the close before meets a nanosecond later.
Everything is quoted in ticks: whole numbers, of which its averages are exact, and its money has eight decimals more.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.research.bars_market import CASH, FEE, TICK, market

LATE_NS = 1  # of an order, where the next open is told
MUCH = 1000  # base: more than an order takes
OF = InstrumentId(Symbol("BTCUSDT"), Venue("SIM"))
BARS = BarType.from_str(f"{OF}-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):  # type: ignore[misc]
    """Long a unit while the mean of 10 closes is above that of 30; at the last bar nothing is decided."""

    def __init__(self, last_ns: int) -> None:
        super().__init__()
        self.fast, self.slow = SimpleMovingAverage(10), SimpleMovingAverage(30)
        self.last_ns, self.long, self.closed = last_ns, False, 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        wanted = self.slow.initialized and self.fast.value > self.slow.value
        if wanted == self.long or bar.ts_init == self.last_ns:
            return
        self.long = wanted
        side = OrderSide.BUY if wanted else OrderSide.SELL
        self.submit_order(self.order_factory.market(OF, side, Quantity(1, 0)))

    def on_position_closed(self, event: Any) -> None:
        self.closed += 1


def played(data: list[Any], close: int, last_ns: int, opens: bool) -> dict[str, Any]:
    quiet = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(
        BacktestEngineConfig(logging=quiet, risk_engine=RiskEngineConfig(bypass=True), run_analysis=False)
    )
    engine.add_venue(
        OF.venue,
        OmsType.NETTING,
        AccountType.CASH,
        starting_balances=[Money(CASH / TICK, USDT), Money(0, BTC)],
        latency_model=LatencyModel(base_latency_nanos=LATE_NS) if opens else None,
        bar_execution=not opens,
    )
    engine.add_instrument(instrument())
    engine.add_data(data, validate=False)
    strategy = Cross(last_ns)
    engine.add_strategy(strategy)
    start = time.process_time()
    engine.run()
    seconds = time.process_time() - start
    account = engine.cache.account_for_venue(OF.venue)
    balance = account.balance_total(USDT).as_decimal() + account.balance_total(BTC).as_decimal() * close
    engine.dispose()
    return {"seconds": seconds, "equity": float(balance * Decimal(str(TICK))), "trades": strategy.closed}


def instrument() -> CurrencyPair:
    fee = Decimal(str(FEE))
    return CurrencyPair(
        instrument_id=OF,
        raw_symbol=OF.symbol,
        base_currency=BTC,
        quote_currency=USDT,
        price_precision=0,
        size_precision=0,
        price_increment=Price(1, 0),
        size_increment=Quantity(1, 0),
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )


def told(made: dict[str, np.ndarray], opens: bool) -> list[Any]:
    """Bars as they end; for "opens" the first trade of the next one behind each."""
    rows: list[Any] = []
    much = Quantity(MUCH, 0)
    names = ("open", "high", "low", "close", "open_ns", "close_ns")
    columns = zip(*(made[name].tolist() for name in names), strict=True)
    for row, (open_, high, low, close, open_ns, close_ns) in enumerate(columns):
        if opens:
            at_ns = open_ns + LATE_NS
            rows.append(TradeTick(OF, Price(open_, 0), much, AggressorSide.BUYER, TradeId(str(row)), at_ns, at_ns))
        prices = (Price(price, 0) for price in (open_, high, low, close))
        rows.append(Bar(BARS, *prices, much, close_ns, close_ns))
    return rows


def main() -> None:
    opens, count, repeat = sys.argv[1] == "opens", int(sys.argv[2]), int(sys.argv[3])
    made = market(count)
    data = told(made, opens)
    found = [played(data, int(made["close"][-1]), int(made["close_ns"][-1]), opens) for _ in range(repeat)]
    print(json.dumps({**found[-1], "seconds": [one["seconds"] for one in found]}))


if __name__ == "__main__":
    main()
