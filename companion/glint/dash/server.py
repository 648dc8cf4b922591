# SPDX-License-Identifier: Apache-2.0
"""The dashboard's server: a page, and what it asks for.

Whoever has the token may look and take photos. It comes once in the address, and is a cookie from
then on that other sites' pages cannot use; what changes something needs a header besides, which
they cannot send either. Only requests for the server's own names are answered, so that no other
name that is made to lead here gets at it.
"""

import csv
import hmac
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from glint.dash.board import Board
from glint.errors import GlintError

_PAGE = Path(__file__).parent / "page"
_COOKIE = "glint"
_OWN = "x-glint"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_COLUMNS = ("time", "type", "seq", "boot_id", "fields")

Answer = Callable[[Request], Awaitable[Response]]


def build(board: Board, token: str, hosts: list[str]) -> Starlette:
    """Returns the server as an ASGI application.

    Args:
        board: What it shows.
        token: Who has it is let in.
        hosts: The names that it is reached by.
    """

    def guarded(answer: Answer, own: bool = False) -> Answer:
        async def guard(request: Request) -> Response:
            if not hmac.compare_digest(request.cookies.get(_COOKIE, "").encode(), token.encode()):
                return _plain("Open the address that 'glint dash' printed.", 403)
            if own and _OWN not in request.headers:
                return _plain("Only the dashboard's own page may ask for this.", 403)
            try:
                response = await answer(request)
            except GlintError as error:
                body = {"error": str(error), "reason": error.reason}
                response = JSONResponse(body, 503, _HEADERS)
            response.headers.update(_HEADERS)
            return response

        return guard

    async def enter(request: Request) -> Response:
        given = request.query_params.get("token")
        if given is None:
            return await guarded(page)(request)
        if not hmac.compare_digest(given.encode(), token.encode()):
            return _plain("This is not the token that 'glint dash' printed.", 403)
        response = RedirectResponse("/", 303, _HEADERS)
        response.set_cookie(_COOKIE, token, httponly=True, samesite="strict")
        return response

    async def page(_: Request) -> Response:
        return FileResponse(_PAGE / "index.html")

    async def asset(request: Request) -> Response:
        return FileResponse(_PAGE / request.url.path.lstrip("/"))

    async def status(_: Request) -> Response:
        connected = board.glasses.connected
        if not connected:
            return JSONResponse({"connected": False})
        state = await board.glasses.status()
        return JSONResponse(
            {
                "connected": True,
                "board": state.board,
                "firmware": state.firmware,
                "battery_percent": state.battery_percent,
                "words": state.words,
                "vision": state.vision,
                "light": state.light,
            }
        )

    async def events(request: Request) -> Response:
        if request.query_params.get("format") != "csv":
            return JSONResponse(list(board.events))
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        for event in board.events:
            fields = {key: value for key, value in event.items() if key not in _COLUMNS}
            rows.writerow([*(event[key] for key in _COLUMNS[:-1]), json.dumps(fields)])
        named = {"Content-Disposition": 'attachment; filename="events.csv"'}
        return Response(text.getvalue(), media_type="text/csv", headers=named)

    async def stream(_: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            yield ": hello\n\n"
            async for event in board.follow():
                yield f"data: {json.dumps(event)}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def photo(_: Request) -> Response:
        taken = await board.glasses.photo()
        return Response(taken.data, media_type="image/jpeg")

    return Starlette(
        routes=[
            Route("/", enter),
            Route("/dash.js", guarded(asset)),
            Route("/dash.css", guarded(asset)),
            Route("/api/status", guarded(status)),
            Route("/api/events", guarded(events)),
            Route("/api/stream", guarded(stream)),
            Route("/api/photo", guarded(photo, own=True), methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, _HEADERS)
