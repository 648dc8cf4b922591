# SPDX-License-Identifier: Apache-2.0
"""HCI (H4) ports of the simulated medium: each socket that connects gets its own controller."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from typing import BinaryIO

from bumble import hci
from bumble.snoop import BtSnooper, Snooper
from bumble.transport.common import StreamPacketSink, StreamPacketSource
from bumble.transport.pty import open_pty_transport

from workbench.emulation.medium.controller import SimulatedController
from workbench.emulation.medium.link import Medium

PUBLIC_ADDRESS = "C0:FF:EE:00:{:02X}:{:02X}"


def new_controller(
    medium: Medium, source: object = None, sink: object = None, address: str | None = None
) -> SimulatedController:
    """Returns a controller in the medium.

    Args:
        medium: The medium on which it sends and receives.
        source: The source of packets from the host.
        sink: The sink for packets to the host.
        address: Its public address; None for the first that is free. An operating system files its
            bonds under it.
    """
    taken = {controller.public_address.to_string(False) for controller in medium.controllers}
    if address is None:
        free = (PUBLIC_ADDRESS.format(*divmod(n, 256)) for n in itertools.count(1))
        address = next(one for one in free if one not in taken)
    return SimulatedController(
        f"C-{address[-5:]}", medium, host_source=source, host_sink=sink, public_address=address
    )


class _SnoopedSink:
    """Passes packets on to a host or a controller, and captures them."""

    def __init__(self, sink: object, snooper: Snooper, direction: Snooper.Direction) -> None:
        self._sink = sink
        self._snooper = snooper
        self._direction = direction

    def on_packet(self, packet: bytes) -> None:
        self._snooper.snoop(packet, self._direction)
        self._sink.on_packet(packet)  # type: ignore[attr-defined]


class _Port(StreamPacketSource):
    """A socket with a host at its other end; the controller lives as long as it does."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        server = self._server
        sink = StreamPacketSink(transport)
        self._controller = new_controller(server.medium, self, sink, server.public_address)
        snooper = server.take_snooper()
        if snooper is not None:
            direction = Snooper.Direction
            self.set_packet_sink(
                _SnoopedSink(self._controller, snooper, direction.HOST_TO_CONTROLLER)
            )
            self._controller.host = _SnoopedSink(
                self._controller.host, snooper, direction.CONTROLLER_TO_HOST
            )
        server.ports.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._controller.silence(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        self._server.medium.remove_controller(self._controller)
        self._server.ports.discard(self)
        if not self._server.ports:
            self._server.idle.set()

    def abort(self) -> None:
        self._transport.abort()


class Server:
    """An open HCI port of a medium.

    Attributes:
        address: Where hosts connect, as a bumble transport spec.
        public_address: Public address of its controllers; None for any.
    """

    def __init__(
        self, medium: Medium, capture: BinaryIO | None, public_address: str | None
    ) -> None:
        self.medium = medium
        self.address = ""
        self.public_address = public_address
        self.ports: set[_Port] = set()
        self.idle = asyncio.Event()
        self._snooper = BtSnooper(capture) if capture else None
        self._close: Callable[[], Awaitable[None]] | None = None

    def take_snooper(self) -> Snooper | None:
        """Returns the capture for the first host only, since one file holds one host's view."""
        snooper, self._snooper = self._snooper, None
        return snooper

    async def open(self, spec: str) -> None:
        loop = asyncio.get_running_loop()
        scheme, _, rest = spec.partition(":")
        if scheme == "tcp" and ":" in rest:
            host, _, port = rest.rpartition(":")
            listener = await loop.create_server(lambda: _Port(self), host, int(port))
            bound = listener.sockets[0].getsockname()
            self.address = f"tcp-client:{bound[0]}:{bound[1]}"
            self._close = lambda: self._close_sockets(listener)
        elif scheme == "unix" and rest:
            listener = await loop.create_unix_server(lambda: _Port(self), rest)
            self.address = f"unix:{rest}"
            self._close = lambda: self._close_sockets(listener, rest)
        elif scheme == "pty" and rest:
            pty = await open_pty_transport(rest)
            new_controller(self.medium, pty.source, pty.sink)
            self.address = f"serial:{rest}"
            self._close = pty.close
        else:
            raise ValueError(f"{spec!r}: tcp:HOST:PORT, unix:PATH or pty:PATH")

    async def _close_sockets(self, listener: asyncio.Server, path: str | None = None) -> None:
        listener.close()
        if self.ports:
            self.idle.clear()
            for port in list(self.ports):
                port.abort()
            await self.idle.wait()
        await listener.wait_closed()
        if path is not None:
            os.unlink(path)

    async def close(self) -> None:
        """Ends every host's connection and frees the address."""
        if self._close is not None:
            close, self._close = self._close, None
            await close()
            self.medium.close()


async def serve(
    medium: Medium, spec: str, *, capture: BinaryIO | None = None, public_address: str | None = None
) -> Server:
    """Opens an HCI port.

    Args:
        medium: The medium that the hosts' controllers share.
        spec: "tcp:HOST:PORT" (port 0: any), "unix:PATH" or "pty:PATH" (a link to a new pty).
        capture: File for a btsnoop capture of the first host's HCI.
        public_address: Of the host's controller; None for the first that is free. It is for a port
            that one host at a time uses: an operating system files its bonds under this address.

    Raises:
        ValueError: The spec is not valid.
        OSError: The address cannot be opened.
    """
    server = Server(medium, capture, public_address)
    await server.open(spec)
    return server
