"""What the nine services say about themselves, as rows, and the one line that sums them up.

In:  one Status per service and second.
Out: rows in pipeline order: rate of the main counter, p50 and p99 of the last minute, age, health.
     A service that has not spoken for a while is not healthy.
"""

from __future__ import annotations

from msgspec import structs

from ninefold.api.rows import Json
from ninefold.bus.status import SERVICES, Status
from ninefold.market.histogram import Histogram
from ninefold.market.time import SECOND_NS

SILENT_NS = 10 * SECOND_NS  # a Status comes every second; a loading or compacting service may miss a few
MAIN_COUNTER = {
    "collect": "frames",
    "record": "rows_stored",
    "bars": "bars",
    "measure": "indicators",
    "sentiment": "headlines",
    "forecast": "forecasts",
    "decide": "targets",
    "execute": "orders",
    "notify": "sent",
}
MAIN_LATENCY = {"collect": "exchange_to_receive", "record": "receive_to_store", "decide": "receive_to_decision"}


class Services:
    """The newest Status of each service and the counters of the one before it, for rates."""

    def __init__(self) -> None:
        self.now: dict[str, Status] = {}
        self._before: dict[str, Status] = {}

    def put(self, status: Status) -> None:
        known = self.now.get(status.service)
        if known is not None and known.started_ns == status.started_ns:
            self._before[status.service] = structs.replace(known, latencies={}, recent={})  # histograms are large
        else:
            self._before.pop(status.service, None)
        self.now[status.service] = status

    def counter(self, service: str, name: str) -> int:
        status = self.now.get(service)
        return status.counters.get(name, 0) if status else 0

    def rate(self, service: str) -> float | None:
        """Of the main counter, per second; None until two statuses came."""
        now, before = self.now.get(service), self._before.get(service)
        if now is None or before is None or now.at_ns <= before.at_ns:
            return None
        name = MAIN_COUNTER[service]
        more = now.counters.get(name, 0) - before.counters.get(name, 0)
        return round(more * SECOND_NS / (now.at_ns - before.at_ns), 3)

    def rows(self, now_ns: int) -> list[Json]:
        return [self._row(name, now_ns) for name in SERVICES]

    def _row(self, name: str, now_ns: int) -> Json:
        unit = f"{MAIN_COUNTER[name].replace('_', ' ')}/s"
        row: Json = {"name": name, "healthy": False, "rate": self.rate(name), "unit": unit}
        status = self.now.get(name)
        if status is None:
            return {**row, "lag_p50_ns": None, "lag_p99_ns": None, "age_ns": None, "detail": "has not spoken yet"}
        age_ns = now_ns - status.at_ns
        silent = age_ns > SILENT_NS
        detail = f"silent for {age_ns / SECOND_NS:.0f} s; {status.detail}".rstrip("; ") if silent else status.detail
        lag = Histogram(status.recent.get(MAIN_LATENCY.get(name, "step"), {}))
        return {
            **row,
            "healthy": status.healthy and not silent,
            "lag_p50_ns": _rounded(lag.percentile(50)),
            "lag_p99_ns": _rounded(lag.percentile(99)),
            "age_ns": age_ns,
            "detail": detail,
        }


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
