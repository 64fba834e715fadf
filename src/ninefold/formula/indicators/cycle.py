"""TA-Lib's cycle indicators: Ehlers' Hilbert transform."""

from __future__ import annotations

from ninefold.formula.indicators.line import PURE, SAME, Line

CYCLE: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("ht_dcperiod", "HT_DCPERIOD", 0, PURE, "period of the dominant cycle in bars"),
    ("ht_dcphase", "HT_DCPHASE", 0, PURE, "phase of the dominant cycle in degrees"),
    ("ht_phasor_inphase", "HT_PHASOR", 0, SAME, "the part of the cycle in phase"),
    ("ht_phasor_quadrature", "HT_PHASOR", 1, SAME, "the part of the cycle a quarter behind"),
    ("ht_sine", "HT_SINE", 0, PURE, "sine of the phase, -1 to 1"),
    ("ht_leadsine", "HT_SINE", 1, PURE, "sine of the phase 45 degrees on"),
    ("ht_trendmode", "HT_TRENDMODE", 0, PURE, "1 in a trend, 0 in a cycle"),
)
