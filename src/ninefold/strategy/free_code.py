"""Free code on bars (`on_bar`): asked bar by bar, the same in back-tests and in the pipeline.

In:  one bar after the other as columns, and what the strategy holds at its close.
Out: its target. What it cannot give, for whatever reason, is `CodeFailed` with the place in the user's file.

One object for each instrument: it may keep what it likes, and is made again by playing all bars to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ninefold.formula import Scale
from ninefold.strategy.plan import Bar, Code, OnBar

MOST_SAID = 200  # characters
READ = ("open", "high", "low", "close", "volume")  # columns


class CodeFailed(Exception):
    """place: file and line. said: what went wrong there."""

    def __init__(self, place: str, said: str) -> None:
        super().__init__(f"{said} ({place})")
        self.place = place
        self.said = said


class FreeCode:
    """scale: of the columns that it is given; it sees quote and base."""

    def __init__(self, code: Code, scale: Scale) -> None:
        self._code = code
        self._on_bar: OnBar | None = None
        self._price, self._size = 10.0**scale.price_decimals, 10.0**scale.size_decimals
        self._target = 0.0

    def target(self, open_ns: int, close_ns: int, row: Mapping[str, float], own: Mapping[str, float]) -> float:
        """Its target from this bar on, NaN where it cannot tell; what it said before if it says nothing.

        raises: CodeFailed; it must not be asked again.
        """
        bar = Bar(
            open_ns,
            close_ns,
            row["open"] / self._price,
            row["high"] / self._price,
            row["low"] / self._price,
            row["close"] / self._price,
            row["volume"] / self._size,
            own["position"] / self._size,
            int(own["bars_held"]),
            own["open_profit"],
        )
        try:
            if self._on_bar is None:
                self._on_bar = self._code.make()
            found = self._on_bar(bar)
            target = self._target if found is None else float(found)
        except (Exception, SystemExit) as error:  # free code raises anything
            raise CodeFailed(self._place(error), f"{type(error).__name__}: {error}"[:MOST_SAID]) from error
        if not (-1 <= target <= 1 or target != target):
            said = f"on_bar returned {target}; a target lies in [-1, +1] (NaN: cannot tell, counts as 0)"
            raise CodeFailed(self._place(None), said)
        self._target = target
        return target

    def _place(self, error: BaseException | None) -> str:
        """The innermost line in the file of `on_bar` that was under way; else the line at which that begins."""
        line, trace = self._code.line, error.__traceback__ if error is not None else None
        while trace:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == self._code.file else line
            trace = trace.tb_next
        return f"{self._code.file.rsplit('/', 1)[-1]}:{line}"
