"""Orders to a venue of the table of order entries, and the questions around our account there.

In:  approved orders; which orders are not settled, asked for after a start, a broken line and long silence.
Out: raw answers and frames, each through `submit`, as `Reading.parse` reads them. No order is ever sent twice. What is read
     here decides what is asked next, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol

import msgspec

from ninefold.execution.risk import Approved
from ninefold.market.instruments import Instrument, Registry
from ninefold.market.records import Order
from ninefold.venues.account_answers import NOT_SENT, Reply
from ninefold.venues.departures import Departures, now_s
from ninefold.venues.entry_client import FIRST_WAIT_S, LONGEST_WAIT_S
from ninefold.venues.order_entry import OrderEntry
from ninefold.venues.signed import NotHeld, Unsigned, leaving

OVERDUE_S = 15.0
OVER = frozenset({"filled", "cancelled", "rejected", "expired"})
AHEAD_S = 1.0  # how far a stamp may be ahead of the venue's clock
Placed = tuple[Order, Instrument]


class Client(Protocol):
    """Requests to the venue, one at a time; `entry_client.py` says what each does."""

    problem: str

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    def quiet_ms(self) -> int: ...

    async def call(self, request: Unsigned) -> tuple[int, str]: ...

    async def until_answered(self, request: Unsigned) -> tuple[int, str]: ...


class AccountLine(Protocol):
    subscribed: asyncio.Event

    async def follow(self) -> None:
        """Until cancelled."""


class EntryGateway:
    """submit: takes (kind, payload) on the loop. clock: our wall clock in ns. registry: the instruments, as they are known.

    unsettled: our orders that are not over, or whose fills are not all known, as they stand now.
    line: makes the account's line of who takes each frame, and who is told that it stands; again: that it had stood before.
    failed: ends with the first error inside, such as a full disk behind `submit`.
    subscribed: whether events are flowing. problem: why not, in words.
    """

    def __init__(
        self,
        entry: OrderEntry,
        client: Client,
        line: Callable[[Callable[[bytes], None], Callable[[bool], None]], AccountLine],
        registry: Registry,
        submit: Callable[[str, bytes], None],
        unsettled: Callable[[], Sequence[Placed]],
        clock: Callable[[], int],
    ) -> None:
        self._entry = entry
        self._registry = registry
        self._submit = submit
        self._unsettled = unsettled
        self._clock = clock
        self._client = client
        self._lines = line(self._heard, self._opened)
        self._reconciling: asyncio.Task[object] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._asking: set[str] = set()  # about which a frame of the line made us ask
        self._departures = Departures()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def problem(self) -> str:
        return self._client.problem

    @property
    def subscribed(self) -> asyncio.Event:
        return self._lines.subscribed

    async def start(self) -> None:
        """Open the session, read the venue's clock, begin to follow the account's events."""
        self._departures.begin(order for order, _ in self._unsettled())
        await self._client.start()
        self._run(self._lines.follow())
        self._run(self._remind())

    async def close(self) -> None:
        """Stop asking and listening. Orders under way stay as the ledger has them."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def send(self, approved: Approved, instrument: Instrument) -> None:
        """Sign and post an order, once, and hand on whatever comes of it; if that is unsure, ask until it is not."""
        order = leaving(approved.order)
        wait_ms = self._client.quiet_ms()
        if wait_ms > 0:
            self.withhold(approved, instrument, f"the venue asked us to wait another {wait_ms} ms")
            return
        try:
            request = self._entry.requests.build_order(order, instrument)
        except NotHeld as error:
            self.withhold(approved, instrument, str(error))
            return
        self._departures.leaves(order)
        reply = self._hand_on("order_answer", approved.order, *await self._client.call(request))
        if self._entry.reading.is_unsure(reply):
            self._run(self._settle(approved.order, instrument))

    def post(self, approved: Approved, instrument: Instrument) -> asyncio.Task[object]:
        """`send` without waiting for it; what goes wrong in it ends `failed`."""
        return self._run(self.send(approved, instrument))

    def withhold(self, approved: Approved, instrument: Instrument, reason: str) -> None:
        """Say that an approved order will not be sent, so that it does not stay under way."""
        self._hand_on("order_answer", approved.order, NOT_SENT, reason)

    async def cancel(self, order: Order, instrument: Instrument) -> None:
        """Cancel an order, and ask what became of it: no venue's answer to a cancel says so. While it is open it is
        cancelled again, which can do no harm. If the venue wants its number for it, that is asked for first."""
        if not self._departures.may_be_there(order):
            return  # it was withheld, and never will be at the venue
        found: Order | None = order
        while found is not None and found.status not in OVER:
            request = self._entry.requests.cancel_order(leaving(_numbered(order, found)), instrument)
            if request is not None:
                await asyncio.sleep(max(0, self._client.quiet_ms()) / 1000)
                self._hand_on("cancel_answer", order, *await self._client.call(request))
            found = await self._settle(_numbered(order, found), instrument)
            await asyncio.sleep(FIRST_WAIT_S)

    def post_cancel(self, order: Order, instrument: Instrument) -> asyncio.Task[object]:
        """`cancel` without waiting for it."""
        return self._run(self.cancel(order, instrument))

    async def reconcile(self) -> None:
        """Ask for each unsettled order and for its trades, for open orders, and last for the account; each question until
        it is answered."""
        for order, instrument in self._unsettled():
            await self._settle(order, instrument)
        for request in self._entry.requests.ask_open_orders(self._instruments()):
            await self._pages("open_orders", request, None)
        await self.ask_balances()

    async def ask_balances(self) -> None:
        """Ask for the account until it is answered."""
        await self._pages("account", self._entry.requests.ask_balances(), None)

    async def ask_recent(self, symbols: Sequence[str], since_ns: int) -> None:
        """raises: NotImplementedError: here every order is on the disk before it leaves (the config sees to it)."""
        raise NotImplementedError(f"{self._entry.reading.venue}: no question about recent orders is known")

    async def _remind(self) -> None:
        """Ask for orders of which nothing new was heard for long: an answer, or the event of a fill, was lost."""
        while True:
            await asyncio.sleep(OVERDUE_S)
            for order, instrument in self._unsettled():
                if order.known_ns <= self._clock() - int(OVERDUE_S * 1e9):
                    await self._settle(order, instrument)

    async def _settle(self, order: Order, instrument: Instrument) -> Order | None:
        """Ask what became of an order, and for its fills; the order as the venue has it. "No such order" counts only when
        it can no longer arrive."""
        if not self._departures.may_be_there(order):
            return order
        arrived_by_s = self._departures.left_s(order) + self._entry.requests.ARRIVES_WITHIN_MS / 1000 + AHEAD_S
        asked_s = now_s()
        found, reply = await self._find(order, instrument)
        while found is None and asked_s <= arrived_by_s:
            await asyncio.sleep(min(LONGEST_WAIT_S, max(0.001, arrived_by_s - now_s())))
            asked_s = now_s()
            found, reply = await self._find(order, instrument)
        self._submit("order_status", msgspec.json.encode(reply))
        numbered = _numbered(order, found)
        fills = self._entry.requests.ask_fills(leaving(numbered), instrument)
        if found is not None and fills is not None:
            await self._pages("my_trades", fills, numbered)
        return found

    async def _find(self, order: Order, instrument: Instrument) -> tuple[Order | None, Reply]:
        """The order as the venue has it and the answer that names it; None and the last answer if none does."""
        reply = Reply(0, "", order)
        for request in self._entry.requests.ask_order(leaving(order), instrument):
            page: Unsigned | None = request
            while page is not None:
                status, body = await self._client.until_answered(page)
                reply = Reply(status, body, order)
                found = self._entry.reading.found_in(reply, self._registry)
                if found is not None:
                    return found, reply
                page = self._next(page, body)
        return None, reply

    async def _pages(self, kind: str, request: Unsigned, order: Order | None) -> None:
        page: Unsigned | None = request
        while page is not None:
            status, body = await self._client.until_answered(page)
            self._submit(kind, msgspec.json.encode(Reply(status, body, order)))
            page = self._next(page, body)

    def _next(self, asked: Unsigned, body: str) -> Unsigned | None:
        """What cannot be read has no next page; the parser reports it."""
        try:
            return self._entry.requests.next_page(asked, body)
        except msgspec.DecodeError:
            return None

    def _heard(self, payload: bytes) -> None:
        """Hand on a frame that tells something. One that names an order of ours and tells nothing of it is a reason to
        ask."""
        if self._entry.reading.parse("user_event", payload, self._registry, 0, 0):
            self._submit("user_event", payload)
            return
        for order, instrument in self._unsettled():
            if self._entry.requests.name_of(order.client_order_id).encode() in payload:
                self._ask_about(order, instrument)

    def _ask_about(self, order: Order, instrument: Instrument) -> None:
        """One question about an order at a time is enough."""
        name = order.client_order_id
        if name not in self._asking:
            self._asking.add(name)
            self._run(self._settle(order, instrument)).add_done_callback(lambda _: self._asking.discard(name))

    def _opened(self, again: bool) -> None:
        if again and (self._reconciling is None or self._reconciling.done()):
            self._reconciling = self._run(self.reconcile())

    def _instruments(self) -> list[Instrument]:
        return [each for each in self._registry.current() if each.venue == self._entry.reading.venue]

    def _hand_on(self, kind: str, order: Order, status: int, body: str) -> Reply:
        reply = Reply(status, body, order)
        self._submit(kind, msgspec.json.encode(reply))
        return reply

    def _run(self, work: Coroutine[None, None, object]) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        """What went wrong in a task of ours is told to whoever waits for `failed`."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self.failed.done():
            self.failed.set_exception(task.exception() or RuntimeError("unknown"))


def _numbered(order: Order, found: Order | None) -> Order:
    """Our order with the number that the venue gave it."""
    number = found.venue_order_id if found is not None else ""
    return msgspec.structs.replace(order, venue_order_id=number or order.venue_order_id)
