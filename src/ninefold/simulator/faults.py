"""Faults on demand, for market streams only.

In:  `POST /sim/v1/faults`: disconnect, silence, malformed, drop, duplicate, for some seconds or a count of frames.
Out: what becomes of each frame on its way to the subscribers.
`malformed` sends broken frames besides the good ones: nothing is lost by it. `silence` and `drop` lose frames.
"""

import time

import msgspec

KINDS = ("disconnect", "silence", "malformed", "drop", "duplicate")


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """kind: one of KINDS; seconds and count as that kind takes them (both may be given)."""

    kind: str
    seconds: float = 0.0
    count: int = 0


class Faults:
    """The faults that are on. `active` is False when every frame goes through untouched."""

    def __init__(self) -> None:
        self.active = False
        self.refuse_until_s = 0.0
        self._until_s = {kind: 0.0 for kind in KINDS}
        self._left = {kind: 0 for kind in KINDS}
        self._broken = 0

    def order(self, request: FaultRequest) -> None:
        """Switch a fault on. raises: ValueError for an unknown kind, or neither seconds nor count."""
        if request.kind not in KINDS:
            raise ValueError(f"faults: kind is {request.kind!r}; it must be one of {', '.join(KINDS)}.")
        now_s = time.monotonic()
        if request.kind == "disconnect":
            self.refuse_until_s = now_s + request.seconds
            return
        if request.seconds <= 0 and request.count <= 0:
            raise ValueError(f"faults: {request.kind} needs seconds or count above 0.")
        self._until_s[request.kind] = now_s + request.seconds
        self._left[request.kind] = request.count
        self.active = True

    def refusing(self) -> bool:
        """Whether new market stream connections are turned away."""
        return time.monotonic() < self.refuse_until_s

    def outcome(self, payload: bytes) -> list[bytes]:
        """The payloads that go out in place of this one, in order."""
        now_s = time.monotonic()
        if self._takes("silence", now_s) or self._takes("drop", now_s):
            result = []
        elif self._takes("duplicate", now_s):
            result = [payload, payload]
        elif self._takes("malformed", now_s):
            result = [self._break(payload), payload]
        else:
            result = [payload]
        self.active = any(self._left.values()) or any(now_s < until for until in self._until_s.values())
        return result

    def _takes(self, kind: str, now_s: float) -> bool:
        if self._left[kind] > 0:
            self._left[kind] -= 1
            return True
        return now_s < self._until_s[kind]

    def _break(self, payload: bytes) -> bytes:
        """Cut JSON, wrong types, an unknown symbol, in turn."""
        self._broken += 1
        if self._broken % 3 == 1:
            return payload[: len(payload) // 2]
        fields = msgspec.json.decode(payload)
        if self._broken % 3 == 2:
            return msgspec.json.encode({key: [value] if key in "sEu" else value for key, value in fields.items()})
        return msgspec.json.encode({**fields, "s": "NOSUCHCOIN"})
