# SPDX-License-Identifier: Apache-2.0
"""The simulated medium between controllers: decides who hears whom, and when."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import cast

from bumble import att, core, hci, ll
from bumble.controller import Connection, Controller, LegacyAdvertiser
from bumble.link import LocalLink

from workbench.emulation.medium.privacy import PrivateController
from workbench.emulation.medium.timing import Timing, Transmitter

_NOTIFICATION_HEADER = att.ATT_CID.to_bytes(2, "little") + bytes(
    [att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION]
)


@dataclass
class Counters:
    """Counts the bytes of L2CAP PDUs that were carried, and the notifications that were dropped."""

    bytes: int = 0
    dropped: int = 0


def _key(connection: Connection) -> tuple[Controller, int]:
    # bumble's connections cannot be hashed.
    return connection.controller, connection.handle


class Member(PrivateController):
    """A controller as a `Medium` needs it: SimulatedController overrides each of these."""

    def take_fragments(self, connection: Connection) -> int:
        """Returns how many ACL packets from the host held the PDU that is being sent."""
        raise NotImplementedError

    def on_acl_pdu_sent(self, connection: Connection, fragments: int) -> None:
        """Frees the buffers of that many packets, whose PDU has arrived."""
        raise NotImplementedError

    def end_connections(self, reason: int) -> None:
        """Ends every connection and tells the host why."""
        raise NotImplementedError


class Medium(LocalLink):
    """A `LocalLink` with timing, on which every pair of controllers is in range.

    Args:
        timing: Rate and loss; None delivers everything at once.
    """

    # Only members come onto an Medium.
    controllers: set[Member]  # type: ignore[assignment]

    def __init__(self, timing: Timing | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.timing = timing or Timing()
        self.counters = Counters()
        self._rng = random.Random(self.timing.seed)
        self._transmitters: dict[tuple[Controller, int], Transmitter] = {}
        self._in_flight: dict[tuple[Controller, int], deque[tuple[bytes, int]]] = {}
        self._missed: list[Connection] = []
        self._in_range = True
        self._supervision: asyncio.TimerHandle | None = None

    def send_acl_data(
        self,
        sender_controller: Member,  # type: ignore[override]
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        if connection is None:
            return
        self.counters.bytes += len(data)
        pdu = data, sender_controller.take_fragments(connection)
        self._in_flight.setdefault(_key(connection), deque()).append(pdu)
        self._transmit(connection, len(data))

    def _transmit(self, connection: Connection, pdu_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        if not self.timing.interval_ms:
            loop.call_soon(self._arrive, connection)
            return
        transmitter = self._transmitters.get(_key(connection))
        if transmitter is None:
            transmitter = self._transmitters[_key(connection)] = Transmitter(self.timing, self._rng)
        loop.call_at(transmitter.send(loop.time(), pdu_bytes), self._arrive, connection)

    def _arrive(self, connection: Connection) -> None:
        """Delivers the next PDU in flight; retransmissions do not change the order."""
        sender = cast("Member", connection.controller)
        if sender.le_connections.get(connection.peer_address) is not connection:
            return  # disconnected meanwhile
        if not self._in_range:
            self._missed.append(connection)
            return
        data, fragments = self._in_flight[_key(connection)].popleft()
        sender.on_acl_pdu_sent(connection, fragments)
        if data[2:5] == _NOTIFICATION_HEADER and (
            self._rng.random() < self.timing.drop_notifications
        ):
            self.counters.dropped += 1
            return
        receiver = self.find_le_controller(connection.peer_address)
        if receiver is not None and connection.self_address in receiver.le_connections:
            # Stock bumble names the sender's random address even when its public one is in use.
            receiver.on_link_acl_data(connection.self_address, connection.transport, data)

    def forget(self, connection: Connection) -> None:
        """Drops the state of a connection that has ended."""
        self._transmitters.pop(_key(connection), None)
        self._in_flight.pop(_key(connection), None)
        self._missed = [other for other in self._missed if other is not connection]

    def advertiser(self, address: hci.Address) -> tuple[Member, LegacyAdvertiser] | None:
        """Returns the controller that now advertises as `address`, and its advertiser."""
        for controller in self.controllers:
            advertiser = controller.le_legacy_advertiser
            if advertiser.enabled and advertiser.address == address:
                return controller, advertiser
        return None

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        if not self._in_range:
            return
        if isinstance(packet, ll.ConnectInd):
            # At once, so that of two initiators only one finds the advertiser still advertising.
            found = self.advertiser(packet.advertiser_address)
            if found is not None:
                found[0].on_ll_advertising_pdu(packet)
        else:
            # All scanning controllers hear it; any of several initiators may be the first.
            others = sorted(self.controllers - {sender_controller}, key=lambda other: other.name)
            self._rng.shuffle(others)
            others.sort(key=lambda other: other.pending_le_connection is not None)
            for other in others:
                asyncio.get_running_loop().call_soon(other.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        if not self._in_range or self.find_le_controller(receiver_address) is None:
            return  # out of range of all
        super().send_ll_control_pdu(sender_address, receiver_address, packet)

    def out_of_range(self, away: bool = True) -> None:
        """Takes all controllers out of each other's range, or back into it.

        Data in flight waits, since a link layer retransmits it. Connections that are still out of
        range when the supervision timeout has passed end with 0x08.
        """
        self._in_range = not away
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        if away:
            self._supervision = asyncio.get_running_loop().call_later(
                self.timing.supervision_s, self._time_out
            )
        else:
            missed, self._missed = self._missed, []
            for connection in missed:
                self._transmit(connection, len(self._in_flight[_key(connection)][0][0]))

    def set_timing(self, timing: Timing) -> None:
        """Changes rate and loss; what is in flight arrives as it would have."""
        self.timing = timing
        self._transmitters.clear()

    def _time_out(self) -> None:
        self._supervision = None
        self.drop_links()

    def drop_links(self) -> None:
        """Ends all connections as their supervision timeout does, with 0x08."""
        for controller in list(self.controllers):
            controller.end_connections(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def close(self) -> None:
        """Stops the clock."""
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
