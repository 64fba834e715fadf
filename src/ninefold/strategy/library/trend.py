"""Trend following with averages and stops: be on the side to which the price has moved."""

from __future__ import annotations

from typing import Any

from ninefold.formula.words import close, sma, where
from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class SmaCross(Strategy):
    """Long while the mean of the last `fast` closes is above that of the last `slow`, else flat."""

    family = "trend"
    source = "Brock, Lakonishok and LeBaron (1992), Journal of Finance 47(5)"
    fast = whole(10, 1, 5_000)
    slow = whole(30, 1, 5_000)

    def target(self) -> Any:
        return where(_mean(self.fast) > _mean(self.slow), 1, 0)


class TrendSma1s(Strategy):
    """Long while the average of 5 seconds is above that of 20, short while below."""

    name = "trend_sma_1s"
    family = "trend"
    timeframe = "1s"
    source = "common practice: two moving averages"
    target = "sign(sma(close, 5) - sma(close, 20))"


class TrendMacd5s(Strategy):
    """Long while MACD is above its signal line, short while below."""

    name = "trend_macd_5s"
    family = "trend"
    timeframe = "5s"
    source = "Appel (2005), Technical Analysis: Power Tools for Active Investors"
    target = "sign(macd_hist(close, 6, 13, 5))"


class TrendEma1m(Strategy):
    """Long or short with the faster average while ADX says that there is a trend, else flat."""

    name = "trend_ema_1m"
    family = "trend"
    timeframe = "1m"
    source = "common practice: two moving averages with Wilder's ADX as a filter"
    target = "where(adx(7) > 20, sign(ema(close, 4) - ema(close, 12)), 0)"


class _Trend(Strategy):
    family = "trend"
    timeframe = "1h"


class PriceAboveSma(_Trend):
    """Long while the close is above its long mean, else flat."""

    source = "Faber (2007), Journal of Wealth Management 9(4)"
    bars = whole(200, 2, 2_000)
    target = "where(close > sma(close, bars), 1, 0)"


class SmaBand(_Trend):
    """Long while the close is more than a band above its mean, short while as far below, else flat."""

    source = "Brock, Lakonishok and LeBaron (1992), Journal of Finance 47(5), rules with a 1 % band"
    bars = whole(50, 2, 1_000)
    band = real(0.01, 0.001, 0.1, step=0.001)
    target = "where(close / sma(close, bars) - 1 > band, 1, where(close / sma(close, bars) - 1 < -band, -1, 0))"


class EmaCross(_Trend):
    """Long while the faster exponential mean is above the slower, short while below."""

    source = "Zakamulin (2017), Market Timing with Moving Averages"
    fast = whole(20, 2, 500)
    slow = whole(100, 3, 2_000)
    target = "sign(ema(close, fast) - ema(close, slow))"


class TripleSma(_Trend):
    """Long while three means stand in rising order, fast above slow; short in falling order; else flat."""

    source = "Murphy (1999), Technical Analysis of the Financial Markets, the 4-9-18 method"
    fast = whole(4, 2, 100)
    middle = whole(9, 3, 200)
    slow = whole(18, 4, 500)
    target = (
        "where((sma(close, fast) > sma(close, middle)) & (sma(close, middle) > sma(close, slow)), 1,"
        " where((sma(close, fast) < sma(close, middle)) & (sma(close, middle) < sma(close, slow)), -1, 0))"
    )


class GuppyGroups(_Trend):
    """Long while the traders' averages are all above the investors', short while all below, else flat."""

    source = "Guppy (2004), Trend Trading, his two groups; he trades no crossing of them"
    traders = whole(15, 4, 100)
    investors = whole(60, 31, 500)
    target = (
        "where(min(ema(close, 3), ema(close, traders)) > max(ema(close, 30), ema(close, investors)), 1,"
        " where(max(ema(close, 3), ema(close, traders)) < min(ema(close, 30), ema(close, investors)), -1, 0))"
    )


class DemaCross(_Trend):
    """Long while the faster double exponential mean is above the slower, short while below."""

    source = "Mulloy (1994), Technical Analysis of Stocks & Commodities 12(1)"
    fast = whole(10, 2, 200)
    slow = whole(40, 3, 500)
    target = "sign(dema(close, fast) - dema(close, slow))"


class TemaSlope(_Trend):
    """Long while the triple exponential mean rises, short while it falls."""

    source = "Mulloy (1994), Technical Analysis of Stocks & Commodities 12(1)"
    bars = whole(60, 2, 300)
    target = "sign(tema(close, bars) - lag(tema(close, bars), 1))"


class KamaSlope(_Trend):
    """Long or short with the slope of Kaufman's adaptive mean while the market is efficient, else flat."""

    source = "Kaufman (1995), Smarter Trading"
    bars = whole(20, 2, 200)
    efficiency = real(0.3, 0, 0.9, step=0.05)
    target = "where(er(close, bars) > efficiency, sign(kama(close, bars) - lag(kama(close, bars), 1)), 0)"


class HullTurn(_Trend):
    """Long while Hull's mean is above where it was two bars ago, short while below."""

    source = "Hull (2005), alanhull.com/hull-moving-average"
    bars = whole(30, 4, 300)
    target = "sign(hma(close, bars) - lag(hma(close, bars), 2))"


class T3Side(_Trend):
    """Long while the close is above Tillson's smoothed mean, short while below."""

    source = "Tillson (1998), Technical Analysis of Stocks & Commodities 16"
    bars = whole(8, 2, 100)
    target = "sign(close - t3(close, bars, 0.7))"


class ZeroLagCross(_Trend):
    """Long while the exponential mean without its lag is above the one with it, short while below."""

    source = "Ehlers and Way (2010), Technical Analysis of Stocks & Commodities 28"
    bars = whole(48, 3, 300)
    target = "sign(zlema(close, bars) - ema(close, bars))"


class MesaAdaptive(_Trend):
    """Long while MAMA is above FAMA, short while below."""

    source = "Ehlers (2001), Technical Analysis of Stocks & Commodities 19"
    fast_limit = real(0.5, 0.1, 0.9)
    slow_limit = real(0.05, 0.01, 0.09, step=0.01)
    target = "sign(mama(close, fast_limit, slow_limit) - fama(close, fast_limit, slow_limit))"


class SupertrendSide(_Trend):
    """Long above the stop at some ATR from the middle price, short below it."""

    source = "common practice: Supertrend, attributed to Seban"
    bars = whole(10, 2, 100)
    width = real(3, 0.5, 10)
    target = "supertrend_direction(bars, width)"


class ParabolicStop(_Trend):
    """Long while the close is above the parabolic stop, short while below."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems"
    acceleration = real(0.02, 0.005, 0.1, step=0.005)
    most = real(0.2, 0.1, 0.5)
    target = "sign(close - sar(acceleration, most))"


class IchimokuCloud(_Trend):
    """Long above the cloud, short below it, flat within."""

    source = "Elliott (2007), Ichimoku Charts"
    turning = whole(9, 2, 100)
    base = whole(26, 3, 200)
    span = whole(52, 4, 400)
    target = (
        "where(close > lag(max((midprice(turning) + midprice(base)) / 2, midprice(span)), base), 1,"
        " where(close < lag(min((midprice(turning) + midprice(base)) / 2, midprice(span)), base), -1, 0))"
    )


class IchimokuCross(_Trend):
    """Long while the turning line is above the base line, short while below."""

    source = "Elliott (2007), Ichimoku Charts"
    turning = whole(9, 2, 100)
    base = whole(26, 3, 200)
    target = "sign(midprice(turning) - midprice(base))"


class Alligator(_Trend):
    """Long while lips, teeth and jaw stand in rising order, short in falling order, flat while they sleep."""

    source = "Williams, B. (1998), New Trading Dimensions"
    jaw = whole(13, 9, 60)
    target = (
        "where((lag(rma(medprice(), 5), 3) > lag(rma(medprice(), 8), 5))"
        " & (lag(rma(medprice(), 8), 5) > lag(rma(medprice(), jaw), 8)), 1,"
        " where((lag(rma(medprice(), 5), 3) < lag(rma(medprice(), 8), 5))"
        " & (lag(rma(medprice(), 8), 5) < lag(rma(medprice(), jaw), 8)), -1, 0))"
    )


class DirectionalMovement(_Trend):
    """Long or short with the larger of the directional indicators while ADX is high, else flat."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems"
    bars = whole(14, 2, 100)
    strength = real(25, 5, 60, step=1)
    target = "where(adx(bars) > strength, sign(plus_di(bars) - minus_di(bars)), 0)"


class AdxRising(_Trend):
    """Long or short with the move of some bars while ADX rises, else flat."""

    source = "common practice: Wilder's ADX by its slope"
    bars = whole(14, 2, 100)
    target = "where(mom(adx(bars), 3) > 0, sign(mom(close, bars)), 0)"


class AroonSide(_Trend):
    """Long while highs are much newer than lows, short while lows are, else flat."""

    source = "Chande (1995), Technical Analysis of Stocks & Commodities 13"
    bars = whole(25, 2, 200)
    level = real(50, 0, 90, step=5)
    target = "where(aroonosc(bars) > level, 1, where(aroonosc(bars) < -level, -1, 0))"


class VortexSide(_Trend):
    """Long while the rising vortex is above the falling one, short while below."""

    source = "Botes and Siepman (2010), Technical Analysis of Stocks & Commodities 28"
    bars = whole(14, 2, 100)
    target = "sign(vortex_plus(bars) - vortex_minus(bars))"


class RegressionSlope(_Trend):
    """Long or short with the regression line of the closes while it explains enough of them, else flat."""

    source = "Clenow (2015), Stocks on the Move, slope and R squared"
    bars = whole(90, 5, 500)
    share = real(0.5, 0, 0.95, step=0.05)
    target = "where(r2(close, bars) > share, sign(slope(close, bars)), 0)"


class InstantaneousTrend(_Trend):
    """Long while the smoothed price is above the line with the cycle taken out, short below, flat in cycle mode."""

    source = "Ehlers (2001), Rocket Science for Traders"
    smooth = whole(4, 2, 20)
    target = "where(ht_trendmode(close) > 0, sign(wma(close, smooth) - ht_trendline(close)), 0)"


class VerticalHorizontal(_Trend):
    """Long or short by the side of the mean while the filter says trend, else flat."""

    source = "White (1991), Futures magazine"
    bars = whole(28, 5, 200)
    level = real(0.35, 0.1, 0.9, step=0.05)
    target = "where(vhf(close, bars) > level, sign(close - sma(close, bars)), 0)"


class HeikinAshiRun(_Trend):
    """Long after two rising Heikin-Ashi bars, short after two falling ones, else flat."""

    source = "Valcu (2004), Technical Analysis of Stocks & Commodities 22(2)"
    target = (
        "where((ha_close() > ha_open()) & (lag(ha_close(), 1) > lag(ha_open(), 1)), 1,"
        " where((ha_close() < ha_open()) & (lag(ha_close(), 1) < lag(ha_open(), 1)), -1, 0))"
    )


class ElderImpulse(_Trend):
    """Long while mean and MACD histogram both rise, short while both fall, else flat."""

    source = "Elder (2002), Come Into My Trading Room, the impulse system"
    bars = whole(13, 2, 100)
    target = (
        "where((ema(close, bars) > lag(ema(close, bars), 1))"
        " & (macd_hist(close, 12, 26, 9) > lag(macd_hist(close, 12, 26, 9), 1)), 1,"
        " where((ema(close, bars) < lag(ema(close, bars), 1))"
        " & (macd_hist(close, 12, 26, 9) < lag(macd_hist(close, 12, 26, 9), 1)), -1, 0))"
    )


class TripleScreen(_Trend):
    """Into a rising tide on a falling wave: long from a dip of the force index until the tide turns, else flat."""

    source = "Elder (1993), Trading for a Living, the triple screen"
    tide = whole(65, 10, 500)
    wave = whole(2, 2, 20)
    entry = "(macd_hist(close, 12, tide, 9) > lag(macd_hist(close, 12, tide, 9), 1)) & (efi(wave) < 0)"
    exit = "(macd_hist(close, 12, tide, 9) - lag(macd_hist(close, 12, tide, 9), 1)) < 0"


class MeansVote(_Trend):
    """Long or short by the vote of five means from short to long, in proportion."""

    source = "Detzel, Liu, Strauss, Zhou and Zhu (2021), Financial Management 50(1)"
    shortest = whole(10, 2, 40)
    longest = whole(200, 101, 1_000)
    target = (
        "(sign(close - sma(close, shortest)) + sign(close - sma(close, 20)) + sign(close - sma(close, 50))"
        " + sign(close - sma(close, 100)) + sign(close - sma(close, longest))) / 5"
    )


class ChandelierStop(_Trend):
    """Long from a new high until the close falls some ATR below the highest high, then flat."""

    source = "LeBeau's chandelier exit, in Elder (2002), Come Into My Trading Room; the entry is not his"
    bars = whole(22, 5, 200)
    width = real(3, 0.5, 10)
    entry = "high >= highest(high, bars)"
    exit = "close < highest(high, bars) - atr(bars) * width"


class TrimaSide(_Trend):
    """Long while the close is above its triangular mean, short while below."""

    source = "Achelis (1995), Technical Analysis from A to Z"
    bars = whole(100, 3, 500)
    target = "sign(close - trima(close, bars))"


class HolyGrail(_Trend):
    """Long or short for some bars after a strong trend has come back to its mean, else flat."""

    source = "Raschke and Connors (1995), Street Smarts, the Holy Grail"
    strength = real(30, 10, 60, step=1)
    hold = whole(8, 2, 50)
    target = (
        "sign(sum(where((adx(14) > strength) & (low <= ema(close, 20)) & (high >= ema(close, 20)),"
        " sign(plus_di(14) - minus_di(14)), 0), hold))"
    )


def _mean(bars: int) -> Any:
    return sma(close, bars) if bars > 1 else close
