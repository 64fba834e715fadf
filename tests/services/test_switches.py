"""The switches in the data dir, and how the door hears them: halt, flatten, resume, also while nothing ran."""

from pathlib import Path

import msgspec
import pytest

from ninefold.config import Config
from ninefold.journal.inputs import COMMAND, Command
from ninefold.journal.reader import read
from ninefold.market.records import Flatten, Halted
from ninefold.services import halt
from ninefold.services.door import Door
from ninefold.store.data_dir import open_data_dir


@pytest.fixture
def door(tmp_path) -> Door:
    data_dir = open_data_dir(tmp_path / "data")
    made = Door(Config(data_dir=str(data_dir)), data_dir, lambda: 1, lambda chunk: None, None)
    made.folder = data_dir
    yield made
    made.close()


def look(door: Door) -> None:
    door._look_at_switches(1)
    door.flush()


def heard(door: Door) -> list[tuple[str, ...]]:
    found = [msgspec.msgpack.decode(one.payload, type=Command) for one in read(door.folder / "journal")]
    return [tuple(filter(None, (one.name, one.by, one.reason, one.instrument))) for one in found]


def ask(instrument: str = "", by: str = "ada", since: int = 1) -> halt.Ask:
    return halt.Ask(by, instrument, since)


def test_selling_everything_halts_first_and_a_resume_lifts_both(door):
    halt.flatten(door.folder, ask())
    look(door)
    look(door)
    assert halt.clear(door.folder)
    look(door)
    assert heard(door) == [("halt", "ada", "flatten"), ("flatten", "ada"), ("resume", "halt switch")]
    assert all(one.kind == COMMAND for one in read(door.folder / "journal"))


def test_selling_one_instrument_halts_nothing_and_others_can_follow(door):
    halt.flatten(door.folder, ask("binance:BTC/USDT"))
    look(door)
    halt.flatten(door.folder, ask("binance:ETH/USDT", by="bob"))
    look(door)
    assert halt.read(door.folder) is None
    assert heard(door) == [("flatten", "ada", "binance:BTC/USDT"), ("flatten", "bob", "binance:ETH/USDT")]


def test_a_halt_that_was_there_keeps_its_reason(door):
    halt.write(door.folder, halt.Halt("bob", "lunch", 1))
    halt.flatten(door.folder, ask())
    halt.keep(door.folder, Halted(seq=1, known_ns=1, by="drawdown limit", reason="fell"))
    assert halt.read(door.folder) == halt.Halt("bob", "lunch", 1)


def test_what_is_still_to_be_sold_is_said_again_behind_a_resume(door):
    halt.flatten(door.folder, ask("binance:BTC/USDT"))
    halt.write(door.folder, halt.Halt("bob", "lunch", 1))
    look(door)
    (door.folder / "halt.json").unlink()
    look(door)
    assert [one[0] for one in heard(door)] == ["halt", "flatten", "resume", "flatten"]


def test_a_resume_while_nothing_ran_is_heard_at_the_next_start(door):
    door.remember(Halted(seq=1, known_ns=1, by="ada", reason="lunch"), [Flatten(seq=1, known_ns=1, by="ada")])
    look(door)
    look(door)
    assert heard(door) == [("resume", "halt switch")]


def test_a_file_that_cannot_be_read_halts_and_sells_nothing(tmp_path):
    for name in ("halt.json", "flatten.json"):
        (tmp_path / name).write_text("{")
    held = halt.read(tmp_path)
    assert held is not None and "resume" in held.reason
    assert halt.asked(tmp_path) == ()
    assert halt.clear(tmp_path)
    assert not halt.clear(Path(tmp_path))
