"""The config and the command line: what is wrong is named, with what was found and what is allowed."""

import json
import sys

import msgspec
import pytest

from ninefold.cli import COMMANDS, main, spread
from ninefold.config import Account, BadConfig, Config, Venue, keys_of, load, parse, template
from ninefold.venues.signed import Keys
from tests.calling import ninefold


def test_the_template_is_the_default_config():
    assert parse(template()) == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    {
        "unknown section": ("[venu]\nname = 'binance'", ["venu", "did you mean 'venue'", "data_dir"]),
        "unknown key": ("[venue]\npair = ['BTC/USDT']", ["venue.pair", "did you mean 'pairs'", "rest_url"]),
        "unknown risk key": ("[risk]\nposition = 3", ["risk.position", "position_quote", "order_quote"]),
        "wrong type": ("[serve]\nport = 'high'", ["serve.port", "'high'", "int"]),
        "out of range": ("[serve]\nport = 70000", ["serve.port", "70000", "65535"]),
        "more than all": ("[risk]\ndaily_loss = 1.5", ["risk.daily_loss", "1.5", "<= 1"]),
        "a limit in words": ("[risk]\ncvar_quote = 'much'", ["risk.cvar_quote", "'much'"]),
        "no such timeframe": ("[risk]\ntail_timeframe = '2m'", ["risk.tail_timeframe", "'2m'", "'1m'"]),
        "no such sizing": ("[sizing]\nmethod = 'all'", ["sizing.method", "'all'", "'fixed'", "'kelly'"]),
        "too few bars": ("[sizing]\nbars = 5", ["sizing.bars", "5", ">= 20"]),
        "unknown sizing key": ("[sizing]\nmode = 'kelly'", ["sizing.mode", "did you mean 'method'", "volatility"]),
        "no canary": ("[account]\ncanary_quote = 0.0", ["account.canary_quote", "0.0", "> 0"]),
        "not positive": ("[risk]\norder_quote = 0.0", ["risk.order_quote", "0.0", "> 0"]),
        "no orders there": (
            "[venue]\nname = 'bitstamp'\n[account]\norders = 'exchange'",
            ["account.orders", "'bitstamp'", "'binance'", "'kraken'", "'paper'"],
        ),
        "orders without quotes": (
            "[venue]\nname = 'ccxt.weex'\n[account]\norders = 'exchange'",
            ["venue.streams", "without quotes nothing is sized", 'streams = ["trades", "quotes"]'],
        ),
        "orders without trades": (
            "[venue]\nname = 'ccxt.weex'\nstreams = ['candles:1m', 'quotes']\n[account]\norders = 'exchange'",
            ["venue.streams", "without trades no stop", 'streams = ["trades", "quotes"]'],
        ),
        "orders that could not be found again": (
            "[venue]\nname = 'ccxt.bitvavo'\nstreams = ['trades', 'quotes']\n[account]\norders = 'exchange'",
            ["'ccxt.bitvavo'", "by our id", "'ccxt.weex'", "'paper'"],
        ),
        "a key of which nobody can be asked": (
            "mode = 'live'\n[venue]\nname = 'ccxt.weex'\nstreams = ['trades', 'quotes']\n[account]\norders = 'exchange'\n"
            "unproven_venue = 'ccxt.weex'",
            ["may not withdraw", "'ccxt.weex'", "account.key_cannot_withdraw = true"],
        ),
        "orders through ccxt nobody has seen": (
            "mode = 'live'\n[venue]\nname = 'ccxt.weex'\nstreams = ['trades', 'quotes']\n[account]\norders = 'exchange'\n"
            "key_cannot_withdraw = true",
            ["account.unproven_venue = 'ccxt.weex'", "found ''"],
        ),
        "quotes and nothing else": (
            "[venue]\nname = 'ccxt.weex'\nstreams = ['quotes']",
            ["streams", "bars are made of trades", "'trades'"],
        ),
        "orders before the disk": (
            "[venue]\nname = 'kraken'\n[account]\norders = 'exchange'\ndurable = 'overlapped'",
            ["account.durable", "'overlapped'", "'kraken'", "'strict'"],
        ),
        "orders for contracts": (
            "[venue]\nname = 'okx'\npairs = ['BTC/USDT', 'BTC/USDT:USDT']\n[account]\norders = 'exchange'",
            ["venue.pairs", "'BTC/USDT:USDT'", "spot pairs", "capture"],
        ),
        "real orders nobody has seen": (
            "mode = 'live'\n[venue]\nname = 'kraken'\n[account]\norders = 'exchange'",
            ["account.unproven_venue = 'kraken'", "found ''", "canary_quote"],
        ),
        "real orders asked for elsewhere": (
            "mode = 'live'\n[venue]\nname = 'kraken'\n[account]\norders = 'exchange'\nunproven_venue = 'okx'",
            ["account.unproven_venue = 'kraken'", "found 'okx'"],
        ),
        "no such venue": ("[venue]\nname = 'mtgox'", ["venue.name", "'mtgox'", "'binance'", "'kraken'"]),
        "no such mode": ("mode = 'real'", ["mode", "'real'", "demo", "paper", "live"]),
        "no such venue to capture": ("[[capture]]\nname = 'mtgox'", ["capture[0].name", "'mtgox'", "'kraken'"]),
        "the same venue twice": ("[[capture]]\nname = 'binance'", ["capture[0].name", "'binance'", "twice"]),
        "unknown key of a captured venue": ("[[capture]]\npair = ['BTC/USDT']", ["did you mean 'pairs'"]),
        "bad pair": ("[venue]\npairs = ['BTCUSDT']", ["venue.pairs", "'BTCUSDT'", "BASE/QUOTE"]),
        "no such version": ("version = 2", ["version", "2", "1"]),
        "capital as words": ("[account]\ncapital = 'much'", ["account.capital", "'much'"]),
        "a source's form": ("[[sentiment]]\nname='a'\naddress='b'\nform='xml'", ["sentiment", "form", "'xml'", "rss"]),
        "a source's unknown key": ("[[sentiment]]\nname='a'\naddress='b'\nform='rss'\nevery=3", ["every", "every_s"]),
        "no TOML": ("[venue", ["not valid TOML", "Expected ']'"]),
    }.values(),
)
def test_a_bad_config_names_the_key_what_was_found_and_what_is_allowed(text, said):
    with pytest.raises(BadConfig) as refused:
        parse(text, "mine.toml")
    message = str(refused.value)
    assert message.startswith("mine.toml")
    missing = [one for one in said if one not in message]
    assert not missing, message


def test_a_config_that_is_not_there_says_how_to_get_one(tmp_path):
    with pytest.raises(BadConfig, match="ninefold init"):
        load(tmp_path / "none.toml")


def test_a_config_comes_back_from_the_json_that_children_get(tmp_path):
    config = parse(template())
    path = tmp_path / "config.json"
    path.write_bytes(msgspec.json.encode(config))
    assert load(path) == config


def test_keys_that_others_can_read_are_refused_and_never_shown(tmp_path):
    path = tmp_path / "keys.json"
    config = Config(account=Account(keys_file=str(path)))
    path.write_text(json.dumps({"apiKey": "left", "secret": "right"}))
    path.chmod(0o644)
    with pytest.raises(BadConfig, match="chmod 600") as refused:
        keys_of(config)
    assert "left" not in str(refused.value)
    path.chmod(0o600)
    assert keys_of(config) == Keys("left", "right")
    path.write_text('{"apiKey": "left"')
    with pytest.raises(BadConfig, match="must be JSON") as refused:
        keys_of(config)
    assert "left" not in str(refused.value)


def test_keys_that_are_nowhere_are_told_with_the_names_they_were_looked_for(monkeypatch):
    monkeypatch.delenv("NINEFOLD_API_KEY", raising=False)
    with pytest.raises(BadConfig, match="NINEFOLD_API_KEY and NINEFOLD_API_SECRET"):
        keys_of(Config())


def test_a_passphrase_is_asked_for_where_the_venue_has_one_and_nowhere_else(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    path.touch(0o600)
    path.write_text('{"apiKey": "left", "secret": "right"}')
    in_file = Config(venue=Venue(name="okx"), account=Account(keys_file=str(path)))
    with pytest.raises(BadConfig, match="passphrase"):
        keys_of(in_file)
    path.write_text('{"apiKey": "left", "secret": "right", "passphrase": "words"}')
    assert keys_of(in_file) == Keys("left", "right", "words")
    monkeypatch.setenv("NINEFOLD_API_KEY", "left")
    monkeypatch.setenv("NINEFOLD_API_SECRET", "right")
    assert keys_of(Config(venue=Venue(name="kraken"))) == Keys("left", "right")
    with pytest.raises(BadConfig, match="NINEFOLD_API_PASSPHRASE"):
        keys_of(Config(venue=Venue(name="okx")))


def test_an_option_of_several_values_takes_them_all():
    assert spread(["--tape", "a", "b", "--json", "c"], "--tape") == ["--tape", "a", "--tape", "b", "--json", "c"]


def test_an_unknown_command_is_answered_with_the_nearest_one():
    found = ninefold("replya")
    assert found.status == 1
    assert "there is no command 'replya'; did you mean `ninefold replay`?" in found.err
    assert found.out == ""


def test_help_lists_every_command():
    said = ninefold("--help").out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.slow
def test_every_command_has_help(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ninefold", command, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"ninefold {command}" in said
    assert COMMANDS[command].split()[0] in said


@pytest.mark.slow
def test_a_recording_that_is_none_is_refused_in_one_line(tmp_path):
    odd = tmp_path / "odd.jsonl.gz"
    odd.write_text("no gzip")
    found = ninefold("replay", str(odd), "--data-dir", str(tmp_path / "data"), "--json")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("ninefold: ")
    assert "gzip" in found.err
    assert "Traceback" not in found.err


@pytest.mark.slow
def test_a_data_dir_that_is_not_there_is_told(tmp_path):
    found = ninefold("status", "--data-dir", str(tmp_path / "none"), "--json")
    assert (found.status, found.out) == (2, "")
    assert "Traceback" not in found.err


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--config",), ("--config", "a.toml", "more")])
def test_who_calls_a_process_of_a_pipeline_by_hand_is_told_what_does(arguments: tuple[str, ...], monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ninefold", "hot", *arguments])
    with pytest.raises(SystemExit, match="it is started by `ninefold demo` and `ninefold up`"):
        main()
