"""TA-Lib's overlap studies: averages, bands and stops that are drawn over the price."""

from __future__ import annotations

from ninefold.formula.indicators.line import FIRST, PURE, SAME, Line

OVERLAP: tuple[Line, ...] = (
    # name, TA-Lib's function, which of its outputs, unit, description
    ("sma", "SMA", 0, SAME, "plain mean of the last bars"),
    ("ema", "EMA", 0, SAME, "exponential mean; weight 2 / (period + 1) on the newest bar"),
    ("wma", "WMA", 0, SAME, "mean weighted 1, 2, ... up to the newest bar"),
    ("dema", "DEMA", 0, SAME, "double exponential mean: 2 EMA - EMA of EMA"),
    ("tema", "TEMA", 0, SAME, "triple exponential mean, less lag still"),
    ("trima", "TRIMA", 0, SAME, "triangular mean: a mean of means, heaviest in the middle"),
    ("kama", "KAMA", 0, SAME, "Kaufman's adaptive mean: fast in trends, slow in noise"),
    ("t3", "T3", 0, SAME, "Tillson's six-fold smoothed mean"),
    ("hma", "HMA", 0, SAME, "Hull's mean: weighted means combined to cut the lag"),
    ("rma", "RMA", 0, SAME, "Wilder's mean; weight 1 / period on the newest bar"),
    ("zlema", "ZLEMA", 0, SAME, "exponential mean of values with their lag taken out"),
    ("vwma", "VWMA", 0, FIRST, "mean weighted by volume; unknown where nothing traded"),
    ("ma", "MA", 0, SAME, "mean of a kind: 0 sma 1 ema 2 wma 3 dema 4 tema 5 trima 6 kama 7 mama 8 t3 9 hma"),
    ("mavp", "MAVP", 0, FIRST, "mean over as many bars as y says, 2 to maxperiod; kinds as in ma"),
    ("mama", "MAMA", 0, SAME, "Ehlers' MESA adaptive mean"),
    ("fama", "MAMA", 1, SAME, "the mean that follows mama"),
    ("ht_trendline", "HT_TRENDLINE", 0, SAME, "Ehlers' trend line: the dominant cycle averaged out"),
    ("midpoint", "MIDPOINT", 0, SAME, "middle between the highest and the lowest of the last bars"),
    ("midprice", "MIDPRICE", 0, SAME, "middle between the highest high and the lowest low"),
    ("sar", "SAR", 0, SAME, "Wilder's parabolic stop; remembers its whole way"),
    ("sarext", "SAREXT", 0, SAME, "parabolic stop with own speeds up and down; negative when short"),
    ("supertrend", "SUPERTREND", 0, SAME, "stop at some ATR from the middle price"),
    ("supertrend_direction", "SUPERTREND", 1, PURE, "+1 above that stop, -1 below it"),
    ("bbands_upper", "BBANDS", 0, SAME, "Bollinger's upper band: mean + nbdevup standard deviations"),
    ("bbands_middle", "BBANDS", 1, SAME, "Bollinger's middle band: the mean"),
    ("bbands_lower", "BBANDS", 2, SAME, "Bollinger's lower band: mean - nbdevdn standard deviations"),
    ("accbands_upper", "ACCBANDS", 0, SAME, "acceleration bands: mean of highs stretched by their range"),
    ("accbands_middle", "ACCBANDS", 1, SAME, "acceleration bands: mean of closes"),
    ("accbands_lower", "ACCBANDS", 2, SAME, "acceleration bands: mean of lows stretched by their range"),
    ("donchian_upper", "DONCHIAN", 0, SAME, "highest high of the last bars"),
    ("donchian_middle", "DONCHIAN", 1, SAME, "middle of the Donchian channel"),
    ("donchian_lower", "DONCHIAN", 2, SAME, "lowest low of the last bars"),
    ("keltner_upper", "KC", 0, SAME, "Keltner's upper band: mean + nbdev ATR"),
    ("keltner_middle", "KC", 1, SAME, "Keltner's middle band: exponential mean"),
    ("keltner_lower", "KC", 2, SAME, "Keltner's lower band: mean - nbdev ATR"),
)
