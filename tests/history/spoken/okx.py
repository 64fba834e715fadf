"""OKX's REST of the past, after www.okx.com/docs-v5 (pages as of 2026-07, read on 2026-11-23):

"Get candlesticks history": GET /api/v5/market/history-candles?instId&after&before&bar&limit; after: "records earlier than the
requested ts", before: "records newer than the requested ts. The latest data will be returned when using before
individually"; bars 1s 1m 3m 5m 15m 30m 1H 2H 4H, "UTC+8 opening price" 6H 12H 1D ..., "UTC+0 opening price" 6Hutc 12Hutc
1Dutc ...; limit at most 300, by default 100; rows [ts,o,h,l,c,vol,volCcy,volCcyQuote,confirm], newest first as in the
example of "Get candlesticks"; vol in contracts for derivatives. "When there is no transaction, the opening high and closing
low default take the closing price of the previous cycle."
"Trades history": GET /api/v5/market/history-trades?instId&type&after&before&limit; type 1 (default) pages by tradeId, 2 by
timestamp; after: earlier than the requested tradeId or ts; limit at most 100, by default 100; newest first.
"Get instruments": instType is required, instId is not. Both market pages: "20 requests per 2 seconds", by IP.
Files, after the headings that public readers of www.okx.com/historical-data expect, 2026-12-01:
https://static.okx.com/cdn/okex/traderecords/candlesticks/monthly/YYYYMM/INSTRUMENT-candlesticks-YYYY-MM.zip, months of UTC+8, 1m:
instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm; some rows come twice.
Error codes: 50011 with status 200, "Rate limit reached. Please refer to API documentation and throttle requests
accordingly"; 51001 "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
"""

import io
import json
import zipfile
from datetime import datetime, timedelta

from .base import Said, Speaker
from .market import DAY, HOUR, MS, WIDTHS, S

BARS = {"1s": "1s", "1m": "1m", "5m": "5m", "15m": "15m", "1H": "1h"}
SYMBOL = "BTC-USDT-SWAP"
HEADINGS = "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm"


class Okx(Speaker):
    venue, pair = "okx", "BTC/USDT:USDT"
    timeframes = ("1s", "1m", "5m", "15m", "1h", "1d")
    quiet = "told"
    trades = True
    page, trade_page = 300, 100
    limit = (20, 2.0)
    prices, sizes = 1, 2

    def answer(self, path, query):
        if path == "/api/v5/public/instruments":
            return self._instruments(query)
        if self.files and path.startswith("/candlesticks/monthly/"):
            return self._file(path)
        if query.get("instId") != SYMBOL:
            return said([], "51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
        if path == "/api/v5/market/history-candles":
            return self._candles(query)
        if path == "/api/v5/market/history-trades":
            return self._trades(query)
        return None

    def busy(self):
        return said(
            [], "50011", "Rate limit reached. Please refer to API documentation and throttle requests accordingly."
        )

    def _candles(self, query):
        limit = min(int(query.get("limit", "100")), self.page)
        after, before = int(query.get("after", "9" * 13)) * MS, int(query.get("before", "0")) * MS
        bars = {open_ns: bar for open_ns, bar in self._bars(query.get("bar", "1m"), after).items() if open_ns > before}
        rows = [
            [str(open_ns // MS), *(f"{value:f}" for value in bar[:5]), "0", "0", "1"]
            for open_ns, bar in sorted(bars.items(), reverse=True)
        ]
        return said(rows[:limit])

    def _bars(self, bar, after):
        """Of days, "1D" opens at 16:00 UTC."""
        if bar == "1D":
            moved = [one._replace(time_ns=one.time_ns + 8 * HOUR) for one in self.market.trades]
            market = type(self.market).__new__(type(self.market))
            market.trades, market.now_ns, market._bars = moved, self.market.now_ns + 8 * HOUR, {}
            return {at - 8 * HOUR: one for at, one in market.bars(DAY, 0, after + 8 * HOUR).items()}
        return self.market.bars(DAY if bar == "1Dutc" else WIDTHS[BARS[bar]], 0, after)

    def _trades(self, query):
        limit = min(int(query.get("limit", "100")), self.trade_page)
        found = self.market.trades
        if "after" in query and query.get("type", "1") == "1":
            found = [one for one in found if one.id < int(query["after"])]
        elif "after" in query:
            found = [one for one in found if one.time_ns < int(query["after"]) * MS]
        if "before" in query:
            found = [one for one in found if one.id > int(query["before"])]
        rows = [
            {"instId": SYMBOL, "side": "buy" if one.buy else "sell", "sz": one.size, "source": "0", "px": one.price}
            | {"tradeId": str(one.id), "ts": str(one.time_ns // MS)}
            for one in reversed(found[-limit:])
        ]
        return said(rows)

    def _file(self, path):
        _, _, _, month, name = path.split("/")
        first = datetime.strptime(month + "+0800", "%Y%m%z")
        start_ns, end_ns = (int(one.timestamp()) * S for one in (first, (first + timedelta(32)).replace(day=1)))
        if name != f"{SYMBOL}-candlesticks-{first:%Y-%m}.zip" or end_ns > self.market.now_ns:
            return Said("", 404)
        rows = [self.line(at, bar) for at, bar in sorted(self.market.bars(WIDTHS["1m"], start_ns, end_ns).items())]
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            file.writestr(name.replace("zip", "csv"), "\n".join([HEADINGS, *rows, rows[-1], ""]))
        return Said(made.getvalue())

    def line(self, at, bar):
        return ",".join([SYMBOL, *(f"{value:f}" for value in bar[:5]), "", "0", str(at // MS), "1"])

    def _instruments(self, query):
        listed = [
            {"instId": f"{base}-USDT-SWAP", "instType": "SWAP", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01"}
            | {"settleCcy": "USDT", "ctVal": "0.01", "ctMult": "1", "ctType": "linear", "state": "live"}
            for base in ("BTC", "ETH")
        ]
        wanted = query.get("instId")
        return said([one for one in listed if query["instType"] == "SWAP" and wanted in (None, one["instId"])])


def said(data, code="0", message=""):
    return Said(json.dumps({"code": code, "msg": message, "data": data}))
