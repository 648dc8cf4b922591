# SPDX-License-Identifier: Apache-2.0
"""Drives a page in headless Chromium by its DevTools protocol, for tests and screenshots."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import websockets

PATIENCE_S = 60.0
_POLL_S = 0.05
# Options that keep it off the network, and without the sandbox that root cannot have.
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
]


class Page:
    """A page.

    Args:
        socket: Leads to the page's target.
    """

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> Any:
        """Calls a method of the DevTools protocol, and returns its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message))
        while (answer := json.loads(await self._socket.recv())).get("id") != number:
            pass
        return answer["result"]

    async def value(self, expression: str) -> Any:
        """Returns the value of an expression of JavaScript; None where it has none, or throws."""
        answer = await self.call("Runtime.evaluate", expression=expression)
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = PATIENCE_S) -> None:
        """Waits until an expression is true.

        Raises:
            TimeoutError: It was not in time; the message has the expression.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await self.value(expression):  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise TimeoutError(f"never true: {expression}") from None

    async def choose_file(self, selector: str, path: Path) -> None:
        """Puts a file into the file input that a CSS selector finds."""
        root = (await self.call("DOM.getDocument"))["root"]["nodeId"]
        found = await self.call("DOM.querySelector", nodeId=root, selector=selector)
        await self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=found["nodeId"])

    async def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Gives the page this size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        await self.call("Emulation.setDeviceMetricsOverride", **size)

    async def screenshot(self) -> bytes:
        """Returns what can be seen of the page, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Page]:
    """Runs Chromium, which must be installed, and yields its one page, which is empty.

    Args:
        folder: For its profile.
    """
    program = shutil.which("chromium")
    assert program, "chromium is not installed"
    process = await asyncio.create_subprocess_exec(
        *(program, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    draining = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while b"DevTools listening on" not in (line := await process.stderr.readline()):
                assert line, "the browser ended"
        port = urllib.parse.urlsplit(line.split()[-1].decode()).port
        draining = asyncio.create_task(process.stderr.read())
        async with httpx.AsyncClient(trust_env=False) as http:
            pages = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
        target = next(page for page in pages if page["type"] == "page")
        address = target["webSocketDebuggerUrl"]
        async with websockets.connect(address, proxy=None, max_size=None) as socket:
            yield Page(socket)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if draining:
            await draining
