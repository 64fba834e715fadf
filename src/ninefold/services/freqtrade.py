"""One back-test of a freqtrade strategy as people ask for it: load, read, run, count, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON, under freqtrade's names.

The trial is counted once the strategy is loaded and its candles are there; one that fails on its way is counted all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

import ninefold
from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.sharpe import sharpe
from ninefold.backtest.statistics.verdict import verdict
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.money import eight_decimals
from ninefold.freqtrade.run import Found, Range, backtest
from ninefold.freqtrade.stand_ins import standing_in
from ninefold.freqtrade.timeframes import timeframe_to_seconds
from ninefold.freqtrade.trade import Trade
from ninefold.freqtrade.wallet import UNLIMITED, Settings
from ninefold.market.time import SECOND_NS
from ninefold.services.freqtrade_bars import Source, source_of_files, source_of_store
from ninefold.services.freqtrade_file import Loaded, load
from ninefold.store.timerange import parse_timerange
from ninefold.store.trials import Outcome, Search, Trials, Tried


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """files: of bars, one a pair; none: what data_dir holds. stake_amount: quote, or "unlimited"."""

    strategy: str
    strategy_path: Path
    pairs: tuple[str, ...]
    data_dir: Path
    files: tuple[Path, ...] = ()
    timerange: str | None = None
    timeframe: str | None = None
    stake_amount: str = UNLIMITED
    max_open_trades: int | None = None
    wallet: float = 1000.0
    fee: float = 0.001


def run(wanted: Wanted, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: docs/freqtrade.md names the keys.
    raises:  StrategyFailed, BadBars, ImportRefused, UnknownInstrument; what the data dir raises.
    """
    within, stake = _range(wanted.timerange), _stake(wanted.stake_amount)
    source = (
        source_of_files(wanted.pairs, wanted.files) if wanted.files else source_of_store(wanted.data_dir, wanted.pairs)
    )
    settings = Settings(
        stake_currency=_quote(source.pairs),
        stake_amount=stake,
        max_open_trades=wanted.max_open_trades,
        wallet=wanted.wallet,
        fee=wanted.fee,
        amount_steps=source.amount_steps,
    )
    with standing_in(), closing(Trials(wanted.data_dir)) as trials:
        loaded = load(wanted.strategy_path, wanted.strategy)
        search = _search(wanted, loaded, _snapshot(source, loaded, wanted.timeframe))
        trial = trials.begin(search, now_ns)
        found = backtest(loaded.of, source.series_of, source.pairs, within, settings, loaded.stored, wanted.timeframe)
        trials.finish(trial, _outcome(found))
        return _document(wanted, source, found, trial, trials.tried(search.family))


def _range(timerange: str | None) -> Range:
    """As freqtrade takes it: the candle that begins at the end is still in it."""
    try:
        start_ns, end_ns = parse_timerange(timerange)
    except ValueError as error:
        raise StrategyFailed(str(error)) from error
    return Range(*(None if at is None else at // SECOND_NS for at in (start_ns, end_ns)))


def _stake(text: str) -> float | Literal["unlimited"]:
    if text == UNLIMITED:
        return UNLIMITED
    try:
        return float(text)
    except ValueError:
        raise StrategyFailed(f"--stake-amount is {text!r}; write an amount in quote, or {UNLIMITED}") from None


def _quote(pairs: list[str]) -> str:
    quotes = sorted({pair.partition("/")[2].partition(":")[0] for pair in pairs})
    if len(quotes) != 1 or not quotes[0]:
        raise StrategyFailed(
            f"--pairs {' '.join(pairs)} are quoted in {', '.join(filter(None, quotes)) or 'nothing'}; all must be quoted in one "
            "currency, which is what is staked: BTC/USDT ETH/USDT"
        )
    return quotes[0]


def _snapshot(source: Source, loaded: Loaded, timeframe: str | None) -> str:
    """Identity of the candles that are traded on, by their content; raises what reading them raises."""
    digest = blake2b(digest_size=16)
    width = str(timeframe or getattr(loaded.of, "timeframe", "") or getattr(loaded.of, "ticker_interval", ""))
    for pair in source.pairs:
        series = source.series_of(pair, timeframe_to_seconds(width))
        digest.update(pair.encode() + series.seconds.tobytes())
        for values in series.columns.values():
            digest.update(values.tobytes())
    return digest.hexdigest()


def _search(wanted: Wanted, loaded: Loaded, snapshot: str) -> Search:
    config = {
        "strategy": wanted.strategy,
        "strategy_file": str(loaded.file.absolute()),
        "bars": [str(file.absolute()) for file in wanted.files],
        **{name: getattr(wanted, name) for name in ("pairs", "timerange", "timeframe")},
        **{name: getattr(wanted, name) for name in ("stake_amount", "max_open_trades", "wallet", "fee")},
    }
    return Search(
        kind="freqtrade",
        family=f"freqtrade {wanted.strategy}",
        snapshot=snapshot,
        code=f"{ninefold.__version__} {loaded.digest}",
        config=config,
        seed=0,
    )


def _outcome(found: Found) -> Outcome:
    digest = blake2b(msgspec.json.encode([trade_document(trade) for trade in found.trades]), digest_size=16).digest()
    step = found.seconds.step
    closes_ns = (np.arange(found.seconds.start, found.seconds.stop, step) + step) * SECOND_NS
    earned = _returns(found)
    ratio = sharpe(earned).annual(step * SECOND_NS)
    return Outcome([digest], np.array([ratio]), compact_returns(closes_ns, earned[np.newaxis]))


def _returns(found: Found) -> np.ndarray:
    """Of the wallet, candle by candle: what trades earned in the candle in which they ended."""
    earned = np.zeros(len(found.seconds))
    for trade in found.trades:
        ended = trade.close_date or trade.open_date
        earned[(int(ended.timestamp()) - found.seconds.start) // found.seconds.step] += trade.close_profit_abs or 0.0
    before = found.settings.wallet + np.concatenate(([0.0], np.cumsum(earned)[:-1]))
    return np.divide(earned, before, out=np.zeros_like(earned), where=before > 0)


def trade_document(trade: Trade) -> dict[str, Any]:
    """One trade under freqtrade's names; amounts in quote but `amount`, in base."""
    ended = trade.close_date or trade.open_date
    return {
        "pair": trade.pair,
        "open_date": _time(trade.open_date),
        "close_date": _time(ended),
        "open_rate": trade.open_rate,
        "close_rate": trade.close_rate,
        "amount": trade.amount,
        "stake_amount": eight_decimals(trade.stake_amount),
        "profit_abs": trade.close_profit_abs,
        "profit_ratio": trade.close_profit,
        "exit_reason": trade.exit_reason,
        "enter_tag": trade.enter_tag,
        "trade_duration": int((ended - trade.open_date).total_seconds() // 60),
    }


def _document(wanted: Wanted, source: Source, found: Found, trial: int, tried: Tried) -> dict[str, Any]:
    settings, trades = found.settings, found.trades
    balances = list(accumulate((trade.close_profit_abs or 0.0 for trade in trades), initial=settings.wallet))
    judged = verdict(_returns(found), found.seconds.step * SECOND_NS, tried.trials, tried.effective, tried.variance)
    return {
        "strategy": wanted.strategy,
        "timeframe": found.strategy.timeframe,
        "from": _second(found.seconds.start),
        "to": _second(found.seconds.stop),
        "pairs": source.pairs,
        "stake_currency": settings.stake_currency,
        "trial": trial,
        "starting_balance": settings.wallet,
        "final_balance": balances[-1],
        **_sums(trades),
        "drawdown": max(1 - low / high for low, high in zip(balances, accumulate(balances, max), strict=True)),
        **judged._asdict(),
        "by_pair": _by(trades, lambda trade: trade.pair),
        "by_exit_reason": _by(trades, lambda trade: str(trade.exit_reason)),
        "by_enter_tag": _by(trades, lambda trade: trade.enter_tag or ""),
        "trades": [trade_document(trade) for trade in trades],
    }


def _sums(trades: Iterable[Trade]) -> dict[str, Any]:
    earned = [trade.close_profit_abs or 0.0 for trade in trades]
    return {
        "count": len(earned),
        "wins": sum(one > 0 for one in earned),
        "losses": sum(one < 0 for one in earned),
        "profit_abs": float(sum(earned)),
    }


def _by(trades: Iterable[Trade], key: Callable[[Trade], str]) -> dict[str, Any]:
    groups: dict[str, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(key(trade), []).append(trade)
    return {name: _sums(group) for name, group in sorted(groups.items())}


def _second(seconds: int) -> str:
    return str(np.datetime64(seconds, "s")) + "Z"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
