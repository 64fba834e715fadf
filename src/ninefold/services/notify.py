"""notify: says in Slack what the bot MAY do and what it HAS done, and alarms.

In:  finished chunks. Out: messages, one post a second at most, several lines a post when more are waiting, again and
     again until Slack took them.
Nothing waits for Slack: too many waiting MAYs are counted instead of sent; what the bot has done and alarms are never
dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ninefold.bus.status import Meter, Status
from ninefold.config import Notify as Settings
from ninefold.market.chunk import Chunk
from ninefold.market.lag import lateness
from ninefold.market.records import Flatten, Flattened, Found, Gap, Halted, Has, Late, Malformed, May, Resumed
from ninefold.market.strategy_records import LegsMoved, StrategyFailed
from ninefold.services.failures import NotSent
from ninefold.services.lazily import lazily

if TYPE_CHECKING:
    from ninefold.services import slack_posts
else:
    slack_posts = lazily("ninefold.services.slack_posts")

PAUSE_S = 1.0  # Slack allows one message a second for a channel
LINES = 10  # a post
MOST_MAYS = 200
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0


class Notify:
    """Made from the environment that the settings name; without a webhook or token it only counts."""

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        self.meter = Meter("notify", clock())
        self._settings = settings
        self._waiting: deque[tuple[int, str, bool]] = deque()  # seq, line, is it a MAY
        self._mays = 0
        self._skipped = 0
        webhook, token = os.environ.get(settings.webhook_env, ""), os.environ.get(settings.token_env, "")
        self._webhook, self._token = webhook, token
        self._posts: slack_posts.SlackPosts | None = None
        if not (webhook or token):
            self.meter.detail = f"no Slack: neither {settings.webhook_env} nor {settings.token_env} is set"

    def take(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            for record in chunk.records:
                line = _line(record)
                if line and (self._webhook or self._token):
                    self._put(record.seq, line, isinstance(record, May))

    async def run(self, stop: asyncio.Event) -> None:
        """Post until `stop`; what waits then is tried once more."""
        stopping = asyncio.ensure_future(stop.wait())
        retry_s = FIRST_RETRY_S
        while not stopping.done():
            pause_s = PAUSE_S
            try:
                await self._post()
                retry_s = FIRST_RETRY_S
            except NotSent as error:
                self.meter.count("failed")
                self.meter.detail = str(error)
                pause_s = error.retry_s or retry_s
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)
            await asyncio.wait({stopping}, timeout=pause_s)
        try:
            await self._post()
        except NotSent as error:
            self.meter.detail = str(error)

    def status(self, at_ns: int) -> Status:
        return self.meter.status(at_ns)

    def _put(self, seq: int, line: str, is_may: bool) -> None:
        if is_may and self._mays >= MOST_MAYS:
            self._skipped += 1
            return
        self._mays += is_may
        self._waiting.append((seq, line, is_may))

    async def _post(self) -> None:
        batch = [self._waiting[place] for place in range(min(LINES, len(self._waiting)))]
        if not batch:
            return
        lines = [line for _, line, _ in batch]
        if self._skipped:
            lines.append(f"({self._skipped} more MAY messages were not sent: too many were waiting)")
        if self._posts is None:
            self._posts = slack_posts.SlackPosts(self._settings, self._webhook, self._token)
        await self._posts.send("\n".join(lines))
        self._skipped = 0
        for _ in batch:
            seq, _, is_may = self._waiting.popleft()
            self._mays -= is_may
            self.meter.last_seq = seq
        self.meter.count("sent", len(batch))
        self.meter.detail = ""


def _line(record: object) -> str:
    match record:
        case May():
            return f":crystal_ball: MAY {record.text}"
        case Has():
            return f":white_check_mark: HAS {record.text}"
        case Halted():
            return f":octagonal_sign: HALTED by {record.by}: {record.reason}"
        case Flatten():
            return f":octagonal_sign: {record.by} wants {record.instrument or 'everything'} sold"
        case Flattened():
            return f":heavy_check_mark: sold what {record.by} wanted sold" + "".join(
                f"\nleft: {one}" for one in record.left
            )
        case Resumed():
            return f":arrow_forward: resumed by {record.by}"
        case Found():
            return f":mag: {record.venue} has {record.text}"
        case StrategyFailed():
            return f":warning: {record.text}"
        case LegsMoved() if record.why:
            return f":link: {record.text}"
        case Malformed():
            return f":warning: a message of {record.venue} could not be understood: {record.reason}"
        case Late():
            return f":hourglass: {lateness(record.venue, record.behind_ns)}"
        case Gap() if not record.healed:
            return f":warning: {record.stream} {record.from_id} to {record.to_id} of instrument {record.instrument} were missed"
    return ""
