"""The candles of a freqtrade strategy: out of Parquet files or a data dir.

In:  pairs such as BTC/USDT or binance:BTC/USDT; a file for each, or what is stored. Out: series by pair and width, made of the
     widest bars there are that fill that width.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ninefold.backtest.bars import PRICES, BadBars
from ninefold.backtest.columns import bars_of_columns
from ninefold.freqtrade.run import SeriesOf
from ninefold.freqtrade.series import COLUMNS, Series, filled, wider
from ninefold.imports.times import nanoseconds
from ninefold.market.instruments import Instrument, UnknownInstrument
from ninefold.market.time import SECOND_NS, TIMEFRAMES
from ninefold.services.backtest_bars import numbers_of, table_of
from ninefold.services.backtest_stored import market_of_store
from ninefold.services.freqtrade_completeness import Read
from ninefold.store.read import Reader


class Source(NamedTuple):
    """pairs: as the strategy sees them. amount_steps: by pair, where they are known. read: what was read so far."""

    pairs: list[str]
    series_of: SeriesOf
    amount_steps: dict[str, float]
    read: list[Read]


def source_of_files(pairs: Sequence[str], files: Sequence[Path]) -> Source:
    """A file a pair, in the same order.

    raises: BadBars, ImportRefused.
    """
    if len(pairs) != len(files):
        raise BadBars(
            f"there are {len(pairs)} pairs and {len(files)} files of bars: give one --bars for each of --pairs"
        )
    of = {_bare(pair): file for pair, file in zip(pairs, files, strict=True)}
    found: list[Read] = []
    loaded = cache(series_of_file)

    def series_of(pair: str, width_s: int) -> Series:
        if pair not in of:
            raise BadBars(
                f"the strategy asks for candles of {pair}; give its file too: --pairs {pair} --bars FILE.parquet"
            )
        series, read = loaded(of[pair])
        found.append(read._replace(candle_s=width_s))
        return wider(series, width_s)

    return Source(list(of), cache(series_of), {}, found)


def source_of_store(data_dir: Path, pairs: Sequence[str]) -> Source:
    """raises: UnknownInstrument, NoDataDir, WrongFormat; BadBars for what is not stored."""
    every = list(Reader(data_dir).registry())
    traded = {_bare(pair): _instrument(every, pair, None) for pair in pairs}
    found: list[Read] = []
    venue = next(iter(traded.values())).venue

    def series_of(pair: str, width_s: int) -> Series:
        one = traded.get(pair) or _instrument(every, pair, venue)
        series, read = _stored(data_dir, one.name, width_s)
        found.append(read)
        return series

    steps = {pair: one.lot_size / 10**one.size_decimals for pair, one in traded.items() if one.rules_known}
    return Source(list(traded), cache(series_of), steps, found)


def series_of_file(path: Path) -> tuple[Series, Read]:
    """raises: BadBars naming the file and the column, or row, rule and remedy; ImportRefused for times of mixed units."""
    table = table_of(path)
    open_ns, reasons, _ = nanoseconds(table.column("open_time").combine_chunks(), "", "UTC", "open_time")
    for row in sorted(reasons)[:1]:
        raise BadBars(f"row {row} of {path}: {reasons[row]}; candles go by the time at which they open")
    columns = {name: numbers_of(table.column(name), name) for name in COLUMNS}
    width_ns = int(np.median(np.diff(open_ns))) if len(open_ns) > 1 else TIMEFRAMES["1m"]
    bars_of_columns(
        {"open_ns": open_ns, "close_ns": open_ns + width_ns, **columns}, holes="unknown"
    )  # refuses bad rows
    known = np.all([np.isfinite(columns[name]) for name in (*PRICES, "volume")], axis=0)
    if not known.any():
        raise BadBars(f"{path} has no bars; give another file")
    kept = {name: values[known] for name, values in columns.items()}
    made = filled(width_ns // SECOND_NS, open_ns[known] // SECOND_NS, kept)
    opens = made.seconds * SECOND_NS
    there = np.isin(made.seconds, open_ns[known] // SECOND_NS)
    return made, Read(None, width_ns, made.width_s, opens, there)


def _stored(data_dir: Path, name: str, width_s: int) -> tuple[Series, Read]:
    """Of the widest stored bars that fill the width."""
    fit = sorted((one for one in TIMEFRAMES.values() if width_s * SECOND_NS % one == 0), reverse=True)
    refused: list[str] = []
    for width_ns in fit:
        try:
            market = market_of_store(data_dir, name, width_ns)
        except BadBars as error:
            refused.append(str(error))
            continue
        unit = {
            name: 10**market.scale.size_decimals if name == "volume" else 10**market.scale.price_decimals
            for name in COLUMNS
        }
        columns = {name: market.columns[name] / unit[name] for name in COLUMNS}
        made = filled(width_ns // SECOND_NS, market.bars.open_ns // SECOND_NS, columns)
        return wider(made, width_s), Read(name, width_ns, width_s, market.bars.open_ns, market.bars.known)
    raise BadBars(refused[0] if refused else f"no stored bars of {name} fill {width_s} s")


def _instrument(every: Sequence[Instrument], pair: str, venue: str | None) -> Instrument:
    """The latest version of the one instrument that is meant."""
    named = {one.name: one for one in every if pair in (one.name, one.symbol) and venue in (None, one.venue)}
    if len(named) != 1:
        there = ", ".join(sorted(named or {one.name: one for one in every}))
        raise UnknownInstrument(
            f"{pair!r} names {len(named)} of what is stored: {there or 'nothing'}; write VENUE:BASE/QUOTE"
        )
    return next(iter(named.values()))


def _bare(pair: str) -> str:
    """Without the venue.

    >>> _bare("binance:BTC/USDT"), _bare("BTC/USDT:USDT")
    ('BTC/USDT', 'BTC/USDT:USDT')
    """
    venue, _, rest = pair.partition(":")
    return rest if "/" in rest and "/" not in venue else pair
