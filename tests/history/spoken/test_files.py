"""Files of archives that have no checksums of their own: what REST still tells of them proves them."""

import gzip
import random
from dataclasses import replace
from functools import cache

import pytest

from ninefold.history.table import HISTORIES
from ninefold.history.venue import CannotDownload

from . import gate, market
from .base import Said
from .downloading import differing, fetch, stored_bars, told_bars
from .gate import Gate
from .market import DAY, HOUR, MINUTE, Market
from .okx import Okx

pytestmark = pytest.mark.slow

OLDER = 400  # hours that Gate's REST tells no more
LATEST = 1_490  # of 9,990, which would take long


class GateFiles(Gate):
    files = True


@cache
def hours() -> Market:
    """From 2024-01-02 on, so many hours that the first of them are in files alone."""
    return Market(5, HOUR, LATEST + OLDER - 31, prices=GateFiles.prices, sizes=GateFiles.sizes)


@pytest.fixture(autouse=True)
def short_reach(monkeypatch):
    history = HISTORIES["gate"]
    monkeypatch.setitem(HISTORIES, "gate", replace(history, bars=replace(history.bars, latest=LATEST)))
    monkeypatch.setattr(gate, "POINTS_AGO", LATEST + 10)


def files_of(did) -> list[str]:
    return [path for _, path in did.standing.asked if path.endswith((".gz", ".zip"))]


def test_what_rest_tells_no_more_comes_from_files_whose_form_a_younger_one_proves(tmp_path):
    venue = GateFiles(hours())
    did = fetch(venue, tmp_path, "1h")
    assert differing(stored_bars(tmp_path, "1h", venue.market.span), told_bars(venue, "1h")) == []
    assert did.standing.complaints == []
    assert files_of(did) == [
        "/spot/candlesticks_1h/202402/BTC_USDT-202402.csv.gz",
        "/spot/candlesticks_1h/202401/BTC_USDT-202401.csv.gz",
    ]
    assert did.outcomes["1h"].holes == []
    again = fetch(venue, tmp_path, "1h")
    assert (files_of(again), again.outcomes["1h"].stored) == ([], 0)


@pytest.mark.parametrize("seed", range(3))
def test_interrupted_anywhere_files_and_answers_go_on_to_the_same(seed, tmp_path):
    venue, chance, cuts = GateFiles(hours()), random.Random(seed), 0
    while not (did := fetch(venue, tmp_path, "1h", cut_at=chance.randint(2, 5 + 5 * cuts))).outcomes:
        cuts += 1
    assert did.outcomes["1h"].missing == 0
    assert differing(stored_bars(tmp_path, "1h", venue.market.span), told_bars(venue, "1h")) == []


class QuoteVolume(GateFiles):
    def line(self, at, bar):
        return super().line(at, bar._replace(volume=(bar.volume * bar.close).quantize(bar.volume)))


class AnHourLate(GateFiles):
    def line(self, at, bar):
        return super().line(at + HOUR, bar)


class Empty(GateFiles):
    def _file(self, path):
        return Said(gzip.compress(b""))


class Torn(GateFiles):
    def _file(self, path):
        return Said(super()._file(path).body[:-9])


@pytest.mark.parametrize(
    ("speaker", "said"),
    [
        (
            QuoteVolume,
            "202402.csv.gz is not what gate tells by REST: a bar is .* there and .* by REST. Nothing of the file",
        ),
        (AnHourLate, "is not what gate tells by REST"),
        (Empty, "cannot be read"),
        (Torn, "cannot be read: .* the gzip has no end"),
    ],
)
def test_files_that_are_not_what_rest_tells_are_refused_and_nothing_of_them_is_stored(speaker, said, tmp_path):
    venue = speaker(hours())
    with pytest.raises(CannotDownload, match=said):
        fetch(venue, tmp_path, "1h")
    assert stored_bars(tmp_path, "1h", venue.market.span) == {}


class NoneYet(GateFiles):
    def _file(self, path):
        return Said("", 404)


def test_where_no_file_proves_the_form_older_bars_stay_missing(tmp_path):
    venue = NoneYet(hours())
    did = fetch(venue, tmp_path, "1h")
    told = told_bars(venue, "1h")
    stored = stored_bars(tmp_path, "1h", venue.market.span)
    assert (differing(stored, {at: told[at] for at in stored}), len(told) - len(stored)) == ([], OLDER)
    assert did.outcomes["1h"].missing == OLDER


class OkxFiles(Okx):
    files = True


def test_a_month_of_a_venue_whose_months_begin_elsewhere_is_a_file_and_one_page(tmp_path, monkeypatch):
    """From an hour before the month of UTC+8 until an hour after it; a bar stands twice in the file."""
    monkeypatch.setattr(market, "START", market.START + 29 * DAY + 15 * HOUR)
    venue = OkxFiles(Market(6, MINUTE, 29 * 1440 + 120, prices=OkxFiles.prices, sizes=OkxFiles.sizes))
    did = fetch(venue, tmp_path, "1m")
    assert differing(stored_bars(tmp_path, "1m", venue.market.span), told_bars(venue, "1m")) == []
    assert files_of(did) == ["/candlesticks/monthly/202402/BTC-USDT-SWAP-candlesticks-2024-02.zip"]
    assert did.outcomes["1m"].impossible == 0, "a row that comes again is no second bar"
    assert len(did.standing.asked) == 5, "the rules, the file, a page that proves it, and one on each side"
    assert did.standing.complaints == []
