"""What a user may set, from ninefold.toml. Secrets are never in it: it names the environment variable or the file
that holds them.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import msgspec

from ninefold.market.time import TIMEFRAMES
from ninefold.venues.ccxt_names import refusal
from ninefold.venues.table import VENUES

Positive = Annotated[float, msgspec.Meta(gt=0)]
PAIR = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+(-\d{6})?)?")  # as ccxt writes symbols
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")  # it is part of a NATS subject and of a file's name
BUS_URL = re.compile(r"(nats|tls)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")


class BadConfig(ValueError):
    """A config that cannot be used; the text names the key, what was found and what is allowed."""


class _Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class Venue(_Section, frozen=True):
    """Where the market comes from. Empty addresses and streams are the venue's own."""

    name: str = "binance"
    pairs: tuple[str, ...] = ("BTC/USDT", "ETH/USDT")
    streams: tuple[str, ...] = ()
    rest_url: str = ""
    stream_url: str = ""
    ws_api_url: str = ""


class Account(_Section, frozen=True):
    """orders: "paper" fills in our simulated market; "exchange" sends signed orders to the venue's addresses."""

    orders: Literal["paper", "exchange"] = "paper"
    quote: str = "USDT"
    capital: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?$")] = "10000"
    keys_file: str = ""
    key_env: str = "NINEFOLD_API_KEY"
    secret_env: str = "NINEFOLD_API_SECRET"


class Risk(_Section, frozen=True):
    position_quote: Positive = 2000.0  # worth of one instrument's position at most
    order_quote: Positive = 1000.0  # worth of one order at most
    orders_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 60


class Strategies(_Section, frozen=True):
    """names: empty means the default ones. folder: where a user's own strategy files are found by name."""

    names: tuple[str, ...] = ()
    folder: str = ""


class Source(_Section, frozen=True):
    name: str
    form: Literal["rss", "lines", "fear_greed"]
    address: str  # http(s) address or path of a file
    every_s: Positive = 60.0


class Notify(_Section, frozen=True):
    """Slack: a webhook address or a bot token, each from the environment."""

    webhook_env: str = "NINEFOLD_SLACK_WEBHOOK"
    token_env: str = "NINEFOLD_SLACK_TOKEN"
    channel: str = "#ninefold"
    api_url: str = ""


class Serve(_Section, frozen=True):
    host: str = "127.0.0.1"
    port: Port = 8899
    token_env: str = "NINEFOLD_API_TOKEN"


class Influx(_Section, frozen=True):
    """A live copy as line protocol; an empty url writes none."""

    url: str = ""
    api: Literal["v1", "v2", "v3"] = "v1"
    database: str = "ninefold"
    org: str = ""
    user: str = ""
    password_env: str = "NINEFOLD_INFLUX_PASSWORD"
    token_env: str = "NINEFOLD_INFLUX_TOKEN"


class Bus(_Section, frozen=True):
    """NATS, for services that run alone. The credential of each is in an owner-only file or in the environment.

    name: of this host's collector among several; collectors: those that the recorder puts together. cert_file, key_file:
    of the server that `ninefold service bus` runs.
    """

    url: str = ""
    ca_file: str = ""
    credentials: str = ""
    user_env: str = "NINEFOLD_BUS_USER"
    password_env: str = "NINEFOLD_BUS_PASSWORD"
    name: str = ""
    collectors: tuple[str, ...] = ()
    cert_file: str = ""
    key_file: str = ""


class Keep(_Section, frozen=True):
    """What is kept of a kind of data; a limit that is not given is none."""

    days: Positive | None = None
    gigabytes: Positive | None = None


class Retention(_Section, frozen=True):
    """Whole days are let go, oldest first, and whole segments of the logs."""

    journal: Keep = Keep()
    stream: Keep = Keep()
    trades: Keep = Keep()
    books: Keep = Keep()
    quotes: Keep = Keep()
    bars: Keep = Keep()
    values: Keep = Keep()
    forecasts: Keep = Keep()
    targets: Keep = Keep()


class Config(_Section, frozen=True):
    version: Literal[1] = 1
    data_dir: str = "data"
    mode: Literal["demo", "paper", "live", "replay"] = "paper"
    venue: Venue = Venue()
    capture: tuple[Venue, ...] = ()
    account: Account = Account()
    risk: Risk = Risk()
    strategies: Strategies = Strategies()
    sentiment: tuple[Source, ...] = ()
    notify: Notify = Notify()
    serve: Serve = Serve()
    retention: Retention = Retention()
    influx: Influx = Influx()
    bus: Bus = Bus()

    @property
    def venues(self) -> tuple[Venue, ...]:
        """All that are captured, the one that is traded first; its clock closes the bars."""
        return (self.venue, *self.capture)


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
    if config.account.orders == "exchange" and not VENUES[config.venue.name].ws_api_url:
        able = ", ".join(repr(venue) for venue, entry in VENUES.items() if entry.ws_api_url)
        raise BadConfig(
            f"{name}: account.orders is 'exchange', and orders cannot be sent to {config.venue.name!r} yet, only to {able}; "
            "allowed here: 'paper'"
        )
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


def keys_of(account: Account) -> tuple[str, str]:
    """The API key and secret from the file (owner-only) or the environment.

    raises: BadConfig saying where they were looked for, never what was found.
    """
    if account.keys_file:
        path = Path(account.keys_file)
        if not path.exists():
            raise BadConfig(f"account.keys_file names {path}, which does not exist")
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadConfig(f"{path} can be read by others; run `chmod 600 {path}`")
        try:
            held = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
            return held["apiKey"], held["secret"]
        except (msgspec.DecodeError, KeyError):
            raise BadConfig(f'{path} must be JSON like {{"apiKey": "...", "secret": "..."}}') from None
    key, secret = os.environ.get(account.key_env, ""), os.environ.get(account.secret_env, "")
    if not key or not secret:
        raise BadConfig(
            f"account.orders is 'exchange', but {account.key_env} and {account.secret_env} are not both set in the environment; "
            "set them, or name an owner-only keys_file"
        )
    return key, secret


def template() -> str:
    """A commented config with every default."""
    return TEMPLATE.replace("TIMEFRAMES", " ".join(TIMEFRAMES)).replace("VENUES", ", ".join(VENUES))


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


TEMPLATE = """\
# ninefold: what may be set. Everything has a default; remove what you do not change.
version = 1
data_dir = "data"        # journal, tables, ledger, models
mode = "paper"           # paper, or live (needs `ninefold up --live` too)

[venue]
name = "binance"         # that is traded: VENUES
pairs = ["BTC/USDT", "ETH/USDT"]
# rest_url = ""          # only to point at another address, for example a simulated exchange
# stream_url = ""
# ws_api_url = ""

# ccxt.EXCHANGE          # as a name: any other exchange that ccxt knows, for example "ccxt.bitvavo" (pip install
#                          "ninefold[ccxt]"); streams = ["candles:1m"] takes the exchange's candles in place of trades

# [[capture]]            # further venues that are recorded only, as many as you like
# name = "kraken"
# pairs = ["BTC/USD", "ETH/USD"]

[account]
orders = "paper"         # paper: filled in our simulated market; exchange: signed orders to the venue
quote = "USDT"
capital = "10000"        # worth that the strategies may use together, in quote
# key_env = "NINEFOLD_API_KEY"        # names of environment variables, never the secrets themselves
# secret_env = "NINEFOLD_API_SECRET"
# keys_file = ""         # or an owner-only file {"apiKey": ..., "secret": ...}

[risk]
position_quote = 2000.0  # worth of one instrument's position at most
order_quote = 1000.0     # worth of one order at most
orders_per_minute = 60

[strategies]
names = []               # empty: the default ones (bars from TIMEFRAMES)
folder = ""              # your own strategy files, found by name

# [[sentiment]]          # headlines: an address or a file, as many as you like
# name = "news"
# form = "rss"           # rss, lines (one JSON object a line), fear_greed (CSV or alternative.me's JSON)
# address = "https://news.example.com/rss"
# every_s = 60.0

[notify]
webhook_env = "NINEFOLD_SLACK_WEBHOOK"
token_env = "NINEFOLD_SLACK_TOKEN"
channel = "#ninefold"

[serve]
host = "127.0.0.1"       # another address needs a token in token_env
port = 8899
token_env = "NINEFOLD_API_TOKEN"

# [influx]               # a live copy as line protocol (docs/imports.md)
# url = "http://127.0.0.1:8086"
# api = "v1"             # v1: /write, v2: /api/v2/write, v3: /api/v3/write_lp
# database = "ninefold"  # the bucket of v2
# org = ""               # of v2; its token, and v1's password, are in the environment
# user = ""              # of v1

# [bus]                  # NATS, for services on several hosts (docs/operations.md)
# url = "tls://recorder.example.com:4222"
# ca_file = ""           # the certificate of the authority that signed the server's; empty: those this machine trusts
# credentials = "bus"    # a folder with a file for each service of this host: collect-tokyo-1.json, .nk or .creds
# user_env = "NINEFOLD_BUS_USER"      # or, without a folder, the names of two environment variables
# password_env = "NINEFOLD_BUS_PASSWORD"
# name = "tokyo-1"       # on a host that collects for a recorder elsewhere
# collectors = ["tokyo-1", "frankfurt-1"]   # on the recorder, and where `ninefold service bus` runs
# cert_file = ""         # of `ninefold service bus`: the server's certificate and its key, PEM
# key_file = ""

[retention]              # everything is kept unless told otherwise; whole days go, oldest first (docs/operations.md)
# books = { days = 30, gigabytes = 200 }
# quotes = { days = 30 }
# trades = { gigabytes = 500 }
# also: bars, values, forecasts, targets, and the logs: journal, stream
"""
