# SPDX-License-Identifier: Apache-2.0
"""Finds glasses, connects, and connects again when the link drops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from glint.errors import (
    BluetoothError,
    ClosedError,
    LinkLostError,
    NoAnswerError,
    NotFoundError,
    PairingError,
)
from glint.finding import find
from glint.info import Statistics
from glint.link import BondRefusedError, Link, Notified
from glint.waiting import end_tasks

_log = logging.getLogger(__name__)

_FIRST_TRIES = 3
_PAUSE_S = 0.2
_MAX_PAUSE_S = 5.0
_MAX_ATTEMPT_S = 30.0
# A bond that is refused so often in a row is useless. (A single refusal may be a lost link.)
_BOND_TRIES = 2
# Nor do glasses that take nobody new know a companion that they turn away so often in a row. (Where
# a system does not tell that from a link that the radio lost, there is no such verdict.)
_AWAY_TRIES = 3


class Connection:
    """The connection to one pair of glasses, which reconnects when a link was lost."""

    def __init__(
        self,
        wanted: str | None,
        *,
        hci: str | None,
        timeout_s: float,
        statistics: Statistics,
        on_event: Notified,
        on_media: Notified,
        resume: Callable[[Link], Awaitable[None]],
        failed: Callable[[Exception], None],
    ) -> None:
        """Makes a connection that is not open yet.

        Args:
            wanted: Name or address of the glasses; None for any.
            hci: HCI transport of a controller; None for the machine's own Bluetooth.
            timeout_s: How long to look for the glasses, at first and after a lost link.
            statistics: Counts what the links receive.
            on_event: Called with each notification of the events characteristic.
            on_media: Called with each notification of the media characteristic.
            resume: Called with each link before anybody else may use it.
            failed: Called when the glasses were not found again, or the connection itself fails.
        """
        self._wanted = wanted
        self._hci = hci
        self._timeout_s = timeout_s
        self._statistics = statistics
        self._on_event = on_event
        self._on_media = on_media
        self._resume = resume
        self._failed = failed
        self._open_link: Link | None = None
        self._next_link: asyncio.Future[Link] | None = None
        self._task: asyncio.Task[None] | None = None
        self._bond_refused = 0  # Times in a row.
        self._turned_away = 0  # Times in a row, too.

    async def open(self) -> None:
        """Finds the glasses and connects.

        Raises:
            BluetoothError: There is no usable Bluetooth, or it cannot connect.
            LinkLostError, NoAnswerError, NotFoundError: The glasses are not there, or not well.
        """
        link = await self._connect(tries=_FIRST_TRIES)
        named = self._wanted is not None and self._wanted.lower() == link.name.lower()
        if not named:
            # From now on, only these glasses are wanted.
            self._wanted = link.address
        self._use(link)
        self._task = asyncio.create_task(self._keep(link))

    @property
    def connected(self) -> bool:
        """Whether there is a link right now."""
        return self._open_link is not None and not self._open_link.lost.done()

    async def link(self) -> Link:
        """Returns the link, waiting until there is one again.

        Raises:
            LinkLostError: The glasses were not found again in time.
            ClosedError: The connection is closed, or was never opened.
        """
        if self._next_link is None:
            raise ClosedError("Not connected: use 'async with glint.connect() as glasses'.")
        if self._next_link.done() and not self._next_link.exception() and not self.connected:
            self._next_link = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next_link)

    async def close(self) -> None:
        """Disconnects, and does not reconnect."""
        if self._task:
            await end_tasks(self._task)
        self._end(ClosedError("The glasses were closed: call glint.connect() again."))
        if self._open_link:
            await self._open_link.close()
            self._open_link = None

    def _use(self, link: Link) -> None:
        self._open_link = link
        if self._next_link is None or self._next_link.done():
            self._next_link = asyncio.get_running_loop().create_future()
        self._next_link.set_result(link)

    def _end(self, error: Exception) -> None:
        if self._next_link is None or self._next_link.done():
            self._next_link = asyncio.get_running_loop().create_future()
        self._next_link.set_exception(error)
        self._next_link.exception()  # Nobody may be waiting.

    async def _keep(self, link: Link) -> None:
        try:
            while True:
                lost = await link.lost
                _log.warning("%s Trying to reconnect.", lost)
                await link.close()
                link = await self._connect(tries=None)
                self._use(link)
                _log.warning("Reconnected to %s.", link.name)
        except NotFoundError as error:
            again = LinkLostError(
                f"The link to {link.name} was lost, and it was not heard again within "
                f"{self._timeout_s:g} s: come closer, or switch it on."
            )
            again.__cause__ = error
            self._give_up(again)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._end(error)
        self._failed(error)

    async def _connect(self, tries: int | None) -> Link:
        """Connects, trying again while there is time and, if these are limited, tries are left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        pause_s = _PAUSE_S
        self._bond_refused = self._turned_away = 0
        while True:
            try:
                return await self._try(max(deadline - loop.time(), 0))
            except (NotFoundError, PairingError):
                raise
            except (BluetoothError, LinkLostError, NoAnswerError) as error:
                mended = isinstance(error, BondRefusedError) and self._bond_refused <= _BOND_TRIES
                if tries is not None and not mended:
                    tries -= 1
                if tries == 0 or loop.time() + pause_s > deadline:
                    raise
                _log.info("%s Trying again.", error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    async def _try(self, timeout_s: float) -> Link:
        device, window = await find(self._wanted, timeout_s=timeout_s, hci=self._hci)
        link = Link(
            device,
            window,
            hci=self._hci,
            timeout_s=min(self._timeout_s, _MAX_ATTEMPT_S),
            statistics=self._statistics,
        )
        try:
            await link.open(self._on_event, self._on_media)
        except BondRefusedError as error:
            self._bond_refused += 1
            if not link.may_pair:
                self._turned_away = self._turned_away + 1 if link.turned_away else 0
                if self._turned_away == _AWAY_TRIES:
                    raise link.stranger() from error
            elif self._bond_refused == _BOND_TRIES:
                _log.warning("%s has forgotten this machine: pairing again.", link.name)
                await link.forget_bond()
            raise
        try:
            await self._resume(link)
        except BaseException:
            await link.close()
            raise
        return link
