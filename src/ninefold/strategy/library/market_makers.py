"""Following the market makers: their quotes, spreads and inventories say what they expect."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Makers(Strategy):
    family = "market_makers"
    timeframe = "5s"


class MakersWithdraw(_Makers):
    """Long or short on the heavier side of the book while the spread is much wider than usual, else flat."""

    source = "Glosten and Milgrom (1985), Journal of Financial Economics 14(1)"
    usual = whole(60, 5, 1_000)
    times = real(1.5, 1, 10)
    target = "where(spread > sma(spread, usual) * times, sign(imbalance), 0)"


class MakersReturn(_Makers):
    """Long or short against the move while the spread closes again after it was wide, else flat."""

    source = "Foucault, Kadan and Kandel (2005), Review of Financial Studies 18(4), resiliency"
    bars = whole(10, 2, 200)
    target = (
        "where((spread <= sma(spread, bars)) & (highest(spread, bars) > sma(spread, bars)), -sign(mom(close, bars)), 0)"
    )


class InventoryPressure(_Makers):
    """Long or short against what takers did to the makers' inventory, in proportion to its usual size."""

    source = "Hendershott and Menkveld (2014), Journal of Financial Economics 114(3)"
    bars = whole(60, 5, 500)
    target = "-zscore(cumsum(buy_volume + buy_volume - volume), bars) / 2"


class QuotesLead(_Makers):
    """Long while quotes have moved up more than trades, short while less."""

    source = "Hasbrouck (1995), Journal of Finance 50(4), the idea of information in quotes"
    bars = whole(6, 2, 200)
    target = "sign(mom(microprice, bars) - mom(close, bars))"


class EarnTheBounce(_Makers):
    """Long or short against the last move while prices bounce by more than the spread shown, else flat."""

    source = "Roll (1984), Journal of Finance 39(4)"
    bars = whole(30, 5, 500)
    target = "where(roll_spread(close, bars) > spread, -sign(close - lag(close, 1)), 0)"


class OneUpperLeans(_Makers):
    """Long or short with the quotes of who keeps outbidding by one tick: on the side of the microprice while there is such a
    quoter, else flat."""

    source = "common practice: following the quoter in front"
    level = real(0.35, 0.05, 0.95, step=0.05)
    bars = whole(4, 2, 100)
    unrecorded = "it waits for one_upping of 0.35, and nobody in the recorded books does it as much"
    target = "where(one_upping > level, sign(sma(microprice - close, bars)), 0)"


class SkewedQuotes(_Makers):
    """Long while the book has leaned to the bid for long though the price has not risen, short the other way, else flat."""

    source = "Avellaneda and Stoikov (2008), Quantitative Finance 8(3), quotes skewed by inventory"
    bars = whole(24, 2, 500)
    target = "(sign(mean(imbalance, bars)) - sign(mom(close, bars))) / 2"


class QuoteBothSides(_Makers):
    """Quotes both sides at the best prices, and a tick further out on the side that would add to what it holds; flat wherever
    the book is unknown."""

    source = "Avellaneda and Stoikov (2008), Quantitative Finance 8(3), quotes around a price that inventory shifts"
    size = real(0.002, 0.000001, 1_000_000)
    most = real(0.02, 0.000001, 1_000_000)
    bid = "where(position > 0, bid - tick, bid)"
    ask = "where(position < 0, ask + tick, ask)"


class StepInFront(_Makers):
    """Follows the makers by one-upping them: quotes a tick better than the best where the spread leaves room for it, else at the
    best; only long on the side to which the book leans, or out of what it holds, else flat."""

    source = "common practice: outbidding the quoter in front by a tick"
    size = real(0.002, 0.000001, 1_000_000)
    most = real(0.02, 0.000001, 1_000_000)
    lean = real(0.2, 0, 1)
    bid = "where(spread > tick, bid + tick, bid)"
    ask = "where(spread > tick + tick, ask - tick, ask)"
    bid_size = "where((imbalance > lean) | (position < 0), size, 0)"
    ask_size = "where((imbalance < -lean) | (position > 0), size, 0)"
