"""Candle patterns: act for a few bars on a shape that is said to turn the price, or to let it go on."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class PatternReversal5s(Strategy):
    """Long or short on the side of the bullish or bearish reversal patterns of the last three bars, else flat."""

    name = "pattern_reversal_5s"
    family = "patterns"
    timeframe = "5s"
    source = "Nison (1991), Japanese Candlestick Charting Techniques"
    target = "sign(sum(cdlengulfing() + cdlharami() + cdlhammer() + cdlshootingstar() + cdlpiercing(), 3))"


class _Pattern(Strategy):
    family = "patterns"
    timeframe = "1h"
    source = "Nison (1991), Japanese Candlestick Charting Techniques"
    hold = whole(4, 2, 50)


class Engulfing(_Pattern):
    """Long for some bars after a bullish engulfing bar, short after a bearish one, else flat."""

    target = "sign(sum(cdlengulfing(), hold))"


class Harami(_Pattern):
    """Long for some bars after a bullish harami or harami cross, short after a bearish one, else flat."""

    target = "sign(sum(cdlharami() + cdlharamicross(), hold))"


class HammerAndHangingMan(_Pattern):
    """Long for some bars after a hammer, short after a hanging man, else flat."""

    target = "sign(sum(cdlhammer() + cdlhangingman(), hold))"


class ShootingStar(_Pattern):
    """Long for some bars after an inverted hammer, short after a shooting star, else flat."""

    target = "sign(sum(cdlshootingstar() + cdlinvertedhammer(), hold))"


class MorningAndEveningStar(_Pattern):
    """Long for some bars after a morning star, short after an evening star, else flat."""

    penetration = real(0.3, 0, 0.9, step=0.05)
    target = "sign(sum(cdlmorningstar(penetration) + cdleveningstar(penetration), hold))"


class SoldiersAndCrows(_Pattern):
    """Long for some bars after three white soldiers, short after three black crows, else flat."""

    target = "sign(sum(cdl3whitesoldiers() + cdl3blackcrows(), hold))"


class ThreeInsideOutside(_Pattern):
    """Long for some bars after three inside or outside up, short after down, else flat."""

    source = "Morris (2006), Candlestick Charting Explained"
    target = "sign(sum(cdl3inside() + cdl3outside(), hold))"


class Marubozu(_Pattern):
    """Long for some bars after a rising bar that closes at its high, short after a falling one at its low, else flat."""

    source = "Morris (2006), Candlestick Charting Explained"
    target = "sign(sum(cdlmarubozu() + cdlclosingmarubozu(), hold))"


class BeltHold(_Pattern):
    """Long for some bars after a long body that opens at its low, short after one that opens at its high, else flat."""

    target = "sign(sum(cdlbelthold(), hold))"


class Hikkake(_Pattern):
    """Long for some bars after a false break down of an inside bar, short after one up, else flat."""

    source = "Chesler (2004), Active Trader, the hikkake pattern"
    target = "sign(sum(cdlhikkake(), hold))"


class DragonflyAndGravestone(_Pattern):
    """Long for some bars after a doji with only a lower shadow, short after one with only an upper one, else flat."""

    target = "sign(sum(cdldragonflydoji() - cdlgravestonedoji(), hold))"


class DojiTurn(_Pattern):
    """Long or short for some bars against the move before a doji, else flat."""

    run = whole(5, 2, 50)
    target = "sign(sum(where(cdldoji() > 0, -sign(mom(close, run)), 0), hold))"


class HighWaveTurn(_Pattern):
    """Long or short against the move while a high-wave bar is recent, else flat."""

    run = whole(10, 2, 50)
    target = "where(sum(abs(cdlhighwave()), hold) > 0, -sign(mom(close, run)), 0)"


class LongLine(_Pattern):
    """Long for some bars after a long rising body, short after a long falling one, else flat."""

    source = "Morris (2006), Candlestick Charting Explained"
    target = "sign(sum(cdllongline(), hold))"


class ThreeLineStrike(_Pattern):
    """Long for some bars after a bullish three-line strike, short after a bearish one, else flat."""

    source = "Bulkowski (2008), Encyclopedia of Candlestick Charts, the textbook's reading; he found the opposite"
    target = "sign(sum(cdl3linestrike(), hold))"


class Takuri(_Pattern):
    """Long for some bars after a doji with a very long lower shadow, else flat."""

    source = "Bulkowski (2008), Encyclopedia of Candlestick Charts"
    target = "where(highest(cdltakuri(), hold + 1) > 0, 1, 0)"


class BottomPatterns(_Pattern):
    """Long for some bars after a matching low, homing pigeon or stick sandwich, else flat."""

    source = "Morris (2006), Candlestick Charting Explained"
    target = "where(sum(cdlmatchinglow() + cdlhomingpigeon() + cdlsticksandwich(), hold) > 0, 1, 0)"


class TiredRise(_Pattern):
    """Short for some bars after an advance block or a stalled pattern, else flat."""

    source = "Morris (2006), Candlestick Charting Explained"
    target = "where(sum(cdladvanceblock() + cdlstalledpattern(), hold) < 0, -1, 0)"


class RestAndGoOn(_Pattern):
    """Long or short for some bars with a trend that rested: three methods, mat hold and gaps; else flat."""

    source = "Nison (1991), Japanese Candlestick Charting Techniques, continuation patterns"
    target = "sign(sum(cdlrisefall3methods() + cdlmathold() + cdlxsidegap3methods() + cdltasukigap(), hold))"


class OppositeLines(_Pattern):
    """Long or short for some bars after counterattack and separating lines, else flat."""

    target = "sign(sum(cdlcounterattack() + cdlseparatinglines(), hold))"


class SpinningTop(_Pattern):
    """Long or short for some bars with a small body between longer shadows after a move the other way, else flat."""

    run = whole(4, 2, 50)
    target = "sign(sum(where(cdlspinningtop() * sign(mom(close, run)) < 0, cdlspinningtop(), 0), hold))"


class EngulfingOnVolume(_Pattern):
    """Long or short for some bars after an engulfing bar on high volume, else flat."""

    source = "Bulkowski (2008), Encyclopedia of Candlestick Charts, engulfing on heavy volume"
    volumes = real(1.5, 0.5, 10)
    target = "sign(sum(where(rvol(20) > volumes, cdlengulfing(), 0), hold))"


class PinBar(_Pattern):
    """Long for some bars after a bar that is mostly lower shadow, short after one mostly upper, else flat."""

    source = "common practice: the pin bar"
    share = real(0.65, 0.5, 0.95, step=0.05)
    target = (
        "sign(sum(where(min(open, close) - low > (high - low) * share, 1,"
        " where(high - max(open, close) > (high - low) * share, -1, 0)), hold))"
    )


class OutsideBar(_Pattern):
    """Long for some bars after a rising bar beyond both ends of the one before, short after a falling one, else flat."""

    source = "Crabel (1990), Day Trading with Short Term Price Patterns"
    target = "sign(sum(where((high > lag(high, 1)) & (low < lag(low, 1)), sign(close - open), 0), hold))"


class KeyReversal(_Pattern):
    """Long for some bars after a new low with a higher close, short after a new high with a lower close, else flat."""

    source = "Murphy (1999), Technical Analysis of the Financial Markets"
    bars = whole(10, 2, 200)
    target = (
        "sign(sum(where((low <= lowest(low, bars)) & (close > lag(close, 1)), 1,"
        " where((high >= highest(high, bars)) & (close < lag(close, 1)), -1, 0)), hold))"
    )


class Fractals(_Pattern):
    """Long for some bars after a swing low is confirmed, short after a swing high, else flat."""

    source = "Williams, B. (1995), Trading Chaos, his fractals; he trades their breaks"
    target = "sign(sum(fractal_low(2, 2) - fractal_high(2, 2), hold))"


class PatternVote(_Pattern):
    """Long or short by the sum of many patterns of the last bars, else flat."""

    source = "Marshall, Young and Rose (2006), Journal of Banking & Finance 30(8), who found no value in them"
    target = (
        "sign(sum(cdlengulfing() + cdlharami() + cdlhammer() + cdlhangingman() + cdlshootingstar() + cdlinvertedhammer()"
        " + cdlmorningstar() + cdleveningstar() + cdl3inside() + cdl3outside() + cdlbelthold() + cdlhikkake(), hold))"
    )
