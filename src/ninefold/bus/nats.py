"""The chain over NATS: each stage's chunks in a JetStream stream of its own, which the next stage follows.

In:  encoded chunks with their last seq, inputs for the door, statuses.
Out: the same, in order, each once, from any position on: a message carries its last seq in a header, and a position
     is found by halving.
A publisher waits for the acknowledgement of NATS; one that does not come is asked after, so a link that is cut for a while
loses nothing and doubles nothing. Off loopback use TLS and a credential for each service (link.py, permissions.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from ninefold.bus.failed import BusFailed
from ninefold.bus.link import Access, Told, open_link, shown
from ninefold.bus.permissions import DOOR, INPUT, STATUS, stream_of, subject_of
from ninefold.bus.sizes import FILE_BYTES, KEPT_BYTES, PAYLOAD_BYTES

SEQ = "Ninefold-Seq"
ORIGIN = "Ninefold-Origin"
EXPECTED = "Nats-Expected-Last-Sequence"
NO_ROOM = 10047  # what a server says that has set aside all it may have for other streams
INPUTS_AT_ONCE = 256
SILENT_S = 2.0  # after so long without a message a follower asks whether there is one that it should have had
AGAIN_S = 0.5
CLOSE_S = 2.0
_Cut = (nats.errors.Error, TimeoutError, OSError)  # what a link that is cut looks like to who waits for an answer


class CutOff(BusFailed):
    """NATS did not say that it has a message: it may have it or not."""


class NatsBus:
    """One connection; made by `connect`."""

    def __init__(self, client: Client, told: Told, access: Access) -> None:
        self._client = client
        self._told = told
        self._access = access
        self._streams = client.jetstream()

    @classmethod
    async def connect(cls, url: str, name: str = "ninefold", access: Access | None = None) -> NatsBus:
        """access: with TLS or a credential; url and name count without.

        raises: Unreachable if nothing answers, BusFailed if the server may not be used or its messages may be too small.
        """
        access = access or Access(url, name.replace(" ", "-"))
        client, told = await open_link(access)
        if client.max_payload < PAYLOAD_BYTES:
            await client.close()
            raise BusFailed(
                f"the NATS server at {shown(access.url)} allows messages of {client.max_payload} bytes; "
                f"set max_payload: {PAYLOAD_BYTES} in its configuration"
            )
        return cls(client, told, access)

    @property
    def streams(self) -> JetStreamContext:
        return self._streams

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    async def make(self, stage: str, keep_unread: bool = False) -> None:
        """Create the stream of a stage, or of the inputs, if there is none. keep_unread: when it is full nothing more is
        taken, and nothing goes that nobody has read; who reads it calls `forget`. raises: BusFailed, CutOff.
        """
        config = StreamConfig(
            name=stream_of(stage),
            subjects=[subject_of(stage)],
            retention=RetentionPolicy.WORK_QUEUE if stage == INPUT else RetentionPolicy.LIMITS,
            discard=DiscardPolicy.NEW if keep_unread else DiscardPolicy.OLD,
            storage=StorageType.FILE,
            max_bytes=KEPT_BYTES,
            duplicate_window=0.0,
        )
        try:
            await self._streams.add_stream(config)
        except nats.js.errors.BadRequestError as error:
            raise BusFailed(f"the stream {config.name} cannot be made: {error}") from None
        except nats.js.errors.APIError as error:
            if error.err_code != NO_ROOM:
                raise self.meaning(error) from None
            raise BusFailed(
                f"the NATS server at {shown(self._access.url)} has no room for the stream {config.name}: it sets aside "
                f"{KEPT_BYTES / 1024**3:g} GiB for each and may have less together; set max_file_store: {FILE_BYTES} in the "
                "jetstream block of its configuration (it is not written until it is needed), or free its disk"
            ) from None
        except _Cut as error:
            raise self.meaning(error) from None

    async def publish(self, stage: str, payload: bytes, last_seq: int) -> None:
        """Returns once NATS has it; waits for as long as the link is cut. raises: BusFailed if it is not allowed."""
        while True:
            try:
                await self.publish_once(stage, payload, last_seq)
                return
            except CutOff:
                await asyncio.sleep(AGAIN_S)
            with contextlib.suppress(CutOff):
                if await self.last_seq(stage) >= last_seq:
                    return

    async def publish_once(
        self, stage: str, payload: bytes, last_seq: int, origin: str = "", behind: int | None = None
    ) -> int:
        """Returns its number in the stream. behind: the number of the message that must be the last one there.

        raises: CutOff if NATS did not say that it has it; BusFailed if it is not allowed.
        """
        headers = {SEQ: str(last_seq)}
        if origin:
            headers[ORIGIN] = origin
        if behind is not None:
            headers[EXPECTED] = str(behind)
        try:
            return (await self._streams.publish(subject_of(stage), payload, headers=headers)).seq
        except _Cut as error:
            raise self.meaning(error) from None

    async def last_seq(self, stage: str) -> int:
        """The last seq that a stage published, 0 if none. raises: CutOff, BusFailed."""
        return (await self.last(stage))[0]

    async def last(self, stage: str) -> tuple[int, str, int]:
        """The last seq that a stage published, who published it, and its number in the stream. raises: CutOff, BusFailed."""
        try:
            message = await self._streams.get_last_msg(stream_of(stage), subject_of(stage))
        except NotFoundError:
            return 0, "", await self._last_number(stage)
        except _Cut as error:
            raise self.meaning(error) from None
        return _seq_of(message.headers), (message.headers or {}).get(ORIGIN, ""), message.seq or 0

    async def read_seq(self, stage: str) -> int:
        """The last seq that whoever calls `forget` has for certain, 0 if that is not known. raises: CutOff, BusFailed."""
        try:
            first: int = (await self._streams.stream_info(stream_of(stage))).state.first_seq
            if first < 2:  # nothing was forgotten
                return 0
            return _seq_of((await self._streams.get_msg(stream_of(stage), first)).headers)
        except NotFoundError:
            return 0
        except _Cut as error:
            raise self.meaning(error) from None

    async def follow(self, stage: str, after_seq: int, keep_unread: bool = False) -> AsyncIterator[bytes]:
        """Chunks of a stage with last seq > after_seq, in order, each once, then those to come; waits for as long as the
        link is cut. raises: BusFailed if they are gone, or it is not allowed to follow.
        """
        place, made = 0, None
        while True:
            try:
                if not place:
                    await self.make(stage, keep_unread)
                    made = await self._made(stage)
                    place = await self._place_after(stage, after_seq)
                async for message in self._messages(stage, place, made):
                    place = message.metadata.sequence.stream + 1
                    if (seq := _seq_of(message.headers)) > after_seq:
                        after_seq = seq
                        yield message.data
                info = await self._streams.stream_info(stream_of(stage))
            except CutOff:
                await asyncio.sleep(AGAIN_S)
            except _Cut as error:
                if not isinstance(cause := self.meaning(error), CutOff):
                    raise cause from None
                await asyncio.sleep(AGAIN_S)
            else:
                if info.created != made or info.state.last_seq + 1 < place:  # another one: its numbers begin anew
                    place = 0
                elif info.state.first_seq > place:
                    raise BusFailed(
                        f"{stream_of(stage)} begins at message {info.state.first_seq}, and message {place} is wanted: it was "
                        "removed to make room before it was read; replay the journal into a new data dir"
                    )

    async def forget(self, stage: str, until_seq: int) -> None:
        """Remove the messages of a stage whose last seq is not above until_seq, but the last one of them: what it says
        is where its publisher stands. raises: CutOff, BusFailed.
        """
        try:
            place = await self._place_after(stage, until_seq)
            if place > 2:
                await self._streams.purge_stream(stream_of(stage), seq=place - 1)
        except _Cut as error:
            raise self.meaning(error) from None

    async def _messages(self, stage: str, place: int, made: object) -> AsyncIterator[Msg]:
        """Messages from a place on, none left out; it ends when the subscription has lost its place or gone silent."""
        config = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=place)
        following = await self._streams.subscribe(
            subject_of(stage),
            stream=stream_of(stage),
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
                    info = await self._streams.stream_info(stream_of(stage))
                    if info.created != made or info.state.last_seq + 1 != place:
                        return
                    continue
                number = message.metadata.sequence.stream
                if number > place:
                    return
                if number == place:
                    place += 1
                    yield message
        finally:
            with contextlib.suppress(*_Cut):  # a closed connection has no subscriptions
                await following.unsubscribe()

    async def send_input(self, payload: bytes) -> bool:
        """Hand an input to the door, wherever it runs; False if NATS did not take it."""
        try:
            await self._streams.publish(subject_of(INPUT), payload)
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    async def inputs(self, take: Callable[[list[bytes]], None]) -> None:
        """Give inputs to the door as they come, acknowledged once it journalled them; until cancelled."""
        await self.make(INPUT)
        config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=30)
        following = await self._streams.pull_subscribe(
            subject_of(INPUT), durable=DOOR, stream=stream_of(INPUT), config=config
        )
        while True:
            try:
                messages = await following.fetch(INPUTS_AT_ONCE, timeout=0.1)
            except _Cut as error:  # nothing came, most of the time
                if not isinstance(cause := self.meaning(error), CutOff):
                    raise cause from None
                continue
            take([message.data for message in messages])
            await asyncio.gather(*(message.ack() for message in messages))

    async def tell(self, payload: bytes) -> None:
        """raises: CutOff, BusFailed."""
        try:
            await self._client.publish(subject_of(STATUS), payload)
        except _Cut as error:
            raise self.meaning(error) from None

    async def hear(self, take: Callable[[bytes], None]) -> None:
        """Statuses as they come, until the connection is closed."""

        async def heard(message: Msg) -> None:
            take(message.data)

        await self._client.subscribe(subject_of(STATUS), cb=heard)

    async def close(self) -> None:
        """Over a link that is cut nobody says goodbye; the client may also swallow that it is cancelled."""
        closing = asyncio.ensure_future(self._client.close())
        closing.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.wait({closing}, timeout=CLOSE_S)
        if not closing.done():
            closing.cancel()

    def meaning(self, error: Exception) -> BusFailed:
        """What a failed request means: not allowed, closed for good, or a link that is cut."""
        who, denied = self._access.service, self._told.denied()
        if denied:
            return BusFailed(
                f"the NATS server at {shown(self._access.url)} does not allow {who!r} what it needs ({denied}); "
                "give its user the permissions of that service (docs/operations.md)"
            )
        if isinstance(error, nats.errors.ConnectionClosedError):
            why = self._told.error or error
            return BusFailed(f"the connection of {who!r} to {shown(self._access.url)} was closed for good ({why})")
        return CutOff(f"{shown(self._access.url)} did not answer ({error})")

    async def _last_number(self, stage: str) -> int:
        try:
            return int((await self._streams.stream_info(stream_of(stage))).state.last_seq)
        except NotFoundError:
            return 0
        except _Cut as error:
            raise self.meaning(error) from None

    async def _made(self, stage: str) -> object:
        """When the stream was made; another moment tells another stream under the same name."""
        return (await self._streams.stream_info(stream_of(stage))).created

    async def _place_after(self, stage: str, after_seq: int) -> int:
        """The place in a stream of the first message with a greater last seq, by halving."""
        state = (await self._streams.stream_info(stream_of(stage))).state
        low, high = max(1, state.first_seq), state.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            found = await self._streams.get_msg(stream_of(stage), middle)
            if _seq_of(found.headers) > after_seq:
                high = middle
            else:
                low = middle + 1
        return low


def _seq_of(headers: dict[str, str] | None) -> int:
    return int((headers or {})[SEQ])
