"""`/metrics`: the statuses of the services and the newest numbers of the view, in Prometheus' text.

In:  the live view.
Out: the families listed in FAMILIES. Latencies of trades are in seconds, of pipeline stages in nanoseconds; both as
     histograms of the whole run. Where an exchange's clock is ahead of ours, seconds are negative, so their
     histograms have negative bounds and, as OpenMetrics asks for these, no sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ninefold.api.live import LiveView
from ninefold.api.rows import MONEY_DECIMALS
from ninefold.bus.status import SERVICES
from ninefold.market.histogram import Histogram
from ninefold.market.instruments import Instrument
from ninefold.market.time import SECOND_NS, TIMEFRAME_OF
from ninefold.market.values import MEAN

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTERS = {  # metric: (service, its counter, what it counts)
    "ninefold_frames": ("collect", "frames", "Frames received from venues."),
    "ninefold_book_changes": ("collect", "book_changes", "Book rows parsed."),
    "ninefold_quotes": ("collect", "quotes", "Best bid and ask rows parsed."),
    "ninefold_malformed": ("collect", "malformed", "Frames that could not be parsed; they are in the journal."),
    "ninefold_gaps": ("collect", "gaps", "Stretches in which trades or book changes may have been missed."),
    "ninefold_reconnects": ("collect", "reconnects", "Connections made again."),
    "ninefold_trades_stored": ("record", "trades_stored", "Trades written to the store."),
    "ninefold_rows_stored": ("record", "rows_stored", "Rows of all tables written to the store."),
    "ninefold_commits": ("record", "commits", "Commits to the store."),
    "ninefold_bars": ("bars", "bars", "Bars finished or restated."),
    "ninefold_indicators": ("measure", "indicators", "Values of indicators computed."),
    "ninefold_headlines": ("sentiment", "headlines", "Headlines scored."),
    "ninefold_forecasts": ("forecast", "forecasts", "Forecasts made."),
    "ninefold_targets": ("decide", "targets", "Targets decided."),
    "ninefold_may": ("decide", "may", "MAY messages: what may be done."),
    "ninefold_may_scored": ("decide", "may_scored", "MAY messages whose outcome is known."),
    "ninefold_orders": ("execute", "orders", "Orders sent."),
    "ninefold_refused": ("execute", "refused", "Orders that risk refused."),
    "ninefold_fills": ("execute", "fills", "Fills."),
    "ninefold_has": ("execute", "has", "HAS messages: what was done."),
    "ninefold_messages_sent": ("notify", "sent", "Messages that Slack took."),
    "ninefold_messages_failed": ("notify", "failed", "Messages given up after retries."),
}
_POSITIVE_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
SECONDS = (
    -10.0,
    -5.0,
    -2.5,
    -1.5,
    -1.25,
    -1.0,
    -0.5,
    -0.25,
    -0.1,
    -0.05,
    -0.025,
    -0.01,
    -0.001,
    0.0,
    *_POSITIVE_SECONDS,
)
NANOSECONDS = (*(float(step * 10**power) for power in range(3, 9) for step in (1, 2, 5)), 1e9)
HISTOGRAMS = {  # metric: (service, latency, what it is)
    "ninefold_exchange_to_receive_seconds": (
        "collect", "exchange_to_receive", "From the exchange's stamp to our socket; both clocks' difference is in it."
    ),
    "ninefold_receive_to_store_seconds": ("record", "receive_to_store", "From our socket to the committed table."),
    "ninefold_receive_to_decision_seconds": ("decide", "receive_to_decision", "From our socket to the targets."),
}  # fmt: skip
GAUGES = {  # metric: (labels, what it is)
    "ninefold_last_price": (("instrument",), "Price of the newest trade, in quote units."),
    "ninefold_indicator": (
        ("instrument", "timeframe", "term"),
        "Newest value of an indicator, in quote and base units.",
    ),
    "ninefold_target": (("strategy", "instrument", "timeframe"), "Newest target of a strategy, -1 to 1."),
    "ninefold_forecast_mean": (("instrument", "timeframe", "horizon"), "Newest forecast of the log return, mean."),
    "ninefold_equity": (("quote",), "Worth of the account."),
    "ninefold_may_brier": (("of",), "Mean squared error of the MAY probabilities, and of the share that was kept."),
    "ninefold_service_healthy": (("service",), "1 if the service is well and spoke lately."),
    "ninefold_service_age_seconds": (("service",), "Time since the service last spoke."),
    "ninefold_service_gauge": (("service", "name"), "What else a service measures about itself."),
    "ninefold_halted": ((), "1 while trading is halted."),
    "ninefold_lag_seconds": ((), "Age of the newest input that the API has seen."),
}
TRADES = "ninefold_trades"
STEP = "ninefold_stage_step_nanoseconds"
FAMILIES = frozenset([*(f"{name}_total" for name in (*COUNTERS, TRADES)), *HISTOGRAMS, STEP, *GAUGES])


def metrics_text(view: LiveView, now_ns: int) -> bytes:
    registry = CollectorRegistry()
    registry.register(_View(view, now_ns))
    return generate_latest(registry)


@dataclass(eq=False)
class _View(Collector):
    view: LiveView
    now_ns: int

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._latencies()
        gauges = {name: GaugeMetricFamily(name, text, labels=labels) for name, (labels, text) in GAUGES.items()}
        for name, labels, value in (*self._market(), *self._account(), *self._health()):
            if np.isfinite(value):
                gauges[name].add_metric(labels, value)
        yield from gauges.values()

    def _counters(self) -> Iterator[Metric]:
        for name, (service, counter, text) in COUNTERS.items():
            yield CounterMetricFamily(name, text, value=self.view.services.counter(service, counter))
        trades = CounterMetricFamily(TRADES, "Trades seen, by instrument.", labels=("instrument",))
        for id, count in self.view.trades_seen.items():
            trades.add_metric((self.view.instrument(id).name,), count)
        yield trades

    def _latencies(self) -> Iterator[Metric]:
        statuses = self.view.services.now
        for name, (service, latency, text) in HISTOGRAMS.items():
            family = HistogramMetricFamily(name, text)
            counts = statuses[service].latencies.get(latency, {}) if service in statuses else {}
            family.add_metric((), _buckets(counts, SECONDS, SECOND_NS), sum_value=None)
            yield family
        steps = HistogramMetricFamily(STEP, "How long one step of a stage took.", labels=("service",))
        for service, status in statuses.items():
            counts = status.latencies.get("step", {})
            total = sum(_middle(number) * count for number, count in counts.items())
            steps.add_metric((service,), _buckets(counts, NANOSECONDS, 1), total)
        yield steps

    def _market(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        view = self.view
        for id, price in view.last_price.items():
            instrument = view.instrument(id)
            yield "ninefold_last_price", (instrument.name,), price / 10**instrument.price_decimals
        for (id, width_ns, term), value in view.values.items():
            instrument = view.instrument(id)
            labels = (instrument.name, TIMEFRAME_OF[width_ns], term)
            yield "ninefold_indicator", labels, _in_quote(term, value, instrument)
        for (strategy, id, width_ns), target in view.newest_targets.items():
            yield "ninefold_target", (strategy, view.instrument(id).name, TIMEFRAME_OF[width_ns]), target
        for (id, width_ns, horizon), mean in view.newest_forecasts.items():
            yield "ninefold_forecast_mean", (view.instrument(id).name, TIMEFRAME_OF[width_ns], str(horizon)), mean

    def _account(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        account, scores = self.view.account, self.view.messages.scores()
        if account.equity_units is not None:
            yield "ninefold_equity", (account.quote,), account.equity_units / 10**MONEY_DECIMALS
        if scores["scored"]:
            yield "ninefold_may_brier", ("may",), scores["brier"]
            yield "ninefold_may_brier", ("base_rate",), scores["base_brier"]
        yield "ninefold_halted", (), float(self.view.halted is not None)

    def _health(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        for row in self.view.services.rows(self.now_ns):
            yield "ninefold_service_healthy", (row["name"],), float(row["healthy"])
            if row["age_ns"] is not None:
                yield "ninefold_service_age_seconds", (row["name"],), row["age_ns"] / SECOND_NS
        for service in SERVICES:
            status = self.view.services.now.get(service)
            for name, value in status.gauges.items() if status else ():
                yield "ninefold_service_gauge", (service, name), value
        if self.view.known_ns is not None:
            yield "ninefold_lag_seconds", (), (self.now_ns - self.view.known_ns) / SECOND_NS


def _in_quote(term: str, value: float, instrument: Instrument) -> float:
    """What `measure` computed is in quote units already; a bar's mean price is told in the instrument's."""
    return value / 10**instrument.price_decimals if term == MEAN.decode() else value


def _buckets(counts: dict[int, int], bounds: tuple[float, ...], unit_ns: int) -> list[tuple[str, float]]:
    """(bound, how many lie at or below it), rising, the last +Inf. counts: of `Histogram`, in ns."""
    numbers = np.fromiter(counts.keys(), np.int64, len(counts))
    order = np.argsort(numbers)
    numbers = numbers[order]
    until = np.concatenate([[0], np.cumsum(np.fromiter(counts.values(), np.int64, len(counts))[order])])
    edges = np.array([_bucket_number(bound * unit_ns) for bound in bounds], np.int64)
    below = until[np.searchsorted(numbers, edges, side="right")].tolist()
    return [
        *((str(bound), float(count)) for bound, count in zip(bounds, below, strict=True)),
        ("+Inf", float(until[-1])),
    ]


@lru_cache(maxsize=1_000)
def _bucket_number(nanoseconds: float) -> int:
    """The number of the bucket of `Histogram` that a value falls into."""
    probe = Histogram()
    probe.add(np.array([nanoseconds]))
    return next(iter(probe.counts))


@lru_cache(maxsize=100_000)
def _middle(number: int) -> float:
    """The value that stands for a bucket of `Histogram`."""
    return Histogram({number: 1}).sum()
