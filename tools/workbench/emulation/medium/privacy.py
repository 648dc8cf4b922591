# SPDX-License-Identifier: Apache-2.0
"""Link-layer privacy: a controller draws private addresses of its own and resolves its peers'.

The sources are sections of the Bluetooth Core Specification 5.4: Vol 6, Part B, 1.3.2.2 (drawing),
1.3.2.3 (resolving) and 6 (what is sent under which address); Vol 4, Part E, 7.8.38 to 7.8.45 and
7.8.77 (commands) and 7.7.65.10 (event). Stock bumble 0.0.236 answers most of these commands and
does nothing (controller.py:3343-3403); to those that it has no class for (7.8.39, 42, 43) it gives
no answer at all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bumble import crypto, hci
from bumble.controller import Controller

SUCCESS = hci.HCI_ErrorCode.SUCCESS
_DISALLOWED = hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR
_INVALID = hci.HCI_ErrorCode.INVALID_COMMAND_PARAMETERS_ERROR
_FULL = hci.HCI_ErrorCode.MEMORY_CAPACITY_EXCEEDED_ERROR
_UNKNOWN = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
_NO_KEY = bytes(16)
_TIMEOUT_S = 900  # 7.8.45: 0x0384 unless the host sets another
_TIMEOUT_MOST_S = 0xA1B8
# 7.8.1: the events that a host is told which has set no mask; 7.7.65.10 is bit 9.
EVENTS_DEFAULT = 0x1F
_ENHANCED = 1 << 9
_NETWORK, _DEVICE = 0, 1
_OWN_RESOLVABLE = (
    hci.OwnAddressType.RESOLVABLE_OR_PUBLIC,
    hci.OwnAddressType.RESOLVABLE_OR_RANDOM,
)


def is_drawn_with(irk: bytes, address: hci.Address) -> bool:
    """Whether a private address was drawn with a key."""
    if irk == _NO_KEY or not address.is_resolvable:
        return False
    octets = bytes(address)
    return crypto.ah(irk, octets[3:]) == octets[:3]


def identity(address: hci.Address) -> hci.Address:
    """A peer's identity address as the controller tells it: types 2 and 3."""
    kind = hci.AddressType.PUBLIC_IDENTITY if address.is_public else hci.AddressType.RANDOM_IDENTITY
    return hci.Address(bytes(address), kind)


@dataclass
class Entry:
    """One entry of the resolving list.

    Attributes:
        peer: The peer's identity address; all zeros for the one that undirected advertising uses.
        peer_irk, local_irk: Identity resolving keys, 16 bytes; zeros for none.
        mode: The privacy mode: _NETWORK or _DEVICE.
        local: The private address that is in use towards that peer.
        drawn_s: When it was drawn.
        heard: The private address that the peer was last heard with.
    """

    peer: hci.Address
    peer_irk: bytes
    local_irk: bytes
    mode: int = _NETWORK
    local: hci.Address | None = None
    drawn_s: float = 0.0
    heard: hci.Address | None = None

    def own(self, timeout_s: float) -> hci.Address | None:
        """The private address towards that peer, drawn anew after `timeout_s`; None: no key."""
        if self.local_irk == _NO_KEY:
            return None
        now_s = asyncio.get_running_loop().time()
        if self.local is None or now_s >= self.drawn_s + timeout_s:
            self.local = hci.Address.generate_private_address(self.local_irk)
            self.drawn_s = now_s
        return self.local


class PrivateController(Controller):
    """A bumble `Controller` with a resolving list."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.forget_peers()

    def forget_peers(self) -> None:
        """Goes back to how a reset leaves it."""
        self._entries: list[Entry] = []
        self.le_address_resolution = False
        self.le_rpa_timeout = _TIMEOUT_S
        self.le_event_mask = EVENTS_DEFAULT

    # Addresses

    def _entry(self, peer: hci.Address) -> Entry | None:
        return next((entry for entry in self._entries if entry.peer == peer), None)

    def own_address(self, kind: int, peer: hci.Address) -> hci.Address:
        """The address that a procedure with this Own_Address_Type uses towards a peer."""
        if kind in _OWN_RESOLVABLE and self.le_address_resolution:
            entry = self._entry(peer)
            drawn = entry.own(self.le_rpa_timeout) if entry else None
            if drawn is not None:
                return drawn
        public = kind in (hci.OwnAddressType.PUBLIC, hci.OwnAddressType.RESOLVABLE_OR_PUBLIC)
        return self.public_address if public else self.random_address

    def known_as(self, address: hci.Address) -> hci.Address | None:
        """As whom the host is told of a device: its identity where a key of the list resolves it.

        None for a device that is ignored: in network privacy mode, a peer with a key is one only
        under its private addresses.
        """
        if not self.le_address_resolution:
            return address
        for entry in self._entries:
            if is_drawn_with(entry.peer_irk, address):
                entry.heard = address
                return identity(entry.peer)
        known = self._entry(address)
        if known is not None and known.mode == _NETWORK and known.peer_irk != _NO_KEY:
            return None
        return address

    def connected(
        self, packet: hci.HCI_LE_Connection_Complete_Event
    ) -> hci.HCI_LE_Connection_Complete_Event | hci.HCI_LE_Enhanced_Connection_Complete_Event:
        """The event that tells of a connection: the enhanced one, for a host that asked for it.

        Pairing signs the addresses that the link was made with. Only this event tells the host the
        private ones among them; one that is told the plain event signs others, and fails.
        """
        if not self.le_event_mask & _ENHANCED:
            return packet
        peer, local, heard = packet.peer_address, hci.Address.ANY_RANDOM, hci.Address.ANY_RANDOM
        connection = self.find_le_connection_by_handle(packet.connection_handle)
        if connection is not None and not packet.status:
            known = self.known_as(peer) or peer
            if known.is_resolved:
                peer, heard = known, peer
            if any(entry.local == connection.self_address for entry in self._entries):
                local = connection.self_address
        return hci.HCI_LE_Enhanced_Connection_Complete_Event(
            status=packet.status,
            connection_handle=packet.connection_handle,
            role=packet.role,
            peer_address_type=peer.address_type,
            peer_address=peer,
            local_resolvable_private_address=local,
            peer_resolvable_private_address=heard,
            connection_interval=packet.connection_interval,
            peripheral_latency=packet.peripheral_latency,
            supervision_timeout=packet.supervision_timeout,
            central_clock_accuracy=packet.central_clock_accuracy,
        )

    # Commands. The list may not change while addresses are in use (7.8.38, 39, 40, 44, 77).

    @property
    def _is_in_use(self) -> bool:
        busy = self.le_legacy_advertiser.enabled or self.le_scan_enable
        return bool(busy or self.pending_le_connection is not None)

    @property
    def _refusal(self) -> hci.HCI_ErrorCode | None:
        return _DISALLOWED if self.le_address_resolution and self._is_in_use else None

    def on_hci_le_add_device_to_resolving_list_command(
        self, command: hci.HCI_LE_Add_Device_To_Resolving_List_Command
    ) -> hci.HCI_StatusReturnParameters:
        return hci.HCI_StatusReturnParameters(self._refusal or self._add(command))

    def _add(self, command: hci.HCI_LE_Add_Device_To_Resolving_List_Command) -> hci.HCI_ErrorCode:
        key = command.peer_irk
        keys = [entry.peer_irk for entry in self._entries if entry.peer_irk != _NO_KEY]
        if self._entry(command.peer_identity_address) is not None or key in keys:
            return _INVALID
        if len(self._entries) >= self.resolving_list_size:
            return _FULL
        self._entries.append(Entry(command.peer_identity_address, key, command.local_irk))
        return SUCCESS

    def on_hci_le_clear_resolving_list_command(
        self, command: hci.HCI_LE_Clear_Resolving_List_Command
    ) -> hci.HCI_StatusReturnParameters:
        if self._refusal is None:
            self._entries.clear()
        return hci.HCI_StatusReturnParameters(self._refusal or SUCCESS)

    def on_hci_le_set_address_resolution_enable_command(
        self, command: hci.HCI_LE_Set_Address_Resolution_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        if self._is_in_use:
            return hci.HCI_StatusReturnParameters(_DISALLOWED)
        return super().on_hci_le_set_address_resolution_enable_command(command)

    def on_hci_le_set_resolvable_private_address_timeout_command(
        self, command: hci.HCI_LE_Set_Resolvable_Private_Address_Timeout_Command
    ) -> hci.HCI_StatusReturnParameters:
        if not 1 <= command.rpa_timeout <= _TIMEOUT_MOST_S:
            return hci.HCI_StatusReturnParameters(_INVALID)
        return super().on_hci_le_set_resolvable_private_address_timeout_command(command)

    def on_hci_le_set_privacy_mode_command(
        self, command: hci.HCI_LE_Set_Privacy_Mode_Command
    ) -> hci.HCI_StatusReturnParameters:
        entry = self._entry(command.peer_identity_address)
        status = self._refusal or (SUCCESS if entry else _UNKNOWN)
        if command.privacy_mode not in (_NETWORK, _DEVICE):
            status = _INVALID
        if entry and not status:
            entry.mode = command.privacy_mode
        return hci.HCI_StatusReturnParameters(status)

    def on_hci_le_remove_device_from_resolving_list_command(self, command: hci.HCI_Command) -> None:
        entry = self._named(command)
        status = self._refusal or (SUCCESS if entry else _UNKNOWN)
        if entry and not status:
            self._entries.remove(entry)
        self._complete(command, status)

    def on_hci_le_read_peer_resolvable_address_command(self, command: hci.HCI_Command) -> None:
        entry = self._named(command)
        self._complete_with(command, entry.heard if entry else None)

    def on_hci_le_read_local_resolvable_address_command(self, command: hci.HCI_Command) -> None:
        entry = self._named(command)
        self._complete_with(command, entry.local if entry else None)

    def _named(self, command: hci.HCI_Command) -> Entry | None:
        kind, octets = hci.AddressType(command.parameters[0]), command.parameters[1:7]
        return self._entry(hci.Address(octets, kind))

    def _complete_with(self, command: hci.HCI_Command, address: hci.Address | None) -> None:
        self._complete(command, SUCCESS if address else _UNKNOWN, bytes(address or bytes(6)))

    def _complete(self, command: hci.HCI_Command, status: int, data: bytes = b"") -> None:
        self.send_hci_packet(
            hci.HCI_Command_Complete_Event(
                num_hci_command_packets=1,
                command_opcode=command.op_code,
                return_parameters=hci.HCI_GenericReturnParameters(bytes([status]) + data),
            )
        )
