"""The venue's clock as we can know it: our clock, the offset of each connection, and the stamps that arrive.

In:  (connection, exchange_ns, receive_ns) of frames that carry the venue's time, and our own ticks.
Out: an estimate of the venue's time that never goes back, and the offset of each connection (delay included).
Only what was received decides, so a replay estimates the same.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

import msgspec

from ninefold.market.time import SECOND_NS, TICK_NS

WINDOW = 255  # stamps the offset is the median of
EVERY = 64  # estimate again after as many stamps (and for the first ones at 1, 2, 4, ...)
FAR_NS = 10 * SECOND_NS  # a stamp further ahead than this is believed only when others agree
AGREE = 3


class OffsetEstimate:
    """Median of receive_ns - exchange_ns over the last stamps of one connection."""

    def __init__(self) -> None:
        self.window: deque[int] = deque(maxlen=WINDOW)
        self.frames = 0
        self.median_ns = 0

    def add(self, exchange_ns: int, receive_ns: int) -> None:
        self.window.append(receive_ns - exchange_ns)
        self.frames += 1
        if self.frames % EVERY == 0 or self.frames & (self.frames - 1) == 0:
            self.median_ns = median_low(self.window)


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
            newest = max(self.offsets.values(), key=lambda offset: offset.frames)
            self.now_ns = max(self.now_ns, receive_ns - newest.median_ns)

    def tick(self) -> int | None:
        """The newest 100 ms mark that was reached since the last call, or None."""
        mark = self.now_ns // TICK_NS * TICK_NS
        if mark <= self.ticked_ns:
            return None
        self.ticked_ns = mark
        return mark

    def save(self) -> bytes:
        offsets = {
            number: _SavedOffset(list(one.window), one.frames, one.median_ns) for number, one in self.offsets.items()
        }
        return msgspec.msgpack.encode(_State(self.now_ns, self.ticked_ns, offsets, self._far, self._far_ns, self._ended))

    def load(self, state: bytes) -> None:
        saved = msgspec.msgpack.decode(state, type=_State)
        self.now_ns, self.ticked_ns, self._far, self._far_ns = saved.now_ns, saved.ticked_ns, saved.far, saved.far_ns
        self._ended = saved.ended
        for number, one in saved.offsets.items():
            offset = self.offsets[number] = OffsetEstimate()
            offset.window.extend(one.window)
            offset.frames, offset.median_ns = one.frames, one.median_ns
