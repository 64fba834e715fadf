"""The rest of the outside world for a demo: a Slack that takes messages, a news feed, a mood index. On loopback,
invented, seeded.

In:  POST /slack as an incoming webhook of Slack gets it (docs.slack.dev, "Sending messages using incoming webhooks",
     read 2026-11).
Out: what it was told, in `messages`; GET /news.rss (RSS 2.0), a new headline now and then; GET /fng/ as alternative.me's
     index answers.
A thread of its own answers, one request after the other: a few a minute come.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import deque
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

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
STOP_S = 0.1  # within which it stops
NAMES = ("Bitcoin", "Ethereum", "Solana", "Cardano", "Dogecoin")


class Outside:
    """seed: decides the headlines."""

    def __init__(self, seed: int = 7) -> None:
        self.messages: deque[str] = deque(maxlen=KEPT)
        self._random = random.Random(seed)
        self._headlines: deque[tuple[datetime, str]] = deque(maxlen=30)
        self._next_s = 0.0
        self._server = HTTPServer(("127.0.0.1", 0), partial(_Answers, self))
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(STOP_S,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def hear(self, body: bytes) -> bool:
        """What is posted to a webhook; whether it is a message."""
        try:
            text = json.loads(body)["text"]
        except (ValueError, KeyError, TypeError):
            return False
        if isinstance(text, str):
            self.messages.extend(text.split("\n"))
        return isinstance(text, str)

    def news(self) -> str:
        self._write_news()
        items = "".join(
            f"<item><title>{escape(title)}</title><link>https://news.example.com/{int(at.timestamp())}</link>"
            f"<pubDate>{format_datetime(at)}</pubDate></item>"
            for at, title in reversed(self._headlines)
        )
        return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Invented News</title>{items}</channel></rss>'

    def mood(self) -> str:
        today = int(time.time()) // 86400 * 86400
        value = random.Random(today).randint(10, 90)
        name = "Fear" if value < 45 else "Greed" if value > 55 else "Neutral"
        entry = {"value": str(value), "value_classification": name, "timestamp": str(today)}
        return json.dumps({"name": "Fear and Greed Index", "data": [entry], "metadata": {"error": None}})

    def _write_news(self) -> None:
        now = time.time()
        if now < self._next_s:
            return
        self._next_s = now + HEADLINE_EVERY_S
        kind = self._random.choice((GOOD, BAD, DULL))
        title = f"{self._random.choice(NAMES)} {self._random.choice(kind)}"
        self._headlines.append((datetime.fromtimestamp(int(now) - self._random.randint(0, 5), UTC), title))


class _Answers(BaseHTTPRequestHandler):
    """One request."""

    timeout = 5.0  # of a client that says nothing

    def __init__(self, outside: Outside, *connection: Any) -> None:
        self._outside = outside
        super().__init__(*connection)

    def do_GET(self) -> None:
        if self.path == "/news.rss":
            self._answer(200, "application/rss+xml", self._outside.news())
        elif self.path == "/fng/":
            self._answer(200, "application/json", self._outside.mood())
        else:
            self._answer(404, "text/plain", "nothing is here")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/slack":
            self._answer(404, "text/plain", "nothing is here")
        elif self._outside.hear(body):
            self._answer(200, "text/plain", "ok")
        else:
            self._answer(400, "text/plain", "no_text")

    def log_message(self, format: str, *values: object) -> None:
        """Nobody reads of it."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
