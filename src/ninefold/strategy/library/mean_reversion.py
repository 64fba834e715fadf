"""Mean reversion: lean against a move that is large for its own recent size."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class ReversionRsi1s(Strategy):
    """Long when RSI is below 30, short above 70."""

    name = "reversion_rsi_1s"
    family = "mean_reversion"
    timeframe = "1s"
    source = "Wilder (1978), New Concepts in Technical Trading Systems"
    # RSI is 0 where no price has moved at all; that is no dip to buy.
    target = "where(stddev(close, 14) > 0, where(rsi(close, 14) < 30, 1, where(rsi(close, 14) > 70, -1, 0)), 0)"


class ReversionBollinger5s(Strategy):
    """Long below the lower Bollinger band, short above the upper one."""

    name = "reversion_bollinger_5s"
    family = "mean_reversion"
    timeframe = "5s"
    source = "Bollinger (2001), Bollinger on Bollinger Bands"
    target = (
        "where(close < bbands_lower(close, 12, 1.5, 1.5), 1, where(close > bbands_upper(close, 12, 1.5, 1.5), -1, 0))"
    )


class ReversionZscore1m(Strategy):
    """Long or short against the distance from the 10-minute mean, in proportion, once it exceeds one deviation."""

    name = "reversion_zscore_1m"
    family = "mean_reversion"
    timeframe = "1m"
    source = "common practice: distance from the mean in deviations"
    target = "where(abs(zscore(close, 10)) > 1, -zscore(close, 10) / 2, 0)"


class _Reversion(Strategy):
    family = "mean_reversion"
    timeframe = "1h"


class RsiSwing(_Reversion):
    """Long from an oversold RSI until it is back in the middle, short from an overbought one until then, else flat."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems"
    bars = whole(14, 2, 100)
    away = real(20, 5, 45, step=1)
    entry = "(rsi(close, bars) - 50 < -away) & (trange() > 0)"
    exit = "rsi(close, bars) > 50"
    short_entry = "rsi(close, bars) - 50 > away"
    short_exit = "rsi(close, bars) < 50"


class RsiTwo(_Reversion):
    """Long in a rising market when a very short RSI is oversold, until the close is above a short mean; else flat."""

    source = "Connors and Alvarez (2009), Short Term Trading Strategies That Work, there below 5"
    level = real(10, 1, 40, step=1)
    trend = whole(200, 20, 1_000)
    entry = "(close > sma(close, trend)) & (rsi(close, 2) < level)"
    exit = "close > sma(close, 5)"


class RareDrop(_Reversion):
    """Long for some bars after a return that ranks among the lowest, short after one among the highest, else flat."""

    source = "Connors, Alvarez and Radtke (2012), An Introduction to ConnorsRSI, its rank of returns"
    bars = whole(100, 20, 500)
    share = real(4, 0.5, 30, step=0.5)
    hold = whole(4, 2, 30)
    target = (
        "sign(sum(where(percentrank(close / lag(close, 1), bars) < share, 1,"
        " where(percentrank(close / lag(close, 1), bars) > 100 - share, -1, 0)), hold))"
    )


class DoubleSeven(_Reversion):
    """Long in a rising market at the lowest close of seven bars, until the highest of seven; else flat."""

    source = "Connors and Alvarez (2009), Short Term Trading Strategies That Work, Double 7's"
    bars = whole(7, 2, 50)
    trend = whole(200, 20, 1_000)
    entry = "(close > sma(close, trend)) & (close <= lowest(close, bars))"
    exit = "close >= highest(close, bars)"


class ThreeDown(_Reversion):
    """Long after three lower closes in a row, short after three higher ones, else flat."""

    source = "Connors and Sen (2004), How Markets Really Work, multiple days down"
    hold = whole(2, 2, 20)
    target = (
        "sign(sum(where((close < lag(close, 1)) & (lag(close, 1) < lag(close, 2)) & (lag(close, 2) < lag(close, 3)), 1,"
        " where((close > lag(close, 1)) & (lag(close, 1) > lag(close, 2)) & (lag(close, 2) > lag(close, 3)), -1, 0)),"
        " hold))"
    )


class StochasticCross(_Reversion):
    """Long from an upward crossing of the stochastic lines near the bottom until the top; short the other way; else flat."""

    source = "Lane (1984), Technical Analysis of Stocks & Commodities 2, Lane's Stochastics"
    bars = whole(14, 3, 100)
    edge = real(25, 5, 45, step=1)
    entry = "crosses_above(stoch_k(bars, 3, 3), stoch_d(bars, 3, 3)) & (stoch_k(bars, 3, 3) < edge)"
    exit = "stoch_k(bars, 3, 3) > 100 - edge"
    short_entry = "crosses_below(stoch_k(bars, 3, 3), stoch_d(bars, 3, 3)) & (stoch_k(bars, 3, 3) > 100 - edge)"
    short_exit = "stoch_k(bars, 3, 3) < edge"


class StochasticRsi(_Reversion):
    """Long while RSI is near the bottom of its own range, short while near the top, else flat."""

    source = "Chande and Kroll (1994), The New Technical Trader"
    bars = whole(14, 3, 100)
    edge = real(15, 1, 45, step=1)
    target = "where(stochrsi_d(close, bars, 5, 3) < edge, 1, where(stochrsi_d(close, bars, 5, 3) > 100 - edge, -1, 0))"


class WilliamsRange(_Reversion):
    """Long while the close is in the lowest part of the range, short in the highest, else flat."""

    source = "Williams, L. (1973), How I Made One Million Dollars Last Year Trading Commodities"
    bars = whole(48, 3, 300)
    edge = real(10, 1, 45, step=1)
    target = "where(willr(bars) < edge - 100, 1, where(willr(bars) > -edge, -1, 0))"


class UltimateReversal(_Reversion):
    """Long while the ultimate oscillator is low, short while it is high, else flat."""

    source = "Williams, L. (1985), Technical Analysis of Stocks & Commodities 3"
    edge = real(35, 5, 48, step=1)
    target = "where(ultosc(7, 14, 28) < edge, 1, where(ultosc(7, 14, 28) > 100 - edge, -1, 0))"


class BollingerReturn(_Reversion):
    """Long from below the lower band until the middle, short from above the upper band until the middle, else flat."""

    source = "Bollinger (2001), Bollinger on Bollinger Bands"
    bars = whole(40, 3, 300)
    width = real(2, 0.5, 4)
    entry = "close < bbands_lower(close, bars, width, width)"
    exit = "close > bbands_middle(close, bars, width, width)"
    short_entry = "close > bbands_upper(close, bars, width, width)"
    short_exit = "close < bbands_middle(close, bars, width, width)"


class Detrended(_Reversion):
    """Long or short against the distance from a mean of half a cycle before, in proportion to ATR."""

    source = "Achelis (1995), Technical Analysis from A to Z, the detrended price oscillator"
    bars = whole(20, 4, 200)
    target = "-tanh(dpo(close, bars) / atr(bars) / 2)"


class MedianDistance(_Reversion):
    """Long or short against the distance from the median, in proportion to the standard deviation."""

    source = "common practice: distance from a robust middle"
    bars = whole(100, 5, 500)
    target = "(median(close, bars) - close) / std(close, bars) / 2"


class ShortReversal(_Reversion):
    """Long or short against the return of some bars, in proportion to how unusual it is."""

    source = "Lehmann (1990), Quarterly Journal of Economics 105(1)"
    bars = whole(5, 2, 100)
    usual = whole(100, 20, 500)
    target = "-(rocp(close, bars) / std(rocp(close, bars), usual)) / 2"


class LongReversal(_Reversion):
    """Long after a loss over a very long time, short after a gain, flat if it was small."""

    source = "De Bondt and Thaler (1985), Journal of Finance 40(3)"
    bars = whole(1_500, 100, 5000)
    least = real(0.1, 0, 1, step=0.05)
    target = "where(rocp(close, bars) < -least, 1, where(rocp(close, bars) > least, -1, 0))"


class TurtleSoup(_Reversion):
    """Long for some bars after a new low that does not hold, short after such a high, else flat."""

    source = "Raschke and Connors (1995), Street Smarts, Turtle Soup"
    bars = whole(20, 3, 200)
    hold = whole(6, 2, 50)
    target = (
        "sign(sum(where((low < lag(lowest(low, bars), 1)) & (close > lag(lowest(low, bars), 1)), 1,"
        " where((high > lag(highest(high, bars), 1)) & (close < lag(highest(high, bars), 1)), -1, 0)), hold))"
    )


class DemarkSetup(_Reversion):
    """Long for some bars after nine closes below those of four bars earlier, short after nine above, else flat."""

    source = "DeMark (1994), The New Science of Technical Analysis, the sequential setup"
    count = whole(9, 4, 20)
    hold = whole(6, 2, 50)
    target = (
        "sign(sum(where(sum(where(close < lag(close, 4), 1, 0), count) >= count, 1,"
        " where(sum(where(close > lag(close, 4), 1, 0), count) >= count, -1, 0)), hold))"
    )


class BodyReversal(_Reversion):
    """Long while few of the bodies rose, short while most did, else flat."""

    source = "Chande and Kroll (1994), The New Technical Trader, intraday momentum index"
    bars = whole(14, 3, 100)
    edge = real(30, 5, 48, step=1)
    target = "where(imi(bars) < edge, 1, where(imi(bars) > 100 - edge, -1, 0))"


class BarStrength(_Reversion):
    """Long from a close near its bar's low until one near a bar's high, then flat."""

    source = "Pagonidis (2013), The IBS Effect"
    edge = real(0.2, 0.02, 0.45, step=0.02)
    entry = "close - low < (high - low) * edge"
    exit = "high - close < (high - low) * edge"


class VwapReversal(_Reversion):
    """Long or short against the distance from the volume-weighted mean, in proportion to the deviation."""

    source = "common practice: reversion to the volume-weighted mean"
    bars = whole(24, 3, 300)
    width = real(2, 0.5, 5)
    target = "(vwma(typprice(), bars) - close) / (stddev(close, bars) * width)"


class PercentEnvelope(_Reversion):
    """Long while the close is some percent below its mean, short while as far above, else flat."""

    source = "Murphy (1999), Technical Analysis of the Financial Markets, envelopes"
    bars = whole(20, 2, 300)
    width = real(0.025, 0.002, 0.2, step=0.001)
    target = "where(close / sma(close, bars) - 1 < -width, 1, where(close / sma(close, bars) - 1 > width, -1, 0))"


class KdjExtreme(_Reversion):
    """Long while J has fallen below 0, short while it is above 100, else flat."""

    source = "common practice: the KDJ stochastic"
    bars = whole(9, 3, 100)
    target = "where(kdj_j(bars, 3, 3) < 0, 1, where(kdj_j(bars, 3, 3) > 100, -1, 0))"


class RsiDivergence(_Reversion):
    """Long for some bars after a new low that RSI does not confirm, short after such a high, else flat."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems, divergence"
    bars = whole(40, 5, 200)
    apart = real(5, 0.5, 30, step=0.5)
    hold = whole(8, 2, 50)
    target = (
        "sign(sum(where((close <= lowest(close, bars)) & (rsi(close, 14) - lowest(rsi(close, 14), bars) > apart), 1,"
        " where((close >= highest(close, bars)) & (highest(rsi(close, 14), bars) - rsi(close, 14) > apart), -1, 0)),"
        " hold))"
    )


class RangePlace(_Reversion):
    """Long or short by where the close stands in the range of many bars, in proportion: low is long."""

    source = "Poterba and Summers (1988), Journal of Financial Economics 22(1), the idea"
    bars = whole(250, 5, 2_000)
    target = "(midprice(bars) - close) * 2 / (highest(high, bars) - lowest(low, bars))"
