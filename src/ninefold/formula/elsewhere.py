"""Terms over other bars: another instrument's, or wider and narrower ones.

In:  `at("binance:ETH/USDT", sma(close, 20))`, `on("5m", rsi(close, 14))`, or one within the other.
Out: a term whose value at the close of a bar is the last one that was known then. `aligned` evaluates it; to the formula
     around it, it is a column like any other. Prices are converted into the own instrument's ticks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ninefold.formula.errors import FormulaError, did_you_mean
from ninefold.formula.term import Call, Column, Literal, Operand, Term
from ninefold.market.time import TIMEFRAMES

Source = tuple[str, str]  # instrument and timeframe; "" is the own one
_INSTRUMENT = re.compile(r"[a-z0-9_]{1,30}:[A-Za-z0-9$_.-]{1,20}/[A-Za-z0-9$_.-]{1,20}(:[A-Za-z0-9$_.-]{1,20})?")
_LEG = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)


class Elsewhere(Column):
    """A term evaluated on the bars of another instrument or width; `name` is its text."""

    instrument: str
    timeframe: str
    term: Term

    def __init__(self, instrument: str, timeframe: str, term: Term) -> None:
        text = str(term)
        text = f'on("{timeframe}", {text})' if timeframe else text
        text = f'at("{instrument}", {text})' if instrument else text
        self.__dict__.update(instrument=instrument, timeframe=timeframe, term=term, name=text, unit=term.unit)
        self.__dict__.update(columns=frozenset((text,)), size=term.size + 1, depth=term.depth + 1)
        self._seal(instrument, timeframe, term)

    @property
    def source(self) -> Source:
        """Whose bars it reads."""
        return self.instrument, self.timeframe


def at(instrument: str, term: Operand) -> Elsewhere:
    """The term on another instrument's bars, written as venue:BASE/QUOTE, or by the name of a leg of the strategy.

    raises: FormulaError if it can be neither, or if the term is itself a mixture of several series.

    >>> from ninefold.formula.parse import parse
    >>> str(at("binance:ETH/USDT", parse("sma(close, 20)")))
    'at("binance:ETH/USDT", sma(close, 20))'
    """
    if not is_leg(instrument) and not _INSTRUMENT.fullmatch(instrument):
        raise FormulaError(
            f'at: {instrument!r} is no instrument; write venue:BASE/QUOTE, as in "binance:ETH/USDT", or the name of a leg'
        )
    inner = _inner("at", term)
    if isinstance(inner, Elsewhere):
        if inner.instrument:
            raise FormulaError(f"at: {inner} names its instrument already; name one only")
        return Elsewhere(instrument, inner.timeframe, inner.term)
    return Elsewhere(instrument, "", inner)


def is_leg(instrument: str) -> bool:
    """Whether this is the name of a leg, which a strategy gives, and not an instrument's."""
    return _LEG.fullmatch(instrument) is not None


def on(timeframe: str, term: Operand) -> Elsewhere:
    """The term on bars of another width, such as "5m".

    raises: FormulaError if there is no such timeframe, or if the term is itself a mixture of several series.
    """
    if timeframe not in TIMEFRAMES:
        hint = did_you_mean(timeframe, TIMEFRAMES)
        raise FormulaError(f"on: there is no timeframe {timeframe!r}{hint}; allowed are {' '.join(TIMEFRAMES)}")
    inner = _inner("on", term)
    if isinstance(inner, Elsewhere):
        if inner.timeframe:
            raise FormulaError(f"on: {inner} names its timeframe already; name one only")
        return Elsewhere(inner.instrument, timeframe, inner.term)
    return Elsewhere("", timeframe, inner)


def elsewhere_in(term: Term) -> frozenset[Elsewhere]:
    """All terms over other bars that a formula contains."""
    if isinstance(term, Elsewhere):
        return frozenset((term,))
    if isinstance(term, Call):
        return frozenset().union(*(elsewhere_in(part) for part in term.inputs))
    return frozenset()


def renamed(term: Term, names: Mapping[str, str]) -> Term:
    """The same formula over other instruments. names: what stands in `at` now, to what shall stand there."""
    if isinstance(term, Elsewhere):
        return Elsewhere(names.get(term.instrument, term.instrument), term.timeframe, term.term)
    if isinstance(term, Call):
        return Call(term.function.name, tuple(renamed(part, names) for part in term.inputs), term.parameters)
    return term


def _inner(function: str, term: Operand) -> Term:
    if not isinstance(term, Term) or isinstance(term, Literal):
        raise FormulaError(f"{function}: takes a term such as close, found {term}; a number is the same everywhere")
    if not isinstance(term, Elsewhere) and elsewhere_in(term):
        raise FormulaError(f"{function}: {term} mixes several series; write at(...) and on(...) around each part of it")
    return term
