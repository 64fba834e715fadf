"""Faults on demand, heard on real sockets."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from ninefold.simulator.faults import Faults
from ninefold.simulator.hub import Hub

from .running import Client, Simulator, talk, until

pytestmark = pytest.mark.slow


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


def test_what_was_withheld_is_logged_with_its_connection(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        heard = await trade_ids(socket, 1)
        begin = len((await client.get("/sim/v1/faults"))["withheld"])
        await client.post("/sim/v1/faults", {"kind": "drop", "count": 6, "share": 0.5, "only": "btcusdt@trade"})
        unheard_of = {"kind": "drop", "seconds": 0.5, "only": "ethusdt"}
        await client.post("/sim/v1/faults", unheard_of)
        heard += await trade_ids(socket, 40)
        log = (await client.get("/sim/v1/faults", **{"from": begin}))["withheld"]
        missing = sorted(set(range(heard[0], heard[-1] + 1)) - set(heard))
        assert [one["first_id"] for one in log] == [one["last_id"] for one in log] == missing
        assert len(missing) == 6
        assert {(one["stream"], one["fault"]) for one in log} == {("btcusdt@trade", "drop")}
        assert len({one["connection"] for one in log}) == 1
        await socket.close()

    talk(simulator, run)


def test_reordered_frames_all_come_and_the_late_ones_are_logged(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        await trade_ids(socket, 1)
        begin = len((await client.get("/sim/v1/faults"))["withheld"])
        await client.post("/sim/v1/faults", {"kind": "reorder", "count": 5})
        ids = await trade_ids(socket, 60)
        log = (await client.get("/sim/v1/faults", **{"from": begin}))["withheld"]
        late = [here for before, here in pairwise(ids) if here < before]
        assert sorted(ids) == list(range(min(ids), min(ids) + 60))
        assert [one["first_id"] for one in log if one["fault"] == "reorder"] == late
        assert 0 < len(late) <= 5
        await socket.close()

    talk(simulator, run)


def test_what_was_traded_while_nobody_listened_is_logged_when_somebody_does_again(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@trade")
        await trade_ids(socket, 1)
        begin = len((await client.get("/sim/v1/faults"))["withheld"])
        await client.post("/sim/v1/faults", {"kind": "disconnect", "seconds": 0.3})
        last = 0
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            last = json.loads(message.data)["data"]["t"]
        await until_over(client)

        async def traded() -> bool:
            return (await client.get("/api/v3/trades", symbol="BTCUSDT", limit=1))[-1]["id"] > last

        await until(traded)
        again = await client.streams("btcusdt@trade")
        [first] = await trade_ids(again, 1)
        [logged] = (await client.get("/sim/v1/faults", **{"from": begin}))["withheld"]
        assert (logged["stream"], logged["fault"]) == ("btcusdt@trade", "disconnect")
        assert last < logged["first_id"] <= logged["last_id"] == first - 1
        await again.close()

    talk(simulator, run)


class Heard:
    """A subscriber that takes everything."""

    number, paused, combined, face = 0, False, False, "stream"

    def send(self, *frames: bytes) -> None:
        """Nobody reads."""

    def drop(self) -> None:
        """Nobody is cut."""


@pytest.mark.parametrize(("after", "logged"), [(315, []), (317, [(315, 316)])])
def test_a_stream_that_had_nothing_while_nobody_listened_withheld_nothing(after: int, logged: list[tuple[int, int]]):
    hub, one, stream = Hub(Faults()), Heard(), "btcusdt@trade"
    for trade in (314, after):
        hub.join(one)
        hub.subscribe(one, stream)
        hub.publish([(stream, b'{"e":"trade","t":%d}' % trade)])
        hub.unsubscribe(one, stream)
        hub.leave(one)
    assert [(gone.first_id, gone.last_id) for gone in hub.withheld] == logged


def test_after_a_reset_update_ids_go_on_further_ahead_and_the_snapshot_knows_them(simulator: Simulator):
    async def run(client: Client) -> None:
        socket = await client.streams("btcusdt@depth@100ms")
        before = (await socket.receive_json())["data"]["u"]
        await client.post("/sim/v1/faults", {"kind": "reset", "after": 0.2})
        skipped = None
        async with asyncio.timeout(10):
            while skipped is None:
                depth = (await socket.receive_json())["data"]
                skipped = (before + 1, depth["U"] - 1) if depth["U"] != before + 1 else None
                before = depth["u"]
        assert skipped[1] - skipped[0] + 1 == 1_000
        assert (await client.get("/api/v3/depth", symbol="BTCUSDT"))["lastUpdateId"] >= depth["u"]
        log = (await client.get("/sim/v1/faults"))["withheld"]
        of_stream = [one for one in log if one["fault"] == "reset" and one["stream"] == "btcusdt@depth@100ms"]
        assert (of_stream[-1]["first_id"], of_stream[-1]["last_id"]) == skipped
        await socket.close()

    talk(simulator, run)


@pytest.mark.parametrize(
    ("kind", "status", "code", "waits"),
    [("limit", 429, -1003, True), ("ban", 418, -1003, True), ("outage", 503, None, False)],
)
def test_a_venue_in_trouble_refuses_market_questions_and_says_how_long(
    simulator: Simulator, kind: str, status: int, code: int | None, waits: bool
):
    async def run(client: Client) -> None:
        await client.post("/sim/v1/faults", {"kind": kind, "count": 1, "seconds": 0.0, "only": "/depth"})
        assert "serverTime" in await client.get("/api/v3/time")
        async with client.session.get(simulator.rest + "/api/v3/depth?symbol=BTCUSDT") as answer:
            assert answer.status == status
            assert ("Retry-After" in answer.headers) == waits
            assert code is None or (await answer.json())["code"] == code
        assert "lastUpdateId" in await client.get("/api/v3/depth", symbol="BTCUSDT")

    talk(simulator, run)


def test_a_hung_up_question_gets_no_answer_at_all_and_account_questions_are_spared(simulator: Simulator):
    async def run(client: Client) -> None:
        await client.post("/sim/v1/faults", {"kind": "hangup", "count": 1, "seconds": 0.2})
        with pytest.raises(aiohttp.ClientConnectionError):
            async with asyncio.timeout(5):
                await client.get("/api/v3/time")
        assert "balances" in await client.signed("GET", "account")
        await until_over(client)
        assert "serverTime" in await client.get("/api/v3/time")

    talk(simulator, run)


async def until_over(client: Client) -> None:
    """Until no fault is on or waiting."""

    async def over() -> bool:
        return not (await client.get("/sim/v1/faults"))["running"]

    await until(over)


def test_a_fault_that_is_none_is_refused(simulator: Simulator):
    async def run(client: Client) -> None:
        assert "must be one of" in (await client.post("/sim/v1/faults", {"kind": "flood"}))["error"]
        assert "seconds or count" in (await client.post("/sim/v1/faults", {"kind": "drop"}))["error"]
        asked = {"kind": "drop", "count": 1, "share": 0}
        assert "above 0 and at most 1" in (await client.post("/sim/v1/faults", asked))["error"]

    talk(simulator, run)
