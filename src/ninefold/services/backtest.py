"""One back-test as people ask for it: read, count, run, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON.

The trial is counted before it runs; what cannot run at all (bars, rules, parameters that are refused) is no trial. Orders fill
at the open of the next bar with trades. Spot is not sold short: a target below 0 is flat there.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ninefold.backtest.bars import PRICES, Bars
from ninefold.backtest.columns import Holes
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, Fees, FixedSize, Limits, Rules, numbers
from ninefold.backtest.result import Result
from ninefold.backtest.run import run
from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.drawdown import worst_fall
from ninefold.backtest.statistics.sharpe import sharpe
from ninefold.backtest.statistics.verdict import verdict
from ninefold.backtest.target import Changes
from ninefold.market.time import width_of
from ninefold.services.backtest_bars import Market, market_of_file, market_of_store
from ninefold.services.backtest_strategy import Chosen, choose
from ninefold.store.runs import save_run
from ninefold.store.timerange import parse_timerange
from ninefold.store.trials import Outcome, Search, Trials, Tried
from ninefold.strategy.plan import NO_EXITS

NEXT_OPEN = "next-open"
FILLS = (NEXT_OPEN,)
HOLES = ("refuse", "unknown")


class BadBacktest(ValueError):
    """Something is asked for that there is not; the text says what there is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """strategies: folder or file with the user's own. file or instrument: where the bars are. size: base, held when long;
    None: all of the equity. Numbers are texts, so that 0.1 is a tenth."""

    strategy: str
    strategies: Path | None = None
    settings: tuple[str, ...] = ()
    data_dir: Path
    file: Path | None = None
    instrument: str | None = None
    timeframe: str = "1m"
    timerange: str | None = None
    holes: Holes = "refuse"
    taker_fee: str = "0.001"
    fill: str = NEXT_OPEN
    cash: str = "10000"
    size: str | None = None


def backtest(wanted: Wanted, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: amounts in quote, times as ISO 8601 in UTC; NaN is what cannot be known. docs/backtest.md names the keys.
    raises:  BadBacktest, BadStrategy, BadBars, BadRules, BadTarget, FormulaError, TooLarge; what the data dir raises.
    """
    chosen = choose(wanted.strategy, wanted.settings, wanted.strategies)
    market = _market(wanted)
    rules = _rules(wanted, market, chosen)
    play = chosen.prepare(market)
    numbers(rules, market.bars.tick, market.bars.lot, market.bars.highest)  # refuses before it is counted
    with closing(Trials(wanted.data_dir)) as trials:
        trial = trials.begin(_search(wanted, chosen, market), now_ns)
        result = play(rules)
        trials.finish(trial, _outcome(result, width_of(wanted.timeframe)))
        tried = trials.tried(chosen.family)
    hold = run(market.bars, Changes(np.zeros(1, np.int64), np.full(1, ONE)), replace(rules, exits=NO_EXITS))
    document = _document(wanted, chosen, result, hold, trial, tried)
    save_run(wanted.data_dir, "backtest", trial, document, market.bars)
    return document


def _market(wanted: Wanted) -> Market:
    if (wanted.file is None) == (wanted.instrument is None):
        raise BadBacktest("give either --bars FILE.parquet or --instrument NAME, such as binance:BTC/USDT")
    if wanted.fill not in FILLS:
        raise BadBacktest(f"there is no fill {wanted.fill!r}; allowed are {', '.join(FILLS)}")
    if wanted.holes not in HOLES:
        raise BadBacktest(f"holes cannot be {wanted.holes!r}; allowed are {', '.join(HOLES)}")
    try:
        width_ns = width_of(wanted.timeframe)
        start_ns, end_ns = parse_timerange(wanted.timerange)
    except ValueError as error:
        raise BadBacktest(str(error)) from error
    if wanted.file is not None:
        return market_of_file(wanted.file, width_ns, start_ns, end_ns, wanted.holes)
    return market_of_store(wanted.data_dir, str(wanted.instrument), width_ns, start_ns, end_ns)


def _rules(wanted: Wanted, market: Market, chosen: Chosen) -> Rules:
    return Rules(
        cash=wanted.cash,
        sizing=EquityShare() if wanted.size is None else FixedSize(wanted.size),
        fees=Fees(taker=wanted.taker_fee),
        limits=Limits(short=0) if market.spot else Limits(),
        exits=chosen.exits,
    )


def _search(wanted: Wanted, chosen: Chosen, market: Market) -> Search:
    """config: the options of the command, as texts, and all parameters; it runs the trial again."""
    config = {
        "strategy": chosen.name,
        "set": chosen.parameters,
        "bars": None if wanted.file is None else str(wanted.file.absolute()),
        "holes": wanted.holes,
        "strategies": None if wanted.strategies is None else str(wanted.strategies.absolute()),
        **{name: getattr(wanted, name) for name in ("instrument", "timeframe", "timerange")},
        **{name: getattr(wanted, name) for name in ("taker_fee", "fill", "cash", "size")},
    }
    return Search(
        kind="backtest",
        family=chosen.family,
        snapshot=snapshot_of(market.bars),
        code=chosen.code,
        config=config,
        seed=0,
    )


def snapshot_of(bars: Bars) -> str:
    """Identity of bars by their content, wherever they came from."""
    digest = blake2b(f"{bars.tick} {bars.lot}".encode(), digest_size=16)
    for name in ("open_ns", "close_ns", *PRICES, "volume"):
        digest.update(getattr(bars, name))
    return digest.hexdigest()


def _outcome(result: Result, width_ns: int) -> Outcome:
    digest = blake2b(result.fills.tobytes(), digest_size=16)
    digest.update(result.equity.tobytes())
    found = returns_of(result)
    ratio = sharpe(found).annual(width_ns)
    return Outcome([digest.digest()], np.array([ratio]), compact_returns(result.bars.close_ns, found[np.newaxis]))


def returns_of(result: Result) -> np.ndarray:
    """Shape (n,); 0 where there was no equity left to lose."""
    found: np.ndarray = np.nan_to_num(result.returns, nan=0.0)
    return found


def _document(wanted: Wanted, chosen: Chosen, result: Result, hold: Result, trial: int, tried: Tried) -> dict[str, Any]:
    bars = result.bars
    judged = verdict(returns_of(result), width_of(wanted.timeframe), tried.trials, tried.effective, tried.variance)
    return {
        "strategy": chosen.name,
        "set": chosen.parameters,
        "timeframe": wanted.timeframe,
        "from": _times(bars.open_ns[:1])[0],
        "to": _times(bars.close_ns[-1:])[0],
        "bars": len(bars),
        "unknown_bars": int((~bars.known).sum()),
        "trial": trial,
        **_earned(result),
        **judged._asdict(),
        "exposure": float((result.position != 0).mean()),
        "turnover": result.turnover,
        "fees": _quote(result.fees, bars.unit),
        "buy_and_hold": {**_earned(hold), "sharpe": sharpe(returns_of(hold)).annual(width_of(wanted.timeframe))},
        "open_trade": next(iter(_trades(result, result.open_trade)), None),
        "trades": _trades(result, result.trades),
        "equity_curve": np.asarray(_quote(result.equity, bars.unit)).tolist(),
    }


def _earned(result: Result) -> dict[str, float]:
    """Equity at the last close without the cost of leaving, what of it was earned, and the deepest fall before it."""
    unit, cash = result.bars.unit, result.numbers.cash
    money = np.concatenate(([cash], result.equity)).astype(np.float64)
    return {
        "equity": _quote(int(result.equity[-1]), unit),
        "net_profit": _quote(int(result.equity[-1]) - cash, unit),
        "return": float(money[-1] / cash - 1),
        "drawdown": worst_fall(money).depth if (money > 0).all() else 1.0,
    }


def _trades(result: Result, rows: np.ndarray) -> list[dict[str, Any]]:
    tick, lot, unit = result.bars.tick, result.bars.lot, result.bars.unit
    columns = {
        "entry_time": _times(rows["entry_ns"]),
        "exit_time": [
            None if bar < 0 else time for bar, time in zip(rows["exit_bar"], _times(rows["exit_ns"]), strict=True)
        ],
        "entry_price": np.asarray(_quote(rows["entry_price"], tick)).tolist(),
        "exit_price": np.asarray(_quote(rows["exit_price"], tick)).tolist(),
        "size": np.asarray(_quote(rows["size"], lot)).tolist(),
        "pnl": np.asarray(_quote(rows["pnl"], unit)).tolist(),
        "fees": np.asarray(_quote(rows["fees"], unit)).tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _quote(counted: Any, step: Fraction) -> Any:
    """Counts of a step as a decimal number, rounded once: a float of an int, else an array."""
    found = np.asarray(counted, np.float64) * step.numerator / step.denominator
    return float(found) if found.ndim == 0 else found


def _times(ns: np.ndarray) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(ns.astype("datetime64[ns]"), unit="s").tolist()]
