# SPDX-License-Identifier: Apache-2.0
"""What the host of emulated glasses has its controller know, to draw and resolve addresses.

As NimBLE does where its controller can (nimble/host/src/ble_hs_pvcy.c of a2acac3, whose lines are
given; 42849560 does the same, from its line 87 on). The host itself resolves nothing.
"""

from __future__ import annotations

import logging

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Device

log = logging.getLogger(__name__)

_DEVICE_PRIVACY = hci.HCI_LE_Set_Privacy_Mode_Command.PrivacyMode.DEVICE_PRIVACY_MODE


async def set_own_key(device: Device, irk: bytes) -> None:
    """Has the controller draw private addresses with `irk`, and know no peer (281 to 345)."""
    await _resolve(device, 0)
    await device.send_sync_command(hci.HCI_LE_Clear_Resolving_List_Command())
    await _resolve(device, 1)
    # Undirected advertising names no peer: its addresses are drawn with this entry's key.
    await add_peer(device, hci.Address.ANY, bytes(16), irk)


async def add_peer(device: Device, peer: hci.Address, irk: bytes, own_irk: bytes) -> None:
    """Has the controller resolve a peer's addresses (118 to 163).

    Advertising has to be off. What the controller refuses is only logged: ble_store.c:239 ("There
    is not much to do here if it fails"), ble_hs_misc.c:133.
    """
    kind = hci.Address.PUBLIC_DEVICE_ADDRESS if peer.is_public else peer.RANDOM_DEVICE_ADDRESS
    add = hci.HCI_LE_Add_Device_To_Resolving_List_Command(kind, peer, irk, own_irk)
    try:
        await device.send_sync_command(add)
        # Else the controller ignores the peer under its identity address (149 to 156).
        await device.send_sync_command(
            hci.HCI_LE_Set_Privacy_Mode_Command(kind, peer, _DEVICE_PRIVACY)
        )
    except (hci.HCI_Error, BaseBumbleError) as error:
        log.warning("radio: the controller does not resolve %s: %s", peer, error)


async def _resolve(device: Device, enable: int) -> None:
    await device.send_sync_command(hci.HCI_LE_Set_Address_Resolution_Enable_Command(enable))
