"""What is traded here, and how its whole numbers become decimal texts.

In:  symbols named on the command line or found in a tape.
Out: `Instrument`: steps in units of 1e-8, exact money for a price in ticks and a size in lots.
"""

from dataclasses import dataclass, field

from ninefold.simulator.texts import E8, text_of

# What a new account holds, by asset (Binance's testnet gives similar sums).
OPENING_BALANCES_E8 = {
    "USDT": 100_000 * E8,
    "BTC": 1 * E8,
    "ETH": 10 * E8,
    "SOL": 200 * E8,
    "ADA": 20_000 * E8,
    "DOGE": 100_000 * E8,
}
OTHER_BASE_E8 = 1_000 * E8  # any other asset of a tape's symbols
FEE_DIVISOR = 1_000  # 0.1 %, maker and taker alike


@dataclass(frozen=True)
class Instrument:
    """One symbol and its steps. `busy` is its share of the generated activity; 0 means quiet, moved by time alone."""

    symbol: str
    base: str
    quote: str
    tick_e8: int
    lot_e8: int
    min_notional_e8: int
    start_ticks: int = 1
    mean_lots: int = 1
    busy: float = 0.0
    price_step_e8: int = 0  # what own orders must obey; the tick and the lot unless they are finer than the rules
    size_step_e8: int = 0
    stops_at_market: bool = True  # whether it has stop orders without a limit
    stream: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stream", self.symbol.lower())
        object.__setattr__(self, "price_step_e8", self.price_step_e8 or self.tick_e8)
        object.__setattr__(self, "size_step_e8", self.size_step_e8 or self.lot_e8)

    def price(self, ticks: int) -> str:
        return text_of(ticks * self.tick_e8)

    def size(self, lots: int) -> str:
        return text_of(lots * self.lot_e8)

    def value_e8(self, ticks: int, lots: int) -> int:
        """Quote asset paid for `lots` at `ticks`, in 1e-8; exact for `GENERATED`, else rounded down."""
        return ticks * self.tick_e8 * lots * self.lot_e8 // E8


GENERATED: dict[str, Instrument] = {
    each.symbol: each
    for each in (
        Instrument("BTCUSDT", "BTC", "USDT", 1_000_000, 1_000, 5 * E8, 6_000_000, 2_000, 0.36),
        Instrument("ETHUSDT", "ETH", "USDT", 1_000_000, 10_000, 5 * E8, 300_000, 3_000, 0.28),
        Instrument("SOLUSDT", "SOL", "USDT", 1_000_000, 100_000, 5 * E8, 15_000, 5_000, 0.20),
        Instrument("DOGEUSDT", "DOGE", "USDT", 1_000, E8, 1 * E8, 12_000, 2_000, 0.16),
        Instrument("ADABTC", "ADA", "BTC", 1, E8, 10_000, 1_100, 800, 0.0, stops_at_market=False),
    )
}

# Steps of symbols that appear in tapes; others are read off the digits in the tape.
KNOWN_STEPS = {"BTCUSDT": (1_000_000, 1_000), "ETHUSDT": (1_000_000, 10_000)}
QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "BTC", "ETH", "BNB", "BRL", "AUD", "EUR", "TRY", "GBP")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of a Binance symbol, by the longest known quote at its end."""
    for quote in sorted(QUOTES, key=len, reverse=True):
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol[: -len(quote)], quote
    raise ValueError(f"tape: cannot split {symbol!r} into base and quote; known quotes are {', '.join(QUOTES)}.")


def from_steps(symbol: str, price_step_e8: int, size_step_e8: int) -> Instrument:
    """An instrument of a tape. Its units are 1e-8, because old orders of real books are finer than today's steps."""
    base, quote = split_symbol(symbol)
    return Instrument(symbol, base, quote, 1, 1, 1, price_step_e8=price_step_e8, size_step_e8=size_step_e8)


def opening_balance_e8(asset: str) -> int:
    return OPENING_BALANCES_E8.get(asset, OTHER_BASE_E8)
