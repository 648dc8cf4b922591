# SPDX-License-Identifier: Apache-2.0
"""Serves the dashboard until it is stopped or the glasses are gone."""

import asyncio
import contextlib
import ipaddress
import logging
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
# An address for documentation (RFC 5737): nothing is sent there.
_ELSEWHERE = ("192.0.2.1", 9)


class _Server(uvicorn.Server):
    """uvicorn, but the command line handles signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


class _Log(logging.Handler):
    """Shows the library's warnings, such as a lost link, on all boards."""

    def __init__(self, boards: list[Board]) -> None:
        super().__init__(logging.WARNING)
        self._boards = boards

    def emit(self, record: logging.LogRecord) -> None:
        for board in self._boards:
            board.note(record.getMessage())


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        GlintError: The address is in use, does not belong to this machine, or is [::], which no
            browser can open.
    """
    with contextlib.suppress(ValueError):  # It is a name.
        if ipaddress.ip_address(host) == ipaddress.IPv6Address("::"):
            raise GlintError("No browser can open [::]: name an address of this machine.")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise GlintError(f"Nothing can listen at {host}:{port}: {error.strerror}.") from None


def reached_by(listening: socket.socket) -> tuple[str, bool]:
    """Returns a socket's host name, and whether other machines can reach it."""
    address = ipaddress.ip_address(listening.getsockname()[0])
    host = str(address)
    if address.is_unspecified and address.version == 4:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            with contextlib.suppress(OSError):  # There is no network.
                probe.connect(_ELSEWHERE)
            host = probe.getsockname()[0]
    return (f"[{host}]" if address.version == 6 else host), not address.is_loopback


async def serve(
    pairs: list[Glasses], listening: socket.socket, ready: Callable[[str, bool], None]
) -> None:
    """Serves pairs of glasses.

    Args:
        pairs: Connected glasses, with their names.
        listening: The socket to serve on.
        ready: Called with the address to open, once it can be opened, and whether other machines
            can open it, too.

    Raises:
        LinkLostError: All glasses are lost, and none was found again in time.
    """
    host, others = reached_by(listening)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    boards = [Board(glasses, (await glasses.info()).name) for glasses in pairs]
    application = build(boards, token, [host, *_LOCAL])
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    log = _Log(boards)
    logging.getLogger("glint").addHandler(log)
    reading = asyncio.create_task(_read(boards))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        ready(f"http://{host}:{listening.getsockname()[1]}/?token={token}", others)
        await asyncio.wait({reading, serving}, return_when=asyncio.FIRST_COMPLETED)
        (reading if reading.done() else serving).result()
    finally:
        logging.getLogger("glint").removeHandler(log)
        server.should_exit = True
        await end_tasks(reading)
        for board in boards:
            await board.close()
        await asyncio.gather(serving, return_exceptions=True)


async def _read(boards: list[Board]) -> None:
    """Reads all pairs' events until no pair is left; then raises the first one's error."""
    ends = await asyncio.gather(*(board.run() for board in boards), return_exceptions=True)
    for end in ends:
        if end is not None:
            raise end
