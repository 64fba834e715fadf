"""The venue's clock as we can know it: our clock, the offset of each connection, and the stamps that arrive.

In:  (connection, exchange_ns, receive_ns) of frames that carry the venue's time, and our own ticks.
Out: an estimate of the venue's time that never goes back, and the offset of each connection (delay included).
Only what was received decides, so a replay estimates the same.
"""

from __future__ import annotations

from statistics import median_low

import msgspec
import numpy as np

from ninefold.market.time import SECOND_NS, TICK_NS

WINDOW = 255  # stamps the offset is the median of
EVERY = 64  # estimate again after as many stamps (and for the first ones at 1, 2, 4, ...)
FAR_NS = 10 * SECOND_NS  # a stamp further ahead than this is believed only when others agree
AGREE = 3


class OffsetEstimate:
    """Median of receive_ns - exchange_ns over the last stamps of one connection.

    window: int64 (WINDOW,), of which stamp n stands at n % WINDOW. state: int64, (frames, median).
    """

    def __init__(self) -> None:
        self.window = np.zeros(WINDOW, np.int64)
        self.state = np.zeros(2, np.int64)

    @property
    def frames(self) -> int:
        return int(self.state[0])

    @property
    def median_ns(self) -> int:
        return int(self.state[1])

    def add(self, exchange_ns: int, receive_ns: int) -> None:
        frames = self.frames
        self.window[frames % WINDOW] = receive_ns - exchange_ns
        frames += 1
        self.state[0] = frames
        if frames % EVERY == 0 or frames & (frames - 1) == 0:
            self.state[1] = median_low(self.window[:frames].tolist())

    def save(self) -> _SavedOffset:
        """Stamps oldest first."""
        oldest = max(self.frames - WINDOW, 0) % WINDOW
        return _SavedOffset(np.roll(self.window[: self.frames], -oldest).tolist(), self.frames, self.median_ns)

    def load(self, saved: _SavedOffset) -> None:
        oldest = max(saved.frames - WINDOW, 0) % WINDOW
        self.window[: len(saved.window)] = np.roll(saved.window, oldest)
        self.state[:] = saved.frames, saved.median_ns


class _SavedOffset(msgspec.Struct):
    window: list[int]
    frames: int
    median_ns: int


class _State(msgspec.Struct):
    now_ns: int
    ticked_ns: int
    offsets: dict[int, _SavedOffset]
    far: int
    far_ns: int
    ended: set[int] = set()


class VenueClock:
    """now_ns: the venue's time, at least; 0 while nothing is known."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.ticked_ns = 0
        self.offsets: dict[int, OffsetEstimate] = {}
        self._far = 0  # stamps in a row that were too far ahead, and the last of them
        self._far_ns = 0
        self._ended: set[int] = set()  # connections that were lost; theirs is the best offset until another stamps

    def lost(self, connection: int) -> None:
        """A connection ended: its offset counts until another one has told its own."""
        if connection in self.offsets:
            self._ended.add(connection)

    def all_lost(self) -> None:
        """The program began anew: no connection of before is there any more."""
        self._ended.update(self.offsets)

    def stamp(self, connection: int, exchange_ns: int, receive_ns: int) -> None:
        """A frame with the venue's own time."""
        if self.now_ns and exchange_ns > self.now_ns + FAR_NS:
            agrees = self._far and abs(exchange_ns - self._far_ns) <= FAR_NS
            self._far, self._far_ns = self._far + 1 if agrees else 1, exchange_ns
            if self._far < AGREE:
                return
        self._far = 0
        if self._ended:
            self._ended.discard(connection)
            for ended in self._ended:
                del self.offsets[ended]
            self._ended.clear()
        offset = self.offsets.get(connection)
        if offset is None:
            offset = self.offsets[connection] = OffsetEstimate()
        offset.add(exchange_ns, receive_ns)
        self.now_ns = max(self.now_ns, exchange_ns)

    def own(self, receive_ns: int) -> None:
        """Our own clock went on; counts once a connection told how far the venue's is away."""
        if self.offsets:
            self.now_ns = max(self.now_ns, receive_ns - self.behind_ns())

    def behind_ns(self) -> int:
        """How far ours is ahead, by the connection that has told most."""
        offsets = list(self.offsets.values())
        return offsets[0].median_ns if len(offsets) == 1 else max(offsets, key=lambda one: one.frames).median_ns

    def certain_of(self, connection: int) -> bool:
        """Whether it goes by this connection alone, and nothing that it said is in doubt."""
        return self.now_ns > 0 and not self._far and not self._ended and [*self.offsets] == [connection]

    def tick(self) -> int | None:
        """The newest 100 ms mark that was reached since the last call, or None."""
        mark = self.now_ns // TICK_NS * TICK_NS
        if mark <= self.ticked_ns:
            return None
        self.ticked_ns = mark
        return mark

    def save(self) -> bytes:
        offsets = {number: one.save() for number, one in self.offsets.items()}
        return msgspec.msgpack.encode(
            _State(self.now_ns, self.ticked_ns, offsets, self._far, self._far_ns, self._ended)
        )

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self.now_ns, self.ticked_ns, self._far, self._far_ns = saved.now_ns, saved.ticked_ns, saved.far, saved.far_ns
        self._ended = saved.ended
        for number, one in saved.offsets.items():
            self.offsets[number] = OffsetEstimate()
            self.offsets[number].load(one)
