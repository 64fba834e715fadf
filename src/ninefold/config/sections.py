"""What a user may set, section by section, with every default.

In:  values of a config file. Out: `Config`; what does not fit a section's types is refused where it is read.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(gt=0, le=1)]
Timeframe = Literal["1s", "5s", "1m", "5m", "15m", "1h", "1d"]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


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
    """orders: "paper" fills in our simulated market; "exchange" sends signed orders to the venue's addresses. canary: with mode
    "live" a position is worth so much at most, until so many filled orders agreed with the venue's balances. unproven_venue:
    the venue's name once more, where its order entry was never seen at work. key_cannot_withdraw: somebody has looked, at a venue
    that cannot be asked. durable: an order is in the ledger before it
    leaves; "strict": also on the disk, "overlapped": on the disk before the next of its instrument. stops: "venue": of stops by
    hand another order lies at the venue, where that keeps them; "held": they are with us alone.
    """

    orders: Literal["paper", "exchange"] = "paper"
    quote: str = "USDT"
    capital: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?$")] = "10000"
    keys_file: str = ""
    key_env: str = "NINEFOLD_API_KEY"
    secret_env: str = "NINEFOLD_API_SECRET"
    passphrase_env: str = "NINEFOLD_API_PASSPHRASE"
    unproven_venue: str = ""
    key_cannot_withdraw: bool = False
    canary_quote: Positive = 20.0
    canary_orders: Annotated[int, msgspec.Meta(ge=1)] = 20
    durable: Literal["overlapped", "strict"] = "strict"
    stops: Literal["venue", "held"] = "held"


class Risk(_Section, frozen=True):
    """Amounts are of the account's quote asset, fractions of 1; docs/risk.md says what each rule needs. The two of the tail are
    off unless given: they refuse until a hundred bars were seen."""

    position_quote: Positive = 2000.0  # worth of one instrument's position at most
    order_quote: Positive = 1000.0  # worth of one order at most
    orders_per_minute: Annotated[int, msgspec.Meta(ge=1)] = 60
    instrument_quote: Positive = 3000.0  # held and on order, of one instrument
    venue_quote: Positive = 10000.0
    total_quote: Positive = 10000.0
    strategy_quote: Positive = 5000.0
    price_band: Fraction = 0.05
    clock_skew_s: Positive = 2.0
    daily_loss: Fraction = 0.1
    drawdown: Fraction = 0.25
    var_quote: Positive | None = None
    cvar_quote: Positive | None = None
    tail_timeframe: Timeframe = "1m"


class Sizing(_Section, frozen=True):
    """How much of its share of the capital a strategy uses (docs/risk.md)."""

    method: Literal["fixed", "volatility", "kelly"] = "fixed"
    volatility: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.5
    kelly: Fraction = 0.25
    most: Fraction = 1.0
    bars: Annotated[int, msgspec.Meta(ge=20, le=1000)] = 100
    timeframe: Timeframe = "1m"


class Strategies(_Section, frozen=True):
    """names: empty means the default ones. folder: where a user's own strategy files are found by name. legs: by strategy, the pair
    of each of its legs, in their order."""

    names: tuple[str, ...] = ()
    folder: str = ""
    legs: dict[str, tuple[str, ...]] = {}


class Source(_Section, frozen=True):
    name: str
    form: Literal["rss", "lines", "fear_greed"]
    address: str  # http(s) address or path of a file
    every_s: Positive = 60.0


class Notify(_Section, frozen=True):
    """Slack: a webhook address or a bot token, each from the environment. signing_secret_env: of the app whose commands are
    taken; slack_users: ids of the people who may give them, empty for all who can use the app.
    """

    webhook_env: str = "NINEFOLD_SLACK_WEBHOOK"
    token_env: str = "NINEFOLD_SLACK_TOKEN"
    channel: str = "#ninefold"
    api_url: str = ""
    signing_secret_env: str = "NINEFOLD_SLACK_SIGNING_SECRET"
    slack_users: tuple[str, ...] = ()


class Serve(_Section, frozen=True):
    """The token of token_env may do everything. tokens_file: owner-only, {NAME: {"scope": ..., "token": ...}}."""

    host: str = "127.0.0.1"
    port: Port = 8899
    token_env: str = "NINEFOLD_API_TOKEN"
    trade_token_env: str = "NINEFOLD_API_TRADE_TOKEN"
    read_token_env: str = "NINEFOLD_API_READ_TOKEN"
    tokens_file: str = ""


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
    sizing: Sizing = Sizing()
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
