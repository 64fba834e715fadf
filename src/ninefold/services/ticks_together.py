"""One back-test of a strategy on the trades of several instruments, on one account.

In:  what is asked, of several files or stored instruments. Out: a document as of `backtest_ticks`, with a row an instrument.

Each instrument has its own prices, orders, latency and funding, and a target or free code of its own; the cash is one. It is one trial:
what counts as evidence is the one series of returns, not how many instruments it was drawn from. Without a size, +1 of each is the
equity (times the leverage) over the number of instruments. Money is judged on bars of the same times for all; before its first trade
an instrument's bars are quiet at that trade's price.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ninefold.backtest.exact import ONE, exact
from ninefold.backtest.legs import Together
from ninefold.backtest.market_rules import EquityShare, FixedSize, Rules
from ninefold.backtest.portfolio import PortfolioResult, run_together
from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.portfolio import effective_instruments
from ninefold.backtest.statistics.sharpe import sharpe
from ninefold.backtest.target import Changes
from ninefold.backtest.ticks.on_trade import whole_target
from ninefold.backtest.ticks.quotes import Quotes
from ninefold.backtest.ticks.quotes_together import Quoted, trade_quotes_together
from ninefold.backtest.ticks.quoting import asked_by, told_quotes
from ninefold.backtest.ticks.result import TickResult
from ninefold.backtest.ticks.together import Asks, Market, TogetherResult, run_markets, run_markets_live
from ninefold.backtest.ticks.together_bars import on_grid
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_ticks
from ninefold.services.backtest_outcome import Played, known_returns, played
from ninefold.services.backtest_report import Judging, fee_tier, judged, quote, times, trades_told
from ninefold.services.backtest_strategy import Chosen, choose
from ninefold.services.backtest_ticks import TARGET_VOLATILITY, WantedTicks, looked, wanted_of
from ninefold.services.backtest_wanted import BadBacktest
from ninefold.services.ticks_play import code_of, quoted_on, target_of
from ninefold.services.ticks_source import Seen, Source
from ninefold.store.trials import Search, Trial, Trials
from ninefold.strategy.forms import BookCode, Quoting, TradeCode

KIND = "backtest-ticks-together"


class Plays(NamedTuple):
    """more: what is told of a run of quotes alone, from its result."""

    play: Callable[[], TogetherResult]
    more: Callable[[TogetherResult], dict[str, Any]] = lambda _: {}


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been. sources: by name."""

    chosen: Chosen
    sources: Mapping[str, Source]
    markets: Mapping[str, Market]
    seen: Seen
    plays: Plays


def backtest_ticks_together(wanted: WantedTicks, now_ns: int) -> dict[str, Any]:
    """Run it as one trial of the data dir's ledger.

    returns: as `backtest_ticks`; docs/backtest-ticks.md names the keys.
    raises:  as `backtest_ticks`; BadBacktest for one instrument given twice.
    """
    ready = made_ready(wanted)
    chosen, config = ready.chosen, wanted.told(ready.chosen.parameters)
    search = Search(
        kind=KIND, family=chosen.family, snapshot=ready.seen.snapshot, code=chosen.code, config=config, seed=0
    )
    with closing(Trials(wanted.data_dir)) as trials:
        look = looked(wanted, ready.seen, trials, 1)
        trial = trials.begin(search, now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        found = ready.plays.play()
        result = on_grid(found)
        counted = played(result, wanted.width_ns)
        trials.finish(trial, counted.outcome)
        judging = Judging(trial, trials.tried(chosen.family), trials.alike(chosen.family, counted.outcome.compact))
    return document(wanted, ready, found, result, counted, judging)


def again(trial: Trial, data_dir: Path) -> tuple[str, str, bytes, dict[str, Any]]:
    """A counted trial once more: identity of data and code, the digest of the result, and how complete what it read is; nothing is
    counted."""
    wanted = wanted_of(trial.search.config, data_dir)
    ready = made_ready(wanted)
    result = on_grid(ready.plays.play())
    counted = played(result, wanted.width_ns)
    return ready.seen.snapshot, ready.chosen.code, counted.outcome.digests[0], _complete(wanted, ready, result)


def made_ready(wanted: WantedTicks) -> Ready:
    wanted.check()
    if wanted.strategy is None:
        raise BadBacktest("on several instruments a strategy plays; name one with --strategy")
    each = wanted.each_market()
    names = [str(one.instrument or one.file) for one in each]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadBacktest(f"{twice} is given twice; each instrument once")
    sources = {name: one.source() for name, one in zip(names, each, strict=True)}
    markets = {name: _market(wanted, source, len(sources)) for name, source in sources.items()}
    chosen = choose(wanted.strategy, wanted.settings, wanted.strategies)
    sides = isinstance(chosen.plan.wants, TradeCode)
    all_seen = [source.seen(sides) for source in sources.values()]
    snapshot = blake2b(" ".join(one.snapshot for one in all_seen).encode(), digest_size=16).hexdigest()
    seen = Seen(snapshot, max(one.last_ns for one in all_seen))
    return Ready(chosen, sources, markets, seen, _player(wanted, chosen, sources, markets))


def _market(wanted: WantedTicks, source: Source, instruments: int) -> Market:
    way = wanted.way(source)
    if isinstance(way.rules.sizing, EquityShare):
        part = Fraction(int(exact(way.rules.sizing.share, "share") * ONE) // instruments, ONE)
        way = replace(way, rules=replace(way.rules, sizing=EquityShare(part)))
    return Market(source.whole(), way)


def _player(wanted: WantedTicks, chosen: Chosen, sources: Mapping[str, Source], markets: Mapping[str, Market]) -> Plays:
    """raises: BadStrategy for a form that is not played here, or columns that there are not."""
    wants = chosen.plan.wants
    if isinstance(wants, Quoting | BookCode):
        return _quoting(wanted, chosen, sources, markets)
    if isinstance(wants, TradeCode):
        makes = {name: code_of(chosen.name, wants, source) for name, source in sources.items()}

        def asks(name: str) -> Asks:
            ticks, asked = markets[name].ticks, makes[name]().on_trade
            side = np.zeros(len(ticks), np.int8) if ticks.taker_side is None else ticks.taker_side
            rows = list(zip(*(one.tolist() for one in (ticks.price, ticks.size, side, ticks.exchange_ns)), strict=True))

            def wanted_at(row: int, held: int) -> int | None:
                price, size, side_of, at_ns = rows[row]
                found = asked(price, size, side_of, at_ns, held)
                return None if found is None else whole_target(found, row)

            return wanted_at

        return Plays(lambda: run_markets_live(markets, {name: asks(name) for name in markets}, wanted.cash))
    changes = {
        name: target_of(chosen, source, wanted.width_ns, wanted.each)().changes(markets[name].ticks)
        for name, source in sources.items()
    }
    left = {name: Market(ticks, way.left_by(chosen.plan.exits)) for name, (ticks, way) in markets.items()}
    return Plays(lambda: run_markets(left, changes, wanted.cash))


def _quoting(
    wanted: WantedTicks, chosen: Chosen, sources: Mapping[str, Source], markets: Mapping[str, Market]
) -> Plays:
    """raises: as `quoted_on`, of any instrument."""
    plan, quoted, asked = chosen.plan, {}, 0
    for name, source in sources.items():
        session, terms = quoted_on(plan, source, markets[name].way, wanted.queue)
        shown, made = asked_by(plan, session, terms)
        make = told_quotes(made) if isinstance(made, Quotes) else made
        quoted[name] = Quoted(session, replace(terms, cash=0), shown.timer, make, markets[name])
        asked += len(shown.at_ns)
    events = sum(len(one.session) for one in quoted.values())
    return Plays(
        lambda: trade_quotes_together(quoted, wanted.cash),
        lambda found: {"events": events, "asked": asked, "fills": int(np.count_nonzero(found.fills["size"]))},
    )


def held(result: PortfolioResult) -> PortfolioResult:
    """All bought in equal parts, with the same money and fees, without leverage."""
    rules, share = result.rules, EquityShare(Fraction(ONE // len(result.bars), ONE))
    alone = Rules(rules.cash, rules.sizing if isinstance(rules.sizing, FixedSize) else share, rules.fees)
    forever = Changes(np.zeros(1, np.int64), np.full(1, ONE))
    return run_together(result.bars, dict.fromkeys(result.bars, forever), alone, together=Together.ALONE)


def document(
    wanted: WantedTicks,
    ready: Ready,
    found: TogetherResult,
    result: PortfolioResult,
    counted: Played,
    judging: Judging,
) -> dict[str, Any]:
    """What is told of a run."""
    told = judged(result, held(result), counted, judging, wanted.width_ns, TARGET_VOLATILITY)
    open_trades = _trades_told(found, result, lambda one: one.open_trade)
    made = _made(found, result)
    ratios = {name: told[name] for name in ("sharpe", "deflated_sharpe", "familywise_p")}
    alike = compact_returns(result.close_ns, made).returns()
    whole = {"instruments": len(made), "effective_instruments": effective_instruments(alike), **ratios}
    return {
        "strategy": ready.chosen.name,
        "set": dict(ready.chosen.parameters),
        "timeframe": wanted.timeframe,
        "from": times(result.close_ns[:1] - wanted.width_ns)[0],
        "to": times(result.close_ns[-1:])[0],
        "bars": len(result.close_ns),
        "ticks": sum(len(market.ticks) for market in found.markets.values()),
        **ready.plays.more(found),
        **told,
        "fee_tier": fee_tier(result),
        "portfolio": whole,
        "instruments": [
            _row(wanted, found, result, name, returns) for name, returns in zip(found.each, made, strict=True)
        ],
        "open_trade": next(iter(open_trades), None),
        "open_trades": open_trades,
        "trades": _trades_told(found, result, lambda one: one.trades),
        "equity_curve": np.asarray(quote(result.equity, found.unit)).tolist(),
        COMPLETENESS: _complete(wanted, ready, result),
    }


def _row(
    wanted: WantedTicks, found: TogetherResult, result: PortfolioResult, name: str, returns: np.ndarray
) -> dict[str, Any]:
    """equity: the account's cash at the start and what this instrument made of it."""
    one = found.each[name]
    return {
        "instrument": name,
        "from": times(result.close_ns[:1] - wanted.width_ns)[0],
        "to": times(result.close_ns[-1:])[0],
        "bars": len(result.close_ns),
        "ticks": one.ticks,
        "equity": quote(found.cash + int(one.equity[-1]), found.unit),
        "fees": quote(one.fees, found.unit),
        "funding": quote(one.funding, found.unit),
        "trades": len(one.trades),
        "sharpe": sharpe(returns).annual(wanted.width_ns),
    }


def _made(found: TogetherResult, result: PortfolioResult) -> np.ndarray:
    """What each instrument made of the account's equity before it, at each close, shape (instruments, closes)."""
    before = np.concatenate(([found.cash], result.equity[:-1])).astype(np.float64)
    steps = []
    for one in found.each.values():
        at = np.searchsorted(one.steps.ns, result.close_ns, "left") - 1
        equity = np.where(at < 0, 0, one.equity[at])
        steps.append(np.diff(equity, prepend=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return known_returns(np.where(before > 0, np.array(steps) / before, np.nan))


def _trades_told(
    found: TogetherResult, result: PortfolioResult, which: Callable[[TickResult], np.ndarray]
) -> list[dict[str, Any]]:
    """By the time at which they began."""
    told = [
        {"instrument": name, **row}
        for name, one in found.each.items()
        for row in trades_told(result.bars[name], found.unit, which(one))
    ]
    return sorted(told, key=lambda row: str(row["entry_time"]))


def _complete(wanted: WantedTicks, ready: Ready, result: PortfolioResult) -> dict[str, Any]:
    read = [one for source in ready.sources.values() for one in source.read]
    return completeness_of_ticks(wanted.data_dir, read, next(iter(result.bars.values())))
