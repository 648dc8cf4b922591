# SPDX-License-Identifier: Apache-2.0
"""Serves the dashboard until it is told to stop, or the glasses are gone."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Iterator

import uvicorn

from glint.client import Glasses
from glint.dash.board import Board
from glint.dash.server import build
from glint.errors import GlintError
from glint.waiting import end_tasks

_TOKEN_BYTES = 16
_LOCAL = ["127.0.0.1", "localhost", "[::1]"]


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to the command line."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens.

    Raises:
        GlintError: The address is taken, or none of this machine's.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise GlintError(f"Nothing can listen at {host}:{port}: {error.strerror}.") from None


async def serve(glasses: Glasses, listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serves one pair of glasses.

    Args:
        glasses: Connected.
        listening: Where.
        ready: Called with the address to open, once it can be opened.

    Raises:
        LinkLostError: The glasses were not found again in time.
    """
    host, port = listening.getsockname()[:2]
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    board = Board(glasses)
    application = build(board, token, [host, *_LOCAL])
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    reading = asyncio.create_task(board.run())
    serving = asyncio.create_task(server.serve([listening]))
    try:
        ready(f"http://{host}:{port}/?token={token}")
        await asyncio.wait({reading, serving}, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
    finally:
        server.should_exit = True
        await end_tasks(reading)
        await asyncio.gather(serving, return_exceptions=True)
