"""The contract of downloads, for every venue whose REST is spoken in spoken/: what is stored is the truth to the last digit,
however often it was interrupted; the venue's limits are kept; a wrong end of a page is noticed.
"""

import random
from dataclasses import replace

import pytest

from ninefold.history.table import HISTORIES
from ninefold.history.venue import CannotDownload

from .spoken.base import Speaker
from .spoken.downloading import as_stored, fetch, stored_bars, stored_trades, told_bars
from .spoken.market import WIDTHS, Market
from .spoken.table import SPEAKERS

pytestmark = pytest.mark.slow

NAMED = {one.__name__: one for one in SPEAKERS}
VENUES = pytest.mark.parametrize("speaker", NAMED.values(), ids=NAMED)
TRADING = pytest.mark.parametrize("speaker", [one for one in SPEAKERS if one.trades], ids=lambda one: one.__name__)


@pytest.fixture(autouse=True)
def at_once():
    """Venues keep their pauses here: the time of spoken/loop.py passes by itself."""


def speaking(speaker: type[Speaker], timeframe: str, slots: int, seed: int = 1) -> Speaker:
    """A venue in front of a market of so many bars."""
    made = Market(seed, WIDTHS[timeframe], slots, prices=speaker.prices, sizes=speaker.sizes, ids=speaker.ids)
    return speaker(made)


@VENUES
def test_the_contract_knows_all_that_the_venue_tells(speaker):
    history = HISTORIES[speaker.venue]
    assert (history.bars.timeframes if history.bars else ()) == speaker.timeframes
    assert bool(history.trades.untold) == (not speaker.trades)


@VENUES
def test_bars_of_several_pages_are_the_truth(speaker, tmp_path):
    for timeframe in speaker.timeframes[:1]:
        venue = speaking(speaker, timeframe, 2 * speaker.page + 17)
        did = fetch(venue, tmp_path, timeframe)
        truth = told_bars(venue, timeframe)
        assert stored_bars(tmp_path, timeframe, venue.market.span) == truth
        assert did.standing.complaints == []
        known = sum(bar is not None for bar in truth.values())
        outcome = did.outcomes[timeframe]
        assert (outcome.stored, outcome.missing) == (known, outcome.asked - known)
        again = fetch(venue, tmp_path, timeframe)
        assert (again.outcomes[timeframe].stored, again.outcomes[timeframe].already) == (0, known)
        assert stored_bars(tmp_path, timeframe, venue.market.span) == truth
        assert len(again.standing.asked) <= 2, "the rules, and where the first bar opens"


@VENUES
def test_every_timeframe_is_the_truth(speaker, tmp_path):
    for timeframe in speaker.timeframes[1:]:
        venue = speaking(speaker, timeframe, 43)
        fetch(venue, tmp_path / timeframe, timeframe)
        assert stored_bars(tmp_path / timeframe, timeframe, venue.market.span) == told_bars(venue, timeframe)


@VENUES
@pytest.mark.parametrize("seed", range(3))
def test_interrupted_anywhere_it_goes_on_to_the_same(speaker, seed, tmp_path):
    """Cancelled at random questions, and told now and then that they are too many."""
    chance = random.Random(seed)
    timeframe = speaker.timeframes[0]
    venue = speaking(speaker, timeframe, 2 * speaker.page + 17, seed)
    what = ("trades", timeframe) if speaker.trades else (timeframe,)
    cuts = 0
    while True:
        busy_at = frozenset(number for number in range(1, 40) if chance.random() < 0.2)
        did = fetch(venue, tmp_path, *what, busy_at=busy_at, cut_at=chance.randint(1, 3 + cuts))
        assert did.standing.complaints == []
        if did.outcomes:
            break
        cuts += 1
    assert stored_bars(tmp_path, timeframe, venue.market.span) == expected(venue, timeframe)
    if speaker.trades:
        assert stored_trades(tmp_path, venue.market.span) == as_stored(venue.market.inside(*venue.market.span))


def expected(venue: Speaker, timeframe: str):
    """With trades, bars that are not told are made of them."""
    told = told_bars(venue, timeframe)
    if not venue.trades or venue.ids != "counted":
        return told
    made = venue.market.bars(WIDTHS[timeframe], *venue.market.span)
    return {open_ns: made[open_ns] if bar is None else bar for open_ns, bar in told.items()}


@TRADING
def test_trades_of_a_range_are_the_truth(speaker, tmp_path):
    venue = speaking(speaker, "1m", 2 * speaker.trade_page + 17)
    did = fetch(venue, tmp_path, "trades")
    truth = as_stored(venue.market.inside(*venue.market.span))
    assert stored_trades(tmp_path, venue.market.span) == truth
    assert did.standing.complaints == []
    outcome = did.outcomes["trades"]
    assert (outcome.asked, outcome.stored, outcome.holes) == (len(truth), len(truth), [])


@VENUES
def test_a_venue_that_asks_for_patience_gets_it(speaker, tmp_path):
    """Nothing is asked before the time that Retry-After says, and nothing is lost."""
    timeframe = speaker.timeframes[0]
    venue = speaking(speaker, timeframe, 2 * speaker.page + 17)
    did = fetch(venue, tmp_path, timeframe, busy_at=frozenset({2, 4}))
    assert stored_bars(tmp_path, timeframe, venue.market.span) == told_bars(venue, timeframe)
    wait_s = float(venue.busy().headers.get("Retry-After", "0"))
    moments = [moment for moment, _ in did.standing.asked]
    number = 4 if len(moments) > 4 else 2
    assert moments[number] - moments[number - 1] >= wait_s
    assert did.standing.complaints == []


@VENUES
def test_an_unknown_pair_is_refused_with_the_nearest_ones(speaker, tmp_path):
    base, slash, rest = speaker.pair.partition("/")
    with pytest.raises(CannotDownload, match=f"{speaker.venue} has no pair 'BTX/{rest}'; near are .*{speaker.pair}"):
        fetch(speaking(speaker, "1m", 10), tmp_path, speaker.timeframes[0], pair=f"BTX/{rest}")


@pytest.mark.parametrize(
    ("speaker", "wrong"),
    [pytest.param(one, wrong, id=f"{name}-{wrong}") for name, one in NAMED.items() for wrong in one.noticed],
)
def test_a_wrong_end_of_a_page_is_noticed(speaker, wrong, tmp_path, monkeypatch):
    """Mutants of the parser: each stores something else than the truth, or asks for what the venue does not give."""
    timeframe = speaker.timeframes[0]
    venue = speaking(speaker, timeframe, 2 * speaker.page + 17)
    history = HISTORIES[speaker.venue]
    bars, width_ns = history.bars, WIDTHS[timeframe]
    ask, read = bars.ask, bars.read
    mutants = {
        "ends early": replace(bars, ask=lambda of, name, start, end: ask(of, name, start, end - width_ns)),
        "begins late": replace(bars, ask=lambda of, name, start, end: ask(of, name, start + width_ns, end)),
        "more than a page": replace(bars, page=speaker.page + (1 if speaker.quiet == "told" else speaker.page)),
        "a bar beside": replace(bars, read=lambda of, width, body: beside(read(of, width, body), width)),
        "ends late": replace(bars, read=lambda of, width, body: read(of, width, body)[:-1]),
    }
    monkeypatch.setitem(HISTORIES, speaker.venue, replace(history, bars=mutants[wrong]))
    try:
        fetch(venue, tmp_path, timeframe)
        assert stored_bars(tmp_path, timeframe, venue.market.span) != told_bars(venue, timeframe)
    except CannotDownload:
        return


def beside(rows, width_ns):
    rows["open_ns"] += width_ns
    rows["close_ns"] += width_ns
    return rows


@pytest.mark.parametrize("speaker", [one for one in SPEAKERS if not one.trades], ids=lambda one: one.venue)
def test_a_venue_without_trades_of_the_past_says_so(speaker, tmp_path):
    with pytest.raises(CannotDownload, match=f"{speaker.venue} tells no trades of the past: .*It tells bars of 1"):
        fetch(speaking(speaker, "1m", 10), tmp_path, "trades")
