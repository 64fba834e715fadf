"""Breakout: go with a price that leaves the range of the bars before it."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class BreakoutDonchian5s(Strategy):
    """Long on a close above the highest high of the 40 seconds before, short below the lowest low."""

    name = "breakout_donchian_5s"
    family = "breakout"
    timeframe = "5s"
    source = "Donchian's channel, in Murphy (1999), Technical Analysis of the Financial Markets"
    target = "where(close > lag(donchian_upper(8), 1), 1, where(close < lag(donchian_lower(8), 1), -1, 0))"


class _Breakout(Strategy):
    family = "breakout"
    timeframe = "1h"


class TurtleChannel(_Breakout):
    """Long from a new high until a low of fewer bars, short from a new low until a high of fewer bars, else flat."""

    source = "Faith (2007), Way of the Turtle, system 2"
    bars = whole(55, 3, 500)
    out = whole(20, 2, 200)
    entry = "close > lag(highest(high, bars), 1)"
    exit = "close < lag(lowest(low, out), 1)"
    short_entry = "close < lag(lowest(low, bars), 1)"
    short_exit = "close > lag(highest(high, out), 1)"


class FourWeekRule(_Breakout):
    """Long from a close above the highest close of four weeks until one below the lowest, then flat."""

    source = "Lukac, Brorsen and Irwin (1988), Applied Economics 20(5), the close channel"
    bars = whole(480, 5, 3_000)
    entry = "close > lag(highest(close, bars), 1)"
    exit = "close < lag(lowest(close, bars), 1)"


class BandBreakout(_Breakout):
    """Long from above the upper Bollinger band until the middle, short from below the lower one, else flat."""

    source = "Bollinger (2001), Bollinger on Bollinger Bands, method I without its squeeze"
    bars = whole(20, 3, 300)
    width = real(2, 0.5, 4)
    entry = "close > bbands_upper(close, bars, width, width)"
    exit = "close < bbands_middle(close, bars, width, width)"
    short_entry = "close < bbands_lower(close, bars, width, width)"
    short_exit = "close > bbands_middle(close, bars, width, width)"


class SqueezeRelease(_Breakout):
    """Long or short with the price when the Bollinger bands have just left the Keltner channel, else flat."""

    source = "Carter (2005), Mastering the Trade, the squeeze"
    bars = whole(20, 5, 200)
    within = whole(10, 2, 50)
    target = (
        "where((sum(where(bbands_upper(close, bars, 2, 2) < keltner_upper(bars, bars, 1.5), 1, 0), within) > 0)"
        " & (bbands_upper(close, bars, 2, 2) > keltner_upper(bars, bars, 1.5)), sign(close - donchian_middle(bars)), 0)"
    )


class KeltnerBreakout(_Breakout):
    """Long while the close is above the upper Keltner band, short while below the lower one, else flat."""

    source = "Keltner (1960), How to Make Money in Commodities"
    bars = whole(50, 3, 300)
    width = real(2, 0.5, 5)
    target = (
        "where(close > keltner_upper(bars, bars, width), 1, where(close < keltner_lower(bars, bars, width), -1, 0))"
    )


class RangeProjection(_Breakout):
    """Long from a body that rises more than a part of the last range, short from one that falls as much, until the other."""

    source = "Williams, L. (1999), Long-Term Secrets to Short-Term Trading, volatility breakouts"
    part = real(1.2, 0.1, 5)
    entry = "close - open > lag(high - low, 1) * part"
    exit = "open - close > lag(high - low, 1) * part"
    short_entry = "open - close > lag(high - low, 1) * part"
    short_exit = "close - open > lag(high - low, 1) * part"


class AtrBreakout(_Breakout):
    """Long from a close more than some ATR above the one before, short from one as far below, flat after some bars."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems, the volatility system's distance"
    bars = whole(24, 2, 100)
    width = real(1.5, 0.2, 6)
    hold = whole(12, 2, 100)
    target = (
        "sign(sum(where(close - lag(close, 1) > lag(atr(bars), 1) * width, 1,"
        " where(lag(close, 1) - close > lag(atr(bars), 1) * width, -1, 0)), hold))"
    )


class NarrowRange(_Breakout):
    """Long for some bars after a close above the narrowest bar of seven, short after one below it, else flat."""

    source = "Crabel (1990), Day Trading with Short Term Price Patterns, NR7"
    bars = whole(7, 3, 50)
    hold = whole(5, 2, 50)
    target = (
        "sign(sum(where(lag(high - low, 1) <= lag(lowest(high - low, bars), 1),"
        " where(close > lag(high, 1), 1, where(close < lag(low, 1), -1, 0)), 0), hold))"
    )


class InsideBar(_Breakout):
    """Long for some bars after a close above an inside bar, short after one below it, else flat."""

    source = "Crabel (1990), Day Trading with Short Term Price Patterns, inside days"
    hold = whole(4, 2, 50)
    target = (
        "sign(sum(where((lag(high, 1) < lag(high, 2)) & (lag(low, 1) > lag(low, 2)),"
        " where(close > lag(high, 1), 1, where(close < lag(low, 1), -1, 0)), 0), hold))"
    )


class VolumeBreakout(_Breakout):
    """Long for some bars after a new highest close on high volume, short after such a low, else flat."""

    source = "Blume, Easley and O'Hara (1994), Journal of Finance 49(1), the idea"
    bars = whole(48, 3, 300)
    volumes = real(1.5, 1, 5)
    hold = whole(12, 2, 100)
    target = (
        "sign(sum(where((close > lag(highest(close, bars), 1)) & (rvol(20) > volumes), 1,"
        " where((close < lag(lowest(close, bars), 1)) & (rvol(20) > volumes), -1, 0)), hold))"
    )


class DarvasBox(_Breakout):
    """Long from a close above a high that stood for some bars until one below the lowest low, then flat."""

    source = "Darvas (1960), How I Made $2,000,000 in the Stock Market"
    bars = whole(72, 5, 500)
    stood = whole(6, 2, 100)
    entry = "(close > lag(highest(high, bars), 1)) & (lag(argmax(high, bars), 1) >= stood)"
    exit = "close < lag(lowest(low, bars), 1)"


class PivotBreak(_Breakout):
    """Long while the close is above the first resistance of the stretch before, short while below the first support,
    else flat."""

    source = "Person (2004), A Complete Guide to Technical Trading Tactics, pivot points"
    bars = whole(24, 2, 500)
    target = (
        "where(close > lag((highest(high, bars) + lowest(low, bars) + close) * 2 / 3 - lowest(low, bars), bars), 1,"
        " where(close < lag((highest(high, bars) + lowest(low, bars) + close) * 2 / 3 - highest(high, bars), bars), -1,"
        " 0))"
    )


class PercentFilter(_Breakout):
    """Long from some percent above the lowest close of many bars, short from as far below the highest, until the other."""

    source = "Alexander (1961), Industrial Management Review 2, filter rules"
    bars = whole(200, 5, 2_000)
    percent = real(0.05, 0.002, 0.5, step=0.002)
    entry = "close / lowest(close, bars) - 1 > percent"
    exit = "1 - close / highest(close, bars) > percent"
    short_entry = "(1 - close / highest(close, bars) > percent) & (close / lowest(close, bars) - 1 < percent)"
    short_exit = "close / lowest(close, bars) - 1 > percent"


class RegressionChannel(_Breakout):
    """Long above the regression line by some deviations of the closes around it, short as far below, else flat."""

    source = "Raff (1991), Technical Analysis of Stocks & Commodities 9, the regression channel; he fades it"
    bars = whole(100, 5, 500)
    width = real(1, 0.2, 4)
    target = (
        "where(close - linearreg(close, bars) > stddev(close - linearreg(close, bars), bars) * width, 1,"
        " where(linearreg(close, bars) - close > stddev(close - linearreg(close, bars), bars) * width, -1, 0))"
    )


class VolatilityContraction(_Breakout):
    """Long from a new high out of a range that has become narrow until the close is below its mean, then flat."""

    source = "Minervini (2013), Trade Like a Stock Market Wizard"
    bars = whole(24, 3, 200)
    share = real(0.8, 0.2, 1.5, step=0.05)
    entry = (
        "(close > lag(highest(high, bars), 1))"
        " & (lag(highest(high, bars) - lowest(low, bars), 1) < lag(sma(highest(high, bars) - lowest(low, bars), 200), 1) * share)"
    )
    exit = "close < sma(close, bars)"


class AccelerationBands(_Breakout):
    """Long while two closes in a row are above the upper acceleration band, short while below the lower, else flat."""

    source = "Headley (2002), Big Trends in Trading"
    bars = whole(20, 3, 200)
    target = (
        "where((close > accbands_upper(bars)) & (lag(close, 1) > lag(accbands_upper(bars), 1)), 1,"
        " where((close < accbands_lower(bars)) & (lag(close, 1) < lag(accbands_lower(bars), 1)), -1, 0))"
    )


class WideBar(_Breakout):
    """Long for some bars after a very wide bar that closes near its high, short after one near its low, else flat."""

    source = "Crabel (1990), Day Trading with Short Term Price Patterns, wide spread days"
    width = real(2, 1, 6)
    hold = whole(6, 2, 50)
    target = (
        "sign(sum(where((trange() > lag(atr(20), 1) * width) & (high - close < (high - low) * 0.25), 1,"
        " where((trange() > lag(atr(20), 1) * width) & (close - low < (high - low) * 0.25), -1, 0)), hold))"
    )


class HighLowActivator(_Breakout):
    """Long from a close above the mean of the last highs until one below the mean of the last lows, then short."""

    source = "Krausz (1998), Technical Analysis of Stocks & Commodities 16, HiLo activator"
    bars = whole(10, 2, 100)
    entry = "close > lag(sma(high, bars), 1)"
    exit = "close < lag(sma(low, bars), 1)"
    short_entry = "close < lag(sma(low, bars), 1)"
    short_exit = "close > lag(sma(high, bars), 1)"
