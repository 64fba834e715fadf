"""What to hold of each instrument: the newest targets of all strategies, sized.

In:  chunks with targets and bars; prices, returns and what each strategy holds, as the core has them at the tick.
Out: sizes of the instruments for which a chunk brings targets, and what each strategy wants of them.

A strategy that an exit took out counts as flat. Between targets, when its exit goes off, it gives back what it holds and the others
keep what they have.
A size is kept as long as its targets are: a price that moves, or a fee taken from what was bought, is no reason to trade. Where
a scale is not known yet, a strategy keeps what it has, unless it wants out: a target of 0 needs no scale.
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.execution.core import ExecutionCore
from ninefold.execution.money import DECIMALS, ONE, size_of
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.wanted import wanted_in
from ninefold.strategy.scaling import Results, Sizing, kelly_scale, volatility_scale
from ninefold.strategy.sizing import equal_weights, sized

Sized = tuple[dict[str, float], frozenset[str], int, dict[str, int]]  # targets, whose scale was unknown, size, wants


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
        self._size_of: dict[int, int] = {}
        self._results = Results(sizing)

    def size(self, instrument: int) -> int:
        """The size that was last wanted of an instrument, before the canary."""
        return self._size_of.get(instrument, 0)

    def observe(self, chunk: Chunk) -> None:
        """Take the targets of a chunk; what they earned so far is counted before they hold."""
        if self._sizing.method == "kelly":
            self._results.fold(chunk.rows("bars"), chunk.rows("targets"))
        for instrument, said in wanted_in(chunk).items():
            self.targets.setdefault(instrument, {}).update(said)

    def desired(self, chunk: Chunk, core: ExecutionCore) -> Mapping[int, int]:
        """Size units by instrument."""
        wanted: dict[int, int] = {}
        for instrument in sorted(wanted_in(chunk)):
            quote, of = core.shown.quote(instrument), self._registry[instrument]
            unit = core.shown.worth(ONE, of.quote, core.rules.quote)  # of 1 of the asset in which it is priced
            if quote is None or not unit or of.size_decimals > DECIMALS:
                continue  # nothing to size by, or sizes finer than the account counts: not traded
            targets = core.guards.counted(instrument, self.targets[instrument])
            scales = self._scales(instrument, targets, core)
            unknown = frozenset([name for name, scale in scales.items() if scale is None])
            known = self._sized.get(instrument)
            if known is None or known[:2] != (targets, unknown):
                scaled = {name: targets[name] * scale for name, scale in scales.items() if scale is not None}
                mid = (quote.bid + quote.ask) // 2
                size, wants = self._size(of, scaled, unknown, mid, self._capital * ONE // unit, core)
                known = targets, unknown, size, wants
                self._sized[instrument] = known
            _, _, self._size_of[instrument], self.wants[instrument] = known
            wanted[instrument] = self._small(of, known[2], quote.ask, core)
        return wanted | {one: self._left(one, core) for one in core.guards.due if one not in wanted}

    def _left(self, instrument: int, core: ExecutionCore) -> int:
        """What is held without that of strategies whose exit has gone off."""
        out = core.guards.due[instrument]
        held = core.account.attribution.holders(instrument)
        self.wants[instrument] = {**held, **dict.fromkeys(out, 0)}
        of, given = self._registry[instrument], sum(held.get(name, 0) for name in out)
        size = size_of(of, core.account.of_strategies(instrument)) - size_of(of, given)
        self._size_of[instrument] = max(0, size)
        return self._size_of[instrument]

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
    ) -> tuple[int, dict[str, int]]:
        """What all want together, and what each does. capital: in the asset in which it is priced."""
        kept = {name: core.account.attribution.held(name, of.id) for name in unknown}
        found = sized(scaled, self._weights, capital, price, of)
        return max(0, found.position + size_of(of, sum(kept.values()))), {**found.amounts, **kept}

    def _scales(
        self, instrument: int, targets: Mapping[str, float], core: ExecutionCore
    ) -> Mapping[str, float] | Mapping[str, float | None]:
        """By strategy, None where it is not known yet."""
        if self._sizing.method == "fixed":
            return dict.fromkeys(targets, self._sizing.most)
        return {name: self._scale(name, instrument, target, core) for name, target in targets.items()}

    def _scale(self, strategy: str, instrument: int, target: float, core: ExecutionCore) -> float | None:
        if target == 0 or target != target:
            return self._sizing.most
        if self._sizing.method == "volatility":
            return volatility_scale(self._sizing, core.returns.of(instrument, self._sizing.width_ns))
        return kelly_scale(self._sizing, self._results.of(strategy, instrument))
