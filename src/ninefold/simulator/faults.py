"""Faults on demand: what a venue, its machines and the net between do to market data, orders and events of the account.
docs/faults.md tells each kind.

In:  `POST /sim/v1/faults`: a kind, for some seconds or a count of frames (questions, requests, events), at once or later.
Out: what becomes of each frame on its way to the subscribers, of each REST question, and of each event of the account.
`malformed` sends broken frames besides the good ones: nothing is lost by it. `silence` and `drop` lose frames;
`reorder` sends one after the frame that should have followed it.
"""

import math
import time
from collections import Counter
from random import Random
from typing import NamedTuple

import msgspec

LOSING = ("silence", "drop")
OF_FRAMES = (*LOSING, "reorder", "duplicate", "malformed")  # the first that is on decides
OF_QUESTIONS = ("hangup", "outage", "ban", "limit")
OF_REPLIES = ("half_open", "refused_5xx", "order_limit", "late", "accepted_5xx", "partial_fill", "reply_lost")
OF_EVENTS = ("event_gap", "event_reorder", "event_duplicate")
OF_ALL = ("maintenance", "clock_jump")  # for some seconds
KINDS = ("disconnect", "reset", *OF_FRAMES, *OF_QUESTIONS, *OF_REPLIES, *OF_EVENTS, *OF_ALL)
LATE_MS = 300
SYMBOLS = ("s", "product_id", "symbol")  # how the faces name an instrument


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """kind: one of KINDS; seconds and count as that kind takes them (both may be given).

    after: seconds from now until it begins. share: the chance that it strikes a frame or question while it is on.
    only:  a part of the streams' names or questions' paths that it strikes ("btcusdt@trade", "/depth", "kraken"); all if
           empty. Of disconnect: a part of the names of the faces (binance, coinbase, kraken). Of signed requests it is
           a part of "POST /api/v3/order", of events of their kind ("executionReport").
    by_ms: how far clock_jump moves the clock that requests are judged by; how much later `late` carries a request out.
    """

    kind: str
    seconds: float = 0.0
    count: int = 0
    after: float = 0.0
    share: float = 1.0
    only: str = ""
    by_ms: int = 0


class Struck(NamedTuple):
    """What a signed request meets. seconds: until it is over, at least 1. by_ms: how late it is carried out."""

    kind: str
    seconds: int
    by_ms: int


class Trouble(NamedTuple):
    """What a REST question meets. seconds: until it is over, at least 1, as Retry-After says it."""

    kind: str
    seconds: int


class _On:
    """A fault that has begun: until its seconds are over and it has struck as often as counted."""

    def __init__(self, request: FaultRequest, now_s: float) -> None:
        self.request = request
        self.until_s = now_s + request.seconds
        self.left = request.count


class Faults:
    """The faults that are on. `active` is False when every frame goes through untouched."""

    def __init__(self, seed: int = 7) -> None:
        self.active = False
        self.struck: Counter[str] = Counter()  # signed requests and events, by the kind that they met
        self._refused: list[tuple[str, float]] = []  # faces, and until when
        self.waiting = 0  # ordered for later and not begun
        self._on: list[_On] = []
        self._random = Random(seed)
        self._broken = 0

    def check(self, request: FaultRequest) -> None:
        """raises: ValueError for an unknown kind, no length where one is needed, or a share that is none."""
        if request.kind not in KINDS:
            raise ValueError(f"faults: kind is {request.kind!r}; it must be one of {', '.join(KINDS)}.")
        if request.kind in OF_ALL and request.seconds <= 0:
            raise ValueError(f"faults: {request.kind} needs seconds above 0.")
        if request.kind == "clock_jump" and not request.by_ms:
            raise ValueError("faults: clock_jump needs by_ms, the milliseconds that the clock is moved by.")
        lasting = request.kind in (*OF_FRAMES, *OF_QUESTIONS, *OF_REPLIES, *OF_EVENTS)
        if lasting and request.seconds <= 0 and request.count <= 0:
            raise ValueError(f"faults: {request.kind} needs seconds or count above 0.")
        if not 0 < request.share <= 1:
            raise ValueError(f"faults: share is {request.share}; it must be above 0 and at most 1.")

    def begin(self, request: FaultRequest) -> None:
        """Switch a checked fault on. What `disconnect`, `reset`, `half_open` and `maintenance` do besides is not done here."""
        now_s = time.monotonic()
        if request.kind == "disconnect":
            self._refused.append((request.only, now_s + request.seconds))
        elif request.kind != "reset":
            self._on.append(_On(request, now_s))
            self.active = self._any(OF_FRAMES)

    def clear(self) -> None:
        """Switch everything off that is on."""
        self._on, self._refused = [], []
        self.active = False

    def refusing(self, face: str) -> bool:
        """Whether new connections of a face are turned away."""
        now_s = time.monotonic()
        if self.maintenance():
            return True
        self._refused = [one for one in self._refused if now_s < one[1]]
        return any(only in face for only, _ in self._refused)

    def running(self) -> list[str]:
        """Kinds that are on or still to begin."""
        now_s = time.monotonic()
        self._forget(now_s)
        refused = sum(now_s < until_s for _, until_s in self._refused)
        kinds = [one.request.kind for one in self._on] + ["disconnect"] * refused
        return kinds + ["waiting"] * self.waiting

    def outcome(self, stream: str) -> str:
        """The kind of fault that a frame of this stream meets; empty if none."""
        now_s = time.monotonic()
        struck = next((kind for kind in OF_FRAMES if self._striking(kind, stream, now_s)), "")
        self._forget(now_s)
        return struck

    def reply(self, name: str) -> Struck | None:
        """What a signed request meets; name: of its method and path."""
        now_s = time.monotonic()
        self._forget(now_s)
        for kind in OF_REPLIES:
            one = self._striking(kind, name, now_s)
            if one is not None:
                self.struck[kind] += 1
                return Struck(kind, max(1, math.ceil(one.until_s - now_s)), one.request.by_ms or LATE_MS)
        return None

    def event(self, name: str) -> str:
        """The kind of fault that an event of the account meets; empty if none."""
        now_s = time.monotonic()
        self._forget(now_s)
        kind = next((kind for kind in OF_EVENTS if self._striking(kind, name, now_s)), "")
        self.struck.update([kind] if kind else [])
        return kind

    def maintenance(self) -> bool:
        """Whether the venue is closed: nothing is answered but 503, and no connection is taken."""
        self._forget(time.monotonic())
        return self._any(("maintenance",))

    def clock_ms(self) -> int:
        """How far the clock that requests are judged by is off."""
        self._forget(time.monotonic())
        return sum(one.request.by_ms for one in self._on if one.request.kind == "clock_jump")

    def question(self, path: str) -> Trouble | None:
        """What a public REST question meets."""
        now_s = time.monotonic()
        if self.maintenance():
            return Trouble("outage", 1)
        for kind in dict.fromkeys(one.request.kind for one in self._on if one.request.kind in OF_QUESTIONS):
            one = self._striking(kind, path, now_s)
            if one is not None:
                return Trouble(kind, max(1, math.ceil(one.until_s - now_s)))
        return None

    def broken(self, payload: bytes) -> bytes:
        """Cut JSON, wrong types, an unknown symbol, in turn."""
        self._broken += 1
        if self._broken % 3 == 1:
            return payload[: len(payload) // 2]
        wrong_type = self._broken % 3 == 2
        return msgspec.json.encode(_misnamed(msgspec.json.decode(payload), wrong_type))

    def _striking(self, kind: str, name: str, now_s: float) -> _On | None:
        """The fault of a kind that strikes now."""
        for one in self._on:
            request = one.request
            if request.kind != kind or request.only not in name:
                continue
            if request.share < 1 and self._random.random() >= request.share:
                continue
            if one.left > 0:
                one.left -= 1
                return one
            if now_s < one.until_s:
                return one
        return None

    def _any(self, kinds: tuple[str, ...]) -> bool:
        return any(one.request.kind in kinds for one in self._on)

    def _forget(self, now_s: float) -> None:
        self._on = [one for one in self._on if one.left > 0 or now_s < one.until_s]
        self.active = self._any(OF_FRAMES)


def _misnamed(value: object, wrong_type: bool) -> object:
    """The same with every symbol's name of a wrong type, or of nothing that is listed."""
    if isinstance(value, list):
        return [_misnamed(each, wrong_type) for each in value]
    if not isinstance(value, dict):
        return value
    wrong = ["NOSUCHCOIN"] if wrong_type else "NOSUCHCOIN"
    return {name: wrong if name in SYMBOLS else _misnamed(each, wrong_type) for name, each in value.items()}
