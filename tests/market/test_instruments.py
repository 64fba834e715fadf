"""The registry: ids in the order of arrival, new rules make a new version, names are found or suggested."""

import msgspec
import pytest

from ninefold.market.instruments import Registry, UnknownInstrument, listed


def btc(**rules: str) -> object:
    return listed("binance", "BTCUSDT", "BTC", "USDT", **rules)


def test_ids_count_up_and_the_same_rules_keep_their_id():
    registry = Registry()
    first = registry.add(btc(tick="0.01", lot="0.00001"))
    second = registry.add(listed("binance", "ETHUSDT", "ETH", "USDT", tick="0.01", lot="0.0001"))
    assert (first.id, second.id) == (1, 2)
    assert registry.add(btc(tick="0.01", lot="0.00001")) is first
    assert (first.price_decimals, first.size_decimals, first.tick_size, first.lot_size) == (2, 5, 1, 1)


def test_new_rules_make_a_new_version_and_the_old_one_stays_readable():
    registry = Registry()
    old = registry.add(btc(tick="0.01", lot="0.00001"))
    new = registry.add(btc(tick="0.1", lot="0.00001"))
    assert (new.id, new.version, registry[old.id].price_decimals, registry.named("binance:BTC/USDT")) == (2, 2, 2, new)
    assert registry.current() == [new]


def test_rules_that_are_not_known_never_replace_known_ones():
    registry = Registry()
    known = registry.add(btc(tick="0.01", lot="0.00001"))
    assert registry.add(btc()) is known


def test_a_step_that_is_no_power_of_ten_keeps_its_size():
    made = btc(tick="0.05000000", lot="10.00000000")
    assert (made.price_decimals, made.tick_size, made.size_decimals, made.lot_size) == (2, 5, 0, 10)


def test_an_unknown_name_is_answered_with_the_nearest_one():
    registry = Registry()
    registry.add(btc(tick="0.01", lot="0.00001"))
    with pytest.raises(UnknownInstrument, match=r"did you mean 'binance:BTC/USDT'\?.*VENUE:BASE/QUOTE") as found:
        registry.named("binance:BTC/USD")
    assert not str(found.value).startswith("'")


def test_another_registry_learns_the_same_ids():
    registry, follower = Registry(), Registry()
    for one in (btc(), btc(tick="0.01", lot="0.00001")):
        follower.learn(registry.add(one))
        follower.learn(registry.add(one))
    assert list(follower) == list(registry)
    with pytest.raises(ValueError, match="has id 9, the next one must be 3"):
        follower.learn(msgspec.structs.replace(registry[1], id=9))
