"""How long a venue asks us to wait."""

import pytest

from ninefold.venues.questions import UNCLEAR_S, wait_seconds

NOON_S = 1_795_348_800.0  # Sun, 22 Nov 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        (None, UNCLEAR_S),
        ("", UNCLEAR_S),
        ("soon", UNCLEAR_S),
        ("-5", UNCLEAR_S),
        ("inf", UNCLEAR_S),
        ("1e9", UNCLEAR_S),
        ("\u0663", UNCLEAR_S),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_minute_when_it_says_nothing(said, seconds):
    assert wait_seconds(said, NOON_S) == seconds
