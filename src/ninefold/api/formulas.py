"""`/series`: any formula over stored bars, within limits.

In:  the text of a formula, an instrument, a timeframe, a window.
Out: opening times and values in quote and base units; null in the warm-up and where something is unknown.

A value is defined from the anchor, the first stored bar, so all bars since then are read and a window only cuts the
answer. What bounds the cost: the length of the text, the parts of the formula, the bars since the anchor, the rows
of the answer, how many are computed at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from litestar.exceptions import ClientException, HTTPException

from ninefold.api.context import ApiContext
from ninefold.api.history import bars, told
from ninefold.api.query import Window
from ninefold.api.rows import Json, finite
from ninefold.api.series import BarTuple
from ninefold.formula import COLUMNS, FormulaError, Scale, Term, batch, parse, sources, to_quote
from ninefold.market.arrays import BARS
from ninefold.market.columns import columns
from ninefold.market.instruments import Instrument
from ninefold.market.values import known_of, told_of

LONGEST_FORMULA = 500  # characters
MOST_PARTS = 100  # of one formula
MOST_BARS = 200_000  # from the anchor: 55 hours of 1s bars, 138 days of 1m bars
MOST_ROWS = 5_000  # of one answer
MOST_SECONDS = 5.0
AT_ONCE = 8  # pages that are open at the same time
RULES = (
    f"formula of at most {LONGEST_FORMULA} characters and {MOST_PARTS} parts over {' '.join(COLUMNS)}; "
    f"at most {MOST_BARS} bars since the first stored one; {MOST_ROWS} rows an answer; "
    f"{AT_ONCE} at once; {MOST_SECONDS:.0f} s"
)


@dataclass(frozen=True)
class Wanted:
    """What one request for a series asks for."""

    instrument: Instrument
    width_ns: int
    term: Term
    window: Window


class Formulas:
    """Computes series, AT_ONCE at a time; the rest are refused rather than queued."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._running = 0

    async def series(self, text: str, wanted: Wanted) -> Json:
        """raises: HTTPException 429, 422 or 503 naming the limit that was met."""
        if self._running >= AT_ONCE:
            raise HTTPException(
                f"{AT_ONCE} formulas are being computed; ask again in a second",
                status_code=429,
                headers={"Retry-After": "1"},
            )
        self._running += 1
        work = asyncio.ensure_future(self._computed(text, wanted))
        work.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(work), MOST_SECONDS)
        except TimeoutError:
            raise HTTPException(
                f"the formula took more than {MOST_SECONDS:.0f} s; use a wider timeframe or a simpler formula",
                status_code=503,
            ) from None

    def _done(self, work: asyncio.Future[Json]) -> None:
        self._running -= 1
        if not work.cancelled():
            work.exception()  # seen here too: the request may have been answered already

    async def _computed(self, text: str, wanted: Wanted) -> Json:
        from_anchor = Window(None, wanted.window.end_ns, MOST_BARS + 1)
        rows = await bars(self._context, wanted.instrument.id, wanted.width_ns, from_anchor)
        if len(rows) > MOST_BARS:
            raise HTTPException(
                f"there are more than {MOST_BARS} bars since the first stored one; use a wider timeframe",
                status_code=422,
            )
        said = await told(self._context, wanted.instrument.id, wanted.width_ns, wanted.term.columns)
        answer = await asyncio.to_thread(evaluated, wanted, rows, said)
        return {"formula": text, "unit": str(wanted.term.unit), "warm_up": wanted.term.warm_up, "columns": answer}


def term_of(text: str) -> Term:
    """raises: ClientException (400) with the formula's own words."""
    if len(text) > LONGEST_FORMULA:
        raise ClientException(f"the formula has {len(text)} characters; allowed are {LONGEST_FORMULA}")
    try:
        term = parse(text)
    except FormulaError as error:
        raise ClientException(str(error)) from None
    if sources([term]):
        raise ClientException("a series is of one instrument and one width; leave out at(...) and on(...)")
    if term.size > MOST_PARTS:
        raise ClientException(f"the formula has {term.size} parts; allowed are {MOST_PARTS}")
    return term


def evaluated(wanted: Wanted, rows: Sequence[BarTuple], said: np.ndarray) -> Json:
    """Columns of the rows in the window.

    rows: all bars from the anchor, tuples in the order of BARS. said: VALUES rows, what was told of those bars.
    """
    held = np.array(rows, BARS)
    scale = Scale(wanted.instrument.price_decimals, wanted.instrument.size_decimals)
    read = columns(held, told_of(held, known_of(said)))
    values = to_quote(wanted.term, batch(wanted.term, read, scale), scale)
    start_ns = wanted.window.start_ns
    first = 0 if start_ns is None else int(np.searchsorted(held["open_ns"], start_ns))
    first = max(first, len(held) - wanted.window.limit)
    return {
        "open_ns": [str(open_ns) for open_ns in held["open_ns"][first:].tolist()],
        "value": [finite(value) for value in values[first:].tolist()],
    }
