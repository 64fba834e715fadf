"""A download from a venue that is spoken, and what it stored, in the truth's form."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ninefold.history.download import Wanted, download
from ninefold.history.keep import FOLDER
from ninefold.history.outcome import Outcome
from ninefold.market.arrays import BAR_UNKNOWN, BUY
from ninefold.store.read import Reader

from .base import Speaker, Standing
from .loop import Loop, run
from .market import WIDTHS, Bar, Trade

NOT_TOLD = Decimal(-1)


class Did(NamedTuple):
    """outcomes: by timeframe; empty if it was cut off. told: what the user was told meanwhile."""

    outcomes: dict[str, Outcome]
    standing: Standing
    told: list[str]


def fetch(
    speaker: Speaker,
    data_dir: Path,
    *what: str,
    pair: str = "",
    span: tuple[int, int] | None = None,
    busy_at: frozenset[int] = frozenset(),
    cut_at: int = 0,
) -> Did:
    """Download while time passes by itself. cut_at: it is cancelled when that question comes. Files are where REST is."""
    told: list[str] = []

    async def do(loop: Loop) -> Did:
        standing = Standing(speaker, loop)
        standing.busy_at, standing.cut_at = busy_at, cut_at
        async with standing.listening() as url:
            range_ns = span or speaker.market.span
            wanted = Wanted(speaker.venue, (pair or speaker.pair,), what, *range_ns, url, url if speaker.files else "")
            now_ns = speaker.market.now_ns
            work = asyncio.ensure_future(
                download(wanted, data_dir, lambda: now_ns + int(loop.time() * 1e9), lambda *_: None, told.append)
            )
            cut = asyncio.ensure_future(standing.cut.wait())
            await asyncio.wait({work, cut}, return_when=asyncio.FIRST_COMPLETED)
            cut.cancel()
            work.cancel()  # does nothing to what is done
            await asyncio.wait({work})
            outcomes = [] if work.cancelled() else work.result()
        return Did({one.what: one for one in outcomes}, standing, told)

    return run(do)


def stored_bars(data_dir: Path, timeframe: str, span: tuple[int, int]) -> dict[int, Bar | None]:
    """By open; None for an unknown one."""
    width_ns = WIDTHS[timeframe]
    found: dict[int, Bar | None] = {}
    reader = Reader(data_dir / FOLDER)
    for of in reader.registry():
        for row in reader.bars(of.id, width_ns, span[0] + width_ns, span[1] + width_ns, newest=False):
            open_ns = int(row["open_ns"])
            assert open_ns not in found, "a bar is stored twice"
            prices = [_exact(row[name], of.price_decimals) for name in ("open", "high", "low", "close")]
            bought = NOT_TOLD if row["buy_volume"] == -1 else _exact(row["buy_volume"], of.size_decimals)
            made = Bar(*prices, _exact(row["volume"], of.size_decimals), bought, int(row["trades"]))
            found[open_ns] = None if row["state"] == BAR_UNKNOWN else made
    return found


def told_bars(speaker: Speaker, timeframe: str) -> dict[int, Bar | None]:
    """The truth as far as the venue tells it; None between bars that it tells, nothing before and after."""
    found: dict[int, Bar | None] = {}
    width_ns, (start_ns, end_ns) = WIDTHS[timeframe], speaker.market.span
    bars = speaker.market.bars(width_ns, start_ns - width_ns, end_ns)
    for open_ns, bar in bars.items():
        if open_ns < start_ns:
            continue
        bar = speaker.known(bar, bars.get(open_ns - width_ns))
        bought = bar.bought if speaker.bought else NOT_TOLD
        trades = bar.trades if speaker.counted else -1
        quiet = not bar.trades and speaker.quiet == "left out"
        found[open_ns] = None if quiet else bar._replace(bought=bought, trades=trades)
    known = [open_ns for open_ns, bar in found.items() if bar is not None]
    return {open_ns: bar for open_ns, bar in found.items() if known[0] <= open_ns <= known[-1]}


def stored_trades(data_dir: Path, span: tuple[int, int]) -> list[tuple[object, ...]]:
    """By id, of the range."""
    reader = Reader(data_dir / FOLDER)
    found = []
    for of in reader.registry():
        for row in reader.trades(of.id, *span):
            price, size = _exact(row["price"], of.price_decimals), _exact(row["size"], of.size_decimals)
            found.append((int(row["id_lo"]), int(row["exchange_ns"]), price, size, row["taker_side"] == BUY))
    return sorted(found)


def as_stored(trades: list[Trade]) -> list[tuple[object, ...]]:
    return [(one.id, one.time_ns, Decimal(one.price), Decimal(one.size), one.buy) for one in trades]


def _exact(units: int, decimals: int) -> Decimal:
    return Decimal(int(units)).scaleb(-decimals)
