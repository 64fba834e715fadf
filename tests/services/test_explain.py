"""An order decided again from what was stored: the same, or exactly what differs."""

import json
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from ninefold.backtest.models import LatencyModel
from ninefold.commands.explain import run as command
from ninefold.config import Risk
from ninefold.market.records import Decision, Fill, Order
from ninefold.services.explain import Explanation, NoSuchOrder, explain
from ninefold.services.replay import config_of, replay
from ninefold.store.ledger import LedgerReader
from ninefold.strategy.library import default_strategies
from ninefold.strategy.plan import plan

from .recorded import write_session

pytestmark = pytest.mark.slow

CHANGED = "trend_sma_1s"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paper run. Not to be changed."""
    folder = tmp_path_factory.mktemp("explained")
    replay(write_session(folder / "session.jsonl.gz", 24), folder / "data", batch=1, latency=LatencyModel())
    return folder / "data"


def explained(data_dir: Path, order_id: str) -> Explanation:
    return explain(data_dir, order_id, lambda what, done, total: None)


def ids(data_dir: Path, status: str) -> list[str]:
    return [order.client_order_id for order in LedgerReader(data_dir).orders() if order.status == status]


def test_every_order_has_a_stored_decision(data_dir: Path):
    events = LedgerReader(data_dir).events()
    decided = {event.client_order_id for event in events if isinstance(event, Decision)}
    assert decided == {event.client_order_id for event in events if isinstance(event, Order)} != set()


def test_a_filled_order_is_decided_the_same_again_and_its_story_is_whole(data_dir: Path):
    order_id = ids(data_dir, "filled")[-1]
    found = explained(data_dir, order_id)
    assert found.same and found.differences == []
    assert found.again == found.decided and found.decided is not None
    assert found.decided.verdict == "approved"
    assert [one.status for one in found.history if isinstance(one, Order)][:2] == ["intended", "sent"]
    fills = [one for one in found.history if isinstance(one, Fill)]
    assert sum(fill.size for fill in fills) == found.order.size == found.order.filled
    assert found.has is not None and found.has.client_order_id == order_id
    assert found.tick is not None and found.tick.exchange_ns == found.decided.exchange_ns
    wish = next(wish for wish in found.wishes if wish.strategy in found.order.strategies)
    assert wish.formula and wish.target == found.decided.targets[wish.strategy]
    assert wish.bar is not None and wish.bar["instrument"] == found.order.instrument


def test_what_was_wanted_less_what_was_held_is_what_was_ordered(data_dir: Path):
    found = explained(data_dir, ids(data_dir, "filled")[0])
    decided, of = found.decided, found.instrument
    assert decided is not None
    held = decided.position // 10 ** (8 - of.size_decimals)
    assert abs(decided.desired - held) // of.lot_size * of.lot_size == found.order.size


def test_a_changed_formula_is_named_with_what_differs_by_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    order_id = next(
        order.client_order_id
        for order in LedgerReader(data_dir).orders()
        if CHANGED in order.strategies and order.status == "filled"
    )
    other = plan(CHANGED, "1s", "0 - sign(sma(close, 4) - sma(close, 20))", "trend", "Changed since.")
    plans = tuple(other if one.name == CHANGED else one for one in default_strategies())
    monkeypatch.setattr("ninefold.services.build.default_strategies", lambda: plans)
    found = explained(data_dir, order_id)
    assert not found.same
    assert any(f"the formula of {CHANGED} was" in one for one in found.differences)


def test_a_decision_that_was_altered_in_the_ledger_is_told_field_by_field(data_dir: Path, tmp_path: Path):
    copy = Path(shutil.copytree(data_dir, tmp_path / "copy"))
    order_id = ids(copy, "filled")[0]
    with sqlite3.connect(copy / "ledger.db") as db:
        db.execute("DROP TRIGGER events_stay")
        db.execute(
            "UPDATE events SET payload = json_set(payload, '$.desired', 77) WHERE type = 'decision' AND id = ?",
            (order_id,),
        )
    db.close()
    [difference] = explained(copy, order_id).differences
    assert difference.startswith("the decision: desired was 77, and is ")


def test_an_order_is_found_by_its_beginning_and_one_that_is_not_there_is_refused(data_dir: Path):
    order_id = ids(data_dir, "filled")[0]
    assert explained(data_dir, order_id[:12]).order.client_order_id == order_id
    with pytest.raises(NoSuchOrder, match="there is none that begins so"):
        explained(data_dir, "nf-nothing")
    with pytest.raises(NoSuchOrder, match="orders begin so"):
        explained(data_dir, "nf-")


def test_the_command_prints_one_json_document_and_a_page_for_people(data_dir: Path, capsys: pytest.CaptureFixture[str]):
    order_id = ids(data_dir, "filled")[0]
    with pytest.raises(SystemExit) as ended:
        command(order_id, data_dir, json_=True)
    said = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # NaN is no JSON
    assert ended.value.code == 0
    assert any(None in wish["values"].values() for wish in said["wishes"]), "some cannot tell so early"
    assert (said["same"], said["verdict"], said["order"]["status"]) == (True, "approved", "filled")
    assert isinstance(said["tick"]["exchange_ns"], str)
    with pytest.raises(SystemExit):
        command(order_id, data_dir, json_=False)
    shown = capsys.readouterr().out
    assert "decided again from the journal: the same" in shown and "risk: approved" in shown


def test_a_refused_order_is_explained_by_what_risk_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tight = Risk(position_quote=5_000.0, order_quote=6.0)
    monkeypatch.setattr(
        "ninefold.services.replay.config_of",
        lambda *given: msgspec.structs.replace(config_of(*given), risk=tight),
    )
    replay(write_session(tmp_path / "session.jsonl.gz", 14), tmp_path / "data")
    order_id = ids(tmp_path / "data", "refused")[0]
    found = explained(tmp_path / "data", order_id)
    assert found.same and found.decided is not None
    assert found.decided.verdict == found.order.reason
    assert "6 USDT allowed" in found.decided.verdict
    assert [one.status for one in found.history if isinstance(one, Order)] == ["refused"]
    assert found.has is None
