"""Binance: what an API key may do.

In:  the answer to GET /sapi/v1/account/apiRestrictions. Out: rights.
source: developers.binance.com/docs/wallet/account/api-key-permission, read 2026-11.
"""

from __future__ import annotations

import msgspec

from ninefold.venues import key_rights
from ninefold.venues.binance_client import BinanceClient
from ninefold.venues.binance_requests import Request
from ninefold.venues.key_rights import NotTold, Rights

PATH = "/sapi/v1/account/apiRestrictions"


def read(status: int, body: str) -> Rights:
    """status: of HTTP, 0 if no answer came. raises: NotTold, msgspec.DecodeError."""
    if status != 200:
        raise NotTold(f"{PATH} was answered with http {status}")
    found = msgspec.json.decode(body, type=_Restrictions)
    return Rights(found.enableSpotAndMarginTrading, found.enableWithdrawals)


async def check_keys(client: BinanceClient) -> None:
    """Ask, a few times. raises: KeysRefused, also when no answer comes."""

    async def ask() -> tuple[int, str]:
        params = {"timestamp": str(client.venue_ms()), "recvWindow": "5000"}
        return await client.call(Request("GET", PATH, params))

    await key_rights.check_rights("Binance", ask, read, client.read_clock)


class _Restrictions(msgspec.Struct):
    enableWithdrawals: bool
    enableSpotAndMarginTrading: bool
