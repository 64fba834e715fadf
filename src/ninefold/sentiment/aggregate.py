"""The running mood of each asset: a mean of headline scores in which older ones count less.

In:  scored headlines, in the order in which they arrived.
Out: the mood of an asset at a moment, from the headlines that had arrived by then.

Only arrival counts: a decision could not have used a headline before we had it, whatever its publisher claims.
A publish stamp later than the arrival (a wrong clock, an embargo) is flagged and changes nothing else.
The mean of asset A is sum(w * s) / sum(w) with w = relevance * 2 ** (-age / HALF_LIFE_NS). The common decay of both
sums cancels, so without news the mood stays, until the sum of weights is below a floor: then it is NaN.
"""

import math
import re
from typing import Self

import msgspec

from ninefold.sentiment.headlines import Headline

HALF_LIFE_NS = 2 * 3_600 * 1_000_000_000  # headlines move crypto for hours, not days
FORGET_BELOW = 0.01  # about six half-lives after a single headline: no mood rather than an old one
GENERAL_RELEVANCE = 0.25  # news about no asset we know says a little about all of them
REMEMBERED_IDS = 20_000  # duplicates of a headline come within days; feeds bring hundreds a day
VERSION = 1

ASSETS: dict[str, tuple[str, ...]] = {
    "BTC": ("btc", "bitcoin"),
    "ETH": ("eth", "ether", "ethereum"),
    "BNB": ("bnb", "binance coin"),
    "SOL": ("sol", "solana"),
    "XRP": ("xrp", "ripple"),
    "ADA": ("ada", "cardano"),
    "DOGE": ("doge", "dogecoin"),
    "AVAX": ("avax", "avalanche"),
    "LINK": ("chainlink",),
    "LTC": ("ltc", "litecoin"),
    "TRX": ("trx", "tron"),
    "DOT": ("polkadot",),
}
GENERAL = "*"
PATTERNS = {asset: re.compile(rf"\b(?:{'|'.join(names)})\b", re.IGNORECASE) for asset, names in ASSETS.items()}


class ScoredHeadline(msgspec.Struct, frozen=True):
    """A headline, when it reached us, and its score in [-1, +1]."""

    headline: Headline
    arrival_ns: int
    score: float

    @property
    def from_the_future(self) -> bool:
        """The publisher's stamp is later than our arrival: do not trust it."""
        return self.headline.published_ns > self.arrival_ns


class Mood(msgspec.Struct, frozen=True):
    """Decayed sums at `at_ns`: of relevance * score, and of relevance."""

    at_ns: int
    weighted: float = 0.0
    weight: float = 0.0

    def at(self, at_ns: int) -> Self:
        decay = 2.0 ** (-(at_ns - self.at_ns) / HALF_LIFE_NS)
        return type(self)(at_ns, self.weighted * decay, self.weight * decay)


class SentimentState(msgspec.Struct, frozen=True):
    """Moods by asset (`GENERAL` for news about none), the ids already counted (oldest first), flagged stamps so far."""

    version: int = VERSION
    last_ns: int = 0
    moods: dict[str, Mood] = msgspec.field(default_factory=dict)
    seen: tuple[str, ...] = ()
    future_stamps: int = 0


def step(state: SentimentState, scored: ScoredHeadline) -> SentimentState:
    """Count one headline; one whose id was counted before changes nothing.

    raises: ValueError if it arrived before the last one counted, or its score is no number in [-1, +1].
    """
    if not -1.0 <= scored.score <= 1.0:
        raise ValueError(f"headline {scored.headline.id}: score is {scored.score}; allowed is a number from -1 to +1")
    if scored.arrival_ns < state.last_ns:
        raise ValueError(
            f"headline {scored.headline.id} arrived at {scored.arrival_ns}, before the last one at {state.last_ns}; "
            "hand headlines on in the order of their arrival"
        )
    if scored.headline.id in state.seen:
        return state
    moods = dict(state.moods)
    for asset in assets_of(scored.headline.title) or (GENERAL,):
        mood = moods.get(asset, Mood(scored.arrival_ns)).at(scored.arrival_ns)
        moods[asset] = Mood(mood.at_ns, mood.weighted + scored.score, mood.weight + 1.0)
    return SentimentState(
        last_ns=scored.arrival_ns,
        moods=moods,
        seen=(*state.seen[-REMEMBERED_IDS + 1 :], scored.headline.id),
        future_stamps=state.future_stamps + scored.from_the_future,
    )


def value(state: SentimentState, asset: str, at_ns: int) -> float:
    """The mood of `asset` ('BTC') in [-1, +1] at a moment not before the last headline; NaN if nothing recent is known.

    raises: ValueError if `at_ns` lies before the last counted headline: that mood is no longer in the state.
    """
    if at_ns < state.last_ns:
        raise ValueError(f"mood asked for {at_ns}, but headlines up to {state.last_ns} are already counted")
    own = state.moods.get(asset, Mood(at_ns)).at(at_ns)
    general = state.moods.get(GENERAL, Mood(at_ns)).at(at_ns)
    weight = own.weight + GENERAL_RELEVANCE * general.weight
    if weight < FORGET_BELOW:
        return math.nan
    return (own.weighted + GENERAL_RELEVANCE * general.weighted) / weight


def assets_of(title: str) -> tuple[str, ...]:
    """The assets that a title names.

    >>> assets_of("Ether and SOL slide"), assets_of("Fed holds rates")
    (('ETH', 'SOL'), ())
    """
    return tuple(asset for asset, pattern in PATTERNS.items() if pattern.search(title))


def save(state: SentimentState) -> bytes:
    return msgspec.msgpack.encode(state)


def load(raw: bytes) -> SentimentState:
    """The state that `save` wrote, exactly.

    raises: ValueError if the bytes are damaged or of another version.
    """
    try:
        state = msgspec.msgpack.decode(raw, type=SentimentState)
    except msgspec.DecodeError as error:
        raise ValueError(f"sentiment state: {error}; delete it, it is rebuilt from the journal's headlines") from error
    if state.version != VERSION:
        raise ValueError(f"sentiment state has version {state.version}; this program reads version {VERSION}")
    return state
