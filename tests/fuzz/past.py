"""More of what may be fed any bytes: what venues tell of the past, and the files of other programs.

In:  bytes, as an answer, as the CSV in a file of an archive, as a file to import. Out: nothing; a target raises where an
error is not one of the stated ones, a row fits no table, or a row of a file is neither taken nor refused.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import parse_qsl

import msgspec
import numpy as np

from ninefold.history.bars import believable
from ninefold.history.table import HISTORIES
from ninefold.history.venue import UNREADABLE, History
from ninefold.imports.mapping import ImportRefused, Mapping, fields_of, over
from ninefold.imports.names import Names
from ninefold.imports.numbers import text_of
from ninefold.imports.run import KINDS
from ninefold.imports.source import Part, Place
from ninefold.imports.table import open_source
from ninefold.imports.turn import Turning, turn
from ninefold.market.instruments import Instrument, Registry, listed
from ninefold.market.time import MINUTE_NS
from ninefold.store.layout import number_within_seq, to_arrow
from tests.history.spoken.market import Market
from tests.history.spoken.table import SPEAKERS

Target = Callable[[bytes], None]
SAMPLES = Path(__file__).parents[1] / "samples" / "history"
PAIRS = {
    **{"binance": "BTCUSDT", "coinbase": "BTC-USD", "kraken": "BTC/USD", "binanceusdm": "BTCUSDT", "bybit": "BTCUSDT"},
    **{"binancecoinm": "BTCUSD_PERP", "okx": "BTC-USDT-SWAP", "bitstamp": "btcusd", "bitfinex": "tBTCUSD"},
    **{"krakenfutures": "PF_XBTUSD", "deribit": "BTC-PERPETUAL", "bitmex": "XBTUSD", "gate": "BTC_USDT"},
    **{"bitget": "BTCUSDT", "htx": "btcusdt", "hyperliquid": "BTC"},
}
KLINES, CANDLES = "binance/BTCUSDT-1m-2024-01.csv", "coinbase/candles.json"
FILES = {  # of archives of which there is no sample
    "gate": b"1700000000,1.5,1.75,2,1,1.75\n1700000060,0,1.75,1.75,1.75,1.75\n",
    "okx": b"instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm\n"
    b"BTC-USDT-SWAP,1.5,2,1,1.75,10,,0,1700000040000,1\n",
}
TRADES = b"time,symbol,price,size,side,id\n1700000000001,BTC/USDT,61203.10,0.5,buy,7\n,ETH/USDT,2,1,,\n"
BARS = b'[[1700000000000,1.5,2,"1",1.75,10],[1700000060000,1.5,2,1,1.75,null]]'
CRYPTOFEED = b"exchange,symbol,side,amount,price,id,timestamp\nCOINBASE,BTC-USD,sell,0.2,5.5,7,1700000000.5\n"
TARDIS = (
    b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    b"binance,BTCUSDT,1700000000000001,1700000000000002,true,bid,6.1,2\n"
    b"binance,BTCUSDT,1700000000000003,1700000000000004,false,ask,6.2,0\n"
)


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    """Name to what is fed and what to begin with."""
    trades = Mapping(what="trades", venue="binance")
    return {
        **_histories(),
        "import csv": (_imported("csv", "trades.csv", trades), [TRADES, TRADES.replace(b",", b";") + b'"a\nb",1\n']),
        "import cryptofeed": (_imported("cryptofeed", "trades.csv", Mapping()), [CRYPTOFEED]),
        "import freqtrade": (_imported("freqtrade", "BTC_USDT-1m.json", Mapping(venue="binance")), [BARS]),
        "import tardis": (_imported("tardis", "book.csv", Mapping()), [TARDIS]),
    }


def _histories() -> dict[str, tuple[Target, list[bytes]]]:
    found: dict[str, tuple[Target, list[bytes]]] = {}
    for venue, history in HISTORIES.items():
        of = msgspec.structs.replace(listed(venue, PAIRS[venue], "BTC", "USD", tick="0.01", lot="0.00001"), id=1)
        answers = [path.read_bytes() for path in sorted((SAMPLES / venue).glob("*.json"))] or _spoken(history, of)
        reads: list[Callable[[bytes], object]] = [
            history.read_rules,
            history.complaint,
            lambda body, of=of, read=history.trades.read: _fits("trades", read(of, body)),
        ]
        if history.bars is not None:
            reads.append(lambda body, of=of, read=history.bars.read: _possible(read(of, MINUTE_NS, body)))
        found[f"{venue} history"] = _each(reads), answers
        if history.archive is not None:
            files = [path.read_bytes() for path in sorted((SAMPLES / venue).glob("*.csv"))] or [FILES[venue]]
            of_bars, of_trades = history.archive.read_bars, history.archive.read_trades
            fed: list[Callable[[bytes], object]] = [
                lambda data, of=of, read=of_bars: _possible(read(of, MINUTE_NS, _zipped(data))),
                lambda data, of=of, read=of_bars: _possible(read(of, MINUTE_NS, gzip.compress(data, 1))),
                lambda data, of=of, read=of_bars: _possible(read(of, MINUTE_NS, data)),
            ]
            if of_trades is not None:
                fed.append(lambda data, of=of, read=of_trades: _fits("trades", read(of, _zipped(data))))
                fed.append(lambda data, of=of, read=of_trades: _fits("trades", read(of, data)))
            found[f"{venue} archive"] = _each(fed), [*files, *map(_zipped, files), *map(gzip.compress, files)]
    return found


def _spoken(history: History, of: Instrument) -> list[bytes]:
    """What the venue's speaker says to questions of ours."""
    speaker = next(one for one in SPEAKERS if one.venue == history.venue)
    market = Market(1, MINUTE_NS, 9, prices=speaker.prices, sizes=speaker.sizes, ids=speaker.ids)
    questions = [history.all_rules()]
    if history.bars is not None:
        questions.append(history.bars.ask(of, "1m", *market.span))
    said = []
    for question in questions:
        path, _, query = question.path.partition("?")
        answer = speaker(market).answer(path, dict(parse_qsl(query), body=question.body.decode()))
        assert answer is not None, f"{history.venue} does not know {question.path}"
        said.append(answer.body if isinstance(answer.body, bytes) else answer.body.encode())
    return said


def _each(reads: list[Callable[[bytes], object]]) -> Target:
    def feed(data: bytes) -> None:
        for read in reads:
            with contextlib.suppress(*UNREADABLE):
                read(data)

    return feed


def _possible(bars: np.ndarray) -> None:
    _fits("bars", bars[believable(bars, MINUTE_NS)])


def _fits(kind: str, rows: np.ndarray) -> None:
    """The store takes the rows. An error here is a fault, whatever it is."""
    try:
        to_arrow(kind, rows, number_within_seq(rows["seq"]))
    except UNREADABLE as error:
        raise AssertionError(f"rows of {kind} that fit no table: {error}") from error


def _zipped(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("x.csv"), data)
    return made.getvalue()


def _imported(source: str, name: str, mapping: Mapping) -> Target:
    def feed(data: bytes) -> None:
        folder = Path(mkdtemp(prefix="ninefold-fuzz-"))
        try:
            (folder / name).write_bytes(data)
            with contextlib.suppress(ImportRefused):
                for part in open_source(source, Place(place=str(folder / name), mapping=mapping)):
                    _turned(part, over(mapping, part.known))
        finally:
            shutil.rmtree(folder)

    return feed


def _turned(part: Part, mapping: Mapping) -> None:
    """Every row of every batch becomes rows that the store takes, or is refused."""
    registry, carried, unit = Registry(), {}, ""
    fields = fields_of(mapping, part.columns, part.name)
    how = Turning(KINDS[mapping.what], mapping, fields, Names(registry.current(), mapping), 1)

    def new(instrument: Instrument) -> Instrument:
        return registry.add(instrument)

    for batch in part.read(None, tuple(dict.fromkeys(fields.values()))):
        made = turn(how, batch.rows, batch.first, unit, carried, new)  # type: ignore[arg-type]
        unit, carried = made.unit, msgspec.json.decode(msgspec.json.encode(carried))  # it is kept as JSON
        taken = set(made.places.tolist()) | made.refused.keys()
        if taken != set(range(len(batch.rows))):
            raise AssertionError(f"of {len(batch.rows)} rows {len(taken)} were taken or refused")
        _fits(mapping.what, made.rows)
        for column in batch.rows.columns:
            text_of(column.combine_chunks())  # as refused rows are kept
