"""What is said of a flatten, from the ledger."""

from pathlib import Path

import msgspec

from ninefold.execution.limits.state import FLATTEN
from ninefold.market.instruments import listed
from ninefold.market.records import Balance, Fill, Flatten, Flattened, Listed, Order
from ninefold.services.selling import selling
from ninefold.store.ledger import Ledger

BTC_USDT = listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001", id=1)
SOLD = Order(
    seq=5,
    known_ns=5,
    client_order_id="nf-a",
    instrument=1,
    side=-1,
    size=1_000,
    status="sent",
    strategies=(FLATTEN,),
    reduce_only=True,
)
FILL = Fill(
    seq=6,
    known_ns=6,
    client_order_id="nf-a",
    instrument=1,
    side=-1,
    price=5_000_000,
    size=1_000,
    fee=0,
    fee_asset="USDT",
    trade_id="7",
    exchange_ns=6,
)


def test_a_sale_that_is_told_by_the_answer_and_by_the_line_is_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append([Listed(seq=1, known_ns=1, instrument=BTC_USDT)], 1)
    ledger.append([Balance(seq=2, known_ns=2, asset="BTC", free=1_000_000, locked=0)], 2)
    ledger.append([Flatten(seq=4, known_ns=4, by="ada")], 4)
    again = msgspec.structs.replace(FILL, seq=7, known_ns=7)
    ledger.append([SOLD, FILL, again, Flattened(seq=8, known_ns=8, by="ada")], 8)
    ledger.close()
    found = selling(tmp_path, "", 3)
    assert found.sold == ["0.01000 BTC at 50000.00 USDT on binance"]
    assert found.done
