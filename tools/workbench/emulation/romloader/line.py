# SPDX-License-Identifier: Apache-2.0
"""The emulated serial line: SLIP packets on a pty with a chosen name, and optional faults."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from sliplib import Driver, ProtocolError, config

REOPEN_POLL_S = 0.01
READ_BYTES = 65536
LOSSY_PERIOD_BYTES = 60_001  # more than three blocks of the stub, so that a retry gets through

BOOT_LOG = (
    b"\r\nESP-ROM:esp32s3-20210327\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\n"
    b"invalid header: 0xffffffff\r\n"
)
BOOT_LOG_PERIOD_S = 0.05


class HungUp(Exception):
    """The other end closed the port; the chip counts that as a reset."""


class Line:
    """A pty that carries SLIP packets.

    Args:
        path: A symbolic link to the pty is made here, and removed at the end.
        lossy: Lose a byte in every LOSSY_PERIOD_BYTES of what the host sends.
        busy: Hold the port's lock, as another program that has it open would.
    """

    def __init__(self, path: Path, *, lossy: bool = False, busy: bool = False) -> None:
        self._path = path
        self._master, slave = os.openpty()
        tty.setraw(slave)
        if path.is_symlink():
            path.unlink()
        path.symlink_to(os.ttyname(slave))
        self._holder = slave if busy else -1
        if busy:
            fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            os.close(slave)
        self._lossy = lossy
        self._received_bytes = 0
        self._waiting: list[bytes] = []
        self._driver = self._new_driver()

    @staticmethod
    def _new_driver() -> Driver:
        with config.use_leading_end_byte(True):
            return Driver()

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._master)
        if self._holder >= 0:
            os.close(self._holder)

    def _read(self) -> bytes:
        try:
            data = os.read(self._master, READ_BYTES)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._driver = self._new_driver()
            self._waiting.clear()
            raise HungUp from None
        if self._lossy:
            before = self._received_bytes
            self._received_bytes += len(data)
            lost = LOSSY_PERIOD_BYTES - 1 - before % LOSSY_PERIOD_BYTES
            if lost < len(data):
                print(f"a byte was lost after {before + lost}", file=sys.stderr, flush=True)
                data = data[:lost] + data[lost + 1 :]
        return data

    def receive(self) -> bytes:
        """Waits for the next packet.

        Raises:
            HungUp: The host closed the port, or has not opened it yet.
        """
        while not self._waiting:
            self._driver.receive(self._read())
            while True:
                try:
                    packet = self._driver.get(block=False)
                except ProtocolError:
                    continue  # a byte was lost; the host will repeat the packet
                if not packet:
                    break
                self._waiting.append(packet)
        return self._waiting.pop(0)

    def packets(self) -> Iterator[bytes | None]:
        """Yields packets for ever; None each time the host has closed the port."""
        open_now = False
        while True:
            try:
                packet = self.receive()
            except HungUp:
                if open_now:
                    yield None
                open_now = False
                time.sleep(REOPEN_POLL_S)
                continue
            open_now = True
            yield packet

    def send(self, packet: bytes) -> None:
        """Sends one packet; as on a wire, it is lost if the host has hung up."""
        encoded = self._driver.send(packet)
        with contextlib.suppress(BlockingIOError):
            while encoded:
                encoded = encoded[os.write(self._master, encoded) :]

    def swallow(self) -> None:
        """Reads and ignores everything, for ever."""
        for _ in self.packets():
            pass

    def repeat_boot_log(self) -> None:
        """Repeats for ever the log of a chip that finds nothing to boot, and resets."""
        os.set_blocking(self._master, False)
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, BOOT_LOG)
            with contextlib.suppress(OSError):
                os.read(self._master, READ_BYTES)
            time.sleep(BOOT_LOG_PERIOD_S)
