"""TA-Lib's price transforms: one price for a bar."""

from __future__ import annotations

from ninefold.formula.indicators.line import SAME, Line

PRICE: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("avgprice", "AVGPRICE", 0, SAME, "(open + high + low + close) / 4"),
    ("medprice", "MEDPRICE", 0, SAME, "(high + low) / 2"),
    ("typprice", "TYPPRICE", 0, SAME, "(high + low + close) / 3"),
    ("wclprice", "WCLPRICE", 0, SAME, "(high + low + 2 close) / 4"),
    ("avgdev", "AVGDEV", 0, SAME, "mean distance from the mean of the last bars"),
    ("ha_open", "HA", 0, SAME, "Heikin-Ashi open: middle of the body before"),
    ("ha_high", "HA", 1, SAME, "Heikin-Ashi high"),
    ("ha_low", "HA", 2, SAME, "Heikin-Ashi low"),
    ("ha_close", "HA", 3, SAME, "Heikin-Ashi close: mean of the bar's four prices"),
)
