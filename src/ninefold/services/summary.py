"""The summary of a run: one JSON object with fixed keys, from what the services counted.

In:  statuses of the services. Out: frames, trades, ... and the latencies' p50 and p99 in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.bus.status import Status
from ninefold.market.histogram import Histogram

COUNTS = {
    "frames": ("collect", "frames"),
    "trades": ("collect", "trades"),
    "book_changes": ("collect", "book_changes"),
    "bars": ("bars", "bars"),
    "indicators": ("measure", "indicators"),
    "headlines": ("sentiment", "headlines"),
    "forecasts": ("forecast", "forecasts"),
    "targets": ("decide", "targets"),
    "may": ("decide", "may"),
    "may_scored": ("decide", "may_scored"),
    "has": ("execute", "has"),
    "orders": ("execute", "orders"),
    "refused": ("execute", "refused"),
    "fills": ("execute", "fills"),
    "gaps": ("collect", "gaps"),
    "malformed": ("collect", "malformed"),
}
LATENCIES = {
    "exchange_to_receive": ("collect", "exchange_to_receive"),
    "receive_to_store": ("record", "receive_to_store"),
    "receive_to_decision": ("decide", "receive_to_decision"),
}


def summary(statuses: Mapping[str, Status]) -> dict[str, object]:
    """Counts by name, equity in quote as text or None, latencies {"p50_ns", "p99_ns"} (None: not measured)."""
    made: dict[str, object] = {}
    for key, (service, counter) in COUNTS.items():
        status = statuses.get(service)
        made[key] = status.counters.get(counter, 0) if status else 0
    execute = statuses.get("execute")
    equity = execute.gauges.get("equity") if execute else None
    made["equity"] = None if equity is None else f"{equity:.2f}"
    for key, (service, name) in LATENCIES.items():
        status = statuses.get(service)
        histogram = Histogram(dict(status.latencies.get(name, {})) if status else {})
        p50, p99 = histogram.percentile(50), histogram.percentile(99)
        made[key] = {"p50_ns": None if p50 is None else int(p50), "p99_ns": None if p99 is None else int(p99)}
    return made
