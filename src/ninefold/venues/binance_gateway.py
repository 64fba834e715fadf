"""Binance spot: the socket and the requests around our account.

In:  approved orders; which orders are not settled, asked for after a start, a broken line and long silence.
Out: raw answers and events, each through `submit`, unread. No order is ever sent twice. Keys appear in no text made
     here: failed requests are described by the name of the failure alone (binance_client.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import aiohttp
import msgspec

from ninefold.execution.risk import Approved
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Order
from ninefold.venues.binance_client import FIRST_WAIT_S, LONGEST_WAIT_S, WRONG_TIME, BinanceClient
from ninefold.venues.binance_orders import MILLISECOND_NS, NOT_SENT, STATUSES, Envelope, error_of, is_unsure
from ninefold.venues.binance_requests import (
    RECV_WINDOW_MS,
    Request,
    ask_account,
    ask_my_trades,
    ask_open_orders,
    ask_order,
    ask_recent_orders,
    build_order,
    cancel_order,
    side_text,
    subscription,
)
from ninefold.venues.departures import Departures, now_s
from ninefold.venues.limiter import Limiter

AHEAD_MS = 1000  # a stamp that is further ahead of the venue's clock is refused
HEARTBEAT_S = 20.0
OVERDUE_S = 15.0

Placed = tuple[Order, Instrument]


class BinanceGateway:
    """submit: takes (kind, payload) as `parse_account` reads them, on the loop. clock: our wall clock in ns.

    fence: raises if nothing may be sent any more; asked when an order is stamped and not yet sent.
    unsettled: our orders that are not over, or whose fills are not all known, as they stand now.
    failed: ends with the first error inside, such as a full disk behind `submit`.
    subscribed: whether events are flowing. problem: why not, in words.
    """

    def __init__(
        self,
        rest_url: str,
        ws_api_url: str,
        key: str,
        secret: str,
        submit: Callable[[str, bytes], None],
        unsettled: Callable[[], Sequence[Placed]],
        clock: Callable[[], int],
        fence: Callable[[], None] = lambda: None,
        limiter: Limiter | None = None,
    ) -> None:
        self.subscribed = asyncio.Event()
        self._ws_api_url = ws_api_url
        self._key = key
        self._secret = secret
        self._submit = submit
        self._unsettled = unsettled
        self._clock = clock
        self._client = BinanceClient(rest_url, key, secret, clock, fence, limiter)
        self._tasks: set[asyncio.Task[object]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._departures = Departures()

    @property
    def problem(self) -> str:
        return self._client.problem

    async def start(self) -> None:
        """Open the session, read the venue's clock, begin to follow the account's events."""
        self._departures.begin(order for order, _ in self._unsettled())
        await self._client.start()
        self._run(self._follow())
        self._run(self._remind())

    async def close(self) -> None:
        """Stop asking and listening. Orders under way stay as the ledger has them."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def send(self, approved: Approved, instrument: Instrument) -> None:
        """Sign and post an order, once, and hand on whatever comes of it; if that is unsure, ask until it is not."""
        order = approved.order
        request = build_order(approved, instrument, self._client.venue_ms())
        if reason := self._client.no_room(request):
            self.withhold(approved, instrument, reason)
            return
        self._departures.leaves(order)
        status, body = await self._client.call(request)
        answer = self._hand_on("order_answer", order, instrument, status, body)
        if is_unsure(answer):
            self._run(self._settle(order, instrument))
        if error_of(answer)[0] == WRONG_TIME:
            self._run(self._client.read_clock())

    def post(self, approved: Approved, instrument: Instrument) -> asyncio.Task[object]:
        """`send` without waiting for it; what goes wrong in it ends `failed`."""
        return self._run(self.send(approved, instrument))

    async def cancel(self, order: Order, instrument: Instrument) -> None:
        """Cancel an order, and unless the venue says that it did, ask what became of it: the answer may be lost, a fill may have
        been faster, the order itself may still be on its way. While it is open it is cancelled again, which can do no harm."""
        if not self._departures.may_be_there(order):
            return  # it was withheld, and never will be at the venue
        symbol, order_id = instrument.venue_symbol, order.client_order_id
        while True:
            status, body = await self._client.call_in_time(lambda now_ms: cancel_order(symbol, order_id, now_ms))
            self._hand_on("cancel_answer", order, instrument, status, body)
            if status == 200 or not await self._settle(order, instrument):
                return
            await asyncio.sleep(FIRST_WAIT_S)

    def post_cancel(self, order: Order, instrument: Instrument) -> asyncio.Task[object]:
        """`cancel` without waiting for it."""
        return self._run(self.cancel(order, instrument))

    def withhold(self, approved: Approved, instrument: Instrument, reason: str) -> None:
        """Say that an approved order will not be sent, so that it does not stay under way."""
        self._hand_on("order_answer", approved.order, instrument, NOT_SENT, reason)

    async def reconcile(self) -> None:
        """Ask for each unsettled order by its client id and for its trades, for open orders, for those of ours among them that
        were not known, and last for the account; each question until it is answered."""
        asked = {order.client_order_id for order, _ in self._unsettled()}
        for order, instrument in self._unsettled():
            await self._settle(order, instrument)
        await self._ask("open_orders", ask_open_orders)
        for order, instrument in self._unsettled():
            if order.client_order_id not in asked:
                await self._settle(order, instrument)
        await self.ask_balances()

    async def ask_recent(self, symbols: Sequence[str], since_ns: int) -> None:
        """Ask which orders there were since a moment by our clock, before `reconcile`: a power loss may have taken from the ledger
        what had left. Those of ours that it lacks are unsettled then."""
        since_ms = since_ns // MILLISECOND_NS
        for symbol in symbols:
            await self._ask("recent_orders", partial(ask_recent_orders, symbol, since_ms))

    async def ask_balances(self) -> None:
        """Ask for the account until it is answered."""
        await self._ask("account", ask_account)

    async def _ask(self, kind: str, ask: Callable[[int], Request]) -> None:
        status, body = await self._client.until_answered(ask)
        self._submit(kind, msgspec.json.encode(Envelope("", "", "", "", status, body)))

    async def _remind(self) -> None:
        """Ask for orders of which nothing new was heard for long: an answer, or the event of a fill, was lost."""
        while True:
            await asyncio.sleep(OVERDUE_S)
            for order, instrument in self._unsettled():
                if order.known_ns <= self._clock() - int(OVERDUE_S * 1e9):
                    await self._settle(order, instrument)

    async def _settle(self, order: Order, instrument: Instrument) -> bool:
        """Ask what became of an order; whether it is still open. "No such order" counts only when it can no longer arrive: its
        stamp was at most AHEAD_MS ahead of the venue's clock, however wrong ours was, or the venue would refuse it."""
        if not self._departures.may_be_there(order):
            return True
        arrived_by_s = self._departures.left_s(order) + (RECV_WINDOW_MS + AHEAD_MS) / 1000
        symbol, order_id = instrument.venue_symbol, order.client_order_id
        while True:
            asked_s = now_s()
            status, body = await self._client.until_answered(lambda now_ms: ask_order(symbol, order_id, now_ms))
            if status == 200 or asked_s > arrived_by_s:
                break
            await asyncio.sleep(max(0.001, arrived_by_s - now_s()))
        self._hand_on("order_status", order, instrument, status, body)
        found = _found(body) if status == 200 else None
        if found is not None:
            number = str(found.orderId)
            status, body = await self._client.until_answered(lambda now_ms: ask_my_trades(symbol, number, now_ms))
            self._hand_on("my_trades", order, instrument, status, body)
        return found is not None and STATUSES.get(found.status) in ("working", "partly_filled")

    async def _follow(self) -> None:
        """Follow the account's events; after a broken line subscribe again and ask for what may have been missed."""
        pause_s, missed = FIRST_WAIT_S, False
        while True:
            try:
                await self._listen(missed)
                self._client.problem = self._client.problem or "the venue closed the line of account events"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._client.problem = f"no line of account events: {type(error).__name__}"
            if self.subscribed.is_set():
                pause_s, missed = FIRST_WAIT_S, True
            self.subscribed.clear()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            await self._client.read_clock()

    async def _listen(self, missed: bool) -> None:
        """Subscribe and hand on events until the line ends. missed: there was a line before; ask for what it lacked."""
        async with self._client.http.ws_connect(self._ws_api_url, heartbeat=HEARTBEAT_S) as socket:
            await socket.send_str(subscription(self._key, self._secret, self._client.venue_ms()).decode())
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT or not self._heard(message.data.encode(), missed):
                    return

    def _heard(self, payload: bytes, missed: bool) -> bool:
        """One message of the line; False if the line is of no more use."""
        try:
            told = msgspec.json.decode(payload, type=_Told)
        except msgspec.DecodeError:
            told = _Told(event=_Event(""))  # the parser keeps and reports what cannot be read
        if told.event is not None:
            self._submit("user_event", payload)
            return told.event.e != "eventStreamTerminated"
        if told.status != 200:
            self._client.problem = (
                f"subscription refused: http {told.status}, code {told.error.code if told.error else None}"
            )
            return False
        self._client.problem = ""
        self.subscribed.set()
        if missed:
            self._run(self.reconcile())
        return True

    def _hand_on(self, kind: str, order: Order, instrument: Instrument, status: int, body: str) -> Envelope:
        quantity = to_text(order.size, instrument.size_decimals)
        side = side_text(order.side)
        answer = Envelope(order.client_order_id, instrument.venue_symbol, side, quantity, status, body)
        self._submit(kind, msgspec.json.encode(answer))
        return answer

    def _run(self, work: Coroutine[None, None, object]) -> asyncio.Task[object]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        """What went wrong in a task of ours is told to whoever waits for `failed`."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self.failed.done():
            self.failed.set_exception(task.exception() or RuntimeError("unknown"))


def _found(body: str) -> _Found | None:
    """An order as the venue has it; None if the answer cannot be read, which the parser reports."""
    try:
        return msgspec.json.decode(body, type=_Found)
    except msgspec.DecodeError:
        return None


class _Found(msgspec.Struct):
    orderId: int
    status: str = ""


class _Event(msgspec.Struct):
    e: str


class _Refusal(msgspec.Struct):
    code: int


class _Told(msgspec.Struct):
    status: int = 0
    event: _Event | None = None
    error: _Refusal | None = None
