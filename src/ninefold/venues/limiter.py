"""A venue's rate limits, never exceeded: how long a call must wait. Pure: the time is an argument.

In:  limits; calls that leave and come back; what the venue says is used, of everybody at our address.
Out: how long a call must wait.

A venue counts a call when it arrives, which is some time between leaving and coming back. So a call counts here from when it
leaves until the whole length of the limit after it came back: then no stretch of that length at the venue, wherever it begins,
holds more than the limit, however long calls take. What the venue counts and we did not send is somebody else's, and counts as
if it had all been used just now. Of a counter that decays, what a call added begins to fade here when the call came back: at
the venue it faded earlier, so the venue's counter is never above ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec


class Limit(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """At most so many of a kind ("weight", "orders", "requests") in any stretch of a length.

    decays: the venue keeps a counter instead, at most so high, which falls evenly: all of it in the length.
    """

    kind: str
    length_ns: int
    most: int
    decays: bool = False


class Told(msgspec.Struct, frozen=True):
    """What a venue says is used of a limit in its own stretch of that length, which begins at a multiple of it."""

    kind: str
    length_ns: int
    used: int


class Limiter:
    """Shared by all who call one venue from here."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._windows: dict[tuple[str, int], _Window | _Counter] = {}
        self._tickets = 0
        self.set(limits)

    def set(self, limits: Sequence[Limit]) -> None:
        """The venue has told its limits: what was used stays used."""
        for limit in limits:
            known = self._windows.get((limit.kind, limit.length_ns))
            if known is None:
                self._windows[limit.kind, limit.length_ns] = _Counter(limit) if limit.decays else _Window(limit)
            else:
                known.limit = limit

    def wait_ns(self, costs: Mapping[str, int], now_ns: int) -> int:
        """How long until a call of these costs may leave, if no other does; 0: now. One that is dearer than a whole limit may
        leave when nothing else counts."""
        return max(
            (window.wait_ns(costs.get(kind, 0), now_ns) for (kind, _), window in self._windows.items()), default=0
        )

    def leave(self, costs: Mapping[str, int], now_ns: int) -> int:
        """A call leaves now; the ticket is given back when it is over."""
        self._tickets += 1
        for (kind, _), window in self._windows.items():
            if costs.get(kind, 0):
                window.leave(self._tickets, costs[kind], now_ns)
        return self._tickets

    def back(self, ticket: int, now_ns: int) -> None:
        """The answer came, or it is certain that the call does not arrive any more."""
        for window in self._windows.values():
            window.back(ticket, now_ns)

    def told(self, told: Sequence[Told], now_ns: int) -> None:
        """The venue's own counts, as they came with an answer."""
        for one in told:
            window = self._windows.get((one.kind, one.length_ns))
            if window is not None:
                window.told(one.used, now_ns)


class _Window:
    """One limit. What is over is (came back, amount, left), in the order of coming back."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._away: dict[int, tuple[int, int]] = {}  # ticket to amount and when it left
        self._over: deque[tuple[int, int, int]] = deque()
        self._counted = 0

    def wait_ns(self, cost: int, now_ns: int) -> int:
        while self._over and self._over[0][0] <= now_ns - self.limit.length_ns:
            self._counted -= self._over.popleft()[1]
        lacking = self._counted + cost - self.limit.most
        if cost == 0 or lacking <= 0 or self._counted == 0:
            return 0
        for back_ns, amount, _ in self._over:
            lacking -= amount
            if lacking <= 0:
                return back_ns + self.limit.length_ns - now_ns
        return self.limit.length_ns

    def leave(self, ticket: int, amount: int, now_ns: int) -> None:
        self._away[ticket] = (amount, now_ns)
        self._counted += amount

    def back(self, ticket: int, now_ns: int) -> None:
        amount, left_ns = self._away.pop(ticket, (0, 0))
        if amount:
            self._over.append((now_ns, amount, left_ns))

    def told(self, used: int, now_ns: int) -> None:
        """Ours are those that left since the venue's stretch began; more than these are somebody else's."""
        began_ns = now_ns - now_ns % self.limit.length_ns
        ours = sum(amount for _, amount, left_ns in self._over if left_ns >= began_ns)
        ours += sum(amount for amount, left_ns in self._away.values() if left_ns >= began_ns)
        if used > ours:
            self._over.append((now_ns, used - ours, now_ns))
            self._counted += used - ours


class _Counter:
    """One limit that decays. What came back is kept as the amount times the length, so that it fades in whole numbers."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._away: dict[int, int] = {}  # ticket to amount
        self._fading, self._at_ns = 0, 0

    def wait_ns(self, cost: int, now_ns: int) -> int:
        fading, away = self._faded(now_ns), sum(self._away.values())
        lacking = fading + (away + cost - self.limit.most) * self.limit.length_ns
        if cost == 0 or lacking <= 0 or (fading == 0 and away == 0):
            return 0
        return -(-lacking // self.limit.most)

    def leave(self, ticket: int, amount: int, now_ns: int) -> None:
        self._away[ticket] = amount

    def back(self, ticket: int, now_ns: int) -> None:
        self._add(self._away.pop(ticket, 0), now_ns)

    def told(self, used: int, now_ns: int) -> None:
        """More than ours is somebody else's."""
        ours = self._faded(now_ns) + sum(self._away.values()) * self.limit.length_ns
        self._add(max(0, used - ours // self.limit.length_ns), now_ns)

    def _add(self, amount: int, now_ns: int) -> None:
        self._fading = self._faded(now_ns) + amount * self.limit.length_ns
        self._at_ns = max(self._at_ns, now_ns)

    def _faded(self, now_ns: int) -> int:
        return max(0, self._fading - max(0, now_ns - self._at_ns) * self.limit.most)
