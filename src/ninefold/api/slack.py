"""Commands that come from Slack: `/ninefold halt|resume|flatten|status`, and buttons that mean the same.

In:  a POST as Slack sends it: a form, the moment when it was sent, a signature over both.
Out: what was done, in words for whoever asked; 401 for what Slack did not sign, signed too long ago, or sent before.

After docs.slack.dev, "Verifying requests from Slack", "Slash commands" and "Interaction payloads", read 2026-11. What was
sent before this server started is refused, because it may have been taken by the one before.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qs

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException, NotFoundException

from ninefold.api.context import ApiContext
from ninefold.api.rows import Json
from ninefold.api.scopes import OPEN

OLDEST_S = 300  # as Slack recommends
COMMANDS = ("halt", "resume", "flatten", "status")
ALLOWED = "write `halt [why]`, `resume`, `flatten [instrument]` or `status`"


class NotSlack(ValueError):
    """A request that Slack did not sign, or not for now. The text says which rule it broke, and shows nothing of the secret."""


class Seal:
    """Whether requests are Slack's, each once. secret: the app's signing secret. clock: seconds since 1970."""

    def __init__(self, secret: str, clock: Callable[[], float]) -> None:
        self._secret = secret.encode()
        self._clock = clock
        self._since_s = clock()
        self._seen: OrderedDict[str, float] = OrderedDict()  # signature, and when it may be forgotten

    def check(self, sent: str, signature: str, body: bytes) -> None:
        """sent, signature: the headers X-Slack-Request-Timestamp and X-Slack-Signature. raises: NotSlack."""
        now_s = self._clock()
        if not (sent.isascii() and sent.isdigit() and len(sent) < 12):
            raise NotSlack("X-Slack-Request-Timestamp is missing or no number")
        made = "v0=" + hmac.new(self._secret, b"v0:" + sent.encode() + b":" + body, sha256).hexdigest()
        if not hmac.compare_digest(made.encode(), signature.encode()):
            raise NotSlack("X-Slack-Signature is not that of this app's signing secret")
        if abs(now_s - int(sent)) > OLDEST_S:
            raise NotSlack(f"it was sent {abs(now_s - int(sent)):.0f} s from now; allowed are {OLDEST_S}")
        if int(sent) < int(self._since_s):
            raise NotSlack("it was sent before this server started; send it again")
        if signature in self._seen:
            raise NotSlack("it came before; each is taken once")
        self._seen[signature] = int(sent) + OLDEST_S
        while self._seen and next(iter(self._seen.values())) < now_s - OLDEST_S:
            self._seen.popitem(last=False)


class Asked(msgspec.Struct, frozen=True):
    """Who asks, and in which words."""

    by: str
    user_id: str
    words: str


class _User(msgspec.Struct):
    id: str
    username: str = ""


class _Action(msgspec.Struct):
    action_id: str = ""
    value: str = ""


class _Payload(msgspec.Struct):
    user: _User
    actions: list[_Action] = []


def asked(body: bytes) -> Asked:
    """A slash command, or the first button of an interaction, as words. raises: NotSlack."""
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    if "payload" in form:
        try:
            payload = msgspec.json.decode(form["payload"][0], type=_Payload)
        except msgspec.DecodeError:
            raise NotSlack("its payload is not an interaction as Slack sends it") from None
        action = payload.actions[0] if payload.actions else _Action()
        return Asked(
            payload.user.username or payload.user.id, payload.user.id, f"{action.action_id} {action.value}".strip()
        )
    user_id = form.get("user_id", [""])[0]
    return Asked(form.get("user_name", [user_id])[0] or user_id, user_id, form.get("text", [""])[0].strip())


@post("/slack", status_code=200, opt=OPEN)
async def slack(request: Request[None, None, State], state: State) -> Json:
    """Commands from Slack, which proves itself by its signature. Off unless the app's signing secret is given."""
    context: ApiContext = state.context
    seal: Seal | None = state.seal
    if seal is None:
        raise NotFoundException("commands from Slack are off: no signing secret is set (docs/security.md)")
    body = await request.body()
    headers = request.headers
    try:
        seal.check(headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", ""), body)
        one = asked(body)
    except NotSlack as refused:
        raise NotAuthorizedException(f"this is no request of Slack's: {refused}") from None
    if context.slack_users and one.user_id not in context.slack_users:
        return _told(f"{one.by} may not do that: the id {one.user_id} is not in notify.slack_users")
    return await _do(context, one)


async def _do(context: ApiContext, one: Asked) -> Json:
    """raises: whatever the context does."""
    command, _, rest = one.words.partition(" ")
    by = f"{one.by} (Slack)"
    match command.lower():
        case "halt":
            await context.halt(by, rest or "no reason given")
            return _told(f"halted by {one.by}: no order leaves until `/ninefold resume`", to_all=True)
        case "resume":
            await context.resume(by)
            return _told(f"resumed by {one.by}: orders may be sent again", to_all=True)
        case "flatten":
            known = {instrument.name for instrument in context.view.registry.current()}
            if rest and rest not in known:
                return _told(f"there is no instrument {rest[:60]!r}; there are {', '.join(sorted(known))[:500]}")
            await context.flatten(by, rest)
            return _told(f"{one.by} sells out {rest or 'everything'}; messages tell when it is done", to_all=True)
        case "status":
            status = context.view.status(context.now_ns())
            return _told(
                "; ".join(f"{name} {value}" for name, value in status.items() if not isinstance(value, dict | list))
            )
    return _told(f"there is no command {command[:30]!r}; {ALLOWED}")


def _told(text: str, to_all: bool = False) -> Json:
    """What Slack shows, to the channel or only to whoever asked."""
    return {"response_type": "in_channel" if to_all else "ephemeral", "text": text}
