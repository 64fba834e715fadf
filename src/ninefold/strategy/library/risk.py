"""Risk and regime filters: how much of the market to hold, and which kind of rule to trust now."""

from __future__ import annotations

from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _Risk(Strategy):
    family = "risk"
    timeframe = "1h"


class DrawdownLimit(_Risk):
    """Long while the fall from the highest close is small, else flat."""

    source = "Grossman and Zhou (1993), Mathematical Finance 3(3)"
    bars = whole(500, 5, 500)
    limit = real(0.1, 0.01, 0.9, step=0.01)
    target = "where(drawdown(close, bars) < limit, 1, 0)"


class WorstDrawdownScaled(_Risk):
    """Long by what the worst recent fall leaves of a limit, down to flat."""

    source = "Chekhlov, Uryasev and Zabarankin (2005), International Journal of Theoretical and Applied Finance 8(1)"
    bars = whole(168, 5, 500)
    limit = real(0.2, 0.02, 0.9, step=0.01)
    target = "max(1 - max_drawdown(close, bars) / limit, 0)"


class ValueAtRiskLimit(_Risk):
    """Long while the loss exceeded once in twenty bars is small, else flat."""

    source = "Jorion (2006), Value at Risk"
    bars = whole(250, 20, 500)
    limit = real(0.012, 0.0005, 0.2, step=0.0005)
    target = "where(value_at_risk(close, bars, 5) < limit, 1, 0)"


class ShortfallScaled(_Risk):
    """Long by a budget for the mean of the worst losses, at most whole, never short or flat."""

    source = "Rockafellar and Uryasev (2000), Journal of Risk 2(3)"
    bars = whole(250, 20, 500)
    budget = real(0.01, 0.0005, 0.2, step=0.0005)
    target = "min(budget / expected_shortfall(close, bars, 5), 1)"


class VolatilityTarget(_Risk):
    """Long by a target for volatility over its recent value, at most whole, never short or flat."""

    source = "Harvey et al. (2018), Journal of Portfolio Management 45(1)"
    bars = whole(72, 5, 500)
    wanted = real(0.04, 0.001, 0.5, step=0.001)
    target = "min(wanted / realized_volatility(close, bars), 1)"


class VarianceManaged(_Risk):
    """Long by the inverse of the recent variance, scaled by its usual value, at most whole, never short or flat."""

    source = "Moreira and Muir (2017), Journal of Finance 72(4)"
    bars = whole(24, 5, 500)
    usual = whole(500, 50, 500)
    target = "min(variance(close / lag(close, 1) - 1, usual) / variance(close / lag(close, 1) - 1, bars) / 2, 1)"


class ManagedMomentum(_Risk):
    """Long or short with the move of many bars, smaller while volatility is high."""

    source = "Barroso and Santa-Clara (2015), Journal of Financial Economics 116(1)"
    bars = whole(240, 5, 3_000)
    wanted = real(0.01, 0.0005, 0.2, step=0.0005)
    target = "sign(mom(close, bars)) * min(wanted / std(close / lag(close, 1) - 1, 72), 1)"


class VarianceRatioRegime(_Risk):
    """Long or short with the last move while variance ratios say trend, against it while they say reversion."""

    source = "Lo and MacKinlay (1988), Review of Financial Studies 1(1)"
    bars = whole(200, 20, 500)
    step = whole(4, 2, 10)
    target = "sign(variance_ratio(close, bars, step) - 1) * sign(mom(close, step))"


class EntropyRegime(_Risk):
    """Long or short with the move while the order of the bars is regular, else flat."""

    source = "Bandt and Pompe (2002), Physical Review Letters 88"
    bars = whole(60, 10, 500)
    level = real(0.96, 0.3, 1, step=0.01)
    target = "where(permutation_entropy(close, bars) < level, sign(mom(close, bars)), 0)"


class EfficiencySwitch(_Risk):
    """Long or short with the move while it is efficient, against the distance from the mean while it is not."""

    source = "Kaufman (1995), Smarter Trading"
    bars = whole(20, 3, 300)
    level = real(0.35, 0.05, 0.9, step=0.05)
    target = "where(er(close, bars) > level, sign(mom(close, bars)), -zscore(close, bars) / 2)"


class AutocorrelationSwitch(_Risk):
    """Long or short with the last return while returns repeat, against it while they alternate."""

    source = "Lo and MacKinlay (1990), Review of Financial Studies 3(2)"
    bars = whole(100, 10, 500)
    target = "sign(autocorrelation(close / lag(close, 1) - 1, bars, 1)) * sign(close - lag(close, 1))"


class AboveWater(_Risk):
    """Long while less than a share of the recent bars lay below an earlier high, else flat."""

    source = "common practice: time under water"
    bars = whole(168, 5, 500)
    share = real(0.85, 0.1, 0.99, step=0.01)
    target = "where(time_under_water(close, bars) < share, 1, 0)"


class CalmTrend(_Risk):
    """Long while the close is above its mean and volatility is below its median, else flat."""

    source = "common practice: trend with a filter of volatility"
    bars = whole(150, 5, 2_000)
    usual = whole(336, 20, 500)
    target = "where((close > sma(close, bars)) & (natr(24) < median(natr(24), usual)), 1, 0)"


class BounceFilter(_Risk):
    """Long or short with the move while prices do not bounce, flat while the bouncing tells a wide spread."""

    source = "Roll (1984), Journal of Finance 39(4)"
    bars = whole(48, 5, 500)
    limit = real(0.001, 0, 0.05, step=0.0005)
    target = "where(roll_spread(close, bars) / close <= limit, sign(mom(close, bars)), 0)"


class KellyShare(_Risk):
    """Long or short by the mean return over its variance, as Kelly's share of the capital, a part of it."""

    source = "Kelly (1956), Bell System Technical Journal 35(4)"
    bars = whole(500, 20, 500)
    part = real(0.1, 0.01, 1, step=0.01)
    target = "mean(close / lag(close, 1) - 1, bars) / variance(close / lag(close, 1) - 1, bars) * part"


class SharpeFilter(_Risk):
    """Long while the mean return is a good part of its deviation, else flat."""

    source = "Sharpe (1994), Journal of Portfolio Management 21(1)"
    bars = whole(168, 10, 500)
    least = real(0.05, -0.2, 0.5, step=0.01)
    target = "where(mean(close / lag(close, 1) - 1, bars) / std(close / lag(close, 1) - 1, bars) > least, 1, 0)"


class CrashGuard(_Risk):
    """Long or short with the move of many bars, but flat instead of short after a crash in high volatility."""

    source = "Daniel and Moskowitz (2016), Journal of Financial Economics 122(2)"
    bars = whole(120, 5, 3_000)
    crash = real(0.05, 0.005, 0.5, step=0.005)
    target = "where(rocp(close, bars) < -crash, where(natr(24) > median(natr(24), 336), 0, -1), sign(mom(close, bars)))"


class NoTrend(_Risk):
    """Long or short against the distance from the mean while ADX is low, else flat."""

    source = "Wilder (1978), New Concepts in Technical Trading Systems, the absence of trend"
    bars = whole(30, 3, 300)
    level = real(20, 5, 50, step=1)
    target = "where(adx(14) < level, -zscore(close, bars) / 2, 0)"
