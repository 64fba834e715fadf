"""Instruments: one thing tradable on one venue, in one version of its rules, and the registry that numbers them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

import msgspec

from ninefold.market.numbers import decimals_of, to_short_text, to_units

MOST_DECIMALS = 8


class UnknownInstrument(KeyError):
    """A name that no venue has listed."""

    def __str__(self) -> str:
        return str(self.args[0])


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What an instrument is and the rules its orders obey.

    Numbers in arrays are units of 10**-price_decimals (prices) and 10**-size_decimals (sizes); `tick_size` and
    `lot_size` are the venue's steps in those units (1 when the venue did not say). Rules that change make a new
    version, with a new id. `price_band`, where the venue told it: lowest and highest price of a buy, then of a sell, as
    factors of the market's price. `keeps`: stop orders that the venue keeps, as it said: stop, take_profit; stop_limit,
    take_profit_limit where they need a limit.
    """

    id: int
    venue: str
    venue_symbol: str
    symbol: str
    base: str
    quote: str
    version: int = 1
    kind: str = "spot"
    settle: str = ""
    contract_size: str = "1"
    price_decimals: int = 8
    size_decimals: int = 8
    tick_size: int = 1
    lot_size: int = 1
    min_size: int = 0
    min_notional: str = "0"
    rules_known: bool = False
    price_band: tuple[str, str, str, str] | None = None
    keeps: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.venue}:{self.symbol}"

    def price_text(self, price: int) -> str:
        """A price as people write it: with the decimals of the tick, more only where it has them."""
        return to_short_text(price, self.price_decimals, self.tick_size)

    def size_text(self, size: int) -> str:
        """A size as people write it: with the decimals of the lot, more only where it has them."""
        return to_short_text(size, self.size_decimals, self.lot_size)


def listed(
    venue: str,
    venue_symbol: str,
    base: str,
    quote: str,
    *,
    tick: str = "",
    lot: str = "",
    finer: tuple[int, int] = (0, 0),
    **rules: object,
) -> Instrument:
    """An instrument without an id yet.

    tick, lot: the venue's texts ("0.01000000"); without them 8 decimals are assumed.
    finer:     decimals of prices and of sizes to hold beyond those of tick and lot.
    """
    known = bool(tick and lot)
    price_decimals = min(decimals_of(tick) + finer[0], MOST_DECIMALS) if known else MOST_DECIMALS
    size_decimals = min(decimals_of(lot) + finer[1], MOST_DECIMALS) if known else MOST_DECIMALS
    fields: dict[str, object] = {
        "id": 0,
        "venue": venue,
        "venue_symbol": venue_symbol,
        "symbol": f"{base}/{quote}",
        "base": base,
        "quote": quote,
        "price_decimals": price_decimals,
        "size_decimals": size_decimals,
        "tick_size": to_units(tick, price_decimals) if known else 1,
        "lot_size": to_units(lot, size_decimals) if known else 1,
        "rules_known": known,
    }
    return msgspec.convert({**fields, **rules}, Instrument)


class Registry:
    """Gives instruments their ids, in the order in which they became known; ids are never used again."""

    def __init__(self, instruments: list[Instrument] | None = None) -> None:
        self._all: list[Instrument] = []
        self._current: dict[tuple[str, str], Instrument] = {}
        self._behind: set[int] = set()
        for instrument in instruments or []:
            self._keep(instrument)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, id: int) -> Instrument:
        return self._all[id - 1]

    def add(self, instrument: Instrument) -> Instrument:
        """Register a listing; the same rules again give the id there already is, other rules a new version."""
        known = self._current.get((instrument.venue, instrument.venue_symbol))
        if known is not None:
            same = msgspec.structs.replace(instrument, id=known.id, version=known.version)
            if same == known or not instrument.rules_known:
                return known
        numbered = msgspec.structs.replace(instrument, id=len(self._all) + 1, version=known.version + 1 if known else 1)
        self._keep(numbered)
        return numbered

    def add_behind(self, instrument: Instrument) -> Instrument:
        """Give an id to what stands for an earlier version, and stays behind the one there is."""
        numbered = msgspec.structs.replace(instrument, id=len(self._all) + 1)
        self._all.append(numbered)
        self._behind.add(numbered.id)
        return numbered

    def is_behind(self, id: int) -> bool:
        return id in self._behind

    def learn(self, instrument: Instrument) -> None:
        """Keep an instrument that another registry numbered, as its Listed record tells; known ids change nothing."""
        if instrument.id > len(self._all):
            self._keep(instrument)

    def learn_all(self, instruments: Iterable[Instrument], venue: str) -> dict[str, Instrument]:
        """Keep instruments in the order of their ids; the current ones of a venue by what it calls them."""
        for instrument in instruments:
            self.learn(instrument)
        return {symbol: instrument for (of, symbol), instrument in self._current.items() if of == venue}

    def find(self, venue: str, venue_symbol: str) -> Instrument | None:
        """The current version of what the venue calls `venue_symbol`, or None."""
        return self._current.get((venue, venue_symbol))

    def current(self) -> list[Instrument]:
        """The newest version of every instrument, by id."""
        return sorted(self._current.values(), key=lambda instrument: instrument.id)

    def named(self, name: str) -> Instrument:
        """The current version of 'binance:BTC/USDT'.

        raises: UnknownInstrument with the nearest name.
        """
        for instrument in self.current():
            if instrument.name == name:
                return instrument
        names = [instrument.name for instrument in self.current()]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownInstrument(
            f"there is no instrument {name!r} here{hint} Instruments are written VENUE:BASE/QUOTE, "
            f"for example 'binance:BTC/USDT'. Known: {', '.join(names) or 'none yet'}."
        )

    def _keep(self, instrument: Instrument) -> None:
        if instrument.id != len(self._all) + 1:
            raise ValueError(
                f"instrument {instrument.name} has id {instrument.id}, the next one must be {len(self._all) + 1}"
            )
        self._all.append(instrument)
        self._current[(instrument.venue, instrument.venue_symbol)] = instrument
