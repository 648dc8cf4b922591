# SPDX-License-Identifier: Apache-2.0
"""A bleak backend over bumble's host stack, on a controller reached by an HCI transport.

A transport is written as bumble writes it: "usb:0" is a real controller, and `glint sim` prints
that of an emulated one ("tcp-client:127.0.0.1:PORT"). Where bleak
uses an OS's Bluetooth, this backend uses a `Host`: there is one for each event loop and
transport, opened at first use and ended by `close`.
"""

from __future__ import annotations

import functools
import logging
import re
from pathlib import Path

import bleak
import bleak.backends.adapter
import bleak.backends.client
import bleak.backends.scanner
from bleak.backends.device import BLEDevice

from glint.errors import BluetoothError

try:
    import platformdirs

    from glint.backend.client import BleakClientBumble
    from glint.backend.host import Host
    from glint.backend.scanner import BleakAdapterBumble, BleakScannerBumble
except ModuleNotFoundError as error:
    if error.name not in ("bumble", "platformdirs"):
        raise
    raise BluetoothError(
        "An HCI transport needs the package bumble: pip install 'glint-companion[hci]'."
    ) from error

__all__ = ["client_backend", "close", "has_bond", "install", "keystore", "scanner_backend"]

# bumble warns of what peers do; without this, Python prints that to the terminal of programs that
# never set logging up.
logging.getLogger("bumble").addHandler(logging.NullHandler())


def keystore(hci: str) -> Path:
    """Returns the file that keeps this user's address and bonds on a controller."""
    name = re.sub(r"[^\w.-]+", "_", hci) + ".json"
    return platformdirs.user_state_path("glint") / "hci" / name


@functools.cache
def client_backend(hci: str, keystore: Path | None = None) -> type[BleakClientBumble]:
    """Returns bleak's `backend=` for a `BleakClient` on an HCI transport.

    Args:
        hci: The transport, as bumble writes it.
        keystore: File that keeps this companion's address and its bonds; None forgets them when the
            host is closed. The first use of a transport in an event loop decides.
    """
    transport, path = hci, keystore

    class Client(BleakClientBumble):
        spec = transport
        keystore = path

    return Client


@functools.cache
def scanner_backend(hci: str, keystore: Path | None = None) -> type[BleakScannerBumble]:
    """Returns bleak's `backend=` for a `BleakScanner` on an HCI transport."""
    transport, path = hci, keystore

    class Scanner(BleakScannerBumble):
        spec = transport
        keystore = path

    return Scanner


async def has_bond(hci: str, device: BLEDevice) -> bool:
    """Whether this user has a bond, on a controller, with a device that was heard there."""
    host = await Host.of(hci, keystore(hci))
    assert host.keystore is not None
    keys = await host.keystore.get(str(device.details))
    return keys is not None and bool(keys.ltk or keys.ltk_central)


def install(hci: str, keystore: Path | None = None) -> None:
    """Makes a controller the Bluetooth of programs that do not choose a backend themselves."""

    class Adapter(BleakAdapterBumble):
        pass

    Adapter.spec, Adapter.keystore = hci, keystore
    for module, function, backend in (
        (bleak.backends.client, "get_platform_client_backend_type", client_backend(hci, keystore)),
        (
            bleak.backends.scanner,
            "get_platform_scanner_backend_type",
            scanner_backend(hci, keystore),
        ),
        (bleak.backends.adapter, "get_platform_adapter_backend_type", Adapter),
    ):
        # bleak has no hook for this, and its package imports the functions by name.
        for namespace in (bleak, module):
            setattr(namespace, function, lambda backend=backend: (backend, "bumble"))


async def close(hci: str) -> None:
    """Ends this event loop's host on a transport: its connections, tasks and socket."""
    await Host.close(hci)
