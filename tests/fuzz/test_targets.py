"""The fuzzing targets without the fuzzer: samples, and samples with bytes changed at random, break nothing."""

import random

import pytest

from ninefold.venues.binance import BinanceSpot

from .targets import targets

EACH = 30
TARGETS = targets()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_changed_bytes_break_nothing(name):
    feed, seeds = TARGETS[name]
    dice = random.Random(name)
    for _ in range(EACH):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(4)):
            at = dice.randrange(len(data) + 1)
            data[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
        feed(bytes(data))


def test_an_adapter_that_raises_is_found(monkeypatch):
    feed, seeds = TARGETS["binance frames"]

    def fail(self: BinanceSpot, *args: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(BinanceSpot, "_malformed", fail)
    with pytest.raises(RuntimeError, match="a fault"):
        feed(seeds[0][:-5])
