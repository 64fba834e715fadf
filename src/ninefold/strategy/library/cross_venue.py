"""Cross-venue arbitrage: the same thing has two prices, and one of them is late or wrong.

The other price is that of `elsewhere`; a subclass may name another instrument. Back-tests on stored bars read it there, the
pipeline where it captures it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ninefold.formula.words import at, close, highest, lag, lowest, median, rocp, rvol, sign, where, zscore
from ninefold.strategy.parameters import real, whole
from ninefold.strategy.strategy import Strategy


class _CrossVenue(Strategy):
    family = "cross_venue"
    timeframe = "1h"
    elsewhere: ClassVar[str] = "binance:BTC/USDT"

    def there(self, term: Any) -> Any:
        """The term on the other venue's bars."""
        return at(self.elsewhere, term)


class PremiumReversal(_CrossVenue):
    """Long while the price is unusually low against the other venue's, short while high, in proportion."""

    source = "Makarov and Schoar (2020), Journal of Financial Economics 135(2)"
    bars = whole(72, 5, 500)

    def target(self) -> Any:
        return -zscore(close / self.there(close), self.bars) / 2


class FollowTheLeader(_CrossVenue):
    """Long while the other venue rose more by a margin than this one, short while less, else flat."""

    source = "Brandvold, Molnar, Vagstad and Valstad (2015), Journal of International Financial Markets 36"
    bars = whole(2, 2, 100)
    margin = real(0.001, 0, 0.05, step=0.0005)

    def target(self) -> Any:
        ahead = self.there(rocp(close, self.bars)) - rocp(close, self.bars)
        return where(ahead > self.margin, 1, where(ahead < -self.margin, -1, 0))


class VenuePair(Strategy):
    """Two legs: long here and short there from a price ratio two deviations low until it is usual again, the other way round
    from as far above, else flat in both."""

    family = "cross_venue"
    timeframe = "1h"
    source = "Gatev, Goetzmann and Rouwenhorst (2006), Review of Financial Studies 19(3)"
    bars = whole(336, 10, 500)
    away = real(2, 0.5, 6)
    legs: ClassVar = {"here": 1, "there": -1}
    entry = 'zscore(close / at("there", close), bars) < -away'
    exit = 'zscore(close / at("there", close), bars) > 0'
    short_entry = 'zscore(close / at("there", close), bars) > away'
    short_exit = 'zscore(close / at("there", close), bars) < 0'


class DiscountAfterCosts(_CrossVenue):
    """Long while the price is below the usual ratio to the other venue's by more than the costs, else flat."""

    source = "common practice: arbitrage after costs"
    bars = whole(168, 10, 500)
    costs = real(0.003, 0, 0.1, step=0.0005)

    def target(self) -> Any:
        ratio = close / self.there(close)
        return where(ratio / median(ratio, self.bars) - 1 < -self.costs, 1, 0)


class BreakoutElsewhere(_CrossVenue):
    """Long while the other venue closes above its recent highs and this one does not, short at lows, else flat."""

    source = "Hasbrouck (1995), Journal of Finance 50(4), the idea of a leading market"
    bars = whole(6, 2, 300)

    def target(self) -> Any:
        above, below = lag(highest(close, self.bars), 1), lag(lowest(close, self.bars), 1)
        ahead = self.there(sign(close - above)) - sign(close - above)
        behind = self.there(sign(close - below)) - sign(close - below)
        return where(ahead > 0, 1, where(behind < 0, -1, 0))


class RisingPremium(_CrossVenue):
    """Long while the premium over the other venue rises, which is local demand, short while it falls."""

    source = "common practice: the Coinbase premium"
    bars = whole(24, 1, 500)

    def target(self) -> Any:
        ratio = close / self.there(close)
        return sign(ratio - lag(ratio, self.bars))


class VolumeElsewhere(_CrossVenue):
    """Long or short with the other venue's last return while its volume is high, else flat."""

    source = "common practice: volume of the leading market"
    volumes = real(1.5, 1, 10)

    def target(self) -> Any:
        return where(self.there(rvol(20)) > self.volumes, sign(self.there(close / lag(close, 1) - 1)), 0)
