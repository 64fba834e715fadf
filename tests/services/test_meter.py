"""What a service counts about itself: the whole run, and the last minute."""

import numpy as np

from ninefold.bus.status import Meter
from ninefold.market.histogram import Histogram


def median(counts: dict[int, int]) -> float | None:
    return Histogram(dict(counts)).percentile(50)


def test_the_last_minute_forgets_and_the_whole_run_does_not():
    meter = Meter("collect", 0)
    meter.observe("step", np.array([1_000, 1_000, 1_000]))
    first = meter.status(1)
    assert first.latencies["step"] == first.recent["step"]
    for second in range(2, 61):
        meter.elapsed("step", 5_000)
        status = meter.status(second)
    assert sum(status.recent["step"].values()) == sum(status.latencies["step"].values()) == 62
    status = meter.status(61)
    assert sum(status.recent["step"].values()) == 59
    assert sum(status.latencies["step"].values()) == 62
    assert 4_990 < (median(status.recent["step"]) or 0) < 5_010


def test_a_status_does_not_change_after_it_was_taken():
    meter = Meter("collect", 0)
    meter.elapsed("step", 7)
    before = meter.status(1)
    taken = dict(before.recent["step"]), dict(before.latencies["step"])
    meter.elapsed("step", 7)
    meter.status(2)
    assert (before.recent["step"], before.latencies["step"]) == taken


def test_after_forgetting_it_counts_anew():
    meter = Meter("collect", 0)
    meter.count("frames")
    meter.elapsed("step", 7)
    meter.status(1)
    meter.forget()
    status = meter.status(2)
    assert (status.counters, status.latencies, status.recent) == ({}, {}, {})
