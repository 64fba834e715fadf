"""Random plans of faults against a running capture, checked by an exchange that knows what it withheld.

In:  one running world; NINEFOLD_SEED begins the row of plans elsewhere, to see one again.
Out: after each plan: every gap found, none invented, all of it healed; then the whole data dir against the exchange.
Records doctored as a capture would write them that never tells a gap, always tells one, or certifies whatever it has
must fail the same checks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ninefold.market.records import Gap

from .hearing import Hearing
from .markets import StoredBook, changed, check_bars
from .parts import FURTHER, HEALED_S, World, until
from .plans import Body, Certified, Kept, Story, check, check_certificates, check_found, check_none_invented, plan
from .settle import check as check_all
from .wires import venue_of

QUICK_PLANS, TORTURE_PLANS = 3, 200
ROUGH: list[Body] = [  # so that the quick form has holes that stay open across a commit of the store
    {"kind": "drop", "seconds": 2.0, "share": 0.3, "only": "@trade"},
    {"kind": "drop", "seconds": 2.0, "share": 0.3, "only": "@matches"},
    {"kind": "outage", "seconds": 3.0},
    {"kind": "disconnect", "after": 0.8, "seconds": 0.4},
]
MANY_HOLES: list[Body] = [  # more than a hundred in one symbol before the first of them can be healed
    {"kind": "drop", "seconds": 12.0, "share": 0.5, "only": "btcusdt@trade"},
    {"kind": "drop", "seconds": 12.0, "share": 0.5, "only": "coinbase:BTC-USDT@matches"},
    {"kind": "drop", "seconds": 12.0, "share": 0.5, "only": "kraken:BTC/USDT@trade"},
    {"kind": "outage", "seconds": 13.0},
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "data", further=FURTHER)
    world.data_dir.mkdir()
    try:
        world.start("simulator", "cold", "hot")
        world.wait_for_flow()
        yield world
    finally:
        world.end()


def test_a_gap_that_was_told_certified_and_healed_passes_and_each_mutant_fails() -> None:
    story = one_missing()
    check(story)
    check_doctored([story])


def test_what_is_lost_doubled_altered_or_never_explained_fails() -> None:
    story = one_missing()
    late = story.kept[4][0]
    for message, doctored in {
        "never stored": {"kept": {id: rows for id, rows in story.kept.items() if id != 4}},
        "stored twice": {"kept": story.kept | {4: [late, late]}},
        "stored and never traded": {"traded": {id: deal for id, deal in story.traded.items() if id != 5}},
        "the exchange has": {"traded": story.traded | {4: ("other",)}},
        "sent and not in the journal": {"withheld": frozenset()},
        "withheld and yet in the journal": {"withheld": frozenset({3, 4})},
        "no gap was told": {"gaps": (msgspec.structs.replace(story.gaps[0], seq=late.seq + 1),)},
        "nobody told that 4..4 was healed": {"gaps": story.gaps[:1]},
    }.items():
        with pytest.raises(AssertionError, match=message):
            check(dataclasses.replace(story, **doctored))


def one_missing() -> Story:
    """Trades 1 to 6, of which 4 was withheld, told by 5 (seq 7), and stored by an answer (seq 9)."""
    seq = {1: 3, 2: 4, 3: 5, 4: 9, 5: 7, 6: 8}
    told = {"known_ns": 0, "instrument": 0, "stream": "trades", "from_id": 4, "from_ns": 3, "to_ns": 5}
    return Story(
        symbol="BTCUSDT",
        begin=1,
        end=6,
        traded={id: (id,) for id in seq},
        heard=frozenset({1, 2, 3, 5, 6}),
        withheld=frozenset({4}),
        cut=(),
        kept={id: [Kept((id,), id, at)] for id, at in seq.items()},
        gaps=(Gap(seq=7, to_id=4, **told), Gap(seq=10, to_id=6, healed=True, **told)),
        commits=((8, (Certified(0, "gap known", 1),)), (9, (Certified(0, "cannot tell", 0),))),
    )


@pytest.mark.torture
def test_every_gap_is_found_none_invented_and_all_of_it_healed(world: World) -> None:
    stories = survive(world, [ROUGH, *(plan(seed) for seed in seeds(QUICK_PLANS))])
    assert sum(len(story.unheard) for story in stories) > 20
    for doctor in (never_a_gap, always_a_gap, always_complete):
        with pytest.raises(AssertionError):
            for story in map(doctor, stories):
                check(story)
    check_doctored(stories)


@pytest.mark.torture
def test_after_two_hundred_plans_the_stored_set_is_the_truth(world: World) -> None:
    survive(world, [ROUGH, MANY_HOLES, *(plan(seed) for seed in seeds(TORTURE_PLANS))])


def seeds(count: int) -> range:
    """Of the plans; printed, so that a plan can be seen again."""
    first = int(os.environ.get("NINEFOLD_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"NINEFOLD_SEED={first}")
    return range(first, first + count)


def survive(world: World, plans: list[list[Body]]) -> list[Story]:
    """Each plan in turn, with all checks after it; then the checks of the whole data dir. All stories that were told."""
    hearing = Hearing(world)
    books = {symbol: StoredBook(hearing, symbol) for symbol in hearing.scales}
    told: list[Story] = []
    for number, bodies in enumerate(plans):
        print(f"plan {number}: {bodies}", flush=True)
        stories = stories_of(hearing, bodies)
        for book in books.values():
            book.ask()
        for story in stories:
            check(story)
            check_bars(hearing, story)
            books[story.symbol].check()
        told += stories
    check_all(world)
    return told


def stories_of(hearing: Hearing, bodies: list[Body]) -> list[Story]:
    """Order the faults, and wait until they are over and healed."""
    world = hearing.world
    for body in bodies:
        assert world.ask("/sim/v1/faults", body) == {}
    until(lambda: not world.ask("/sim/v1/faults?from=1000000000")["running"], "the faults are over")
    world.wait_for_flow()
    hearing.listen()
    ends = dict(hearing.newest)
    until(changed(hearing, lambda: hearing.whole(ends)), "what was missed is stored", HEALED_S)
    with contextlib.suppress(AssertionError):  # the story's checks say better what is missing
        until(changed(hearing, lambda: hearing.told(ends)), "what was missed is told")
    return hearing.stories(ends)


def check_doctored(stories: list[Story]) -> None:
    """Each mutant fails, at each venue, by the check that is there for it."""
    for venue in sorted({venue_of(story.symbol) for story in stories}):
        check_doctored_of([story for story in stories if venue_of(story.symbol) == venue])


def check_doctored_of(stories: list[Story]) -> None:
    missed = max(stories, key=lambda story: len(story.unheard))
    open_long = [story for story in stories if any(one.missing for _, held in story.commits for one in held)]
    with pytest.raises(AssertionError, match="no gap was told"):
        check_found(never_a_gap(missed))
    with pytest.raises(AssertionError, match="which came"):
        check_none_invented(always_a_gap(missed))
    with pytest.raises(AssertionError, match="the certificate says 'complete'"):
        check_certificates(always_complete(open_long[0]))


def never_a_gap(story: Story) -> Story:
    return dataclasses.replace(story, gaps=())


def always_a_gap(story: Story) -> Story:
    """One before every trade that came."""
    told = [
        Gap(seq=rows[0].seq, known_ns=0, instrument=0, stream="trades", from_id=id, to_id=id,
            from_ns=rows[0].exchange_ns, to_ns=rows[0].exchange_ns)
        for id, rows in story.kept.items()
    ]  # fmt: skip
    return dataclasses.replace(story, gaps=(*story.gaps, *told))


def always_complete(story: Story) -> Story:
    commits = tuple(
        (position, tuple(Certified(one.hour_ns, "complete", 0) for one in held)) for position, held in story.commits
    )
    return dataclasses.replace(story, commits=commits)
