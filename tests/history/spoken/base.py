"""A venue's REST on loopback, in front of a market that is known.

A venue is one file beside this one with a `Speaker`, written strictly after the venue's documentation (page and date in
its docstring) and without a look at the parser, and one line in table.py. Then the contract in ../test_spoken.py holds.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, NamedTuple

from aiohttp import web

from .loop import Loop
from .market import Bar, Market, Trade

MISTAKES = ("ends early", "ends late", "begins late", "more than a page", "a bar beside")
PLAIN: dict[str, str] = {}


class Said(NamedTuple):
    """An answer. body: JSON text, or the bytes of a file."""

    body: str | bytes
    status: int = 200
    headers: dict[str, str] = PLAIN


class Speaker:
    """What a venue says, and how. Subclasses answer.

    venue, pair: as a user names them. timeframes: those of ours that the venue's candles can have.
    quiet:   what its candles do about an interval without trades: "told" (flat, no volume) or "left out".
    bought, counted: whether its candles tell what takers bought, and how many trades there were.
    trades:  whether its trades of the past can be asked for. ids: see `Market`.
    page:    the most candles in an answer. trade_page: the most trades in an answer.
    limit:   (questions, seconds): the most questions in so many seconds that the documentation allows; weights where it
             counts by weight: see `weight`.
    prices, sizes: decimals of the instrument's steps that it lists.
    files:   whether it has files of an archive too, at the same address.
    noticed: which mistakes of a parser must be noticed; those that it cannot make here are left out.
    """

    venue: ClassVar[str]
    pair: ClassVar[str]
    timeframes: ClassVar[tuple[str, ...]]
    quiet: ClassVar[str]
    bought: ClassVar[bool] = False
    counted: ClassVar[bool] = False
    trades: ClassVar[bool] = False
    ids: ClassVar[str] = "counted"
    page: ClassVar[int]
    trade_page: ClassVar[int] = 0
    limit: ClassVar[tuple[int, float]]
    prices: ClassVar[int] = 2
    sizes: ClassVar[int] = 3
    files: ClassVar[bool] = False
    noticed: ClassVar[tuple[str, ...]] = MISTAKES

    def __init__(self, market: Market) -> None:
        self.market = market

    def answer(self, path: str, query: dict[str, str]) -> Said | None:
        """What the venue says to GET path?query, or to POST with what is posted as query["body"]; None where its
        documentation knows no such path.
        """
        raise NotImplementedError

    def known(self, bar: Bar, before: Bar | None) -> Bar:
        """What of a bar can be known from what the venue tells. before: the bar before it."""
        return bar

    def past_trades(self) -> list[Trade]:
        """What it tells of trades; all there are, where it does not put several into one."""
        return self.market.trades

    def busy(self) -> Said:
        """What it says to who asks too often, as documented. By default status 429 and Retry-After."""
        return Said('{"error":"too many requests"}', 429, {"Retry-After": "7"})

    def weight(self, path: str, query: dict[str, str]) -> int:
        """What a question costs of `limit`."""
        return 1


class Standing:
    """A speaker that listens.

    asked:      (moment in s of the loop, path with query).
    busy_at:    numbers of questions, from 1, that are told that they are too many; when they were is in `was_busy`.
    cut:        is set when question `cut_at` comes.
    complaints: what went beyond the limit, or is not documented.
    """

    def __init__(self, speaker: Speaker, loop: Loop) -> None:
        self.speaker = speaker
        self.asked: list[tuple[float, str]] = []
        self.busy_at: frozenset[int] = frozenset()
        self.cut_at, self.cut = 0, asyncio.Event()
        self.was_busy: list[float] = []
        self.complaints: list[str] = []
        self._loop = loop
        self._recent: deque[tuple[float, int]] = deque()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        now = self._loop.time()
        self.asked.append((now, request.path_qs))
        if len(self.asked) == self.cut_at:
            self.cut.set()
        query = dict(request.query)
        if request.method == "POST":
            query["body"] = await request.text()
        self._count(now, self.speaker.weight(request.path, query))
        if len(self.asked) in self.busy_at:
            self.was_busy.append(now)
            said = self.speaker.busy()
        else:
            said = self.speaker.answer(request.path, query)
        if said is None:
            self.complaints.append(f"{request.path_qs} is not documented")
            said = Said('{"error":"no such path"}', 404)
        body = said.body.encode() if isinstance(said.body, str) else said.body
        return web.Response(body=body, status=said.status, headers=said.headers)

    def _count(self, now: float, weight: int) -> None:
        most, seconds = self.speaker.limit
        self._recent.append((now, weight))
        while self._recent[0][0] <= now - seconds:
            self._recent.popleft()
        if sum(each for _, each in self._recent) > most:
            self.complaints.append(f"more than {most} in {seconds} s at {now}")
