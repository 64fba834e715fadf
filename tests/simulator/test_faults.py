"""Faults on demand, heard on real sockets."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .running import Client, Simulator, talk


async def trade_ids(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
    """Ids of the next readable trades."""
    ids: list[int] = []
    while len(ids) < count:
        ids.append((await socket.receive_json())["data"]["t"])
    return ids


def test_duplicated_and_dropped_frames_can_be_told_by_their_ids(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        await trade_ids(socket, 1)
        await client.post("/sim/v1/faults", {"kind": "duplicate", "count": 3})
        ids = await trade_ids(socket, 30)
        assert len(ids) - len(set(ids)) == 3
        assert sorted(set(ids)) == list(range(ids[0], ids[-1] + 1))
        await client.post("/sim/v1/faults", {"kind": "drop", "count": 4})
        ids = ids[-1:] + await trade_ids(socket, 30)
        assert ids[-1] - ids[0] + 1 - len(ids) == 4
        await socket.close()

    talk(simulator, run)


def test_malformed_frames_come_besides_the_good_ones(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        await trade_ids(socket, 1)
        await client.post("/sim/v1/faults", {"kind": "malformed", "count": 3})
        good: list[dict[str, Any]] = []
        bad: list[str] = []
        while len(bad) < 3 or len(good) < 20:
            text = await socket.receive_str()
            kind = fault_of(text)
            if kind is None:
                good.append(json.loads(text)["data"])
            else:
                bad.append(kind)
        assert bad == ["cut", "types", "symbol"]
        ids = [each["t"] for each in good]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        await socket.close()

    talk(simulator, run)


def fault_of(text: str) -> str | None:
    try:
        data = json.loads(text)["data"]
    except json.JSONDecodeError:
        return "cut"
    if not isinstance(data["s"], str):
        return "types"
    return "symbol" if data["s"] == "NOSUCHCOIN" else None


@pytest.mark.slow
def test_silence_ends_by_itself_and_loses_what_it_covered(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        [before] = await trade_ids(socket, 1)
        await client.post("/sim/v1/faults", {"kind": "silence", "seconds": 1.0})
        ids = await trade_ids(socket, 30)
        assert ids[-1] - before > 30
        await socket.close()

    talk(simulator, run)


def test_a_disconnect_cuts_all_market_streams_and_keeps_new_ones_out_for_a_while(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        await trade_ids(socket, 1)
        await client.post("/sim/v1/faults", {"kind": "disconnect", "seconds": 0.5})
        async with asyncio.timeout(5):
            while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.streams("btcusdt@trade")
        async with asyncio.timeout(5):
            while True:
                try:
                    socket = await client.streams("btcusdt@trade")
                    break
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0.02)
        await trade_ids(socket, 1)
        await socket.close()

    talk(simulator, run)


def test_a_fault_that_is_none_is_refused(simulator: Simulator):
    async def run(client: Client) -> None:
        assert "must be one of" in (await client.post("/sim/v1/faults", {"kind": "flood"}))["error"]
        assert "seconds or count" in (await client.post("/sim/v1/faults", {"kind": "drop"}))["error"]

    talk(simulator, run)
