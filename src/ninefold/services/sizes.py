"""What to hold of each instrument: the newest targets of all strategies, sized.

In:  chunks with targets and bars; prices, returns and what each strategy holds, as the core has them at the tick.
Out: sizes of the instruments for which a chunk brings targets, and what each strategy wants of them.

A size is kept as long as its targets are: a price that moves, or a fee taken from what was bought, is no reason to trade. Where
a scale is not known yet, a strategy keeps what it has, unless it wants out: a target of 0 needs no scale.
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.execution.core import ExecutionCore
from ninefold.execution.money import DECIMALS, ONE, size_of
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.strategy.scaling import Results, Sizing, kelly_scale, volatility_scale
from ninefold.strategy.sizing import equal_weights, sized

Sized = tuple[dict[str, float], frozenset[str], int]  # targets, whose scale was unknown, size


class Sizes:
    """capital: of one instrument, in 10**-8 of the account's quote asset. wants: amounts of base by instrument and strategy.
    targets: the newest ones, likewise."""

    def __init__(self, sizing: Sizing, strategies: tuple[str, ...], capital: int, registry: Registry) -> None:
        self.wants: dict[int, dict[str, int]] = {}
        self.targets: dict[int, dict[str, float]] = {}
        self._sizing = sizing
        self._capital = capital
        self._weights = equal_weights(strategies)
        self._registry = registry
        self._sized: dict[int, Sized] = {}
        self._results = Results(sizing)

    def size(self, instrument: int) -> int:
        """The size that the targets of an instrument were last given, before the canary."""
        known = self._sized.get(instrument)
        return 0 if known is None else known[2]

    def observe(self, chunk: Chunk) -> None:
        """Take the targets of a chunk; what they earned so far is counted before they hold."""
        if self._sizing.method == "kelly":
            self._results.fold(chunk.rows("bars"), chunk.rows("targets"))
        rows = chunk.rows("targets")
        columns = (rows[name].tolist() for name in ("instrument", "strategy", "target"))
        for instrument, strategy, target in zip(*columns, strict=True):
            self.targets.setdefault(instrument, {})[strategy.decode()] = target

    def desired(self, chunk: Chunk, core: ExecutionCore) -> Mapping[int, int]:
        """Size units by instrument."""
        wanted: dict[int, int] = {}
        for instrument in sorted(set(chunk.rows("targets")["instrument"].tolist())):
            quote, of = core.shown.quote(instrument), self._registry[instrument]
            unit = core.shown.worth(ONE, of.quote, core.rules.quote)  # of 1 of the asset in which it is priced
            if quote is None or not unit or of.size_decimals > DECIMALS:
                continue  # nothing to size by, or sizes finer than the account counts: not traded
            targets = self.targets[instrument]
            scales = {name: self._scale(name, instrument, target, core) for name, target in targets.items()}
            unknown = frozenset(name for name, scale in scales.items() if scale is None)
            known = self._sized.get(instrument)
            if known is None or known[:2] != (targets, unknown):
                scaled = {name: targets[name] * scale for name, scale in scales.items() if scale is not None}
                size = self._size(of, scaled, unknown, (quote.bid + quote.ask) // 2, self._capital * ONE // unit, core)
                known = dict(targets), unknown, size
                self._sized[instrument] = known
            wanted[instrument] = self._small(of, known[2], quote.ask, core)
        return wanted

    def _small(self, of: Instrument, size: int, ask: int, core: ExecutionCore) -> int:
        """No more than the canary's worth, or than what is held already: a price that rose is no reason to sell."""
        most = core.canary.most
        unit = core.shown.worth(ask * ONE // 10**of.price_decimals, of.quote, core.rules.quote)  # of 1 of the base
        if most is None or not unit:
            return size
        allowed = size_of(of, most * ONE // unit) // of.lot_size * of.lot_size
        return min(size, max(allowed, size_of(of, core.account.positions.get(of.id, 0))))

    def _size(
        self,
        of: Instrument,
        scaled: Mapping[str, float],
        unknown: frozenset[str],
        price: int,
        capital: int,
        core: ExecutionCore,
    ) -> int:
        """What all want together; notes what each does. capital: in the asset in which it is priced."""
        kept = {name: core.account.attribution.held(name, of.id) for name in unknown}
        found = sized(scaled, self._weights, capital, price, of)
        self.wants[of.id] = {**found.amounts, **kept}
        return max(0, found.position + size_of(of, sum(kept.values())))

    def _scale(self, strategy: str, instrument: int, target: float, core: ExecutionCore) -> float | None:
        if self._sizing.method == "fixed" or target == 0 or target != target:
            return self._sizing.most
        if self._sizing.method == "volatility":
            return volatility_scale(self._sizing, core.returns.of(instrument, self._sizing.width_ns))
        return kelly_scale(self._sizing, self._results.of(strategy, instrument))
