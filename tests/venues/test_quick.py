"""The compiled short way tells what the adapters tell, to the byte, however the frames come and whatever is in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from statistics import median_low

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ninefold.config import Config, Venue
from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange, encode
from ninefold.journal.plain import Frames
from ninefold.journal.segment import Record, pack
from ninefold.market.chunk import Chunk
from ninefold.market.records import Gap
from ninefold.market.time import UNKNOWN_NS
from ninefold.services.parsers import collector_of
from ninefold.venues.collector import Collector
from ninefold.venues.quick import Quick
from ninefold.venues.quick_loop import median_low as low_median
from ninefold.venues.quick_names import NAME_WORDS, name_words, place_of
from ninefold.venues.quick_numbers import in_units

START_MS = 1_795_341_600_000
START_NS = START_MS * 10**6
COUNT = 250
BEHIND = b'5"5}' * 16  # nothing that stands behind the last record may be taken for a part of it
BASES = ("BTC", "ETH", "XTZ", "DOGE")


def binance(base: str, id: int, ms: int, price: str, size: str, buys: bool) -> str:
    return (
        f'{{"stream":"{base.lower()}usdt@trade","data":{{"e":"trade","E":{ms + 2},"s":"{base}USDT","t":{id},"p":"{price}",'
        f'"q":"{size}","T":{ms},"m":{"false" if buys else "true"},"M":true}}}}'
    )


def coinbase(base: str, id: int, ms: int, price: str, size: str, buys: bool) -> str:
    return (
        f'{{"type":"match","trade_id":{id},"maker_order_id":"3f6b1ac2-58a0-4bb7-8d1c-6f0f3f9a2a10",'
        f'"taker_order_id":"91d4fb0e-2f3d-4c4a-9a59-0d6c7e1b8a22","side":"{"sell" if buys else "buy"}","size":"{size}",'
        f'"price":"{price}","product_id":"{base}-USD","sequence":{id * 3},"time":"{_text(ms)}"}}'
    )


def kraken(base: str, id: int, ms: int, price: str, size: str, buys: bool) -> str:
    return (
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"{base}/USD","side":"{"buy" if buys else "sell"}",'
        f'"price":{price},"qty":{size},"ord_type":"limit","trade_id":{id},"timestamp":"{_text(ms)}"}}]}}'
    )


def best(base: str, id: int, bid: str, bid_size: str, ask: str, ask_size: str) -> str:
    """Of Binance."""
    said = f'"u":{id},"s":"{base}USDT","b":"{bid}","B":"{bid_size}","a":"{ask}","A":"{ask_size}"'
    return f'{{"stream":"{base.lower()}usdt@bookTicker","data":{{{said}}}}}'


WRITERS: dict[str, Callable[..., str]] = {"binance": binance, "coinbase": coinbase, "kraken": kraken}
OTHERS = {
    "binance": '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1795341600000,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}',
    "coinbase": '{"type":"heartbeat","sequence":9,"last_trade_id":101,"product_id":"BTC-USD","time":"2026-11-22T10:00:01.5Z"}',
    "kraken": '{"channel":"heartbeat"}',
}


def _text(ms: int) -> str:
    return f"{np.datetime64(ms, 'ms')}000Z"


def trades(venue: str, chance: random.Random, count: int = COUNT) -> Iterator[bytes]:
    """Trades mostly without holes, some twice, late, missing, of the future, or with a number that does not fit; others
    between them.
    """
    ids, ms = dict.fromkeys(BASES, 100), START_MS
    late: list[str] = []
    for _ in range(count):
        base, fate = chance.choice(BASES), chance.random()
        ms += chance.choice((0, 0, 1, 3, 40))
        price, size = f"{chance.randrange(1, 10**6)}.{chance.randrange(100):02d}", f"0.{chance.randrange(10**6):06d}"
        at = ms - chance.choice((0, 0, 0, 2000)) + (20_000 if fate > 0.995 else 0)
        made = WRITERS[venue](base, ids[base], at, price, size + "00" * (fate < 0.5), chance.random() < 0.5)
        ids[base] += 1
        if fate < 0.02:
            late.append(made)
        elif 0.02 < fate < 0.03:
            continue
        else:
            yield made.encode()
        if 0.03 < fate < 0.05:
            yield made.encode()
        if 0.05 < fate < 0.08:
            yield OTHERS[venue].encode()
        if venue == "binance" and chance.random() < 0.4:
            finer = "1" * (chance.random() < 0.01)  # than the rules allow
            yield best(chance.choice(BASES), chance.randrange(9), price + finer, size, "0.00", "7" + size).encode()
        if late and 0.08 < fate < 0.2:
            yield late.pop().encode()


def of(*venues: str) -> Collector:
    """A collector to which the venues have just told their rules and opened their lines, the first one leading."""
    entries = []
    for venue in venues:
        quote = "USDT" if venue == "binance" else "USD"
        entries.append(Venue(name=venue, pairs=tuple(f"{base}/{quote}" for base in BASES)))
    collector = collector_of(Config(venue=entries[0], capture=tuple(entries[1:])))
    for number, venue in enumerate(venues, 1):
        change = encode(ConnectionChange(venue, "market", "open", ""))
        collector.feed(Record(inputs.CONNECTION, number, number, START_NS, change))
    return collector


def both(venues: tuple[str, ...], runs: list[tuple[int, int, list[bytes]]]) -> None:
    """Feed runs of (number of the venue, receive_ns, payloads) one by one and in large steps: all must be alike, always."""
    slow, quick = of(*venues), of(*venues)
    quick.quicken(Quick)
    seq, lines = len(venues), len(venues)
    now = dict(enumerate(range(1, lines + 1), 1))  # venue to its connection
    for number, receive_ns, payloads in runs:
        if not payloads:  # the line is lost, and another one opened
            for state in ("lost", "open"):
                seq, lines = seq + 1, lines + (state == "open")
                now[number] = lines if state == "open" else now[number]
                change = encode(ConnectionChange(venues[number - 1], "market", state, ""))
                record = Record(inputs.CONNECTION, now[number], seq, receive_ns, change)
                same(quick.feed(record), slow.feed(record))
            continue
        connection = now[number]
        records = [
            Record(inputs.FRAME, connection, seq + place, receive_ns, payload)
            for place, payload in enumerate(payloads, 1)
        ]
        seq += len(payloads)
        packed = b"".join(pack(*record) for record in records)
        frames = Frames(
            np.frombuffer(packed + BEHIND, np.uint8), len(packed), len(records), connection, seq, receive_ns
        )
        want = [chunk for record in records for chunk in slow.feed(record)]
        have = quick.feed_frames(frames)
        same(have + quick.take(), want + slow.take())
        assert quick.take_lags().tolist() == slow.take_lags().tolist()
        for venue in venues:
            assert quick.take_outgoing(venue) == slow.take_outgoing(venue)
    assert quick.gathered.duplicates == slow.gathered.duplicates
    assert msgspec.msgpack.decode(quick.save()) == msgspec.msgpack.decode(slow.save())


def same(have: list[Chunk], want: list[Chunk]) -> None:
    assert len(have) == len(want)
    for one, other in zip(have, want, strict=True):
        assert (one.first_seq, one.last_seq, one.known_ns) == (other.first_seq, other.last_seq, other.known_ns)
        assert one.records == other.records
        assert one.arrays.keys() == other.arrays.keys()
        for kind, rows in one.arrays.items():
            assert rows.tolist() == other.arrays[kind].tolist(), kind


def cut(chance: random.Random, number: int, payloads: list[bytes]) -> list[tuple[int, int, list[bytes]]]:
    runs, now = [], START_NS
    while payloads:
        count = chance.choice((1, 1, 2, 7, 50, 200))
        now += chance.choice((0, 10**6, 30 * 10**6, 300 * 10**6, 12 * 10**9 * (chance.random() < 0.02)))
        runs.append((number, now, payloads[:count]))
        payloads = payloads[count:]
        if chance.random() < 0.05:
            runs.append((number, now, []))
    return runs


@pytest.mark.parametrize("venue", WRITERS)
@settings(settings.get_profile("long"))
@given(seed=st.integers(0, 2**32))
@pytest.mark.slow
def test_what_comes_the_short_way_is_what_the_adapter_tells(venue: str, seed: int) -> None:
    chance = random.Random(seed)
    both((venue,), cut(chance, 1, list(trades(venue, chance))))


@settings(settings.get_profile("long"))
@given(seed=st.integers(0, 2**32))
@example(seed=14513288)  # the offset of one that does not lead grows smaller within a run
@pytest.mark.slow
def test_three_venues_with_one_clock_are_told_alike(seed: int) -> None:
    chance = random.Random(seed)
    venues = tuple(chance.sample(list(WRITERS), 3))
    runs = [run for number, venue in enumerate(venues, 1) for run in cut(chance, number, list(trades(venue, chance)))]
    both(venues, sorted(runs, key=lambda run: run[1]))


@pytest.mark.parametrize("venue", WRITERS)
def test_most_messages_take_the_short_way(venue: str) -> None:
    collector = of(venue)
    counted: list[int] = []

    class Counted(Quick):
        def run(self, *arguments):
            run = super().run(*arguments)
            counted.append(run.count)
            return run

    collector.quicken(Counted)
    payloads = [
        WRITERS[venue](BASES[n % 2], 100 + n // 2, START_MS + n, "61203.10", "0.5", True).encode() for n in range(90)
    ]
    packed = b"".join(pack(inputs.FRAME, 1, n, START_NS, payload) for n, payload in enumerate(payloads, 2))
    collector.feed_frames(Frames(np.frombuffer(packed + bytes(64), np.uint8), len(packed), 90, 1, 91, START_NS))
    assert sum(counted) == 90 - len(BASES[:2])  # the first of each teaches
    collector.quicken(Quick)  # once more, as whoever does not know that it was done
    told = []
    for place in range(2):  # a hole would be told with the second
        later = WRITERS[venue](BASES[0], 145 + place, START_MS + 90, "61203.10", "0.5", True).encode()
        later_ns = START_NS + place * 10**9
        chunks = [*collector.feed(Record(inputs.FRAME, 1, 92 + place, later_ns, later)), *collector.take()]
        told += [record for chunk in chunks for record in chunk.records]
    assert not [record for record in told if isinstance(record, Gap)]


@pytest.mark.parametrize("venue", WRITERS)
def test_what_is_not_of_the_form_is_tried_ever_more_rarely_and_what_teaches_a_symbol_at_once(venue: str) -> None:
    collector = of(venue)
    starts: list[int] = []

    class Counted(Quick):
        def run(self, frames, *arguments):
            starts.append(frames.last_seq)
            return super().run(frames, *arguments)

    collector.quicken(Counted)
    first = [WRITERS[venue](base, 100, START_MS, "61203.10", "0.5", True).encode() for base in BASES]
    for seq, payload in enumerate([*first, *[OTHERS[venue].encode()] * 40], 2):
        packed = pack(inputs.FRAME, 1, seq, START_NS, payload)
        collector.feed_frames(Frames(np.frombuffer(packed + bytes(64), np.uint8), len(packed), 1, 1, seq, START_NS))
    teaching = [seq for seq in starts if seq < 2 + len(BASES)]
    assert teaching == [3, 4, 5]  # before the first one the venue's time is not known
    others = [seq - 6 for seq in starts if seq >= 6]
    assert others == [0, 2, 6, 14, 30]  # 1, 3, 7 and 15 between them, and never more


def test_trades_and_best_prices_between_them_are_one_run() -> None:
    collector = of("binance")
    runs: list[tuple[int, int]] = []

    class Counted(Quick):
        def run(self, *arguments):
            run = super().run(*arguments)
            runs.append((len(run.rows), len(run.quotes)))
            return run

    collector.quicken(Counted)
    payloads = [best("BTC", 7, "61203.10", "1.5", "61203.11", "2").encode()]  # before a trade has taught the symbol
    for n in range(30):
        payloads.append(binance("BTC", 100 + n, START_MS + n, "61203.10", "0.5", True).encode())
        payloads.append(best("BTC", n, "61203.10", "1.5", "61203.11", str(n)).encode())
    packed = b"".join(pack(inputs.FRAME, 1, n, START_NS, payload) for n, payload in enumerate(payloads, 2))
    frames = Frames(np.frombuffer(packed + bytes(64), np.uint8), len(packed), 61, 1, 62, START_NS)
    chunks = [*collector.feed_frames(frames), *collector.take()]
    assert runs == [(29, 30)]
    quotes = np.concatenate([chunk.rows("quotes") for chunk in chunks])
    (listed,) = collector.registry
    price, size = 10**listed.price_decimals, 10**listed.size_decimals
    assert quotes["ask_size"].tolist() == [2 * size, *(n * size for n in range(30))]
    prices = (6120310 * price // 100, 15 * size // 10, 6120311 * price // 100)
    assert set(quotes[["bid", "bid_size", "ask", "exchange_ns"]].tolist()) == {(*prices, UNKNOWN_NS)}
    assert quotes["seq"].tolist() == [2, *range(4, 63, 2)]


@pytest.mark.parametrize("count", [2_500, pytest.param(20_000, marks=pytest.mark.torture)])
@pytest.mark.parametrize("venue", [*WRITERS, "best"])
@pytest.mark.slow
def test_thousands_of_mutated_messages_are_read_as_the_adapter_reads_them_or_left_to_it(venue: str, count: int) -> None:
    chance = random.Random(count)
    payloads = []
    writer = WRITERS.get(venue, binance)
    for id in range(100, 100 + count):
        price = f"{chance.randrange(1, 10**5)}.10"
        good = writer("BTC", id, START_MS + id, price, "0.25000000", True).encode()
        told = best("BTC", id, price, "0.25000000", price, "12").encode() if venue == "best" else good
        payloads += [mutated(chance, told), told, good][: 3 if venue == "best" else 2]
    runs = [(1, START_NS + place * 10**6, payloads[place : place + 80]) for place in range(0, len(payloads), 80)]
    both((venue if venue in WRITERS else "binance",), runs)


@pytest.mark.parametrize("venue", WRITERS)
def test_a_side_that_is_neither_and_a_message_that_ends_early_are_left_to_the_adapter(venue: str) -> None:
    first, buy, sell = (
        WRITERS[venue]("BTC", id, START_MS + id, "61203.10", "0.5", buys).encode()
        for id, buys in ((100, True), (101, True), (101, False))
    )
    sides = [(b'm":false', b'm":folse'), (b'm":true', b'm":trye'), (b"sell", b"sall"), (b'"buy"', b'"bay"')]
    wrong = [one.replace(*side) for one in (buy, sell) for side in sides if side[0] in one]
    assert len(wrong) == 2
    for one in wrong:
        both((venue,), [(1, START_NS, [first, one, buy])])
    short = [buy[:length] for length in range(len(buy) + 1)]
    both((venue,), [(1, START_NS, [first]), *((1, START_NS + n, [one]) for n, one in enumerate(short))])


def mutated(chance: random.Random, payload: bytes) -> bytes:
    """One byte changed, gone or put in; nine in ten of those put in are such as the message has."""
    place = chance.randrange(len(payload))
    byte = bytes([chance.choice(payload) if chance.random() < 0.9 else chance.randrange(256)])
    return chance.choice(
        (
            payload[:place] + byte + payload[place + 1 :],
            payload[:place] + payload[place + 1 :],
            payload[:place] + byte + payload[place:],
        )
    )


def test_names_that_begin_alike_are_kept_apart() -> None:
    slots = np.zeros((128, NAME_WORDS + 1), np.uint64)
    names = [f"1000SATS{number}{'X' * (number % 15)}".encode() for number in range(60)]
    for row, name in enumerate(names):
        words = name_words(name)
        assert not slots[place_of(words, slots), 0]
        slots[place_of(words, slots)] = [*words, row]
    for row, name in enumerate(names):
        words = name_words(name)
        assert slots[place_of(words, slots)].tolist() == [*words, row]


@given(st.lists(st.integers(-(2**61), 2**61) | st.integers(-9, 9), min_size=1, max_size=300), st.integers(1, 300))
def test_the_median_is_the_low_one_of_the_first_values(values: list[int], count: int) -> None:
    count = min(count, len(values))
    assert low_median(np.array(values, np.int64), count) == median_low(values[:count])


@given(
    st.integers(0, 10**18 - 1) | st.integers(0, 999).map(lambda few: few * 10**15),
    st.integers(0, 18),
    st.integers(0, 18),
)
@example(6120310000000, 8, 4)  # "61203.10000000" in units of 0.0001
@example(61203105, 3, 2)  # half a unit too much
@example(9_223_372_036_854_775, 0, 3)  # the largest that fits, and the next one
@example(9_223_372_036_854_776, 0, 3)
@example(0, 18, 0)
def test_a_number_in_units_is_the_exact_one_or_none(digits: int, behind: int, decimals: int) -> None:
    exact = Fraction(digits * 10**decimals, 10**behind)
    fits = exact.denominator == 1 and exact < 2**63
    assert in_units(digits, behind, decimals) == (int(exact) if fits else -1)
