"""What leaves the exchange at once arrives message by message."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from picows import WSUpgradeRequest, ws_create_server

from ninefold.simulator.connection import Connection


class Speaking(Connection):
    """Says what it is given when it is spoken to."""

    def __init__(self, *batches: list[bytes]) -> None:
        super().__init__()
        self.batches = batches

    def on_text(self, text: bytes) -> None:
        for batch in self.batches:
            self.send(*batch)

    def on_end(self) -> None: ...


async def talk(
    listener: Connection, conversation: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]
) -> None:
    def client(request: WSUpgradeRequest) -> Connection:
        return listener

    server = await ws_create_server(client, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/", max_msg_size=0) as socket,
    ):
        await socket.send_str("speak")
        await conversation(socket)
    server.close()


def test_many_messages_in_one_write_are_the_same_messages_at_every_form_of_length():
    batches = [[b"a" * size for size in (0, 1, 125, 126, 65_535, 65_536)], [b"alone"], [b"x" * 200] * 40, []]

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        expected = [message for batch in batches for message in batch]
        assert [(await socket.receive_str()).encode() for _ in expected] == expected

    asyncio.run(talk(Speaking(*batches), listen))


def test_what_a_client_does_not_read_yet_waits_in_order():
    batch = [b"%07d" % number * 1_000 for number in range(3_000)]  # 21 MB: no socket holds that

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        for message in batch:
            assert (await socket.receive_str()).encode() == message

    asyncio.run(talk(Speaking(batch[:1_500], batch[1_500:]), listen))


def test_what_was_said_before_the_line_is_cut_arrives():
    class Cutting(Speaking):
        def on_text(self, text: bytes) -> None:
            super().on_text(text)
            self.drop()

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        assert [await socket.receive_str() for _ in range(2)] == ["last", "words"]
        assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)

    asyncio.run(talk(Cutting([b"last", b"words"]), listen))
