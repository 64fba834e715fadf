"""The quotes of a run's strategies against the venue model of back-tests, on what the run received.

In:  chunks of the run as it is played again, its ledger. Out: what was compared, and what differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ninefold.backtest.models import LatencyModel
from ninefold.backtest.quotes_parity import QUOTE_FILL, quotes_again, quotes_left
from ninefold.execution.reasons import Found
from ninefold.market.arrays import empty
from ninefold.market.instruments import Registry
from ninefold.market.records import AnyRecord, Fill, Order
from ninefold.services.build import strategies_of
from ninefold.services.lives import Run
from ninefold.services.play_again import Step
from ninefold.strategy.forms import Quoting


class QuotedMarket:
    """Quotes and trades of the run, kept only if a strategy quotes."""

    def __init__(self, run: Run) -> None:
        plans = [plan for life in run.lives for plan in strategies_of(life.config)]
        self.names = frozenset(plan.name for plan in plans if isinstance(plan.wants, Quoting))
        self._config = run.lives[-1].config
        self._identity = run.lives[-1].identity
        self._rows: dict[str, list[np.ndarray]] = {"quotes": [], "trades": []}

    def see(self, step: Step) -> None:
        """Each input once, however often a life went through it."""
        for kind, kept in self._rows.items() if self.names else ():
            rows = step.chunks[0].rows(kind)
            rows = rows[(rows["seq"] > step.booked[0]) & (rows["seq"] <= step.booked[1])]
            if len(rows):
                kept.append(rows)

    def against_back_tests(self, ledger: Sequence[AnyRecord], registry: Registry) -> Found:
        """By the latency of the last life."""
        found = Found()
        orders = [one for one in ledger if isinstance(one, Order)]
        left = quotes_left(orders, [one for one in ledger if isinstance(one, Fill)], self.names)
        latency = self._identity.latency if self._identity is not None else LatencyModel()
        is_paper = self._config.account.orders == "paper"
        market = {kind: np.concatenate([empty(kind), *rows]) for kind, rows in self._rows.items()}
        for instrument in sorted({one.sent.instrument for one in left}):
            mine = [one for one in left if one.sent.instrument == instrument]
            rows = {kind: of[of["instrument"] == instrument] for kind, of in market.items()}
            of = registry[instrument]
            found.compared += Counter({QUOTE_FILL: len(mine)})
            found.differences += quotes_again(of, rows["trades"], rows["quotes"], mine, latency.order_ns, is_paper)
        return found
