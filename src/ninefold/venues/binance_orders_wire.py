"""What Binance spot's answers about orders and its events of an account hold: their fields.

After developers.binance.com/docs/binance-spot-api-docs, "Trading endpoints", "Account endpoints" and "User Data Streams", read 2026-11.
Field names are the venue's. Whatever lacks one of these fields, or has it in another form, cannot be read.
"""

from __future__ import annotations

import msgspec


class Error(msgspec.Struct):
    code: int
    msg: str = ""


class PlacedFill(msgspec.Struct):
    price: str
    qty: str
    commission: str
    commissionAsset: str
    tradeId: int


class Placed(msgspec.Struct):
    symbol: str
    orderId: int
    clientOrderId: str
    side: str
    origQty: str
    executedQty: str
    status: str
    origClientOrderId: str = ""
    type: str = ""
    stopPrice: str = ""
    transactTime: int = 0
    fills: list[PlacedFill] = []


class MyTrade(msgspec.Struct):
    symbol: str
    id: int
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: int
    isBuyer: bool
    isMaker: bool


class Asset(msgspec.Struct):
    asset: str
    free: str
    locked: str


class Account(msgspec.Struct):
    balances: list[Asset]


class Frame(msgspec.Struct):
    event: msgspec.Raw


class Kind(msgspec.Struct):
    e: str


class Report(msgspec.Struct):
    """executionReport. c: client order id; C: of a cancel, that of the cancelled order; x, X: what happened, status;
    l, L: last size and price; z: filled so far; n, N: fee and its asset; t: trade id, -1 if none; T: time in ms."""

    s: str
    c: str
    S: str
    q: str
    C: str
    x: str
    X: str
    r: str
    i: int
    l: str  # noqa: E741
    z: str
    L: str
    n: str
    N: str | None
    T: int
    t: int
    m: bool


class Held(msgspec.Struct):
    a: str
    f: str
    l: str  # noqa: E741


class Position(msgspec.Struct):
    B: list[Held]
