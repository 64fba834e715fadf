"""Who may ask: token, Host, Origin."""

import aiohttp
import pytest

from ninefold.api.guard import guarded
from ninefold.api.scopes import Given, Scope, Tokens

TOKEN = "a-token-for-this-test"
TOKENS = Tokens([Given("NINEFOLD_API_TOKEN", Scope.ADMIN, TOKEN)])


def test_with_a_token_everything_but_the_page_asks_for_it(run, built):
    async def test(api):
        for path in ("/api/v1/status", "/metrics", "/api/v1/openapi"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                async with api.http.get(f"{api.url}{path}", headers=headers) as answer:
                    assert answer.status == 401
                    assert answer.headers["www-authenticate"] == "Bearer"
            async with api.http.get(f"{api.url}{path}", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
                assert answer.status == 200
        async with api.http.get(f"{api.url}/") as answer:
            assert answer.status == 200
        async with api.http.get(f"{api.url}/api/v1/status?token={TOKEN}") as answer:
            assert answer.status == 401  # addresses end up in logs: only the websocket may have it there
        async with api.http.post(f"{api.url}/api/v1/halt", json={"by": "x", "reason": "y"}) as answer:
            assert answer.status == 401
        assert api.done == []

    run(test, tokens=TOKENS, static=built)


def test_the_websocket_takes_the_token_in_its_address_because_browsers_have_no_other_place(run):
    async def test(api):
        for query in ("", "?token=wrong"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await api.http.ws_connect(f"{api.url}/api/v1/ws{query}")
            assert refused.value.status == 403
        async with api.http.ws_connect(f"{api.url}/api/v1/ws?token={TOKEN}") as line:
            await line.send_json({"subscribe": ["status"], "since": None})
            assert (await line.receive_json())["topic"] == "snapshot"

    run(test, tokens=TOKENS)


def test_pages_of_other_sites_can_neither_read_listen_nor_act(run):
    async def test(api):
        foreign = {"Origin": "https://elsewhere.example"}
        for path in ("/api/v1/status", "/metrics", "/"):
            async with api.http.get(f"{api.url}{path}", headers=foreign) as answer:
                assert (answer.status, "elsewhere.example" in await answer.text()) == (403, True)
        preflight = {**foreign, "Access-Control-Request-Method": "POST"}
        async with api.http.options(f"{api.url}/api/v1/halt", headers=preflight) as answer:
            assert answer.status == 403
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await api.http.ws_connect(f"{api.url}/api/v1/ws", headers=foreign)
        for origin in (foreign, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}):
            async with api.http.post(
                f"{api.url}/api/v1/halt", json={"by": "x", "reason": "y"}, headers=origin
            ) as answer:
                assert answer.status == 403
        assert api.done == []
        own = {"Origin": api.url}
        async with api.http.post(f"{api.url}/api/v1/halt", json={"by": "x", "reason": "y"}, headers=own) as answer:
            assert answer.status == 202
        async with api.http.ws_connect(f"{api.url}/api/v1/ws", headers=own):
            pass

    run(test)


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example:80", "[::", ""])
def test_a_name_that_was_rebound_to_loopback_is_refused(run, host):
    async def test(api):
        async with api.http.get(f"{api.url}/api/v1/status", headers={"Host": host}) as answer:
            assert answer.status in (400, 421)  # an empty name is refused by the server itself
        port = api.url.rpartition(":")[2]
        async with api.http.get(f"{api.url}/api/v1/status", headers={"Host": f"localhost:{port}"}) as answer:
            assert answer.status == 200

    run(test)


def test_another_address_than_loopback_needs_a_token():
    with pytest.raises(ValueError, match=r"serving on 0\.0\.0\.0 .* give a token"):
        guarded("0.0.0.0", Tokens())
    guarded("0.0.0.0", TOKENS)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_page_of_another_site_loads_as_an_image_is_not_answered_but_a_link_is(run, built, site):
    async def test(api):
        for mode, status in (("no-cors", 403), ("cors", 403), ("navigate", 200)):
            headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
            async with api.http.get(f"{api.url}/api/v1/status", headers=headers) as answer:
                assert answer.status == status
        own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        async with api.http.get(f"{api.url}/api/v1/status", headers=own) as answer:
            assert answer.status == 200

    run(test, static=built)


def test_every_answer_forbids_framing_sniffing_and_foreign_things_and_no_cache_keeps_the_api(run, built):
    async def test(api):
        for path in ("/", "/api/v1/status", "/metrics", "/api/v1/nothing"):
            async with api.http.get(f"{api.url}{path}") as answer:
                assert answer.headers["x-frame-options"] == "DENY"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["cross-origin-resource-policy"] == "same-origin"
                policy = answer.headers["content-security-policy"]
                assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
                assert (answer.headers["cache-control"] == "no-store") == (path != "/")

    run(test, static=built)
