"""What ccxt itself sends for each of the exchanges that can be traded through it: our id, the amount in base, and the kind of order
that was asked for; and that an order is asked for by our id. A peer on loopback hears it and answers nothing of use."""

from __future__ import annotations

import asyncio
import time
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web

from ninefold.config import Venue
from ninefold.market.instruments import listed
from ninefold.market.records import Order
from ninefold.services.ccxt_client import CcxtClient
from ninefold.venues.order_table import ORDER_ENTRIES, THROUGH_CCXT
from ninefold.venues.signed import Keys, Unsigned
from tests.conftest import missing

pytestmark = pytest.mark.slow

ID = "nf-li2fjfq4hwmsxgzfm36u"
MARKET: dict[str, Any] = {
    "id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "baseId": "BTC", "quoteId": "USDT", "type": "spot",
    "spot": True, "contract": False, "active": True, "swap": False, "future": False, "option": False, "margin": False,
    "precision": {"amount": "0.00001", "price": "0.01"},
    "limits": {"amount": {"min": "0.00001"}, "price": {}, "cost": {}},
    "info": {"orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"]},
}  # fmt: skip
KINDS = ("market", "limit", "post_only", "ioc", "fok")
SAID = {  # type and time in force, by hand from each exchange's documentation as ccxt names it
    "market": {("MARKET", "")},
    "limit": {("LIMIT", "GTC"), ("LIMIT", "")},
    "post_only": {("LIMIT_MAKER", "")},
    "ioc": {("LIMIT", "IOC")},
    "fok": {("LIMIT", "FOK")},
}


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if find_spec("ccxt") is None:
        missing("ccxt is not installed: pip install 'ninefold[ccxt]'")


def sent(venue: str, requests: list[Unsigned]) -> list[tuple[str, dict[str, str]]]:
    """Method and parameters of what each call of ccxt sent."""
    heard: list[tuple[str, dict[str, str]]] = []

    async def hear(request: web.Request) -> web.Response:
        text = await request.text()
        form = msgspec.json.decode(text) if text[:1] == "{" else _flat(text)
        heard.append((request.method, {**_flat(request.query_string), **form}))
        return web.json_response({})

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = Venue(name=venue, rest_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        client = CcxtClient(ORDER_ENTRIES[venue], at, Keys("key", "secret", "words"), time.time_ns, lambda: None)
        client._exchange.options["adjustForTimeDifference"] = False
        client._exchange.set_markets([client._exchange.safe_market_structure(MARKET)])
        for request in requests:
            before = len(heard)
            await client.cancel(request)  # a call once, whatever it is
            assert len(heard) == before + 1, f"{request} sent {len(heard) - before} requests"
        await client.close()
        await runner.cleanup()

    asyncio.run(run())
    return heard


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


def order(kind: str, side: int, instrument_id: int = 1, number: str = "") -> Order:
    """Of 0.01 BTC at 50,000."""
    return Order(
        seq=1, known_ns=1, client_order_id=ID, instrument=instrument_id, side=side, size=1_000, status="sent",
        order_type=kind, price=0 if kind == "market" else 5_000_000, venue_order_id=number,
    )  # fmt: skip


@pytest.mark.parametrize("venue", THROUGH_CCXT)
def test_each_exchange_is_sent_what_was_asked_for_with_our_id(venue):
    entry, of = ORDER_ENTRIES[venue], listed(venue, "BTC/USDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    asked = [order(kind, side) for kind in KINDS for side in (1, -1)]
    kept = [one for one in asked if entry.requests.holds(one, of)]
    assert {"market", "limit", "ioc"} <= {one.order_type for one in kept}
    for one, (method, said) in zip(
        kept, sent(venue, [entry.requests.build_order(one, of) for one in kept]), strict=True
    ):
        assert method == "POST"
        assert said["newClientOrderId"] == ID
        assert (said["side"], float(said["quantity"])) == ("BUY" if one.side > 0 else "SELL", 0.01)
        assert (said["type"], said.get("timeInForce", "")) in SAID[one.order_type], said
        assert float(said.get("price", 0)) == (0 if one.order_type == "market" else 50_000)
        assert not {"quoteOrderQty", "postOnly"} & said.keys()


@pytest.mark.parametrize("venue", THROUGH_CCXT)
def test_each_exchange_is_asked_by_our_id_until_it_has_numbered_the_order(venue):
    entry, of = ORDER_ENTRIES[venue], listed(venue, "BTC/USDT", "BTC", "USDT", tick="0.01", lot="0.00001")
    lost, numbered = order("limit", 1), order("limit", 1, number="77")
    fills, cancel = entry.requests.ask_fills(numbered, of), entry.requests.cancel_order(numbered, of)
    assert fills is not None and cancel is not None
    questions = [*entry.requests.ask_order(lost, of), *entry.requests.ask_order(numbered, of), fills, cancel]
    by_id, by_number, of_order, cancelled = sent(venue, questions)
    assert (by_id[0], by_id[1]["origClientOrderId"]) == ("GET", ID) and "orderId" not in by_id[1]
    assert (by_number[0], by_number[1]["orderId"]) == ("GET", "77") and "origClientOrderId" not in by_number[1]
    assert of_order[0] == "GET" and {of_order[1].get("orderId"), of_order[1].get("clientOrderId")} <= {"77", ID, None}
    assert of_order[1].keys() & {"orderId", "clientOrderId"}
    assert (cancelled[0], cancelled[1]["orderId"]) == ("DELETE", "77")


@pytest.mark.parametrize("venue", THROUGH_CCXT)
def test_each_exchange_has_an_error_for_an_order_that_is_not_there(venue):
    """Without one, an order that never arrived would be asked about for ever."""
    from ccxt import OrderNotFound

    client = CcxtClient(
        ORDER_ENTRIES[venue], Venue(name=venue), Keys("key", "secret", "words"), time.time_ns, lambda: None
    )
    assert OrderNotFound in set(_leaves(client._exchange.exceptions))


def _leaves(tree: Any) -> list[Any]:
    return [leaf for each in tree.values() for leaf in _leaves(each)] if isinstance(tree, dict) else [tree]
