"""A Kraken adapter that knows BTC/USD's rules and is connected, and short ways to feed it. Numbers and times are those of the
samples.
"""

import json
import zlib
from decimal import Decimal
from pathlib import Path

from ninefold.journal.inputs import Answer, ConnectionChange
from ninefold.market.records import Gap
from ninefold.venues.kraken import KrakenSpot
from ninefold.venues.trade_holes import LATE_NS

SAMPLES = Path(__file__).parent.parent / "samples" / "kraken"
RECORDING = "raw/cryptofeed/KRAKEN_2021-04-17.jsonl.gz"
SECOND = 10**9
TEN = 1_795_341_600 * SECOND  # 2026-11-22 10:00:00 UTC
RECEIVED = TEN + 2 * SECOND
INFO = "/0/public/AssetPairs?pair=XBTUSD"
TRADES = "/0/public/Trades?pair=XBTUSD&since={}"
ANEW = [
    b'{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":1000}}',
    b'{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":1000,"snapshot":true}}',
]


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes().strip()


def swapped(name: str, old: str, new: str) -> bytes:
    """A sample with other text in the first place where `old` stands."""
    text = sample(name).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def price(text: str) -> int:
    """BTC/USD has 1 decimal, and two more are held."""
    return int(Decimal(text).scaleb(3))


def size(text: str) -> int:
    return int(Decimal(text).scaleb(8))


def checksum(asks: list[tuple[str, str]], bids: list[tuple[str, str]]) -> int:
    digits = [text.replace(".", "").lstrip("0") for level in [*asks[:10], *bids[:10]] for text in level]
    return zlib.crc32("".join(digits).encode())


class Venue:
    """An adapter that knows BTC/USD's rules and is connected, and short ways to feed it."""

    def __init__(self) -> None:
        self.adapter = KrakenSpot(frozenset({"BTC/USD"}))
        self.seq, self.now = 0, RECEIVED
        self.answer("AssetPairs", INFO, sample("AssetPairs"))
        self.connection("open")
        self.frame(sample("subscribed"))
        self.forget()

    def frame(self, payload: bytes) -> None:
        self.seq += 1
        self.adapter.frame(1, self.seq, self.now, payload)

    def trade(self, id: int, second: float = 1, side: str = "buy") -> None:
        text = f"2026-11-22T10:00:{second:09.6f}Z"
        self.frame(
            b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"%s","price":60000.5,"qty":0.10000000,'
            b'"ord_type":"limit","trade_id":%d,"timestamp":"%s"}]}' % (side.encode(), id, text.encode())
        )

    def book(self, kind: str, bids: list, asks: list, proof: int, second: int = 1) -> None:
        sides = [[f'{{"price":{p},"qty":{q}}}' for p, q in levels] for levels in (bids, asks)]
        self.frame(
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{",".join(sides[0])}],'
            f'"asks":[{",".join(sides[1])}],"checksum":{proof},"timestamp":"2026-11-22T10:00:{second:02}Z"}}]}}'.encode()
        )

    def late(self) -> None:
        """Let the time pass after which a trade was missed and is not only late."""
        self.seq += 1
        self.adapter.frame(1, self.seq, self.now + LATE_NS, sample("heartbeat"))

    def past(self, since_ns: int, ids: list[int], last_ns: int = TEN + SECOND) -> None:
        rows = [["60000.50000", "0.10000000", 1795341601.5, "b", "l", "", id] for id in ids]
        body = {"error": [], "result": {"XXBTZUSD": rows, "last": str(last_ns)}}
        self.answer("Trades", TRADES.format(since_ns), json.dumps(body).encode())

    def answer(self, purpose: str, url: str, body: bytes, status: int = 200) -> None:
        self.seq += 1
        self.adapter.answer(Answer("kraken", purpose, url, status, body), self.seq, self.now)

    def connection(self, state: str) -> None:
        self.seq += 1
        self.adapter.connection(ConnectionChange("kraken", "market", state), 1, self.seq, self.now)

    def reconnect(self) -> None:
        self.connection("lost")
        self.connection("open")

    def forget(self) -> None:
        self.late()
        gathered = self.adapter.gathered
        for made in (gathered.trades, gathered.books, gathered.quotes, gathered.records, gathered.stamps):
            made.clear()
        self.adapter.questions.clear()
        self.adapter.say.clear()

    def ids(self) -> list[int]:
        return [row[6] for row in self.adapter.gathered.trades]

    def asked(self) -> list[str]:
        self.late()
        questions, self.adapter.questions = self.adapter.questions, []
        return [question.path for question in questions]

    def said(self) -> list[bytes]:
        said, self.adapter.say = self.adapter.say, []
        return said

    def of(self, kind: type) -> list:
        return [record for record in self.adapter.gathered.records if isinstance(record, kind)]

    def gaps(self) -> list[tuple]:
        self.late()
        return [(gap.stream, gap.from_id, gap.to_id, gap.healed) for gap in self.of(Gap)]
