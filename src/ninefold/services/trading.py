"""The edge of `execute`: approved orders to the venue, and what the venue says about the account back through the door.

In:  approved orders. Out: signed requests; raw answers and events as inputs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ninefold.config import Config
from ninefold.execution.lease import TakenOver
from ninefold.execution.limits.general import is_flatten
from ninefold.execution.orders import Cancel
from ninefold.journal import inputs
from ninefold.journal.inputs import AccountEvent, encode
from ninefold.market.time import MINUTE_NS
from ninefold.services import halt
from ninefold.services.execute import Execute, Outgoing
from ninefold.services.gateways import Gateway, Placed, check_key, gateway_of
from ninefold.venues.limiter import Limiter

OVERDUE_S = 15.0  # what the venue says and what our fills add up to may differ so long: events are under way
CLOCKS_APART_NS = MINUTE_NS  # ours and the venue's, at most; orders that the ledger has are told once more without harm
TELL_RECENT = frozenset({"binance"})  # venues that are asked for recent orders; at others the ledger is always strict
ANSWERS_S = 1.0  # at a stop, answers under way are waited for this long; later ones are asked for at the next start


class Trading:
    """put: the door. fence: raises TakenOver when another executor has the account. limiter: of the venue's rates, shared with
    who else calls it. Orders are sent only after `run` has asked the venue for the state of the account.
    """

    def __init__(
        self,
        config: Config,
        execute: Execute,
        put: Callable[[int, int, int, bytes], None],
        clock: Callable[[], int],
        fence: Callable[[], None],
        limiter: Limiter | None = None,
    ) -> None:
        self._fence = fence
        self._config = config
        self._execute = execute
        self._put = put
        self._clock = clock
        self._limiter = limiter
        self._gateway: Gateway | None = None
        self._sending: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Follow the account until cancelled. raises: BadConfig without keys, KeysRefused."""
        config = self._config
        if config.mode == "live":
            await check_key(config, self._clock, self._limiter)
        gateway = gateway_of(
            config,
            self._execute.registry,
            self._account,
            self._unsettled,
            self._clock,
            self._fence,
            self._limiter,
        )
        self._gateway = gateway
        await gateway.start()
        await gateway.subscribed.wait()
        if not is_strict(self._config) and self._execute.known_until_ns:  # the ledger lacks nothing before that
            name = self._config.venue.name
            of_venue = [one.venue_symbol for one in self._execute.registry.current() if one.venue == name]
            since_ns = max(self._execute.known_since_ns, self._execute.known_until_ns - CLOCKS_APART_NS)
            await gateway.ask_recent(of_venue, since_ns)
        await gateway.reconcile()
        # it works until it is closed, or something behind the door goes wrong
        await asyncio.gather(gateway.failed, self._compare(gateway))

    async def _compare(self, gateway: Gateway) -> None:
        """Ask for the account again when a balance has differed from our fills for long: its event was lost."""
        before: dict[str, tuple[int, int]] = {}
        while True:
            await asyncio.sleep(OVERDUE_S)
            found = self._execute.core.account.differences()
            if found and found == before:
                await gateway.ask_balances()
            before = found

    def send(self, orders: Sequence[Outgoing]) -> None:
        """Send approved orders, while halted only those that sell out, and cancels always. What is not sent here is asked for
        at the next start. raises: TakenOver."""
        if self._gateway is None:
            return
        if orders:
            self._fence()
        for approved in orders:
            instrument = self._execute.registry[approved.order.instrument]
            if isinstance(approved, Cancel):
                self._sending.add(self._gateway.post_cancel(approved.order, instrument))
                continue
            held = halt.read(Path(self._config.data_dir))
            if held is not None and not is_flatten(approved.order):
                reason = f"halted by {held.by}: {held.reason}"  # an input, and the one that led here is not over yet
                asyncio.get_running_loop().call_soon(self._gateway.withhold, approved, instrument, reason)
            else:
                self._sending.add(self._gateway.post(approved, instrument))
        self._sending = {task for task in self._sending if not task.done()}

    async def close(self) -> None:
        """Quotes are not left behind unwatched; answers under way are waited for. A second time it does nothing."""
        gateway, self._gateway = self._gateway, None
        if gateway is None:
            return
        self._take_back_quotes(gateway)
        if self._sending:
            await asyncio.wait(self._sending, timeout=ANSWERS_S)
        await gateway.close()

    def _take_back_quotes(self, gateway: Gateway) -> None:
        """Unless another executor has the account now, and them with it."""
        quotes = [placed for placed in self._unsettled() if self._execute.core.quotes.is_quote(placed[0])]
        try:
            if quotes:
                self._fence()
        except TakenOver:
            return
        self._sending.update(gateway.post_cancel(*placed) for placed in quotes)

    def _unsettled(self) -> list[Placed]:
        registry = self._execute.registry
        return [(order, registry[order.instrument]) for order in self._execute.core.unsettled()]

    def _account(self, kind: str, body: bytes) -> None:
        self._put(inputs.ACCOUNT, 0, self._clock(), encode(AccountEvent(self._config.venue.name, kind, body)))


def is_strict(config: Config) -> bool:
    """Whether an order must be on the disk before it leaves."""
    return config.account.durable == "strict" or config.venue.name not in TELL_RECENT
