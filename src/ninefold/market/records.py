"""Records that are rare and carry text: clock ticks, gaps, headlines, MAY, HAS, orders, fills. Frozen msgspec
structs, one union.

Every record has `seq` (the input that caused it) and `known_ns` (when the pipeline knew it). Sizes are signed in
fills' effect only:
`side` is +1 buy or -1 sell and `size` positive units of the instrument.
"""

from __future__ import annotations

from ninefold.market.instruments import Instrument
from ninefold.market.record import Record
from ninefold.market.strategy_records import Guard, LegsMoved, Renewed, StrategyFailed


class Tick(Record, frozen=True, kw_only=True, tag="tick"):
    """The clock. `exchange_ns` is the venue's time as estimated; it never goes back and always lies on the 100 ms
    grid.
    """

    exchange_ns: int


class Listed(Record, frozen=True, kw_only=True, tag="listed"):
    instrument: Instrument


class Connection(Record, frozen=True, kw_only=True, tag="connection"):
    """A connection opened or was lost; `venue` and `name` say which. trades: whether any come over it. instruments: those of
    which something does, as far as they are listed; None: all of the venue.
    """

    venue: str
    name: str
    state: str  # "open" | "lost" | "silent"
    reason: str = ""
    instruments: tuple[int, ...] | None = None
    trades: bool = True

    @property
    def has_trades(self) -> bool:
        return self.trades and self.name.partition(" ")[0] == "market"


class Offset(Record, frozen=True, kw_only=True, tag="offset"):
    """Clock offset of a connection: median of receive_ns - exchange_ns over its last frames (delay included)."""

    venue: str
    name: str
    median_ns: int
    frames: int


class Late(Record, frozen=True, kw_only=True, tag="late"):
    """A venue's feed is so far behind its usual delay although frames come without a pause; 0: in time again."""

    venue: str
    behind_ns: int


class Gap(Record, frozen=True, kw_only=True, tag="gap"):
    """Trades or book changes of an instrument that we may have missed, or that were healed later. Healed with to_id before
    from_id: after a broken connection it was proven that nothing had been missed.
    """

    instrument: int
    stream: str  # "trades" | "books"
    from_id: int
    to_id: int
    from_ns: int
    to_ns: int
    healed: bool = False


class Malformed(Record, frozen=True, kw_only=True, tag="malformed"):
    """A frame that could not be parsed; it is in the journal under `seq`."""

    venue: str
    reason: str
    excerpt: str


class Funding(Record, frozen=True, kw_only=True, tag="funding"):
    """What holders of a perpetual pay each other. rate: of the notional, as the venue wrote it ("0.0001": longs pay);
    due_ns: when it is paid; mark_price: in units of the instrument, 0 if not told.
    """

    instrument: int
    exchange_ns: int
    rate: str
    due_ns: int
    mark_price: int = 0


class Liquidation(Record, frozen=True, kw_only=True, tag="liquidation"):
    """A position that the venue closed by force. side: of the order that closed it, +1 buy or -1 sell."""

    instrument: int
    exchange_ns: int
    side: int
    price: int
    size: int


class Headline(Record, frozen=True, kw_only=True, tag="headline"):
    source: str
    headline_id: str
    title: str
    url: str
    published_ns: int
    score: float | None = None


class May(Record, frozen=True, kw_only=True, tag="may"):
    """What a strategy may do: with which probability, in which price zone, until when."""

    may_id: str
    instrument: int
    strategy: str
    side: int
    probability: float
    price_low: int
    price_high: int
    until_ns: int
    text: str = ""


class MayScored(Record, frozen=True, kw_only=True, tag="may_scored"):
    may_id: str
    outcome: bool
    probability: float


class Has(Record, frozen=True, kw_only=True, tag="has"):
    """What the bot has done: an order was filled. `may_id` names the MAY that foretold it; empty if none did."""

    has_id: str
    may_id: str
    instrument: int
    strategy: str
    client_order_id: str
    side: int
    size: int
    price: int
    text: str = ""


class Order(Record, frozen=True, kw_only=True, tag="order"):
    """One change of an order's state; the ledger keeps them all.

    status:     intended, refused, sent, unknown, working, partly_filled, filled, cancelled, rejected, expired.
    order_type: market, limit, post_only, ioc, fok; held by us, "intended" until their time has come, and market orders
                then: stop, take_profit, trailing, slice. kept_stop, kept_take_profit: at the venue, for one that we hold.
    price:      the limit; of a trailing one that is held the best price so far; of a stop or take-profit the price that set
                it off; of one that the venue keeps the limit there. 0: none. `filled` is the executed size so far. `reason`
                says why it was refused or rejected.
    trigger:    the price that sets off a stop or a take-profit; of a trailing one the distance to the best price; of a slice
                the venue's time (exchange_ns) from which on it leaves. 0: none.
    parent:     the client order id of the order that this one belongs to (an exit to its entry, a slice to its whole).
    """

    client_order_id: str
    instrument: int
    side: int
    size: int
    status: str
    order_type: str = "market"
    price: int = 0
    filled: int = 0
    venue_order_id: str = ""
    reason: str = ""
    strategies: tuple[str, ...] = ()
    may_id: str = ""
    trigger: int = 0
    reduce_only: bool = False
    parent: str = ""


class Fill(Record, frozen=True, kw_only=True, tag="fill"):
    """What we got. `fee` is in units of 10**-8 of `fee_asset`."""

    client_order_id: str
    instrument: int
    side: int
    price: int
    size: int
    fee: int
    fee_asset: str
    trade_id: str
    exchange_ns: int
    maker: bool = False


class Balance(Record, frozen=True, kw_only=True, tag="balance"):
    """What the venue says we own of an asset, in units of 10**-8."""

    asset: str
    free: int
    locked: int


class Equity(Record, frozen=True, kw_only=True, tag="equity"):
    """Worth of the account in quote units of 10**-8; None while a price that it needs is unknown."""

    quote: str
    value: int | None


class Halted(Record, frozen=True, kw_only=True, tag="halted"):
    by: str
    reason: str


class Resumed(Record, frozen=True, kw_only=True, tag="resumed"):
    by: str


class Found(Record, frozen=True, kw_only=True, tag="found"):
    """An open order on the account that our books did not know. ours: it has our prefix, and is followed from now on; else it is
    somebody else's, and only told of.
    """

    client_order_id: str
    venue: str
    symbol: str
    side: int
    ours: bool
    text: str


class Decision(Record, frozen=True, kw_only=True, tag="decision"):
    """Why an order was intended or refused: all that its decider went by at this tick, so that it can be decided again.

    targets:  of the instrument, by strategy; None where one could not tell.
    desired:  units of size wanted by these targets; position: amount of base (10**-8) that was held.
    bid, ask: as shown then, 0 where there was none.
    inputs:   digest of the above and of the tick. formulas: of the strategies' formulas; model: of the forecast model.
    verdict:  "approved", or why risk refused it.
    """

    client_order_id: str
    instrument: int
    exchange_ns: int
    targets: dict[str, float | None]
    desired: int
    position: int
    bid: int
    ask: int
    inputs: str
    formulas: str
    model: str
    verdict: str


class Flatten(Record, frozen=True, kw_only=True, tag="flatten"):
    """Somebody wants what is held sold: of one instrument by its name, or of all where it is empty. Holds until resumed."""

    by: str
    instrument: str = ""


class Flattened(Record, frozen=True, kw_only=True, tag="flattened"):
    """What was asked for is sold as far as it can be. left: what stays, and why, one text an instrument."""

    by: str
    left: tuple[str, ...] = ()


class Shared(Record, frozen=True, kw_only=True, tag="shared"):
    """How an order's fills are split: the strategies behind it, with the amounts of base (10**-8) that each wanted."""

    client_order_id: str
    instrument: int
    wanted: dict[str, int]


class Crossed(Record, frozen=True, kw_only=True, tag="crossed"):
    """What strategies wanted to take from each other at one tick: never sent, booked at `price` (the mid).
    taken: signed amounts of base (10**-8) by strategy, which sum to 0.
    """

    instrument: int
    price: int
    taken: dict[str, int]


class Asked(Record, frozen=True, kw_only=True, tag="asked"):
    """A person asked for an order. Numbers are texts as they were given, in base and quote; empty: none.

    ask_id: made where it was asked; the order's id derives from it. price: the limit. trail: distance to the best price.
    stop, take_profit: exits of a bracket. slices, over_ns: the order in so many parts over so long; 0: whole, at once.
    """

    ask_id: str
    by: str
    side: int
    size: str
    pair: str
    order_type: str = "market"
    price: str = ""
    trigger: str = ""
    trail: str = ""
    stop: str = ""
    take_profit: str = ""
    slices: int = 0
    over_ns: int = 0
    reduce_only: bool = False


class CancelAsked(Record, frozen=True, kw_only=True, tag="cancel_asked"):
    """A person wants an order cancelled, or all slices of a whole by its id."""

    by: str
    client_order_id: str


class Started(Record, frozen=True, kw_only=True, tag="started"):
    """The pipeline (re)started here: what was intended before and never sent will not be sent."""

    run: str


AnyRecord = (
    Tick
    | Listed
    | Connection
    | Offset
    | Late
    | Gap
    | Malformed
    | Funding
    | Liquidation
    | Headline
    | May
    | MayScored
    | Has
    | Order
    | Fill
    | Balance
    | Equity
    | Halted
    | Resumed
    | Found
    | Decision
    | Flatten
    | Flattened
    | Shared
    | Crossed
    | Renewed
    | Guard
    | StrategyFailed
    | LegsMoved
    | Asked
    | CancelAsked
    | Started
)
