"""The outside world of a pipeline on loopback: a Slack that is troubled at first, a good feed and a broken one.

In:  a list of troubles. Out: addresses; what was posted and when. It runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

NEWS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Worked Example</title>
<item><title>Bitcoin surges as buyers return</title><link>https://news.example.com/1</link>
<pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate></item>
<item><title>Ethereum plunges as exchange is hacked</title><link>https://news.example.com/2</link>
<pubDate>Sat, 31 Jan 2026 11:00:00 GMT</pubDate></item>
</channel></rss>"""
BROKEN = "<rss><channel><item><title>no end"
CUT = "cut"  # the connection ends without an answer
RETRY_AFTER_S = 3


class Post(NamedTuple):
    at_s: float
    status: int  # 0: the connection was cut
    text: str


class Outside:
    """troubles: what Slack does to the first posts, one after the other: a status, or CUT. Then it takes everything."""

    def __init__(self, troubles: list[int | str]) -> None:
        self.posts: list[Post] = []
        self.base = ""
        self._troubles = troubles
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20.0)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def taken(self) -> list[str]:
        """Every line that Slack took, in order."""
        return [line for post in list(self.posts) if post.status == 200 for line in post.text.split("\n")]

    def _run(self) -> None:
        runner = self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _listen(self) -> web.AppRunner:
        app = web.Application()
        news, broken = _page(NEWS), _page(BROKEN)
        app.add_routes([web.post("/slack", self._slack), web.get("/news.rss", news), web.get("/broken.rss", broken)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _slack(self, request: web.Request) -> web.Response:
        text = str((await request.json())["text"])
        trouble = self._troubles.pop(0) if self._troubles else 200
        if isinstance(trouble, str):
            self.posts.append(Post(time.monotonic(), 0, text))
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        self.posts.append(Post(time.monotonic(), trouble, text))
        headers = {"Retry-After": str(RETRY_AFTER_S)} if trouble == 429 else {}
        return web.Response(status=trouble, text="ok" if trouble == 200 else "trouble", headers=headers)


def _page(text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/rss+xml")

    return answer
