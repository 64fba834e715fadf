"""docs/strategies.md: its tables, made of the library. `python -m tests.strategy.page` writes it anew."""

import re
from pathlib import Path

from ninefold.strategy import Strategy, library, parameters_of
from ninefold.strategy.strategy import described

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
BEGIN, END = "<!-- strategies -->", "<!-- end -->"
FAMILIES = {
    "trend": "Trend",
    "mean_reversion": "Mean reversion",
    "breakout": "Breakout",
    "volatility": "Volatility",
    "order_flow": "Volume and order flow",
    "patterns": "Candle patterns",
    "analogues": "Analogues",
    "sentiment": "Sentiment",
    "risk": "Risk and regime filters",
    "cross_venue": "Cross-venue arbitrage",
    "market_makers": "Following market makers",
    "forecast": "Forecasts",
}


def tables() -> str:
    """All strategies by family, in Markdown."""
    known = library().values()
    parts = []
    for family, title in FAMILIES.items():
        mine = [kind for kind in known if kind.family == family]
        parts += [f"### {title} ({len(mine)})", "", "| strategy | bars | what it does | parameters | source |"]
        parts += ["| --- | --- | --- | --- | --- |", *map(line, mine), ""]
    return "\n".join(parts).rstrip()


def line(kind: type[Strategy]) -> str:
    ranges = [f"{name} {one.default:g} ({one.least:g} to {one.most:g})" for name, one in parameters_of(kind).items()]
    return f"| `{kind.name}` | {kind.timeframe} | {described(kind)} | {', '.join(ranges)} | {kind.source} |"


def page(text: str) -> str:
    """The page with its tables made anew."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{tables()}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
