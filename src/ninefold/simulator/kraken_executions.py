"""The exchange as Kraken: the executions channel of one client, which tells what becomes of own orders.

In:  a token, events of the account. Out: a snapshot of what is open, then a frame for each event, numbered from one.
Source: docs.kraken.com, "Spot WebSocket API v2": Executions, read 2026-11-30. Fills of the past are not in the snapshot.
"""

from typing import Any

from ninefold.simulator import kraken_account as texts
from ninefold.simulator.connection import Connection
from ninefold.simulator.exchange import Exchange
from ninefold.simulator.order_faults import Telling

RESULT = {"channel": "executions", "snapshot": True, "snap_orders": True, "snap_trades": False, "warnings": []}


class Executions:
    """tokens: that open it. lines: whom faults of the account's line strike. client: who hears it."""

    def __init__(self, exchange: Exchange, tokens: set[str], lines: dict[Connection, None], client: Connection) -> None:
        self._exchange = exchange
        self._tokens = tokens
        self._lines = lines
        self._client = client
        self._sequence = 0
        self._telling = Telling(exchange.hub.faults, self._event)

    def begin(self, params: dict[str, Any]) -> str:
        """Why it is refused; empty if it is not."""
        if params.get("token") not in self._tokens:
            return "EAccount:Invalid permissions" if params.get("token") is None else "ESession:Invalid session"
        if self._client in self._lines:
            return "Already subscribed"
        self._lines[self._client] = None
        self._exchange.user_listeners[self._telling.tell] = None
        return ""

    def snapshot(self) -> bytes:
        of = self._exchange.listings
        rows = [texts.open_execution(of[one.symbol].instrument, one) for one in self._exchange.open_orders.values()]
        return self._frame(rows, "snapshot")

    def end(self) -> None:
        self._lines.pop(self._client, None)
        self._exchange.user_listeners.pop(self._telling.tell, None)

    def _event(self, event: dict[str, Any]) -> None:
        if event["e"] == "executionReport":
            instrument = self._exchange.listings[event["s"]].instrument
            self._client.send(self._frame([texts.execution(instrument, event)], "update"))

    def _frame(self, rows: list[dict[str, Any]], kind: str) -> bytes:
        self._sequence += 1
        return texts.executions(rows, self._sequence, kind)
