"""A download from a venue that is spoken, and what it stored, in the truth's form."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from ninefold.history.download import Wanted, download
from ninefold.history.keep import FOLDER
from ninefold.history.outcome import Outcome
from ninefold.market.arrays import BAR_UNKNOWN, BUY
from ninefold.store.read import Reader

from .base import Speaker, Standing
from .loop import Loop, run
from .market import WIDTHS, Bar

NOT_TOLD = Decimal(-1)
Key = TypeVar("Key")


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


def stored_bars(data_dir: Path, timeframe: str, span: tuple[int, int]) -> dict[int, Bar]:
    """By open; what is unknown is left out."""
    width_ns = WIDTHS[timeframe]
    found: dict[int, Bar] = {}
    reader = Reader(data_dir / FOLDER)
    for of in reader.registry():
        for row in reader.bars(of.id, width_ns, span[0] + width_ns, span[1] + width_ns, newest=False):
            open_ns = int(row["open_ns"])
            if row["state"] == BAR_UNKNOWN:
                continue
            assert open_ns not in found, "a bar is stored twice"
            prices = [_exact(row[name], of.price_decimals) for name in ("open", "high", "low", "close")]
            bought = NOT_TOLD if row["buy_volume"] == -1 else _exact(row["buy_volume"], of.size_decimals)
            found[open_ns] = Bar(*prices, _exact(row["volume"], of.size_decimals), bought, int(row["trades"]))
    return found


def told_bars(speaker: Speaker, timeframe: str) -> dict[int, Bar]:
    """The truth as far as the venue's candles tell it."""
    found: dict[int, Bar] = {}
    width_ns, (start_ns, end_ns) = WIDTHS[timeframe], speaker.market.span
    bars = speaker.market.bars(width_ns, start_ns - width_ns, end_ns)
    for open_ns, bar in bars.items():
        if open_ns >= start_ns and (bar.trades or speaker.quiet == "told"):
            made = speaker.known(bar, bars.get(open_ns - width_ns))
            bought = made.bought if speaker.bought else NOT_TOLD
            found[open_ns] = made._replace(bought=bought, trades=made.trades if speaker.counted else -1)
    return found


def stored_trades(data_dir: Path, span: tuple[int, int]) -> dict[int, tuple[object, ...]]:
    """By id, of the range."""
    reader = Reader(data_dir / FOLDER)
    found: dict[int, tuple[object, ...]] = {}
    for of in reader.registry():
        for row in reader.trades(of.id, *span):
            price, size = _exact(row["price"], of.price_decimals), _exact(row["size"], of.size_decimals)
            assert int(row["id_lo"]) not in found, "a trade is stored twice"
            found[int(row["id_lo"])] = (int(row["exchange_ns"]), price, size, row["taker_side"] == BUY)
    return found


def told_trades(speaker: Speaker) -> dict[int, tuple[object, ...]]:
    """Those of the market's span, as far as the venue tells them."""
    start_ns, end_ns = speaker.market.span
    inside = [one for one in speaker.past_trades() if start_ns <= one.time_ns < end_ns]
    return {one.id: (one.time_ns, Decimal(one.price), Decimal(one.size), one.buy) for one in inside}


def differing(found: Mapping[Key, object], truth: Mapping[Key, object]) -> list[tuple[object, ...]]:
    """The first few differences: whole markets are too long to be compared by eye."""
    keys = sorted(key for key in {*found, *truth} if found.get(key) != truth.get(key))
    return [(key, found.get(key), truth.get(key)) for key in keys[:3]]


def _exact(units: int, decimals: int) -> Decimal:
    return Decimal(int(units)).scaleb(-decimals)
