"""Volatility: what to do when the market moves more, less or otherwise than it did."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class VolatilityMomentum5s(Strategy):
    """Long or short with the move of 20 seconds while volatility is above its own average, else flat."""

    name = "volatility_momentum_5s"
    family = "volatility"
    timeframe = "5s"
    source = "common practice: momentum while volatility rises"
    target = "where(realized_volatility(close, 6) > sma(realized_volatility(close, 6), 18), sign(mom(close, 4)), 0)"


class _Volatility(Strategy):
    family = "volatility"
    timeframe = "1h"


class CalmMarket(_Volatility):
    """Long while volatility is below its median of a long time, else flat."""

    source = "Ang, Hodrick, Xing and Zhang (2006), Journal of Finance 61(1)"
    bars = whole(24, 3, 200)
    usual = whole(500, 20, 500)
    target = "where(realized_volatility(close, bars) < median(realized_volatility(close, bars), usual), 1, 0)"


class RelativeVolatility(_Volatility):
    """Long or short by the side of the mean while deviations rise with the price, else flat."""

    source = "Dorsey (1993), Technical Analysis of Stocks & Commodities 11, relative volatility index; there a low one confirms sales"
    bars = whole(14, 3, 100)
    level = real(50, 20, 80, step=1)
    target = "where(rvi(close, bars, 10) > level, sign(close - sma(close, 20)), 0)"


class RangeSwells(_Volatility):
    """Long while the smoothed range has grown fast below the mean, which is said to mark a bottom, else flat."""

    source = "Achelis (1995), Technical Analysis from A to Z, Chaikin's volatility"
    percent = real(20, 1, 200, step=1)
    trend = whole(50, 5, 500)
    target = "where((cvi(10, 10) > percent) & (close < ema(close, trend)), 1, 0)"


class MassBulge(_Volatility):
    """Long or short against the trend of the mean for some bars after the mass index has bulged, else flat."""

    source = "Dorsey (1992), Technical Analysis of Stocks & Commodities 10, the mass index"
    bulge = real(26.5, 24, 40)
    hold = whole(12, 2, 100)
    target = (
        "sign(sum(where((massi(9, 25) < bulge) & (lag(massi(9, 25), 1) >= bulge),"
        " -sign(mom(ema(close, 9), 5)), 0), hold))"
    )


class RangeAgainstClose(_Volatility):
    """Long or short with the move while closes tell more volatility than ranges do, flat while the bars swing within."""

    source = "Garman and Klass (1980), Journal of Business 53(1), the two estimates compared"
    bars = whole(48, 5, 500)
    target = "where(std(close / lag(close, 1) - 1, bars) > garman_klass(bars), sign(mom(close, bars)), 0)"


class VolatilityOfVolatility(_Volatility):
    """Long while volatility itself is steady, else flat."""

    source = "Baltussen, van Bekkum and van der Grient (2018), Journal of Financial and Quantitative Analysis 53(4)"
    bars = whole(24, 3, 200)
    steady = real(0.3, 0.05, 2, step=0.05)
    target = "where(std(natr(bars), 168) / mean(natr(bars), 168) < steady, 1, 0)"


class ShortBelowLong(_Volatility):
    """Long while the volatility of a day is below that of a week, short while above."""

    source = "Corsi (2009), Journal of Financial Econometrics 7(2), its horizons"
    short = whole(24, 3, 200)
    long = whole(168, 10, 500)
    target = "sign(std(close / lag(close, 1) - 1, long) - std(close / lag(close, 1) - 1, short))"


class NegativeSkew(_Volatility):
    """Long after returns that were skewed to losses, short after returns skewed to gains, else flat."""

    source = "Amaya, Christoffersen, Jacobs and Vasquez (2015), Journal of Financial Economics 118(1)"
    bars = whole(168, 20, 500)
    level = real(0.5, 0, 3)
    target = "where(skew(close / lag(close, 1) - 1, bars) < -level, 1, where(skew(close / lag(close, 1) - 1, bars) > level, -1, 0))"


class ThinTails(_Volatility):
    """Long while returns had thin tails, else flat."""

    source = "common practice: the kurtosis of returns as a measure of jumps"
    bars = whole(100, 20, 500)
    level = real(1.5, 0, 20)
    target = "where(kurtosis(close / lag(close, 1) - 1, bars) < level, 1, 0)"


class LotteryGain(_Volatility):
    """Short after a single gain that is large for its time, as those who love lotteries overpay; else flat."""

    source = "Bali, Cakici and Whitelaw (2011), Journal of Financial Economics 99(2)"
    bars = whole(24, 2, 500)
    times = real(3, 1, 10)
    target = "where(highest(close / lag(close, 1) - 1, bars) > std(close / lag(close, 1) - 1, 336) * times, -1, 0)"


class GoodVolatility(_Volatility):
    """Long while squared gains outweigh squared losses, short while losses do."""

    source = "Patton and Sheppard (2015), Review of Economics and Statistics 97(3)"
    bars = whole(120, 3, 2_000)
    target = "sign(sum((close / lag(close, 1) - 1) * abs(close / lag(close, 1) - 1), bars))"


class ShockReversal(_Volatility):
    """Long or short for some bars against a return of many deviations, else flat."""

    source = "common practice: fading a shock"
    times = real(3, 1, 10)
    hold = whole(3, 2, 50)
    target = (
        "sign(sum(where(abs(close / lag(close, 1) - 1) > lag(std(close / lag(close, 1) - 1, 100), 1) * times,"
        " -sign(close - lag(close, 1)), 0), hold))"
    )


class QuietTrend(_Volatility):
    """Long or short with the move while the range is below its usual one, else flat."""

    source = "Parkinson (1980), Journal of Business 53(1), the estimate used as a filter"
    bars = whole(24, 3, 300)
    usual = whole(200, 20, 500)
    target = "where(parkinson(bars) < median(parkinson(bars), usual), sign(mom(close, bars)), 0)"
