"""The account as its events alone tell it: for whoever looks at it from outside the execution core.

In:  records of the account, oldest first; of the ledger or of the stream, also twice. Out: positions, and by which strategy
     they are. It decides nothing.
"""

from __future__ import annotations

from ninefold.execution.account import Account
from ninefold.execution.ids import is_ours
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Balance, Crossed, Fill, Listed, Order, Shared
from ninefold.market.strategy_records import Guard


class Booked:
    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry if registry is not None else Registry()
        self.account = Account()
        self.exits: dict[tuple[str, int], Guard] = {}  # by strategy and instrument, as they were last told
        self._crossed: dict[int, int] = {}  # instrument to seq of the last one, so that none counts twice

    def fold(self, record: AnyRecord) -> None:
        match record:
            case Listed():
                self.registry.learn(record.instrument)
                self.account.relist_to(record.instrument, self.registry)
            case Order() if is_ours(record.client_order_id) and record.status != "refused":
                self.account.attribution.follow(record)
            case Fill() if is_ours(record.client_order_id):
                self.account.book(record, self.registry[record.instrument])
            case Shared():
                self.account.attribution.share(record)
            case Crossed() if record.seq > self._crossed.get(record.instrument, 0):
                self._crossed[record.instrument] = record.seq
                self.account.attribution.cross(record, self.registry[record.instrument])
            case Guard():
                self.exits[record.strategy, record.instrument] = record
            case Balance():
                self.account.show(record)
