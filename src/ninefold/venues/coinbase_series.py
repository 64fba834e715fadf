"""One product's trades at Coinbase: which ids came, which are missing, and what has to be asked for.

In:  as `TradeHoles`, what the heartbeat says, and which answers came.
Out: as there, and the questions for what is missing.
REST tells pages of trades, the newest first, and may not have a trade yet that the stream told: it is asked again, after
pauses.
"""

from __future__ import annotations

from ninefold.venues.trade_holes import TradeHoles

PAGE_MOST = 1000
MOST_TRIES = 10  # for trades that answers lack: 2, 4, ... 1024 s apart; then at the next hole or connection


class Series(TradeHoles):
    """What is known of a product's stream. named: by the last heartbeat; booked: its snapshot came on this connection.

    asked: the question for missing trades to which an answer is awaited; tries: answers in a row that held none of them;
    waiting, due_ns: the question that is asked only then because of that.
    """

    named: int = 0
    booked: bool = False
    asked: str = ""
    tries: int = 0
    waiting: str = ""
    due_ns: int = 0

    def ask_missing(self, symbol: str, known_ns: int, pause_ns: int) -> str:
        """The question for the latest of what is missing, as far back as a page reaches; "" if there is none to be asked.
        One at a time, but for one that waits because an answer lacked what it asked for.
        """
        missing = [one for hole in self.holes for one in self.ids.missing_in(hole.first, hole.last)]
        waits = self.waiting if known_ns < self.due_ns else ""
        if not missing or (self.asked and self.asked != waits):
            return ""
        first, last = min(missing)[0], max(missing)[1]
        self.asked = f"/products/{symbol}/trades?after={last + 1}&limit={min(last - first + 1, PAGE_MOST)}"
        if self.asked == waits:
            return ""
        if self.tries and pause_ns:
            self.waiting, self.due_ns = self.asked, known_ns + pause_ns
        return self.asked

    def came(self, question: str, is_new: bool) -> bool:
        """An answer came, with trades that are new or without. Whether what is still missing is worth asking for."""
        awaited = question == self.asked
        self.asked = "" if awaited else self.asked
        self.waiting = "" if question == self.waiting else self.waiting
        self.tries = 0 if is_new else self.tries + awaited
        return self.tries <= MOST_TRIES
