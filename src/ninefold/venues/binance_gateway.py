"""Binance spot: the socket and the requests around our account.

In:  approved orders; which orders are not settled, asked for after a start, a broken line and long silence.
Out: raw answers and events, each through `submit`, unread. No order is ever sent twice. Keys appear in no text made
     here: failed requests are described by the name of the failure alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import aiohttp
import msgspec

from ninefold.execution.risk import Approved
from ninefold.market.instruments import Instrument
from ninefold.market.numbers import to_text
from ninefold.market.records import Order
from ninefold.venues.binance_orders import NO_SUCH_ORDER, NOT_SENT, Envelope, error_of, is_unsure
from ninefold.venues.binance_requests import (
    RECV_WINDOW_MS,
    Request,
    ask_account,
    ask_my_trades,
    ask_open_orders,
    ask_order,
    build_order,
    side_text,
    sign,
    subscription,
)
from ninefold.venues.questions import wait_seconds

TIMEOUT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 5.0
HEARTBEAT_S = 20.0
OVERDUE_S = 15.0
MUST_WAIT = (418, 429)  # Retry-After says how many seconds
WRONG_TIME = -1021
MILLISECOND_NS = 1_000_000

Placed = tuple[Order, Instrument]


class BinanceGateway:
    """submit: takes (kind, payload) as `parse_account` reads them, on the loop. clock: our wall clock in ns.

    unsettled: our orders that are not over, or whose fills are not all known, as they stand now.
    failed: ends with the first error inside, such as a full disk behind `submit`.
    subscribed: whether events are flowing. problem: why not, in words. offset_ms: the venue's clock less ours.
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
    ) -> None:
        self.subscribed = asyncio.Event()
        self.problem = "not started"
        self.offset_ms = 0
        self._rest_url = rest_url.rstrip("/")
        self._ws_api_url = ws_api_url
        self._key = key
        self._secret = secret
        self._submit = submit
        self._unsettled = unsettled
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived_by_ms: dict[str, int] = {}  # the venue's time after which an order can no longer reach it
        self._started_ms = 0
        self._quiet_until_ms = 0

    async def start(self) -> None:
        """Open the session, read the venue's clock, begin to follow the account's events."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        self._started_ms = self._now_ms()
        await self._read_clock()
        self._run(self._follow())
        self._run(self._remind())

    async def close(self) -> None:
        """Stop asking and listening. Orders under way stay as the ledger has them."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def send(self, approved: Approved, instrument: Instrument) -> None:
        """Sign and post an order, once, and hand on whatever comes of it; if that is unsure, ask until it is not."""
        order = approved.order
        wait_ms = self._quiet_until_ms - self._now_ms()
        if wait_ms > 0:
            self.withhold(approved, instrument, f"the venue asked us to wait another {wait_ms} ms")
            return
        sent_ms = self._venue_ms()
        self._arrived_by_ms[order.client_order_id] = sent_ms + RECV_WINDOW_MS
        status, body = await self._call(build_order(approved, instrument, sent_ms))
        answer = self._hand_on("order_answer", order, instrument, status, body)
        if is_unsure(answer):
            self._run(self._settle(order, instrument))
        else:
            self._arrived_by_ms.pop(order.client_order_id, None)
        if error_of(answer)[0] == WRONG_TIME:
            self._run(self._read_clock())

    def post(self, approved: Approved, instrument: Instrument) -> asyncio.Task[None]:
        """`send` without waiting for it; what goes wrong in it ends `failed`."""
        return self._run(self.send(approved, instrument))

    def withhold(self, approved: Approved, instrument: Instrument, reason: str) -> None:
        """Say that an approved order will not be sent, so that it does not stay under way."""
        self._hand_on("order_answer", approved.order, instrument, NOT_SENT, reason)

    async def reconcile(self) -> None:
        """Ask for each unsettled order by its client id and for its trades, for open orders, and last for the account;
        each question until it is answered."""
        for order, instrument in self._unsettled():
            await self._settle(order, instrument)
        for kind, ask in (("open_orders", ask_open_orders), ("account", ask_account)):
            status, body = await self._until_answered(ask)
            self._submit(kind, msgspec.json.encode(Envelope("", "", "", "", status, body)))

    async def _remind(self) -> None:
        """Ask for orders of which nothing new was heard for long: an answer, or the event of a fill, was lost."""
        while True:
            await asyncio.sleep(OVERDUE_S)
            for order, instrument in self._unsettled():
                if order.known_ns <= self._clock() - int(OVERDUE_S * 1e9):
                    await self._settle(order, instrument)

    async def _settle(self, order: Order, instrument: Instrument) -> None:
        """Ask what became of an order. "No such order" counts only when it can no longer arrive."""
        arrived_by_ms = self._arrived_by_ms.get(order.client_order_id, self._started_ms + RECV_WINDOW_MS)
        symbol, order_id = instrument.venue_symbol, order.client_order_id
        while True:
            asked_ms = self._venue_ms()
            status, body = await self._until_answered(lambda now_ms: ask_order(symbol, order_id, now_ms))
            if status == 200 or asked_ms > arrived_by_ms:
                break
            await asyncio.sleep(max(0, arrived_by_ms + 1 - self._venue_ms()) / 1000)
        self._hand_on("order_status", order, instrument, status, body)
        number = _number_of(body) if status == 200 else None
        if number is not None:
            status, body = await self._until_answered(lambda now_ms: ask_my_trades(symbol, number, now_ms))
            self._hand_on("my_trades", order, instrument, status, body)
        self._arrived_by_ms.pop(order.client_order_id, None)

    async def _until_answered(self, ask: Callable[[int], Request]) -> tuple[int, str]:
        """Ask, with growing pauses, until the venue answers with success or says that there is no such order."""
        pause_s = FIRST_WAIT_S
        while True:
            await asyncio.sleep(max(0, self._quiet_until_ms - self._now_ms()) / 1000)
            status, body = await self._call(ask(self._venue_ms()))
            code = error_of(Envelope("", "", "", "", status, body))[0] if status != 200 else None
            if status == 200 or code == NO_SUCH_ORDER:
                return status, body
            self.problem = f"a question was answered with http {status}, code {code}"
            if code == WRONG_TIME:
                await self._read_clock()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)

    async def _call(self, request: Request) -> tuple[int, str]:
        """One signed request; status 0 and the name of the failure if no answer came."""
        query = sign(request, self._secret)
        url, body, headers = f"{self._rest_url}{request.path}", None, {"X-MBX-APIKEY": self._key}
        if request.method == "POST":
            body, headers["Content-Type"] = query, "application/x-www-form-urlencoded"
        else:
            url = f"{url}?{query}"
        try:
            async with self._http.request(
                request.method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if response.status in MUST_WAIT:
                    self._wait(response.headers.get("Retry-After"))
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, f"no answer: {type(error).__name__}"

    async def _read_clock(self) -> None:
        """Estimate the venue's clock from the middle of a question; keep the old estimate if none is answered."""
        asked_ms = self._now_ms()
        try:
            async with self._http.get(f"{self._rest_url}/api/v3/time") as response:
                told = msgspec.json.decode(await response.read(), type=_Time).serverTime
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            self.problem = f"the venue's clock could not be read: {type(error).__name__}"
            return
        self.offset_ms = told - (asked_ms + self._now_ms()) // 2

    async def _follow(self) -> None:
        """Follow the account's events; after a broken line subscribe again and ask for what may have been missed."""
        pause_s, missed = FIRST_WAIT_S, False
        while True:
            try:
                await self._listen(missed)
                self.problem = self.problem or "the venue closed the line of account events"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.problem = f"no line of account events: {type(error).__name__}"
            if self.subscribed.is_set():
                pause_s, missed = FIRST_WAIT_S, True
            self.subscribed.clear()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            await self._read_clock()

    async def _listen(self, missed: bool) -> None:
        """Subscribe and hand on events until the line ends. missed: there was a line before; ask for what it lacked."""
        async with self._http.ws_connect(self._ws_api_url, heartbeat=HEARTBEAT_S) as socket:
            await socket.send_str(subscription(self._key, self._secret, self._venue_ms()).decode())
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
            self.problem = f"subscription refused: http {told.status}, code {told.error.code if told.error else None}"
            return False
        self.problem = ""
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

    def _wait(self, retry_after: str | None) -> None:
        now_ms = self._now_ms()
        pause_ms = int(1000 * wait_seconds(retry_after, now_ms / 1000))
        self._quiet_until_ms = max(self._quiet_until_ms, now_ms + pause_ms)

    def _run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What went wrong in a task of ours is told to whoever waits for `failed`."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None and not self.failed.done():
            self.failed.set_exception(task.exception() or RuntimeError("unknown"))

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the gateway is not started; await start() first")
        return self._session

    def _now_ms(self) -> int:
        return self._clock() // MILLISECOND_NS

    def _venue_ms(self) -> int:
        return self._now_ms() + self.offset_ms


def _number_of(body: str) -> str | None:
    """The venue's number of an order; None if the answer cannot be read, which the parser reports."""
    try:
        return str(msgspec.json.decode(body, type=_Numbered).orderId)
    except msgspec.DecodeError:
        return None


class _Time(msgspec.Struct):
    serverTime: int


class _Numbered(msgspec.Struct):
    orderId: int


class _Event(msgspec.Struct):
    e: str


class _Refusal(msgspec.Struct):
    code: int


class _Told(msgspec.Struct):
    status: int = 0
    event: _Event | None = None
    error: _Refusal | None = None
