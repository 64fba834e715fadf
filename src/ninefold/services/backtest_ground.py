"""Where strategies are played: on one market, or on several that are judged as one portfolio over time.

In:  what is asked, the strategies that play.
Out: what some of them made, a row each; what there is to say of the markets.

On each instrument a strategy has an account of its own with all of the cash. The portfolio is that cash spread evenly over the
instruments that have a bar, evened out again at each close. One strategy on ten instruments is one trial, with one Sharpe ratio.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.exact import exact
from ninefold.backtest.market_rules import Rules, numbers
from ninefold.backtest.result import returns_of
from ninefold.backtest.statistics.checked import Floats, Times
from ninefold.backtest.statistics.compact import compact_returns
from ninefold.backtest.statistics.portfolio import effective_instruments, portfolio_returns
from ninefold.backtest.sweep import Sweep, summary_of, sweep_changes, sweep_crossings
from ninefold.backtest.target import Changes
from ninefold.services.backtest import held
from ninefold.services.backtest_bars import Market
from ninefold.services.backtest_completeness import COMPLETENESS, completeness_of_markets
from ninefold.services.backtest_outcome import Played, known_returns, played_as_one, played_together
from ninefold.services.backtest_report import course_of, earned, quote, times
from ninefold.services.backtest_search import Play
from ninefold.services.backtest_strategy import Chosen, changes_together, crossing_of
from ninefold.services.backtest_wanted import (
    Wanted,
    check_holdout,
    each_market,
    market_of,
    name_of_market,
    rules_of,
    snapshot_of,
)
from ninefold.services.portfolio_bars import CANDLES, at_closes, bars_together
from ninefold.store.trials import TrialReader

ChangesOf = Callable[[Sequence[Chosen], Market], list[Changes]]
MILLIONTH = Fraction(1, 10**6)  # unit of a portfolio's money: instruments count theirs in different ones


@dataclass(frozen=True, eq=False, slots=True)
class Ground:
    """wanted: what is asked of each market. rules: of each point, market by market."""

    wanted: Sequence[Wanted]
    markets: Sequence[Market]
    points: Sequence[Chosen]
    rules: Sequence[Sequence[Rules]]

    @property
    def alone(self) -> Bars | None:
        """The bars, if there is one market."""
        return self.markets[0].bars if len(self.markets) == 1 else None

    @property
    def drawn(self) -> Bars:
        """What a report draws: the bars, or of several markets all of them in equal parts."""
        return bars_together([market.bars for market in self.markets]) if self.alone is None else self.alone

    @property
    def bars(self) -> int:
        return sum(len(market.bars) for market in self.markets)

    @property
    def unit(self) -> Fraction:
        return MILLIONTH if self.alone is None else self.alone.unit

    @property
    def width_ns(self) -> int:
        return self.wanted[0].width_ns

    @property
    def snapshot(self) -> str:
        """Identity of the data by its content."""
        parts = [snapshot_of(market, self.points) for market in self.markets]
        return parts[0] if len(parts) == 1 else blake2b(" ".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def cash(self) -> int:
        """At the start, in `unit`."""
        return self._cash(0) if self.alone is not None else round(exact(self.wanted[0].cash, "cash") / MILLIONTH)

    def looks(self, ledger: TrialReader, points: int) -> bool:
        """Whether any market reaches behind the holdout's wall. raises: as `check_holdout`."""
        both = zip(self.wanted, self.markets, strict=True)
        return any([check_holdout(wanted, market, ledger, points) for wanted, market in both])

    def player(self, some: Sequence[int], changes: ChangesOf | None = None) -> Play:
        """What plays those of the points, by their place in `some`. changes: of several points' targets, if they are known."""

        def play(places: range) -> Played:
            made = self._made([some[place] for place in places], changes)
            if self.alone is not None:
                return played_together(self.alone, made[0], self._cash(0), self.width_ns)
            close_ns, returns = self._together(made)
            return played_as_one(returns, close_ns, self._sums(made), self.cash, self.width_ns)

        return play

    def held(self) -> dict[str, Any]:
        """Buy and hold, as `earned` tells it."""
        found = [held(market, rules[0]) for market, rules in zip(self.markets, self.rules, strict=True)]
        target_volatility = self.wanted[0].target_volatility
        if self.alone is not None:
            return earned(found[0], self.width_ns, target_volatility)
        closes = [market.bars.close_ns for market in self.markets]
        close_ns, returns = portfolio_returns(closes, [known_returns(one.returns) for one in found])
        return self.told_of(close_ns, returns)

    def told_of(self, close_ns: Times, returns: Floats) -> dict[str, Any]:
        """Of a portfolio's returns, as `earned` tells of one result."""
        cash = float(exact(self.wanted[0].cash, "cash"))
        equity = cash * np.cumprod(1 + returns)
        course = course_of(close_ns, cash, equity, returns, self.width_ns, self.wanted[0].target_volatility)
        return {"equity": float(equity[-1]), "net_profit": float(equity[-1]) - cash, **course}

    def curve(self, drawn: Bars, close_ns: Times, returns: Floats) -> list[float]:
        """What a portfolio's cash is worth, quote, at each close of what is drawn."""
        cash = float(exact(self.wanted[0].cash, "cash"))
        found: list[float] = at_closes(drawn.close_ns, close_ns, cash * np.cumprod(1 + returns)).tolist()
        return found

    def returns(self, point: int, changes: ChangesOf | None = None) -> tuple[Times, Floats]:
        """Of one point's portfolio."""
        close_ns, returns = self._together(self._made([point], changes))
        return close_ns, returns[0]

    def portfolio(self, point: int, told: dict[str, Any]) -> dict[str, Any]:
        """How much evidence one point's instruments are together, and what it made of each. told: its ratios, of the whole."""
        if self.alone is not None:
            return {}
        made = self._made([point], None)
        each = [
            {
                "instrument": name_of_market(wanted),
                **_span(market.bars),
                **_money(one, market.bars.unit),
                "sharpe": float(played_together(market.bars, one, self._cash(at), self.width_ns).outcome.sharpes[0]),
            }
            for at, (wanted, market, one) in enumerate(zip(self.wanted, self.markets, made, strict=True))
        ]
        worth = effective_instruments(self._alike(made))
        ratios = {name: told[name] for name in ("sharpe", "deflated_sharpe", "familywise_p")}
        return {
            "portfolio": {"instruments": len(made), "effective_instruments": worth, **ratios},
            "instruments": each,
            "candles": CANDLES,
        }

    def about(self) -> dict[str, Any]:
        """From when to when, of how many bars, and how complete they are."""
        spans = [market.bars for market in self.markets]
        return {
            "timeframe": self.wanted[0].timeframe,
            "from": times(np.array([min(bars.open_ns[0] for bars in spans)]))[0],
            "to": times(np.array([max(bars.close_ns[-1] for bars in spans)]))[0],
            "bars": self.bars,
            "unknown_bars": sum(int((~bars.known).sum()) for bars in spans),
            COMPLETENESS: completeness_of_markets(self.wanted[0].data_dir, self.markets),
        }

    def _made(self, places: Sequence[int], changes: ChangesOf | None) -> list[Sweep]:
        points = [self.points[place] for place in places]
        return [
            swept(market, points, [rules[place] for place in places], changes)
            for market, rules in zip(self.markets, self.rules, strict=True)
        ]

    def _together(self, made: Sequence[Sweep]) -> tuple[Times, Floats]:
        """returns: shape (points, closes)."""
        closes = [market.bars.close_ns for market in self.markets]
        return portfolio_returns(closes, [self._returns(at, one) for at, one in enumerate(made)])

    def _alike(self, made: Sequence[Sweep]) -> Floats:
        """Each instrument's returns over the same stretches of time, of the first point; 0 where it has no bars."""
        closes = [market.bars.close_ns for market in self.markets]
        together = np.unique(np.concatenate(closes))
        returns = np.zeros((len(made), len(together)))
        for at, one in enumerate(made):
            returns[at, np.searchsorted(together, closes[at])] = self._returns(at, one)[0]
        return compact_returns(together, returns).returns()

    def _returns(self, at: int, made: Sweep) -> Floats:
        cash = self._cash(at)
        return np.array([known_returns(returns_of(cash, equity)) for equity in made.equity])

    def _sums(self, made: Sequence[Sweep]) -> np.ndarray:
        """SUMMARIES of all accounts together, money in millionths."""
        total = np.zeros_like(made[0].runs)
        for market, one in zip(self.markets, made, strict=True):
            for name in total.dtype.names or ():
                worth = (
                    market.bars.unit / MILLIONTH if name in ("equity", "fees", "slippage", "funding") else Fraction(1)
                )
                total[name] += np.rint(np.asarray(quote(one.runs[name], worth))).astype(np.int64)
        return total

    def _cash(self, at: int) -> int:
        bars = self.markets[at].bars
        return numbers(self.rules[at][0], bars.tick, bars.lot, bars.highest).cash


def ground_of(wanted: Wanted, points: Sequence[Chosen]) -> Ground:
    """raises: as `market_of` and `rules_of`."""
    asked = each_market(wanted)
    markets = [market_of(one, points) for one in asked]
    rules = [[rules_of(one, market, point) for point in points] for one, market in zip(asked, markets, strict=True)]
    return Ground(asked, markets, points, rules)


def swept(market: Market, points: Sequence[Chosen], rules: Sequence[Rules], changes: ChangesOf | None = None) -> Sweep:
    """Points on one market, each by its rules, with the equity at every close."""
    parts = []
    both = zip(points, rules, strict=True)
    for (of, knows), group in itertools.groupby(both, lambda one: (one[1], one[0].plan.knows_itself)):
        same = [point for point, _ in group]
        pairs = [crossing_of(point.plan.target) for point in same] if changes is None and not knows else []
        if knows:
            parts += [_bar_by_bar(market, point, of) for point in same]
        elif pairs and all(pairs):
            parts.append(sweep_crossings(market.bars, [pair for pair in pairs if pair], of, 1, market.funding))
        else:
            parts.append(sweep_changes(market.bars, (changes or changes_together)(same, market), of, 1, market.funding))
    runs, equity = (np.concatenate([getattr(part, name) for part in parts]) for name in ("runs", "equity"))
    return Sweep(runs, parts[0].samples, equity)


def _bar_by_bar(market: Market, point: Chosen, rules: Rules) -> Sweep:
    """Of what depends on what it holds."""
    result = point.prepare(market)(rules)
    return Sweep(summary_of(result), np.arange(len(market.bars)), result.equity[np.newaxis])


def _span(bars: Bars) -> dict[str, Any]:
    return {"from": times(bars.open_ns[:1])[0], "to": times(bars.close_ns[-1:])[0], "bars": len(bars)}


def _money(made: Sweep, unit: Fraction) -> dict[str, Any]:
    row = made.runs[0]
    return {
        "equity": quote(int(row["equity"]), unit),
        "fees": quote(int(row["fees"]), unit),
        "funding": quote(int(row["funding"]), unit),
        "trades": int(row["trades"]),
    }
