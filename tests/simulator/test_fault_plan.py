"""Plans of faults, as words and as files; and the command that follows them."""

import json
import signal
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from ninefold.config import parse
from ninefold.simulator.fault_plan import FOR_EVER_S, BadPlan, plan_of
from ninefold.simulator.faults import FaultRequest

WORDS = {
    "reply_lost:0.1": FaultRequest("reply_lost", seconds=FOR_EVER_S, share=0.1),
    "maintenance@30s+5s": FaultRequest("maintenance", seconds=5.0, after=30.0),
    "partial_fill*3": FaultRequest("partial_fill", count=3),
    "clock_jump=-1500@2m+500ms": FaultRequest("clock_jump", seconds=0.5, after=120.0, by_ms=-1500),
    "event_gap:0.5*2@1": FaultRequest("event_gap", count=2, share=0.5, after=1.0),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_says_kind_share_count_and_times(word: str):
    assert plan_of(word) == [WORDS[word]]


def test_words_and_files_say_the_same(tmp_path: Path):
    (tmp_path / "plan.json").write_text(
        '[{"kind": "reply_lost", "count": 2, "only": "POST"}, {"kind": "drop", "seconds": 1}]'
    )
    (tmp_path / "plan.toml").write_text(
        '[[fault]]\nkind = "reply_lost"\ncount = 2\nonly = "POST"\n[[fault]]\nkind = "drop"\nseconds = 1\n'
    )
    assert plan_of(str(tmp_path / "plan.json")) == plan_of(str(tmp_path / "plan.toml"))
    assert plan_of("reply_lost*2, drop+1")[1] == FaultRequest("drop", seconds=1.0)


WRONG = {
    "": "holds none",
    "nonsense": "must be one of",
    "reply_lost:2": "share is 2.0",
    "reply_lost+soon": "is no time",
    "reply lost": "cannot be read",
    "maintenance": "needs seconds above 0",
    "nowhere.toml": "there is no nowhere.toml",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_plan_that_cannot_be_followed_says_why(text: str):
    with pytest.raises(BadPlan, match=WRONG[text]):
        plan_of(text)


def test_a_file_with_an_unknown_field_says_which(tmp_path: Path):
    (tmp_path / "plan.toml").write_text('[[fault]]\nkind = "drop"\nminutes = 3\n')
    with pytest.raises(BadPlan, match="minutes"):
        plan_of(str(tmp_path / "plan.toml"))


@pytest.mark.slow
def test_the_command_runs_the_exchange_orders_the_plan_and_writes_a_config_for_up(tmp_path: Path):
    command = [sys.executable, "-m", "ninefold", "simulate", "--data-dir", str(tmp_path), "--json", "--rate", "20"]
    process = subprocess.Popen([*command, "--faults", "reply_lost:0.1,maintenance@30s+5s"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        config = parse(Path(said["config"]).read_text())
        assert (config.mode, config.account.orders, config.venue.rest_url) == ("live", "exchange", said["rest"])
        assert "BTC/USDT" in config.venue.pairs and tomllib.loads(Path(said["config"]).read_text())
        for _ in range(1_000):
            with urllib.request.urlopen(f"{said['rest']}/sim/v1/faults", timeout=10) as answer:
                running = json.load(answer)["running"]
            if len(running) == 2:
                break
        assert sorted(running) == ["reply_lost", "waiting"]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout is not None
        process.stdout.close()
