"""MAY, HAS and alarms as the page shows them, and how good the MAYs were.

In:  records of the stream.
Out: one JSON-ready row per message, changed (as a new row) when its outcome is known or Slack has it; the Brier scores.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from ninefold.api.packed import Packed
from ninefold.api.rows import SIDES, Json
from ninefold.market.instruments import Instrument
from ninefold.market.lag import lateness
from ninefold.market.records import (
    AnyRecord,
    Flatten,
    Flattened,
    Found,
    Gap,
    Halted,
    Has,
    Late,
    Malformed,
    May,
    MayScored,
    Resumed,
)
from ninefold.market.strategy_records import LegsMoved, StrategyFailed

HELD = 2_000
Alarm = Gap | Late | Malformed | Found | Halted | Resumed | Flatten | Flattened | StrategyFailed | LegsMoved
_EMPTY: Json = {
    "instrument": None,
    "strategy": None,
    "side": None,
    "probability": None,
    "price_low": None,
    "price_high": None,
    "horizon_ns": None,
    "outcome": None,
    "may_id": None,
    "slack": False,
}


class Messages:
    """instrument_of: an instrument by its id. `put` returns the row that is new or changed, or None."""

    def __init__(self, instrument_of: Callable[[int], Instrument]) -> None:
        self.mays = 0
        self.scored = 0
        self._instrument_of = instrument_of
        self._rows = Packed(HELD)
        self._waiting: dict[str, int] = {}  # message id to its seq, until Slack has it
        self._squares = 0.0
        self._kept = 0
        self._alarm_seq = self._alarms_here = 0

    def put(self, record: AnyRecord) -> Json | None:
        match record:
            case MayScored():
                return self._score(record)
            case May():
                self.mays += 1
                return self._keep(self._may(record), record.seq)
            case Has():
                return self._keep(self._has(record), record.seq)
            case Gap() if record.healed and record.to_id < record.from_id:
                return None  # nothing had been missed
            case LegsMoved() if not record.why:
                return None  # as it should be; their orders tell of it
            case _ if isinstance(record, Alarm):
                return self._keep(self._alarm(record), record.seq)
        return None

    def sent_until(self, seq: int) -> list[Json]:
        """Mark what `notify` has handled; returns the rows that changed."""
        sent = [id for id, at in self._waiting.items() if at <= seq]
        for id in sent:
            del self._waiting[id]
        return [row for id in sent if (row := self._change(id, slack=True)) is not None]

    def newest(self, limit: int, kind: str | None = None) -> list[Json]:
        """Newest first."""
        return list(islice((row for row in self._rows.newest_first() if kind in (None, row["kind"])), limit))

    def scores(self) -> Json:
        """brier: mean squared error of the probabilities; base_brier: of the share that was kept, said every time.

        Both are null until one is scored.
        """
        share = self._kept / self.scored if self.scored else 0.0
        return {
            "may": self.mays,
            "scored": self.scored,
            "brier": self._squares / self.scored if self.scored else None,
            "base_brier": share * (1 - share) if self.scored else None,
        }

    def _keep(self, row: Json, seq: int) -> Json:
        self._waiting[row["id"]] = seq
        oldest = self._rows.put(row["id"], row)
        if oldest is not None:
            self._waiting.pop(oldest, None)
        return row

    def _change(self, id: str, **cells: object) -> Json | None:
        """The row with some cells changed; None if it is no longer held."""
        held = self._rows.get(id)
        if held is None:
            return None
        changed = {**held, **cells}
        self._rows.put(id, changed)
        return changed

    def _score(self, record: MayScored) -> Json | None:
        self.scored += 1
        self._kept += record.outcome
        self._squares += (record.probability - record.outcome) ** 2
        return self._change(record.may_id, outcome="kept" if record.outcome else "missed")

    def _may(self, may: May) -> Json:
        instrument = self._instrument_of(may.instrument)
        return {
            **_EMPTY,
            "id": may.may_id,
            "kind": "may",
            "known_ns": str(may.known_ns),
            "instrument": instrument.name,
            "strategy": may.strategy,
            "side": SIDES[may.side],
            "probability": may.probability,
            "price_low": instrument.price_text(may.price_low),
            "price_high": instrument.price_text(may.price_high),
            "horizon_ns": str(may.until_ns - may.known_ns),
            "text": may.text,
            "outcome": "open",
        }

    def _has(self, has: Has) -> Json:
        instrument = self._instrument_of(has.instrument)
        price = instrument.price_text(has.price)
        return {
            **_EMPTY,
            "id": has.has_id,
            "kind": "has",
            "known_ns": str(has.known_ns),
            "instrument": instrument.name,
            "strategy": has.strategy,
            "side": SIDES[has.side],
            "price_low": price,
            "price_high": price,
            "text": has.text,
            "may_id": has.may_id or None,
        }

    def _alarm(self, record: Alarm) -> Json:
        same = record.seq == self._alarm_seq
        self._alarm_seq, self._alarms_here = record.seq, self._alarms_here + 1 if same else 1
        name = self._instrument_of(record.instrument).name if isinstance(record, Gap | StrategyFailed) else None
        return {
            **_EMPTY,
            "id": f"alarm-{record.seq}-{self._alarms_here}",
            "kind": "alarm",
            "known_ns": str(record.known_ns),
            "instrument": name,
            "text": _alarm_text(record),
        }


def _alarm_text(record: Alarm) -> str:
    match record:
        case Halted():
            return f"Trading halted by {record.by}: {record.reason}. No new orders are sent."
        case Flatten():
            return f"{record.by} wants {record.instrument or 'everything'} sold. It is not bought again until resumed."
        case Flattened():
            left = "; ".join(record.left) or "nothing"
            return f"Sold what {record.by} wanted sold. Left: {left}."
        case Resumed():
            return f"Trading resumed by {record.by}."
        case StrategyFailed() | LegsMoved():
            return f"{record.text}."
        case Found():
            return f"{record.venue} has {record.text}."
        case Malformed():
            return f"{record.venue} sent a frame that could not be read ({record.reason}); it is input {record.seq}."
        case Late():
            return lateness(record.venue, record.behind_ns)
        case Gap():
            missed = f"{record.stream} {record.from_id} to {record.to_id}"
            return f"Healed: {missed} were fetched again." if record.healed else f"Gap: {missed} may have been missed."
