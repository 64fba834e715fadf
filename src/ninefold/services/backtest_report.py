"""What is told of a back-test: a document ready for JSON, amounts in quote, times as ISO 8601 in UTC, NaN what cannot be known.

In:  results, the trials there were. Out: the parts of the document; docs/backtest.md names the keys.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE
from ninefold.backtest.fee_tiers import Volumes
from ninefold.backtest.market_rules import tiers_of
from ninefold.backtest.result import Account
from ninefold.backtest.statistics.activity import cost_share, sortino
from ninefold.backtest.statistics.bootstrap import bootstrap_interval
from ninefold.backtest.statistics.checked import Floats
from ninefold.backtest.statistics.compact import Compact
from ninefold.backtest.statistics.drawdown import falls_of
from ninefold.backtest.statistics.overfitting import BLOCKS, overfitting
from ninefold.backtest.statistics.sensitivity import DAY_NS
from ninefold.backtest.statistics.sharpe import YEAR_NS, ratio, sharpes
from ninefold.backtest.statistics.verdict import verdict
from ninefold.backtest.statistics.weekly import weekly_objective
from ninefold.services.backtest_outcome import Played, known_returns
from ninefold.services.told import PART, Told
from ninefold.store.trials import Tried

SEED = 0  # of all that is drawn for a report, so that the same run gives the same document
FEW_BLOCKS = 10  # of time for CSCV where there are more than MANY trials: 252 ways instead of 12,870
MANY = 500


class Judging(NamedTuple):
    """The trial, and those there were of its family. alike: their returns over the same time, shape (trials, stretches)."""

    trial: int
    tried: Tried
    alike: Floats


def judged(
    result: Account, hold: Account, counted: Played, judging: Judging, width_ns: int, volatility: float
) -> dict[str, Any]:
    """What is told of every run alike: what was earned, how likely that is luck, what it cost, and buy and hold."""
    tried = judging.tried
    found = verdict(known_returns(result.returns), width_ns, tried.trials, tried.effective, tried.variance)
    return {
        "trial": judging.trial,
        **earned(result, width_ns, volatility),
        **found._asdict(),
        "sharpe_interval": sharpe_interval(counted.outcome.compact),
        "overfitting": overfitted(judging.alike),
        "exposure": float(result.holds.mean()),
        "turnover": result.turnover,
        **costs(result),
        "funding": quote(result.funding, result.unit),
        "liquidations": result.liquidations,
        "buy_and_hold": earned(hold, width_ns, volatility),
    }


def earned(result: Account, width_ns: int, target_volatility: float) -> dict[str, Any]:
    """Of a strategy and of buy and hold alike: equity at the last close without the cost of leaving, what of it was earned, how
    it fell in between, and the weekly objective."""
    unit, cash = result.unit, result.numbers.cash
    equity = result.equity.astype(np.float64)
    course = course_of(result.close_ns, cash, equity, known_returns(result.returns), width_ns, target_volatility)
    return {
        "equity": quote(int(result.equity[-1]), unit),
        "net_profit": quote(int(result.equity[-1]) - cash, unit),
        **course,
    }


def course_of(
    close_ns: np.ndarray, cash: float, equity: np.ndarray, returns: np.ndarray, width_ns: int, target_volatility: float
) -> dict[str, Any]:
    """What equity did from the cash at the start to its last close. cash, equity: of any unit, float64."""
    money = np.concatenate(([float(cash)], equity))
    falls = falls_of(money, width_ns) if (money > 0).all() else None
    return {
        "return": float(money[-1] / cash - 1),
        "drawdown": falls.deepest if falls else 1.0,
        "drawdown_days": falls.longest * width_ns / DAY_NS if falls else math.nan,
        "sharpe": ratio(returns) * math.sqrt(YEAR_NS / width_ns),
        "sortino": sortino(returns) * math.sqrt(YEAR_NS / width_ns),
        "calmar": falls.calmar if falls else math.nan,
        "weekly": weekly(close_ns, equity, target_volatility) if falls else None,
    }


def costs(result: Account) -> dict[str, float]:
    """cost_share: of what was earned before costs; NaN if nothing was."""
    unit = result.unit
    paid = result.fees + result.slippage + result.funding
    net = int(result.equity[-1]) - result.numbers.cash
    return {
        "fees": quote(result.fees, unit),
        "slippage": quote(result.slippage, unit),
        "cost_share": cost_share(float(net), float(paid)),
    }


def fee_tier(result: Account) -> dict[str, Any] | None:
    """The tier that counts after the last close; None where fees do not go by tiers."""
    tiers = tiers_of(result.rules, result.unit)
    if not tiers:
        return None
    volumes = Volumes(tiers, dict(result.traded_on))
    day = int(result.close_ns[-1]) // DAY_NS
    at = volumes.tier(day)
    return {
        "tier": at + 1,
        "of": len(tiers),
        "volume_30_days": quote(volumes.before(day), result.unit),
        "maker": tiers[at].maker / ONE,
        "taker": tiers[at].taker / ONE,
    }


def weekly(close_ns: np.ndarray, equity: np.ndarray, target_volatility: float) -> dict[str, Any]:
    found = weekly_objective(close_ns, equity, target_volatility, SEED)
    return {
        "scaled": found.scaled,
        "scaled_interval": list(found.scaled_interval),
        "raw": found.raw,
        "raw_interval": list(found.raw_interval),
        "weeks": found.weeks,
        "target_volatility": target_volatility,
    }


def sharpe_interval(compact: Compact) -> list[float]:
    """The middle 95 % of the Sharpe ratio a year over stretches of time drawn anew in blocks. compact: of one trial."""
    a_year = math.sqrt(YEAR_NS / compact.width_ns)
    found = bootstrap_interval(compact.returns()[0], sharpes, SEED)
    return [found.low * a_year, found.high * a_year]


def overfitted(returns: Floats) -> dict[str, Any] | None:
    """CSCV over trials of the same time, shape (trials, stretches); None where there are too few of either."""
    blocks = min(BLOCKS if len(returns) <= MANY else FEW_BLOCKS, returns.shape[1] // 4 * 2)
    if len(returns) < 2 or blocks < 4:
        return None
    found = overfitting(returns, blocks)
    return {"probability": found.probability, "loss": found.loss, "slope": found.slope, "trials": len(returns)}


def trades_told(bars: Bars, unit: Fraction, rows: np.ndarray) -> list[dict[str, Any]]:
    """rows: TRADES; money in units."""
    tick, lot = bars.tick, bars.lot
    columns = {
        "entry_time": times(rows["entry_ns"]),
        "exit_time": [
            None if bar < 0 else time for bar, time in zip(rows["exit_bar"], times(rows["exit_ns"]), strict=True)
        ],
        "entry_price": np.asarray(quote(rows["entry_price"], tick)).tolist(),
        "exit_price": np.asarray(quote(rows["exit_price"], tick)).tolist(),
        "size": np.asarray(quote(rows["size"], lot)).tolist(),
        "pnl": np.asarray(quote(rows["pnl"], unit)).tolist(),
        "fees": np.asarray(quote(rows["fees"], unit)).tolist(),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def amounts_told(units: np.ndarray, unit: Fraction) -> Told:
    """Each in quote."""
    lengths = [min(PART, len(units) - first) for first in range(0, len(units), PART)]
    return Told(lengths, lambda number: np.asarray(quote(units[number * PART :][:PART], unit)).tolist())


def quote(counted: Any, step: Fraction) -> Any:
    """Counts of a step as a decimal number, rounded once: a float of an int, else an array."""
    found = np.asarray(counted, np.float64) * step.numerator / step.denominator
    return float(found) if found.ndim == 0 else found


def times(ns: np.ndarray) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(ns.astype("datetime64[ns]"), unit="s").tolist()]
