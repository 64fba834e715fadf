"""The file of a freqtrade strategy: found by the name of its class, loaded, and the values stored beside it.

In:  a folder and a name. Out: `Loaded`. While it is used, `standing_in()` has to be open: the file imports from freqtrade.
"""

from __future__ import annotations

import ast
import difflib
import sys
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from ninefold.freqtrade.asking import place
from ninefold.freqtrade.errors import StrategyFailed
from ninefold.freqtrade.istrategy import IStrategy
from ninefold.services import own_file


@dataclass(frozen=True, eq=False, slots=True)
class Loaded:
    """stored: parameters, ROI and stops of NAME.json, by space. digest: of the file and what is stored."""

    of: type
    file: Path
    stored: dict[str, dict[str, Any]]
    digest: str

    @property
    def timeframe(self) -> str:
        return str(getattr(self.of, "timeframe", "") or getattr(self.of, "ticker_interval", ""))


def load(folder: Path, name: str) -> Loaded:
    """raises: StrategyFailed naming file, line and remedy."""
    file = _file(folder, name)
    of = getattr(_module(file), name)
    if not (isinstance(of, type) and issubclass(of, IStrategy)):
        raise StrategyFailed(f"{file}: {name} does not derive from IStrategy; write class {name}(IStrategy)")
    beside = file.with_suffix(".json")
    stored = _stored(beside) if beside.exists() else {}
    digest = blake2b(file.read_bytes() + msgspec.json.encode(stored), digest_size=8).hexdigest()
    return Loaded(of, file, stored, digest)


def _file(folder: Path, name: str) -> Path:
    """The file of the folder that has a class of this name."""
    if not folder.is_dir():
        raise StrategyFailed(
            f"there is no folder {folder}; --strategy-path names the one that holds the strategy's file"
        )
    classes = {one: file for file in sorted(folder.glob("*.py")) for one in _classes(file, name)}
    if name not in classes:
        near = difflib.get_close_matches(name, classes, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise StrategyFailed(
            f"no file in {folder} has a class {name!r}{hint} There are {', '.join(sorted(classes)) or 'none'}; --strategy takes the "
            "name of the class"
        )
    return classes[name]


def _classes(file: Path, wanted: str) -> list[str]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except SyntaxError as error:
        if file.stem == wanted:
            raise StrategyFailed(f"{file}:{error.lineno}: {error.msg}; mend the strategy's file") from error
        return []
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def _module(file: Path) -> ModuleType:
    """Loaded anew; its own folder is where it finds modules beside it."""
    module = own_file.unrun(file, f"ninefold strategy {file.stem}")
    if module is None:
        raise StrategyFailed(f"{file} cannot be loaded as a Python file")
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    try:
        own_file.run(module)
    except StrategyFailed as error:
        raise StrategyFailed(f"{place(str(file), error)}: {error}") from error
    except ImportError as error:
        raise StrategyFailed(f"{place(str(file), error)}: {error}; {_remedy(error)}") from error
    except Exception as error:  # free code raises anything
        raise StrategyFailed(f"{place(str(file), error)}: {type(error).__name__}: {error}; mend the file") from error
    return module


def _remedy(error: ImportError) -> str:
    of = (error.name or "").partition(".")[0]
    if of in ("freqtrade", "technical"):
        return "docs/freqtrade.md lists what of freqtrade is there"
    return f"install {of} beside ninefold" if isinstance(error, ModuleNotFoundError) else "mend the strategy's file"


def _stored(file: Path) -> dict[str, dict[str, Any]]:
    """What freqtrade's hyperopt writes beside a strategy."""
    try:
        found: dict[str, dict[str, Any]] = msgspec.json.decode(file.read_bytes(), type=dict[str, Any]).get("params", {})
    except msgspec.MsgspecError as error:
        raise StrategyFailed(f"{file}: {error}; mend the file of parameters, or move it away") from error
    return found
