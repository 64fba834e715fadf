"""The rest of the outside world for a demo: a Slack that takes messages, a news feed, a mood index. On loopback,
invented, seeded.

In:  POST /slack as an incoming webhook of Slack gets it (docs.slack.dev, "Sending messages using incoming webhooks",
     read 2026-11).
Out: GET /slack/messages; GET /news.rss (RSS 2.0), a new headline now and then; GET /fng/ as alternative.me's index
     answers.
"""

from __future__ import annotations

import random
import time
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from aiohttp import web

KEPT = 1_000
HEADLINE_EVERY_S = 20
GOOD = (
    "surges as buyers return",
    "rallies after upgrade",
    "adoption grows at large retailer",
    "inflows hit record",
    "breaks out, traders cheer",
)
BAD = (
    "plunges as exchange is hacked",
    "slides on lawsuit fears",
    "outflows alarm investors",
    "crashes after exploit",
    "drops as regulator warns",
)
DULL = ("trades sideways", "developers meet in Lisbon", "conference opens", "update is scheduled for next month")
NAMES = ("Bitcoin", "Ethereum", "Solana", "Cardano", "Dogecoin")


class Outside:
    """seed: decides the headlines."""

    def __init__(self, seed: int = 7) -> None:
        self.messages: deque[str] = deque(maxlen=KEPT)
        self._random = random.Random(seed)
        self._headlines: deque[tuple[datetime, str]] = deque(maxlen=30)
        self._next_s = 0.0
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen on a free port of loopback; returns it."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/slack", self._slack),
                web.get("/slack/messages", self._said),
                web.get("/news.rss", self._news),
                web.get("/fng/", self._mood),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _slack(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not isinstance(body.get("text"), str):
            return web.Response(status=400, text="no_text")
        self.messages.extend(body["text"].split("\n"))
        return web.Response(text="ok")

    async def _said(self, request: web.Request) -> web.Response:
        return web.json_response({"messages": list(self.messages)})

    async def _news(self, request: web.Request) -> web.Response:
        self._write_news()
        items = "".join(
            f"<item><title>{escape(title)}</title><link>https://news.example.com/{int(at.timestamp())}</link>"
            f"<pubDate>{format_datetime(at)}</pubDate></item>"
            for at, title in reversed(self._headlines)
        )
        feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Invented News</title>{items}</channel></rss>'
        return web.Response(text=feed, content_type="application/rss+xml")

    async def _mood(self, request: web.Request) -> web.Response:
        today = int(time.time()) // 86400 * 86400
        value = random.Random(today).randint(10, 90)
        name = "Fear" if value < 45 else "Greed" if value > 55 else "Neutral"
        entry = {"value": str(value), "value_classification": name, "timestamp": str(today)}
        return web.json_response({"name": "Fear and Greed Index", "data": [entry], "metadata": {"error": None}})

    def _write_news(self) -> None:
        now = time.time()
        if now < self._next_s:
            return
        self._next_s = now + HEADLINE_EVERY_S
        kind = self._random.choice((GOOD, BAD, DULL))
        title = f"{self._random.choice(NAMES)} {self._random.choice(kind)}"
        self._headlines.append((datetime.fromtimestamp(int(now) - self._random.randint(0, 5), UTC), title))
