"""The examples of docs/own-strategies.md are strategies, and do what the page says."""

import re
from pathlib import Path

from ninefold.formula import parse
from ninefold.strategy import Strategy, plan_of

PAGE = Path(__file__).parents[2] / "docs" / "own-strategies.md"


def classes() -> dict[str, type[Strategy]]:
    found: dict[str, object] = {}
    for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(example, found)  # the page's own code
    kinds = [
        one for one in found.values() if isinstance(one, type) and issubclass(one, Strategy) and one is not Strategy
    ]
    return {kind.name: kind for kind in kinds}


def test_the_examples_are_strategies():
    kinds = classes()
    assert {name: plan_of(kind).form for name, kind in kinds.items()} == {
        "fast_cross": "target",
        "dip": "target",
        "price_pair": "legs",
        "around_the_middle": "quotes",
        "calm_dip": "on_bar",
        "large_buyers": "on_trade",
        "join_the_best": "on_book",
    }
    assert plan_of(kinds["fast_cross"], {"fast": 5}).target == parse("where(sma(close, 5) > sma(close, 30), 1, 0)")
    assert plan_of(kinds["dip"]).target == parse("held(rsi(close, 14) < 30, rsi(close, 14) > 55)")
    assert plan_of(kinds["dip"]).exits.stop_loss == "0.03"
