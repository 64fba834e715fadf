"""The whole corpus run through `ninefold leak-check`'s own way, and counted.

In:  the corpus. Out: for each strategy what was said of it; recall, precision and how many could not be judged, by kind.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ninefold.market.time import width_of
from ninefold.services.leak_check import CLEAN, LEAK, BarsToRead, Checked, check
from ninefold.services.leak_check_bars import START_NS, generated
from ninefold.services.leak_check_forms import form_of
from tests.leaks import clean, clean_pandas, planted, planted_pandas
from tests.leaks.corpus import BARS, FRAME_HELD, HELD, Case, columns

PLANTED = {"numpy": planted, "pandas": planted_pandas}
SOUND = {"numpy": clean, "pandas": clean_pandas}
LIBRARIES = ("numpy", "pandas", "freqtrade")
FREQTRADE = {
    leaks: Path(__file__).parent / f"{name}_freqtrade.py" for leaks, name in ((True, "planted"), (False, "clean"))
}


class Said(NamedTuple):
    name: str
    library: str
    kind: str
    leaks: bool
    checked: Checked

    @property
    def right(self) -> bool:
        return self.checked.verdict == (LEAK if self.leaks else CLEAN)


def checked(module: object, name: str, case: Case, seed: int = 1) -> Checked:
    """One strategy of the corpus, by its file and its name, as a user would check it."""
    bars = BarsToRead("bars of the corpus", columns(seed), START_NS + width_of("1m") * np.arange(BARS))
    path = Path(str(module.__file__))  # type: ignore[attr-defined]
    return check(form_of(f"{path}:{name}", held=case.form in (HELD, FRAME_HELD)), [bars])


def classes(path: Path) -> dict[str, str]:
    """The strategies of a file in freqtrade's form, and the kind of each, which its docstring tells."""
    found = [one for one in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(one, ast.ClassDef)]
    return {one.name: ast.get_docstring(one) or "" for one in found if one.name != "Base"}


def checked_class(path: Path, name: str) -> Checked:
    return check(form_of(f"{path}:{name}"), generated(width_of("5m"), [1], BARS))


def said() -> Iterator[Said]:
    for leaks, path in FREQTRADE.items():
        for name, kind in classes(path).items():
            yield Said(name, "freqtrade", kind, leaks, checked_class(path, name))
    for leaks, modules in ((True, PLANTED), (False, SOUND)):
        for library, module in modules.items():
            for name, case in module.CASES.items():
                yield Said(name, library, case.kind, leaks, checked(module, name, case))


class Score(NamedTuple):
    """found, missed: of the strategies that look ahead; accused: of those that do not; unjudged: of all."""

    found: int
    missed: int
    accused: int
    sound: int
    unjudged: int

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed)

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.accused)


def score(all_said: list[Said]) -> Score:
    verdicts = Counter((one.leaks, one.checked.verdict) for one in all_said)
    planted_ones = sum(one.leaks for one in all_said)
    found, accused = verdicts[True, LEAK], verdicts[False, LEAK]
    unjudged = sum(one.checked.verdict not in (LEAK, CLEAN) for one in all_said)
    return Score(found, planted_ones - found, accused, len(all_said) - planted_ones, unjudged)
