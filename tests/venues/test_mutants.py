"""Each planted fault fails the check of the contract that is named with it, and the true adapter passes that check."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ninefold.venues.entry import VenueEntry
from ninefold.venues.table import VENUES

from . import mutants, not_wanted
from .contract import book_is_right, given_twice, told_as_read
from .contract_faults import (
    a_lost_connection_empties_the_books,
    late_snapshots_find_what_waited,
    missing_changes_are_told,
    missing_trades_are_told,
    saved_anywhere,
)
from .contract_messages import every_digit_is_kept, nothing_breaks_it, samples_are_told
from .contract_published import PAIRS, pairs, published_as_told
from .hearing import Session, load
from .mutants import Raised, forgetful, with_books
from .reading import Deal, Told
from .readings.binance import READING, BinanceReading
from .readings.binance import Session as BinanceSession

SESSION = "raw/cryptofeed/BINANCE_2021-04-05.jsonl.gz"
MOST = 1200  # inputs; every book has its snapshot by then, and every fault shows

CAUGHT_ON_SESSIONS = [
    (mutants.TakerSidesSwapped, told_as_read),
    (mutants.BidsAndAsksSwapped, book_is_right),
    (mutants.BestBidAndAskSwapped, told_as_read),
    (mutants.TimesInMilliseconds, told_as_read),
    (mutants.BookTimesOfReceipt, told_as_read),
    (mutants.RowsOfTheWrongInstrument, told_as_read),
    (mutants.SizesThroughFloatCut, told_as_read),
    (mutants.RemovedLevelsKept, book_is_right),
    (mutants.SnapshotsOnTopOfTheOldBook, told_as_read),
    (mutants.LastLevelOfAFrameForgotten, book_is_right),
    (mutants.WaitingChangesKeepTheirSeq, told_as_read),
    (with_books(mutants.WaitingNotDropped), told_as_read),
    (with_books(mutants.WaitingForgotten), late_snapshots_find_what_waited),
    (mutants.DuplicatesLetThrough, given_twice),
    (with_books(mutants.NothingIsOld), given_twice),
    (mutants.GapsAlwaysTold, told_as_read),
    (mutants.GapsNotTold, missing_trades_are_told),
    (mutants.GapsNotTold, missing_changes_are_told),
    (mutants.OnlyGapsOfTradesTold, missing_changes_are_told),
    (mutants.GapsTooWide, missing_trades_are_told),
    (with_books(mutants.GapOfOneOverlooked), missing_changes_are_told),
    (with_books(mutants.AfterAGapAppliedOn), missing_changes_are_told),
    (mutants.BooksOutliveTheirConnection, a_lost_connection_empties_the_books),
    (forgetful("_trades.ids"), saved_anywhere),
    (forgetful("_last_ns"), saved_anywhere),
    (forgetful("_trades._unproven"), saved_anywhere),
    (forgetful("_trades._doubts"), saved_anywhere),
    (forgetful("_books"), saved_anywhere),
    (forgetful("_best_ids"), saved_anywhere),
    (forgetful("_registry"), saved_anywhere),
    (forgetful("seen"), saved_anywhere),
    (mutants.LateTradesForgotten, saved_anywhere),
]
CAUGHT_ON_MESSAGES = [
    (forgetful("_trades._connected"), samples_are_told),
    (forgetful("_rules"), samples_are_told),
    (mutants.LastDigitDropped, every_digit_is_kept),
    (mutants.SizesThroughFloat, every_digit_is_kept),
    (mutants.PricesReadAsFloat, every_digit_is_kept),
    (mutants.UnreadablePricesAreZero, every_digit_is_kept),
    (mutants.SizesBeyondTheLayout, every_digit_is_kept),
    (mutants.MalformedNotTold, every_digit_is_kept),
    (mutants.MalformedTradesTakeTheirId, every_digit_is_kept),
    (mutants.HalfOfAMalformedFrame, every_digit_is_kept),
    (mutants.MalformedRaises, nothing_breaks_it),
    (mutants.MalformedToldTwice, nothing_breaks_it),
    (mutants.MalformedFramesAreSeen, nothing_breaks_it),
    (mutants.MalformedFramesAreStamped, nothing_breaks_it),
]
SESSION_CHECKS = list({check: None for _, check in CAUGHT_ON_SESSIONS})
MESSAGE_CHECKS = list({check: None for _, check in CAUGHT_ON_MESSAGES})


def named(one: object) -> str:
    return getattr(one, "__name__", str(one))


def with_adapter(adapter: type) -> VenueEntry:
    return replace(VENUES["binance"], adapter=adapter)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def session(recording) -> Session:
    return load(recording(SESSION), MOST)


@pytest.mark.parametrize(("mutant", "check"), CAUGHT_ON_SESSIONS, ids=named)
def test_a_fault_is_caught_on_a_session(session, mutant, check):
    with pytest.raises(AssertionError):
        check(with_adapter(mutant), READING, session)


@pytest.mark.parametrize(("mutant", "check"), CAUGHT_ON_MESSAGES, ids=named)
def test_a_fault_is_caught_on_single_messages(mutant, check):
    with pytest.raises((AssertionError, Raised)):
        check(with_adapter(mutant), READING)


@pytest.mark.parametrize("check", SESSION_CHECKS, ids=named)
def test_the_true_adapter_passes_on_the_same_session(session, check):
    assert check(VENUES["binance"], READING, session)


@pytest.mark.parametrize("check", MESSAGE_CHECKS, ids=named)
def test_the_true_adapter_passes_on_the_same_messages(check):
    assert check(VENUES["binance"], READING)


class SwappedSession(BinanceSession):
    def frame(self, text: str) -> Iterator[Told]:
        for told in super().frame(text):
            yield told._replace(side=-told.side) if isinstance(told, Deal) else told


class SwappedReading(BinanceReading):
    def begin(self) -> SwappedSession:
        return SwappedSession()


def test_a_mistake_on_which_reading_and_adapter_agree_is_caught_by_what_others_expect(recording):
    published, unwanted = pairs(recording(PAIRS), "binance"), not_wanted.PAIRS["binance"]
    published_as_told(VENUES["binance"], READING, published, unwanted)
    with pytest.raises(AssertionError, match="should be"):
        published_as_told(with_adapter(mutants.TakerSidesSwapped), SwappedReading(), published, unwanted)
