"""How often somebody may ask, and what a wrong token costs; the clock is the test's."""

from __future__ import annotations

from random import Random

from ninefold.api import gate
from ninefold.api.gate import Gate
from ninefold.api.pace import Buckets
from ninefold.api.scopes import Given, Scope, Tokens

TOKENS = Tokens([Given("page", Scope.READ, "token-of-the-page"), Given("ops", Scope.TRADE, "token-of-ops")])


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def asking(needs: Scope = Scope.READ) -> tuple[Clock, callable]:
    clock = Clock()
    one = Gate(TOKENS, clock)
    return clock, lambda token, address="192.0.2.1", what=needs: one.refusal("GET /x", what, token, address)


def test_a_bucket_of_three_filled_twice_a_second_gives_three_and_then_one_each_half_second():
    bucket = Buckets(per_s=2.0, burst=3)
    assert [bucket.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take("b", 0.0) == 0.0
    assert bucket.take("a", 0.25) == 0.25
    assert (bucket.take("a", 0.5), bucket.take("a", 0.5)) == (0.0, 0.5)
    assert [bucket.take("a", 100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_a_bucket_holds_a_bounded_number_of_keys_and_gives_no_more_than_its_rate():
    chance = Random(7)
    for _ in range(50):
        many, one, now_s, taken = Buckets(2.0, 3, most=10), Buckets(2.0, 3), 0.0, 0
        for _ in range(200):
            now_s += chance.choice((0.0, 0.01, chance.random()))
            many.take(chance.randrange(50), now_s)
            taken += one.take("same", now_s) == 0.0
            assert len(many) <= 10
            assert taken <= 3 + 2.0 * now_s + 1e-6


def test_after_five_wrong_tokens_a_sixth_waits_even_a_right_one_that_is_new_there():
    clock, ask = asking()
    assert [ask(f"wrong-{i}").status for i in range(5)] == [401] * 5
    refused = ask("token-of-ops")
    assert (refused.status, refused.retry_s) == (429, 5)
    assert refused.detail == "too many wrong tokens came from 192.0.2.1; no new one is looked at; ask again in 5 s"
    assert ask("token-of-ops", "192.0.2.2") is None
    clock.now_s = 5.0
    assert ask("wrong-again").status == 401
    assert ask("wrong-again").status == 429
    clock.now_s = 10.0
    assert ask("token-of-ops") is None


def test_a_token_that_was_right_from_an_address_stays_so_while_others_there_guess():
    _, ask = asking()
    assert ask("token-of-ops") is None
    for i in range(20):
        ask(f"wrong-{i}")
    assert ask("wrong-20").status == 429
    assert ask("token-of-ops", what=Scope.TRADE) is None


def test_guesses_from_one_household_of_ipv6_count_together():
    _, ask = asking()
    assert [ask("wrong", f"2001:db8::{i:x}").status for i in range(6)] == [401] * 5 + [429]
    assert ask("wrong", "2001:db8:0:1::1").status == 401


def test_reading_is_limited_by_token_and_acting_has_a_pace_of_its_own():
    _, ask = asking()
    answers = [ask("token-of-ops") for _ in range(gate.READS_AT_ONCE + 1)]
    assert answers[:-1] == [None] * gate.READS_AT_ONCE
    assert answers[-1].detail == "the token 'ops' may ask 100 times a second; ask again in 1 s"
    assert ask("token-of-ops", what=Scope.TRADE) is None
    acts = [ask("token-of-ops", what=Scope.TRADE) for _ in range(gate.ACTS_AT_ONCE)]
    assert acts[-1].detail == "the token 'ops' may act 2 times a second; ask again in 1 s"
    assert ask("token-of-the-page") is None


def test_an_address_is_limited_whatever_its_tokens():
    clock = Clock()
    many = Tokens(Given(f"t{i}", Scope.READ, f"token-number-{i:04}") for i in range(3))
    one = Gate(many, clock)
    said = [one.refusal("GET /x", Scope.READ, f"token-number-{i % 3:04}", "192.0.2.9") for i in range(801)]
    assert said[:800] == [None] * 800
    assert said[800].detail == "192.0.2.9 may ask 200 times a second; ask again in 1 s"


def test_what_is_remembered_of_senders_is_bounded():
    clock = Clock()
    one = Gate(TOKENS, clock)
    for i in range(gate.MOST_KEYS + 50):
        assert one.refusal("GET /x", Scope.READ, "token-of-ops", f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}") is None
        clock.now_s += 1.0
    assert len(one._right) == gate.MOST_KEYS
    assert len(one._addresses) == gate.MOST_KEYS
