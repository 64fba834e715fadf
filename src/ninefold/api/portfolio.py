"""Whose positions, money and fees are whose, and the order to sell them out.

In:  the account as its events tell it; who asks for what. Out: rows by strategy that sum to the account; a request that was
     taken.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from litestar.params import JSONBody

from ninefold.api.attributed import attribution
from ninefold.api.context import ApiContext
from ninefold.api.live import LiveView
from ninefold.api.query import instrument_named
from ninefold.api.rows import Json
from ninefold.api.scopes import READ, TRADE


class Flatten(msgspec.Struct, forbid_unknown_fields=True):
    """Who sells out, and what: an instrument by its name, everything where it is empty."""

    by: str
    instrument: Annotated[str, msgspec.Meta(max_length=100)] = ""


@get("/attribution", opt=READ)
async def show_attribution(state: State) -> Json:
    """Fills, fees and positions by strategy; together they are the account's, to the last unit. `worth` is what came in less
    what went out, at the last mid prices in `quote`; null while one is unknown.
    """
    context: ApiContext = state.context
    view = context.view
    return {"quote": view.account.quote, **attribution(view.booked, lambda asset, amount: _worth(view, asset, amount))}


@post("/flatten", status_code=202, opt=TRADE)
async def flatten(state: State, data: JSONBody[Flatten]) -> Json:
    """Cancel and sell out at once, without asking back. Messages tell when it is done, and what is left."""
    context: ApiContext = state.context
    if not data.by.strip():
        raise ClientException("by is empty; say who does it")
    if data.instrument:
        instrument_named(context.view, data.instrument)
    await context.flatten(data.by, data.instrument)
    return {"accepted": "flatten", "instrument": data.instrument or None}


def _worth(view: LiveView, asset: str, amount: int) -> int | None:
    """At the last mid of the asset in the account's quote."""
    if asset == view.account.quote:
        return amount
    for instrument in view.registry.current():
        if (instrument.base, instrument.quote) == (asset, view.account.quote) and instrument.id in view.quotes:
            _, _, _, _, _, bid, _, ask, _ = view.quotes[instrument.id][1]
            if 0 < bid <= ask:
                return int(amount * (bid + ask) // (2 * 10**instrument.price_decimals))
    return None


PORTFOLIO = [show_attribution, flatten]
