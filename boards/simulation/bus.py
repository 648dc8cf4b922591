# SPDX-License-Identifier: Apache-2.0
"""The simulation bus: the one byte stream between emulated glasses and the workbench.

A frame is u8 channel, u8 zero, u16 payload length (little endian), payload. What each channel
carries is in boards/README.md; `workbench.emulation.bus` is the other end.
"""

import errno
import struct

MIC = 1
CAMERA = 2
BUTTON = 3
BATTERY = 4
LIGHT = 5
RADIO = 6
KEYS = 8

HEADER_BYTES = 4
PAYLOAD_MAX_BYTES = 4096


class Bus:
    """Frames over `stream`, whose `readinto` never blocks and whose `write` takes everything."""

    def __init__(self, stream):
        self.lost = False
        self._stream = stream
        self._handlers = {}
        self._rx = memoryview(bytearray(HEADER_BYTES + PAYLOAD_MAX_BYTES))
        self._rx_bytes = 0
        self._rx_wanted = HEADER_BYTES
        self._reading = False
        self._tx = memoryview(bytearray(HEADER_BYTES + PAYLOAD_MAX_BYTES))
        self._sending = False
        self._pump_due = False
        self._pumps = 0

    def on(self, channel, handler):
        """Runs `handler(payload)` for each frame; the memoryview is valid until it returns."""
        self._handlers[channel] = handler

    def send(self, channel, *parts):
        """Sends one frame made of `parts`. Raises ValueError when they are too long together."""
        n = HEADER_BYTES
        tx = self._tx
        # A scheduled pump may run between any two byte codes, and send: it waits for this frame.
        self._sending = True
        try:
            for part in parts:
                if n + len(part) > HEADER_BYTES + PAYLOAD_MAX_BYTES:
                    raise ValueError("simulation bus: a frame takes %d bytes" % PAYLOAD_MAX_BYTES)
                tx[n : n + len(part)] = part
                n += len(part)
            struct.pack_into("<BBH", tx, 0, channel, 0, n - HEADER_BYTES)
            self._stream.write(tx[:n])
        finally:
            self._sending = False
        if self._pump_due:
            self.pump()

    def check(self):
        """Raises OSError when the other end has gone."""
        if self.lost:
            raise OSError(errno.ENODEV, "simulation bus: the workbench has gone")

    def pump(self):
        """Reads and dispatches what has arrived; may be called from within a handler.

        Raises OSError when the workbench has gone.
        """
        self.check()
        if self._sending or self._reading:
            self._pump_due = True  # whoever holds the stream now comes back here
            return
        self._pumps += 1
        try:
            while True:
                self._pump_due = False
                frame = self._read_frame()
                if frame is not None:
                    handler = self._handlers.get(frame[0])
                    if handler:
                        handler(frame[HEADER_BYTES:])
                elif not self._pump_due:
                    return
        finally:
            self._pumps -= 1
        if self._pump_due and not self._pumps:
            self.pump()  # the scheduler left it to us after we had looked

    def pump_scheduled(self):
        """`pump` for the scheduler, which may run it between any two byte codes of another pump.

        That one has a frame in the buffer: it goes on, and sees what has arrived.
        """
        if self._pumps:
            self._pump_due = True
        else:
            self.pump()

    def _read_frame(self):
        self._reading = True
        try:
            while True:
                got = self._stream.readinto(self._rx[self._rx_bytes : self._rx_wanted])
                if got is None:
                    return None
                if got == 0:
                    self.lost = True
                    self.check()
                self._rx_bytes += got
                if self._rx_bytes < self._rx_wanted:
                    continue
                if self._rx_wanted == HEADER_BYTES:
                    length = self._rx[2] | self._rx[3] << 8
                    if length > PAYLOAD_MAX_BYTES:
                        self.lost = True
                        raise OSError(
                            "simulation bus: frame of %d bytes; the stream is out of step" % length
                        )
                    self._rx_wanted += length
                    if length:
                        continue
                frame = self._rx[: self._rx_wanted]
                # Ready for the next frame before the handler runs: it may pump.
                self._rx_bytes = 0
                self._rx_wanted = HEADER_BYTES
                return frame
        finally:
            self._reading = False


_bus = None


def set(bus):
    """Sets the board's bus, once, at start."""
    global _bus
    _bus = bus


def get():
    """Returns the bus of this board."""
    return _bus
