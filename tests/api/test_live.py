"""The live view, folded from chunks made by hand."""

from random import Random

import numpy as np
import pytest

from ninefold.api.live import LiveView
from ninefold.api.rows import bar_row, fill_row, order_row, target_row, trade_id_text, trade_row
from ninefold.api.series import HELD
from ninefold.api.tape import Tape
from ninefold.bus.status import SERVICES, Status
from ninefold.market.arrays import BAR_FLAT, BAR_UNKNOWN, ID_NONE, ID_TEXT, ID_UUID, TRADES
from ninefold.market.chunk import Chunk, merged
from ninefold.market.instruments import UnknownInstrument
from ninefold.market.records import Gap, Halted, Malformed, Resumed, Tick
from ninefold.market.time import SECOND_NS, UNKNOWN_NS

from .stream import BASE, BTC, ETH, bar, chunk, equity, fill, has, instrument, listings, may, order, scored, trade

SECOND_BARS = (BTC, SECOND_NS)


@pytest.fixture
def view() -> LiveView:
    made = LiveView("demo")
    made.apply(chunk(1, *listings()))
    return made


def test_prices_and_sizes_are_exact_text_and_times_are_text():
    assert trade_row(trade(3, 1, price=6_120_310, size=12), instrument()) == {
        "instrument": "binance:BTC/USDT",
        "exchange_ns": str(BASE + SECOND_NS),
        "receive_ns": str(BASE + SECOND_NS + 5),
        "trade_id": "3",
        "price": "61203.10",
        "size": "0.00012",
        "taker_side": "buy",
    }


def test_what_the_venue_did_not_say_is_null_and_never_zero():
    nameless = (BTC, UNKNOWN_NS, 7, 1, ID_NONE, 0, 0, 1, 1, 0)
    row = trade_row(nameless, instrument())
    assert (row["exchange_ns"], row["trade_id"], row["taker_side"]) == (None, None, "unknown")
    unknown = bar_row(bar(0, (0, 0, 0, 0), volume=0, state=BAR_UNKNOWN), instrument())
    assert [unknown[name] for name in ("open", "high", "low", "close", "volume")] == [None] * 5
    assert target_row((BTC, b"trend", SECOND_NS, 1, float("nan"), 2, 3), instrument())["target"] is None


def test_trade_ids_of_two_words_are_shown_whole():
    assert trade_id_text(ID_UUID, 1, 2) == "00000000-0000-0001-0000-000000000002"
    assert trade_id_text(1, 1, 0) == str(2**64)
    assert trade_id_text(ID_TEXT, 0xAB, 0) == "00000000000000ab0000000000000000"


def test_a_market_order_has_no_price_and_a_fee_is_exact():
    assert order_row(order(2, "o1"), instrument(), BASE)["price"] is None
    assert order_row(order(2, "o1", price=6_120_310), instrument(), BASE)["price"] == "61203.10"
    assert fill_row(fill(2, "o1"), instrument())["fee"] == "0.612031"


def test_a_restated_bar_replaces_the_first_and_an_old_revision_changes_nothing(view):
    view.apply(chunk(2, bars=[bar(0, (10, 12, 9, 11)), bar(1, (11, 11, 11, 11), volume=0, state=BAR_FLAT)]))
    view.apply(chunk(3, bars=[bar(0, (10, 15, 9, 11), revision=1)]))
    view.apply(chunk(4, bars=[bar(0, (1, 1, 1, 1), revision=0)]))
    shown = [bar_row(row, instrument()) for row in view.series[SECOND_BARS].between()]
    assert [(row["high"], row["state"], row["revision"]) for row in shown] == [("0.15", "ok", 1), ("0.11", "flat", 0)]


def test_the_open_bar_is_made_of_trades_and_gives_way_to_the_finished_one(view):
    view.apply(chunk(2, trades=[trade(2, 0.1, 100, 5), trade(2, 0.2, 90, 1), trade(2, 0.3, 95, 1)]))
    series = view.series[SECOND_BARS]
    shown = bar_row(series.open_bar, instrument())
    assert [shown[name] for name in ("open", "high", "low", "close", "volume")] == [
        "1.00",
        "1.00",
        "0.90",
        "0.95",
        "0.00007",
    ]
    view.apply(chunk(3, trades=[trade(3, 0.9, 120, 1)]))
    assert bar_row(series.open_bar, instrument())["high"] == "1.20"
    view.apply(chunk(4, bars=[bar(0, (100, 120, 90, 120))]))
    assert series.open_bar is None
    view.apply(chunk(5, trades=[trade(5, 0.95, 500, 1)]))  # late: the bars service restates, the view does not guess
    assert series.open_bar is None
    assert series.between(BASE + 5 * SECOND_NS) == []


def test_the_open_bar_does_not_depend_on_where_chunks_are_cut(view):
    trades = [trade(n, 0.4 * n, 100 + n % 7, n) for n in range(1, 20)]
    view.apply(chunk(2, trades=trades))
    one_by_one = LiveView("demo", view.registry)
    for row in trades:
        one_by_one.apply(chunk(2, trades=[row]))
    for key, series in view.series.items():
        assert one_by_one.series[key].open_bar == series.open_bar


@pytest.mark.slow
def test_memory_is_bounded(view):
    for second in range(HELD + 50):
        view.apply(chunk(second, bars=[bar(second, (1, 1, 1, 1))], trades=[trade(second, second, 1, 1)] * 3))
    assert len(view.series[SECOND_BARS].between()) == HELD
    assert view.series[SECOND_BARS].between()[0][2] == BASE + 50 * SECOND_NS
    assert len(view.trades[BTC].rows()) == HELD
    assert view.trades[BTC].rows()["seq"][-1] == HELD + 49


def test_a_tape_holds_the_newest_rows_however_they_came():
    rows = np.array([trade(seq, seq, 1, 1) for seq in range(1, 301)], TRADES)
    whole, pieces = Tape(100), Tape(100)
    whole.add(rows)
    for start in range(0, 300, 7):
        pieces.add(rows[start : start + 7])
        held = pieces.rows() if start % 3 == 0 else None
        assert held is None or held["seq"][-1] == min(start + 7, 300)
    assert len(whole) == len(pieces) == 100
    assert (whole.rows() == pieces.rows()).all()
    assert whole.rows()["seq"].tolist() == list(range(201, 301))
    assert pieces.rows().base is None, "and nothing else"


def test_an_order_keeps_its_first_time_and_shows_its_last_state(view):
    view.apply(chunk(2, order(2, "o1"), order(3, "o2")))
    view.apply(chunk(4, order(4, "o1", "filled", filled=1_000), fill(4, "o1"), equity(4, 10_000_012_000_000)))
    assert [(row["client_order_id"], row["status"], row["created_ns"]) for row in view.account.orders()] == [
        ("o2", "intended", str(BASE + 3)),
        ("o1", "filled", str(BASE + 2)),
    ]
    status = view.status(BASE + 10)
    assert (status["orders"], status["equity"], status["lag_ns"]) == (2, "100000.12", 6)


@pytest.mark.slow
def test_equity_is_thinned_and_null_while_a_price_is_unknown(view):
    for seq in range(20_001):
        view.apply(chunk(seq, equity(seq, None if seq == 20_000 else seq)))
    columns = view.account.equity_columns(20_000)["columns"]
    assert len(columns["equity"]) == 5_000 + 10_001
    assert columns["known_ns"][:2] == [str(BASE), str(BASE + 2)]
    assert columns["equity"][-1] is None


def test_a_may_is_open_until_scored_and_the_brier_score_is_beside_the_base_rates(view):
    view.apply(chunk(2, may(2, "m1", 0.8), may(2, "m2", 0.6)))
    assert view.messages.newest(1)[0]["outcome"] == "open"
    assert view.messages.scores() == {"may": 2, "scored": 0, "brier": None, "base_brier": None}
    view.apply(chunk(3, scored(3, "m1", True, 0.8), scored(3, "m2", False, 0.6), has(3, "h1", "m1"), has(3, "h2")))
    assert {row["id"]: row["outcome"] for row in view.messages.newest(9, "may")} == {"m1": "kept", "m2": "missed"}
    scores = view.messages.scores()
    assert scores["brier"] == pytest.approx((0.2**2 + 0.6**2) / 2)
    assert scores["base_brier"] == 0.25  # half were kept: always saying 50 % errs by a half
    assert {row["id"]: row["may_id"] for row in view.messages.newest(9, "has")} == {"h1": "m1", "h2": None}
    assert view.messages.newest(9, "may")[0]["horizon_ns"] == str(60 * SECOND_NS)


def test_alarms_are_told_and_a_halt_holds_until_resumed(view):
    gap = Gap(seq=5, known_ns=BASE, instrument=ETH, stream="trades", from_id=7, to_id=9, from_ns=0, to_ns=1)
    view.apply(chunk(5, gap, Malformed(seq=5, known_ns=BASE, venue="binance", reason="no price", excerpt="{")))
    view.apply(chunk(6, Halted(seq=6, known_ns=BASE + 6, by="me", reason="lunch")))
    assert view.status(BASE)["halted"] == {"by": "me", "reason": "lunch", "since_ns": str(BASE + 6)}
    view.apply(chunk(7, Resumed(seq=7, known_ns=BASE + 7, by="me")))
    status = view.status(BASE)
    assert (status["halted"], status["gaps"], status["malformed"]) == (None, 1, 1)
    told = [(row["id"], row["kind"], row["text"].split()[0]) for row in reversed(view.messages.newest(9))]
    assert told == [
        ("alarm-5-1", "alarm", "Gap:"),
        ("alarm-5-2", "alarm", "binance"),
        ("alarm-6-1", "alarm", "Trading"),
        ("alarm-7-1", "alarm", "Trading"),
    ]


def test_a_message_is_marked_when_slack_has_it(view):
    view.apply(chunk(2, may(2, "m1", 0.8), may(3, "m2", 0.8)))
    view.apply_status(Status(service="notify", at_ns=BASE, started_ns=BASE, last_seq=2))
    assert {row["id"]: row["slack"] for row in view.messages.newest(9)} == {"m1": True, "m2": False}


def test_services_come_in_pipeline_order_with_rates_and_a_silent_one_is_sick(view):
    for second in (0, 1):
        view.apply_status(
            Status(
                service="collect",
                at_ns=BASE + second * SECOND_NS,
                started_ns=BASE,
                counters={"frames": 10 + 250 * second},
            )
        )
    rows = view.services.rows(BASE + 2 * SECOND_NS)
    assert [row["name"] for row in rows] == list(SERVICES)
    assert (rows[0]["rate"], rows[0]["unit"], rows[0]["healthy"]) == (250.0, "frames/s", True)
    assert rows[0]["age_ns"] == SECOND_NS
    assert (rows[1]["healthy"], rows[1]["detail"]) == (False, "has not spoken yet")
    silent = view.services.rows(BASE + 31 * SECOND_NS)[0]
    assert (silent["healthy"], silent["detail"]) == (False, "silent for 30 s")


def test_an_instrument_that_was_never_listed_is_refused_by_name():
    with pytest.raises(UnknownInstrument, match="names instrument 1, and 0 are listed"):
        LiveView("demo").apply(chunk(2, trades=[trade(2, 0, 1, 1)]))


def test_a_listing_that_comes_again_changes_nothing(view):
    view.apply(chunk(2, *listings()))
    assert len(view.registry) == 2


def busy_market(chance: Random) -> list[Chunk]:
    """Five seconds of two instruments: a few trades and quotes a chunk, ticks that finish bars, late trades among them."""
    made: list[Chunk] = []
    for second in range(1, 6):
        for _ in range(chance.randrange(4)):
            seq = len(made) + 2
            at = [second - 0.4 * chance.random() if chance.random() < 0.2 else second + 0.9 * chance.random()]
            trades = [trade(seq, second, chance.randrange(90, 110), 1, id) for id in (BTC, ETH) for second in at]
            quotes = [(ETH, BASE, BASE, seq, seq, chance.randrange(90, 100), 1, 101, 2)]
            made.append(chunk(seq, trades=trades, quotes=quotes))
        seq = len(made) + 2
        tick = Tick(seq=seq, known_ns=BASE + second, exchange_ns=BASE + second * SECOND_NS)
        made.append(chunk(seq, tick, order(seq, "o1"), bars=[bar(second - 1, (99, 101, 98, 100), seq=seq)]))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_joined_chunks_show_what_each_for_itself_would(view: LiveView, seed: int):
    chunks = busy_market(Random(seed))
    other = LiveView("demo")
    other.apply(chunk(1, *listings()))
    for one in chunks:
        view.apply(one)
    for one in merged(chunks):
        other.apply(one)
    names = [f"binance:{base}/USDT" for base in ("BTC", "ETH")]
    topics = ["orders", *(f"bars:{name}:{width}" for name in names for width in ("1s", "1m")), f"quotes:{names[1]}"]
    assert view.snapshot(topics) == other.snapshot(topics)
    assert {id: tape.rows().tolist() for id, tape in view.trades.items()} == {
        id: tape.rows().tolist() for id, tape in other.trades.items()
    }
    for name in ("last_price", "trades_seen", "counts", "known_ns", "last_seq"):
        assert getattr(view, name) == getattr(other, name), name
