"""The running mood: worked by hand, and what must never happen to it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.sentiment.aggregate import (
    HALF_LIFE_NS,
    ScoredHeadline,
    SentimentState,
    assets_of,
    load,
    save,
    step,
    value,
)
from ninefold.sentiment.headlines import make


def scored(title: str, arrival_ns: int, score: float, published_ns: int = 0) -> ScoredHeadline:
    return ScoredHeadline(make(title, "", published_ns, "test"), arrival_ns, score)


def run(*headlines: ScoredHeadline) -> SentimentState:
    state = SentimentState()
    for headline in headlines:
        state = step(state, headline)
    return state


def test_a_headline_one_half_life_old_counts_half():
    state = run(scored("Bitcoin up", 0, 0.9), scored("Bitcoin down", HALF_LIFE_NS, -0.6))
    # weights 1/2 and 1: (0.45 - 0.6) / 1.5
    assert value(state, "BTC", HALF_LIFE_NS) == pytest.approx(-0.1)
    assert value(state, "BTC", 3 * HALF_LIFE_NS) == pytest.approx(-0.1)


def test_general_news_counts_a_quarter_for_an_asset_with_news_and_alone_for_one_without():
    state = run(scored("Bitcoin up", 0, 0.5), scored("Fed cuts rates", 0, 1.0))
    assert value(state, "BTC", 0) == pytest.approx((0.5 + 0.25) / 1.25)
    assert value(state, "ETH", 0) == pytest.approx(1.0)


def test_news_about_another_asset_does_not_count():
    assert math.isnan(value(run(scored("Solana down", 0, -0.8)), "BTC", 0))


def test_without_news_or_with_old_news_alone_there_is_no_mood():
    assert math.isnan(value(SentimentState(), "BTC", 5))
    state = run(scored("Bitcoin up", 0, 0.5))
    assert value(state, "BTC", 6 * HALF_LIFE_NS) == pytest.approx(0.5)  # weight 1/64
    assert math.isnan(value(state, "BTC", 7 * HALF_LIFE_NS))  # weight 1/128


def test_a_publish_stamp_from_the_future_is_flagged_and_counts_from_its_arrival():
    honest, early = scored("Bitcoin up", 10, 0.5, published_ns=5), scored("Bitcoin up", 10, 0.5, published_ns=10**18)
    assert (run(honest).future_stamps, run(early).future_stamps) == (0, 1)
    assert run(honest).moods == run(early).moods


def test_titles_name_their_assets_as_whole_words():
    assert assets_of("BTC and ethereum rally") == ("BTC", "ETH")
    assert assets_of("Solution for Adaptive dots") == ()


def test_a_score_or_an_arrival_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="score is nan"):
        run(scored("Bitcoin", 0, math.nan))
    with pytest.raises(ValueError, match="before the last one at 10"):
        run(scored("Bitcoin", 10, 0.1), scored("Ether", 9, 0.1))
    with pytest.raises(ValueError, match="already counted"):
        value(run(scored("Bitcoin", 10, 0.1)), "BTC", 9)


def test_bytes_of_another_version_or_of_nothing_are_refused():
    with pytest.raises(ValueError, match="version 99"):
        load(save(SentimentState(version=99)))
    with pytest.raises(ValueError, match="sentiment state"):
        load(b"\xff")


HEADLINES = st.lists(
    st.tuples(st.sampled_from(["Bitcoin", "Ether", "Fed", "Bitcoin ETF"]), st.integers(0, 10**13), st.floats(-1, 1)),
    min_size=1,
    max_size=20,
).map(lambda rows: [scored(f"{t} {n}", at, s) for n, (t, at, s) in enumerate(sorted(rows, key=lambda row: row[1]))])


@given(HEADLINES, st.integers(0, 20))
def test_the_past_does_not_change_when_later_headlines_arrive(headlines, cut):
    assert moods_after_each(headlines)[:cut] == moods_after_each(headlines[:cut])


@given(HEADLINES)
@pytest.mark.slow
def test_a_headline_that_comes_twice_counts_once(headlines):
    doubled = [again for headline in headlines for again in (headline, headline)]
    assert save(run(*doubled)) == save(run(*headlines))


@given(HEADLINES, st.integers(0, 20))
def test_stopping_and_loading_equals_never_having_stopped(headlines, cut):
    state = load(save(run(*headlines[:cut])))
    for headline in headlines[cut:]:
        state = step(state, headline)
    assert save(state) == save(run(*headlines))


@given(HEADLINES, st.sampled_from(["BTC", "ETH", "DOGE"]), st.integers(0, 10**14))
def test_a_mood_lies_between_the_lowest_and_the_highest_score(headlines, asset, later_ns):
    state = run(*headlines)
    mood = value(state, asset, state.last_ns + later_ns)
    scores = [headline.score for headline in headlines]
    assert math.isnan(mood) or min(scores) - 1e-9 <= mood <= max(scores) + 1e-9


def moods_after_each(headlines: list[ScoredHeadline]) -> list[str]:
    """What a decider saw of BTC after each headline, to the last bit (repr, so that NaN equals NaN)."""
    state, seen = SentimentState(), []
    for headline in headlines:
        state = step(state, headline)
        seen.append(repr(value(state, "BTC", headline.arrival_ns)))
    return seen
