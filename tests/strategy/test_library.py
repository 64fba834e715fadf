"""Every strategy of the library keeps the formulas' contract, differs from all others and trades on recorded markets."""

import inspect
import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from ninefold.formula import Evaluator, batch, parse, sources
from ninefold.strategy import default_strategies, library, load_modules, parameters_of, plan_of, targets
from ninefold.strategy.library import FAMILIES as MODULES

from .page import FAMILIES, PAGE, page
from .recorded import SCALE as RECORDED
from .recorded import Played, five_minutes, hours, play, seconds, venues
from .walk import SCALE, cut, row, walk

KINDS = library()
PLANS = {name: plan_of(kind) for name, kind in KINDS.items()}
LIBRARY = {name: one for name, one in PLANS.items() if one.form == "target"}
OTHERS = {name: one for name, one in PLANS.items() if name not in LIBRARY}  # legs and quotes
ALONE = {name: one for name, one in LIBRARY.items() if not sources([one.target])}  # the bars of one market are enough
BOOK = {"buy_volume", "trades", "spread", "microprice", "imbalance", "one_upping"}
BARS = 300  # five minutes of 1s bars
every_default = pytest.mark.parametrize("one", default_strategies(), ids=lambda one: one.name)


@pytest.fixture(scope="module")
def streamed() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A market with two unknown bars, and all targets at each close, one bar at a time."""
    columns = walk(BARS)
    for values in columns.values():
        values[[100, 180]] = np.nan
    live = Evaluator([one.target for one in ALONE.values()], SCALE)
    return columns, np.array([live.update(row(columns, index)) for index in range(BARS)]).T


@pytest.fixture(scope="module")
def played(recording) -> dict[str, Played]:
    """What all strategies want on the recorded markets. Those that read the book or the trades are judged on a recorded
    book, those that read another venue on two venues, the others on candles."""
    candles = {name: one for name, one in ALONE.items() if BOOK.isdisjoint(one.target.columns)}
    book = {name: one for name, one in ALONE.items() if name not in candles}
    return {
        "hours": play(hours(recording, 3_000), candles),
        "five minutes": play(five_minutes(recording, 2_000), candles),
        "seconds": play(seconds(recording), book),
        "venues": play(venues(recording, 2_000), {name: LIBRARY[name] for name in LIBRARY.keys() - ALONE.keys()}),
    }


def changes(wanted: np.ndarray) -> int:
    known = wanted[~np.isnan(wanted)]
    return int((np.diff(known) != 0).sum())


def test_there_are_at_least_150_strategies_of_all_families():
    assert len(KINDS) >= 150
    assert {kind.family for kind in KINDS.values()} == FAMILIES.keys()
    assert min(sum(kind.family == family for kind in KINDS.values()) for family in FAMILIES) >= 6


def test_every_strategy_says_what_it_does_and_where_the_idea_is_from():
    for name, one in PLANS.items():
        assert one.description.endswith("."), name
        assert re.search(r"common practice: \w|\((18|19|20)\d\d\)|\w+\.\w+/", one.source), name
        for term in one.terms:
            assert parse(str(term)) == term, name


def test_a_strategy_is_a_few_lines():
    for family in MODULES:
        assert len(inspect.getsource(family).splitlines()) / len(load_modules([family])) <= 18, family


@pytest.mark.slow
def test_every_parameter_may_stand_anywhere_in_its_range():
    for kind in KINDS.values():
        ranges = parameters_of(kind)
        plan_of(kind, {name: one.least for name, one in ranges.items()})
        plan_of(kind, {name: one.most for name, one in ranges.items()})
        for name, one in ranges.items():
            plan_of(kind, {name: one.least})
            plan_of(kind, {name: one.most})


def test_no_two_are_the_same_formula_up_to_their_numbers():
    forms: dict[str, list[str]] = {}
    for name, one in PLANS.items():
        forms.setdefault(re.sub(r"(?<![a-z_0-9])-?\d+(\.\d+)?(e-?\d+)?", "#", one.text), []).append(name)
    assert [names for names in forms.values() if len(names) > 1] == []


@pytest.mark.slow
def test_targets_lie_between_short_and_long_and_are_unknown_in_the_warm_up(played):
    for market in played.values():
        for name, wanted in market.wanted.items():
            assert np.isnan(wanted[: LIBRARY[name].target.warm_up]).all(), name
            assert not (np.abs(wanted) > 1).any(), name


@pytest.mark.slow
def test_every_strategy_trades_on_a_recorded_market_or_says_truly_why_not(played):
    silent = [name for name in LIBRARY if max(changes(p.wanted.get(name, np.zeros(1))) for p in played.values()) < 2]
    assert silent == [name for name, kind in KINDS.items() if kind.unrecorded and name in LIBRARY]
    recorded = set().union(*(one.market.columns for one in played.values()))
    lacking = {name: LIBRARY[name].target.columns - recorded for name in silent}
    assert [name for name, columns in lacking.items() if not columns] == ["one_upper_leans"]
    assert np.nanmax(played["seconds"].market.columns["one_upping"]) < LIBRARY["one_upper_leans"].parameters[0][1]
    for name, columns in lacking.items():
        assert all(column in KINDS[name].unrecorded for column in columns), name


@pytest.mark.slow
def test_no_two_targets_are_correlated_by_95_percent_or_more_on_the_recordings(played):
    alike = []
    for market in played.values():
        moving = {name: np.nan_to_num(wanted) for name, wanted in market.wanted.items() if changes(wanted) >= 2}
        found = np.corrcoef(np.array(list(moving.values())))
        for (i, one), (j, other) in combinations(enumerate(moving), 2):
            if abs(found[i, j]) >= 0.95:
                alike.append((one, other, found[i, j]))
    assert alike == []


@pytest.mark.slow
def test_a_strategy_that_goes_short_says_so_and_one_that_does_not_says_when_it_is_flat(played, streamed):
    lowest = dict(zip(ALONE, np.nanmin(np.nan_to_num(streamed[1]), axis=1), strict=True))
    for market in played.values():
        for name, wanted in market.wanted.items():
            lowest[name] = min(lowest.get(name, 0.0), np.nan_to_num(wanted).min())
    for name, least in lowest.items():
        said = LIBRARY[name].description.lower()
        assert "short" in said if least < 0 else "short" in said or "flat" in said, name
        assert "long" in said or "flat" in said, name


@pytest.mark.slow
def test_one_bar_at_a_time_equals_all_at_once_and_a_restart_equals_never_having_stopped(streamed):
    columns, values = streamed
    terms = [one.target for one in ALONE.values()]
    whole = Evaluator(terms, SCALE).warm(columns)
    np.testing.assert_array_equal(values, whole)
    restarted = Evaluator(terms, SCALE)
    restarted.warm(cut(columns, 0, 230))
    later = np.array([restarted.update(row(columns, index)) for index in range(230, BARS)]).T
    np.testing.assert_array_equal(later, values[:, 230:])


@pytest.mark.slow
def test_one_bar_at_a_time_goes_on_from_recorded_history_to_the_same_bits(played):
    found = played["hours"]
    columns, n = found.market.columns, len(found.market.known_ns)
    series = Evaluator([LIBRARY[name].target for name in found.wanted], RECORDED)
    series.warm(cut(columns, 0, n - 50))
    later = targets(np.array([series.update(row(columns, index)) for index in range(n - 50, n)]).T)
    np.testing.assert_array_equal(later, np.array([wanted[n - 50 :] for wanted in found.wanted.values()]))


@every_default
def test_on_a_quiet_market_no_position_is_wanted_except_by_what_the_book_shows(one):
    columns = {name: values[:1].repeat(120) for name, values in walk(1).items()}
    columns["open"] = columns["high"] = columns["low"] = columns["close"]
    columns["volume"] = columns["buy_volume"] = np.zeros(120)
    columns["imbalance"] = np.zeros(120)
    found = targets(batch(one.target, columns, SCALE))[60:]
    assert set(np.unique(np.nan_to_num(found))) == {0.0}


@every_default
def test_those_that_run_when_none_are_named_warm_up_within_minutes_and_change_several_times(one):
    if one.timeframe in ("1s", "5s"):
        assert one.target.warm_up * one.width_ns < 150 * 10**9
    assert changes(targets(batch(one.target, walk(BARS), SCALE))) >= 5
    assert one == LIBRARY[one.name]


def test_there_are_default_strategies_of_every_kind_on_seconds_and_minutes():
    ours = default_strategies()
    assert len(ours) >= 8
    assert {one.timeframe for one in ours} == {"1s", "5s", "1m"}
    assert {one.family for one in ours} == {
        "trend", "mean_reversion", "breakout", "patterns", "order_flow", "volatility"
    }  # fmt: skip


def test_the_page_of_strategies_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run python -m tests.strategy.page"


def test_every_source_is_listed_with_its_strategies_and_where_it_was_looked_up():
    """A row's source is what the source texts of its strategies, and of no others, begin with."""
    text = PAGE.with_name("sources.md").read_text(encoding="utf-8")
    books = text[text.index("## Books") : text.index("## Common practice")]
    rows = re.findall(r"^\| (.+?) \| (`.+?`) \| .+ \| 20\d\d-\d\d-\d\d \|$", books, re.MULTILINE)
    listed = {source: re.findall("`(.+?)`", names) for source, names in rows}
    named = [kind for kind in KINDS.values() if not kind.source.startswith("common practice: ")]
    assert listed == {source: [kind.name for kind in named if kind.source.startswith(source)] for source in listed}
    assert Counter(name for names in listed.values() for name in names) == Counter(kind.name for kind in named)
