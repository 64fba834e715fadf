"""The latest hours of all instruments, while their trades only go on: the usual commit, for all of them at once.

In:  hours that were just judged with all that is known, then trades grouped by instrument and hour.
Out: which groups change nothing that a certificate says: the hour is still open and the ids go on where they ended, or
     do not count as before. What they add is kept here until the hour is asked for again.

Why nothing changes then: every new id is present and lies behind all that are known of the hour and of the hours before
it, so no stretch of missing ids begins, ends or moves; and an open hour's certificate is not revised for its number of
trades. Whatever else certificates depend on (the clock that closes the hour, gaps, lost connections) takes the hour out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ninefold.market.time import HOUR_NS
from ninefold.store.certificates import Ids
from ninefold.store.ids import Grouped

Key = tuple[int, int]  # instrument, hour_ns
_NONE = -(2**63)  # no hour
_HOURS = np.dtype(
    [
        ("hour_ns", np.int64),
        ("counts", np.bool_),  # whether its ids do
        ("last", np.uint64),  # the last id, 0 if ids do not count
        ("trades", np.int64),
        ("from_ns", np.int64),
        ("to_ns", np.int64),
    ]
)


class Growing:
    """One hour for each instrument, the latest, or none."""

    def __init__(self) -> None:
        self._instruments = np.empty(0, np.int64)  # rising
        self._hours = np.empty(0, _HOURS)  # of each

    def put(self, hours: Mapping[Key, Ids]) -> None:
        """Hours that were just judged, one for an instrument. Their ids must lie behind those of the hours before."""
        wanted = np.array([instrument for instrument, _ in hours], np.int64)
        new = np.setdiff1d(wanted, self._instruments)
        if len(new):
            at = np.searchsorted(self._instruments, new)
            fresh = np.zeros(len(new), _HOURS)
            self._instruments, self._hours = np.insert(self._instruments, at, new), np.insert(self._hours, at, fresh)
        made = [
            (hour, bool(ids.runs), ids.last if ids.runs else 0, ids.trades, ids.from_ns, ids.to_ns)
            for (_, hour), ids in hours.items()
        ]
        self._hours[np.searchsorted(self._instruments, wanted)] = np.array(made, _HOURS)

    def extend(self, groups: Grouped, clock_ns: int) -> np.ndarray:
        """Take in the groups that only go on; bool, shape (groups,): which these were. clock_ns: it closes hours."""
        if not len(self._instruments):
            return np.zeros(len(groups.instrument), np.bool_)
        at = np.searchsorted(self._instruments, groups.instrument).clip(max=len(self._instruments) - 1)
        own = self._hours[at]
        same = (self._instruments[at] == groups.instrument) & (own["hour_ns"] == groups.hour_ns)
        still_open = groups.hour_ns + HOUR_NS > clock_ns
        taken: np.ndarray = same & still_open & _alone(groups.instrument) & _going_on(groups, own)
        own, at, runs = own[taken], at[taken], groups.places[:-1][taken]
        own["last"][own["counts"]] = groups.lasts[runs[own["counts"]]]
        own["trades"] += groups.trades[taken]
        own["from_ns"] = np.minimum(own["from_ns"], groups.from_ns[taken])
        own["to_ns"] = np.maximum(own["to_ns"], groups.to_ns[taken])
        self._hours[at] = own
        return taken

    def take(self, instruments: Iterable[int], known: Mapping[int, Mapping[int, Ids]]) -> dict[Key, Ids]:
        """The hours of some instruments as they are now; they are not kept here after that. known: as they were put."""
        wanted = np.isin(self._instruments, np.fromiter(instruments, np.int64))
        at = np.flatnonzero(wanted & (self._hours["hour_ns"] != _NONE))
        found = {}
        for instrument, one in zip(self._instruments[at].tolist(), self._hours[at].tolist(), strict=True):
            hour, counts, last, trades, from_ns, to_ns = one
            before = known[instrument][hour]
            runs = (*before.runs[:-1], (before.runs[-1][0], last)) if counts else ()
            found[instrument, hour] = Ids(runs, trades, from_ns, to_ns)
        self._hours["hour_ns"][at] = _NONE
        return found


def _alone(instrument: np.ndarray) -> np.ndarray:
    """Which groups are the only one of their instrument; instrument: rising."""
    new = np.append(True, instrument[1:] != instrument[:-1])[: len(instrument)]
    alone: np.ndarray = new & np.append(new[1:], True)[: len(instrument)]
    return alone


def _going_on(groups: Grouped, own: np.ndarray) -> np.ndarray:
    """Which groups' ids are one run that begins behind the last id of the hour, or do not count, as those of the hour."""
    runs = np.diff(groups.places)
    if not len(groups.firsts):
        return ~own["counts"]
    first = groups.firsts[groups.places[:-1].clip(max=len(groups.firsts) - 1)]
    follows = (first > own["last"]) & (first - own["last"] == 1)
    going: np.ndarray = np.where(own["counts"], (runs == 1) & follows, runs == 0)
    return going
