"""`ninefold up` by a person's config: paper trading on an exchange's addresses, headlines from outside, a Slack in trouble."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ninefold.config import BadConfig, load, template
from tests.calling import ninefold_process

from .outside import CUT, RETRY_AFTER_S, Outside
from .running import Program, Row, ask, ledger, ninefold, records, stored

pytestmark = pytest.mark.slow

TROUBLES: list[int | str] = [500, CUT, CUT, CUT, 429]
SECOND_NS = 10**9
PUBLISHED_NS = 1_769_860_800 * SECOND_NS  # Sat, 31 Jan 2026 12:00:00 GMT
LINES = (
    '{"published": "2026-01-31T12:00:00Z", "title": "Cardano adoption grows", "url": "https://news.example.com/3"}\n'
)
INDEX = "date,value,value_classification\n2026-01-30,70,Greed\n2026-01-31,20,Extreme Fear\n"
MOST_HAS = 6
LIVE = '[account]\norders = "exchange"\n'

CONFIG = """\
data_dir = "{data_dir}"
mode = "paper"
[venue]
pairs = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
rest_url = "{rest}"
stream_url = "{stream}"
ws_api_url = "{ws_api}"
[serve]
port = 0
[[sentiment]]
name = "worked example"
form = "rss"
address = "{outside}/news.rss"
every_s = 1.0
[[sentiment]]
name = "broken feed"
form = "rss"
address = "{outside}/broken.rss"
every_s = 1.0
[[sentiment]]
name = "index file"
form = "fear_greed"
address = "{folder}/index.csv"
[[sentiment]]
name = "lines file"
form = "lines"
address = "{folder}/headlines.jsonl"
[[sentiment]]
name = "missing file"
form = "lines"
address = "{folder}/nowhere.jsonl"
"""


class Up:
    """`ninefold up` that ran until some HAS were said and taken by Slack, and was then ended by Ctrl-C."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.config = folder / "ninefold.toml"
        self.outside = Outside(list(TROUBLES))
        self.simulator = Program(
            folder / "exchange", "--data-dir", folder / "exchange", "--rate", "100", module="ninefold.simulator"
        )

    def run(self) -> None:
        self.outside.start()
        ready = json.loads(self.simulator.line())
        (self.folder / "index.csv").write_text(INDEX)
        (self.folder / "headlines.jsonl").write_text(LINES)
        self.config.write_text(
            CONFIG.format(
                data_dir=self.data_dir,
                outside=self.outside.base,
                folder=self.folder,
                **{name: ready[name] for name in ("rest", "stream", "ws_api")},
            )
        )
        self.doctor = ninefold("doctor", "--config", self.config, "--json")
        webhook = {"NINEFOLD_SLACK_WEBHOOK": f"{self.outside.base}/slack"}
        self.program = Program(self.folder / "up", "up", "--config", self.config, "--json", extra=webhook)
        try:
            self.services = self._watch(self.program.url())
        finally:
            self.program.end()
        self.result = self.program.result()

    def _watch(self, url: str) -> list[Row]:
        program, outside = self.program, self.outside
        program.until(lambda: len(_has_lines(outside.taken)) >= MOST_HAS, f"Slack took {MOST_HAS} HAS")
        services: list[Row] = ask(f"{url}/api/v1/services")["services"]
        assert ninefold("halt", "--data-dir", self.data_dir, "--reason", "enough").status == 0
        program.until(
            lambda: any("HALTED" in line for line in outside.taken),
            "Slack took the halt, and all that was said before it",
        )
        program.interrupt()
        return services

    def end(self) -> None:
        self.simulator.end()
        self.outside.stop()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    made = Up(tmp_path_factory.mktemp("outside"))
    try:
        made.run()
        yield made
    finally:
        made.end()


def test_doctor_says_ok_for_venue_and_clock_and_ends_with_0(up: Up) -> None:
    assert up.doctor.status == 0, up.doctor.out
    found = {finding["what"]: finding["ok"] for finding in up.doctor.json}
    assert found["venue and clock"] is True
    assert False not in found.values()


def test_up_trades_on_paper_and_the_exchange_sees_no_order(up: Up) -> None:
    assert up.result.status == 0, up.result.err
    said = up.result.json
    assert min(said[key] for key in ("trades", "bars", "targets", "orders", "fills", "has")) > 0, said
    assert {event["status"] for event in ledger(up.data_dir, "order")} & {"filled"}
    rest = json.loads((up.data_dir / "running.json").read_bytes())["venue"]["rest_url"]
    assert ask(f"{rest}/sim/v1/state")["orders"] == 0


def test_headlines_of_every_source_are_scored_with_publish_and_arrival_time(up: Up) -> None:
    found = {(one["source"], one["title"]): one for one in records(up.data_dir, "headline")}
    rise = found["worked example", "Bitcoin surges as buyers return"]
    fall = found["worked example", "Ethereum plunges as exchange is hacked"]
    line = found["lines file", "Cardano adoption grows"]
    index = found["index file", "Fear & Greed index 20: Extreme Fear"]
    assert len(found) == 4, "each is stored once, however often it is fetched; of the index only the newest day"
    assert rise["score"] > 0 > fall["score"] and line["score"] > 0
    assert index["score"] == (20 - 50) / 50
    assert (rise["published_ns"], fall["published_ns"]) == (PUBLISHED_NS, PUBLISHED_NS - 3600 * SECOND_NS)
    assert index["published_ns"] == PUBLISHED_NS - 12 * 3600 * SECOND_NS
    (begun,) = records(up.data_dir, "started")
    assert min(one["known_ns"] for one in found.values()) >= begun["known_ns"]


def test_a_broken_feed_and_a_missing_file_are_told_as_malformed_and_break_nothing_else(up: Up) -> None:
    reasons = [one["reason"] for one in records(up.data_dir, "malformed")]
    assert any("feed" in reason and "XML" in reason for reason in reasons), reasons
    assert any("missing file" in reason and "could not be fetched" in reason for reason in reasons), reasons
    assert len(reasons) == len(set(reasons)), "a feed that stays broken the same way is told once"
    assert all(row["healthy"] for row in up.services), up.services


def test_slack_gets_every_has_exactly_once_in_order_after_all_its_troubles(up: Up) -> None:
    assert [post.status for post in up.outside.posts][: len(TROUBLES)] == [500, 0, 0, 0, 429]
    said = [f"HAS {one['text']}" for one in records(up.data_dir, "has")]
    assert _has_lines(up.outside.taken) == said


def test_slack_gets_about_one_post_a_second_and_is_left_alone_as_long_as_it_asks(up: Up) -> None:
    posts = up.outside.posts
    later = posts[len(TROUBLES) :]
    between = [after.at_s - before.at_s for before, after in pairwise(later[:-1])]
    assert min(between) > 0.9
    (limited,) = [place for place, post in enumerate(posts) if post.status == 429]
    assert posts[limited + 1].at_s - posts[limited].at_s >= RETRY_AFTER_S


def test_a_slack_in_trouble_holds_up_nothing(up: Up) -> None:
    query = "select instrument, count(*) as bars, min(close_ns) as first, max(close_ns) as last from bars"
    for series in stored(up.data_dir, f"{query} where width_ns = 1000000000 and revision = 0 group by 1"):
        assert series["last"] - series["first"] == (series["bars"] - 1) * SECOND_NS, series
    assert up.result.json["receive_to_decision"]["p50_ns"] < SECOND_NS // 2


def _has_lines(lines: list[str]) -> list[str]:
    return [line[line.index("HAS ") :] for line in lines if "HAS " in line and "MAY" not in line.split("HAS ")[0]]


def test_a_bad_key_is_named_with_what_was_found_and_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "ninefold.toml"
    assert ninefold("init", path).status == 0
    good = path.read_text()
    assert ninefold("init", path).status == 2, "an existing file is never overwritten"
    path.write_text(good.replace("order_quote =", "order_qoute ="))
    refused = ninefold_process("up", "--config", path)
    assert refused.status == 2 and "Traceback" not in refused.err
    for words in (str(path), "risk.order_qoute", "did you mean 'order_quote'", "position_quote"):
        assert words in refused.err


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("port = 8899", "port = 99999", ("serve.port", "99999", "65535")),
        ('orders = "paper"', 'orders = "real"', ("account.orders", "'real'", "paper", "exchange")),
        ('mode = "paper"', 'mode = "papre"', ("mode", "'papre'", "paper", "live")),
        ('"BTC/USDT"', '"BTCUSDT"', ("venue.pairs", "BTCUSDT", "BASE/QUOTE")),
        ("position_quote = 2000.0", "position_quote = -1", ("risk.position_quote", "-1", "> 0")),
        ("[venue]", "[venue", ("TOML",)),
    ],
)
def test_a_bad_value_is_refused_with_what_was_found_and_what_is_allowed(
    tmp_path: Path, right: str, wrong: str, told: tuple[str, ...]
) -> None:
    path = tmp_path / "ninefold.toml"
    assert right in template()
    path.write_text(template().replace(right, wrong, 1))
    with pytest.raises(BadConfig) as refused:
        load(path)
    for words in (str(path), *told):
        assert words in str(refused.value)


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_real_orders_need_the_config_and_the_flag(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "ninefold.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\nmode = "{mode}"\n{LIVE}')
    refused = ninefold("up", "--config", path)
    assert refused.status == 2
    assert "--live" in refused.err and "not given" in refused.err and mode in refused.err
    assert not (tmp_path / "data").exists(), "nothing was begun"
