"""Download what is missing of a range, for some pairs of one venue.

In:  pairs, timeframes, a range; where the venue and its archive are.
Out: one `Outcome` for each pair and timeframe (or "trades"), kept in D/history. It may be interrupted anywhere: what was
     kept is not asked for again.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from ninefold.history.asking import Asking, Refused, Tally
from ninefold.history.keep import Keeper
from ninefold.history.outcome import Outcome
from ninefold.history.pastbars import download_bars
from ninefold.history.pasttrades import download_trades
from ninefold.history.stored import Stored
from ninefold.history.table import HISTORIES
from ninefold.history.venue import UNREADABLE, CannotDownload, History
from ninefold.history.work import Progress, Work, each
from ninefold.journal.inputs import Answer
from ninefold.market.instruments import Instrument
from ninefold.venues.table import VENUES

TRADES = "trades"
SHARE = 0.8  # of the venue's limit; the rest is left to a pipeline on the same address


class Wanted(NamedTuple):
    """what: timeframes, or "trades". A range [start_ns, end_ns) that is over. archive_url: "" for no files."""

    venue: str
    pairs: tuple[str, ...]
    what: tuple[str, ...]
    start_ns: int
    end_ns: int
    rest_url: str
    archive_url: str


async def download(
    wanted: Wanted, data_dir: Path, clock: Callable[[], int], progress: Progress, tell: Callable[[str], None]
) -> list[Outcome]:
    """Pairs side by side, the timeframes of a pair one after the other.

    raises: CannotDownload, AlreadyWritten, WrongFormat, StoreWriteFailed, DiskFull.
    """
    history, entry = HISTORIES[wanted.venue], VENUES[wanted.venue]
    keeper = Keeper(data_dir, clock)
    asking = Asking(history, wanted.rest_url, wanted.archive_url, int(entry.weight_per_minute * SHARE), clock, tell)
    work = Work(history, keeper, asking, Stored(data_dir), progress)
    outcomes: dict[tuple[str, str], Outcome] = {}

    async def one_pair(of: Instrument) -> None:
        for what in _in_order(history, wanted.what):
            began = time.monotonic()
            if what == TRADES:
                outcome = await download_trades(work, of, wanted.start_ns, wanted.end_ns)
                keeper.certify(of, wanted.start_ns, wanted.end_ns)
            else:
                outcome = await download_bars(work, of, what, wanted.start_ns, wanted.end_ns)
            outcome.seconds = round(time.monotonic() - began, 3)
            outcomes[of.symbol, what] = outcome

    try:
        instruments = await _instruments(work, wanted.pairs)
        await each(instruments, one_pair, len(instruments))
    finally:
        await asking.close()
        keeper.close()
    return [outcomes[of.symbol, what] for of in instruments for what in _in_order(history, wanted.what)]


def _in_order(history: History, what: tuple[str, ...]) -> list[str]:
    """Trades first, also where a timeframe has to be made from them."""
    told = history.bars.timeframes if history.bars is not None else ()
    timeframes = [one for one in dict.fromkeys(what) if one != TRADES]
    needs = TRADES in what or any(one not in told for one in timeframes)
    return [TRADES, *timeframes] if needs else timeframes


async def _instruments(work: Work, pairs: tuple[str, ...]) -> list[Instrument]:
    """The instruments of pairs, listed in the history. raises: CannotDownload naming the nearest pairs."""
    history, venue = work.history, work.history.venue
    try:
        symbols = {pair: VENUES[venue].venue_symbol(pair) for pair in dict.fromkeys(pairs)}
    except ValueError as unknown:
        raise CannotDownload(f"{venue}: {unknown}") from unknown
    try:
        answer = await work.asking.answer(history.rules(list(symbols.values())), Tally())
        told = _read(history, answer)
    except Refused as refused:
        told = _read(history, await work.asking.answer(history.all_rules(), Tally()))
        if all(symbol in told for symbol in symbols.values()):
            raise refused
    for pair, symbol in symbols.items():
        if symbol not in told:
            raise _unknown(venue, pair, told)
    new = [symbol for symbol in symbols.values() if not work.keeper.knows(told[symbol])]
    if new:
        work.keep(msgspec.structs.replace(answer, purpose=" ".join(["rules", *new])))
    found = [work.keeper.registry.find(venue, symbol) for symbol in symbols.values()]
    return [one for one in found if one is not None]


def _read(history: History, answer: Answer) -> dict[str, Instrument]:
    try:
        return {one.venue_symbol: one for one in history.read_rules(answer.body)}
    except UNREADABLE as error:
        raise CannotDownload(
            f"{history.venue} answered {answer.url} with something that cannot be read: {error}"
        ) from error


def _unknown(venue: str, pair: str, told: dict[str, Instrument]) -> CannotDownload:
    names = [one.symbol for one in told.values()]
    near = difflib.get_close_matches(pair.upper(), names, n=3, cutoff=0.4)
    hint = f"; near are {', '.join(near)}" if near else ""
    return CannotDownload(
        f"{venue} has no pair {pair!r}{hint}. Pairs are written BASE/QUOTE, for example 'BTC/USDT'; {len(names):,} were looked through"
    )
