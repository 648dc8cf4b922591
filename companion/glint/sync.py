# SPDX-License-Identifier: Apache-2.0
"""Glasses for scripts and notebooks: the same methods as `glint.Glasses`, without `await`::

    import glint.sync

    with glint.sync.connect() as glasses:
        glasses.photo().save("me.jpg")
        for event in glasses.events():
            print(event)

A thread in the background keeps the link, also while the script does something else. Ctrl-C ends
the call that is waiting; the `with` block then disconnects as ever.
"""

import asyncio
import concurrent.futures
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

from glint import client, finding
from glint.audio import Audio, Chunk
from glint.errors import GlintError
from glint.events import Event, Media, Seen, Wake

# Waiting is cut so, because Windows delivers Ctrl-C to no thread that waits for a lock.
_CTRL_C_S = 0.2

_T = TypeVar("_T")


class _Background:
    """An event loop in a thread of its own, which ends with the program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="glint", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def wait_for(self, job: Coroutine[Any, Any, _T]) -> _T:
        """Returns what a coroutine returns; what ends the wait early cancels it first."""
        if threading.current_thread() is self._thread:
            job.close()
            raise GlintError("Called back from glint.sync: use the glasses from your own thread.")
        future = asyncio.run_coroutine_threadsafe(_ended(job), self._loop)
        try:
            while not concurrent.futures.wait([future], _CTRL_C_S).done:
                pass
        except BaseException:
            self._loop.call_soon_threadsafe(future.cancel)
            concurrent.futures.wait([future], 1)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(1)
            raise
        return future.result()

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


async def _ended(job: Coroutine[Any, Any, _T]) -> _T:
    return await job


def connect(
    glasses: str | None = None, *, hci: str | None = None, timeout_s: float = 10.0
) -> "Glasses":
    """Connects to glasses, for as long as the `with` block lasts; as `glint.connect`."""
    return Glasses(glasses, hci, timeout_s)


def scan(timeout_s: float = 3.0, hci: str | None = None) -> list[finding.Found]:
    """Listens for glasses; as `glint.scan`."""
    return asyncio.run(finding.scan(timeout_s, hci))


class Glasses:
    """One pair of glasses; what is not here is as in `glint.Glasses`, without `await`."""

    def __init__(self, glasses: str | None, hci: str | None, timeout_s: float) -> None:
        self._background = _Background()
        try:
            self._glasses = self._background.wait_for(_made(glasses, hci, timeout_s))
        except BaseException:
            self._background.close()
            raise

    def __enter__(self) -> "Glasses":
        """Finds the glasses and connects. Raises what `glint.Glasses` raises."""
        try:
            self._background.wait_for(self._glasses.__aenter__())
        except BaseException:
            self._background.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnects, and ends the thread."""
        try:
            self._background.wait_for(self._glasses.__aexit__(kind, error, trace))
        finally:
            self._background.close()

    def events(
        self, since: int | Literal["now", "unread"] = "now", *, timeout_s: float | None = None
    ) -> Iterator[Event]:
        """Iterates over events; as `glint.Glasses.events`.

        Args:
            since: Which to begin with.
            timeout_s: The iteration ends when nothing has come for so long; None for never.
        """

        async def reader() -> AsyncIterator[Event]:
            return self._glasses.events(since)

        return self._iterate(self._background.wait_for(reader()), timeout_s)

    def audio_stream(self, of: Wake | Media) -> Iterator[bytes]:
        """Iterates over a recording while it arrives; as `glint.Glasses.audio_stream`."""
        return self._iterate(self._glasses.audio_stream(of), None)

    @overload
    def audio(self) -> Iterator[Chunk]: ...

    @overload
    def audio(self, of: Wake | Media) -> Audio: ...

    def audio(self, of: Wake | Media | None = None) -> Iterator[Chunk] | Audio:
        """Collects a recording, or iterates over what is heard; as `glint.Glasses.audio`."""
        if of is None:
            return self._iterate(self._glasses.audio(), None)
        return self._background.wait_for(self._glasses.audio(of))

    def watch(self, rate_hz: float = 1.0, *, timeout_s: float | None = None) -> Iterator[Seen]:
        """Iterates over changes of what is seen; as `glint.Glasses.watch`.

        Args:
            rate_hz: Looks a second, 0.2 to 10.
            timeout_s: The iteration ends when nothing has changed for so long; None for never.
        """
        return self._iterate(self._glasses.watch(rate_hz), timeout_s)

    def _iterate(self, items: AsyncIterator[_T], timeout_s: float | None) -> Iterator[_T]:
        async def following() -> _T:
            async with asyncio.timeout(timeout_s):
                return await anext(items)

        try:
            while True:
                try:
                    item = self._background.wait_for(following())
                except (StopAsyncIteration, TimeoutError):
                    return
                yield item
        finally:
            if inspect.isasyncgen(items):
                self._background.wait_for(items.aclose())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._glasses, name)


async def _made(glasses: str | None, hci: str | None, timeout_s: float) -> client.Glasses:
    return client.connect(glasses, hci=hci, timeout_s=timeout_s)


def _waiting(name: str, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wait(self: Glasses, *arguments: Any, **named: Any) -> Any:
        return self._background.wait_for(getattr(self._glasses, name)(*arguments, **named))

    return wait


# Real methods, so that notebooks complete them and help() explains them.
for _name, _method in inspect.getmembers(client.Glasses, inspect.iscoroutinefunction):
    if not _name.startswith("_"):
        setattr(Glasses, _name, _waiting(_name, _method))
