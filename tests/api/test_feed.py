"""What websocket clients are told, however often they are cut off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.api import feed as feed_module
from ninefold.api.feed import Feed, Subscription, TooSlow
from ninefold.api.live import LiveView
from ninefold.market.chunk import Chunk
from ninefold.market.records import Halted, Resumed

from .page import TOPICS, Page
from .stream import BASE, BTC, bar, chunk, equity, fill, may, order, registry, scored, trade

FIRST = BASE  # as a process that started then would number


def event(kind: str, seq: int) -> Chunk:
    match kind:
        case "order":
            return chunk(seq, order(seq, f"o{seq % 5}", ("intended", "sent", "filled")[seq % 3]))
        case "fill":
            return chunk(seq, fill(seq, f"o{seq % 5}"), equity(seq, seq * 10**8))
        case "may":
            return chunk(seq, may(seq, f"m{seq}", 0.5), scored(seq, f"m{seq - 3}", seq % 2 == 0, 0.5))
        case "halt":
            return chunk(seq, Halted(seq=seq, known_ns=BASE + seq, by="me", reason="x"))
        case "resume":
            return chunk(seq, Resumed(seq=seq, known_ns=BASE + seq, by="me"))
        case "quote":
            return chunk(seq, quotes=[(BTC, BASE + seq, BASE + seq, seq, seq, 100, 1, 101, seq)])
        case "trade":
            return chunk(seq, trades=[trade(seq, seq / 3, 100 + seq, 1)])
    return chunk(seq, bars=[bar(seq % 2, (1, 2, 1, seq), revision=seq // 2)])


KINDS = ("order", "fill", "may", "halt", "resume", "quote", "trade", "bar")
ACTS = (*KINDS, "pull", "cut", "half")


@given(st.lists(st.sampled_from(ACTS), max_size=80))
def test_a_page_that_was_cut_off_at_random_shows_what_a_fresh_one_shows(acts):
    view = LiveView("demo", registry(), first_number=FIRST)
    view.publish(BASE)
    page = Page()
    line = Subscription(view, TOPICS, None)
    for seq, act in enumerate(acts, start=1):
        if act in KINDS:
            view.apply(event(act, seq))
        elif act == "cut":
            line = Subscription(view, TOPICS, page.since)
        else:
            waiting = line.pull()
            heard = waiting if act == "pull" else waiting[: len(waiting) // 2]  # the line breaks within a batch
            for message in heard:
                page.hear(message)
            if act == "half":
                line = Subscription(view, TOPICS, page.since)
    for message in line.pull():
        page.hear(message)
    fresh = Page()
    for message in Subscription(view, TOPICS, None).pull():
        fresh.hear(message)
    assert page.state() == fresh.state()


def test_numbers_rise_and_no_order_is_merged_while_bars_are():
    view = LiveView("demo", registry(), first_number=FIRST)
    line = Subscription(view, TOPICS, FIRST)
    for seq in range(1, 6):
        view.apply(chunk(seq, order(seq, "o1", "sent"), trades=[trade(seq, 0.1 * seq, 100 + seq, 1)]))
    told = line.pull()
    assert [message.number for message in told] == sorted({message.number for message in told})
    topics = [message.topic for message in told]
    assert topics.count("orders") == 5
    assert topics.count("bars:binance:BTC/USDT:1s") == 1
    assert told[-1].number <= view.feed.number
    assert line.pull() == []


def test_a_bar_that_is_restated_is_told_again_though_newer_ones_did_not_change():
    view = LiveView("demo", registry(), first_number=FIRST)
    view.apply(chunk(1, bars=[bar(0, (1, 1, 1, 1)), bar(1, (1, 1, 1, 1))]))
    line = Subscription(view, TOPICS, view.feed.number)
    view.apply(chunk(2, bars=[bar(0, (1, 2, 1, 1), revision=1)]))
    assert [(message.data["high"], message.data["revision"]) for message in line.pull()] == [("0.02", 1)]


def test_a_number_from_another_life_gets_one_snapshot():
    view = LiveView("demo", registry(), first_number=FIRST)
    view.apply(event("order", 1))
    for since in (FIRST - 1, view.feed.number + 1, 0):
        assert [message.topic for message in Subscription(view, TOPICS, since).pull()] == ["snapshot"]
    assert [message.topic for message in Subscription(view, ("orders",), FIRST).pull()] == ["orders"]


def test_a_client_that_falls_behind_what_is_held_is_told_and_one_that_returns_gets_a_snapshot(monkeypatch):
    monkeypatch.setattr(feed_module, "EVENTS_HELD", 3)
    view = LiveView("demo", registry(), first_number=FIRST)
    slow = Subscription(view, ("orders",), FIRST)
    for seq in range(1, 5):
        view.apply(event("order", seq))
    with pytest.raises(TooSlow, match="older than the 3 newest events"):
        slow.pull()
    assert [message.topic for message in Subscription(view, ("orders",), FIRST).pull()] == ["snapshot"]


def test_a_halt_is_told_at_once_in_messages_and_status():
    view = LiveView("demo", registry(), first_number=FIRST)
    view.publish(BASE)
    line = Subscription(view, ("status", "messages"), view.feed.number)
    view.apply(event("halt", 2))
    told = {message.topic: message.data for message in line.pull()}
    assert told["messages"]["kind"] == "alarm"
    assert told["status"]["halted"]["by"] == "me"


def test_only_the_newest_events_are_held():
    feed = Feed(0)
    for n in range(feed_module.EVENTS_HELD + 10):
        feed.event("orders", {"n": n})
    assert not feed.holds(9)
    assert len(feed.after(10, ["orders"])) == feed_module.EVENTS_HELD
