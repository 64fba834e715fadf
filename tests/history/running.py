"""Downloads in tests: run one against a market on loopback, and read back what is stored, without its times of arrival."""

import asyncio
from decimal import Decimal
from pathlib import Path

from ninefold.history.download import Wanted, download
from ninefold.history.keep import FOLDER
from ninefold.history.outcome import Outcome
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.store.read import Reader

from .exchange import INTERVALS, Bar, Exchange, Trade, bars_of

PAIRS = {"binance": "BTC/USDT", "coinbase": "BTC/USD", "kraken": "BTC/USD"}


def silent(*_: object) -> None:
    """No progress is shown."""


def fetch(
    exchange: Exchange,
    data_dir: Path,
    *what: str,
    venue: str = "binance",
    span: tuple[int, int],
    files: bool = False,
    pairs: tuple[str, ...] = (),
) -> dict[str, Outcome]:
    """One download, and what it did by timeframe."""

    async def run() -> list[Outcome]:
        async with exchange.running() as url:
            wanted = Wanted(venue, pairs or (PAIRS[venue],), what, *span, url, url if files else "")
            return await download(wanted, data_dir, lambda: exchange.now_ns, silent, silent)

    return {outcome.what: outcome for outcome in asyncio.run(run())}


def stored_trades(data_dir: Path, span: tuple[int, int], venue: str = "binance") -> list[Trade]:
    """By id; what is outside of the range proves its ends."""
    found = []
    reader = Reader(data_dir / FOLDER)
    for of in reader.registry():
        for row in reader.trades(of.id, *span):
            price, size = (
                Decimal(int(row[name])).scaleb(-places)
                for name, places in (("price", of.price_decimals), ("size", of.size_decimals))
            )
            found.append((int(row["id_lo"]), int(row["exchange_ns"]), price, size, row["taker_side"] == 1))
    return sorted(found)


def true_trades(trades: list[Trade], span: tuple[int, int]) -> list[tuple]:
    inside = [one for one in trades if span[0] <= one.time_ns < span[1]]
    return [(one.id, one.time_ns, Decimal(one.price), Decimal(one.size), one.buy) for one in inside]


def stored_bars(data_dir: Path, timeframe: str, span: tuple[int, int]) -> dict[int, Bar | None]:
    """Bars by open; None for an unknown one."""
    width_ns = INTERVALS[timeframe] if timeframe in INTERVALS else 5 * 10**9
    found: dict[int, Bar | None] = {}
    reader = Reader(data_dir / FOLDER)
    for of in reader.registry():
        for row in reader.bars(of.id, width_ns, span[0] + width_ns, span[1] + width_ns, newest=False):
            prices = [Decimal(int(row[name])).scaleb(-of.price_decimals) for name in ("open", "high", "low", "close")]
            sizes = [Decimal(int(row[name])).scaleb(-of.size_decimals) for name in ("volume", "buy_volume")]
            known = row["state"] != BAR_UNKNOWN
            open_ns = int(row["open_ns"])
            assert open_ns not in found, "a bar is stored twice"
            found[open_ns] = Bar(open_ns, *prices, *sizes, int(row["trades"])) if known else None
    return found


def true_bars(trades: list[Trade], timeframe: str, span: tuple[int, int]) -> dict[int, Bar]:
    return {one.open_ns: one for one in bars_of(trades, INTERVALS[timeframe], *span)}
