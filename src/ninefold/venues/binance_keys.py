"""Binance: what an API key may do. One that may withdraw is refused: a bot needs none of that, and a thief all of it.

In:  the answer to GET /sapi/v1/account/apiRestrictions. Out: why the key is refused, "" if it is not.
source: developers.binance.com/docs/wallet/account/api-key-permission, read 2026-11.
"""

from __future__ import annotations

import asyncio

import msgspec

from ninefold.venues.binance_client import FIRST_WAIT_S, BinanceClient
from ninefold.venues.binance_requests import Request

TRIES = 3
PATH = "/sapi/v1/account/apiRestrictions"


class KeysRefused(RuntimeError):
    """A key that may do too much, or of which nobody says what it may do."""


class _Restrictions(msgspec.Struct):
    enableWithdrawals: bool
    enableSpotAndMarginTrading: bool


def refusal(status: int, body: str) -> str:
    """status: of HTTP, 0 if no answer came."""
    unknown = f"Binance did not say what this API key may do ({PATH} was answered with http {status})"
    if status != 200:
        return f"{unknown}; live orders need that answer, so try again later, or trade on paper"
    try:
        found = msgspec.json.decode(body, type=_Restrictions)
    except msgspec.DecodeError as error:
        return f"{unknown}: {error}"
    if found.enableWithdrawals:
        return (
            "this API key may withdraw; live trading takes only keys that may not: switch 'Enable Withdrawals' off in Binance's "
            "API management, or make another key"
        )
    if not found.enableSpotAndMarginTrading:
        return "this API key may not trade; switch 'Enable Spot & Margin Trading' on in Binance's API management"
    return ""


async def check_keys(client: BinanceClient) -> None:
    """Ask, a few times. raises: KeysRefused, also when no answer comes."""
    for left in reversed(range(TRIES)):
        params = {"timestamp": str(client.venue_ms()), "recvWindow": "5000"}
        status, body = await client.call(Request("GET", PATH, params))
        if status == 200 or not left:
            break
        await asyncio.sleep(FIRST_WAIT_S)
        await client.read_clock()
    if reason := refusal(status, body):
        raise KeysRefused(reason)
