"""Histogram of nanoseconds, signed, with 0.1 % resolution and bounded size; two of them add up.

In:  durations in nanoseconds, negative ones too (a collector's clock can lag the exchange's).
Out: counts and percentiles; a bucket's middle is reported, at most 0.05 % off.
"""

from __future__ import annotations

import math

import numpy as np

STEP_BITS, MANTISSA_BITS = 10, 52
STEPS = 1 << STEP_BITS  # buckets an octave
HALF = 1022 * STEPS  # the bits of 0.5, shifted so far
CLOSE = 4  # so many buckets for each value


class Histogram:
    """counts: bucket number to count. Bucket numbers rise with the value; 0 holds zero."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: dict[int, int] | None = None) -> None:
        self.counts = counts if counts is not None else {}
        self.total = sum(self.counts.values())

    def add(self, nanoseconds: np.ndarray) -> None:
        """Count values, shape (n,), int64 or float64."""
        if len(nanoseconds) == 1:
            self.add_one(float(nanoseconds[0]))
            return
        if not len(nanoseconds):
            return
        buckets, times = _counted(_bucket(np.asarray(nanoseconds, np.float64)))
        for bucket, count in zip(buckets.tolist(), times.tolist(), strict=True):
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += len(nanoseconds)

    def add_one(self, nanoseconds: float) -> None:
        """Count one value, without what an array costs."""
        bucket = _bucket_of(nanoseconds)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total += 1

    def merge(self, other: Histogram) -> None:
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total += other.total

    def take_away(self, other: Histogram) -> None:
        """Undo a merge."""
        for bucket, count in other.counts.items():
            left = self.counts[bucket] - count
            if left:
                self.counts[bucket] = left
            else:
                del self.counts[bucket]
        self.total -= other.total

    def percentile(self, percent: float) -> float | None:
        """The value below which `percent` of the counts lie, ns; None while nothing was counted."""
        if not self.total:
            return None
        buckets = np.fromiter(self.counts.keys(), np.int64, len(self.counts))
        times = np.fromiter(self.counts.values(), np.int64, len(self.counts))
        order = np.argsort(buckets)
        place = int(np.searchsorted(np.cumsum(times[order]), max(1.0, percent / 100 * self.total)))
        return _middle(int(buckets[order[min(place, len(order) - 1)]]))

    def below(self, nanoseconds: float) -> int:
        """How many counted values lie at or below a bound (as exact as the buckets are)."""
        bound = _bucket_of(nanoseconds)
        return sum(count for bucket, count in self.counts.items() if bucket <= bound)

    def sum(self) -> float:
        """Sum of the counted values, from the buckets' middles."""
        return sum(_middle(bucket) * count for bucket, count in self.counts.items())


def _counted(buckets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which there are, and how often; where they lie close together without sorting them."""
    least = int(buckets.min())
    if int(buckets.max()) - least >= CLOSE * len(buckets):
        return np.unique(buckets, return_counts=True)
    times = np.bincount(buckets - least)
    found = np.flatnonzero(times)
    return found + least, times[found]


def _bucket(values: np.ndarray) -> np.ndarray:
    """A float's exponent and the first bits of its mantissa, as they stand in it, are the bucket's number; all octaves below a half
    are one.
    """
    bits = np.abs(values).view(np.int64) >> MANTISSA_BITS - STEP_BITS
    number: np.ndarray = bits - (HALF - 1)
    small = number < 1
    if small.any():
        number[small] = (bits[small] & STEPS - 1) + 1
        number[values == 0] = 0
    number[values < 0] *= -1
    return number


def _bucket_of(value: float) -> int:
    """`_bucket` of one value."""
    if value == 0:
        return 0
    mantissa, exponent = math.frexp(abs(value))
    number = max(exponent, 0) * STEPS + int((mantissa - 0.5) * 2 * STEPS) + 1
    return number if value > 0 else -number


def _middle(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    exponent, step = divmod(abs(bucket) - 1, STEPS)
    value = (0.5 + (step + 0.5) / (2 * STEPS)) * 2.0**exponent
    return value if bucket > 0 else -value
