# SPDX-License-Identifier: Apache-2.0
"""The dashboard's server: a page and its requests.

Whoever has the token may use the glasses as a bonded companion does. It comes once in the address,
and then becomes a cookie that other sites' pages cannot use. Requests that do something also need a
header, which other sites cannot send. Only requests for the server's own host names are answered,
which prevents DNS rebinding.
"""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from glint.dash.api import Api
from glint.dash.board import Board
from glint.errors import GlintError

_PAGE = Path(__file__).parent / "page"
_COOKIE = "glint"
_OWN = "x-glint"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Answer = Callable[[Request], Awaitable[Response]]


def build(boards: list[Board], token: str, hosts: list[str]) -> Starlette:
    """Returns the server as an ASGI application.

    Args:
        boards: The glasses that it shows.
        token: The secret that admits a browser.
        hosts: The host names at which it can be reached.
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
            except HTTPException as error:
                response = JSONResponse({"error": error.detail}, error.status_code, _HEADERS)
            except ClientDisconnect:
                response = Response(status_code=400)  # It left before all was sent, and reads none.
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

    api = Api(boards)
    files = sorted(path.name for path in _PAGE.iterdir() if path.suffix in (".css", ".js"))
    return Starlette(
        routes=[
            Route("/", enter),
            *(Route(f"/{name}", guarded(asset)) for name in files),
            *(Route(f"/api/{path}", guarded(answer)) for path, answer in api.reads().items()),
            *(
                Route(f"/api/{path}", guarded(answer, own=True), methods=["POST"])
                for path, answer in api.acts().items()
            ),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, _HEADERS)
