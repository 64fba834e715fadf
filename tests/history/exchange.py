"""A market of the past on loopback: it knows the truth, and speaks the REST of three venues and Binance's archive.

In:  trades. Out: what the venues' documentation says they answer (pages and dates: tests/samples/README.md), and bars read
from the trades the slow obvious way. It shares no code with the parsers.
"""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from aiohttp import web

S = 10**9
MINUTE, DAY = 60 * S, 86_400 * S
JANUARY = 1_704_067_200 * S  # 2024-01-01 00:00 UTC
INTERVALS = {"1s": S, "1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": 60 * MINUTE, "1d": DAY}


class Trade(NamedTuple):
    id: int
    time_ns: int
    price: str
    size: str
    buy: bool


class Bar(NamedTuple):
    open_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    bought: Decimal
    trades: int


def random_trades(seed: int, start_ns: int, end_ns: int, every_ns: int, first_id: int = 100) -> list[Trade]:
    """Times in whole milliseconds, as all venues can tell them."""
    chance = random.Random(seed)
    made, at, price = [], start_ns, 42_000_00
    while True:
        at += 1_000_000 * max(1, int(chance.expovariate(1_000_000 / every_ns)))
        if at >= end_ns:
            return made
        price += chance.randint(-500, 500)
        size = f"{chance.randint(1, 99_999) / 100_000:.5f}"
        made.append(Trade(first_id + len(made), at, f"{price / 100:.2f}", size, chance.random() < 0.5))


def bars_of(trades: list[Trade], width_ns: int, start_ns: int, end_ns: int) -> list[Bar]:
    """A bar for every slot from the first trade on; a quiet one carries the last price on."""
    slots: dict[int, list[Trade]] = {}
    last = None
    for trade in sorted(trades, key=lambda one: (one.time_ns, one.id)):
        slots.setdefault(trade.time_ns // width_ns * width_ns, []).append(trade)
        if trade.time_ns < start_ns:
            last = Decimal(trade.price)
    made = []
    for open_ns in range(start_ns, end_ns, width_ns):
        inside = slots.get(open_ns, [])
        if not inside and last is None:
            continue
        prices = [Decimal(one.price) for one in inside] or [last]
        sizes = [Decimal(one.size) for one in inside]
        bought = sum((Decimal(one.size) for one in inside if one.buy), Decimal(0))
        bar = (prices[0], max(prices), min(prices), prices[-1], sum(sizes, Decimal(0)), bought, len(inside))
        made.append(Bar(open_ns, *bar))
        last = prices[-1]
    return made


class Exchange:
    """trades: of BTCUSDT (Binance), BTC-USD (Coinbase), XBTUSD (Kraken). withheld: opens of bars that are not told.

    before: called with the number of each request and its path; may give a response instead of the answer.
    files: paths of the archive that exist; tampered: those whose content is not what the checksum says.
    """

    def __init__(self, trades: list[Trade], now_ns: int) -> None:
        self.trades, self.now_ns = trades, now_ns
        self.withheld: set[int] = set()
        self.files: Callable[[str], bool] = lambda path: True
        self.tampered: set[str] = set()
        self.asked: list[str] = []
        self.before: Callable[[int, web.Request], web.Response | None] = lambda number, request: None
        self.gone: set[int] = set()  # ids of trades that the venue does not tell

    @asynccontextmanager
    async def running(self) -> Iterator[str]:
        app = web.Application(middlewares=[self._meet])
        app.add_routes(
            [
                web.get("/api/v3/exchangeInfo", self._exchange_info),
                web.get("/api/v3/klines", self._klines),
                web.get("/api/v3/aggTrades", self._agg_trades),
                web.get("/api/v3/historicalTrades", self._historical_trades),
                web.get("/data/spot/{rest:.*}", self._file),
                web.get("/products", self._products),
                web.get("/products/BTC-USD/candles", self._candles),
                web.get("/products/BTC-USD/trades", self._product_trades),
                web.get("/0/public/AssetPairs", self._asset_pairs),
                web.get("/0/public/Trades", self._kraken_trades),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _meet(self, request, handler):
        self.asked.append(request.path_qs)
        instead = self.before(len(self.asked), request)
        return await handler(request) if instead is None else instead

    def told(self) -> list[Trade]:
        return [trade for trade in self.trades if trade.id not in self.gone]

    # Binance

    async def _exchange_info(self, request):
        wanted = request.query.get("symbols")
        if wanted is not None and set(json.loads(wanted)) - {"BTCUSDT", "ETHUSDT"}:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001000", "minQty": "0.00001000"},
        ]
        symbols = [
            {"symbol": f"{base}USDT", "baseAsset": base, "quoteAsset": "USDT", "filters": filters}
            for base in ("BTC", "ETH")
        ]
        named = None if wanted is None else json.loads(wanted)
        return web.json_response({"symbols": [one for one in symbols if named is None or one["symbol"] in named]})

    def _kline(self, bar: Bar, width_ns: int, unit_ns: int) -> list[object]:
        end = (bar.open_ns + width_ns) // unit_ns - 1
        prices = [f"{value:.8f}" for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)]
        return [bar.open_ns // unit_ns, *prices, end, "0.00000000", bar.trades, f"{bar.bought:.8f}", "0.00000000", "0"]

    def told_bars(self, width_ns: int, start_ns: int, end_ns: int) -> list[Bar]:
        first = self.trades[0].time_ns // width_ns * width_ns
        start_ns = max(first, -(-start_ns // width_ns) * width_ns)
        return [one for one in bars_of(self.trades, width_ns, start_ns, end_ns) if one.open_ns not in self.withheld]

    async def _klines(self, request):
        width_ns = INTERVALS[request.query["interval"]]
        start_ns = int(request.query["startTime"]) * 10**6
        end_ns = min(int(request.query.get("endTime", self.now_ns // 10**6)) * 10**6 + 1, self.now_ns)
        limit = int(request.query.get("limit", 500))
        if start_ns == 0:
            start_ns = self.trades[0].time_ns // width_ns * width_ns
            end_ns = min(end_ns, start_ns + width_ns * 10)
        bars = self.told_bars(width_ns, start_ns, end_ns)[:limit]
        return web.json_response([self._kline(bar, width_ns, 10**6) for bar in bars])

    async def _agg_trades(self, request):
        start = int(request.query["startTime"])
        found = [one for one in self.told() if one.time_ns >= start * 10**6][: int(request.query["limit"])]
        row = [
            {"a": one.id * 2, "p": one.price, "q": one.size, "f": one.id, "l": one.id, "T": one.time_ns // 10**6}
            | {"m": not one.buy, "M": True}
            for one in found
        ]
        return web.json_response(row)

    async def _historical_trades(self, request):
        limit = int(request.query["limit"])
        if "fromId" in request.query:
            found = [one for one in self.told() if one.id >= int(request.query["fromId"])][:limit]
        else:
            found = self.told()[-limit:]
        return web.json_response(
            [
                {"id": one.id, "price": one.price, "qty": one.size, "quoteQty": "0", "time": one.time_ns // 10**6}
                | {"isBuyerMaker": not one.buy, "isBestMatch": True}
                for one in found
            ]
        )

    async def _file(self, request):
        path = request.path.removesuffix(".CHECKSUM")
        if not self.files(path):
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        data = packed(path.rpartition("/")[2].replace(".zip", ".csv"), self.csv_of(path))
        if request.path.endswith(".CHECKSUM"):
            return web.Response(text=f"{hashlib.sha256(data).hexdigest()}  {path.rpartition('/')[2]}\n")
        return web.Response(body=packed("x.csv", "1,2\n") if path in self.tampered else data)

    def csv_of(self, path: str) -> str:
        """Spot files: no headings; microseconds since 2025."""
        parts = path.removesuffix(".zip").split("/")
        when = parts[-1].removeprefix(f"{parts[-2]}-" if parts[4] == "trades" else f"{parts[-3]}-{parts[-2]}-")
        when = when.removeprefix("trades-")
        form = "%Y-%m" if parts[3] == "monthly" else "%Y-%m-%d"
        moment = datetime.strptime(when, form).replace(tzinfo=UTC)
        start_ns = int(moment.timestamp()) * S
        unit_ns = 1_000 if moment.year >= 2025 else 10**6
        if parts[4] == "trades":
            inside = [one for one in self.told() if start_ns <= one.time_ns < start_ns + DAY]
            rows = [[one.id, one.price, one.size, "0", one.time_ns // unit_ns, not one.buy, True] for one in inside]
        else:
            width_ns = INTERVALS[parts[-2]]
            month_ns = (
                int(datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC).timestamp()) * S
            )
            end_ns = month_ns if form == "%Y-%m" else start_ns + DAY
            rows = [self._kline(bar, width_ns, unit_ns) for bar in self.told_bars(width_ns, start_ns, end_ns)]
        return "".join(",".join(str(cell) for cell in row) + "\n" for row in rows)

    # Coinbase

    async def _products(self, request):
        product = {"id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD"}
        return web.json_response([product | {"base_increment": "0.00001", "quote_increment": "0.01"}])

    async def _candles(self, request):
        """Newest first, none for quiet intervals, and one before the start."""
        width_ns = int(request.query["granularity"]) * S
        start, end = (
            int(datetime.fromisoformat(request.query[name].replace("Z", "+00:00")).timestamp()) * S
            for name in ("start", "end")
        )
        if (end - start) // width_ns + 1 > 300:
            return web.json_response({"message": "granularity too small for the requested time range"}, status=400)
        bars = [one for one in self.told_bars(width_ns, start - width_ns, end + width_ns) if one.trades]
        rows = ",".join(
            f"[{one.open_ns // S},{one.low},{one.high},{one.open},{one.close},{one.volume}]" for one in reversed(bars)
        )
        return web.Response(text=f"[{rows}]", content_type="application/json")

    async def _product_trades(self, request):
        limit = int(request.query.get("limit", 1000))
        older = [one for one in self.told() if one.id < int(request.query.get("after", 2**62))]
        return web.json_response(
            [
                {"trade_id": one.id, "price": one.price, "size": one.size, "side": "sell" if one.buy else "buy"}
                | {"time": iso(one.time_ns)}
                for one in older[-limit:][::-1]
            ]
        )

    # Kraken

    async def _asset_pairs(self, request):
        wanted = request.query.get("pair")
        if wanted not in (None, "XBTUSD"):
            return web.json_response({"error": ["EQuery:Unknown asset pair"]})
        pair = {"wsname": "XBT/USD", "pair_decimals": 2, "lot_decimals": 8, "ordermin": "0.0001", "costmin": "0.5"}
        return web.json_response({"error": [], "result": {"XXBTZUSD": pair | {"tick_size": "0.01"}}})

    async def _kraken_trades(self, request):
        limit = int(request.query.get("count", 1000))
        if "since" in request.query:
            found = [one for one in self.told() if one.time_ns > int(request.query["since"])][:limit]
        else:
            found = self.told()[-limit:]
        rows = ",".join(
            f'["{one.price}","{one.size}",{Decimal(one.time_ns) / S},"{"b" if one.buy else "s"}","m","",{one.id}]'
            for one in found
        )
        last = found[-1].time_ns if found else int(request.query.get("since", 0))
        text = f'{{"error":[],"result":{{"XXBTZUSD":[{rows}],"last":"{last}"}}}}'
        return web.Response(text=text, content_type="application/json")


def iso(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // S, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time_ns % S:09d}Z"


def packed(name: str, text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(name), text)
    return made.getvalue()
