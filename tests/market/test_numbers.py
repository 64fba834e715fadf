"""Decimal text to integers and back, and rounding toward a venue's step."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.market.numbers import (
    INT64_MAX,
    NotExact,
    decimals_of,
    digits_after_point,
    round_to_step,
    to_text,
    to_units,
)

INT64 = st.integers(-INT64_MAX, INT64_MAX)
DECIMALS = st.integers(0, 18)


@settings(settings.get_profile("money"))
@given(units=INT64, decimals=DECIMALS)
def test_text_and_back_is_the_same_number(units, decimals):
    text = to_text(units, decimals)
    assert to_units(text, decimals) == units
    assert Decimal(text) == Decimal(units).scaleb(-decimals)


@settings(settings.get_profile("money"))
@given(units=st.integers(-(10**17), 10**17), decimals=DECIMALS, zeros=st.integers(0, 12))
def test_zeros_behind_the_last_decimal_change_nothing(units, decimals, zeros):
    text = to_text(units, decimals)
    assert to_units((text if "." in text else text + ".") + "0" * zeros, decimals) == units


@pytest.mark.parametrize(
    "text", ["9223372036854775808", "-9223372036854775808", "99999999999999999999", "92233720368547758.08"]
)
def test_what_does_not_fit_into_64_bits_is_refused(text):
    with pytest.raises(NotExact, match="does not fit into 64 bits"):
        to_units(text, 2 if "." in text else 0)


@settings(settings.get_profile("money"))
@given(units=st.integers(-(10**15), 10**15), decimals=st.integers(0, 8), more=st.integers(1, 9))
def test_digits_below_the_unit_are_refused_never_rounded(units, decimals, more):
    text = to_text(units, decimals)
    with pytest.raises(NotExact, match="decimals"):
        to_units((text if "." in text else text + ".") + str(more), decimals)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".",
        "1e5",
        "1E-5",
        "+1",
        " 1",
        "1 ",
        "1_000",
        "0x10",
        "NaN",
        "inf",
        "1,5",
        "--1",
        "1.2.3",
        "\u0661",
        "1.-2",
    ],
)
def test_what_is_no_plain_decimal_is_refused(text):
    with pytest.raises(NotExact):
        to_units(text, 8)


@settings(settings.get_profile("money"))
@given(text=st.text(max_size=12), decimals=DECIMALS)
def test_any_text_is_a_number_or_refused(text, decimals):
    try:
        units = to_units(text, decimals)
    except NotExact:
        return
    assert Decimal(text) == Decimal(units).scaleb(-decimals)


@settings(settings.get_profile("money"))
@given(units=st.integers(-(10**12), 10**12), step=st.integers(1, 10**6))
def test_buys_are_rounded_down_and_sells_up_to_a_step(units, step):
    def exact(rounding: str) -> int:
        return int((Decimal(units) / step).to_integral_value(rounding)) * step

    assert round_to_step(units, step, side=1) == exact(ROUND_FLOOR)
    assert round_to_step(units, step, side=-1) == exact(ROUND_CEILING)


def test_decimals_of_a_step_are_those_it_needs():
    assert [decimals_of(step) for step in ("0.01000000", "1.00000000", "10", "0.00000001", "0.5")] == [2, 0, 0, 8, 1]
    assert [digits_after_point(text) for text in ("0.02097000", "12", "12.0", "0.1")] == [5, 0, 0, 1]
