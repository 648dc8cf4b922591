# SPDX-License-Identifier: Apache-2.0
"""A bleak backend for an emulated air: bleak's API over bumble's host stack and an HCI socket.

An air is named by a bumble transport spec, as `glint sim` prints it ("tcp-client:127.0.0.1:PORT");
"usb:0" and the like are real controllers. What bleak does with an OS's Bluetooth, it does here with
a `Host`: one for each event loop and air, opened at first use, ended by `close`.
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
import platformdirs

from glint.errors import BluetoothError

try:
    from glint.air.client import BleakClientAir
    from glint.air.host import Host
    from glint.air.scanner import BleakAdapterAir, BleakScannerAir
except ModuleNotFoundError as error:
    if error.name != "bumble":
        raise
    raise BluetoothError(
        "An emulated air needs the package bumble: pip install 'glint[air]'."
    ) from error

__all__ = ["client_backend", "close", "install", "keystore", "scanner_backend"]

# bumble warns of what peers do; without this, Python prints that to the terminal of programs that
# never set logging up.
logging.getLogger("bumble").addHandler(logging.NullHandler())


def keystore(air: str) -> Path:
    """Returns the file in which this user's companion keeps its address and bonds on an air."""
    name = re.sub(r"[^\w.-]+", "_", air) + ".json"
    return platformdirs.user_state_path("glint") / "airs" / name


@functools.cache
def client_backend(air: str, keystore: Path | None = None) -> type[BleakClientAir]:
    """Returns bleak's `backend=` for a `BleakClient` on an air.

    Args:
        air: The air, as a bumble transport spec.
        keystore: File that keeps this companion's address and its bonds; None forgets them when the
            host is closed. The first use of an air in an event loop decides.
    """
    spec, path = air, keystore

    class Client(BleakClientAir):
        air = spec
        keystore = path

    return Client


@functools.cache
def scanner_backend(air: str, keystore: Path | None = None) -> type[BleakScannerAir]:
    """Returns bleak's `backend=` for a `BleakScanner` on an air; `keystore` as for a client."""
    spec, path = air, keystore

    class Scanner(BleakScannerAir):
        air = spec
        keystore = path

    return Scanner


def install(air: str, keystore: Path | None = None) -> None:
    """Makes an air the Bluetooth of programs that do not choose a backend themselves."""

    class Adapter(BleakAdapterAir):
        pass

    Adapter.air, Adapter.keystore = air, keystore
    for module, function, backend in (
        (bleak.backends.client, "get_platform_client_backend_type", client_backend(air, keystore)),
        (
            bleak.backends.scanner,
            "get_platform_scanner_backend_type",
            scanner_backend(air, keystore),
        ),
        (bleak.backends.adapter, "get_platform_adapter_backend_type", Adapter),
    ):
        # bleak has no hook for this, and its package imports the functions by name.
        for namespace in (bleak, module):
            setattr(namespace, function, lambda backend=backend: (backend, "air"))


async def close(air: str) -> None:
    """Ends this event loop's host on an air: its connections, tasks and socket."""
    await Host.close(air)
