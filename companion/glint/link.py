# SPDX-License-Identifier: Apache-2.0
"""One connection to glasses, from connecting and encrypting to its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from smpclient.requests.os_management import MCUMgrParametersRead

from glint import bluez, protocol
from glint.adapter import client_backend, errors_explained, has_bond
from glint.errors import BluetoothError, LinkLostError, NoAnswerError, PairingError, Reason
from glint.info import Statistics
from glint.requests import Requests, Transport
from glint.turned_away import turned_away

# A host that restores encryption by itself may not be done yet: unencrypted writes are dropped.
_PING_TRIES = 4
_PING_TIMEOUT_S = 0.7
_CLOSE_TIMEOUT_S = 5.0

Notified = Callable[[bytes], None]


class BondRefusedError(BluetoothError):
    """The link dropped as soon as it was to be encrypted with this machine's bond."""


class Link:
    """A connection, used once: `open`, then `close`.

    Attributes:
        name: The glasses' name.
        requests: Makes SMP requests over this link.
        lost: Done once the link is gone, with the reason.
        turned_away: The glasses, which take nobody new, ended it at once.
    """

    def __init__(
        self,
        device: BLEDevice,
        window: bytes | None,
        *,
        hci: str | None,
        timeout_s: float,
        statistics: Statistics,
    ) -> None:
        """`window` is what was advertised of the pairing window; None: nothing."""
        self.name = device.name or device.address
        self.lost: asyncio.Future[LinkLostError] = asyncio.get_running_loop().create_future()
        self.turned_away = False
        self._transport = Transport(self._write_smp)
        self.requests = Requests(self._transport)
        self._device = device
        self._window = window
        self._hci = hci
        self._timeout_s = timeout_s
        self._statistics = statistics
        self._client = BleakClient(
            device,
            disconnected_callback=self._on_disconnected,
            timeout=timeout_s,
            backend=client_backend(hci),
        )

    async def open(self, on_event: Notified, on_media: Notified) -> None:
        """Connects, encrypts, subscribes, and waits for an answer to a first request.

        Raises:
            BluetoothError: It failed.
            LinkLostError: The link dropped meanwhile.
            PairingError: The glasses do not know this companion, and take no new one.
            NoAnswerError: The glasses do not answer requests.
        """
        try:
            await self._connect()
            async with self._doing("subscribe to"):
                await self._subscribe(on_event, on_media)
            await self.ping(_PING_TRIES)
            self._statistics.links += 1
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> None:
        """Connects and encrypts.

        Glasses whose pairing window is closed drop whom they do not know; they advertise that, so
        that a companion without a bond need not try. BlueZ pairs by itself as soon as an attribute
        asks for it; a bond may then remain that only this machine has.
        """
        state = None
        had_bond = await has_bond(self._device, self._hci)
        if had_bond is False and not self.may_pair:
            raise self.stranger()
        try:
            async with bluez.agent(self._device):
                with errors_explained(f"connect to {self.name}", self._hci):
                    async with asyncio.timeout(self._timeout_s):
                        await self._client.connect()
                self._window = state = await self.read(protocol.UUID_PAIRING)
                await self._pair(state)
        except (BluetoothError, LinkLostError) as error:
            dropped = bluez.dropped(error.__cause__)
            self.turned_away = state is None and not self.may_pair and turned_away(error)
            if had_bond and (dropped or self.turned_away):
                why = str(error)
                if dropped:
                    why += (
                        f" If it goes on, {self.name} has forgotten this machine: run "
                        f"'bluetoothctl remove {self._device.address}', and {_advice(state)}"
                    )
                raise BondRefusedError(why) from error
            if had_bond or not (dropped or isinstance(error, LinkLostError)):
                raise
            # They drop a stranger that begins to pair all the same.
            closed = had_bond is False and state not in (None, bytes([protocol.PAIRING_OPEN]))
            if not (closed or await bluez.has_bond(self._device)):
                if not dropped:
                    raise
                why = f"{error} If the glasses do not know this companion, {_advice(self._window)}"
                raise BluetoothError(why) from error
            await self.forget_bond()
            raise self.stranger() from error

    @property
    def may_pair(self) -> bool:
        """Whether the glasses take a new companion, as far as they have said."""
        return self._window in (None, bytes([protocol.PAIRING_OPEN]))

    def stranger(self) -> PairingError:
        """Returns the error that says that the glasses do not know this companion."""
        reason = Reason.NOT_PAIRED
        if self._window == bytes([protocol.PAIRING_CLOSED]):
            reason = Reason.WINDOW_CLOSED
        elif self._window == bytes([protocol.PAIRING_FULL]):
            reason = Reason.BONDS_FULL
        why = f"{self.name} does not know this companion: {_advice(self._window)}"
        return PairingError(why, reason=reason)

    async def forget_bond(self) -> None:
        """Makes this machine forget its bond with the glasses: the next link pairs again."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._client.unpair()

    @contextlib.asynccontextmanager
    async def _doing(self, what: str) -> AsyncIterator[None]:
        """Limits the time of an operation, and explains its failure."""
        if self.lost.done():
            raise self.lost.result()
        try:
            with errors_explained(f"{what} {self.name}", self._hci):
                async with asyncio.timeout(self._timeout_s):
                    yield
        except BluetoothError as error:
            if self._client.is_connected and not bluez.dropped(error.__cause__):
                raise
            self._on_disconnected(self._client)
            raise self.lost.result() from error

    async def _pair(self, state: bytes | None) -> None:
        """Encrypts with the bond, or makes one; `state` is the pairing characteristic's value."""
        if await bluez.paired_as_another(self._device):
            return
        try:
            # macOS pairs by itself when a characteristic asks for it, and offers no call for it.
            async with self._doing("pair with"):
                with contextlib.suppress(NotImplementedError):
                    await self._client.pair()
        except BluetoothError as error:
            if state == bytes([protocol.PAIRING_OPEN]):
                # The glasses do not have this bond, or no longer: the next attempt makes a new one.
                with contextlib.suppress(Exception):
                    await self._client.unpair()
                raise BluetoothError(
                    f"{error} If this happens again, make this machine forget the glasses."
                ) from error
            raise self.stranger() from error

    async def _subscribe(self, on_event: Notified, on_media: Notified) -> None:
        self._events = self._characteristic(protocol.UUID_EVENTS)
        self._media = self._characteristic(protocol.UUID_MEDIA)
        self._smp = self._characteristic(protocol.UUID_SMP)
        self._statistics.write_bytes = 0
        self._allow(await bluez.write_bytes(self._smp))
        await self._notify(self._smp, self._transport.feed)
        await self._notify(self._events, on_event)
        await self._notify(self._media, on_media)

    async def _notify(self, characteristic: BleakGATTCharacteristic, notified: Notified) -> None:
        def callback(_: BleakGATTCharacteristic, data: bytearray) -> None:
            if not self.lost.done():
                self._statistics.notifications += 1
                self._statistics.notified_bytes += len(data)
                # The MTU is the same in both directions, and some systems do not report it: what
                # the glasses send shows what may be sent to them.
                self._allow(len(data))
                notified(bytes(data))

        await self._client.start_notify(characteristic, callback)

    def _allow(self, write_bytes: int) -> None:
        self._transport.allow(write_bytes)
        self._statistics.write_bytes = self._transport.max_write_bytes

    def _characteristic(self, uuid: str) -> BleakGATTCharacteristic:
        characteristic = self._client.services.get_characteristic(uuid)
        if characteristic is None:
            raise BluetoothError(
                f"{self.name} lacks characteristic {uuid}: update its firmware, or make this "
                "machine forget the device, and connect again."
            )
        return characteristic

    async def ping(self, tries: int = 1) -> None:
        """Waits for an answer, which shows that all earlier writes have arrived.

        Raises:
            LinkLostError, NoAnswerError: They may not have arrived.
        """
        for _ in range(tries - 1):
            with contextlib.suppress(NoAnswerError):
                await self.requests.request(MCUMgrParametersRead(), _PING_TIMEOUT_S)
                return
        await self.requests.request(MCUMgrParametersRead(), _PING_TIMEOUT_S)

    async def _write_smp(self, data: bytes) -> None:
        await self._write(self._smp, data)

    async def acknowledge(self, seq: int) -> None:
        """Tells the glasses that they may forget the records up to and including `seq`.

        Raises:
            BluetoothError, LinkLostError: It could not be sent.
        """
        await self._write(self._events, seq.to_bytes(4, "little"))

    async def ask_media(self, command: bytes) -> None:
        """Writes a command to the media characteristic.

        Raises:
            BluetoothError, LinkLostError: It could not be sent.
        """
        await self._write(self._media, command)

    async def _write(self, characteristic: BleakGATTCharacteristic, data: bytes) -> None:
        async with self._doing("write to"):
            await self._client.write_gatt_char(characteristic, data, response=False)

    async def read(self, uuid: str) -> bytes | None:
        """Reads a characteristic; None if the glasses have none with this UUID.

        Raises:
            BluetoothError, LinkLostError: It cannot be read.
        """
        async with self._doing("read from"):
            characteristic = self._client.services.get_characteristic(uuid)
            if characteristic is None:
                return None
            return bytes(await self._client.read_gatt_char(characteristic))

    @property
    def address(self) -> str:
        """The glasses' address; after pairing it is their identity address."""
        return self._client.address

    async def close(self) -> None:
        """Disconnects; nothing is called back afterwards."""
        self._on_disconnected(self._client)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._client.disconnect()

    def _on_disconnected(self, _client: BleakClient) -> None:
        if not self.lost.done():
            lost = LinkLostError(f"The link to {self.name} was lost: come closer.")
            self.lost.set_result(lost)
            self._transport.lose(lost)


def _advice(state: bytes | None) -> str:
    if state == bytes([protocol.PAIRING_FULL]):
        return (
            f"they already know {protocol.LIMIT_BONDS}, which is the most they can. Use one of "
            "to remove another: glint bonds remove ID."
        )
    return (
        f"hold their button for {protocol.LIMIT_PAIRING_HOLD_MS / 1000:g} s, then connect within "
        f"{protocol.LIMIT_PAIRING_WINDOW_MS / 1000:g} s."
    )
