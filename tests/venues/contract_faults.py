"""What every venue's adapter must do when something is missing, late or broken. Each check raises AssertionError where
one does not.

In:  the venue's table entry, its reading, a session (inputs without the clock).
Out: how many cases the session had: with none, the check has proven nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from ninefold.journal import inputs
from ninefold.journal.inputs import ConnectionChange, Input, encode
from ninefold.market.arrays import CLEAR_BOOK
from ninefold.market.records import Gap
from ninefold.venues.entry import VenueEntry

from .contract import NaiveBooks, Where, told_as_read
from .hearing import Listener, Made, Session, book, deals
from .reading import Clear, Reading, Told

LEFT_OUT_MOST = 60  # trade frames in one run
LATE_BY = 50  # inputs
SHORT = 200  # inputs of a short session
RUNS, SHORT_RUNS = 4, 1  # in each another change of every book is left out
CANDIDATES = 40  # changes of a book that are looked at for leaving one out
RESTARTS_FIRST, RESTARTS_EVERY = 200, 23  # at each of the first inputs, later at some and beside trouble
SHORT_RESTARTS_FIRST, SHORT_RESTARTS_EVERY = 20, 11


def missing_trades_are_told(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """Trades of contiguous ids that are left out are told as gaps of just these ids."""
    told = session.told(reading)
    places = [place for place in trades_to_leave_out(told) if session[place].kind == inputs.FRAME]
    gone = set(places[:: len(places) // LEFT_OUT_MOST + 1])
    if not gone:
        return 0
    missing = {(deal.symbol, int(deal.id)) for place in gone for deal in deals(told[place])}
    listener, gaps = Listener(entry), []
    for place, one in enumerate(session):
        if place not in gone:
            gaps += gaps_of(listener.made_of(one), "trades")
    gaps += gaps_of(
        listener.made_of(broken_connection(session, session[-1])[0]), "trades"
    )  # what was waited for is told
    symbols = {listener.instrument(symbol): symbol for symbol, _ in missing}
    covered = {(symbols.get(gap.instrument), id) for gap in gaps for id in range(gap.from_id, gap.to_id + 1)}
    assert covered == missing, f"gaps were told of {covered - missing}, not of {missing - covered}"
    return len(gone)


def missing_changes_are_told(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """A book change that is left out is told once, at the latest with the next one of its symbol (sooner where a message
    without a change has a checksum), and no level follows before the next snapshot. Venues whose books say nothing to
    check them by have no such case.
    """
    told = session.told(reading)
    changes = changes_to_leave_out(reading, session, told) if reading.checked else {}
    count = 0
    for run in range(RUNS if len(session) > SHORT else SHORT_RUNS):
        left_out = {symbol: pairs[run] for symbol, pairs in changes.items() if run < len(pairs)}
        if not left_out:
            break
        count += len(left_out)
        gone = {first for first, _ in left_out.values()}
        listener, broken, waited = Listener(entry), set[str](), dict(left_out)
        for place, one in enumerate(session):
            if place in gone:
                continue
            made = listener.made_of(one)
            levels_wait_for_a_snapshot(listener, made, broken, Where(place, one))
            gaps = {listener.symbol(gap.instrument) for gap in gaps_of(made, "books")}
            may = {symbol for symbol, (first, following) in waited.items() if first < place <= following}
            must = {symbol for symbol in may if waited[symbol][1] == place}
            assert must <= gaps <= may, f"{Where(place, one)}: gaps of {gaps} should be of {must}, may be of {may}"
            waited = {symbol: pair for symbol, pair in waited.items() if symbol not in gaps}
            broken |= gaps
    return count


def late_snapshots_find_what_waited(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """Where snapshots are asked for: if they come later than they did, changes wait for them; those after are applied."""
    snapshots = {place for place, told in enumerate(session.told(reading)) if book(told)}
    snapshots = {place for place in snapshots if session[place].kind == inputs.ANSWER}
    waiting: list[tuple[int, Input]] = []
    late = Session()
    for place, one in enumerate(session):
        if place in snapshots:
            waiting.append((place + LATE_BY, one))
            continue
        late.append(one)
        if waiting and waiting[0][0] <= place:
            late.append(msgspec.structs.replace(waiting.pop(0)[1], receive_ns=one.receive_ns))
    return told_as_read(entry, reading, late) if snapshots else 0


def a_lost_connection_empties_the_books(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """After a connection was lost and opened again no level comes before a snapshot."""
    middle = (place_of_connection(session) + len(session)) // 2
    listener = Listener(entry, with_books=True)
    for one in session[:middle]:
        listener.made_of(one)
    broken = set(listener.books)
    if not broken:
        return 0
    for one in broken_connection(session, session[middle]):
        listener.made_of(one)
    count = len(broken)
    for place, one in enumerate(session[middle:], middle):
        levels_wait_for_a_snapshot(listener, listener.made_of(one), broken, Where(place, one))
    return count


def saved_anywhere(entry: VenueEntry, reading: Reading, session: Session) -> int:
    """An adapter that is saved and loaded again and again makes the same of a troubled session as one that never
    was: rows, records, questions, words and in the end the same state.
    """
    on, again = Listener(entry), Listener(entry)
    short = len(session) <= SHORT
    first, every = (SHORT_RESTARTS_FIRST, SHORT_RESTARTS_EVERY) if short else (RESTARTS_FIRST, RESTARTS_EVERY)
    count = 0
    for place, (one, trouble) in enumerate(troubled(reading, session)):
        if place < first or place % every == 0 or trouble:
            again.restart()
            count += 1
        made, made_again = on.made_of(one), again.made_of(one)
        assert made == made_again, f"restarted, {Where(place, one)}: {made_again} instead of {made}"
    states = [sorted(each.adapter.save()) for each in (on, again)]  # the members of a set are saved in any order
    assert states[0] == states[1], "the state at the end is another"
    assert on.adapter.seen == again.adapter.seen, "what was seen when is another"
    return count


def gaps_of(made: Made, stream: str) -> list[Gap]:
    return [one for one in made.records if isinstance(one, Gap) and one.stream == stream and not one.healed]


def levels_wait_for_a_snapshot(listener: Listener, made: Made, broken: set[str], at: object) -> None:
    """broken: symbols whose book is unknown; those that get a snapshot are taken out."""
    for of, *_, action, _, _, _ in made.rows.get("books", ()) if broken else ():
        if action == CLEAR_BOOK:
            broken.discard(listener.symbol(of))
        assert listener.symbol(of) not in broken, f"{at}: a level of {listener.symbol(of)}, whose book is unknown"


def trades_to_leave_out(told: list[list[Told]]) -> list[int]:
    """Places whose trades all lie inside a run of ids without a hole: a trade before and one after tell of them."""
    ids: dict[str, list[int]] = defaultdict(list)
    for deal in deals(one for these in told for one in these):
        ids[deal.symbol].append(int(deal.id) if deal.id.isdecimal() else -1)
    runs = {symbol: found for symbol, found in ids.items() if all(b == a + 1 > 0 for a, b in pairwise(found))}
    inside = {(symbol, str(id)) for symbol, run in runs.items() for id in run[1:-1]}
    return [
        place
        for place, these in enumerate(told)
        if deals(these) and all((deal.symbol, deal.id) in inside for deal in deals(these))
    ]


def changes_to_leave_out(
    reading: Reading, session: Session, told: list[list[Told]]
) -> dict[str, list[tuple[int, int]]]:
    """By symbol some pairs (place of a change, place of the next one), each a frame that changes just this book;
    where only the best levels are checked, such pairs after which these would be wrong.
    """
    touched: dict[str, list[int]] = defaultdict(list)
    for place, these in enumerate(told):
        for symbol in {level.symbol for level in book(these)}:
            touched[symbol].append(place)
    found = {}
    for symbol, places in touched.items():
        plain = [
            pair for pair in pairwise(places) if all(is_plain_change(session[place], told[place]) for place in pair)
        ]
        some = plain[:: len(plain) // CANDIDATES + 1]
        some = [pair for pair in some if reading.noticed is None or shows(told, symbol, places, pair, reading.noticed)]
        found[symbol] = some[:: -(-len(some) // RUNS) or 1]
    return found


def is_plain_change(one: Input, told: list[Told]) -> bool:
    levels = book(told)
    return (
        one.kind == inputs.FRAME
        and len({level.symbol for level in levels}) == 1
        and Clear(levels[0].symbol) not in levels
    )


def shows(told: list[list[Told]], symbol: str, places: list[int], pair: tuple[int, int], most: int) -> bool:
    """Whether the best levels after the second change are others if the first one is left out."""
    whole, lacking = NaiveBooks(), NaiveBooks()
    for place in places[: places.index(pair[1]) + 1]:
        levels = [level for level in book(told[place]) if level.symbol == symbol]
        whole.apply(levels)
        lacking.apply(levels if place != pair[0] else [])
    return whole.top(symbol, most) != lacking.top(symbol, most)


def troubled(reading: Reading, session: Session) -> Iterator[tuple[Input, bool]]:
    """A session in which some frames come late, twice or cut and the connection breaks now and then; and whether an
    input is part of the trouble or comes soon after it.
    """
    trades = [place for place, told in enumerate(session.told(reading)) if deals(told)]
    held, freed = set(trades[5::10]), set(trades[7::10])
    late: list[Input] = []
    calm = 0
    for place, one in enumerate(session):
        kind = place % 401 if one.kind == inputs.FRAME else 0
        calm = 0 if kind in (101, 111, 201, 301, 400) or place in held | freed else calm + 1
        if kind == 101 or place in held:
            late.append(one)
            made = []
        elif kind == 111 or place in freed:
            made, late = [one, *late], []
        elif kind == 201:
            made = [one, one]
        elif kind == 301:
            made = [Input(one.kind, one.connection, one.receive_ns, one.payload[:-7])]
        elif kind == 400:
            made = [*broken_connection(session, one), one]
        else:
            made = [one]
        yield from ((each, calm < 5) for each in made)


def place_of_connection(session: Session) -> int:
    """Of the last connection that opened."""
    return max(place for place, one in enumerate(session) if one.kind == inputs.CONNECTION)


def broken_connection(session: Session, at: Input) -> list[Input]:
    """The connection of an input lost and opened again."""
    opened = session[place_of_connection(session)]
    change = msgspec.msgpack.decode(opened.payload, type=ConnectionChange)
    return [
        Input(
            inputs.CONNECTION, at.connection, at.receive_ns, encode(ConnectionChange(change.venue, change.name, state))
        )
        for state in ("lost", "open")
    ]
