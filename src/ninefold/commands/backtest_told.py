"""What a back-test found, for people: a table beside buy and hold, and sentences that say what the numbers mean.

In:  the document of a back-test, of one market or of several. Out: lines on standard output.
"""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from ninefold.services.backtest_completeness import completeness_said

Row = tuple[str, str, str]
MONEY = (("equity, quote", "equity"), ("net profit, quote", "net_profit"))
PARTS = (("return", "return"), ("deepest drawdown", "drawdown"))


def print_report(found: dict[str, Any]) -> None:
    hold = found["buy_and_hold"]
    named = " ".join([found["strategy"], *(f"{name}={value}" for name, value in found["set"].items())])
    print(f"{named} on {found['bars']:,} bars of {found['timeframe']}, {found['from']} to {found['to']}")
    print_legs(found)
    lines = Table("", found["strategy"], "buy and hold", box=None, pad_edge=False)
    for row in (*_both(found, hold), *_own(found)):
        lines.add_row(*row)
    Console().print(lines)
    if "sensitivity" in found:
        Console().print(_table_of_changes(found["sensitivity"]))
    for sentence in _said(found):
        print(sentence)


def print_legs(found: dict[str, Any]) -> None:
    for leg, name in found.get("legs", {}).items():
        print(f"leg {leg}: {name}")


def print_portfolio(found: dict[str, Any]) -> None:
    hold, whole = found["buy_and_hold"], found["portfolio"]
    named = " ".join([found["strategy"], *(f"{name}={value}" for name, value in found["set"].items())])
    print(f"{named} on {whole['instruments']} instruments, {found['timeframe']}, {found['from']} to {found['to']}")
    print_instruments(found)
    lines = Table("", "one portfolio", "buy and hold", box=None, pad_edge=False)
    for row in _both(found, hold):
        lines.add_row(*row)
    Console().print(lines)
    Console().print(_table_of_changes(found["sensitivity"]))
    for sentence in completeness_said(found):
        print(sentence)
    print(luck(found, f"Trial {found['trial']}", found["deflated_sharpe"]))


def print_instruments(found: dict[str, Any]) -> None:
    """A row an instrument, of the one strategy that is judged; the portfolio last, and what they are worth as evidence."""
    whole = found["portfolio"]
    lines = Table("instrument", "bars", "equity, quote", "fees", "trades", "Sharpe", box=None, pad_edge=False)
    for one in found["instruments"]:
        money = (f"{one['equity']:,.2f}", f"{one['fees']:,.2f}", f"{one['trades']:,}")
        lines.add_row(one["instrument"], f"{one['bars']:,}", *money, number(one["sharpe"]))
    lines.add_row("as one portfolio", "", "", "", "", number(whole["sharpe"]))
    Console().print(lines)
    print(_evidence(whole))


def _evidence(whole: dict[str, Any]) -> str:
    """What several instruments are worth, in a sentence."""
    return (
        f"{whole['instruments']} instruments, worth {number(whole['effective_instruments'])} independent ones, are judged as one "
        f"portfolio over time: one trial, deflated Sharpe {percent(whole['deflated_sharpe'])}."
    )


def _both(found: dict[str, Any], hold: dict[str, Any]) -> list[Row]:
    """Of the strategy and of buy and hold alike."""
    low, high = found["sharpe_interval"]
    rows = [
        *((name, f"{found[key]:,.2f}", f"{hold[key]:,.2f}") for name, key in MONEY),
        *((name, f"{found[key]:.2%}", f"{hold[key]:.2%}") for name, key in PARTS),
        ("days below the best", number(found["drawdown_days"]), number(hold["drawdown_days"])),
        ("Sharpe, a year", f"{number(found['sharpe'])} ± {number(found['sharpe_error'])}", number(hold["sharpe"])),
        ("95 % of it, by bootstrap", f"{number(low)} to {number(high)}", ""),
        ("Sortino, a year", number(found["sortino"]), number(hold["sortino"])),
        ("Calmar", number(found["calmar"]), number(hold["calmar"])),
    ]
    ours, theirs = found["weekly"], hold["weekly"]
    for name, key in (("a week, scaled by volatility", "scaled"), ("a week, raw", "raw")):
        rows.append((name, _week(ours, key), _week(theirs, key)))
    return rows


def _own(found: dict[str, Any]) -> list[Row]:
    return [
        ("fees, quote", f"{found['fees']:,.2f}", ""),
        *([("funding, quote", f"{found['funding']:,.2f}", "")] if found["funding"] else []),
        *([("liquidations", f"{found['liquidations']:,}", "")] if found["liquidations"] else []),
        ("costs, of what was earned before", percent(found["cost_share"]), ""),
        ("trades that are over", f"{len(found['trades']):,}", ""),
        ("bars with a position", f"{found['exposure']:.1%}", ""),
    ]


def _table_of_changes(of: dict[str, Any]) -> Table:
    changed = Table("when something is changed", "equity, quote", "return", "Sharpe", box=None, pad_edge=False)
    for line in _changed(of):
        changed.add_row(*line)
    return changed


def _changed(of: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    spread, days = of["with_spread"], of["without_best_days"]
    named = {
        "fills one bar later": of["one_bar_later"],
        f"without its best {days['days']} days": days,
        "in calm periods only": of["calm_only"],
        f"half a spread of {spread['spread_bps']:.3g} bps a fill ({spread['from']})": spread,
    }
    return [(name, number(one["equity"]), percent(one["return"]), number(one["sharpe"])) for name, one in named.items()]


def _said(found: dict[str, Any]) -> list[str]:
    """What the numbers mean, in sentences."""
    said = []
    if found["open_trade"] is not None:
        said.append(
            f"A position is still open: {found['open_trade']['pnl']:+,.2f} at the last close, without the cost of leaving."
        )
    if found.get("unfilled"):
        first = found["unfilled"][0]
        said.append(
            f"{len(found['unfilled']):,} times a leg could not be filled with the others ({found['filled']}), first {first['leg']} at "
            f"{first['time']}: {first['why']}."
        )
    if found.get("fee_tier"):
        said.append(_tier(found["fee_tier"]))
    said += completeness_said(found)
    if not found["trades"] and found["open_trade"] is None:
        said.append("It never traded.")
    elif found["net_profit"] <= 0:
        said.append("It lost money." if found["net_profit"] < 0 else "It earned nothing.")
    placebo = found["sensitivity"]["placebo"] if "sensitivity" in found else None  # of bars only
    if placebo is not None and not math.isnan(placebo["p"]):
        said.append(f"The same signals at other times did as well in {placebo['p']:.0%} of {placebo['shifts']} shifts.")
    if found["overfitting"] is not None:
        over = found["overfitting"]
        said.append(
            f"Of {over['trials']:,} different trials of its family on these bars the best of one half of the time was below the "
            f"median of the other in {over['probability']:.0%} of the ways to halve it (probability of overfitting)."
        )
    said.append(luck(found, f"Trial {found['trial']}", found["deflated_sharpe"]))
    return said


def _tier(of: dict[str, Any]) -> str:
    return (
        f"At the end it pays by fee tier {of['tier']} of {of['of']}, maker {of['maker']:.4%} and taker {of['taker']:.4%}: "
        f"{of['volume_30_days']:,.2f} were traded in 30 days."
    )


def luck(found: dict[str, Any], who: str, deflated: float) -> str:
    """How likely a result is luck, in a sentence."""
    chance = "cannot be told" if math.isnan(deflated) else f"is {deflated:.1%}"
    return (
        f"{who}, one of {found['trials']:,} of its family (worth {found['effective_trials']:.1f}): the probability "
        f"that it is better than the best of as many without an edge (deflated Sharpe) {chance}."
    )


def number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.2f}"


def percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2%}"


def _week(found: dict[str, Any] | None, key: str) -> str:
    if found is None or math.isnan(found[key]):
        return "-"
    low, high = found[f"{key}_interval"]
    return f"{found[key]:+.3%} ({low:+.3%} to {high:+.3%})"
