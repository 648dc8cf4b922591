# SPDX-License-Identifier: Apache-2.0
"""A Bluetooth controller on the simulated medium, with all our fixes of stock bumble 0.0.236.

tests/emulation/test_medium_controller.py has a test for each fault of stock bumble; when one passes
with the stock `Controller`, the corresponding fix can be removed.
"""

from __future__ import annotations

import asyncio
import collections
from typing import Any

from bumble import core, hci, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser

from workbench.emulation.medium.link import Medium, Member
from workbench.emulation.medium.timing import LL_OCTETS_MAX, LL_OCTETS_WITHOUT_DLE

RSSI_DBM = -50
# Longest time of a packet of 251 octets on 1M: Core 5.4, Vol 6, Part B, 4.5.10.
_MAX_TX_TIME_US = 2120
_REPORT = hci.HCI_LE_Advertising_Report_Event
_ADV = hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType
_REPORTED = {
    _ADV.ADV_IND: _REPORT.EventType.ADV_IND,
    _ADV.ADV_SCAN_IND: _REPORT.EventType.ADV_SCAN_IND,
    _ADV.ADV_NONCONN_IND: _REPORT.EventType.ADV_NONCONN_IND,
}


class _Advertiser(LegacyAdvertiser):
    """Stock: only connectable advertising is sent (`_report` tells the kinds apart), and never
    under a private address that the controller draws.
    """

    @property
    def address(self) -> hci.Address:
        assert isinstance(self.controller, Member)
        return self.controller.own_address(self.own_address_type, self.peer_address)

    def send_advertising_data(self) -> None:
        if self.enabled:
            self.controller.send_advertising_pdu(ll.AdvInd(self.address, self.advertising_data))


class SimulatedController(Member):
    """A bumble `Controller` that survives its hosts and tells them the truth about the link."""

    link: Medium
    # Stock: Extended Advertising is claimed, but advertisements are legacy ones; connections are
    # announced with the plain LE Connection Complete. With either this bit or LL Privacy, Linux
    # waits for the enhanced event (6.1, include/net/bluetooth/hci_core.h,
    # use_enhanced_conn_complete; net/bluetooth/hci_sync.c, hci_le_create_conn_sync), and cancels
    # the connection when that has not come. LL Privacy is claimed, since it is kept.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )
    le_acl_data_packet_length = LL_OCTETS_MAX
    total_num_le_acl_data_packets = 12
    supported_max_tx_octets = supported_max_rx_octets = LL_OCTETS_MAX
    suggested_max_tx_octets = LL_OCTETS_WITHOUT_DLE

    def __init__(self, name: str, link: Medium, **kwargs: Any) -> None:
        super().__init__(name, link=link, **kwargs)
        self._fragments: collections.Counter[int] = collections.Counter()
        self._connect_ind: ll.ConnectInd | None = None
        self.le_legacy_advertiser = _Advertiser(self)

    # Hosts that start and die. Stock: a reset resets nothing, a host that dies leaves its
    # connections and its advertising behind for ever.

    def on_hci_reset_command(
        self, command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        self.silence(hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)
        self.forget_peers()
        return super().on_hci_reset_command(command)

    def silence(self, reason: int) -> None:
        """Stops all radio activity; peers see their connections end with `reason`."""
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.le_legacy_advertiser.stop()
        for connection in list(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(reason))
            del self.le_connections[connection.peer_address]
            self._release(connection)

    def end_connections(self, reason: int) -> None:
        """Tells the host that all its connections have ended."""
        for connection in list(self.le_connections.values()):
            self.on_le_disconnected(connection, reason)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        super().on_le_disconnected(connection, reason)
        self._release(connection)

    def _release(self, connection: Connection) -> None:
        self._fragments.pop(connection.handle, None)
        self.link.forget(connection)

    # Connecting. Stock: the second of two initiators gets a connection that nobody is at the other
    # end of; a cancel leaves the attempt pending; the peripheral is told made-up parameters.

    def create_le_connection(self, peer_address: hci.Address) -> None:
        found = self.link.advertiser(peer_address)
        pending = self.pending_le_connection
        if found is None or found[1].advertising_type != _ADV.ADV_IND or pending is None:
            return
        own = self.own_address(pending.own_address_type, pending.peer_address)
        if found[0].known_as(own) is None:
            return
        # Stock: the random address stands for every kind of own address but the public one, and
        # the peer's is the one that the host asked for, not the one that it goes by now.
        pending.peer_address = peer_address
        fixed, self._random_address = self._random_address, own
        try:
            super().create_le_connection(peer_address)
        finally:
            self._random_address = fixed

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        # Runs after the command complete event, which our return value becomes.
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        self._connect_ind = packet
        super().on_le_connect_ind(packet)
        self._connect_ind = None

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if isinstance(packet, hci.HCI_LE_Connection_Complete_Event):
            if self._connect_ind is not None:
                packet.connection_interval = self._connect_ind.interval
                packet.peripheral_latency = self._connect_ind.latency
                packet.supervision_timeout = self._connect_ind.timeout
            if self.link.timing.interval_ms and not packet.status:
                packet.connection_interval = round(self.link.timing.interval_ms / 1.25)
            packet = self.connected(packet)
        super().send_hci_packet(packet)

    # Data. Stock: packets complete before they were sent, so hosts never feel the link's rate; and
    # an arriving PDU goes up in one piece, however long.

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        connection = self.find_le_connection_by_handle(packet.connection_handle)
        if connection is None:
            return
        self._fragments[connection.handle] += 1
        connection.assembler.feed_packet(packet)  # a whole PDU goes to link.send_acl_data

    def take_fragments(self, connection: Connection) -> int:
        """Returns how many of the host's buffers held the PDU that is being sent."""
        return self._fragments.pop(connection.handle, 0)

    def on_acl_pdu_sent(self, connection: Connection, fragments: int) -> None:
        """A PDU has arrived at the peer: the host may have its buffers back."""
        self.send_hci_packet(
            hci.HCI_Number_Of_Completed_Packets_Event(
                connection_handles=[connection.handle], num_completed_packets=[fragments]
            )
        )

    def on_link_acl_data(
        self, sender_address: hci.Address, transport: core.PhysicalTransport, data: bytes
    ) -> None:
        connection = self.le_connections.get(sender_address)
        if connection is None:
            return
        size = self.le_acl_data_packet_length
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            boundary = 1 if at else 2  # continuing, or first fragment that may be flushed
            self.send_hci_packet(
                hci.HCI_AclDataPacket(connection.handle, boundary, 0, len(piece), piece)
            )

    # What hosts ask about the link. Stock: no answer to some, fixed answers to others.

    @property
    def _phy(self) -> hci.Phy:
        return hci.Phy.LE_2M if self.link.timing.phy == 2 else hci.Phy.LE_1M

    def on_hci_le_set_data_length_command(
        self, command: hci.HCI_LE_Set_Data_Length_Command
    ) -> hci.HCI_StatusAndConnectionHandleReturnParameters:
        octets = min(command.tx_octets, self.link.timing.ll_octets)
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Data_Length_Change_Event(
                connection_handle=command.connection_handle,
                max_tx_octets=octets,
                max_tx_time=_MAX_TX_TIME_US,
                max_rx_octets=octets,
                max_rx_time=_MAX_TX_TIME_US,
            ),
        )
        return hci.HCI_StatusAndConnectionHandleReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, connection_handle=command.connection_handle
        )

    def on_hci_le_set_phy_command(self, command: hci.HCI_LE_Set_PHY_Command) -> None:
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        self.send_hci_packet(
            hci.HCI_LE_PHY_Update_Complete_Event(
                status=hci.HCI_ErrorCode.SUCCESS,
                connection_handle=command.connection_handle,
                tx_phy=self._phy,
                rx_phy=self._phy,
            )
        )

    def on_hci_le_read_phy_command(
        self, command: hci.HCI_LE_Read_PHY_Command
    ) -> hci.HCI_LE_Read_PHY_ReturnParameters:
        return hci.HCI_LE_Read_PHY_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS,
            connection_handle=command.connection_handle,
            tx_phy=self._phy,
            rx_phy=self._phy,
        )

    def on_hci_read_rssi_command(
        self, command: hci.HCI_Read_RSSI_Command
    ) -> hci.HCI_Read_RSSI_ReturnParameters:
        return hci.HCI_Read_RSSI_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, handle=command.handle, rssi=RSSI_DBM
        )

    # Scanning. Stock: the advertising data is reported again as the scan response, and everything
    # is connectable.

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        found = self.link.advertiser(pdu.advertiser_address)
        known = self.known_as(pdu.advertiser_address)
        if found is None or known is None:
            return
        if self.le_scan_enable:
            kind = _ADV(found[1].advertising_type)
            self._report(known, pdu.data, _REPORTED[kind])
            if self.le_scan_type == 1 and kind in (_ADV.ADV_IND, _ADV.ADV_SCAN_IND):
                self._report(known, bytes(found[1].scan_response_data), _REPORT.EventType.SCAN_RSP)
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address in (known, pdu.advertiser_address):
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, advertiser: hci.Address, data: bytes, kind: _REPORT.EventType) -> None:
        report = _REPORT.Report(
            event_type=kind,
            address_type=advertiser.address_type,
            address=advertiser,
            data=data,
            rssi=RSSI_DBM,
        )
        self.send_hci_packet(_REPORT([report]))
