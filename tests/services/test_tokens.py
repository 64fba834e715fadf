"""Tokens from the environment and from a file, and the settings that an admin sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ninefold.api.scopes import Scope, digest_of
from ninefold.config import BadConfig, Config, Influx, Serve, Source
from ninefold.services.tokens import shown, tokens_of

NAMES = ("NINEFOLD_API_TOKEN", "NINEFOLD_API_TRADE_TOKEN", "NINEFOLD_API_READ_TOKEN")


def test_the_one_token_that_was_is_an_admins_and_two_more_have_less():
    tokens = tokens_of(Serve(), {name: f"made-up-{name}" for name in NAMES})
    found = [tokens.find(digest_of(f"made-up-{name}")) for name in NAMES]
    assert [(one.name, one.scope) for one in found] == list(
        zip(NAMES, (Scope.ADMIN, Scope.TRADE, Scope.READ), strict=True)
    )
    assert not tokens_of(Serve(), {"NINEFOLD_API_TOKEN": ""})
    with pytest.raises(BadConfig, match="NINEFOLD_API_TOKEN, NINEFOLD_API_READ_TOKEN have the same digest"):
        tokens_of(Serve(), {"NINEFOLD_API_TOKEN": "same", "NINEFOLD_API_READ_TOKEN": "same"})


def test_a_file_of_tokens_must_be_its_owners_alone_and_whole(tmp_path: Path):
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps({"grafana": {"scope": "read", "token": "made-up-of-grafana"}}))
    path.chmod(0o640)
    with pytest.raises(
        BadConfig, match=r"serve\.tokens_file names .*tokens\.json, which can be read by others; run `chmod"
    ):
        tokens_of(Serve(tokens_file=str(path)), {})
    path.chmod(0o600)
    found = tokens_of(Serve(tokens_file=str(path)), {}).find(digest_of("made-up-of-grafana"))
    assert (found.name, found.scope) == ("grafana", Scope.READ)
    for wrong in (
        {"scope": "all", "token": "made-up-of-grafana"},
        {"scope": "read", "token": "made-up-short"},
        "made-up",
    ):
        path.write_text(json.dumps({"grafana": wrong}))
        with pytest.raises(
            BadConfig, match="scopes are read, trade and admin, a token has at least 16 characters"
        ) as told:
            tokens_of(Serve(tokens_file=str(path)), {})
        assert "made-up" not in str(told.value)
    with pytest.raises(BadConfig, match="which does not exist"):
        tokens_of(Serve(tokens_file=str(tmp_path / "none")), {})


def test_the_settings_that_are_shown_hold_no_part_of_an_address_that_may_be_secret():
    config = Config(
        sentiment=(Source(name="news", form="rss", address="https://news.example.com/rss?key=made-up"),),
        influx=Influx(url="http://user:made-up@127.0.0.1:8086/made-up"),
    )
    found = shown(config)
    assert found["sentiment"][0]["address"] == "https://news.example.com"
    assert found["influx"]["url"] == "http://127.0.0.1:8086"
    assert found["serve"]["token_env"] == "NINEFOLD_API_TOKEN"
    assert "made-up" not in json.dumps(found)
