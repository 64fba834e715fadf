"""Orders and questions of every venue to which orders can be sent, and what is sent for them.

In:  the table of order entries. Out: for each venue its requests by name, and these signed with keys and a time of ours.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.records import Order
from ninefold.venues.order_entry import OrderEntry, Requests
from ninefold.venues.order_table import ORDER_ENTRIES
from ninefold.venues.signed import Keys, Signed, Unsigned
from tests.venues_orders.tokens import PEM, opened

NOW_MS = 1_763_800_000_123
NONCE = "1763800000123"
ID = "nf-li2fjfq4hwmsxgzfm36u"
KEYS = {"kraken": Keys("the-key", "dGhlLXNlY3JldA=="), "coinbase": Keys("organizations/o/apiKeys/k", PEM)}
REGISTRY = Registry()


def _listed(venue: str, symbol: str, base: str, quote: str, settle: str = "") -> Instrument:
    rules = {"symbol": f"{base}/{quote}:{settle}", "settle": settle, "kind": "swap"} if settle else {}
    return REGISTRY.add(listed(venue, symbol, base, quote, tick="0.1", lot="0.001", finer=(2, 3), **rules))


INSTRUMENTS: Mapping[str, list[Instrument]] = {
    "bybit": [
        _listed("bybit", "spot:BTCUSDT", "BTC", "USDT"),
        _listed("bybit", "BTCUSDT", "BTC", "USDT", "USDT"),
        _listed("bybit", "BTCUSD", "BTC", "USD", "BTC"),
    ],
    "binanceusdm": [_listed("binanceusdm", "BTCUSDT", "BTC", "USDT", "USDT")],
    "coinbase": [_listed("coinbase", "BTC-USD", "BTC", "USD")],
    "kraken": [_listed("kraken", "BTC/USD", "BTC", "USD")],
    "okx": [_listed("okx", "BTC-USDT", "BTC", "USDT"), _listed("okx", "BTC-USDT-SWAP", "BTC", "USDT", "USDT")],
}
KINDS: Mapping[str, dict[str, object]] = {
    "market": {},
    "limit": {"price": "60000.5"},
    "post only": {"order_type": "post_only", "price": "60000.5"},
    "ioc": {"price": "60000.5"},
    "fok": {"price": "60000.5"},
    "stop": {"trigger": "59000"},
    "stop limit": {"order_type": "stop", "trigger": "59000", "price": "58990.5"},
    "take profit": {"order_type": "take_profit", "trigger": "61000"},
    "take profit limit": {"order_type": "take_profit", "trigger": "61000", "price": "61010.5"},
    "market reduce only": {"order_type": "market", "reduce_only": True},
    "trailing": {"trigger": "100"},
}


def order_of(instrument: Instrument, kind: str, side: int) -> Order:
    """0.0123 of the instrument."""
    fields = KINDS[kind]
    prices = {name: _units(instrument, fields.get(name)) for name in ("price", "trigger")}
    return Order(
        seq=5,
        known_ns=5,
        client_order_id=ID,
        instrument=instrument.id,
        side=side,
        size=12_300,
        status="intended",
        order_type=str(fields.get("order_type", kind)),
        reduce_only=bool(fields.get("reduce_only")),
        **prices,
    )


def requests_of(venue: str) -> dict[str, Unsigned]:
    entry = ORDER_ENTRIES[venue]
    made = {name: request for instrument in INSTRUMENTS[venue] for name, request in _of_orders(entry, instrument)}
    for number, request in enumerate(entry.requests.ask_open_orders(INSTRUMENTS[venue])):
        made[f"open orders {number}"] = request
    made["balances"] = entry.requests.ask_balances()
    rights = entry.requests.ask_rights()
    if rights is not None:
        made["rights"] = rights
    token = entry.requests.TOKEN
    if token is not None:
        made["token"] = token.ask
    if token is not None and token.keep is not None:
        made["token kept"] = token.keep
    return made


def signed(venue: str, request: Unsigned) -> Signed:
    """A token of its own for each request is opened, and its signature verified: no two signatures are the same."""
    requests = ORDER_ENTRIES[venue].requests
    sent = requests.sign(request, requests.REST_URL, keys_of(venue), NOW_MS, NONCE)
    bearer = sent.headers.get("Authorization")
    if bearer is None:
        return sent
    return msgspec.structs.replace(sent, headers={**sent.headers, "Authorization": opened(bearer)})


def keys_of(venue: str) -> Keys:
    return KEYS.get(venue, Keys("the-key", "the-secret", "the-phrase"))


def _of_orders(entry: OrderEntry, instrument: Instrument) -> Iterator[tuple[str, Unsigned]]:
    asks = entry.requests
    for kind in KINDS:
        for side, word in ((1, "buy"), (-1, "sell")):
            order = order_of(instrument, kind, side)
            if not asks.holds(order, instrument):
                continue
            name = f"{instrument.symbol} {kind} {word}"
            yield name, asks.build_order(order, instrument)
            if kind not in ("limit", "stop", "stop limit") or side > 0:
                continue
            known = msgspec.structs.replace(order, venue_order_id="7654321")
            for what, request in _by_number(asks, known, instrument):
                yield f"{name}: {what}", request
            for state in (order, known):
                for number, request in enumerate(asks.ask_order(state, instrument)):
                    yield f"{name}: asked {number}{' by number' * bool(state.venue_order_id)}", request


def _by_number(asks: Requests, known: Order, instrument: Instrument) -> Iterator[tuple[str, Unsigned]]:
    """What every venue can be asked once it has given the order a number."""
    for what, request in (
        ("cancel", asks.cancel_order(known, instrument)),
        ("fills", asks.ask_fills(known, instrument)),
    ):
        assert request is not None
        yield what, request


def _units(instrument: Instrument, text: object) -> int:
    whole, _, fraction = str(text or "0").partition(".")
    return int(whole + fraction.ljust(instrument.price_decimals, "0"))
