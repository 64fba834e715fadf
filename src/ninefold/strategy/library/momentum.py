"""Trend following by what the price has gained: what has risen goes on rising for a while."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Momentum(Strategy):
    family = "trend"
    timeframe = "1h"


class TimeSeriesMomentum(_Momentum):
    """Long after a gain over a long time, short after a loss."""

    source = "Moskowitz, Ooi and Pedersen (2012), Journal of Financial Economics 104(2)"
    bars = whole(336, 10, 5_000)
    target = "sign(mom(close, bars))"


class ScaledMomentum(_Momentum):
    """Long or short with the move of some bars, in proportion to how unusual it is for its volatility."""

    source = "Lemperiere, Deremble, Seager, Potters and Bouchaud (2014), Journal of Investment Strategies 3(3)"
    bars = whole(96, 5, 500)
    target = "tanh(rocp(close, bars) / realized_volatility(close, bars))"


class ManyHorizons(_Momentum):
    """Long or short by the vote of three horizons, in proportion."""

    source = "Hurst, Ooi and Pedersen (2017), Journal of Portfolio Management 44(1)"
    shortest = whole(24, 2, 60)
    longest = whole(168, 100, 2_000)
    target = "(sign(mom(close, shortest)) + sign(mom(close, 72)) + sign(mom(close, longest))) / 3"


class SkippedMomentum(_Momentum):
    """Long after a gain that leaves out the latest bars, short after a loss."""

    source = "Jegadeesh and Titman (1993), Journal of Finance 48(1)"
    skip = whole(24, 1, 100)
    bars = whole(200, 101, 2_000)
    target = "sign(lag(close, skip) - lag(close, bars))"


class Acceleration(_Momentum):
    """Long while the gain is positive and growing, short while the loss grows, else flat."""

    source = "common practice: momentum that grows"
    bars = whole(36, 2, 500)
    target = (
        "where((mom(close, bars) > 0) & (mom(mom(close, bars), bars) > 0), 1,"
        " where((mom(close, bars) < 0) & (mom(mom(close, bars), bars) < 0), -1, 0))"
    )


class FrogInThePan(_Momentum):
    """Long or short with a move that came in many small steps, flat if it came in few large ones."""

    source = "Da, Gurun and Warachka (2014), Review of Financial Studies 27(7)"
    bars = whole(72, 10, 500)
    share = real(0.05, 0, 0.5, step=0.01)
    target = (
        "where(sign(mom(close, bars)) * mean(sign(close - lag(close, 1)), bars) > share, sign(mom(close, bars)), 0)"
    )


class NearTheHigh(_Momentum):
    """Long while the close is near the highest high of a long time, else flat."""

    source = "George and Hwang (2004), Journal of Finance 59(5)"
    bars = whole(720, 10, 5000)
    near = real(0.97, 0.5, 0.999, step=0.005)
    target = "where(close / highest(high, bars) > near, 1, 0)"


class CoppockTurn(_Momentum):
    """Long while Coppock's curve rises, else flat."""

    source = "Coppock (1962), Barron's, his curve; he bought its turns below zero only"
    smooth = whole(10, 2, 100)
    short = whole(11, 2, 100)
    long = whole(14, 2, 200)
    target = "where(coppock(close, smooth, short, long) > lag(coppock(close, smooth, short, long), 1), 1, 0)"


class TrueStrength(_Momentum):
    """Long while the true strength index is above its own mean, short while below."""

    source = "Blau (1991), Technical Analysis of Stocks & Commodities 9"
    smooth = whole(7, 2, 50)
    target = "sign(tsi(close, 25, 13) - ema(tsi(close, 25, 13), smooth))"


class TrixSide(_Momentum):
    """Long while the triple smoothed mean rises, short while it falls."""

    source = "Hutson (1983), Technical Analysis of Stocks & Commodities 1(5)"
    bars = whole(30, 2, 200)
    target = "sign(trix(close, bars))"


class KnowSureThing(_Momentum):
    """Long while a weighted sum of four rates of change is above its own mean, short while below."""

    source = "Pring (1992), Technical Analysis of Stocks & Commodities 10"
    smooth = whole(9, 2, 50)

    _KST = (
        "(sma(roc(close, 10), 10) + 2 * sma(roc(close, 15), 10) + 3 * sma(roc(close, 20), 10)"
        " + 4 * sma(roc(close, 30), 15))"
    )
    target = f"sign({_KST} - sma({_KST}, smooth))"


class ChandeMomentum(_Momentum):
    """Long while gains outweigh losses by much, short while losses do, else flat."""

    source = "Chande and Kroll (1994), The New Technical Trader"
    bars = whole(20, 2, 200)
    level = real(25, 0, 80, step=1)
    target = "where(cmou(close, bars) > level, 1, where(cmou(close, bars) < -level, -1, 0))"


class RsiRange(_Momentum):
    """Long from a strong RSI until it falls below the middle, short from a weak one until it rises above, else flat."""

    source = "Brown (1999), Technical Analysis for the Trading Professional, range rules"
    bars = whole(14, 2, 100)
    away = real(12, 1, 40, step=1)
    entry = "rsi(close, bars) - 50 > away"
    exit = "rsi(close, bars) < 50"
    short_entry = "rsi(close, bars) - 50 < -away"
    short_exit = "rsi(close, bars) > 50"


class CommodityChannel(_Momentum):
    """Long while the price is far above its mean in mean deviations, short while far below, else flat."""

    source = "Lambert (1980), Commodities magazine, its first use"
    bars = whole(40, 5, 300)
    level = real(100, 20, 300, step=10)
    target = "where(cci(bars) > level, 1, where(cci(bars) < -level, -1, 0))"


class AwesomeZero(_Momentum):
    """Long while the awesome oscillator is above zero, short while below."""

    source = "Williams, B. (1998), New Trading Dimensions"
    fast = whole(5, 2, 50)
    slow = whole(34, 3, 200)
    target = "sign(ao(fast, slow))"


class Accelerator(_Momentum):
    """Long while the accelerator is above zero and rises, short while below and falling, else flat."""

    source = "Williams, B. (1998), New Trading Dimensions"
    slow = whole(34, 6, 200)
    target = (
        "where((ac(5, slow, 5) > 0) & (ac(5, slow, 5) > lag(ac(5, slow, 5), 1)), 1,"
        " where((ac(5, slow, 5) < 0) & (ac(5, slow, 5) < lag(ac(5, slow, 5), 1)), -1, 0))"
    )


class ElderRay(_Momentum):
    """Long in a rising mean while bear power is below zero and rises; short in a falling one while bull power is above
    zero and falls; else flat."""

    source = "Elder (1993), Trading for a Living"
    bars = whole(26, 2, 100)
    target = (
        "where((ema(close, bars) > lag(ema(close, bars), 1)) & (eri_bear(bars) < 0) & (eri_bear(bars) > lag(eri_bear(bars), 1)), 1,"
        " where((ema(close, bars) < lag(ema(close, bars), 1)) & (eri_bull(bars) > 0) & (eri_bull(bars) < lag(eri_bull(bars), 1)), -1, 0))"
    )


class QstickSide(_Momentum):
    """Long while bodies rise in the mean, short while they fall."""

    source = "Chande and Kroll (1994), The New Technical Trader"
    bars = whole(8, 2, 100)
    target = "sign(qstick(bars))"


class StochasticMomentum(_Momentum):
    """Long while the stochastic momentum index is above its signal, short while below."""

    source = "Blau (1995), Momentum, Direction, and Divergence"
    bars = whole(13, 2, 100)
    target = "sign(smi(bars, 2, 25, 9) - smi_signal(bars, 2, 25, 9))"


class SameHour(_Momentum):
    """Long if the coming hour gained on the three days before, short if it lost."""

    source = "Heston, Korajczyk and Sadka (2010), Journal of Finance 65(4)"
    day = whole(24, 2, 300)
    target = (
        "sign(lag(close / lag(close, 1), day - 1) + lag(close / lag(close, 1), 2 * day - 1)"
        " + lag(close / lag(close, 1), 3 * day - 1) - 3)"
    )


class RisingBars(_Momentum):
    """Long while clearly more than half of the bars close higher, short while lower, else flat."""

    source = "common practice: the psychological line"
    bars = whole(24, 3, 200)
    level = real(0.1, 0, 0.4, step=0.02)
    target = (
        "where(sma(where(close > lag(close, 1), 1, 0), bars) - 0.5 > level, 1,"
        " where(sma(where(close > lag(close, 1), 1, 0), bars) - 0.5 < -level, -1, 0))"
    )


class WilliamsAccumulation(_Momentum):
    """Long while Williams' accumulation is above its own mean, short while below."""

    source = "Achelis (1995), Technical Analysis from A to Z, Williams' accumulation"
    bars = whole(40, 2, 300)
    target = "sign(wad() - sma(wad(), bars))"


class MacdTurn(_Momentum):
    """Long while MACD is below zero and turns up, short while above and turns down, else flat."""

    source = "Appel (2005), Technical Analysis: Power Tools for Active Investors"
    fast = whole(12, 2, 100)
    slow = whole(26, 3, 200)
    target = (
        "where((macd(close, fast, slow, 9) < 0) & (macd_hist(close, fast, slow, 9) > 0), 1,"
        " where((macd(close, fast, slow, 9) > 0) & (macd_hist(close, fast, slow, 9) < 0), -1, 0))"
    )
