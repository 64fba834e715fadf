"""Freqtrade strategies by their syntax: whether a class is one, its timeframe, what of it cannot be judged.

In:  a class of a file that was only read. Out: words. No pandas is needed for it.
"""

from __future__ import annotations

import ast

METHODS = {"populate_indicators", "populate_entry_trend", "populate_buy_trend"}
CALLBACKS = (
    *(
        "custom_exit",
        "custom_sell",
        "custom_stoploss",
        "custom_entry_price",
        "custom_exit_price",
        "adjust_trade_position",
    ),
    *("confirm_trade_entry", "confirm_trade_exit", "custom_stake_amount", "leverage"),
)


def is_freqtrade(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and bool(METHODS & _methods(node))


def timeframe_of(node: ast.ClassDef, tree: ast.Module) -> str:
    """What the class says, or those of the file that it stands on; or ""."""
    own = _timeframe_in(node)
    bases = {ast.unparse(base) for base in node.bases}
    above = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name in bases]
    return own or next((found for one in above if (found := timeframe_of(one, tree))), "")


def _timeframe_in(node: ast.ClassDef) -> str:
    for one in node.body:
        names = [ast.unparse(target) for target in getattr(one, "targets", [getattr(one, "target", one)])]
        value = getattr(one, "value", None)
        if {"timeframe", "ticker_interval"} & set(names) and isinstance(value, ast.Constant):
            return str(value.value)
    return ""


def not_judged(node: ast.ClassDef) -> str:
    """Callbacks are called while trades are open, with what was known by then."""
    there = [name for name in CALLBACKS if name in _methods(node)]
    return f"not judged: {', '.join(there)}" if there else ""


def _methods(node: ast.ClassDef) -> set[str]:
    return {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
