"""What people ask for on its way through the door: taken once, journalled, the same request after a crash."""

import msgspec
import pytest

from ninefold.config import Config
from ninefold.execution.asked import BadAsk
from ninefold.journal.inputs import Command
from ninefold.journal.reader import read
from ninefold.market.instruments import Registry, listed
from ninefold.market.records import Asked, CancelAsked, Malformed
from ninefold.services import asking
from ninefold.services.asked_for import tried
from ninefold.services.door import Door
from ninefold.store.data_dir import open_data_dir

ASKED = Asked(seq=0, known_ns=0, ask_id="3f", by="ada", side=1, size="0.01", pair="BTC/USDT", stop="48000")
ORDER = Command("order", "ada", body=msgspec.json.encode(ASKED).decode())


@pytest.fixture
def door(tmp_path) -> Door:
    data_dir = open_data_dir(tmp_path / "data")
    made = Door(
        Config(data_dir=str(data_dir)), data_dir, lambda: 77, lambda chunk: made.records.extend(chunk.records), None
    )
    made.records, made.folder = [], data_dir
    yield made
    made.close()


def test_what_is_asked_for_is_journalled_and_becomes_a_record_with_its_time(door):
    cancel = CancelAsked(seq=0, known_ns=0, by="bob", client_order_id="nf-a")
    asking.put(door.folder, Command("cancel", "bob", body=msgspec.json.encode(cancel).decode()), "b", 2)
    asking.put(door.folder, ORDER, "a", 1)
    door._take_asked(77)
    door._take_asked(77)
    assert door.records == [
        msgspec.structs.replace(ASKED, seq=1, known_ns=77), msgspec.structs.replace(cancel, seq=2, known_ns=77)
    ]  # fmt: skip
    assert len(list(read(door.folder / "journal"))) == 2
    assert list((door.folder / asking.FOLDER).iterdir()) == []


def test_a_request_that_was_taken_and_not_removed_before_a_crash_is_the_same_request_again(door):
    asking.put(door.folder, ORDER, "a", 1)
    [(path, command)] = asking.take(door.folder)
    assert not asking.withdraw(path.with_suffix(asking.ASKED)), "it is too late to take it back"
    door._command(77, command)
    door.flush()
    door._take_asked(78)
    assert [one.ask_id for one in door.records] == ["3f", "3f"]
    assert asking.take(door.folder) == []


def test_who_asks_again_under_the_name_of_one_that_was_taken_before_a_crash_is_taken_once(door):
    asking.put(door.folder, ORDER, "a", 1)
    asking.take(door.folder)
    asking.put(door.folder, ORDER, "a", 1)
    door._take_asked(78)
    assert [one.ask_id for one in door.records] == ["3f"]
    assert list((door.folder / asking.FOLDER).iterdir()) == []


def test_what_is_withdrawn_is_never_taken(door):
    path = asking.put(door.folder, ORDER, "a", 1)
    assert asking.withdraw(path)
    assert not asking.withdraw(path)
    door._take_asked(77)
    assert door.records == []


def test_a_file_that_cannot_be_read_is_put_aside_and_a_body_that_cannot_be_read_is_told(door):
    (door.folder / asking.FOLDER).mkdir()
    (door.folder / asking.FOLDER / "0.json").write_text("{")
    asking.put(door.folder, Command("order", "ada", body='{"ask_id": "x"}'), "a", 1)
    door._take_asked(77)
    [told] = door.records
    assert isinstance(told, Malformed) and "side" in told.reason
    assert [path.name for path in (door.folder / asking.FOLDER).iterdir()] == ["0.unreadable"]


def test_a_request_is_tried_out_before_it_is_sent():
    registry = Registry()
    with pytest.raises(BadAsk, match="none, since nothing ran here yet"):
        tried(ASKED, registry)
    registry.add(listed("kraken", "ETH/USD", "ETH", "USD", tick="0.01", lot="0.001"))
    registry.add(listed("binance", "BTCUSDT", "BTC", "USDT", tick="0.01", lot="0.00001"))
    with pytest.raises(BadAsk, match="known: ETH/USD, BTC/USDT"):
        tried(msgspec.structs.replace(ASKED, pair="BTC/EUR"), registry)
    assert [order.order_type for order in tried(ASKED, registry)] == ["market", "stop"]
