"""What a back-test is asked for, in the words of the command, and what these words mean.

In:  options as texts, so that 0.1 is a tenth.
Out: the market with its holdout respected, the rules, the strategy. `backtest_config` keeps them for the trial ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import ninefold
from ninefold.backtest.bars import PRICES, BadBars
from ninefold.backtest.columns import Holes
from ninefold.backtest.exact import BadRules, exact
from ninefold.backtest.fee_tiers import FeeTier, FeeTiers
from ninefold.backtest.funding import BadFunding
from ninefold.backtest.market_rules import EquityShare, Fees, FixedSize, Limits, Margin, Rules, Slippage, numbers
from ninefold.backtest.outcome import TooLarge
from ninefold.backtest.statistics.holdout import BehindTheWall, NoLooksLeft, Wall, check_before_wall
from ninefold.backtest.target import BadTarget
from ninefold.formula import Term, sources
from ninefold.formula.errors import FormulaError
from ninefold.imports.mapping import ImportRefused
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.time import width_of
from ninefold.services.backtest_bars import Market, market_of_file
from ninefold.services.backtest_series import with_elsewhere
from ninefold.services.backtest_strategy import Chosen, choose, choose_each
from ninefold.services.backtest_vwap import VWAP
from ninefold.services.lazily import lazily
from ninefold.store.data_dir import NoDataDir, StoreWriteFailed, WrongFormat
from ninefold.store.timerange import parse_timerange
from ninefold.store.trials import DifferentResult, TrialReader, UnknownTrial
from ninefold.strategy.forms import BookCode, Quoting, TradeCode
from ninefold.strategy.parameters import BadStrategy
from ninefold.strategy.plan import Code, Exits

if TYPE_CHECKING:
    from ninefold.services import backtest_stored, funding_read
else:
    backtest_stored = lazily("ninefold.services.backtest_stored")  # tables take half a second to load
    funding_read = lazily("ninefold.services.funding_read")  # so here

NEXT_OPEN = "next-open"
TAKER_FEE = "0.001"
FILLS = (NEXT_OPEN,)
TOLD_BY_BARS = ("open_ns", "close_ns", *PRICES, "volume")
HOLES = ("refuse", "unknown")
MOST_LEVERAGE = 100
RECORDED = "recorded"  # what the venue told of funding, in place of a file
MAINTENANCE = "0.005"  # of a position's value, where a leverage is asked for: the lowest tier of the large venues


class BadBacktest(ValueError):
    """Something is asked for that there is not; the text says what there is."""


REFUSED = (  # what people can mend, of every command that runs back-tests
    *(BadBacktest, BadBars, BadFunding, BadRules, BadStrategy, BadTarget, FormulaError, ImportRefused, TooLarge),
    *(BehindTheWall, NoLooksLeft, DifferentResult, UnknownTrial, UnknownInstrument),
    *(NoDataDir, StoreWriteFailed, WrongFormat),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """strategies: folder or file with the user's own. file or instrument: where the bars are. size: base, held when long;
    None: all of the equity, times the leverage. short: a file's bars are a perpetual's, which may be sold short. funding: of a
    perpetual, a file of it or RECORDED. look: why rows behind the holdout's wall are read. more_files, more_instruments: other
    markets, all one portfolio with the first, or the further legs of a strategy that has them, in their order; more_funding: files
    of theirs. fee_tiers: volume, maker and taker of each, in place of the taker fee.
    Numbers are texts, so that 0.1 is a tenth."""

    strategy: str
    strategies: Path | None = None
    settings: tuple[str, ...] = ()
    data_dir: Path
    file: Path | None = None
    instrument: str | None = None
    timeframe: str = "1m"
    timerange: str | None = None
    holes: Holes = "refuse"
    taker_fee: str = TAKER_FEE
    fill: str = NEXT_OPEN
    cash: str = "10000"
    size: str | None = None
    slippage: str = "0"
    stop_loss: str | None = None
    take_profit: str | None = None
    trailing: str | None = None
    max_bars: int | None = None
    leverage: str = "1"
    short: bool = False
    funding: str | None = None
    volume_share: str | None = None
    spread_ticks: int = 1
    target_volatility: float = 0.05
    look: str | None = None
    fee_tiers: tuple[tuple[str, ...], ...] = ()
    more_files: tuple[str, ...] = ()
    more_instruments: tuple[str, ...] = ()
    more_funding: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether more than one market is asked for."""
        return bool(self.more_files or self.more_instruments)

    @property
    def width_ns(self) -> int:
        return width_of(self.timeframe)


def each_market(wanted: Wanted) -> list[Wanted]:
    """The same of one market each. raises: BadBacktest for funding of more or fewer."""
    files = [wanted.file, *map(Path, wanted.more_files)]
    instruments = [wanted.instrument, *wanted.more_instruments]
    asked = [(file, None) for file in files if file is not None] + [
        (None, name) for name in instruments if name is not None
    ]
    if not wanted.several:
        return [wanted]
    alone = replace(wanted, more_files=(), more_instruments=(), more_funding=())
    funding = funding_each(wanted.funding, wanted.more_funding, len(asked))
    return [
        replace(alone, file=file, instrument=name, funding=paid)
        for (file, name), paid in zip(asked, funding, strict=True)
    ]


def funding_each(first: str | None, more: Sequence[str], instruments: int) -> Sequence[str | None]:
    """A file for each instrument, or the same for all: none, or RECORDED. raises: BadBacktest for more or fewer files."""
    if first in (None, RECORDED) and not more:
        return [first] * instruments
    if len(more) + 1 != instruments:
        raise BadBacktest(
            f"there are {instruments} instruments and {len(more) + 1} files of funding; give --funding once for each, in their order, "
            f"or {RECORDED} for all"
        )
    return [first, *more]


def name_of_market(wanted: Wanted) -> str:
    """Of one."""
    return str(wanted.instrument or wanted.file)


def market_of(wanted: Wanted, points: Sequence[Chosen]) -> Market:
    """The bars, and what the formulas of the points read elsewhere.

    raises: BadBacktest, BadBars, BadFunding, BadStrategy, ImportRefused, UnknownInstrument, NoDataDir, WrongFormat.
    """
    terms = [term for point in points if not isinstance(point.plan.wants, Code) for term in point.formulas]
    return with_elsewhere(bars_of(wanted, any(map(reads_vwap, terms))), terms)


def reads_vwap(term: Term) -> bool:
    """On the own bars or on others."""
    elsewhere = [part.term for parts in sources([term]).values() for part in parts]
    return any(VWAP in one.columns for one in (term, *elsewhere))


def bars_of(wanted: Wanted, vwap: bool) -> Market:
    """vwap: whether the column of that name is wanted. raises: as `market_of`."""
    if (wanted.file is None) == (wanted.instrument is None):
        raise BadBacktest("give either --bars FILE.parquet or --instrument NAME, such as binance:BTC/USDT")
    if wanted.fill not in FILLS:
        raise BadBacktest(f"there is no fill {wanted.fill!r}; allowed are {', '.join(FILLS)}")
    if wanted.holes not in HOLES:
        raise BadBacktest(f"holes cannot be {wanted.holes!r}; allowed are {', '.join(HOLES)}")
    if wanted.spread_ticks < 0:
        raise BadBacktest(f"the narrowest spread is {wanted.spread_ticks} ticks; give 0 or more")
    if not wanted.target_volatility > 0:
        raise BadBacktest(f"the target volatility is {wanted.target_volatility}; it must be above 0, such as 0.05")
    try:
        width_ns = wanted.width_ns
        start_ns, end_ns = parse_timerange(wanted.timerange)
    except ValueError as error:
        raise BadBacktest(str(error)) from error
    if wanted.file is not None:
        found = market_of_file(wanted.file, width_ns, start_ns, end_ns, wanted.holes, vwap)
        return _funded(wanted, replace(found, spot=not wanted.short))
    found = backtest_stored.market_of_store(wanted.data_dir, str(wanted.instrument), width_ns, start_ns, end_ns, vwap)
    if found.spot and wanted.short:
        raise BadBacktest(f"{wanted.instrument} is spot, which is not sold short; leave --short out")
    return _funded(wanted, found)


def _funded(wanted: Wanted, market: Market) -> Market:
    """raises: BadFunding, for two moments in one bar too; what reading it raises."""
    if wanted.funding is None:
        return market
    [_] = funding_each(wanted.funding, wanted.more_funding, 1)
    bars = market.bars
    funding = funding_read.funding_of(wanted, market.spot, (int(bars.open_ns[0]), int(bars.close_ns[-1])))
    funding.on(bars)
    return replace(market, funding=funding)


def check_holdout(wanted: Wanted, market: Market, ledger: TrialReader, points: int = 1) -> bool:
    """Whether the rows asked for reach behind the holdout's wall, with as many looks left as there are points.

    raises: BehindTheWall without --look; NoLooksLeft.
    """
    wall, close_ns = ledger.wall(), market.bars.close_ns
    if wall is None or close_ns[-1] <= wall.at_ns:
        return False
    if not wanted.look:
        check_before_wall(close_ns, wall, f"bars of {wanted.file or wanted.instrument}")
    check_looks(wall, ledger, points)
    return True


def check_looks(wall: Wall, ledger: TrialReader, points: int) -> None:
    """raises: NoLooksLeft, if fewer are left than there are points."""
    left = ledger.looks_left()
    if left < points:
        raise NoLooksLeft(
            f"this takes {points} looks behind the holdout's wall, one for each trial, and {left} of {wall.looks} are left; "
            "end --timerange at the wall (`ninefold holdout status`), or ask for one strategy with one setting"
        )


def chosen_of(wanted: Wanted) -> Chosen:
    """raises: BadStrategy, FormulaError."""
    return chosen_each(wanted, [wanted.settings])[0]


def plays_on_ticks(wanted: Wanted) -> bool:
    """Whether the strategy is of a form that is played on trades and books alone. raises: BadStrategy, FormulaError."""
    return isinstance(choose(wanted.strategy, (), wanted.strategies).plan.wants, Quoting | BookCode | TradeCode)


def chosen_each(wanted: Wanted, settings: Sequence[Sequence[str]]) -> list[Chosen]:
    """With each of these settings. What the strategy itself says of exits holds where no option says otherwise."""
    return [
        replace(one, plan=replace(one.plan, exits=_exits(wanted, one.exits)))
        for one in choose_each(wanted.strategy, settings, wanted.strategies)
    ]


def _exits(wanted: Wanted, own: Exits) -> Exits:
    return Exits(
        stop_loss=own.stop_loss if wanted.stop_loss is None else wanted.stop_loss,
        take_profit=own.take_profit if wanted.take_profit is None else wanted.take_profit,
        trailing=own.trailing if wanted.trailing is None else wanted.trailing,
        bars=own.bars if wanted.max_bars is None else wanted.max_bars,
    )


def rules_of(wanted: Wanted, market: Market, chosen: Chosen) -> Rules:
    """raises: BadBacktest, BadRules: all that could be refused later."""
    rules = Rules(
        cash=wanted.cash,
        sizing=EquityShare(wanted.leverage) if wanted.size is None else FixedSize(wanted.size),
        fees=fees_of(wanted.taker_fee, wanted.taker_fee, wanted.fee_tiers),
        slippage=Slippage(rate=wanted.slippage),
        limits=Limits(short=0) if market.spot else Limits(),
        margin=margin_of(wanted.leverage, market.spot),
        exits=chosen.exits,
        volume_share=wanted.volume_share,
    )
    numbers(rules, market.bars.tick, market.bars.lot, market.bars.highest)
    return rules


def margin_of(asked: str, spot: bool) -> Margin:
    """Of a leverage. raises: BadBacktest, BadRules."""
    leverage = exact(asked, "leverage")
    if not 1 <= leverage <= MOST_LEVERAGE:
        raise BadBacktest(f"leverage is {asked}; it lies between 1 and {MOST_LEVERAGE}")
    if spot and leverage != 1:
        raise BadBacktest(
            f"leverage is {asked} on a spot market; leave --leverage out, or say --short if the file is of a perpetual"
        )
    return Margin() if leverage == 1 else Margin(asked, MAINTENANCE)


def fees_of(taker_fee: str, maker_fee: str, tiers: tuple[tuple[str, ...], ...]) -> Fees | FeeTiers:
    """raises: BadBacktest for both a fee and tiers."""
    if not tiers:
        return Fees(taker=taker_fee, maker=maker_fee)
    for name, fee in (("taker", taker_fee), ("maker", maker_fee)):
        if fee != TAKER_FEE:
            raise BadBacktest(f"the {name} fee is {fee} and there are fee tiers too; leave one of them out")
    return FeeTiers(tuple(FeeTier(*tier) for tier in tiers))


def code_of(points: Sequence[Chosen]) -> str:
    """Of all points of a search together: their common version, or that of all of them in order."""
    codes = [point.code for point in points]
    if len(set(codes)) == 1:
        return codes[0]
    return f"{ninefold.__version__} {blake2b(' '.join(codes).encode(), digest_size=8).hexdigest()}"


def snapshot_of(market: Market, points: Sequence[Chosen]) -> str:
    """Identity of the data by its content, wherever it came from: the bars, and all else that formulas of these points read, of
    the same bars (vwap, sentiment) and of other series."""
    bars = market.bars
    digest = blake2b(f"{bars.tick} {bars.lot}".encode(), digest_size=16)
    for name in TOLD_BY_BARS:
        digest.update(getattr(bars, name))
    read = {name for point in points for term in point.plan.terms for name in term.columns}
    for name in sorted(market.columns.keys() & read - {*TOLD_BY_BARS}):
        digest.update(name.encode() + market.columns[name].tobytes())
    digest.update(market.funding.content)
    return digest.hexdigest()
