"""What a venue says about our orders and our account, from raw answers to records.

In:  answers as a gateway hands them on (Reply), frames of the account's line, and how one venue's are read (Reading).
Out: Order, Fill and Balance records. A new order is taken or rejected only by an answer that says so surely; a time-out,
     a 5xx, whatever the venue's documentation calls unknown and whatever cannot be read leave it unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from ninefold.execution.orders import WITHHELD
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Malformed, Order
from ninefold.venues.key_rights import NotTold, Rights
from ninefold.venues.order_records import Records

NO_ANSWER, NOT_SENT = 0, -1  # in place of an http status
TURNED_AWAY = frozenset({400, 401, 403, 404, 405, 410, 418, 429})  # before the request reached the market
TAKEN, REFUSED, UNSURE, ABSENT = "taken", "refused", "unsure", "absent"
BAD = (msgspec.DecodeError, ValueError, KeyError)  # no JSON, no number or no text, a name that is not known


class Reply(msgspec.Struct, frozen=True):
    """An answer. order: what was sent or asked about, None if it was the account. http_status: NO_ANSWER if none came,
    NOT_SENT if nothing was asked; body then says why."""

    http_status: int
    body: str
    order: Order | None = None


class Verdict(msgspec.Struct, frozen=True):
    """outcome: TAKEN (the venue did as asked), REFUSED (surely not), UNSURE, or ABSENT (there is no such order)."""

    outcome: str
    reason: str = ""


Read = Callable[[Records, Reply], list[AnyRecord]]


@dataclass(frozen=True)
class Reading:
    """How one venue's answers are read; each takes a body that was judged TAKEN.

    judge:       an answer's http status and body.
    placed:      the answer to a new order.
    status:      to a question about one order; nothing if the order is not in it.
    fills, open_orders, balances: to the questions of these names.
    event:       a frame of the account's line; nothing if it tells nothing of orders or balances.
    rights:      to the question of this name; raises msgspec.DecodeError.
    """

    venue: str
    judge: Callable[[int, str], Verdict]
    placed: Read
    status: Read
    fills: Read
    open_orders: Read
    balances: Read
    event: Callable[[Records, bytes], list[AnyRecord]]
    rights: Callable[[str], Rights]

    def parse(self, kind: str, payload: bytes, registry: Registry, seq: int, known_ns: int) -> list[AnyRecord]:
        """Records of one payload; what cannot be read is a Malformed record.

        kind:    order_answer, cancel_answer (tells nothing: the order is asked for after it), order_status, my_trades,
                 open_orders, account or user_event.
        payload: a Reply as JSON; of a user_event the raw frame.
        """
        records = Records(self.venue, registry, seq, known_ns)
        try:
            if kind == "user_event":
                return self.event(records, payload)
            return _KINDS[kind](self, records, msgspec.json.decode(payload, type=Reply))
        except BAD as error:
            excerpt = payload[:200].decode(errors="replace")
            return [Malformed(seq=seq, known_ns=known_ns, venue=self.venue, reason=f"{kind}: {error}", excerpt=excerpt)]

    def is_unsure(self, reply: Reply) -> bool:
        """Whether an answer to a new order leaves open what became of it, so that the venue must be asked."""
        return reply.http_status != NOT_SENT and self.judge(reply.http_status, reply.body).outcome in (UNSURE, ABSENT)

    def found_in(self, reply: Reply, registry: Registry) -> Order | None:
        """The order that was asked about as the answer has it; None if the answer does not name it, or cannot be read."""
        if self.judge(reply.http_status, reply.body).outcome != TAKEN:
            return None
        try:
            found = self.status(Records(self.venue, registry, 0, 0), reply)
        except BAD:
            return None
        return next((each for each in found if isinstance(each, Order)), None)

    def rights_told(self, http_status: int, body: str) -> Rights:
        """raises: NotTold, msgspec.DecodeError."""
        verdict = self.judge(http_status, body)
        if verdict.outcome != TAKEN:
            raise NotTold(verdict.reason or f"http {http_status}")
        return self.rights(body)

    def _order_answer(self, records: Records, reply: Reply) -> list[AnyRecord]:
        order = asked_order(reply)
        if reply.http_status == NOT_SENT:
            return [records.again(order, "rejected", reason=f"{WITHHELD}{reply.body}")]
        verdict = self.judge(reply.http_status, reply.body)
        if verdict.outcome == TAKEN:
            try:
                return self.placed(records, reply)
            except BAD as error:
                return [records.again(order, "unknown", reason=f"the answer could not be read: {error}")]
        status = "rejected" if verdict.outcome == REFUSED else "unknown"
        return [records.again(order, status, reason=verdict.reason)]

    def _order_status(self, records: Records, reply: Reply) -> list[AnyRecord]:
        """ "No such order" is final: a gateway hands it on only when no question found the order and its time to reach
        the venue has run out."""
        order = asked_order(reply)
        verdict = self.judge(reply.http_status, reply.body)
        if verdict.outcome not in (TAKEN, ABSENT):
            return []
        found = self.status(records, reply) if verdict.outcome == TAKEN else []
        why = f"it never reached the venue ({verdict.reason or 'the answer does not name it'})"
        return found or [records.again(order, "rejected", reason=why)]

    def _when_taken(self, read: Read, records: Records, reply: Reply) -> list[AnyRecord]:
        taken = self.judge(reply.http_status, reply.body).outcome == TAKEN
        return read(records, reply) if taken else []


def complaint(payload: bytes) -> str:
    """What a frame of a line says against a login or a subscription of ours; empty if nothing."""
    try:
        told = msgspec.json.decode(payload, type=_Said)
    except msgspec.DecodeError:
        return ""
    if told.success is False or "error" in (told.event, told.type):
        return told.error or told.ret_msg or told.msg or told.message or "refused, and not said why"
    return ""


def by_http(http_status: int, body: str) -> Verdict | None:
    """What the http status alone settles; None where the body has to be read."""
    if 200 <= http_status < 300 or http_status in TURNED_AWAY:
        return None
    return Verdict(UNSURE, f"http {http_status}: {body[:200]}" if http_status else body[:200])


def unreadable(http_status: int, body: str) -> Verdict:
    """An answer whose body is not what the venue's documentation shows. Only a firewall's or a proxy's plain "no" is
    sure."""
    sure = http_status in TURNED_AWAY - {400}
    return Verdict(REFUSED if sure else UNSURE, f"http {http_status}: {body[:200]}")


def asked_order(reply: Reply) -> Order:
    if reply.order is None:
        raise KeyError("the answer does not say which order it is about")
    return reply.order


class _Said(msgspec.Struct):
    success: bool | None = None
    event: str = ""
    type: str = ""
    error: str = ""
    ret_msg: str = ""
    msg: str = ""
    message: str = ""


_KINDS: Mapping[str, Callable[[Reading, Records, Reply], list[AnyRecord]]] = {
    "order_answer": Reading._order_answer,
    "cancel_answer": lambda reading, records, reply: [],
    "order_status": Reading._order_status,
    "my_trades": lambda reading, records, reply: reading._when_taken(reading.fills, records, reply),
    "open_orders": lambda reading, records, reply: reading._when_taken(reading.open_orders, records, reply),
    "account": lambda reading, records, reply: reading._when_taken(reading.balances, records, reply),
}
