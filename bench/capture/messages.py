"""Trades as Binance, Coinbase and Kraken send them, after tests/samples: one trade a message.

In:  TRADES rows. Out: the texts of messages, whole websocket frames of them, and the REST answers that a collector asks
     before it listens.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bench.capture.market import INSTRUMENTS, base

MAKER = "3f6b1ac2-58a0-4bb7-8d1c-6f0f3f9a2a10"
TAKER = "91d4fb0e-2f3d-4c4a-9a59-0d6c7e1b8a22"


class Wire(NamedTuple):
    """pair: as ninefold writes it; symbol: as the venue does. texts: messages of rows. answers: REST path to body."""

    pair: str
    symbol: str
    streams: tuple[str, ...]
    texts: Callable[[np.ndarray], list[str]]
    answers: Callable[[], dict[str, bytes]]


def names(form: str) -> list[str]:
    """Of all instruments, by id; nobody has id 0."""
    return ["", *(form.format(base(instrument)) for instrument in range(1, INSTRUMENTS + 1))]


def frame(text: str) -> bytes:
    """A text frame as a server sends it (RFC 6455, unmasked)."""
    payload = text.encode()
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return struct.pack(">BBH", 0x81, 126, len(payload)) + payload


def _columns(rows: np.ndarray) -> zip[tuple[int, int, int, int, int, int]]:
    """instrument, ms, id, price, size, side of each row."""
    return zip(
        rows["instrument"].tolist(),
        (rows["exchange_ns"] // 1_000_000).tolist(),
        rows["id_lo"].tolist(),
        rows["price"].tolist(),
        rows["size"].tolist(),
        rows["taker_side"].tolist(),
        strict=True,
    )


def _times(rows: np.ndarray) -> list[str]:
    """'2026-01-01T00:00:00.123' of each row."""
    return np.datetime_as_string((rows["exchange_ns"] // 1_000_000).astype("datetime64[ms]"), unit="ms").tolist()


def _binance(rows: np.ndarray) -> list[str]:
    symbols = names("{}USDT")
    streams = [name.lower() for name in symbols]
    return [
        f'{{"stream":"{streams[of]}@trade","data":{{"e":"trade","E":{ms + 2},"s":"{symbols[of]}","t":{id},'
        f'"p":"{price // 100}.{price % 100:02d}000000","q":"0.{size:06d}00","T":{ms},'
        f'"m":{"true" if side < 0 else "false"},"M":true}}}}'
        for of, ms, id, price, size, side in _columns(rows)
    ]


def _coinbase(rows: np.ndarray) -> list[str]:
    symbols = names("{}-USD")
    return [
        f'{{"type":"match","trade_id":{id},"maker_order_id":"{MAKER}","taker_order_id":"{TAKER}",'
        f'"side":"{"buy" if side < 0 else "sell"}","size":"0.{size:06d}","price":"{price // 100}.{price % 100:02d}",'
        f'"product_id":"{symbols[of]}","sequence":{id},"time":"{time}000Z"}}'
        for (of, _, id, price, size, side), time in zip(_columns(rows), _times(rows), strict=True)
    ]


def _kraken(rows: np.ndarray) -> list[str]:
    symbols = names("{}/USD")
    return [
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"{symbols[of]}","side":"{"buy" if side > 0 else "sell"}",'
        f'"price":{price // 100}.{price % 100:02d},"qty":0.{size:06d}00,"ord_type":"market","trade_id":{id},'
        f'"timestamp":"{time}000Z"}}]}}'
        for (of, _, id, price, size, side), time in zip(_columns(rows), _times(rows), strict=True)
    ]


def _binance_answers() -> dict[str, bytes]:
    symbols = [
        {
            "symbol": base(of) + "USDT",
            "baseAsset": base(of),
            "quoteAsset": "USDT",
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
                {"filterType": "LOT_SIZE", "stepSize": "0.00000100", "minQty": "0.00000100"},
            ],
        }
        for of in range(1, INSTRUMENTS + 1)
    ]
    book = {"lastUpdateId": 1, "bids": [["10.00000000", "1.00000000"]], "asks": [["10.01000000", "1.00000000"]]}
    return {
        "/api/v3/exchangeInfo": json.dumps({"symbols": symbols}).encode(),
        "/api/v3/depth": json.dumps(book).encode(),
        "/api/v3/historicalTrades": b"[]",
    }


def _coinbase_answers() -> dict[str, bytes]:
    products = [
        {
            "id": base(of) + "-USD",
            "base_currency": base(of),
            "quote_currency": "USD",
            "quote_increment": "0.01",
            "base_increment": "0.000001",
        }
        for of in range(1, INSTRUMENTS + 1)
    ]
    return {"/products": json.dumps(products).encode()}


def _kraken_answers() -> dict[str, bytes]:
    pairs = {
        base(of) + "USD": {
            "wsname": base(of) + "/USD",
            "pair_decimals": 2,
            "lot_decimals": 8,
            "ordermin": "0.00005",
            "costmin": "0.5",
            "tick_size": "0.01",
        }
        for of in range(1, INSTRUMENTS + 1)
    }
    return {"/0/public/AssetPairs": json.dumps({"error": [], "result": pairs}).encode()}


WIRES = {
    "binance": Wire("{}/USDT", "{}USDT", ("trade",), _binance, _binance_answers),
    "coinbase": Wire("{}/USD", "{}-USD", ("matches",), _coinbase, _coinbase_answers),
    "kraken": Wire("{}/USD", "{}/USD", ("trade",), _kraken, _kraken_answers),
}
