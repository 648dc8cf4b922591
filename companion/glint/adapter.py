# SPDX-License-Identifier: Apache-2.0
"""Chooses the machine's own Bluetooth or an HCI controller, and explains the errors of both."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator

from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakGATTProtocolError,
)

from glint import bluez
from glint.errors import BluetoothError, GlintError, Reason


def chosen(hci: str | None) -> str | None:
    """Returns the HCI transport to use: `hci`, or else what GLINT_HCI names, if anything."""
    return hci or os.environ.get("GLINT_HCI") or None


def client_backend(hci: str | None) -> type[BaseBleakClient] | None:
    """Returns bleak's `backend=` for a client; None for the machine's own Bluetooth."""
    if hci is None:
        return None
    from glint import backend  # Bumble is an extra.

    return backend.client_backend(hci, backend.keystore(hci))


def scanner_backend(hci: str | None) -> type[BaseBleakScanner] | None:
    """Returns bleak's `backend=` for a scanner; None for the machine's own Bluetooth."""
    if hci is None:
        return None
    from glint import backend  # Bumble is an extra.

    return backend.scanner_backend(hci, backend.keystore(hci))


async def has_bond(device: BLEDevice, hci: str | None) -> bool | None:
    """Whether this machine has a bond with a device; None where a system does not tell."""
    if hci is not None:
        from glint import backend

        return await backend.has_bond(hci, device)
    return await bluez.has_bond(device)


# The number of users of an event loop's host on an HCI transport: the last one closes it.
_users: dict[tuple[asyncio.AbstractEventLoop, str], int] = {}


@contextlib.asynccontextmanager
async def in_use(hci: str | None) -> AsyncIterator[None]:
    """Keeps a transport's host for as long as somebody uses it, and no longer."""
    if hci is None:
        yield
        return
    key = asyncio.get_running_loop(), hci
    _users[key] = _users.get(key, 0) + 1
    try:
        yield
    finally:
        _users[key] -= 1
        if not _users[key]:
            del _users[key]
            from glint.backend import close

            await close(hci)


@contextlib.contextmanager
def errors_explained(doing: str, hci: str | None) -> Iterator[None]:
    """Turns whatever bleak raises into a `BluetoothError` that says what to do.

    Args:
        doing: What is being done, as in "scan" or "connect to Glint".
        hci: The HCI transport in use, if any.

    Raises:
        BluetoothError: Something below bleak failed.
    """
    try:
        yield
    except GlintError:
        raise
    except Exception as error:  # Each platform's stack raises its own.
        why, reason = _explained(error, doing, hci)
        raise BluetoothError(why, reason=reason) from error


def _explained(error: Exception, doing: str, hci: str | None) -> tuple[str, Reason]:
    if isinstance(error, TimeoutError):
        why = f"Could not {doing} in time: come closer, or switch the glasses off and on."
        return why, Reason.OUT_OF_RANGE
    if hci is not None and isinstance(error, BleakBluetoothNotAvailableError | OSError):
        why = f"No controller at {hci}: start 'glint sim' and use what it prints."
        return why, Reason.NO_ADAPTER
    if isinstance(error, BleakBluetoothNotAvailableError):
        if error.reason is BleakBluetoothNotAvailableReason.POWERED_OFF:
            return "Bluetooth is switched off: switch it on.", Reason.ADAPTER_OFF
        if "DENIED" in error.reason.name:
            why = "Using Bluetooth was denied: allow it in the system's privacy settings."
            return why, Reason.PERMISSION
        return _NO_ADAPTER, Reason.NO_ADAPTER
    if isinstance(error, PermissionError):
        why = f"Could not {doing}: this system lets this user use no Bluetooth ({error.strerror})."
        return why, Reason.PERMISSION
    if isinstance(error, OSError):
        return _NO_ADAPTER, Reason.NO_ADAPTER  # There is no D-Bus.
    if isinstance(error, BleakDBusError):
        if error.dbus_error.startswith(_NO_BLUEZ):
            return _NO_ADAPTER, Reason.NO_ADAPTER
        if error.dbus_error == _DENIED:
            why = (
                f"Could not {doing}: D-Bus does not let this user talk to BlueZ. Log in at the "
                "machine itself, or have yourself added to the group bluetooth."
            )
            return why, Reason.PERMISSION
    if isinstance(error, BleakGATTProtocolError):
        return f"Could not {doing}: the glasses refused ({error.args[1]}).", Reason.REFUSED
    said = " ".join(str(error).split()) or type(error).__name__
    return f"Could not {doing}: {said}.", Reason.OTHER


# What D-Bus says when nothing owns org.bluez and it cannot start it: by itself (Spawn.*; dbus 1.14,
# dbus-protocol.h), or through systemd, which names the reason (systemd1.*).
_NO_BLUEZ = (
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
    "org.freedesktop.systemd1.",
)
# What the bus says of a call that its policy forbids (dbus 1.14, bluez's bluetooth.conf).
_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
_NO_ADAPTER = (
    "No Bluetooth on this machine: plug in or switch on an adapter (on Linux, start the bluetooth "
    "service), or use emulated glasses with --hci TRANSPORT or GLINT_HCI."
)
