"""What came of a freqtrade strategy, as the trial ledger keeps it and as people read it, under freqtrade's names.

In:  the trades of a back-test. Out: its outcome; a document ready for JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.sharpe import sharpe
from ninefold.backtest.statistics.verdict import verdict
from ninefold.freqtrade.money import eight_decimals
from ninefold.freqtrade.run import Found
from ninefold.freqtrade.trade import Trade
from ninefold.market.time import SECOND_NS
from ninefold.store.trials import Outcome, Tried


def outcome_of(found: Found) -> Outcome:
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


def document(found: Found, pairs: list[str], trial: int, tried: Tried) -> dict[str, Any]:
    settings, trades = found.settings, found.trades
    balances = list(accumulate((trade.close_profit_abs or 0.0 for trade in trades), initial=settings.wallet))
    judged = verdict(_returns(found), found.seconds.step * SECOND_NS, tried.trials, tried.effective, tried.variance)
    return {
        "strategy": type(found.strategy).__name__,
        "timeframe": found.strategy.timeframe,
        "from": _second(found.seconds.start),
        "to": _second(found.seconds.stop),
        "pairs": pairs,
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


def as_kept(told: dict[str, Any], found: Found) -> dict[str, Any]:
    """The document under the names of other runs too, so that lists and pages show it. told: as `document` gives it."""
    begun, ended = told["starting_balance"], told["final_balance"]
    rows = zip(told["trades"], found.trades, strict=True)
    return {
        **told,
        "equity": ended,
        "net_profit": ended - begun,
        "return": ended / begun - 1,
        "trades": [{**row, **_as_others_name_it(row, trade)} for row, trade in rows],
    }


def _as_others_name_it(row: dict[str, Any], trade: Trade) -> dict[str, Any]:
    left = trade.open_rate if trade.close_rate is None else trade.close_rate
    return {
        "entry_time": row["open_date"],
        "exit_time": row["close_date"],
        "entry_price": trade.open_rate,
        "exit_price": left,
        "size": -trade.amount if trade.is_short else trade.amount,
        "pnl": trade.close_profit_abs or 0.0,
        "fees": trade.amount * (trade.open_rate * trade.fee_open + left * trade.fee_close),
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
