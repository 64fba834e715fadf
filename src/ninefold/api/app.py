"""The application: REST and websocket under /api/v1, /metrics, and the web front end at /.

In:  an ApiContext.
Out: a Litestar application; `server.py` listens for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, WebSocket, get, post, websocket
from litestar.datastructures import State
from litestar.exceptions import ClientException, HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath, JSONBody
from litestar.types import Scope

from ninefold import __version__
from ninefold.api.backtests import BACKTESTS, Runs
from ninefold.api.compare import compare_backtests
from ninefold.api.context import ApiContext
from ninefold.api.formulas import Formulas
from ninefold.api.guard import add_headers, guarded
from ninefold.api.metrics import CONTENT_TYPE, metrics_text
from ninefold.api.portfolio import PORTFOLIO
from ninefold.api.reads import READS
from ninefold.api.rows import Json
from ninefold.api.scopes import ADMIN, OPEN, READ, TRADE, check_scopes
from ninefold.api.slack import Seal, slack
from ninefold.api.static import page
from ninefold.api.websocket import MOST_TOPICS, PLAIN_TOPICS, Client

LARGEST_BODY = 10_000  # bytes
PUBLISH_SECONDS = 1.0
ABOUT = (
    "Nanosecond times, ids and exact decimals are text; durations are numbers of ns. What is not known is null. "
    f"Bodies have at most {LARGEST_BODY} bytes. The websocket /api/v1/ws takes "
    '{"subscribe": [topics], "since": seq or null} and sends {"seq", "topic", "data"}; topics are '
    f"{' '.join(PLAIN_TOPICS)} bars:NAME:TIMEFRAME quotes:NAME, at most {MOST_TOPICS}. Without since, or with one too "
    "old, the first message has the topic snapshot. With tokens, send 'Authorization: Bearer TOKEN'; the websocket "
    "also takes ?token=. GET and the websocket need the scope read, halt, resume and flatten trade, settings admin."
)
log = logging.getLogger("ninefold.api")


class Halt(msgspec.Struct, forbid_unknown_fields=True):
    """Who halts, and why."""

    by: str
    reason: str


class Resume(msgspec.Struct, forbid_unknown_fields=True):
    """Who resumes; `confirm` is the word RESUME."""

    by: str
    confirm: str


@post("/halt", status_code=202, opt=TRADE)
async def halt(state: State, data: JSONBody[Halt]) -> Json:
    """Stop sending orders, at once and without asking back. The status shows it when the pipeline has done it."""
    context: ApiContext = state.context
    await context.halt(_named(data.by), data.reason or "no reason given")
    return {"accepted": "halt"}


@post("/resume", status_code=202, opt=TRADE)
async def resume(state: State, data: JSONBody[Resume]) -> Json:
    """Send orders again."""
    if data.confirm != "RESUME":
        raise ClientException(f"confirm is {data.confirm[:20]!r}; resuming needs the word 'RESUME'")
    context: ApiContext = state.context
    await context.resume(_named(data.by))
    return {"accepted": "resume"}


@websocket("/ws", opt=READ)
async def live(socket: WebSocket) -> None:  # type: ignore[type-arg]
    """Numbered messages; see `websocket.py`."""
    state = socket.app.state
    task = asyncio.current_task()
    state.clients.add(task)
    try:
        await socket.accept()
        state.context.view.publish(state.context.now_ns())
        await Client(socket, state.context.view, state.stopping).serve()
    finally:
        state.clients.discard(task)


@get("/settings", opt=ADMIN)
async def show_settings(state: State) -> Json:
    """The config in force, every key. It names where secrets are, and holds none."""
    context: ApiContext = state.context
    return context.settings


@get("/metrics", media_type=CONTENT_TYPE, include_in_schema=False, opt=READ)
async def show_metrics(state: State) -> Response[bytes]:
    context: ApiContext = state.context
    return Response(metrics_text(context.view, context.now_ns()), media_type=CONTENT_TYPE)


@get(["/", "/{path:path}"], include_in_schema=False, opt=OPEN)
async def show_page(state: State, path: FromPath[str] = "/") -> Response[bytes]:
    context: ApiContext = state.context
    return await asyncio.to_thread(page, context.static, path)


def create_app(context: ApiContext) -> Litestar:
    """raises: ValueError if it would be reachable from elsewhere without a token, LookupError if a route says no scope."""
    app = Litestar(
        [
            Router(
                "/api/v1",
                route_handlers=[
                    *READS,
                    *BACKTESTS,
                    compare_backtests,
                    *PORTFOLIO,
                    halt,
                    resume,
                    show_settings,
                    slack,
                    live,
                ],
            ),
            show_metrics,
            show_page,
        ],
        state=State(
            {
                "context": context,
                "formulas": Formulas(context),
                "runs": Runs(context.runs),
                "seal": Seal(context.slack_secret, lambda: context.now_ns() / 1e9) if context.slack_secret else None,
                "stopping": asyncio.Event(),
                "clients": set(),
            }
        ),
        middleware=[guarded(context.host, context.tokens)],
        lifespan=[_publishing],
        openapi_config=OpenAPIConfig(
            "ninefold",
            __version__,
            description=ABOUT,
            openapi_router=Router("/api/v1/openapi", route_handlers=[], opt=READ, include_in_schema=False),
            render_plugins=[JsonRenderPlugin(path="/")],
        ),
        request_max_body_size=LARGEST_BODY,
        exception_handlers={ValidationException: _not_allowed},
        after_exception=[_log_unexpected],
        before_send=[add_headers],
        logging_config=None,
    )
    check_scopes(app)
    return app


@asynccontextmanager
async def _publishing(app: Litestar) -> AsyncIterator[None]:
    """Offer status and services to the websocket clients once a second, while there are any."""
    context: ApiContext = app.state.context

    async def publish() -> None:
        while True:
            if app.state.clients:
                context.view.publish(context.now_ns())
            await asyncio.sleep(PUBLISH_SECONDS)

    task = asyncio.create_task(publish())
    try:
        yield
    finally:
        task.cancel()


def _named(by: str) -> str:
    if not by.strip():
        raise ClientException("by is empty; say who does it")
    return by


def _not_allowed(request: Request[Any, Any, Any], error: ValidationException) -> Response[Json]:
    """Say which parameter broke which rule."""
    extra = error.extra if isinstance(error.extra, list) else []
    rules = "; ".join(
        f"{one.get('key', 'the request')}: {one.get('message', '')}" for one in extra if isinstance(one, dict)
    )
    return Response({"status_code": 422, "detail": rules or error.detail}, status_code=422)


async def _log_unexpected(error: Exception, scope: Scope) -> None:
    if not isinstance(error, HTTPException):
        log.error("%s failed: %s", scope["path"], error, exc_info=error)
