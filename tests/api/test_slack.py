"""Slack's commands: what Slack signed, now and once, does what it says; everything else does nothing."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from ninefold.api.slack import NotSlack, Seal, asked

SECRET = "made-up-signing-secret"
NOW_S = 1_700_000_000.0
PLACE = "/api/v1/slack"


def now_ns() -> int:
    return int(NOW_S * 1e9)


class Fixed(Clock):
    def now(self) -> float:
        return NOW_S


THEIRS = SignatureVerifier(SECRET, Fixed())


def signature(body: str, sent: int = int(NOW_S), secret: str = SECRET) -> str:
    """Made by Slack's own library."""
    return SignatureVerifier(secret).generate_signature(timestamp=str(sent), body=body)


def seal(since_s: float = NOW_S - 1_000) -> Seal:
    moments = [since_s]
    made = Seal(SECRET, lambda: moments[-1])
    moments.append(NOW_S)
    return made


def refusal(sent: str, signed: str, body: str, by: Seal | None = None) -> str:
    try:
        (by or seal()).check(sent, signed, body.encode())
    except NotSlack as refused:
        return str(refused)
    return ""


@settings(max_examples=100)
@given(
    body=st.text(max_size=40),
    late_s=st.sampled_from([-400, -301, -300, 0, 299, 300, 301, 10_000]),
    secret=st.sampled_from([SECRET, "another"]),
    signed_body=st.none() | st.text(max_size=5),
    cut=st.sampled_from([0, 0, 0, 1]),
)
def test_what_is_taken_is_what_slacks_own_verifier_takes(body, late_s, secret, signed_body, cut):
    sent = int(NOW_S) - late_s
    signed = signature(body if signed_body is None else signed_body, sent, secret)[cut:]
    ours = refusal(str(sent), signed, body, seal(NOW_S - 20_000)) == ""
    assert ours == THEIRS.is_valid(body.encode(), str(sent), signed)


def test_slacks_own_example_of_a_signature_is_the_one_that_is_made_here():
    """The example of docs.slack.dev, "Verifying requests from Slack", read 2026-11."""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    one = Seal("8f742231b10e8888abcd99yyyzzz85a5", lambda: 1531420618.0)
    one.check("1531420618", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", body.encode())


def test_the_second_time_the_same_request_is_refused_and_one_from_before_the_start():
    one, body, sent = seal(), "text=halt", str(int(NOW_S))
    assert refusal(sent, signature(body), body, one) == ""
    assert refusal(sent, signature(body), body, one) == "it came before; each is taken once"
    assert "before this server started" in refusal(sent, signature(body), body, seal(NOW_S + 60))


def test_a_refusal_names_the_rule():
    body, sent = "text=halt", str(int(NOW_S))
    assert refusal("", signature(body), body) == "X-Slack-Request-Timestamp is missing or no number"
    assert refusal("1e9", signature(body), body) == "X-Slack-Request-Timestamp is missing or no number"
    assert refusal(sent, "", body) == "X-Slack-Signature is not that of this app's signing secret"
    old = int(NOW_S) - 301
    assert refusal(str(old), signature(body, old), body) == "it was sent 301 s from now; allowed are 300"


def test_what_was_seen_is_forgotten_when_it_is_too_old_to_be_taken():
    now = [NOW_S]
    one = Seal(SECRET, lambda: now[0])
    for minute in range(100):
        now[0] = NOW_S + 60 * minute
        one.check(str(int(now[0])), signature(str(minute), int(now[0])), str(minute).encode())
        assert len(one._seen) <= 11


def test_a_command_and_a_button_are_the_same_words():
    command = urlencode({"command": "/ninefold", "text": "halt too wild", "user_id": "U1", "user_name": "ann"})
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "ann"},
        "actions": [{"type": "button", "action_id": "halt", "value": "too wild"}],
    }
    button = urlencode({"payload": json.dumps(payload)})
    assert asked(command.encode()) == asked(button.encode())
    assert (asked(command.encode()).by, asked(command.encode()).words) == ("ann", "halt too wild")
    with pytest.raises(NotSlack, match="not an interaction"):
        asked(urlencode({"payload": "[]"}).encode())


async def say(api, text: str, expect: int = 200, user: str = "U1", sent: int | None = None) -> str:
    body = urlencode({"command": "/ninefold", "text": text, "user_id": user, "user_name": "ann"})
    stamp = int(NOW_S) if sent is None else sent
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(stamp),
        "X-Slack-Signature": signature(body, stamp),
    }
    async with api.http.post(f"{api.url}{PLACE}", data=body, headers=headers) as answer:
        said = await answer.json()
        assert answer.status == expect, said
        return said.get("text") or said["detail"]


def test_each_command_does_what_it_says_and_nothing_else(run):
    async def test(api):
        assert "halted by ann" in await say(api, "halt too wild")
        assert "resumed by ann" in await say(api, "resume")
        assert "ann sells out everything" in await say(api, "flatten")
        assert "ann sells out binance:BTC/USDT" in await say(api, "flatten binance:BTC/USDT")
        assert "there is no instrument 'nothing'; there are binance:" in await say(api, "flatten nothing")
        assert "mode demo" in await say(api, "status")
        assert "there is no command 'sell'; write `halt [why]`, `resume`" in await say(api, "sell all")
        assert api.done == [
            ("halt", "ann (Slack)", "too wild"),
            ("resume", "ann (Slack)"),
            ("flatten", "ann (Slack)", ""),
            ("flatten", "ann (Slack)", "binance:BTC/USDT"),
        ]

    run(test, slack_secret=SECRET, now_ns=now_ns)


def test_what_slack_did_not_sign_and_whoever_may_not_do_nothing(run):
    async def test(api):
        async with api.http.post(f"{api.url}{PLACE}", data="text=halt") as answer:
            assert answer.status == 401
        assert "allowed are 300" in await say(api, "halt", 401, sent=int(NOW_S) - 400)
        assert "the id U2 is not in notify.slack_users" in await say(api, "halt", user="U2")
        assert api.done == []

    run(test, slack_secret=SECRET, now_ns=now_ns, slack_users=("U1",))


def test_without_a_signing_secret_nothing_of_slacks_is_taken(run):
    async def test(api):
        assert "no signing secret is set" in await say(api, "halt", 404)
        assert api.done == []

    run(test)
