"""What was asked for as the trial ledger keeps it, and back.

In:  what is asked. Out: a configuration of plain values that runs the trial again; the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ninefold.services.backtest_wanted import RECORDED, BadBacktest, Wanted

ALWAYS = ("holes", "instrument", "timeframe", "timerange", "taker_fee", "fill", "cash", "size")
OTHERWISE = (
    *("slippage", "stop_loss", "take_profit", "trailing", "max_bars", "leverage", "short", "volume_share"),
    *("fee_tiers", "more_files", "more_instruments", "funding", "more_funding"),
)
DEFAULTS = {field.name: field.default for field in fields(Wanted)}


def config_of(wanted: Wanted, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides a result, for the trial ledger; later options only where they are not left out."""
    return {
        "strategy": wanted.strategy,
        "set": dict(parameters),
        "bars": None if wanted.file is None else str(wanted.file.absolute()),
        "strategies": None if wanted.strategies is None else str(wanted.strategies.absolute()),
        **{name: getattr(wanted, name) for name in ALWAYS},
        **{name: as_kept(getattr(wanted, name)) for name in OTHERWISE if getattr(wanted, name) != DEFAULTS[name]},
        **funding_kept(wanted.funding, wanted.more_funding),
    }


def wanted_of(config: Mapping[str, Any], data_dir: Path) -> Wanted:
    """The other way.

    raises: BadBacktest for options that this version does not know.
    """
    known = {"strategy", "strategies", "set", "bars", *ALWAYS, *OTHERWISE}
    if strange := sorted(config.keys() - known):
        raise BadBacktest(f"the trial was counted with {', '.join(strange)}, which this version does not know")
    return Wanted(
        strategy=config["strategy"],
        settings=settings_of(config["set"]),
        data_dir=data_dir,
        file=None if config["bars"] is None else Path(config["bars"]),
        strategies=None if config["strategies"] is None else Path(config["strategies"]),
        **{name: as_asked(config[name]) for name in (*ALWAYS, *OTHERWISE) if name in config},
    )


def funding_kept(first: str | None, more: Sequence[str]) -> dict[str, Any]:
    """Where funding is, from wherever it is run again; nothing where there is none."""
    names = [one if one == RECORDED else str(Path(one).absolute()) for one in (first, *more) if one is not None]
    return {**({"funding": names[0]} if names else {}), **({"more_funding": names[1:]} if names[1:] else {})}


def as_kept(value: Any) -> Any:
    """As JSON gives it back."""
    return [as_kept(one) for one in value] if isinstance(value, tuple) else value


def as_asked(value: Any) -> Any:
    """The other way."""
    return tuple(as_asked(one) for one in value) if isinstance(value, list) else value


def settings_of(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in parameters.items())
