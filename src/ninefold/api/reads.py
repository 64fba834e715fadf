"""GET under /api/v1: what was, oldest or newest first as each says, within limits that OpenAPI shows."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import Annotated, Literal

from litestar import get
from litestar.datastructures import State
from litestar.params import QueryParameter

from ninefold.api import history
from ninefold.api.context import ApiContext
from ninefold.api.formulas import MOST_ROWS, RULES, Formulas, Wanted, term_of
from ninefold.api.live import LiveView, instruments
from ninefold.api.query import LATEST_NS, instrument_named, width_named, window
from ninefold.api.rows import Json, bar_columns, forecast_row, target_row, trade_row
from ninefold.api.scopes import READ
from ninefold.api.tape import Tape
from ninefold.market.time import TIMEFRAMES

Instrument = Annotated[str, QueryParameter(description="A name such as binance:BTC/USDT.", max_length=100)]
Timeframe = Annotated[str, QueryParameter(description=f"One of {' '.join(TIMEFRAMES)}.", max_length=8)]
Before = Annotated[
    int | None, QueryParameter(description="Only what lies before this moment, ns since 1970.", ge=0, le=LATEST_NS)
]
Timerange = Annotated[
    str | None,
    QueryParameter(
        description="START-END, each YYYYMMDD or seconds, milliseconds or nanoseconds since 1970.", max_length=40
    ),
]
Formula = Annotated[str, QueryParameter(description="Such as sma(close, 10) > sma(close, 30).")]
Limit = Annotated[int, QueryParameter(description="At most so many rows, the newest.", ge=1, le=MOST_ROWS)]
EquityLimit = Annotated[int, QueryParameter(description="At most so many points, the newest.", ge=1, le=20_000)]
Name = Annotated[str | None, QueryParameter(max_length=100)]
OneTimeframe = Annotated[str | None, QueryParameter(max_length=8)]
Kind = Annotated[Literal["may", "has", "alarm"] | None, QueryParameter(description="Only messages of this kind.")]


@get("/instruments", opt=READ)
async def list_instruments(state: State) -> Json:
    """Every instrument, in its current version."""
    return instruments(_view(state))


@get("/bars", opt=READ)
async def list_bars(
    state: State,
    instrument: Instrument,
    timeframe: Timeframe,
    limit: Limit = 500,
    before_ns: Before = None,
    timerange: Timerange = None,
) -> Json:
    """Finished bars as columns, oldest first, the newest revision of each."""
    context: ApiContext = state.context
    found, width_ns = instrument_named(context.view, instrument), width_named(timeframe)
    rows = await history.bars(context, found.id, width_ns, window(limit, before_ns, timerange))
    columns = await asyncio.to_thread(bar_columns, rows, found)
    return {"instrument": found.name, "timeframe": timeframe, "columns": columns}


@get("/series", description=f"A formula over stored bars, from the first one on. Limits: {RULES}.", opt=READ)
async def compute_series(
    state: State,
    instrument: Instrument,
    timeframe: Timeframe,
    formula: Formula,
    limit: Limit = 500,
    before_ns: Before = None,
    timerange: Timerange = None,
) -> Json:
    """Opening times and values, oldest first; null in the warm-up and where something is unknown."""
    context: ApiContext = state.context
    formulas: Formulas = state.formulas
    found, width_ns = instrument_named(context.view, instrument), width_named(timeframe)
    wanted = Wanted(found, width_ns, term_of(formula), window(limit, before_ns, timerange))
    return await formulas.series(formula, wanted)


@get("/trades", opt=READ)
async def list_trades(
    state: State, instrument: Instrument, limit: Limit = 200, before_ns: Before = None, timerange: Timerange = None
) -> Json:
    """Trades, oldest first."""
    context: ApiContext = state.context
    found = instrument_named(context.view, instrument)
    rows = await history.trades(context, found.id, window(limit, before_ns, timerange))
    return {"trades": await asyncio.to_thread(lambda: [trade_row(row, found) for row in rows.tolist()])}


@get("/completeness", opt=READ)
async def show_completeness(
    state: State, instrument: Instrument, timerange: Timerange = None, timeframe: OneTimeframe = None
) -> Json:
    """How complete the stored trades are, captured and downloaded, by the certificates; or the bars of a timeframe: spans of
    one state each, and the holes in them.
    """
    context: ApiContext = state.context
    found, asked = instrument_named(context.view, instrument), window(1, None, timerange)
    width_ns = None if timeframe is None else width_named(timeframe)
    if context.completeness is None:
        return {"instrument": found.name, "spans": [], "holes": []}
    return await asyncio.to_thread(context.completeness, found.name, asked.start_ns, asked.end_ns, width_ns)


@get("/forecasts", opt=READ)
async def list_forecasts(
    state: State,
    instrument: Name = None,
    timeframe: OneTimeframe = None,
    limit: Limit = 200,
) -> Json:
    """The newest forecasts that the live view holds, newest first; quantiles and mean are log returns."""
    view = _view(state)
    rows = history.rows(view.forecasts, "forecasts", _keys(view, view.forecasts, instrument, timeframe), limit)
    return {"forecasts": [forecast_row(row, view.instrument(row[0])) for row in reversed(rows.tolist())]}


@get("/targets", opt=READ)
async def list_targets(
    state: State,
    instrument: Name = None,
    timeframe: OneTimeframe = None,
    limit: Limit = 200,
) -> Json:
    """The newest targets that the live view holds, newest first."""
    view = _view(state)
    rows = history.rows(view.targets, "targets", _keys(view, view.targets, instrument, timeframe), limit)
    return {"targets": [target_row(row, view.instrument(row[0])) for row in reversed(rows.tolist())]}


@get("/orders", opt=READ)
async def list_orders(state: State, instrument: Name = None, status: Name = None, limit: Limit = 200) -> Json:
    """The newest orders that the live view holds in their latest state, newest first."""
    wanted = (
        row
        for row in _view(state).account.orders()
        if instrument in (None, row["instrument"]) and status in (None, row["status"])
    )
    return {"orders": list(islice(wanted, limit))}


@get("/fills", opt=READ)
async def list_fills(state: State, instrument: Name = None, limit: Limit = 200) -> Json:
    """The newest fills that the live view holds, newest first."""
    wanted = (row for row in _view(state).account.fills() if instrument in (None, row["instrument"]))
    return {"fills": list(islice(wanted, limit))}


@get("/equity", opt=READ)
async def list_equity(state: State, limit: EquityLimit = 2_000) -> Json:
    """The newest points of the account's worth, oldest first; older ones are thinned out."""
    return await asyncio.to_thread(_view(state).account.equity_columns, limit)


@get("/messages", opt=READ)
async def list_messages(state: State, kind: Kind = None, limit: Limit = 200) -> Json:
    """MAY, HAS and alarms, newest first, and how good the MAYs were."""
    messages = _view(state).messages
    return {"messages": messages.newest(limit, kind), "scores": messages.scores()}


@get("/services", opt=READ)
async def list_services(state: State) -> Json:
    """The nine services in pipeline order; latencies of the last minute in ns."""
    context: ApiContext = state.context
    return {"services": context.view.services.rows(context.now_ns())}


@get("/status", opt=READ)
async def show_status(state: State) -> Json:
    """The whole in one line."""
    context: ApiContext = state.context
    return context.view.status(context.now_ns())


READS = [
    list_instruments,
    list_bars,
    compute_series,
    list_trades,
    show_completeness,
    list_forecasts,
    list_targets,
    list_orders,
    list_fills,
    list_equity,
    list_messages,
    list_services,
    show_status,
]


def _view(state: State) -> LiveView:
    context: ApiContext = state.context
    return context.view


def _keys(
    view: LiveView, tapes: dict[tuple[int, int], Tape], instrument: str | None, timeframe: str | None
) -> list[tuple[int, int]]:
    """The tapes of one instrument and width, or of all where none is named."""
    id = None if instrument is None else instrument_named(view, instrument).id
    width_ns = None if timeframe is None else width_named(timeframe)
    return [key for key in tapes if id in (None, key[0]) and width_ns in (None, key[1])]
