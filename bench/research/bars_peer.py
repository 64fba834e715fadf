"""One peer doing one piece of work; run in the peers' environment by `bench.research.bars`.

In:  the peer, the work, the number of bars; for "many" a file with the targets, shape (strategies, bars).
Out: a line of JSON: seconds of processor time of each repetition, and what it found.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.research.bars_market import CASH, FEE, PAIRS, TICK, market

Found = dict[str, Any]


def vectorbt(work: str, bars: int, engine: str, targets: str) -> Callable[[], Found]:
    import vectorbt as vbt

    vbt.settings["engine"] = engine
    made = market(bars)
    close, open_ = (pd.Series(made[name] * TICK) for name in ("close", "open"))
    ticks = pd.Series(made["close"].astype(np.float64))  # whole numbers: ties are exact, as far as its averages are
    rules = {"price": open_, "size": 1.0, "fees": FEE, "init_cash": float(CASH), "freq": "1min", "engine": engine}

    def one() -> Found:
        above = vbt.MA.run(ticks, 10).ma.to_numpy() > vbt.MA.run(ticks, 30).ma.to_numpy()
        entries, exits = moves(above)
        portfolio = vbt.Portfolio.from_signals(close, entries, exits, **rules)
        trades = portfolio.trades.records
        return {"equity": float(portfolio.value().iloc[-1]), "trades": int((trades["status"] == 1).sum())}

    def pairs() -> Found:
        fast, slow = (vbt.MA.run(ticks, [pair[of] for pair in PAIRS]).ma.to_numpy() for of in (0, 1))
        entries, exits = moves(fast > slow)
        portfolio = vbt.Portfolio.from_signals(close, entries, exits, **rules)
        return {"equity": portfolio.final_value().tolist()}

    def many() -> Found:
        equity = []
        for target in np.load(targets, mmap_mode="r"):
            entries, exits = moves(np.asarray(target) > 0)
            equity.append(float(vbt.Portfolio.from_signals(close, entries, exits, **rules).final_value()))
        return {"equity": equity}

    return {"one": one, "pairs": pairs, "many": many}[work]


def moves(above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entries and exits a bar later: what is decided at a close is filled at the next open."""
    late = np.zeros_like(above)
    late[1:] = above[:-1]
    before = np.zeros_like(above)
    before[1:] = late[:-1]
    return late & ~before, ~late & before


def backtesting(work: str, bars: int) -> Callable[[], Found]:
    importlib.import_module("backtesting")  # loading is not counted
    made = market(bars)
    index = pd.to_datetime(made["open_ns"])
    frame = pd.DataFrame({name.title(): made[name] * TICK for name in ("open", "high", "low", "close")}, index=index)
    above = is_above(made["close"])
    return {"one": lambda: crossed(frame, above)}[work]


def is_above(ticks: np.ndarray) -> np.ndarray:
    """Whether the mean of 10 closes is above that of 30, by whole numbers: ties are exact."""
    sums = {window: np.convolve(ticks, np.ones(window, np.int64))[: len(ticks)] for window in (10, 30)}
    found: np.ndarray = (sums[10] * 30 > sums[30] * 10) & (np.arange(len(ticks)) >= 29)
    return found


def crossed(frame: pd.DataFrame, above: np.ndarray) -> Found:
    """By backtesting.py, one unit while it is above."""
    from backtesting import Backtest, Strategy

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.above = self.I(lambda: above.astype(float))

        def next(self) -> None:
            wanted = self.above[-1] > 0
            if wanted and not self.position:
                self.buy(size=1)
            elif not wanted and self.position:
                self.position.close()

    found = Backtest(frame, Cross, cash=CASH, commission=FEE, finalize_trades=False).run()
    return {"equity": float(found["_equity_curve"]["Equity"].iloc[-1]), "trades": len(found["_trades"])}


def backtrader(work: str, bars: int) -> Callable[[], Found]:
    """Market orders are filled at the next open, as it comes. In ticks: whole numbers, so that its averages are exact."""
    import backtrader as bt

    made = market(bars)
    index = pd.to_datetime(made["open_ns"])
    frame = pd.DataFrame(
        {name: made[name].astype(np.float64) for name in ("open", "high", "low", "close")}, index=index
    )

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.fast, self.slow = bt.ind.SMA(period=10), bt.ind.SMA(period=30)
            self.closed = 0

        def next(self) -> None:
            wanted = self.fast[0] > self.slow[0]
            if wanted and not self.position:
                self.buy(size=1)
            elif not wanted and self.position:
                self.close()

        def notify_trade(self, trade: Any) -> None:
            self.closed += trade.isclosed

    def one() -> Found:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, volume=None, openinterest=None))
        cerebro.addstrategy(Cross)
        cerebro.broker.setcash(CASH / TICK)
        cerebro.broker.setcommission(commission=FEE)
        [strategy] = cerebro.run()
        return {"equity": cerebro.broker.getvalue() * TICK, "trades": strategy.closed}

    return {"one": one}[work]


PLAIN = {"backtesting": backtesting, "backtrader": backtrader}  # nothing is compiled: the first call counts


def main() -> None:
    peer, work, bars, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    targets = sys.argv[5] if len(sys.argv) > 5 else ""
    do = PLAIN[peer](work, bars) if peer in PLAIN else vectorbt(work, bars, peer.partition("-")[2], targets)
    seconds: list[float] = []
    found = do() if peer not in PLAIN else {}  # the first call loads and compiles
    for _ in range(repeat):
        start = time.process_time()
        found = do()
        seconds.append(time.process_time() - start)
    print(json.dumps({"seconds": seconds, **found}))


if __name__ == "__main__":
    main()
