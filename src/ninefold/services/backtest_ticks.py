"""One back-test on trades or books as people ask for it: read, count, run, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON, in the form of
     `services.backtest` without what is asked of bars alone (sensitivity).

A file is read block by block, so memory does not grow with it. It is of a spot market unless it is said to be a perpetual's: a
target below 0 is flat. Money is judged on bars of `timeframe` made of the same trades; a step without a trade is a quiet bar. The trial
is counted before it runs; what cannot run at all (columns, rules, parameters that are refused) is no trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import ninefold
from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import ONE
from ninefold.backtest.market_rules import EquityShare, FixedSize, Limits, Rules
from ninefold.backtest.result import Result
from ninefold.backtest.run import run
from ninefold.backtest.statistics.holdout import BehindTheWall, moment
from ninefold.backtest.target import Changes
from ninefold.backtest.ticks.decide import EmaCross
from ninefold.backtest.ticks.latency import FixedFeed, FixedOrder, Latency
from ninefold.backtest.ticks.stream import Way, tick_numbers
from ninefold.backtest.ticks.tape import BadTicks
from ninefold.market.time import width_of
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_ticks
from ninefold.services.backtest_config import as_asked, as_kept, funding_kept
from ninefold.services.backtest_outcome import Played as Judged
from ninefold.services.backtest_outcome import played
from ninefold.services.backtest_report import Judging, amounts_told, fee_tier, judged, times, trades_told
from ninefold.services.backtest_strategy import choose
from ninefold.services.backtest_wanted import BadBacktest, check_looks, fees_of, funding_each, margin_of
from ninefold.services.ticks_play import BAR, EACH, QUEUES, Played, player_of, streamed
from ninefold.services.ticks_source import Asked, Seen, Source, source_of
from ninefold.services.told import Told
from ninefold.store.trials import Search, Trial, TrialReader, Trials
from ninefold.strategy.forms import TradeCode

STRATEGY, FAMILY = "ema_cross", "trend"  # where no strategy is named
KIND = "backtest-ticks"
ASKED = ("fast", "slow", "timeframe", "taker_fee", "feed_ns", "order_ns", "cash", "size")  # and the file
# kept where they are not left out
OTHERWISE = (
    *("strategies", "instrument", "timerange", "maker_fee", "fee_tiers", "each", "queue"),
    *("leverage", "short", "funding", "more_files", "more_instruments", "more_funding"),
)
TARGET_VOLATILITY = 0.02  # a week, of the weekly objective


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedTicks:
    """strategy: None: two exponential means of the price over `fast` and `slow` trades. file or instrument: where trades are.
    maker_fee: None: as the taker's. each: what a target's formula is of, bar or trade. size: base, held when long; None: all
    of the equity, times the leverage. fee_tiers: volume, maker and taker of each, in place of the fees. short: a file's trades are
    a perpetual's. funding: a file of it, or RECORDED. more_files, more_instruments: others on the same account; more_funding: files of
    theirs, in their order. look: why trades behind the holdout's wall are read. Amounts are texts, so
    that 0.1 is a tenth."""

    data_dir: Path
    file: Path | None = None
    instrument: str | None = None
    strategy: str | None = None
    strategies: Path | None = None
    settings: tuple[str, ...] = ()
    fast: int = 50
    slow: int = 200
    timeframe: str = "1m"
    timerange: str | None = None
    taker_fee: str = "0.001"
    maker_fee: str | None = None
    feed_ns: int = 10_000_000
    order_ns: int = 50_000_000
    each: str = BAR
    queue: str = "back"
    cash: str = "10000"
    size: str | None = None
    fee_tiers: tuple[tuple[str, ...], ...] = ()
    leverage: str = "1"
    short: bool = False
    funding: str | None = None
    more_files: tuple[str, ...] = ()
    more_instruments: tuple[str, ...] = ()
    more_funding: tuple[str, ...] = ()
    look: str | None = None

    @property
    def width_ns(self) -> int:
        return width_of(self.timeframe)

    @property
    def several(self) -> bool:
        """Whether more than one instrument is asked for."""
        return bool(self.more_files or self.more_instruments)

    def each_market(self) -> list[WantedTicks]:
        """The same of one instrument each. raises: BadBacktest for funding of others."""
        files, instruments = (self.file, *map(Path, self.more_files)), (self.instrument, *self.more_instruments)
        asked = [(one, None) for one in files if one is not None] + [
            (None, one) for one in instruments if one is not None
        ]
        funding = funding_each(self.funding, self.more_funding, len(asked))
        alone = replace(self, more_files=(), more_instruments=(), more_funding=())
        return [
            replace(alone, file=file, instrument=name, funding=paid)
            for (file, name), paid in zip(asked, funding, strict=True)
        ]

    def check(self) -> None:
        """raises: BadTicks for words that there are not."""
        for name, allowed in (("each", EACH), ("queue", tuple(QUEUES))):
            if getattr(self, name) not in allowed:
                raise BadTicks(f"{name} is {getattr(self, name)!r}; allowed are {', '.join(allowed)}")

    def source(self) -> Source:
        """Of one instrument. raises: BadBacktest for several; as `source_of`."""
        if self.several or self.more_funding:
            raise BadBacktest(
                "several instruments on one account are played by `ninefold backtest-ticks` alone, each with one --funding; give one"
            )
        return source_of(Asked(self.data_dir, self.file, self.instrument, self.timerange, self.short, self.funding))

    def way(self, source: Source) -> Way:
        """raises: BadBacktest, BadRules."""
        sizing = EquityShare(self.leverage) if self.size is None else FixedSize(self.size)
        maker_fee = self.taker_fee if self.maker_fee is None else self.maker_fee
        fees = fees_of(self.taker_fee, maker_fee, self.fee_tiers)
        limits, margin = Limits(short=0) if source.spot else Limits(), margin_of(self.leverage, source.spot)
        rules = Rules(self.cash, sizing, fees, limits=limits, margin=margin)
        latency = Latency(FixedFeed(self.feed_ns), FixedOrder(self.order_ns))
        return Way(rules, latency, self.width_ns, source.funding)

    def told(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The options as the ledger keeps them."""
        defaults = {field.name: field.default for field in fields(self)}
        more = {name: as_kept(getattr(self, name)) for name in OTHERWISE if getattr(self, name) != defaults[name]}
        if self.strategies is not None:
            more["strategies"] = str(self.strategies.absolute())
        more |= funding_kept(self.funding, self.more_funding)
        return {
            "strategy": self.strategy or STRATEGY,
            "ticks": None if self.file is None else str(self.file.absolute()),
            **{one: getattr(self, one) for one in ASKED},
            **({} if self.strategy is None else {"set": dict(parameters)}),
            **more,
        }


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been."""

    source: Source
    seen: Seen
    way: Way
    name: str
    family: str
    code: str
    parameters: Mapping[str, Any]
    play: Callable[[], Played]


def backtest_ticks(wanted: WantedTicks, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: amounts in quote, times as ISO 8601 in UTC; NaN is what cannot be known. docs/backtest-ticks.md names the keys.
    raises:  BadTicks, BadEvents, BadQuotes, BadStrategy, BadRules, BadTarget, FormulaError, TooLarge; ValueError for a timeframe
             that there is not; what the data dir raises.
    """
    ready = made_ready(wanted)
    config = wanted.told(ready.parameters)
    search = Search(
        kind=KIND, family=ready.family, snapshot=ready.seen.snapshot, code=ready.code, config=config, seed=0
    )
    with closing(Trials(wanted.data_dir)) as trials:
        look = looked(wanted, ready.seen, trials, 1)
        trial = trials.begin(search, now_ns)
        if look:
            trials.look(trial, str(wanted.look), now_ns)
        found = ready.play()
        counted = played(found.account, ready.way.width_ns)
        trials.finish(trial, counted.outcome)
        judging = Judging(trial, trials.tried(ready.family), trials.alike(ready.family, counted.outcome.compact))
    told = document(wanted, ready.name, ready.parameters, found, counted, judging)
    return {**told, COMPLETENESS: completeness_of_ticks(wanted.data_dir, ready.source.read, found.account.bars)}


def document(
    wanted: WantedTicks,
    name: str,
    parameters: Mapping[str, Any],
    found: Played,
    counted: Judged,
    judging: Judging,
) -> dict[str, Any]:
    """What is told of a run; its long lists are `Told`."""
    account, bars = found.account, found.account.bars
    return {
        "strategy": name,
        "set": dict(parameters),
        **about(wanted, bars),
        "ticks": found.ticks,
        **found.more,
        **judged(account, held(bars, account.rules), counted, judging, wanted.width_ns, TARGET_VOLATILITY),
        "fee_tier": fee_tier(account),
        "open_trade": next(iter(trades_told(bars, bars.unit, account.open_trade)), None),
        "trades": Told(
            account.trades.lengths, lambda number: trades_told(bars, bars.unit, account.trades.part(number))
        ),
        "equity_curve": amounts_told(account.equity, bars.unit),
    }


def about(wanted: WantedTicks, bars: Bars) -> dict[str, Any]:
    """From when to when, and of how many bars."""
    return {
        "timeframe": wanted.timeframe,
        "from": times(bars.open_ns[:1])[0],
        "to": times(bars.close_ns[-1:])[0],
        "bars": len(bars),
    }


def held(bars: Bars, rules: Rules) -> Result:
    """Buy and hold with the same money and fees, without leverage."""
    sizing = rules.sizing if isinstance(rules.sizing, FixedSize) else EquityShare()
    alone = Rules(rules.cash, sizing, rules.fees)
    return run(bars, Changes(np.zeros(1, np.int64), np.full(1, ONE)), alone)


def looked(wanted: WantedTicks, seen: Seen, ledger: TrialReader, points: int) -> bool:
    """Whether trades or books reach behind the holdout's wall, with as many looks left as there are points.

    raises: BehindTheWall without --look; NoLooksLeft.
    """
    wall = ledger.wall()
    if wall is None or seen.last_ns <= wall.at_ns:
        return False
    if not wanted.look:
        raise BehindTheWall(
            f"{wanted.file or wanted.instrument} goes on to {moment(seen.last_ns)}, behind the holdout's wall at {moment(wall.at_ns)}; "
            f'end --timerange there, or take one of the {wall.looks} looks: --look "why"'
        )
    check_looks(wall, ledger, points)
    return True


def made_ready(wanted: WantedTicks) -> Ready:
    wanted.check()
    source = wanted.source()
    way = wanted.way(source)
    if wanted.strategy is None:
        if wanted.settings:
            raise BadTicks("--set sets a parameter of a strategy; name one with --strategy, or give --fast and --slow")
        tick_numbers(way.rules, source.tick, source.lot, source.highest)
        EmaCross(wanted.fast, wanted.slow)  # refuses windows before it is counted
        parameters = {"fast": wanted.fast, "slow": wanted.slow}
        code = f"{ninefold.__version__} {blake2b(STRATEGY.encode(), digest_size=8).hexdigest()}"
        return Ready(
            *(source, source.seen(), way, STRATEGY, FAMILY, code, parameters),
            play=lambda: streamed(EmaCross(wanted.fast, wanted.slow), source, way),
        )
    chosen = choose(wanted.strategy, wanted.settings, wanted.strategies)
    play = player_of(chosen, source, way, wanted.each, wanted.queue)
    seen = source.seen(sides=isinstance(chosen.plan.wants, TradeCode))
    return Ready(source, seen, way, chosen.name, chosen.family, chosen.code, chosen.parameters, play)


def again(trial: Trial, data_dir: Path) -> tuple[str, str, bytes, dict[str, Any]]:
    """A counted trial once more: identity of data and code, the digest of the result, and how complete what it read is; nothing is
    counted."""
    ready = made_ready(wanted_of(trial.search.config, data_dir))
    account = ready.play().account
    counted = played(account, ready.way.width_ns)
    complete = completeness_of_ticks(data_dir, ready.source.read, account.bars)
    return ready.seen.snapshot, ready.code, counted.outcome.digests[0], complete


def wanted_of(config: Mapping[str, Any], data_dir: Path) -> WantedTicks:
    """What was asked for, from what the ledger kept of it."""
    more = {name: as_asked(config[name]) for name in OTHERWISE if name in config}
    if "strategies" in more:
        more["strategies"] = Path(more["strategies"])
    named = {}
    if "set" in config:
        settings = tuple(f"{name}={value}" for name, value in config["set"].items())
        named = {"strategy": config["strategy"], "settings": settings}
    file = None if config["ticks"] is None else Path(config["ticks"])
    return WantedTicks(data_dir=data_dir, file=file, **{name: config[name] for name in ASKED}, **named, **more)
