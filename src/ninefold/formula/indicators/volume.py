"""TA-Lib's volume indicators. Many are sums since the anchor: compare them with their own past, not with a number."""

from __future__ import annotations

from ninefold.formula.indicators.line import FIRST, LOTS, PRODUCT, PURE, RANGE_BY_SIZE, Line

VOLUME: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("obv", "OBV", 0, LOTS, "on balance volume: volume added when x rises, taken off when it falls"),
    ("ad", "AD", 0, LOTS, "Chaikin's accumulation: volume by where the close stands in the bar, added up"),
    ("adosc", "ADOSC", 0, LOTS, "fast minus slow exponential mean of ad"),
    ("mfi", "MFI", 0, PURE, "money flow: rsi of typical price times volume, 0 to 100"),
    ("cmf", "CMF", 0, PURE, "Chaikin's money flow: accumulated part of the volume, -1 to 1"),
    ("efi", "EFI", 0, PRODUCT, "Elder's force: change of the close times volume, exponential mean"),
    ("marketfi", "MARKETFI", 0, RANGE_BY_SIZE, "market facilitation: range / volume"),
    ("nvi", "NVI", 0, PURE, "negative volume index: returns of bars with less volume, from 1000"),
    ("pvi", "PVI", 0, PURE, "positive volume index: returns of bars with more volume, from 1000"),
    ("pvt", "PVT", 0, LOTS, "price volume trend: volume times return, added up"),
    ("vwap", "VWAP", 0, FIRST, "mean typical price weighted by volume, since the anchor"),
    ("pvo", "PVO", 0, PURE, "fast minus slow mean of the volume in percent of the slow"),
    ("rvol", "RVOL", 0, PURE, "volume / mean volume of the bars before"),
)
