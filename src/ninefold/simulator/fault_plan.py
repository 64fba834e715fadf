"""A plan of faults: which, how often, when.

In:  words such as `reply_lost:0.1,maintenance@30s+5s`, or a file of TOML (`[[fault]]` tables) or JSON (a list of objects).
Out: checked faults, as `POST /sim/v1/faults` takes them; what is wrong with the plan otherwise.
"""

import re
import tomllib
from pathlib import Path

import msgspec

from ninefold.simulator.faults import OF_ALL, FaultRequest, Faults

FOR_EVER_S = 1e9
WORD = re.compile(r"([a-z0-9_]+)((?:[:*@+=][^:*@+=]+)*)")
FORM = "KIND[:SHARE][*COUNT][=MILLISECONDS][@AFTER][+DURATION], such as reply_lost:0.1 or maintenance@30s+5s"
UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class BadPlan(ValueError):
    """A plan that cannot be followed; the text says where and why."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    fault: list[FaultRequest]


def plan_of(text: str) -> list[FaultRequest]:
    """text: the name of a file that ends with .toml or .json, or words with commas between. raises: BadPlan."""
    path = Path(text)
    faults = _read(path) if path.suffix in (".toml", ".json") else [_fault(word) for word in text.split(",") if word]
    if not faults:
        raise BadPlan(f"faults: {text!r} holds none; write {FORM}, with commas between")
    for fault in faults:
        try:
            Faults().check(fault)
        except ValueError as error:
            raise BadPlan(str(error)) from error
    return faults


def _read(path: Path) -> list[FaultRequest]:
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(path.read_bytes(), type=list[FaultRequest])
        return msgspec.convert(tomllib.loads(path.read_text()), _File).fault
    except FileNotFoundError:
        raise BadPlan(f"faults: there is no {path}; name a file, or write {FORM}") from None
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        form = "a list of objects" if path.suffix == ".json" else "[[fault]] tables"
        raise BadPlan(f"faults: {path}: {error}; it holds {form} with the fields of docs/faults.md") from error


def _fault(word: str) -> FaultRequest:
    """
    >>> _fault("reply_lost:0.1@30s+2m").seconds
    120.0
    """
    found = WORD.fullmatch(word.strip())
    if found is None:
        raise BadPlan(f"faults: {word!r} cannot be read; it is written {FORM}")
    kind = found[1]
    parts = {part[0]: part[1:] for part in re.findall(r"[:*@+=][^:*@+=]+", found[2])}
    try:
        count = int(parts.get("*", "0"))
        for_ever = 0.0 if count or kind in OF_ALL else FOR_EVER_S
        return FaultRequest(
            kind=kind,
            seconds=_seconds(parts["+"]) if "+" in parts else for_ever,
            count=count,
            after=_seconds(parts.get("@", "0")),
            share=float(parts.get(":", "1")),
            by_ms=int(parts.get("=", "0")),
        )
    except ValueError as error:
        raise BadPlan(f"faults: {word!r}: {error}; it is written {FORM}") from error


def _seconds(text: str) -> float:
    """
    >>> _seconds("5"), _seconds("1.5m")
    (5.0, 90.0)
    """
    found = re.fullmatch(r"([0-9]+\.?[0-9]*)(ms|s|m|h|)", text)
    if found is None:
        raise ValueError(f"{text!r} is no time; it is a number of seconds, or one with {', '.join(UNITS_S)}")
    return float(found[1]) * UNITS_S[found[2] or "s"]
