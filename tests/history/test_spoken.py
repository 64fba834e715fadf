"""The contract of downloads, for every venue whose REST is spoken in spoken/: what is stored is the truth to the last digit,
however often it was interrupted; the venue's limits are kept; a wrong end of a page is noticed.
"""

import random
from dataclasses import replace
from functools import cache

import pytest

from ninefold.history.table import HISTORIES
from ninefold.history.venue import CannotDownload

from .spoken.base import Speaker
from .spoken.downloading import differing, fetch, stored_bars, stored_trades, told_bars, told_trades
from .spoken.market import WIDTHS, Bar, Market
from .spoken.table import SPEAKERS

pytestmark = pytest.mark.slow

NAMED = {one.__name__: one for one in SPEAKERS}
ALWAYS = ("Bybit", "Deribit", "Okx")  # one whose pages are by time, one by number, one from the newest back
SHORT = 60  # bars
VENUES = pytest.mark.parametrize("speaker", NAMED.values(), ids=NAMED)
PAGED = pytest.mark.parametrize(  # two pages of Bitfinex are 10,017 bars
    "speaker",
    [pytest.param(one, id=name, marks=pytest.mark.torture if one.page > 2_000 else ()) for name, one in NAMED.items()],
)
SOME = pytest.mark.parametrize(
    "speaker",
    [pytest.param(one, id=name, marks=[] if name in ALWAYS else pytest.mark.torture) for name, one in NAMED.items()],
)
TRADING = pytest.mark.parametrize("speaker", [one for one in SPEAKERS if one.trades], ids=lambda one: one.__name__)


@pytest.fixture(autouse=True)
def at_once():
    """Venues keep their pauses here: the time of spoken/loop.py passes by itself."""


@cache
def speaking(speaker: type[Speaker], timeframe: str, slots: int, seed: int = 1) -> Speaker:
    """A venue in front of a market of so many bars. Nobody changes it, so it is made once for all tests that want the same."""
    made = Market(seed, WIDTHS[timeframe], slots, prices=speaker.prices, sizes=speaker.sizes, ids=speaker.ids)
    return speaker(made)


@cache
def short(speaker: type[Speaker]) -> type[Speaker]:
    """One of those above as if its pages were short: what goes wrong at their ends does not depend on how long they are."""
    return type(speaker.__name__, (speaker,), {"page": SHORT}) if speaker.__name__ in ALWAYS else speaker


@pytest.fixture
def brief(speaker: type[Speaker], monkeypatch: pytest.MonkeyPatch) -> type[Speaker]:
    """Such a venue, and the downloader told so."""
    made, history = short(speaker), HISTORIES[speaker.venue]
    if history.bars and made is not speaker:
        monkeypatch.setitem(HISTORIES, speaker.venue, replace(history, bars=replace(history.bars, page=SHORT)))
    return made


def several(speaker: type[Speaker], long: int = 500) -> int:
    """Bars of several pages: of three, or of two where those are long; of one way each to go through pages always of three."""
    return (2 if speaker.page <= long or speaker.__name__ in ALWAYS else 1) * speaker.page + 17


@VENUES
def test_the_contract_knows_all_that_the_venue_tells(speaker):
    history = HISTORIES[speaker.venue]
    assert (history.bars.timeframes if history.bars else ()) == speaker.timeframes
    assert bool(history.trades.untold) == (not speaker.trades)


@PAGED
@pytest.mark.parametrize("long", [500, pytest.param(1500, marks=pytest.mark.torture)])
def test_bars_of_several_pages_are_the_truth(speaker, long, tmp_path):
    for timeframe in speaker.timeframes[:1]:
        slots = several(speaker, long)
        venue = speaking(speaker, timeframe, slots)
        did = fetch(venue, tmp_path, timeframe)
        truth = told_bars(venue, timeframe)
        assert differing(stored_bars(tmp_path, timeframe, venue.market.span), truth) == []
        assert did.standing.complaints == []
        outcome = did.outcomes[timeframe]
        assert (outcome.asked, outcome.stored, outcome.missing) == (slots, len(truth), slots - len(truth))
        again = fetch(venue, tmp_path, timeframe)
        assert (again.outcomes[timeframe].stored, again.outcomes[timeframe].already) == (0, len(truth))
        assert differing(stored_bars(tmp_path, timeframe, venue.market.span), truth) == []
        assert len(again.standing.asked) <= 4, "the rules, where the first bar opens, and ends that are quiet"


@VENUES
@pytest.mark.parametrize(
    "which", [slice(-1, None), pytest.param(slice(1, -1), marks=pytest.mark.torture)], ids=["widest", "others"]
)
def test_every_timeframe_is_the_truth(speaker, which, tmp_path):
    for timeframe in speaker.timeframes[which]:
        venue = speaking(speaker, timeframe, 9 if timeframe == "1d" else 43)  # each day is a file in the store
        fetch(venue, tmp_path / timeframe, timeframe)
        assert (
            differing(stored_bars(tmp_path / timeframe, timeframe, venue.market.span), told_bars(venue, timeframe))
            == []
        )


@SOME
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(1, 6))])
def test_interrupted_anywhere_it_goes_on_to_the_same(speaker, brief, seed, tmp_path):
    """Cancelled at random questions, and told now and then that they are too many."""
    speaker = brief
    chance = random.Random(seed)
    timeframe = speaker.timeframes[0]
    venue = speaking(speaker, timeframe, several(speaker), seed)
    what = ("trades", timeframe) if speaker.trades else (timeframe,)
    cuts = 0
    while True:
        busy_at = frozenset(number for number in range(1, 40) if chance.random() < 0.2)
        did = fetch(venue, tmp_path, *what, busy_at=busy_at, cut_at=chance.randint(2, 5 + 5 * cuts))
        assert did.standing.complaints == []
        if did.outcomes:
            break
        cuts += 1
    assert differing(stored_bars(tmp_path, timeframe, venue.market.span), expected(venue, timeframe)) == []
    if speaker.trades:
        assert differing(stored_trades(tmp_path, venue.market.span), told_trades(venue)) == []


def expected(venue: Speaker, timeframe: str) -> dict[int, Bar]:
    """With trades, bars that are not told are made of them."""
    told = told_bars(venue, timeframe)
    return {**venue.market.bars(WIDTHS[timeframe], *venue.market.span), **told} if venue.trades else told


@TRADING
def test_trades_of_a_range_are_the_truth(speaker, tmp_path):
    venue = speaking(speaker, "1m", 2 * speaker.trade_page + 17)
    did = fetch(venue, tmp_path, "trades")
    truth = told_trades(venue)
    assert differing(stored_trades(tmp_path, venue.market.span), truth) == []
    assert did.standing.complaints == []
    outcome = did.outcomes["trades"]
    assert (outcome.asked, outcome.stored, outcome.holes) == (len(truth), len(truth), [])


@VENUES
def test_a_venue_that_asks_for_patience_gets_it(speaker, brief, tmp_path):
    """Nothing is asked before the time that Retry-After says, but for what was under way, and nothing is lost."""
    speaker = brief
    timeframe = speaker.timeframes[0]
    venue = speaking(speaker, timeframe, several(speaker) if speaker.__name__ in ALWAYS else 43)
    did = fetch(venue, tmp_path, timeframe, busy_at=frozenset({2, 4}))
    assert differing(stored_bars(tmp_path, timeframe, venue.market.span), told_bars(venue, timeframe)) == []
    said = venue.busy()
    wait_s = float(said.headers.get("Retry-After", "60")) if said.status == 429 else 0.0
    assert did.standing.was_busy
    for busy in did.standing.was_busy:
        assert [moment for moment, _ in did.standing.asked if busy + 0.001 < moment < busy + wait_s - 0.001] == []
    assert bool(did.told) == (said.status == 429)
    assert did.standing.complaints == []


@VENUES
def test_an_unknown_pair_is_refused_with_the_nearest_ones(speaker, tmp_path):
    wrong = speaker.pair.replace("BTC", "BTX")
    with pytest.raises(CannotDownload, match=f"{speaker.venue} has no pair '{wrong}'; near are .*{speaker.pair}"):
        fetch(speaking(speaker, "1m", 10), tmp_path, speaker.timeframes[0], pair=wrong)


@pytest.mark.parametrize(
    ("speaker", "wrong"),
    [
        pytest.param(one, wrong, id=f"{name}-{wrong}", marks=[] if name in ALWAYS else pytest.mark.torture)
        for name, one in NAMED.items()
        for wrong in one.noticed
    ],
)
def test_a_wrong_end_of_a_page_is_noticed(speaker, brief, wrong, tmp_path, monkeypatch):
    """Mutants of the parser: each stores something else than the truth, or asks for what the venue does not give."""
    speaker = brief
    timeframe = next(one for one in speaker.timeframes if one != "1s")  # of seconds nearly all are quiet
    made = (speaking(speaker, timeframe, several(speaker), seed) for seed in range(1, 99))
    venue = next(one for one in made if list(one.market.bars(WIDTHS[timeframe], *one.market.span).values())[-1].trades)
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
        assert differing(stored_bars(tmp_path, timeframe, venue.market.span), told_bars(venue, timeframe)) != []
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
