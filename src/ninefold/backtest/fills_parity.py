"""The orders of a run against a back-test of each strategy alone, on the bars as they were first known.

In:  a strategy's targets at the closes of one series; what the run decided at the same inputs, and what was filled.
Out: a `Difference` for each fill of the back-test, with its reason: the run fills at quotes and later, where the back-test
     fills at the next open (fill model); it nets all strategies on one account (netting); it may refuse (risk). What the run
     should have ordered by the sum of all targets and did not is UNEXPLAINED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ninefold.backtest.bars import Bars
from ninefold.backtest.bars_parity import Series, Told
from ninefold.backtest.columns import bars_as_told
from ninefold.backtest.exact import ONE
from ninefold.backtest.exits_parity import exit_again
from ninefold.backtest.market_rules import EquityShare, Limits, Rules, numbers
from ninefold.backtest.outcome import Reason
from ninefold.backtest.slow import play
from ninefold.backtest.target import Changes
from ninefold.execution.money import quote_amount, size_of
from ninefold.execution.reasons import CRASH, FILL, NETTING, RISK, UNEXPLAINED, Difference, Known
from ninefold.execution.two_accounts import Standing
from ninefold.market.arrays import BAR_UNKNOWN
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_units
from ninefold.market.records import Fill
from ninefold.market.strategy_records import Guard
from ninefold.market.time import TIMEFRAME_OF
from ninefold.strategy.plan import Plan
from ninefold.strategy.sizing import desired_position

BPS = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class Decided:
    """What a run decided and got. standings: by (instrument, seq). fills: by order. told: its targets by (instrument, strategy).
    capital: of one instrument, in 10**-8 of `quote`, the account's asset; weights: of the strategies; sizing: how they are used. starts:
    (seq, from_seq) of each: behind seq only targets behind from_seq are known to the account. until_seq: up to where the ledger
    has what was decided. exits: what the ledger says of them, by (instrument, strategy). legs: strategies with legs.
    quoting: whether others quote, on all instruments.
    """

    standings: Mapping[tuple[int, int], Standing]
    fills: Mapping[str, Sequence[Fill]]
    told: Mapping[tuple[int, str], Told]
    capital: int
    weights: Mapping[str, float]
    starts: Sequence[tuple[int, int]]
    until_seq: int
    exits: Mapping[tuple[int, str], Sequence[Guard]]
    legs: frozenset[str] = frozenset()
    quoting: bool = False
    sizing: str = "fixed"
    quote: str = "USDT"


def fills_again(
    series: Series, plan: Plan, target: np.ndarray, renewed: np.ndarray, run: Decided, known: Known
) -> list[Difference]:
    """target: the plan's on `series.first`, shape (n,). renewed: where its entry holds again. Empty if no bar is known."""
    at = np.flatnonzero(series.first["state"] != BAR_UNKNOWN)
    if not len(at):
        return []
    rows, target, renewed = series.first[at[0] :], target[at[0] :], renewed[at[0] :]
    bars = bars_as_told(rows, series.instrument)
    changes = _changes(target, renewed)
    cash = Fraction(run.capital, 10**8) * Fraction(run.weights[plan.name])
    rules = Rules(cash=_whole(cash, bars), sizing=EquityShare(1), limits=Limits(short=0), exits=plan.exits)
    fills = play(bars, changes, numbers(rules, bars.tick, bars.lot, bars.highest), {}).fills
    found = []
    for fill in fills[fills["size"] != 0]:
        if fill["reason"] == Reason.TARGET:
            decided = rows[changes.at[np.searchsorted(changes.at, fill["bar"]) - 1]]
            found.append(_difference(series, plan, bars, fill, decided, run, known))
        else:
            found.append(exit_again(series, plan, bars, rows, fill, run.exits, run.standings))
    return found


def _changes(target: np.ndarray, renewed: np.ndarray) -> Changes:
    """As `changes_of_target`, without loops that would have to be compiled for a few hundred bars."""
    to = np.rint(np.nan_to_num(target) * ONE).astype(np.int64)
    at = np.flatnonzero((to != np.concatenate(([0], to[:-1]))) | renewed)
    return Changes(at, to[at])


def _whole(cash: Fraction, bars: Bars) -> Fraction:
    """Cut to what money is counted in."""
    return cash // bars.unit * bars.unit


def _difference(
    series: Series, plan: Plan, bars: Bars, fill: np.void, decided: np.void, run: Decided, known: Known
) -> Difference:
    of, seq = series.instrument, int(decided["seq"])
    side = "buy" if fill["size"] > 0 else "sell"
    price = Fraction(int(fill["price"])) * bars.tick
    size = abs(int(fill["size"])) * bars.lot
    text, reason, why = _of_run(of, seq, decided, price, run, known)
    return Difference(
        seq=seq,
        known_ns=int(decided["known_ns"]),
        kind="bar fill",
        instrument=of.name,
        strategy=plan.name,
        what=f"{TIMEFRAME_OF[series.width_ns]} closing {int(decided['close_ns'])}",
        run=text,
        again=f"{side} {float(size):g} {of.base} at the next open, {float(price):g} {of.quote}",
        reason=reason,
        why=why,
    )


def _of_run(
    of: Instrument, seq: int, decided: np.void, price: Fraction, run: Decided, known: Known
) -> tuple[str, str, str]:
    """What the run did at the same close, the reason why that is not the back-test's fill, and more words."""
    standing = run.standings.get((of.id, seq))
    if standing is None:
        crashed = seq > run.until_seq or any(after < seq <= until for after, until in known.crashes)
        said = "the run ended here before it was in the ledger" if crashed else "the run decided nothing at this input"
        return "nothing", CRASH if crashed else UNEXPLAINED, said
    order = standing.order
    if order is None:
        return _without_order(of, seq, decided, standing, run)
    text = f"{'buy' if order.side > 0 else 'sell'} {of.size_text(order.size)} {of.base}"
    if order.status == "refused":
        return f"refused to {text}", RISK, order.reason
    fills = run.fills.get(order.client_order_id, ())
    if not fills:
        return text, FILL, "the market showed no size in time, or the venue did not take it"
    size = sum(fill.size for fill in fills)
    got = Fraction(sum(fill.price * fill.size for fill in fills), size) / 10**of.price_decimals
    apart = float((got - price) / price) * BPS
    after_ms = (max(fill.known_ns for fill in fills) - order.known_ns) / 1e6
    why = (
        f"at quotes {apart:+.2f} bps from the next open, known {after_ms:.1f} ms after the decision; the size is that of "
        f"{len(run.weights)} strategies netted on one account"
    )
    return f"{text}, filled at {float(got):g} {of.quote}", FILL, why


def _without_order(
    of: Instrument, seq: int, decided: np.void, standing: Standing, run: Decided
) -> tuple[str, str, str]:
    if standing.under_way:
        return "no order", FILL, f"latency: order {standing.under_way} was still under way"
    bid, ask = int(decided["bid"]), int(decided["ask"])
    if not 0 < bid <= ask:
        return "no order", RISK, "no price was known to size by"
    wanted = max(0, desired_position(_targets(of, seq, run), run.weights, run.capital, (bid + ask) // 2, of))
    apart = wanted - size_of(of, standing.position)
    held = f"all strategies together wanted {of.size_text(wanted)} {of.base}, {of.size_text(abs(apart))} from what was held"
    size = abs(apart) // of.lot_size * of.lot_size
    worth = quote_amount(of, ask if apart > 0 else bid, size)
    if size < max(of.min_size, 1) or worth < to_units(of.min_notional, 8):
        return "no order", NETTING, held
    if beside := sorted(name for instrument, name in run.told if instrument == of.id and name in run.legs):
        return "no order", NETTING, f"{held}, before the legs of {', '.join(beside)} moved together or not at all"
    if run.sizing != "fixed":
        return "no order", NETTING, f"{held}, before they were sized by {run.sizing}"
    if of.quote != run.quote:
        return "no order", NETTING, f"{held}, before the capital in {run.quote} was counted in {of.quote}"
    return "no order", UNEXPLAINED, held


def _targets(of: Instrument, seq: int, run: Decided) -> dict[str, float]:
    """The newest target of each strategy that the account knew at an input; 0 of those that an exit had taken out."""
    since = [from_seq for at, from_seq in run.starts if at < seq][-1]
    found = {}
    for (instrument, name), told in run.told.items():
        place = int(np.searchsorted(told.seq, seq, "right")) - 1
        if instrument == of.id and place >= 0 and told.seq[place] > since:
            guards = [one for one in run.exits.get((instrument, name), ()) if one.seq <= seq]
            found[name] = 0.0 if guards and guards[-1].left else float(told.target[place])
    return found
