# SPDX-License-Identifier: Apache-2.0
"""What Bluetooth stacks below MicroPython's `bluetooth` do, where they differ and where they agree.

One table, with the source of each behaviour beside it. Sources: MicroPython 1.25.0's
extmod/nimble/modbluetooth_nimble.c (here "binding"); Espressif's NimBLE a2acac3, which ESP-IDF
v5.2.2 pins and MicroPython's official 1.25.0 images are built with (tools/ci.sh:162); Apache's
NimBLE 42849560, MicroPython's lib/mynewt-nimble, which its other ports are built with.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stack:
    """One stack.

    Attributes:
        keys_first: A pairing hands its keys over before it tells that the link is encrypted.
        mtu_first: MTU_EXCHANGED may come before CENTRAL_CONNECT.
    """

    keys_first: bool
    mtu_first: bool


STACKS = {
    # The official images of MicroPython 1.25.0. nimble/host/src/ble_sm.c: ble_gap_enc_event, then
    # ble_sm_persist_keys: a2acac3 (ESP-IDF 5.2.2) lines 1022, 1036; f29df73a (5.2) 1000, 1014;
    # 299279a4 (5.1.4) 1022, 1036; 73112f9b (5.3) 1030, 1044; Apache's 1.0 to 1.9, 42849560
    # (942, 956) among them. CENTRAL_CONNECT came first, always.
    "enc-first": Stack(keys_first=False, mtu_first=False),
    # ble_sm.c: d87234ed (ESP-IDF 5.2.3) lines 1025, 1030; 32b2124f (5.3.2) 1031, 1036; Apache's
    # master of August 2026 954, 969. The order of events at the start of a connection is what
    # MicroPython 10ef3e4a saw with ESP-IDF 5.4.2, whose own NimBLE (0225775e) was not looked into.
    "keys-first": Stack(keys_first=True, mtu_first=True),
}
DEFAULT = "enc-first"
