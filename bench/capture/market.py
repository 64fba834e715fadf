"""Generated trades: 2,000 instruments with Zipf activity, millisecond stamps, six random digits of size, 0.1 % late rows.

In:  a seed. Out: batches of TRADES rows in the order of arrival, the same for every program that asks with that seed.

The hottest instrument has 18 % of all trades. 10,000 rows fill 43.2 s, so 20 million rows are a day. A late row carries
a stamp from 1 to 5 s earlier. Prices walk in steps of 0.01, sizes are 0.000001 to 0.999999.
"""

from __future__ import annotations

import numpy as np

INSTRUMENTS = 2_000
ZIPF = 1.12
ROWS = 10_000  # of a batch
BATCH_MS = 43_200
START_MS = 1_767_225_600_000  # 2026-01-01
FIRST_ID = 100_000_000
LATE = 0.001
TRAVEL_NS = 20_000_000  # from the venue to us, and up to a millisecond more
PRICE_DECIMALS, SIZE_DECIMALS = 2, 6
TRADES = np.dtype(  # as in ninefold.market.arrays, which the peers' environment does not have
    [
        ("instrument", "<i4"),
        ("exchange_ns", "<i8"),
        ("receive_ns", "<i8"),
        ("seq", "<i8"),
        ("id_kind", "u1"),
        ("id_hi", "<u8"),
        ("id_lo", "<u8"),
        ("price", "<i8"),
        ("size", "<i8"),
        ("taker_side", "i1"),
    ]
)


class Market:
    """batch() gives the next rows; instruments are 1 (the hottest) to 2,000. batch_ms: what ROWS of them fill."""

    def __init__(self, seed: int = 1, start_ms: int = START_MS, rows: int = ROWS, batch_ms: int = BATCH_MS) -> None:
        self._random = np.random.default_rng(seed)
        share = np.arange(1, INSTRUMENTS + 1) ** -ZIPF
        self._reach = np.cumsum(share / share.sum())
        self._next_id = np.full(INSTRUMENTS + 1, FIRST_ID, np.uint64)
        self._price = 100 * (10 + self._random.zipf(1.5, INSTRUMENTS + 1).clip(1, 60_000))
        self._start_ms = start_ms
        self._rows = rows
        self._batch_ms = batch_ms
        self._seq = 0

    def batch(self) -> np.ndarray:
        """TRADES rows, shape (rows,)."""
        random, count = self._random, self._rows
        made = np.zeros(count, TRADES)
        instrument = np.minimum(np.searchsorted(self._reach, random.random(count)), INSTRUMENTS - 1) + 1
        made["instrument"] = instrument
        made["id_kind"] = 1
        made["id_lo"] = self._ids(instrument)
        stamp = self._start_ms + np.sort(random.integers(0, self._batch_ms * count // ROWS, count))
        made["receive_ns"] = np.sort(stamp * 1_000_000 + random.integers(0, 1_000_000, count)) + TRAVEL_NS
        late = random.random(count) < LATE
        made["exchange_ns"] = (stamp - late * random.integers(1_000, 5_000, count)) * 1_000_000
        made["seq"] = np.arange(self._seq + 1, self._seq + count + 1)
        walk = np.cumsum(random.integers(-1, 2, count))
        made["price"] = np.maximum(self._price[instrument] + walk, 1)
        made["size"] = random.integers(1, 1_000_000, count)
        made["taker_side"] = random.integers(0, 2, count) * 2 - 1
        self._start_ms += self._batch_ms * count // ROWS
        self._seq += count
        return made

    def _ids(self, instrument: np.ndarray) -> np.ndarray:
        """Each instrument counts on, without a hole."""
        order = np.argsort(instrument, kind="stable")
        ordered = instrument[order]
        new = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        lengths = np.diff(np.append(new, len(ordered)))
        place = np.arange(len(ordered)) - np.repeat(new, lengths)
        ids = np.empty(len(ordered), np.uint64)
        ids[order] = self._next_id[ordered] + place.astype(np.uint64)
        self._next_id[ordered[new]] += lengths.astype(np.uint64)
        return ids


def base(instrument: int) -> str:
    """The name of an instrument's base: 1 is 'BAAB', in letters because venues have no digits there."""
    letters = "".join(chr(65 + instrument // 26**power % 26) for power in (2, 1, 0))
    return "B" + letters
