"""Bars from trades: what a quiet, a lost, a late and a healed second look like. Times in the tests are seconds."""

import msgspec
import numpy as np
import pytest

from ninefold.market.arrays import BAR_FLAT, BAR_OK, BAR_UNKNOWN, BUY, ID_INTEGER, SELL, empty, rows
from ninefold.market.bar_series import Part, fold, mean_of
from ninefold.market.bars import BarMaker
from ninefold.market.chunk import Chunk
from ninefold.market.instruments import listed
from ninefold.market.records import AnyRecord, Connection, Gap, Listed, Started, Tick
from ninefold.market.time import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, WEEK_NS, bar_open
from ninefold.market.values import MEAN

START = 1_700_000_100  # unix seconds, a whole quarter of an hour
S1, S5 = SECOND_NS, 5 * SECOND_NS
NAMES = ("open", "high", "low", "close", "volume", "trades", "state", "revision")


@pytest.fixture(autouse=True)
def unheld(monkeypatch):
    """Bars in doubt are called unknown at once; test_bars_held.py tells of the time they are given."""
    monkeypatch.setattr("ninefold.market.bars.HOLD_NS", 0)


class Market:
    """Feeds one BarMaker, a chunk an input, and keeps the bars it makes. Its connection opens at second 0."""

    def __init__(self, decided: frozenset[int] = frozenset()) -> None:
        self.maker = BarMaker(decided)
        self.coming = empty("bars")
        self.bars: list[np.ndarray] = []
        self.values: list[np.ndarray] = []
        self.seq = 0
        self.id = 0
        self.connection("open")
        self.tick(-10)
        self.tick(0)

    def trade(
        self, at: float, price: int, size: int = 1, side: int = BUY, instrument: int = 1, id: int | None = None
    ) -> None:
        self.seq += 1
        self.id = self.id + 1 if id is None else id
        row = (instrument, ns(at), ns(at), self.seq, ID_INTEGER, 0, self.id, price, size, side)
        self.feed(Chunk(self.seq, self.seq, ns(at), {"trades": rows("trades", [row])}))

    def tick(self, at: float) -> None:
        self.record(Tick(seq=self.seq + 1, known_ns=ns(at) + 7, exchange_ns=ns(at)))

    def connection(self, state: str, venue: str = "binance") -> None:
        self.record(Connection(seq=self.seq + 1, known_ns=0, venue=venue, name="market", state=state))

    def gap(
        self, start: float, end: float, healed: bool = False, ids: tuple[int, int] = (5, 6), instrument: int = 1
    ) -> None:
        from_id, to_id = ids
        self.record(
            Gap(
                seq=self.seq + 1,
                known_ns=0,
                instrument=instrument,
                stream="trades",
                from_id=from_id,
                to_id=to_id,
                from_ns=ns(start),
                to_ns=ns(end),
                healed=healed,
            )
        )

    def record(self, record: AnyRecord) -> None:
        self.seq += 1
        self.feed(Chunk(self.seq, self.seq, record.known_ns, records=[record]))

    def feed(self, chunk: Chunk) -> None:
        made = self.maker.step(chunk)
        self.coming = made.coming
        self.bars.append(made.rows("bars"))
        self.values.append(made.rows("values"))

    def told(self, width_ns: int, instrument: int = 1) -> dict[int, float]:
        """The mean price of every bar: second at which it opens to what was told, which is told once."""
        values = np.concatenate(self.values)
        assert set(values["term"].tolist()) <= {MEAN}
        mine = values[(values["width_ns"] == width_ns) & (values["instrument"] == instrument)]
        found = {int((row["close_ns"] - width_ns) // SECOND_NS) - START: float(row["value"]) for row in mine}
        assert len(found) == len(mine)
        return found

    def made(self, width_ns: int, instrument: int = 1) -> dict[int, tuple]:
        """The newest revision of every bar: second at which it opens to its values."""
        bars = np.concatenate(self.bars)
        mine = bars[(bars["width_ns"] == width_ns) & (bars["instrument"] == instrument)]
        return {int(bar["open_ns"] // SECOND_NS) - START: tuple(int(bar[name]) for name in NAMES) for bar in mine}

    def all(self, width_ns: int) -> list[tuple]:
        """(second, revision) of every bar in the order in which they became known."""
        bars = np.concatenate(self.bars)
        mine = bars[bars["width_ns"] == width_ns]
        return [(int(bar["open_ns"] // SECOND_NS) - START, int(bar["revision"])) for bar in mine]


def ns(second: float) -> int:
    return START * SECOND_NS + round(second * SECOND_NS)


@pytest.fixture
def market() -> Market:
    return Market()


def test_a_traded_second_is_finished_by_the_clock_and_its_grace_not_by_the_next_trade(market):
    market.trade(1.1, price=10, size=2)
    market.trade(1.5, price=12, size=3, side=SELL)
    market.trade(1.9, price=11, size=4)
    market.trade(2.1, price=99)
    market.tick(2.2)
    assert market.made(S1) == {}
    market.tick(2.3)
    assert market.made(S1) == {1: (10, 12, 10, 11, 9, 3, BAR_OK, 0)}
    [bar] = np.concatenate(market.bars)
    assert (bar["buy_volume"], bar["close_ns"], bar["known_ns"], bar["seq"]) == (6, ns(2), ns(2.3) + 7, market.seq)


def test_what_the_next_tick_finishes_is_told_ahead_to_those_who_decide_at_it():
    market = Market(frozenset({S1}))
    market.trade(1.1, price=10, size=2)
    market.trade(1.5, price=12, size=3)
    for tick, opens, volume in ((2.2, 1, 5), (3.2, 2, 0)):
        market.tick(tick - 0.1)
        assert not len(market.coming), "another tick comes before"
        market.tick(tick)
        ahead = market.coming.copy()
        assert (ahead["open_ns"].tolist(), ahead["volume"].tolist()) == ([ns(opens)], [volume])
        market.tick(tick + 0.1)
        ahead["seq"], ahead["known_ns"] = market.seq, ns(tick + 0.1) + 7
        assert market.bars[-1].tobytes() == ahead.tobytes()
    assert market.made(S1) == {1: (10, 12, 10, 12, 5, 2, BAR_OK, 0), 2: (12, 12, 12, 12, 0, 0, BAR_FLAT, 0)}


def test_nothing_is_told_ahead_where_nobody_decides(market):
    market.trade(1, price=10)
    market.tick(2.2)
    assert not len(market.coming)


def test_a_quiet_second_is_a_flat_bar_at_the_last_close(market):
    market.trade(1, price=10, size=2)
    market.tick(3.3)
    assert market.made(S1) == {1: (10, 10, 10, 10, 2, 1, BAR_OK, 0), 2: (10, 10, 10, 10, 0, 0, BAR_FLAT, 0)}


def test_a_second_with_lost_trades_is_unknown_and_shows_no_numbers(market):
    market.trade(1, price=10)
    market.gap(2, 2.5)
    market.trade(2.6, price=11)
    market.tick(4.3)
    unknown = (0, 0, 0, 0, 0, 0, BAR_UNKNOWN, 0)
    assert market.made(S1) == {1: (10, 10, 10, 10, 1, 1, BAR_OK, 0), 2: unknown, 3: (11, 11, 11, 11, 0, 0, BAR_FLAT, 0)}


def test_every_wider_bar_around_a_lost_trade_is_unknown(market):
    for second in range(60):
        market.trade(second, price=100 + second)
    market.gap(7.2, 7.3)
    market.tick(61)
    fives, minutes = market.made(S5), market.made(MINUTE_NS)
    assert fives[5][6] == BAR_UNKNOWN
    assert [fives[at][6] for at in range(0, 60, 5) if at != 5] == [BAR_OK] * 11
    assert minutes == {0: (0, 0, 0, 0, 0, 0, BAR_UNKNOWN, 0)}


def test_a_late_trade_restates_its_second_and_every_wider_bar_that_is_finished(market):
    for second in range(10):
        market.trade(second, price=100 + second)
    market.tick(10.3)
    assert market.made(S5)[0] == (100, 104, 100, 104, 5, 5, BAR_OK, 0)
    market.trade(3.5, price=200, size=7)
    assert len(market.all(S1)) == 10
    market.tick(10.4)
    assert market.made(S1)[3] == (103, 200, 103, 200, 8, 2, BAR_OK, 1)
    assert market.made(S5)[0] == (100, 200, 100, 104, 12, 6, BAR_OK, 1)
    assert market.made(S5)[5] == (105, 109, 105, 109, 5, 5, BAR_OK, 0)
    assert market.all(S1)[10:] == [(3, 1)]


def test_a_late_trade_in_a_quiet_second_moves_the_flat_bars_behind_it(market):
    market.trade(0, price=10)
    market.trade(4, price=50)
    market.tick(5.3)
    market.trade(1.5, price=20)
    market.tick(5.4)
    assert market.made(S1) == {
        0: (10, 10, 10, 10, 1, 1, BAR_OK, 0),
        1: (20, 20, 20, 20, 1, 1, BAR_OK, 1),
        2: (20, 20, 20, 20, 0, 0, BAR_FLAT, 1),
        3: (20, 20, 20, 20, 0, 0, BAR_FLAT, 1),
        4: (50, 50, 50, 50, 1, 1, BAR_OK, 0),
    }


def test_a_second_late_trade_gives_the_next_revision(market):
    market.trade(0, price=10)
    market.tick(1.3)
    for revision in (1, 2, 3):
        market.trade(0.5, price=10 + revision)
        market.tick(1.3 + revision / 10)
        assert market.made(S1)[0] == (
            10,
            10 + revision,
            10,
            10 + revision,
            1 + revision,
            1 + revision,
            BAR_OK,
            revision,
        )


def test_a_late_trade_takes_its_place_by_time_and_id_not_by_arrival(market):
    market.trade(0.5, price=10, id=20)
    market.trade(0.2, price=8, id=18)
    market.trade(0.5, price=9, id=19)
    market.tick(1.3)
    assert market.made(S1)[0] == (8, 10, 8, 10, 3, 3, BAR_OK, 0)


def test_a_healed_gap_turns_unknown_bars_into_true_ones(market):
    for second in (0, 1, 3, 4):
        market.trade(second, price=10 + second, id=10 + second)
    market.gap(2, 2.9, ids=(12, 12))
    market.tick(5.3)
    assert market.made(S1)[2][6] == BAR_UNKNOWN
    assert market.made(S5)[0][6] == BAR_UNKNOWN
    market.trade(2.5, price=99, id=12)
    market.gap(0, 0, healed=True, ids=(12, 14))
    market.tick(5.4)
    assert market.made(S1)[2] == (99, 99, 99, 99, 1, 1, BAR_OK, 1)
    assert market.made(S5)[0] == (10, 99, 10, 14, 5, 5, BAR_OK, 1)
    assert market.made(S1)[1] == (11, 11, 11, 11, 1, 1, BAR_OK, 0)


def test_healing_one_gap_leaves_a_later_one_unknown(market):
    for second, id in ((0, 10), (2, 13), (4, 20)):
        market.trade(second, price=10, id=id)
    market.gap(0.1, 0.9, ids=(11, 12))
    market.gap(3.1, 3.9, ids=(14, 19))
    market.tick(5.3)
    market.gap(0, 0, healed=True, ids=(11, 13))
    market.tick(5.4)
    made = market.made(S1)
    assert made[0][6] == BAR_OK
    assert made[3][6] == BAR_UNKNOWN


def test_a_lost_connection_makes_bars_unknown_until_it_is_proven_that_nothing_was_missed(market):
    market.trade(0, price=10)
    market.tick(1.5)
    market.connection("lost")
    market.tick(4.3)
    assert [market.made(S1)[at][6] for at in range(4)] == [BAR_OK, BAR_UNKNOWN, BAR_UNKNOWN, BAR_UNKNOWN]
    market.connection("open")
    market.trade(4.4, price=11, id=2)
    market.gap(0, 0, healed=True, ids=(2, 1))
    market.tick(5.3)
    made = market.made(S1)
    assert [made[at][6:] for at in range(5)] == [(BAR_OK, 0), (BAR_FLAT, 1), (BAR_FLAT, 1), (BAR_FLAT, 1), (BAR_OK, 0)]


def test_a_gap_after_a_lost_connection_ends_the_doubt_where_the_trades_go_on(market):
    market.trade(0, price=10)
    market.tick(1.5)
    market.connection("lost")
    market.tick(2.3)
    market.connection("open")
    market.trade(3.2, price=11, id=9)
    market.gap(0, 3.2, ids=(2, 8))
    market.trade(4.5, price=12, id=10)
    market.tick(6.3)
    made = market.made(S1)
    assert [made[at][6] for at in range(6)] == [BAR_UNKNOWN] * 4 + [BAR_OK, BAR_FLAT]


def test_a_restart_is_a_lost_connection(market):
    market.trade(0, price=10)
    market.tick(1.5)
    market.record(Started(seq=market.seq + 1, known_ns=0, run="again"))
    market.tick(3.3)
    assert [market.made(S1)[at][6] for at in range(3)] == [BAR_OK, BAR_UNKNOWN, BAR_UNKNOWN]


def test_the_second_in_which_the_connection_opened_is_unknown():
    market = Market()
    market.connection("open")
    market.tick(0.4)
    market.trade(0.6, price=10)
    market.trade(1.2, price=11)
    market.tick(2.3)
    assert market.made(S1)[0][6] == BAR_UNKNOWN
    assert market.made(S1)[1] == (11, 11, 11, 11, 1, 1, BAR_OK, 0)


def test_an_instrument_first_seen_after_a_reconnect_is_known_only_from_then_on(market):
    market.trade(0.5, price=10)
    market.tick(70.4)
    market.connection("lost")
    market.connection("open")
    market.tick(70.7)
    market.trade(70.9, price=20, instrument=2)
    market.trade(71.5, price=21, instrument=2)
    market.tick(120.3)
    made = market.made(S1, instrument=2)
    assert made[70][6] == BAR_UNKNOWN
    assert made[71] == (21, 21, 21, 21, 1, 1, BAR_OK, 0)
    assert market.made(MINUTE_NS, instrument=2)[60][6] == BAR_UNKNOWN


def test_an_instrument_whose_first_trades_were_fetched_is_known_from_the_next_second_on_once_none_is_missing(market):
    market.connection("lost")
    market.connection("open")
    market.tick(7.9)
    market.trade(2.5, price=20, id=42)
    market.trade(4.5, price=21, id=43)
    market.tick(9.3)
    market.gap(4.5, 4.5, healed=True, ids=(43, 43))  # says nothing of what was before 43
    market.gap(0, 7.9, healed=True, ids=(0, 0))
    market.tick(9.4)
    assert [market.made(S1)[at][6] for at in range(2, 9)] == [BAR_UNKNOWN] * 6 + [BAR_FLAT]
    market.gap(4.5, 4.5, healed=True, ids=(42, 43))
    market.tick(9.5)
    states = [market.made(S1)[at][6] for at in range(2, 9)]
    assert states == [BAR_UNKNOWN, BAR_FLAT, BAR_OK, *[BAR_FLAT] * 4]
    assert market.made(S1)[3] == (20, 20, 20, 20, 0, 0, BAR_FLAT, 1)
    assert market.made(S1)[7] == (21, 21, 21, 21, 0, 0, BAR_FLAT, 1)
    assert market.made(S5)[0][6] == BAR_UNKNOWN


def test_a_lost_connection_of_one_venue_leaves_the_bars_of_another_alone(market):
    for id, venue in ((1, "binance"), (2, "kraken")):
        instrument = msgspec.structs.replace(listed(venue, "BTCUSDT", "BTC", "USDT"), id=id)
        market.record(Listed(seq=0, known_ns=0, instrument=instrument))
    market.connection("open", venue="kraken")
    market.tick(0.9)
    for instrument in (1, 2):
        market.trade(1.5, price=10, instrument=instrument)
    market.connection("lost", venue="kraken")
    market.tick(4.3)
    assert [bar[6] for bar in market.made(S1, instrument=1).values()] == [BAR_OK, BAR_FLAT, BAR_FLAT]
    assert [bar[6] for bar in market.made(S1, instrument=2).values()] == [BAR_UNKNOWN, BAR_UNKNOWN, BAR_UNKNOWN]
    market.connection("open", venue="kraken")
    market.tick(5.3)
    assert market.made(S1, instrument=1)[4][6] == BAR_FLAT


def test_nothing_is_known_while_no_connection_was_ever_open():
    market = Market.__new__(Market)
    market.maker, market.bars, market.values, market.seq, market.id = BarMaker(), [], [], 0, 0
    market.trade(0, price=10)
    market.tick(2.3)
    assert [bar[6] for bar in market.made(S1).values()] == [BAR_UNKNOWN, BAR_UNKNOWN]


def test_a_wider_bar_opens_with_its_first_trade_and_is_flat_only_if_all_of_it_is(market):
    market.trade(0, price=10)
    market.trade(7, price=30)
    market.trade(8, price=20)
    market.tick(20.3)
    assert market.made(S5) == {
        0: (10, 10, 10, 10, 1, 1, BAR_OK, 0),
        5: (30, 30, 20, 20, 2, 2, BAR_OK, 0),
        10: (20, 20, 20, 20, 0, 0, BAR_FLAT, 0),
        15: (20, 20, 20, 20, 0, 0, BAR_FLAT, 0),
    }


def test_a_bar_carries_the_best_quote_as_it_was_known_when_it_was_finished(market):
    market.trade(0, price=10)
    for bid in (8, 9):
        market.seq += 1
        row = (1, ns(0), ns(0), market.seq, market.seq, bid, 5, 11, 6)
        market.feed(Chunk(market.seq, market.seq, ns(0), {"quotes": rows("quotes", [row])}))
    market.tick(1.3)
    [bar] = np.concatenate(market.bars)
    assert [bar[name] for name in ("bid", "bid_size", "ask", "ask_size")] == [9, 5, 11, 6]


def test_a_trade_that_comes_after_its_bars_were_forgotten_is_counted_and_changes_nothing(market):
    market.trade(0, price=10)
    for second in range(1, 2000):
        market.trade(second, price=10)
        market.tick(second + 0.3)
    before = len(np.concatenate(market.bars))
    market.trade(1.5, price=99)
    market.tick(2000)
    assert market.maker.too_late == 1
    assert not (np.concatenate(market.bars)[before:]["revision"] > 0).any()


def test_the_oldest_second_that_is_kept_restates_wider_bars_from_all_their_seconds(market):
    for second in range(1203):
        market.trade(second, price=10)
        market.tick(second + 1.3)
    for second in range(280, 320):
        market.trade(second + 0.5, price=20)
    market.tick(1203.4)
    restated = {at: bar for at, bar in market.made(S5).items() if bar[7]}
    assert restated
    taken = {at for at, bar in market.made(S1).items() if bar[7]}
    for at, bar in restated.items():
        assert bar[4] == 5 + len(taken & set(range(at, at + 5))), at


def test_instruments_do_not_touch_each_other(market):
    market.trade(0, price=10, instrument=1)
    market.trade(0, price=50, instrument=2)
    market.gap(0.5, 0.6, instrument=2)
    market.tick(1.3)
    assert market.made(S1, 1)[0] == (10, 10, 10, 10, 1, 1, BAR_OK, 0)
    assert market.made(S1, 2)[0][6] == BAR_UNKNOWN


@pytest.mark.parametrize(
    ("width_ns", "moment", "opens"),
    [
        (HOUR_NS, "2024-08-08T23:59:59.999999999", "2024-08-08T23"),
        (DAY_NS, "2024-08-08T23:59:59.999999999", "2024-08-08"),
        (WEEK_NS, "2024-08-11T23:59:59.999999999", "2024-08-05"),  # a Sunday and its Monday
        (WEEK_NS, "2024-08-12T00", "2024-08-12"),
        (WEEK_NS, "1969-12-31T00", "1969-12-29"),
    ],
)
def test_days_begin_at_midnight_and_weeks_on_monday(width_ns, moment, opens):
    time_ns = int(np.datetime64(moment, "ns").astype(np.int64))
    assert bar_open(time_ns, width_ns) == int(np.datetime64(opens, "ns").astype(np.int64))


def test_the_mean_price_is_told_of_each_bar_as_it_was_first_known():
    market = Market()
    market.trade(1.1, 10, size=1, id=2)
    market.trade(1.5, 14, size=3, id=3)
    market.trade(1.0, 12, size=2, id=1)  # it came later and is the open
    market.tick(3.5)
    market.trade(1.9, 99, size=9, id=4)  # restates the second, of which nothing is told again
    market.trade(5.0, 20, size=4, id=5)
    market.trade(7.0, 30, size=4, id=6)
    market.gap(8, 9)
    market.tick(10.5)
    seconds = market.told(S1)
    assert seconds[1] == pytest.approx((10 * 1 + 14 * 3 + 12 * 2) / 6)
    assert (seconds[2], seconds[5], seconds[6], seconds[7]) == (14.0, 20.0, 20.0, 30.0)  # a quiet one has its one price
    assert not {8, 9} & set(seconds)  # trades may have been missed
    assert 5 not in market.told(S5)  # which holds for what is made of them


def test_the_mean_price_of_a_wider_bar_is_that_of_all_its_trades():
    market = Market()
    for at, price, size in ((5.0, 7, 3), (5.5, 9, 1), (7.0, 30, 4), (9.9, 8, 2)):
        market.trade(at, price, size=size)
    market.tick(10.5)
    assert market.told(S5)[5] == pytest.approx((21 + 9 + 120 + 16) / 10)


def test_where_all_trades_are_at_one_price_the_mean_is_that_price_exactly():
    part = Part(3, 3, 3, 3, 7, 7, 1, BAR_OK, 0, (1, 1), (1, 1), 0.0)
    for number in range(2, 50):
        fold(part, number, number, 3, number * 10**15 + 1, BUY)
    assert mean_of(part) == 3.0
    fold(part, 50, 50, 4, 10**17, BUY)
    assert 3.0 < mean_of(part) < 4.0


def test_a_bar_that_an_older_version_began_has_no_mean_price():
    fields = msgspec.to_builtins(Part(3, 5, 3, 4, 7, 7, 2, BAR_OK, 0, (1, 1), (2, 2), 1.0))
    begun = msgspec.msgpack.decode(msgspec.msgpack.encode(fields[:-1]), type=Part)
    fold(begun, 3, 3, 9, 1, BUY)
    assert np.isnan(mean_of(begun)) and begun.volume == 8
