"""A contract over every route there is: each says which scope it needs, and is refused to who has less."""

from __future__ import annotations

import re

import aiohttp
import pytest
from litestar import Litestar, get

from ninefold.api.app import create_app
from ninefold.api.context import ApiContext
from ninefold.api.live import LiveView
from ninefold.api.scopes import Given, Scope, Tokens, check_scopes, digest_of, scopes_of

from .stream import BASE, registry

OPEN_ROUTES = {("/", "GET"), ("/{path:path}", "GET"), ("/api/v1/slack", "POST")}  # Slack signs
TEXTS = {scope: f"made-up-token-with-{scope.name.lower()}" for scope in (Scope.READ, Scope.TRADE, Scope.ADMIN)}
TOKENS = Tokens(Given(scope.name.lower(), scope, text) for scope, text in TEXTS.items())
TOO_LITTLE = {Scope.READ: [], Scope.TRADE: [Scope.READ], Scope.ADMIN: [Scope.READ, Scope.TRADE]}


def app_of() -> Litestar:
    async def nothing(*said: str) -> None:
        return None

    view = LiveView("demo", registry(), first_number=BASE)
    return create_app(ApiContext(view=view, halt=nothing, resume=nothing, flatten=nothing, now_ns=lambda: BASE))


ROUTES = scopes_of(app_of())
GUARDED = [(path, method, needs) for (path, method), needs in ROUTES.items() if needs is not Scope.OPEN]


def test_the_routes_are_those_of_the_openapi_document_and_the_few_that_are_not_in_it():
    schema = app_of().openapi_schema.to_schema()["paths"]
    written = {(path, method.upper()) for path, methods in schema.items() for method in methods if method != "options"}
    plain = {(re.sub(r":\w+}", "}", path), method) for path, method in ROUTES}
    assert written <= plain
    hidden = {(path, method) for path, method in plain - written if not path.startswith("/api/v1/openapi")}
    assert hidden == {("/api/v1/ws", "WS"), ("/metrics", "GET"), ("/", "GET"), ("/{path}", "GET")}


def test_only_the_page_and_what_slack_signs_are_open_and_what_acts_needs_more_than_to_read():
    assert {route for route, needs in ROUTES.items() if needs is Scope.OPEN} == OPEN_ROUTES
    weak = [route for route, needs in ROUTES.items() if route[1] not in ("GET", "WS") and needs < Scope.TRADE]
    assert weak == [("/api/v1/slack", "POST")]
    assert ROUTES["/api/v1/settings", "GET"] is Scope.ADMIN


def test_a_new_route_without_a_scope_is_not_served():
    @get("/api/v1/new")
    async def new() -> str:
        return "new"

    with pytest.raises(LookupError, match="no scope is declared for GET /api/v1/new; give each route opt=READ"):
        check_scopes(Litestar([new], openapi_config=None))


@pytest.mark.parametrize(("path", "method", "needs"), GUARDED, ids=lambda value: str(value))
@pytest.mark.slow
def test_each_route_is_refused_without_a_token_with_a_wrong_one_and_with_too_little(run, path, method, needs):
    address = re.sub(r"{\w+:(\w+)}", lambda found: "1" if found[1] == "int" else "one", path)

    async def status(api, text: str | None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {text}"} if text else {}
        if method == "WS":
            try:
                async with api.http.ws_connect(f"{api.url}{address}", headers=headers):
                    return 101, ""
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status, ""
        async with api.http.request(method, f"{api.url}{address}", headers=headers, json={}) as answer:
            return answer.status, await answer.text()

    async def test(api):
        for text in (None, "made-up-and-wrong"):
            code, said = await status(api, text)
            assert code == (403 if method == "WS" else 401), said
            assert method == "WS" or (needs.name.lower() in said and f"{method} {address}" in said)
        for less in TOO_LITTLE[needs]:
            code, said = await status(api, TEXTS[less])
            assert code == 403
            assert f"needs the scope {needs.name.lower()}, and the token '{less.name.lower()}' has" in said
        code, said = await status(api, TEXTS[needs])
        assert code not in (401, 403, 429), said
        assert not [one for one in TEXTS.values() if one in said]
        assert api.done == []

    run(test, tokens=TOKENS)


def test_a_token_is_known_by_its_digest_alone_and_two_may_not_be_the_same():
    tokens = Tokens([Given("ops", Scope.TRADE, "made-up-token-of-ops")])
    found = tokens.find(digest_of("made-up-token-of-ops"))
    assert (found.name, found.scope) == ("ops", Scope.TRADE)
    assert tokens.find(digest_of("made-up-token-of-op")) is None
    assert "made-up" not in repr(vars(tokens)) + repr(found)
    with pytest.raises(ValueError, match="two of the tokens a, b have the same digest"):
        Tokens([Given("a", Scope.READ, "same"), Given("b", Scope.ADMIN, "same")])
