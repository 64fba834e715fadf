"""influx: a live copy of trades, bars and indicators in InfluxDB line protocol, for InfluxDB, QuestDB and VictoriaMetrics.

In:  the stream, followed at its own pace from its own place, so nothing waits for it and nothing is dropped while the
     server is away, unless the stream lets go of what was not sent yet: that is counted, as inputs.
Out: batches of lines over HTTP, again and again until the server took them.
At least once: what was not acknowledged before a stop is sent again and replaces itself. A line that the server refuses
by itself is counted, shown and passed over.
sources: docs.influxdata.com/influxdb/v1/tools/api (/write), /influxdb/v2/api (/api/v2/write), /influxdb3/core/api
         (/api/v3/write_lp), read 2026-11-22
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec

from ninefold.bus.status import Meter, Status
from ninefold.journal.inputs import CHUNK
from ninefold.journal.reader import Follower
from ninefold.market.chunk import decode
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS
from ninefold.services.failures import host_of, without_address
from ninefold.services.influx_lines import REMEMBERED_NS, Lines

LINES = 5_000  # a request
EVERY_S = 1.0
POLL_S = 0.05
POLL_BYTES = 1 << 20
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 60.0
REQUEST_S = 30.0
REFUSED = (
    400,
    413,
    422,
)  # of these lines, or of one among them; everything else may pass by itself or is the user's to mend


class Settings(Protocol):
    """The section [influx] of a config. api: v1, v2 or v3; database: the bucket of v2."""

    @property
    def url(self) -> str: ...
    @property
    def api(self) -> str: ...
    @property
    def database(self) -> str: ...
    @property
    def org(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password_env(self) -> str: ...
    @property
    def token_env(self) -> str: ...


class NotTaken(RuntimeError):
    """The server did not take a request; retry_s says when to try again, 0 if it did not say; refused: these lines."""

    def __init__(self, reason: str, retry_s: float = 0.0, refused: bool = False) -> None:
        super().__init__(reason)
        self.retry_s = retry_s
        self.refused = refused


class _Place(msgspec.Struct):
    """seq: the chunk up to which all is acknowledged. from_seq: where to read from, to know what its milliseconds had."""

    seq: int = 0
    from_seq: int = 0
    instruments: list[Instrument] = []


class Influx:
    """data_dir: where it keeps its place, state/influx.json. clock: for the lag that it tells."""

    def __init__(self, settings: Settings, data_dir: Path, clock: Callable[[], int]) -> None:
        self.meter = Meter("influx", clock())
        self._clock = clock
        self._settings = settings
        self._file = data_dir / "state" / "influx.json"
        self._place = msgspec.json.decode(self._file.read_bytes(), type=_Place) if self._file.exists() else _Place()
        self._lines = Lines(self._place.instruments)
        self._waiting: list[str] = []
        self._last: tuple[int, int] = (self._place.seq, 0)  # seq and known_ns of the newest chunk that was taken
        self._trail: deque[tuple[int, int]] = deque()  # known_ns and seq of chunks that are remembered
        self.meter.last_seq = self._place.seq

    @property
    def after_seq(self) -> int:
        """Follow the stream from behind this seq."""
        return max(self._place.from_seq - 1, 0)

    def status(self, at_ns: int) -> Status:
        return self.meter.status(at_ns)

    async def run(self, stop: asyncio.Event, payloads: AsyncIterator[bytes]) -> None:
        """Send until `stop`; what waits then is tried once more, and sent again by the next run if that fails.

        payloads: the stream's chunks behind `after_seq`.
        """
        stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        coming: asyncio.Future[Any] = asyncio.ensure_future(anext(payloads))
        loop = asyncio.get_running_loop()
        due = loop.time() + EVERY_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_S)) as session:
            try:
                while not stopping.done():
                    left_s = max(due - loop.time(), 0)
                    await asyncio.wait({stopping, coming}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                    if coming.done():
                        self._take(coming.result())
                        coming = asyncio.ensure_future(anext(payloads))
                    if len(self._waiting) >= LINES or loop.time() >= due:
                        await self._flush(session, stopping)
                        due = loop.time() + EVERY_S
                await self._flush(session, stopping)
            finally:
                stopping.cancel()
                coming.cancel()
                await asyncio.wait({coming})

    def _take(self, payload: bytes) -> None:
        chunk = decode(payload)
        missed = chunk.first_seq - max(self._last[0], self._place.seq) - 1
        if missed > 0:
            self.meter.count("dropped_inputs", missed)
            self.meter.detail = (
                f"the stream has let go of {missed:,} inputs before seq {chunk.first_seq:,} that were not sent yet"
            )
        lines = self._lines.of(chunk)
        if chunk.last_seq >= self._place.seq:  # else it was read again only to know what its milliseconds had
            self._waiting += lines
        self._last = chunk.last_seq, chunk.known_ns
        self._trail.append((chunk.known_ns, chunk.first_seq))

    async def _flush(self, session: aiohttp.ClientSession, stopping: asyncio.Future[Any]) -> None:
        """Send what waits until it is taken; the stream is not read meanwhile."""
        self._tell()
        sent = 0
        retry_s = FIRST_RETRY_S
        while sent < len(self._waiting):
            try:
                await self._send(session, self._waiting[sent : sent + LINES])
                sent += LINES
                retry_s = FIRST_RETRY_S
                self.meter.healthy = True
            except NotTaken as error:
                self.meter.count("failed")
                self.meter.detail, self.meter.healthy = str(error), False
                if stopping.done():
                    return
                await asyncio.wait({stopping}, timeout=error.retry_s or retry_s)
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
                self._tell()
        if self._waiting or self._last[0] > self._place.seq:
            self._waiting = []
            self._keep()
        self._tell()

    async def _send(self, session: aiohttp.ClientSession, lines: list[str]) -> None:
        """Write lines; where some are refused, the others are written. raises: NotTaken if none can be now."""
        try:
            await self._write(session, lines)
            self.meter.count("points", len(lines))
        except NotTaken as error:
            if not error.refused:
                raise
            if len(lines) == 1:
                self.meter.count("refused")
                self.meter.detail = f"{error}; not written: {lines[0][:200]}"
                return
            half = len(lines) // 2
            await self._send(session, lines[:half])
            await self._send(session, lines[half:])

    async def _write(self, session: aiohttp.ClientSession, lines: list[str]) -> None:
        address, headers = request_of(self._settings)
        body = ("\n".join(lines) + "\n").encode()
        try:
            async with session.post(address, data=body, headers=headers) as answer:
                if answer.status in (200, 204):
                    return
                said = (await answer.text())[:300].strip()
                reason = f"{host_of(self._settings.url)} answered {answer.status}: {said}"
                raise NotTaken(reason, _seconds(answer.headers.get("Retry-After", "")), answer.status in REFUSED)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotTaken(f"{host_of(self._settings.url)} cannot be reached: {without_address(error)}") from None

    def _keep(self) -> None:
        """Note that everything up to the newest chunk is acknowledged."""
        seq, known_ns = self._last
        while len(self._trail) > 1 and self._trail[0][0] < known_ns - REMEMBERED_NS:
            self._trail.popleft()
        from_seq = self._trail[0][1] if self._trail else self._place.from_seq
        self._place = _Place(seq, from_seq, sorted(self._lines.instruments.values(), key=lambda one: one.id))
        self._file.parent.mkdir(exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_bytes(msgspec.json.encode(self._place))
        beside.replace(self._file)
        self.meter.last_seq = seq

    def _tell(self) -> None:
        """lag_s: how old the oldest is that is not acknowledged; 0 if nothing waits."""
        self.meter.gauges["waiting"] = len(self._waiting)
        self.meter.gauges["lag_s"] = (self._clock() - self._last[1]) / SECOND_NS if self._waiting else 0.0


async def followed(folder: Path, after_seq: int) -> AsyncIterator[bytes]:
    """The chunks of a stream log behind a seq, for ever, as somebody else writes it."""
    follower = Follower(folder, after_seq)
    while True:
        before = follower.bytes_read
        for record in follower.poll(POLL_BYTES):
            if record.kind == CHUNK:
                yield record.payload
        is_behind = follower.bytes_read - before > POLL_BYTES // 2
        await asyncio.sleep(0 if is_behind else POLL_S)


def request_of(settings: Settings) -> tuple[str, dict[str, str]]:
    """Address and headers of a write; secrets come from the environment that the settings name."""
    token, user = os.environ.get(settings.token_env, ""), settings.user
    base = settings.url.rstrip("/")
    headers = {"Authorization": f"{'Bearer' if settings.api == 'v3' else 'Token'} {token}"} if token else {}
    if settings.api == "v2":
        query = urlencode({"org": settings.org, "bucket": settings.database, "precision": "ns"})
        return f"{base}/api/v2/write?{query}", headers
    if settings.api == "v3":
        return f"{base}/api/v3/write_lp?{urlencode({'db': settings.database, 'precision': 'nanosecond'})}", headers
    if user:
        secret = f"{user}:{os.environ.get(settings.password_env, '')}"
        headers = {"Authorization": "Basic " + b64encode(secret.encode()).decode()}
    return f"{base}/write?{urlencode({'db': settings.database, 'precision': 'ns'})}", headers


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0
