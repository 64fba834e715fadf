"""One back-test on trades as people ask for it: read, count, run, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON, in the form of
     `services.backtest` without what is asked of bars alone (sensitivity).

The file is read block by block, so memory does not grow with it. It is of a spot market: a target below 0 is flat. Money is judged
on bars of `timeframe` made of the same trades; a step without a trade is a quiet bar. The trial is counted before it
runs; what cannot run at all (columns, rules, parameters that are refused) is no trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

import ninefold
from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, Fees, FixedSize, Limits, Rules
from ninefold.backtest.result import Result
from ninefold.backtest.run import run
from ninefold.backtest.statistics.verdict import verdict
from ninefold.backtest.target import Changes
from ninefold.backtest.ticks.bars import BarsOfTicks
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.result import TickResult
from ninefold.backtest.ticks.stream import Stream, Way, tick_numbers
from ninefold.market.time import width_of
from ninefold.services.backtest_outcome import known_returns, played
from ninefold.services.backtest_report import costs, earned, overfitted, quote, sharpe_interval, times, trades_told
from ninefold.services.tick_files import Tape, tape_of_file
from ninefold.store.trials import Search, Trials

STRATEGY, FAMILY = "ema_cross", "trend"
KIND = "backtest-ticks"
ASKED = ("fast", "slow", "timeframe", "taker_fee", "feed_ns", "order_ns", "cash", "size")  # and the file
TARGET_VOLATILITY = 0.02  # a week, of the weekly objective


@dataclass(frozen=True, kw_only=True)
class WantedTicks:
    """fast, slow: trades. size: base, held when long; None: all of the equity. Amounts are texts, so that 0.1 is a tenth."""

    data_dir: Path
    file: Path
    fast: int = 50
    slow: int = 200
    timeframe: str = "1m"
    taker_fee: str = "0.001"
    feed_ns: int = 10_000_000
    order_ns: int = 50_000_000
    cash: str = "10000"
    size: str | None = None

    @cached_property
    def way(self) -> Way:
        sizing = EquityShare() if self.size is None else FixedSize(self.size)
        rules = Rules(self.cash, sizing, Fees(taker=self.taker_fee), limits=Limits(short=0))
        return Way(rules, Latency(FixedFeed(self.feed_ns), FixedOrder(self.order_ns)), width_of(self.timeframe))

    def told(self) -> dict[str, Any]:
        """The options as the ledger keeps them."""
        return {"strategy": STRATEGY, "ticks": str(self.file.absolute()), **{one: getattr(self, one) for one in ASKED}}


def backtest_ticks(wanted: WantedTicks, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: amounts in quote, times as ISO 8601 in UTC; NaN is what cannot be known. docs/backtest-ticks.md names the keys.
    raises:  BadTicks, BadRules, BadTarget, TooLarge; ValueError for a timeframe that there is not; what the data dir raises.
    """
    tape = tape_of_file(wanted.file)
    strategy = EmaCross(wanted.fast, wanted.slow)
    tick_numbers(wanted.way.rules, tape.tick, tape.lot, tape.highest)  # refuses before it is counted
    search = Search(kind=KIND, family=FAMILY, snapshot=_snapshot(tape), code=_code(), config=wanted.told(), seed=0)
    with closing(Trials(wanted.data_dir)) as trials:
        trial = trials.begin(search, now_ns)
        found, bars = _play(tape, strategy, wanted.way)
        result = on_bars(found, bars)
        counted = played(result, wanted.way.width_ns)
        trials.finish(trial, counted.outcome)
        tried, alike = trials.tried(FAMILY), trials.alike(FAMILY, counted.outcome.compact)
    width_ns = wanted.way.width_ns
    judged = verdict(known_returns(result.returns), width_ns, tried.trials, tried.effective, tried.variance)
    held = run(bars, Changes(np.zeros(1, np.int64), np.full(1, ONE)), wanted.way.rules)
    return {
        "strategy": STRATEGY,
        "set": {"fast": wanted.fast, "slow": wanted.slow},
        "timeframe": wanted.timeframe,
        "from": times(bars.open_ns[:1])[0],
        "to": times(bars.close_ns[-1:])[0],
        "ticks": found.ticks,
        "bars": len(bars),
        "trial": trial,
        **earned(result, width_ns, TARGET_VOLATILITY),
        **judged._asdict(),
        "sharpe_interval": sharpe_interval(counted.outcome.compact),
        "overfitting": overfitted(alike),
        "exposure": float((result.position != 0).mean()),
        "turnover": result.turnover,
        **costs(result),
        "buy_and_hold": earned(held, width_ns, TARGET_VOLATILITY),
        "open_trade": next(iter(trades_told(result, found.open_trade)), None),
        "trades": trades_told(result, found.trades),
        "equity_curve": np.asarray(quote(result.equity, bars.unit)).tolist(),
    }


def again(config: Mapping[str, Any], data_dir: Path) -> tuple[str, str, bytes]:
    """A counted trial once more: identity of data and code, and the digest of the result; nothing is counted."""
    asked = {name: config[name] for name in ASKED}
    wanted = WantedTicks(data_dir=data_dir, file=Path(config["ticks"]), **asked)
    tape = tape_of_file(wanted.file)
    found, bars = _play(tape, EmaCross(wanted.fast, wanted.slow), wanted.way)
    counted = played(on_bars(found, bars), wanted.way.width_ns)
    return _snapshot(tape), _code(), counted.outcome.digests[0]


def on_bars(found: TickResult, bars: Bars) -> Result:
    """The same fills by the bars in which they were; the numbers are those of trades."""
    fills = found.fills.copy()
    fills["bar"] = (found.fill_ns - bars.open_ns[0]) // (bars.close_ns[0] - bars.open_ns[0])
    fills["inside"] = 1
    return Result(bars, found.rules, found.numbers, fills)


def _play(tape: Tape, strategy: EmaCross, way: Way) -> tuple[TickResult, Bars]:
    account = Stream(way, tape.tick, tape.lot, tape.highest)
    bars = BarsOfTicks(way.width_ns)
    for block in tape.blocks():
        account.take(block, strategy.changes(block))
        bars.take(block)
    return account.result(), bars.found(tape.tick, tape.lot)


def _code() -> str:
    return f"{ninefold.__version__} {blake2b(STRATEGY.encode(), digest_size=8).hexdigest()}"


def _snapshot(tape: Tape) -> str:
    """Identity of the trades by their content."""
    digest = blake2b(f"{tape.tick} {tape.lot}".encode(), digest_size=16)
    for block in tape.blocks():
        for of in (block.exchange_ns, block.price, block.size):
            digest.update(of.tobytes())
    return digest.hexdigest()
