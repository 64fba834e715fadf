"""Answers of venues about orders and accounts, as records that can be compared by reading.

In:  tests/samples/VENUE/account: each file names the page of the documentation after which we wrote it, the kind of the
     answer, and the body or frame. Out: records as lines of text, with sizes and prices as people write them.
"""

import json
from pathlib import Path

import msgspec

from ninefold.market.numbers import to_short_text
from ninefold.market.records import AnyRecord, Balance, Fill, Malformed, Order
from ninefold.venues.account_answers import Reply
from ninefold.venues.order_table import ORDER_ENTRIES
from tests.venues_orders.order_cases import ID, INSTRUMENTS, REGISTRY, order_of

SAMPLES = Path(__file__).parent.parent / "samples"
NUMBERS = {  # of the order in the samples, at venues that tell fills by it alone
    "binanceusdm": "22542179",
    "coinbase": "0b1c2d3e-4f50-4617-8899-aabbccddeeff",
    "kraken": "OQCLML-BW3P3-BUCMWZ",
}
ASKED = {"order_answer", "order_status", "my_trades"}


def names(venue: str) -> list[str]:
    return sorted(path.stem for path in (SAMPLES / venue / "account").glob("*.json"))


def sample(venue: str, name: str) -> dict[str, object]:
    read: dict[str, object] = json.loads((SAMPLES / venue / "account" / f"{name}.json").read_text())
    return read


def payload(venue: str, name: str) -> bytes:
    """As a gateway hands it on. A question was about a limit order to buy, or about a stop, where its name says so."""
    one = sample(venue, name)
    if one["kind"] == "user_event":
        return json.dumps(one["told"]).encode()
    kind = "stop" if "stop" in name else "limit"
    number = NUMBERS.get(venue, "") if one["kind"] == "my_trades" else ""
    order = msgspec.structs.replace(order_of(INSTRUMENTS[venue][0], kind, 1), venue_order_id=number)
    return reply(200, json.dumps(one["told"]), order if one["kind"] in ASKED else None)


def reply(http_status: int, body: str, order: Order | None) -> bytes:
    return msgspec.json.encode(Reply(http_status, body, order))


def told(venue: str, name: str) -> list[str]:
    return read(venue, str(sample(venue, name)["kind"]), payload(venue, name))


def read(venue: str, kind: str, payload: bytes) -> list[str]:
    return [line(record) for record in ORDER_ENTRIES[venue].reading.parse(kind, payload, REGISTRY, 7, 8)]


def line(record: AnyRecord) -> str:
    assert (record.seq, record.known_ns) == (7, 8)
    if isinstance(record, Balance):
        return f"{record.asset} {to_short_text(record.free, 8, 10**8)} + {to_short_text(record.locked, 8, 10**8)}"
    if isinstance(record, Malformed):
        return f"malformed: {record.reason}"
    assert isinstance(record, Order | Fill)
    assert record.client_order_id == ID
    instrument = REGISTRY[record.instrument]
    start = f"{instrument.venue_symbol} {'buy' if record.side > 0 else 'sell'} {instrument.size_text(record.size)}"
    if isinstance(record, Order):
        done = instrument.size_text(record.filled) if record.filled else "0"
        return " ".join([start, record.status, done, record.venue_order_id or "-", record.reason]).rstrip()
    fee = f"{to_short_text(record.fee, 8, 10**8)} {record.fee_asset}"
    who = "maker" if record.maker else "taker"
    return f"{start} at {instrument.price_text(record.price)} fee {fee} {who} {record.trade_id} {record.exchange_ns}"
