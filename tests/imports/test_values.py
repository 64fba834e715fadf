"""Times, numbers, names and equal rows: the pure parts that every source shares."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.imports.mapping import ImportRefused, Mapping, fields_of, over, parse_mapping
from ninefold.imports.names import Names, Unnamed, unified_symbol
from ninefold.imports.numbers import scaled, whole_sum
from ninefold.imports.ordinals import ordinals
from ninefold.imports.times import nanoseconds
from ninefold.market.instruments import Registry, listed

MOMENT_NS = 1_700_000_000_123_456_789


def times(values, kind=None, unit="", zone=""):
    ns, reasons, found = nanoseconds(pa.array(values, kind), unit, zone, "time")
    return ns.tolist(), reasons, found


def test_a_number_of_thousands_of_digits_is_refused_as_one_row():
    units, reasons = scaled(pa.array(["9" * 5_000, "1.5", "0." + "0" * 5_000 + "1"]), 2, "price")
    assert units.tolist() == [0, 150, 0]
    assert [reasons[row].endswith("cannot be held with 2 decimals in 64 bits") for row in (0, 2)] == [True, True]
    assert 1 not in reasons


@pytest.mark.parametrize(("unit", "digits"), [("s", 9), ("ms", 6), ("us", 3), ("ns", 0)])
@pytest.mark.parametrize("write", [int, str], ids=["numbers", "text"])
def test_the_unit_of_whole_numbers_is_told_by_their_size(unit, digits, write):
    value = MOMENT_NS // 10**digits
    assert times([write(value)]) == ([value * 10**digits], {}, unit)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("1700000000.123456789", MOMENT_NS),
        ("1700000000123.5", 1_700_000_000_123_500_000),
        ("2023-11-14T22:13:20.123456789Z", MOMENT_NS),
        ("2023-11-14 22:13:20.123456+00", MOMENT_NS - 789),
        ("2023-11-15 00:13:20+02:00", 1_700_000_000_000_000_000),
    ],
)
def test_a_time_is_read_to_the_nanosecond(found, expected):
    assert times([found])[:2] == ([expected], {})


def test_floats_of_seconds_are_what_their_text_says():
    assert times([1617647602.123456])[0] == [1_617_647_602_123_456_000]


def test_two_units_in_one_column_are_refused_with_an_example_of_each():
    with pytest.raises(ImportRefused, match=r"1700000000000 \(ms\) and 1700000000000000 \(us\)"):
        times([1_700_000_000_000, 1_700_000_000_000_000])


def test_once_the_unit_is_known_a_time_in_another_is_a_refused_row():
    ns, reasons, _ = times([1_700_000_000_000, 1_700_000_000], unit="ms")
    assert ns[0] == 1_700_000_000_000_000_000
    assert reasons == {1: "time is 1700000000, no time between 2009 and 2100 in ms"}


def test_numbers_that_fit_no_unit_are_refused_and_a_missing_time_is_called_missing():
    assert times([5, None], pa.int64())[1] == {
        0: "time is 5, no time between 2009 and 2100 in s, ms, us or ns",
        1: "time is missing",
    }


@pytest.mark.parametrize(
    "column", [["2024-01-01 00:00:00"], [np.datetime64("2024-01-01", "us")]], ids=["text", "typed"]
)
def test_a_time_without_a_zone_is_refused_unless_utc_is_said(column):
    with pytest.raises(ImportRefused, match="no time zone"):
        times(column)
    assert times(column, zone="UTC")[:2] == ([1_704_067_200_000_000_000], {})


def test_one_time_that_cannot_be_read_does_not_spoil_the_others():
    ns, reasons, _ = times(["2024-01-01T00:00:00Z", "yesterday", None])
    assert ns[0] == 1_704_067_200_000_000_000
    assert sorted(reasons) == [1, 2]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["61203.10000000", "5e-05", "1E3"]), [6120310000000, 5000, 100000000000]),
        (pa.array([0.1, 5e-05, 61203.1]), [10000000, 5000, 6120310000000]),
        (pa.array([3, 4, 5]), [300000000, 400000000, 500000000]),
    ],
    ids=["text", "floats", "whole"],
)
def test_numbers_keep_every_digit(column, expected):
    units, reasons = scaled(column, 8, "price")
    assert (units.tolist(), reasons) == (expected, {})


@pytest.mark.parametrize(
    "text", ["0.123456789", "1e400", "99999999999999999999", "NaN", "1_0", " 1", "", "x", "inf", "--1"]
)
def test_a_number_that_cannot_be_held_exactly_is_a_refused_row_beside_a_good_one(text):
    units, reasons = scaled(pa.array([text, "2"]), 8, "size")
    assert units.tolist() == [0, 200_000_000]
    assert list(reasons) == [0]
    assert "size" in reasons[0]


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-90_000_000_000, max_value=90_000_000_000)
)
def test_any_decimal_with_eight_places_comes_back_exactly(value):
    units, reasons = scaled(pa.array([str(value), f"{value:f}"]), 8, "size")
    assert not reasons
    assert units.tolist() == [int(value.scaleb(8))] * 2


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_sums_are_exact_beyond_64_bits(values):
    assert whole_sum(np.array(values, np.int64)) == sum(values)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTC/USDT", "BTC/USDT"),
        ("BTC-USDT", "BTC/USDT"),
        ("BTC_USDT", "BTC/USDT"),
        ("btcusdt", "BTC/USDT"),
        ("BTC-USDT-PERP", "BTC/USDT:USDT"),
        ("BTC-USD-PERP", "BTC/USD:BTC"),
        ("BTC/USDT:USDT", "BTC/USDT:USDT"),
    ],
)
def test_symbols_become_what_ccxt_writes(symbol, expected):
    assert unified_symbol("binance", symbol) == expected


@pytest.mark.parametrize("symbol", ["XRPBUSD", "XBT", "BTC-PERPETUAL-X-Y", "US D"])
def test_a_symbol_that_could_be_two_things_or_nothing_is_refused(symbol):
    with pytest.raises(Unnamed, match="symbols"):
        unified_symbol("binance", symbol)


def test_what_is_listed_already_is_found_by_its_name_and_by_what_the_venue_calls_it():
    registry = Registry()
    known = registry.add(listed("bitmex", "XBTUSD", "BTC", "USD", symbol="BTC/USD:BTC"))
    names = Names(registry.current(), Mapping())
    assert names.find("bitmex", "XBTUSD") == known
    assert names.find("", "bitmex:BTC/USD:BTC") == known


def test_cryptofeeds_and_tardis_names_of_venues_become_ours_and_a_perpetual_is_settled_in_its_quote():
    found = Names([], Mapping()).find("binance-futures", "BTCUSDT")
    assert (found.name, found.kind, found.settle) == ("binanceusdm:BTC/USDT:USDT", "swap", "USDT")


def test_equal_rows_are_numbered_within_one_time_and_begin_anew_behind_it():
    numbers = ordinals("x", np.array([1, 1, 1, 2, 1]), [np.array([7, 8, 7, 7, 7])], {})
    assert numbers.tolist() == [0, 0, 1, 0, 0]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2)), max_size=30), st.lists(st.integers(0, 30), max_size=5))
def test_no_number_depends_on_where_batches_are_cut(rows, cuts):
    times = np.array([row[0] for row in rows], np.int64)
    keys = np.array([row[1] for row in rows], np.int64)
    whole = ordinals("x", times, [keys], {})
    carried: dict[str, object] = {}
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    parts = [ordinals("x", times[a:b], [keys[a:b]], carried) for a, b in pairwise(edges)]
    assert np.concatenate(parts).tolist() == whole.tolist()


def test_columns_are_known_by_their_names():
    fields = fields_of(
        Mapping(what="trades"), ["timestamp", "symbol", "side", "price", "amount", "id", "cost"], "x.csv"
    )
    assert fields == {
        "time": "timestamp",
        "price": "price",
        "size": "amount",
        "side": "side",
        "id": "id",
        "symbol": "symbol",
    }


@pytest.mark.parametrize(
    ("columns", "said", "expected"),
    [
        (["time", "price", "amount", "volume", "symbol"], {}, "amount and volume could both be 'size'"),
        (["time", "price", "symbol"], {}, "none of them is known as 'size' of trades"),
        (["time", "price", "size"], {}, "none of them names the instrument"),
        (["time", "price", "size"], {"columns": {"size": "qty"}}, "size is 'qty', which is not among them"),
        (["time", "price", "size"], {"columns": {"sise": "size"}}, "there is no field 'sise'"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_columns_there_are(columns, said, expected):
    with pytest.raises(ImportRefused, match=expected):
        fields_of(Mapping(what="trades", **said), columns, "x.csv")


def test_a_mapping_file_says_what_options_say_and_options_go_before_it():
    written = parse_mapping('what = "trades"\ntime_unit = "ms"\n[columns]\nprice = "px"\nsize = "qty"', "map.toml")
    found = over(Mapping(time_unit="us", columns={"price": "rate"}), written)
    assert (found.what, found.time_unit, found.columns) == ("trades", "us", {"price": "rate", "size": "qty"})


def test_a_wrong_key_in_a_mapping_file_names_those_there_are():
    with pytest.raises(ImportRefused, match=r"colums.*Keys of a mapping: what, instrument"):
        parse_mapping("[colums]", "map.toml")
