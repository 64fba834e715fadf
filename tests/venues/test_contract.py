"""What every venue's adapter must do, on its samples and on recorded sessions. Whole sessions, and messages that others have
published: test_every_session.py, test_every_message.py.

A venue takes part by its line in the table of venues, its samples and its reading in readings/.
"""

from functools import lru_cache
from pathlib import Path

import pytest

from ninefold.venues.table import VENUES

from . import readings
from .contract import book_is_right, given_twice, told_as_read
from .contract_faults import (
    a_lost_connection_empties_the_books,
    late_snapshots_find_what_waited,
    missing_changes_are_told,
    missing_trades_are_told,
    saved_anywhere,
)
from .contract_messages import every_digit_is_kept, nothing_breaks_it, samples_are_told
from .hearing import Session, load
from .readings import reading_of

FOLDER = Path(readings.__file__).parent
READ = [venue for venue in VENUES if (FOLDER / f"{venue}.py").exists()]
SESSION_CHECKS = {
    "everything is told as it is read, and nothing else": told_as_read,
    "the book is right after every frame": book_is_right,
    "a frame given twice changes nothing": given_twice,
    "a missing trade is told": missing_trades_are_told,
    "a missing book change is told": missing_changes_are_told,
    "late snapshots find what waited": late_snapshots_find_what_waited,
    "a lost connection empties the books": a_lost_connection_empties_the_books,
    "saved and loaded it goes on the same": saved_anywhere,
}
SAMPLE_CHECKS = {
    "samples are told as they are read": samples_are_told,
    "every digit is kept": every_digit_is_kept,
    "nothing breaks it": nothing_breaks_it,
}
MOST, THOROUGH_MOST = 150, 1500  # inputs of a session: each check goes over them again and again
both_forms = pytest.mark.parametrize(
    "thorough", [False, pytest.param(True, marks=pytest.mark.torture)], ids=["short", "thorough"]
)


SESSIONS = [(venue, name) for venue in READ for name in reading_of(venue).recordings]
ALIKE = (  # another session tells as much of the adapter: of these all is told as it is read, the rest is torture
    "raw/cryptofeed/BITSTAMP_2022-01-05.jsonl.gz",
    "raw/cryptofeed/OKX_2022-05-13.jsonl.gz",
    "orderbook/binance_spot_ethusdt_20240808.jsonl.gz",
)
HELD = [
    pytest.param(
        *(venue, name, check, thorough),
        marks=pytest.mark.torture if thorough or (name in ALIKE and check is not told_as_read) else (),
        id=f"{Path(name).name.partition('.')[0]}-{said}-{'thorough' if thorough else 'short'}",
    )
    for venue, name in SESSIONS
    for said, check in SESSION_CHECKS.items()
    for thorough in (False, True)
]


@pytest.mark.parametrize("venue", READ)
def test_the_table_names_just_the_sessions_that_it_is_held_against(venue: str) -> None:
    assert set(VENUES[venue].proof.sessions) == set(reading_of(venue).recordings)


@lru_cache(maxsize=3)  # all of one recording come one after the other
def session_of(path: Path, most: int) -> Session:
    return load(path, most)


@pytest.mark.parametrize("venue", VENUES)
def test_every_venue_has_a_reading(venue):
    assert venue in READ, (
        f"tests/venues/readings/{venue}.py is missing: read the venue's messages there as readings/binance.py does"
    )
    assert reading_of(venue).venue == venue


@pytest.mark.slow
@pytest.mark.parametrize(("venue", "name", "check", "thorough"), HELD)
def test_the_contract_holds_on_a_recorded_session(recording, venue, name, check, thorough):
    session = session_of(recording(name), THOROUGH_MOST if thorough else MOST)
    if not check(VENUES[venue], reading_of(venue), session):
        pytest.skip(f"{name} has no case of this")


@pytest.mark.slow
@both_forms
@pytest.mark.parametrize("check", SAMPLE_CHECKS.values(), ids=SAMPLE_CHECKS)
@pytest.mark.parametrize("venue", READ)
def test_the_contract_holds_on_single_messages(venue, check, thorough):
    assert check(VENUES[venue], reading_of(venue), thorough)
