"""GET under /api/v1/backtests: runs that are kept, and of one as much detail as a screen can show.

In:  the number of a run, a stretch of time, a width in pixels.
Out: figures, trades by the page, candles with marks, equity: never more rows than can be seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from litestar import Response, get
from litestar.datastructures import State
from litestar.exceptions import ClientException, HTTPException, NotFoundException
from litestar.params import FromPath, QueryParameter

from ninefold.api.context import ApiContext
from ninefold.api.query import LATEST_NS
from ninefold.api.rows import SIDES, Json, finite
from ninefold.api.scopes import READ
from ninefold.backtest.bars import Bars
from ninefold.report.levels import NAME_OF
from ninefold.report.page import SCRIPT, STYLE, report_page
from ninefold.report.shown import Part, Shown
from ninefold.store.data_dir import WrongFormat
from ninefold.store.runs import BrokenRun, Kept, RunReader, UnknownRun

HELD_MARKETS = 3  # that stay open: a run on a year of 1m bars takes some 80 MB, most of it the bars
HELD_RUNS = 8  # on them; those on the same bars share them
PER_PAGE = 100  # trades
PX_A_CANDLE = 4  # hollow and filled ones can be told apart
From = Annotated[
    int | None, QueryParameter(name="from", description="From this moment on, ns since 1970.", ge=0, le=LATEST_NS)
]
To = Annotated[
    int | None, QueryParameter(name="to", description="Before this moment, ns since 1970.", ge=0, le=LATEST_NS)
]
Pixels = Annotated[int, QueryParameter(description="How wide the picture is.", ge=100, le=10_000)]
PageNumber = Annotated[int, QueryParameter(description=f"From 1 on; {PER_PAGE} trades each.", ge=1, le=1_000_000)]
Limit = Annotated[int, QueryParameter(description="At most so many runs, the newest.", ge=1, le=10_000)]


class Runs:
    """The runs that were looked at last stay in memory, as they were when they were read. One thread at a time reads."""

    def __init__(self, reader: RunReader | None) -> None:
        self._reader = reader
        self._held: OrderedDict[tuple[int, int], tuple[Kept, Shown]] = OrderedDict()
        self._reading = threading.Lock()

    def newest(self, limit: int) -> list[Kept]:
        """raises: HTTPException as `run`."""
        with _in_words():
            return self._reader.list()[:limit] if self._reader is not None else []

    def run(self, number: int) -> tuple[Kept, Shown]:
        """raises: HTTPException 404 or 503 with the store's own words."""
        with _in_words(), self._reading:
            if self._reader is None:
                raise UnknownRun(f"there is no run {number}: this server has no data dir")
            key = (number, self._reader.changed_ns(number))
            found = self._held.pop(key, None)
            if found is None:
                kept = self._reader.kept(number)
                found = kept, Shown(self._reader.run(number), self._bars(kept))
            self._held[key] = found
            while len(self._held) > HELD_RUNS or len({kept.bars for kept, _ in self._held.values()}) > HELD_MARKETS:
                self._held.popitem(last=False)
        return found

    def _bars(self, kept: Kept) -> Bars | None:
        shared = next((shown.bars for other, shown in self._held.values() if other.bars == kept.bars), None)
        return shared if shared is not None or self._reader is None else self._reader.bars(kept.trial)


@get("/backtests", opt=READ)
async def list_backtests(state: State, limit: Limit = 1_000) -> Json:
    """Runs that are kept, newest first, with the single figures of each."""
    runs: Runs = state.runs
    found = await asyncio.to_thread(runs.newest, limit)
    return {"backtests": [{**kept.about, "summary": kept.summary} for kept in found]}


@get("/backtests/{number:int}", opt=READ)
async def show_backtest(state: State, number: FromPath[int]) -> Json:
    """One run: its document but for what is as long as its bars, and what each month and week earned."""
    kept, shown = await _run(state, number)
    return {
        **kept.about,
        "document": shown.short,
        "calendar": shown.calendar,
        "trades": len(shown.trades),
        "timeframes": [NAME_OF.get(width_ns, "") for width_ns in shown.widths],
    }


@get("/backtests/{number:int}/trades", opt=READ)
async def list_backtest_trades(state: State, number: FromPath[int], page: PageNumber = 1) -> Json:
    """Trades, oldest first; the open one is the last. A trade's number counts from 1."""
    _, shown = await _run(state, number)
    first = (page - 1) * PER_PAGE
    pages = max(1, -(-len(shown.trades) // PER_PAGE))
    return {"trades": shown.trades[first : first + PER_PAGE], "total": len(shown.trades), "page": page, "pages": pages}


@get("/backtests/{number:int}/equity", opt=READ)
async def list_backtest_equity(
    state: State, number: FromPath[int], from_ns: From = None, to_ns: To = None, px: Pixels = 1_000
) -> Json:
    """Equity in quote: lowest, highest and last within each pixel, and the deepest fall below what was highest before."""
    _, shown = await _run(state, number)
    return await asyncio.to_thread(_equity, shown, from_ns, to_ns, px)


@get("/backtests/{number:int}/bars", opt=READ)
async def list_backtest_bars(
    state: State, number: FromPath[int], from_ns: From = None, to_ns: To = None, px: Pixels = 1_000
) -> Json:
    """Candles of the finest width that leaves each four pixels, and the fills on them; several of one side are one mark."""
    _, shown = await _run(state, number)
    return await asyncio.to_thread(_bars, shown, from_ns, to_ns, px)


@get("/backtests/{number:int}/report", media_type="text/html", opt=READ)
async def show_backtest_report(state: State, number: FromPath[int]) -> Response[str]:
    """The report as one file that needs nothing else."""
    context: ApiContext = state.context
    kept, shown = await _run(state, number)
    try:
        script, style = [(context.static / name).read_text() for name in (SCRIPT, STYLE)]
    except FileNotFoundError:
        raise NotFoundException("the web front end is not built; run `make setup`") from None
    page = await asyncio.to_thread(report_page, shown, kept.about, script, style)
    return Response(page.text, media_type="text/html", headers={"content-security-policy": page.policy})


BACKTESTS = [
    list_backtests,
    show_backtest,
    list_backtest_trades,
    list_backtest_equity,
    list_backtest_bars,
    show_backtest_report,
]


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except UnknownRun as error:
        raise NotFoundException(str(error)) from None
    except (BrokenRun, WrongFormat) as error:
        raise HTTPException(str(error), status_code=503) from None


async def _run(state: State, number: int) -> tuple[Kept, Shown]:
    runs: Runs = state.runs
    return await asyncio.to_thread(runs.run, number)


def _part(shown: Shown, from_ns: int | None, to_ns: int | None, most: int) -> Part:
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise ClientException(f"from {from_ns} is not before to {to_ns}; write the earlier moment first")
    if shown.bars is None:
        raise NotFoundException("this run has no bars of one market; its document has what there is")
    return shown.part(from_ns, to_ns, most)


def _about_level(part: Part) -> Json:
    width_ns = part.level.candles.width_ns
    return {"timeframe": NAME_OF.get(width_ns, ""), "width_ns": width_ns}


def _bars(shown: Shown, from_ns: int | None, to_ns: int | None, px: int) -> Json:
    part = _part(shown, from_ns, to_ns, px // PX_A_CANDLE)
    candles, marks, rows = part.level.candles, part.level.marks, slice(part.start, part.stop)
    known = candles.known[rows].tolist()
    columns: Json = {"open_ns": [str(ns) for ns in candles.open_ns[rows].tolist()]}
    for name in ("open", "high", "low", "close"):
        texts = shown.prices(getattr(candles, name)[rows])
        columns[name] = [text if is_known else None for text, is_known in zip(texts, known, strict=True)]
    columns["state"] = ["ok" if is_known else "unknown" for is_known in known]
    seen = (marks.row >= part.start) & (marks.row < part.stop)
    return {
        **_about_level(part),
        "decimals": shown.decimals,
        "columns": columns,
        "marks": {
            "open_ns": [str(ns) for ns in candles.open_ns[marks.row[seen]].tolist()],
            "side": [SIDES[side] for side in marks.side[seen].tolist()],
            "count": marks.fills[seen].tolist(),
            "trade": [str(place + 1) for place in marks.trade[seen].tolist()],
            "price": marks.price[seen].tolist(),
        },
    }


def _equity(shown: Shown, from_ns: int | None, to_ns: int | None, px: int) -> Json:
    part = _part(shown, from_ns, to_ns, px)
    line, rows = part.level.line, slice(part.start, part.stop)
    if line is None:
        raise NotFoundException("this run has no equity curve over its bars; its document has what there is")
    columns: Json = {"open_ns": [str(ns) for ns in part.level.candles.open_ns[rows].tolist()]}
    for name in ("low", "high", "last", "fall"):
        columns[name] = [finite(value) for value in getattr(line, name)[rows].tolist()]
    return {**_about_level(part), "columns": columns}
