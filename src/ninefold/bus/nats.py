"""The chain over NATS: each stage's chunks in a JetStream stream of its own, which the next stage follows.

In:  encoded chunks with their last seq, inputs for the door, statuses.
Out: the same, in order, each once, from any position on: a message carries its last seq in a header, and a position
     is found by halving.
A publisher waits for the acknowledgement of the disk of NATS. Off loopback use TLS and a credential in the address of
the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

PREFIX = "ninefold"
SEQ = "Ninefold-Seq"
INPUT, STATUS = "input", "status"
KEPT_BYTES = 2 * 1024**3  # a stream's oldest messages go when it is larger; the journal keeps what came
PAYLOAD_BYTES = 32 * 1024 * 1024  # a chunk after a long pause holds many bars; the server must allow it
INPUTS_AT_ONCE = 256
SILENT_S = 2.0  # after so long without a message a follower asks whether there is one that it should have had


class BusFailed(RuntimeError):
    """A NATS server that cannot be used."""


class NatsBus:
    """One connection; made by `connect`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._streams = client.jetstream()

    @classmethod
    async def connect(cls, url: str, name: str) -> NatsBus:
        """raises: BusFailed if nothing answers or its messages may be too small."""

        async def quiet(error: Exception) -> None:
            """Reconnects are counted by the client; what a caller waits for fails there."""

        try:
            client = await nats.connect(url, name=name, max_reconnect_attempts=-1, error_cb=quiet, connect_timeout=5)
        except (OSError, nats.errors.Error, TimeoutError) as error:
            raise BusFailed(
                f"no NATS server answers at {url} ({error}); start one with JetStream, for example `nats-server -js`"
            ) from None
        if client.max_payload < PAYLOAD_BYTES:
            await client.close()
            raise BusFailed(
                f"the NATS server at {url} allows messages of {client.max_payload} bytes; "
                f"set max_payload: {PAYLOAD_BYTES} in its configuration"
            )
        return cls(client)

    async def make(self, stage: str) -> None:
        """Create the stream of a stage, or of the inputs, if there is none."""
        retention = RetentionPolicy.WORK_QUEUE if stage == INPUT else RetentionPolicy.LIMITS
        config = StreamConfig(
            name=_stream(stage),
            subjects=[_subject(stage)],
            retention=retention,
            storage=StorageType.FILE,
            max_bytes=KEPT_BYTES,
            duplicate_window=0.0,
        )
        try:
            await self._streams.add_stream(config)
        except nats.js.errors.BadRequestError as error:
            raise BusFailed(f"the stream {config.name} cannot be made: {error}") from None

    async def publish(self, stage: str, payload: bytes, last_seq: int) -> None:
        """Returns once NATS has it on disk."""
        await self._streams.publish(_subject(stage), payload, headers={SEQ: str(last_seq)})

    async def last_seq(self, stage: str) -> int:
        """The last seq that a stage published, 0 if none."""
        try:
            message = await self._streams.get_last_msg(_stream(stage), _subject(stage))
        except NotFoundError:
            return 0
        return _seq_of(message.headers)

    async def follow(self, stage: str, after_seq: int) -> AsyncIterator[bytes]:
        """Chunks of a stage with last seq > after_seq, in order, then those to come. raises: BusFailed if they are gone."""
        await self.make(stage)
        place = await self._place_after(stage, after_seq)
        while True:
            async for message in self._messages(stage, place):
                place = message.metadata.sequence.stream + 1
                if _seq_of(message.headers) > after_seq:
                    yield message.data
            state = (await self._streams.stream_info(_stream(stage))).state
            if state.first_seq > place:
                raise BusFailed(
                    f"{_stream(stage)} begins at message {state.first_seq}, and message {place} is wanted: it was removed to "
                    "make room before it was read; replay the journal into a new data dir"
                )

    async def _messages(self, stage: str, place: int) -> AsyncIterator[Msg]:
        """Messages from a place on, none left out; it ends when the subscription has lost its place or gone silent."""
        config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=place)
        following = await self._streams.subscribe(
            _subject(stage),
            stream=_stream(stage),
            ordered_consumer=True,
            config=config,
            pending_msgs_limit=-1,
            pending_bytes_limit=-1,
        )
        try:
            while True:
                try:
                    message = await following.next_msg(timeout=SILENT_S)
                except nats.errors.TimeoutError:
                    if (await self._streams.stream_info(_stream(stage))).state.last_seq >= place:
                        return
                    continue
                number = message.metadata.sequence.stream
                if number > place:
                    return
                if number == place:
                    place += 1
                    yield message
        finally:
            with contextlib.suppress(nats.errors.ConnectionClosedError):  # a closed connection has no subscriptions
                await following.unsubscribe()

    async def send_input(self, payload: bytes) -> bool:
        """Hand an input to the door, wherever it runs; False if NATS did not take it."""
        try:
            await self._streams.publish(_subject(INPUT), payload)
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    async def inputs(self, take: Callable[[list[bytes]], None]) -> None:
        """Give inputs to the door as they come, acknowledged once it journalled them; until cancelled."""
        await self.make(INPUT)
        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=30)
        following = await self._streams.pull_subscribe(
            _subject(INPUT), durable="door", stream=_stream(INPUT), config=config
        )
        while True:
            try:
                messages = await following.fetch(INPUTS_AT_ONCE, timeout=0.1)
            except (nats.errors.TimeoutError, TimeoutError):
                continue
            take([message.data for message in messages])
            await asyncio.gather(*(message.ack() for message in messages))

    async def tell(self, payload: bytes) -> None:
        await self._client.publish(f"{PREFIX}.{STATUS}", payload)

    async def hear(self, take: Callable[[bytes], None]) -> None:
        """Statuses as they come, until the connection is closed."""

        async def heard(message: Msg) -> None:
            take(message.data)

        await self._client.subscribe(f"{PREFIX}.{STATUS}", cb=heard)

    async def close(self) -> None:
        await self._client.close()

    async def _place_after(self, stage: str, after_seq: int) -> int:
        """The place in a stream of the first message with a greater last seq, by halving."""
        state = (await self._streams.stream_info(_stream(stage))).state
        low, high = max(1, state.first_seq), state.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            found = await self._streams.get_msg(_stream(stage), middle)
            if _seq_of(found.headers) > after_seq:
                high = middle
            else:
                low = middle + 1
        return low


def _stream(stage: str) -> str:
    return f"{PREFIX}_{stage}"


def _subject(stage: str) -> str:
    return f"{PREFIX}.{stage}"


def _seq_of(headers: dict[str, str] | None) -> int:
    return int((headers or {})[SEQ])
