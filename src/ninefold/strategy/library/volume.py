"""Volume: what the traded size says about the price."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Volume(Strategy):
    family = "order_flow"
    timeframe = "1h"


class OnBalanceVolume(_Volume):
    """Long while on-balance volume is above its mean, short while below."""

    source = "Granville (1963), Granville's New Key to Stock Market Profits"
    bars = whole(50, 2, 500)
    target = "sign(obv(close) - sma(obv(close), bars))"


class ChaikinOscillator(_Volume):
    """Long while the fast mean of accumulation is above the slow one, short while below."""

    source = "Achelis (1995), Technical Analysis from A to Z"
    fast = whole(3, 2, 50)
    slow = whole(10, 3, 200)
    target = "sign(adosc(fast, slow))"


class ChaikinMoneyFlow(_Volume):
    """Long while volume is accumulated, short while it is distributed, flat between."""

    source = "Achelis (2000), Technical Analysis from A to Z, second edition"
    bars = whole(40, 2, 200)
    level = real(0.05, 0, 0.5, step=0.01)
    target = "where(cmf(bars) > level, 1, where(cmf(bars) < -level, -1, 0))"


class MoneyFlowIndex(_Volume):
    """Long while little money flowed in, short while much did, else flat."""

    source = "Quong and Soudack (1989), Technical Analysis of Stocks & Commodities 7(3)"
    bars = whole(14, 2, 100)
    edge = real(25, 5, 45, step=1)
    target = "where(mfi(bars) < edge, 1, where(mfi(bars) > 100 - edge, -1, 0))"


class ForceIndex(_Volume):
    """Long while changes times volume are positive in the mean, short while negative."""

    source = "Elder (1993), Trading for a Living"
    bars = whole(26, 2, 200)
    target = "sign(efi(bars))"


class NegativeVolume(_Volume):
    """Long while the index of bars with less volume is above its long mean, else flat."""

    source = "Fosback (1976), Stock Market Logic"
    bars = whole(255, 2, 1_000)
    target = "where(nvi() > ema(nvi(), bars), 1, 0)"


class PositiveVolume(_Volume):
    """Long while the index of bars with more volume is above its long mean, short while below."""

    source = "Fosback (1976), Stock Market Logic"
    bars = whole(120, 2, 1_000)
    target = "sign(pvi() - ema(pvi(), bars))"


class PriceVolumeTrend(_Volume):
    """Long while volume times return, added up, is above its mean, short while below."""

    source = "common practice: the price volume trend"
    bars = whole(21, 2, 300)
    target = "sign(pvt() - ema(pvt(), bars))"


class VolumeWeightedLead(_Volume):
    """Long while the mean by volume is above the plain one, short while below."""

    source = "Dormeier (2011), Investing with Volume Analysis"
    bars = whole(50, 2, 500)
    target = "sign(vwma(close, bars) - sma(close, bars))"


class RisingVolume(_Volume):
    """Long or short with the move while volume is above its slow mean, else flat."""

    source = "common practice: the percentage volume oscillator"
    bars = whole(12, 2, 200)
    target = "where(pvo(12, 26) > 0, sign(mom(close, bars)), 0)"


class HighVolumePremium(_Volume):
    """Long after a stretch of volume that ranks high, short after one that ranks low, else flat."""

    source = "Gervais, Kaniel and Mingelgrin (2001), Journal of Finance 56(3)"
    bars = whole(24, 2, 200)
    share = real(0.1, 0.01, 0.45, step=0.01)
    target = "where(rank(sum(volume, bars), 500) > 1 - share, 1, where(rank(sum(volume, bars), 500) < share, -1, 0))"


class VolumeReversal(_Volume):
    """Long or short for a bar against a move on high volume, else flat."""

    source = "Campbell, Grossman and Wang (1993), Quarterly Journal of Economics 108(4)"
    volumes = real(2, 1, 10)
    target = "where(rvol(20) > volumes, -sign(close - lag(close, 1)), 0)"


class VolumeWithPrice(_Volume):
    """Long while volume comes with rising closes, short while with falling ones."""

    source = "Karpoff (1987), Journal of Financial and Quantitative Analysis 22(1)"
    bars = whole(48, 5, 500)
    target = "sign(correlation(close / lag(close, 1) - 1, volume / sma(volume, 100), bars))"


class FacilitationGreen(_Volume):
    """Long or short with the body while both volume and the move it buys grow, else flat."""

    source = "Williams, B. (1995), Trading Chaos, the market facilitation index"
    target = "where((marketfi() > lag(marketfi(), 1)) & (volume > lag(volume, 1)), sign(close - open), 0)"


class IlliquidityPremium(_Volume):
    """Long while prices move much for the value traded, else flat."""

    source = "Amihud (2002), Journal of Financial Markets 5(1)"
    bars = whole(24, 3, 300)
    usual = whole(336, 20, 500)
    target = "where(amihud(bars) > median(amihud(bars), usual), 1, 0)"


class DryPullback(_Volume):
    """Long above the long mean after a fall on little volume, else flat."""

    source = "common practice: a pullback on falling volume"
    trend = whole(100, 10, 1_000)
    bars = whole(4, 2, 50)
    target = (
        "where((close > sma(close, trend)) & (mom(close, bars) < 0) & (sma(volume, bars) < sma(volume, trend)), 1, 0)"
    )


class AccumulationSlope(_Volume):
    """Long while accumulation rises though the price falls, short the other way, else flat."""

    source = "Achelis (1995), Technical Analysis from A to Z, divergence of accumulation"
    bars = whole(24, 2, 300)
    target = "(sign(mom(ad(), bars)) - sign(mom(close, bars))) / 2"
