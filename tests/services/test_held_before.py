"""What was held at earlier inputs, found again in the ledger: what the running account showed then, to the bit."""

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ninefold.execution import held_before
from ninefold.execution.held_before import HeldBefore
from ninefold.market.records import Crossed
from ninefold.services.holdings import holdings_of
from ninefold.strategy import plan
from ninefold.strategy.own import Holding

from .street import Street

WILL = {
    "up": "where(close > open, 1, 0)",
    "down": "where(close < open, 0.7, 0)",
    "stays": "where(bars_held >= 3, 0, where(position > 0, 1, where(close > open, 0.4, 0)))",
}


def walked(seed: int, bars: int = 12) -> tuple[Street, dict]:
    """A market of three strategies that take from each other; what each was shown of itself, by strategy and input."""
    rng = np.random.default_rng(seed)
    street = Street(*(plan(name, "1s", formula, "own", "Mine.") for name, formula in WILL.items()))
    live = {}
    asked = street.execute.itself.targets

    def watched(chunk, held):
        for bar in chunk.rows("bars")[chunk.rows("bars")["width_ns"] == 10**9]:
            live.update({(name, int(bar["seq"])): held(name, 1) for name in WILL})
        return asked(chunk, held)

    street.execute.itself.targets = watched
    for _ in range(bars):
        street.bar(*(1000 + np.cumsum(rng.integers(-8, 9, 3))).tolist())
    return street, live


def found_again(street: Street, live: dict) -> dict:
    before = HeldBefore(street.memory.made, WILL)
    made = {}
    for name in WILL:
        seqs = np.array(sorted(seq for of, seq in live if of == name))
        rows = zip(
            seqs.tolist(), *(one.tolist() for one in holdings_of(street.listed, before, name, seqs)), strict=True
        )
        made.update(
            {
                (name, seq): Holding(position, average, since) if since else None
                for seq, position, average, since in rows
            }
        )
    return made


@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**32))
def test_it_is_what_the_running_account_showed(seed):
    street, live = walked(seed)
    assert found_again(street, live) == live


def test_the_comparison_has_strategies_that_take_from_each_other():
    street, live = walked(7)
    assert street.of(Crossed) and any(live.values())
    assert found_again(street, live) == live


def test_a_past_with_what_its_own_decision_crossed_is_found(monkeypatch):
    """The same with a planted fault: what was crossed counts at the input that decided it."""
    street, live = walked(7)
    monkeypatch.setattr(held_before, "_moment", lambda event: 2 * event.seq)
    assert found_again(street, live) != live
