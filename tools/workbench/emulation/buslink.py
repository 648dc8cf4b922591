# SPDX-License-Identifier: Apache-2.0
"""The host's end of firmware/port/simbus.h: a byte stream in memory shared with the emulator.

QEMU transfers the bytes of a UART one at a time, at 12 kB/s on two cores. Here they are copied
through shared memory instead, and the UART only signals that there are some.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import threading
import time
from collections.abc import Callable

RING_BYTES = 0x10000
HEADER_BYTES = 4096
SHARED_BYTES = HEADER_BYTES + 2 * RING_BYTES
RX_PUT, RX_GOT, TX_PUT, TX_GOT, OPENED, OPENED_TX_PUT, ACCEPTED = range(7)
# The board signals when it has written, but not when it has read, so this polls for room.
POLL_S = 0.001
WRAP = 1 << 32


class BusLink:
    """Copies between a stream for the workbench and the rings of one emulated board.

    Attributes:
        stream: The workbench's end. It ends when the emulator ends. With `on_reopened`, it also
            ends when the board reopens its end, as after a reset; another stream replaces it.
        on_reopened: Called when that happens, in a thread of this object.

    Args:
        memory: Descriptor of the memory's file.
        offset: Where the rings are in it.
        doorbell: Stream of the board's second UART; closed by `close`.
    """

    def __init__(self, memory: int, offset: int, doorbell: socket.socket) -> None:
        os.pwrite(memory, bytes(HEADER_BYTES), offset)
        self._map = mmap.mmap(memory, SHARED_BYTES, offset=offset)
        self._bytes = memoryview(self._map)
        self._counters = self._bytes[: 7 * 4].cast("I")
        self._to_board = self._bytes[HEADER_BYTES : HEADER_BYTES + RING_BYTES]
        self._from_board = self._bytes[HEADER_BYTES + RING_BYTES :]
        self._doorbell = doorbell
        self._closing = False
        self._feeding = threading.Lock()
        self.on_reopened: Callable[[], None] | None = None
        self.stream, self._inner = socket.socketpair()
        self._threads = [
            threading.Thread(target=work, name=f"bus-{work.__name__}", daemon=True)
            for work in (self._feed, self._drain)
        ]
        for thread in self._threads:
            thread.start()

    def _feed(self) -> None:
        while not self._closing:
            inner = self._inner
            with contextlib.suppress(OSError):
                while data := memoryview(inner.recv(RING_BYTES)):
                    self._feed_all(inner, data)
            # Either this stream or the emulator has ended; a replacement stream exists by then.
            if inner is self._inner:
                return

    def _feed_all(self, inner: socket.socket, data: memoryview) -> None:
        while data and not self._closing:
            with self._feeding:
                if inner is not self._inner:
                    return
                sent = self._put(data)
            data = data[sent:]
            if sent:
                self._doorbell.sendall(b"\0")
            else:
                time.sleep(POLL_S)

    def _put(self, data: memoryview) -> int:
        put = self._counters[RX_PUT]
        room = RING_BYTES - (put - self._counters[RX_GOT]) % WRAP
        n = min(len(data), room)
        at = put % RING_BYTES
        straight = min(n, RING_BYTES - at)
        self._to_board[at : at + straight] = data[:straight]
        self._to_board[: n - straight] = data[straight:n]
        self._counters[RX_PUT] = (put + n) % WRAP
        return n

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            while self._doorbell.recv(4096):
                if self._counters[OPENED] != self._counters[ACCEPTED]:
                    self._accept()
                self._take()
            self._take()
        with contextlib.suppress(OSError):
            self._inner.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        """Handles that the board opened its end; bytes in flight before may be half a frame."""
        opened, again = self._counters[OPENED], self._counters[ACCEPTED] != 0
        if again and self.on_reopened:
            with self._feeding:
                self._counters[TX_GOT] = self._counters[OPENED_TX_PUT]
                self._counters[RX_GOT] = self._counters[RX_PUT]
                old = self._inner
                self.stream, self._inner = socket.socketpair()
            with contextlib.suppress(OSError):
                old.shutdown(socket.SHUT_RDWR)
            old.close()
            self.on_reopened()
        self._counters[ACCEPTED] = opened

    def _take(self) -> None:
        got = self._counters[TX_GOT]
        n = (self._counters[TX_PUT] - got) % WRAP
        at = got % RING_BYTES
        straight = min(n, RING_BYTES - at)
        self._inner.sendall(self._from_board[at : at + straight])
        self._inner.sendall(self._from_board[: n - straight])
        self._counters[TX_GOT] = (got + n) % WRAP

    def close(self) -> None:
        """Ends both directions; this waits for ever unless the emulator has ended."""
        self._closing = True
        for end in (self._inner, self._doorbell):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._inner, self._doorbell, self.stream):
            end.close()
        for view in (self._counters, self._to_board, self._from_board, self._bytes):
            view.release()
        self._map.close()
