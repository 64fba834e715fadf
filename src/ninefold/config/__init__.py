"""What a user may set, from ninefold.toml: read, checked, and explained where it is wrong. Secrets are never in it: it names the
environment variable or the file that holds them.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec

from ninefold.config.secret_file import BadConfig, owner_only
from ninefold.config.sections import (
    Account,
    Bus,
    Config,
    Influx,
    Keep,
    Notify,
    Retention,
    Risk,
    Serve,
    Sizing,
    Source,
    Strategies,
    Venue,
)
from ninefold.config.template import template
from ninefold.venues.ccxt_names import QUOTES, STREAMS, is_name, refusal
from ninefold.venues.order_table import ORDER_VENUES, PASSPHRASE, PROVEN, THROUGH_CCXT
from ninefold.venues.signed import Keys
from ninefold.venues.table import VENUES

__all__ = [
    "Account",
    "BadConfig",
    "Bus",
    "Config",
    "Influx",
    "Keep",
    "Notify",
    "Retention",
    "Risk",
    "Serve",
    "Sizing",
    "Source",
    "Strategies",
    "Venue",
    "keys_of",
    "load",
    "parse",
    "template",
    "validated",
]

PAIR = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+(-\d{6})?)?")  # as ccxt writes symbols
TRADED_STREAMS = [*STREAMS, QUOTES]  # that an exchange through ccxt is traded by
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")  # it is part of a NATS subject and of a file's name
BUS_URL = re.compile(r"(nats|tls)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")


def parse(text: str, name: str = "ninefold.toml") -> Config:
    """A config from TOML.

    raises: BadConfig naming the key, what was found, what is allowed.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{name} is not valid TOML: {error}") from error
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise BadConfig(f"{name}: {_explain(str(error), raw)}") from error
    return validated(config, name)


def validated(config: Config, name: str) -> Config:
    """The same config if its parts fit together; name: where it is from. raises: BadConfig."""
    _check_venues(config, name)
    _check_bus(config.bus, name)
    if config.account.orders == "exchange":
        _check_orders(config, name)
    return config


def load(path: Path) -> Config:
    """A config from TOML, or from the JSON that a parent process wrote. raises: BadConfig, also when there is no such
    file.
    """
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(path.read_bytes(), type=Config)
        return parse(path.read_text(), str(path))
    except FileNotFoundError:
        raise BadConfig(f"there is no {path}; `ninefold init` writes a commented one") from None


def keys_of(config: Config) -> Keys:
    """The API key and secret, and where the venue wants one a passphrase, from the file (owner-only) or the environment.

    raises: BadConfig saying where they were looked for, never what was found.
    """
    account, wanted = config.account, config.venue.name in PASSPHRASE
    if account.keys_file:
        path = Path(account.keys_file)
        try:
            held = msgspec.json.decode(owner_only(path, "account.keys_file"), type=dict[str, str])
            return Keys(held["apiKey"], held["secret"], held["passphrase"] if wanted else "")
        except (msgspec.DecodeError, KeyError):
            more = ', "passphrase": "..."' * wanted
            raise BadConfig(f'{path} must be JSON like {{"apiKey": "...", "secret": "..."{more}}}') from None
    names = [account.key_env, account.secret_env, *([account.passphrase_env] if wanted else [])]
    found = [os.environ.get(each, "") for each in names]
    if not all(found):
        raise BadConfig(
            f"account.orders is 'exchange', but {' and '.join(names)} are not all set in the environment; set them, or name "
            "an owner-only keys_file"
        )
    return Keys(*found)


def _check_orders(config: Config, name: str) -> None:
    """What cannot be sent, or only if it is asked for, is refused before anything starts."""
    venue, account = config.venue, config.account
    if is_name(venue.name):
        _check_through_ccxt(config, name)
    elif venue.name not in ORDER_VENUES:
        able = ", ".join(map(repr, ORDER_VENUES))
        raise BadConfig(
            f"{name}: account.orders is 'exchange', and orders cannot be sent to {venue.name!r}, only to {able}; "
            "allowed here: 'paper'"
        )
    contracts = [pair for pair in venue.pairs if ":" in pair]
    if contracts:
        raise BadConfig(
            f"{name}: account.orders is 'exchange', and venue.pairs holds {contracts[0]!r}, a contract; orders are for spot pairs "
            'alone, BASE/QUOTE. Capture contracts under [[capture]], or set account.orders = "paper"'
        )
    if account.durable == "overlapped" and venue.name not in PROVEN:
        raise BadConfig(
            f"{name}: account.durable is 'overlapped', which needs a venue that can be asked for all recent orders; of "
            f"{venue.name!r} no such question is known; allowed here: 'strict'"
        )
    if config.mode == "live" and venue.name not in PROVEN and account.unproven_venue != venue.name:
        raise BadConfig(
            f"{name}: nobody has seen our orders at work at {venue.name!r}: they are written after its documentation alone (docs/"
            f"venues-orders.md). To send real orders all the same, set account.unproven_venue = {venue.name!r} (found "
            f"{account.unproven_venue!r}), and begin with a small canary_quote"
        )


def _check_through_ccxt(config: Config, name: str) -> None:
    """What can be sent through ccxt, with what is needed to size it, by a key of which only a person can say what it may do."""
    venue = config.venue
    if venue.name not in THROUGH_CCXT:
        able = ", ".join(map(repr, THROUGH_CCXT))
        raise BadConfig(
            f"{name}: account.orders is 'exchange', and through ccxt {venue.name!r} cannot be asked for an order by our id, so one "
            f"whose answer was lost could not be found again; of ccxt's exchanges only {able} can; allowed here: 'paper'"
        )
    if not {*TRADED_STREAMS} <= {*venue.streams}:
        raise BadConfig(
            f"{name}: account.orders is 'exchange', and venue.streams holds {list(venue.streams)!r}; without quotes nothing is "
            f"sized, and without trades no stop is set off: write streams = {json.dumps(TRADED_STREAMS)}"
        )
    if config.mode == "live" and not config.account.key_cannot_withdraw:
        raise BadConfig(
            f"{name}: live trading takes only keys that may not withdraw, and through ccxt {venue.name!r} cannot be asked what a key "
            "may do. Look in the exchange's API management, switch withdrawals off, and say so: account.key_cannot_withdraw = true"
        )


def _check_venues(config: Config, name: str) -> None:
    known: set[str] = set()
    for place, venue in (("venue", config.venue), *((f"capture[{i}]", one) for i, one in enumerate(config.capture))):
        if venue.name not in VENUES:
            raise BadConfig(f"{name}: {place}.name: found {venue.name!r}; allowed: {', '.join(map(repr, VENUES))}")
        if venue.name in known:
            raise BadConfig(f"{name}: {place}.name: {venue.name!r} is named twice; put all its pairs in one place")
        refused = refusal(venue.name, venue.streams)
        if refused:
            raise BadConfig(f"{name}: {place}: found {venue.name!r}; {refused}")
        known.add(venue.name)
        for pair in venue.pairs:
            if not PAIR.fullmatch(pair):
                raise BadConfig(
                    f"{name}: {place}.pairs holds {pair!r}; pairs are written BASE/QUOTE, for example 'BTC/USDT', "
                    "perpetuals BASE/QUOTE:SETTLE, for example 'BTC/USDT:USDT', futures with their day of expiry behind it, "
                    "for example 'BTC/USD:BTC-261225'"
                )


def _check_bus(bus: Bus, name: str) -> None:
    if bus.url and not BUS_URL.fullmatch(bus.url):
        raise BadConfig(
            f"{name}: bus.url must be like 'tls://recorder.example.com:4222' (or nats:// on loopback), without user and "
            "password: they are in bus.credentials or in the environment"
        )
    for given in (*((bus.name,) if bus.name else ()), *bus.collectors):
        if not HOST_NAME.fullmatch(given):
            raise BadConfig(
                f"{name}: bus names a collector {given!r}; allowed: small letters, digits and dashes, for example 'tokyo-1'"
            )


def _explain(message: str, raw: dict[str, object]) -> str:
    unknown = re.search(r"unknown field `(\w+)`(?: - at `\$\.?(.*)`)?", message)
    if unknown:
        name, place = unknown.group(1), unknown.group(2) or ""
        allowed = _fields(place)
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"there is no key {'.'.join(filter(None, (place, name)))!r}{hint} Allowed here: {', '.join(allowed)}"
    where = re.search(r" - at `\$\.?(.*)`", message)
    key = where.group(1) if where else "the top level"
    found: object = raw
    kind: object = Config
    for part in re.findall(r"\w+", key if where else ""):
        if part.isdigit():
            found = found[int(part)] if isinstance(found, list) else found
            kind = get_args(kind)[0]
        else:
            found = found.get(part) if isinstance(found, dict) else found
            kind = get_type_hints(kind)[part]
    if get_origin(kind) is Literal:
        return f"{key}: found {found!r}; allowed: {', '.join(map(repr, get_args(kind)))}"
    return f"{key}: found {found!r}; {message.split(' - at ')[0]}"


def _fields(place: str) -> list[str]:
    kinds: dict[str, type[msgspec.Struct]] = {
        "": Config,
        "venue": Venue,
        "capture": Venue,
        "account": Account,
        "risk": Risk,
        "sizing": Sizing,
        "strategies": Strategies,
        "notify": Notify,
        "serve": Serve,
        "retention": Retention,
        "influx": Influx,
        "bus": Bus,
        **{f"retention.{field.name}": Keep for field in msgspec.structs.fields(Retention)},
    }
    kind: type[msgspec.Struct] = kinds.get(place.partition("[")[0], Source)
    return [field.name for field in msgspec.structs.fields(kind)]
