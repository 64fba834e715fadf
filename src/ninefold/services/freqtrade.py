"""One back-test of a freqtrade strategy as people ask for it: load, read, run, count, judge.

In:  what is asked, in the words of the command. Out: a document with what was found, ready for JSON, under freqtrade's names.

The trial is counted once the strategy is loaded and its candles are there; one that fails on its way is counted all the same.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

import ninefold
from ninefold import freqtrade
from ninefold.backtest.statistics.holdout import NoLooksLeft, Wall, check_before_wall
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.run import Found, Range, backtest
from ninefold.freqtrade.series import COLUMNS, Series
from ninefold.freqtrade.stand_ins import standing_in
from ninefold.freqtrade.timeframes import timeframe_to_seconds
from ninefold.freqtrade.wallet import UNLIMITED, Settings
from ninefold.market.time import SECOND_NS
from ninefold.services.backtest_completeness import COMPLETENESS
from ninefold.services.freqtrade_bars import Source, source_of_files, source_of_store
from ninefold.services.freqtrade_completeness import completeness_of_candles
from ninefold.services.freqtrade_file import Loaded, load
from ninefold.services.freqtrade_report import as_kept, document, outcome_of
from ninefold.store.runs import save_run
from ninefold.store.timerange import parse_timerange
from ninefold.store.trials import Search, Trials


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """files: of bars, one a pair; none: what data_dir holds. stake_amount: quote, or "unlimited". look: why rows behind the
    holdout's wall are read."""

    strategy: str
    strategy_path: Path
    pairs: tuple[str, ...]
    data_dir: Path
    files: tuple[Path, ...] = ()
    timerange: str | None = None
    look: str | None = None
    timeframe: str | None = None
    stake_amount: str = UNLIMITED
    max_open_trades: int | None = None
    wallet: float = 1000.0
    fee: float = 0.001


class Ready(NamedTuple):
    """All that a run takes; what would be refused has been. last_ns: the latest close that was asked for."""

    loaded: Loaded
    source: Source
    within: Range
    settings: Settings
    snapshot: str
    last_ns: int


def run(wanted: Wanted, now_ns: int) -> dict[str, Any]:
    """Run it as a trial of the data dir's ledger.

    returns: docs/freqtrade.md names the keys.
    raises:  StrategyFailed; those of `backtest_wanted.REFUSED`.
    """
    source = source_of(wanted)
    with standing_in(), closing(Trials(wanted.data_dir)) as trials:
        wall = trials.wall()
        ready = made_ready(wanted, source, None if wanted.look else wall)
        looks = wall is not None and ready.last_ns > wall.at_ns
        if looks and trials.looks_left() < 1:
            raise NoLooksLeft(
                "no look behind the holdout's wall is left; end --timerange before it (`ninefold holdout status`)"
            )
        search = search_of(wanted, ready)
        trial = trials.begin(search, now_ns)
        if looks:
            trials.look(trial, str(wanted.look), now_ns)
        found = play(wanted, ready)
        trials.finish(trial, outcome_of(found))
        told = document(found, source.pairs, trial, trials.tried(search.family))
    told[COMPLETENESS] = completeness_of_candles(wanted.data_dir, found, source.read)
    save_run(wanted.data_dir, freqtrade.KIND, trial, as_kept(told, found), None)
    return told


def source_of(wanted: Wanted) -> Source:
    """raises: BadBars, UnknownInstrument; what the data dir raises."""
    if wanted.files:
        return source_of_files(wanted.pairs, wanted.files)
    return source_of_store(wanted.data_dir, wanted.pairs)


def made_ready(wanted: Wanted, source: Source, wall: Wall | None) -> Ready:
    """wall: candles behind it are not there; None: all are. `standing_in()` has to be open.

    raises: BehindTheWall if they are asked for.
    """
    within = _range(wanted.timerange)
    settings = Settings(
        stake_currency=_quote(source.pairs),
        stake_amount=_stake(wanted.stake_amount),
        max_open_trades=wanted.max_open_trades,
        wallet=wanted.wallet,
        fee=wanted.fee,
        amount_steps=source.amount_steps,
    )
    loaded = load(wanted.strategy_path, wanted.strategy)
    width_s = timeframe_to_seconds(str(wanted.timeframe or loaded.timeframe))
    last_ns = max(_last_close_ns(source.series_of(pair, width_s), within, wall, pair) for pair in source.pairs)
    if wall is not None:
        whole = source.series_of
        known_s = wall.at_ns // SECOND_NS
        source = source._replace(series_of=lambda pair, of_width: whole(pair, of_width).known_at(known_s))
    return Ready(loaded, source, within, settings, _snapshot(source, loaded, within, width_s), last_ns)


def play(wanted: Wanted, ready: Ready) -> Found:
    """raises: StrategyFailed."""
    of, source = ready.loaded, ready.source
    return backtest(of.of, source.series_of, source.pairs, ready.within, ready.settings, of.stored, wanted.timeframe)


def _last_close_ns(series: Series, within: Range, wall: Wall | None, pair: str) -> int:
    """Of the candles that begin before the range's end; the one that begins at it is left out if it is behind the wall."""
    first = 0 if within.start_s is None else int(np.searchsorted(series.seconds, within.start_s))
    last = None if within.end_s is None else int(np.searchsorted(series.seconds, within.end_s))
    closes_ns = (series.seconds[first:last] + series.width_s) * SECOND_NS
    check_before_wall(closes_ns, wall, f"candles of {pair}")
    return int(closes_ns[-1]) if len(closes_ns) else 0


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


def _snapshot(source: Source, loaded: Loaded, within: Range, width_s: int) -> str:
    """Identity of the candles that are traded on, by their content, those of the warm-up among them."""
    digest = blake2b(digest_size=16)
    start_s = (
        None
        if within.start_s is None
        else within.start_s - width_s * int(getattr(loaded.of, "startup_candle_count", 0))
    )
    for pair in source.pairs:
        frame = source.series_of(pair, width_s).frame(start_s, within.end_s)
        digest.update(pair.encode() + frame["date"].astype(np.int64).to_numpy().tobytes())
        digest.update(frame[list(COLUMNS)].to_numpy(np.float64).tobytes())
    return digest.hexdigest()


def search_of(wanted: Wanted, ready: Ready) -> Search:
    """config: the options of the command; it runs the trial again."""
    config = {
        "strategy": wanted.strategy,
        "strategy_path": str(wanted.strategy_path.absolute()),
        "files": [str(file.absolute()) for file in wanted.files],
        **{name: getattr(wanted, name) for name in ("pairs", "timerange", "timeframe")},
        **{name: getattr(wanted, name) for name in ("stake_amount", "max_open_trades", "wallet", "fee")},
    }
    return Search(
        kind=freqtrade.KIND,
        family=f"freqtrade {wanted.strategy}",
        snapshot=ready.snapshot,
        code=f"{ninefold.__version__} {ready.loaded.digest}",
        config=config,
        seed=0,
    )
