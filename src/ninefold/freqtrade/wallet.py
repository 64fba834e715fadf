"""How much may be staked: the wallet of a back-test, as strategies ask it.

In:  the settings, the trades that are open and what the closed ones earned. Out: amounts in the stake currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ninefold.freqtrade.trade import Book

UNLIMITED: Final = "unlimited"
DEFAULT_OPEN_TRADES = 3  # where neither the settings nor the strategy say


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """wallet: at the start, in quote. tradable_ratio: the part of it that may be staked. max_open_trades: -1 is any number, None
    the strategy's. fee: of a fill's value, on both sides. amount_steps: of the market, by pair; none where it has none."""

    stake_currency: str
    stake_amount: float | Literal["unlimited"] = UNLIMITED
    max_open_trades: int | None = None
    wallet: float = 1000.0
    tradable_ratio: float = 0.99
    fee: float = 0.001
    amount_steps: dict[str, float] | None = None

    @property
    def slots(self) -> float:
        most = DEFAULT_OPEN_TRADES if self.max_open_trades is None else self.max_open_trades
        return float("inf") if most < 0 else most

    def amount_step(self, pair: str) -> float | None:
        return (self.amount_steps or {}).get(pair)


class Wallets:
    def __init__(self, settings: Settings, book: Book) -> None:
        self._settings = settings
        self._book = book

    def get_free(self, currency: str) -> float:
        """What is not in trades; of a base currency there is none to sell."""
        return self._free() if currency == self._settings.stake_currency else 0.0

    def get_used(self, currency: str) -> float:
        return self._book.tied_up if currency == self._settings.stake_currency else 0.0

    def get_total(self, currency: str) -> float:
        return self.get_free(currency) + self.get_used(currency)

    def get_starting_balance(self) -> float:
        return self._settings.wallet

    def get_total_stake_amount(self) -> float:
        """All that may be staked, what is in trades among it."""
        return (self._book.tied_up + self._free()) * self._settings.tradable_ratio

    def get_available_stake_amount(self) -> float:
        """What may be staked still."""
        return min(self.get_total_stake_amount() - self._book.tied_up, self._free())

    def proposed_stake(self) -> float:
        """For the next trade: the fixed stake, 0 if there is less; or an equal part of all for each that may be open."""
        available = self.get_available_stake_amount()
        if self._settings.stake_amount == UNLIMITED:
            if self._settings.slots == 0:
                return 0.0
            return max(0.0, min((available + self._book.tied_up) / self._settings.slots, available))
        return float(self._settings.stake_amount) if self._settings.stake_amount <= available else 0.0

    def _free(self) -> float:
        return self._settings.wallet + self._book.earned - self._book.tied_up
