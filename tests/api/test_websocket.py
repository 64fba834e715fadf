"""The websocket over real sockets."""

import asyncio
import random

import aiohttp
import msgspec
import pytest

from ninefold.api import websocket
from ninefold.api.address import free_port
from ninefold.api.feed import Message
from ninefold.api.websocket import BadRequest, asked

from .page import TOPICS, Page
from .stream import BASE, bar, chunk
from .test_feed import KINDS, event


async def hear(line, page: Page, until: int | None = None, at_most: int | None = None) -> None:
    """Take messages until a number, or so many."""
    heard = 0
    while (until is None or (page.since or 0) < until) and (at_most is None or heard < at_most):
        message = await line.receive_json()
        page.hear(Message(int(message["seq"]), message["topic"], message["data"]))
        heard += 1


def test_pages_that_lose_the_line_at_random_end_up_like_a_fresh_one(run):
    async def test(api):
        chance = random.Random(7)
        page, seq = Page(), 0
        for _ in range(8):
            async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
                since = None if page.since is None else str(page.since)
                await line.send_json({"subscribe": list(TOPICS), "since": since})
                for _ in range(chance.randrange(12)):
                    seq += 1
                    api.view.apply(event(chance.choice(KINDS), seq))
                await hear(line, page, at_most=1)
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            await line.send_json({"subscribe": list(TOPICS), "since": str(page.since)})
            api.view.publish(BASE)
            await hear(line, page, until=api.view.feed.number)
        fresh = Page()
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            await line.send_json({"subscribe": list(TOPICS), "since": None})
            await hear(line, fresh, at_most=1)
        assert {**page.state(), "status": 0} == {**fresh.state(), "status": 0}  # status has come again meanwhile

    run(test)


def test_a_message_has_number_topic_and_data_and_status_comes_by_itself(run):
    async def test(api):
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            since = str(api.view.feed.number)
            await line.send_json({"subscribe": ["status", "services", "bars:binance:BTC/USDT:1s"], "since": since})
            api.view.apply(chunk(2, bars=[bar(0, (100, 110, 90, 105))]))
            api.view.publish(BASE)
            told = {}
            while len(told) < 3:
                message = await line.receive_json()
                told[message["topic"]] = message
        row = told["bars:binance:BTC/USDT:1s"]
        assert int(row["seq"]) > int(since)
        assert row["data"]["close"] == "1.05"
        assert row["data"]["open_bar"] is False
        assert told["status"]["data"]["mode"] == "demo"
        assert len(told["services"]["data"]["services"]) == 9

    run(test)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("hello", "malformed"),
        ('{"subscribe": ["gossip"]}', "no topic 'gossip'"),
        ('{"subscribe": ["bars:binance:BTC/USDT:2s"]}', "no topic"),
        ('{"subscribe": ["status"], "since": "yesterday"}', "since is 'yesterday'"),
        ('{"subscribe": ["status"], "since": 5}', "Expected `str | null`"),
        (msgspec.json.encode({"subscribe": ["status"] * 17}).decode(), "allowed are 16"),
        (" " * 10_001, "allowed are 10000"),
    ],
)
@pytest.mark.slow
def test_a_bad_request_is_told_and_the_line_closed(run, sent, words):
    with pytest.raises(BadRequest, match=words.replace("|", r"\|")):
        asked(sent)

    async def test(api):
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            await line.send_str(sent)
            answer = await line.receive()
            assert answer.data == websocket.BAD_REQUEST

    run(test)


@pytest.mark.slow
def test_a_client_that_reads_nothing_is_cut_and_the_others_go_on(run, monkeypatch):
    monkeypatch.setattr(websocket, "SEND_SECONDS", 0.2)

    async def test(api):
        slow = await raw_line(api.url)
        seq = 0
        async with asyncio.timeout(20):
            while not seq or api.clients:
                for _ in range(50):
                    seq += 1
                    api.view.apply(event("may", seq))
                await asyncio.sleep(0.01)
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            await line.send_json({"subscribe": ["status"], "since": None})
            assert (await line.receive_json())["topic"] == "snapshot"
        slow.close()

    run(test)


async def raw_line(url: str) -> asyncio.StreamWriter:
    """A websocket that subscribes and never reads."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1_000)
    writer.write(
        f"GET /api/v1/ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    text = b'{"subscribe": ["messages"], "since": null}'
    writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # a text frame under an all-zero mask
    await writer.drain()
    return writer


def test_stopping_says_good_bye_frees_the_port_and_leaves_nothing_running(run):
    async def test(api):
        async with api.http.ws_connect(f"{api.url}/api/v1/ws") as line:
            await line.send_json({"subscribe": ["status"], "since": None})
            await line.receive_json()
            mine = {asyncio.current_task(), api.serving}
            await api.stop()
            async with asyncio.timeout(5):
                while (last := await line.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
        assert last.data == websocket.GOING_AWAY
        port = int(api.url.rpartition(":")[2])
        assert free_port("127.0.0.1", port) == port
        left = {task.get_name() for task in asyncio.all_tasks() - mine if "api" in str(task.get_coro())}
        assert left == set()

    run(test)
