"""Order flow: be on the side that is hungrier, in the trades or in the book."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class FlowBuyShare1s(Strategy):
    """Long when takers bought more than 65 % of the volume of ten seconds, short below 35 %."""

    name = "flow_buy_share_1s"
    family = "order_flow"
    timeframe = "1s"
    source = "common practice: the takers' share of volume"
    # Products instead of buy_volume / volume: quiet seconds have no volume to divide by.
    target = "where(sum(buy_volume, 10) > sum(volume, 10) * 0.65, 1, where(sum(buy_volume, 10) < sum(volume, 10) * 0.35, -1, 0))"


class FlowImbalance1s(Strategy):
    """Long or short on the side that shows more size at the best prices, over three seconds, else flat."""

    name = "flow_imbalance_1s"
    family = "order_flow"
    timeframe = "1s"
    source = "Cartea, Donnelly and Jaimungal (2018), Applied Mathematical Finance 25(1)"
    target = "where(sma(imbalance, 3) > 0.4, 1, where(sma(imbalance, 3) < -0.4, -1, 0))"


class _Flow(Strategy):
    family = "order_flow"
    timeframe = "5s"


class OrderImbalance(_Flow):
    """Long or short with what takers bought less what they sold, as a share of the volume."""

    source = "Chordia, Roll and Subrahmanyam (2002), Journal of Financial Economics 65(1)"
    bars = whole(60, 2, 1_000)
    target = "sum(buy_volume + buy_volume - volume, bars) / sum(volume, bars)"


class FlowDecay(_Flow):
    """Long while recent taking leans to buying more than it did before, short while less."""

    source = "Bacry, Mastromatteo and Muzy (2015), Market Microstructure and Liquidity 1(1), exponential memory"
    fast = whole(6, 2, 100)
    slow = whole(40, 3, 500)
    target = (
        "sign(ema(buy_volume + buy_volume - volume, fast) / ema(volume, fast)"
        " - ema(buy_volume + buy_volume - volume, slow) / ema(volume, slow))"
    )


class ToxicFlow(_Flow):
    """Long or short with the move while taking is balanced, flat while it is one-sided."""

    source = "Easley, Lopez de Prado and O'Hara (2012), Review of Financial Studies 25(5), VPIN"
    bars = whole(50, 5, 500)
    level = real(0.8, 0.05, 0.95, step=0.05)
    target = (
        "where(sum(abs(buy_volume + buy_volume - volume), bars) < sum(volume, bars) * level, sign(mom(close, bars)), 0)"
    )


class CumulativeDelta(_Flow):
    """Long while bought less sold, added up, is above its mean, short while below."""

    source = "common practice: cumulative volume delta"
    bars = whole(100, 2, 1_000)
    target = "sign(cumsum(buy_volume + buy_volume - volume) - sma(cumsum(buy_volume + buy_volume - volume), bars))"


class DeltaDivergence(_Flow):
    """Long while takers buy and the price falls, short while they sell and it rises, else flat."""

    source = "common practice: divergence of volume delta"
    bars = whole(20, 2, 500)
    target = "(sign(sum(buy_volume + buy_volume - volume, bars)) - sign(mom(close, bars))) / 2"


class LargeTrades(_Flow):
    """Long or short with the takers while their trades are larger than usual, else flat."""

    source = "Easley and O'Hara (1987), Journal of Financial Economics 19(1)"
    bars = whole(10, 2, 100)
    usual = whole(120, 10, 1_000)
    target = (
        "where(sum(volume, bars) / sum(trades, bars) > sum(volume, usual) / sum(trades, usual),"
        " sign(sum(buy_volume + buy_volume - volume, bars)), 0)"
    )


class TradeBurst(_Flow):
    """Long or short with the body of a bar with many more trades than usual, else flat."""

    source = "Jones, Kaul and Lipson (1994), Review of Financial Studies 7(4)"
    usual = whole(60, 5, 1_000)
    times = real(2, 1, 10)
    target = "where(trades > sma(trades, usual) * times, sign(close - open), 0)"


class MicropriceLean(_Flow):
    """Long while the microprice is above the last price, short while below."""

    source = "Stoikov (2018), Quantitative Finance 18(12)"
    bars = whole(3, 2, 100)
    target = "sign(sma(microprice - close, bars))"


class ImbalanceTurn(_Flow):
    """Long while the book leans to the bid more than it did, short while less."""

    source = "Cont, Kukanov and Stoikov (2014), Journal of Financial Econometrics 12(1), the idea"
    fast = whole(4, 2, 100)
    slow = whole(30, 3, 500)
    target = "sign(ema(imbalance, fast) - ema(imbalance, slow))"


class QueueRank(_Flow):
    """Long while the bid's share of the queues ranks high in its recent past, short while low, else flat."""

    source = "Gould and Bonart (2016), Market Microstructure and Liquidity 2(2)"
    bars = whole(60, 5, 500)
    share = real(0.1, 0.01, 0.45, step=0.01)
    target = "where(rank(imbalance, bars) > 1 - share, 1, where(rank(imbalance, bars) < share, -1, 0))"


class BookAndTrades(_Flow):
    """Long or short by the vote of the book and of the takers, in proportion."""

    source = "common practice: book and trades agree"
    bars = whole(10, 2, 200)
    target = "(sign(sma(imbalance, bars)) + sign(sum(buy_volume + buy_volume - volume, bars))) / 2"


class CheapMomentum(_Flow):
    """Long or short with the move while the spread is not above its median, else flat."""

    source = "common practice: trading while it is cheap"
    bars = whole(12, 2, 200)
    usual = whole(60, 5, 500)
    target = "where(spread <= median(spread, usual), sign(mom(close, bars)), 0)"


class Absorption(_Flow):
    """Long or short against one-sided taking that does not move the price by more than a spread, else flat."""

    source = "common practice: absorption by resting orders"
    bars = whole(6, 2, 100)
    share = real(0.3, 0.05, 0.95, step=0.05)
    target = (
        "where((abs(sum(buy_volume + buy_volume - volume, bars)) > sum(volume, bars) * share)"
        " & (abs(mom(close, bars)) <= spread), -sign(sum(buy_volume + buy_volume - volume, bars)), 0)"
    )


class PriceImpact(_Flow):
    """Long or short with the takers while taking moves the price, else flat."""

    source = "Kyle (1985), Econometrica 53(6), lambda as a correlation"
    bars = whole(60, 5, 500)
    level = real(0.3, 0, 0.95, step=0.05)
    target = (
        "where(correlation(close - lag(close, 1), buy_volume + buy_volume - volume, bars) > level,"
        " sign(buy_volume + buy_volume - volume), 0)"
    )
