# SPDX-License-Identifier: Apache-2.0
"""Emulates a PPK2 power profiler on a pseudo-terminal, as its Python package expects one.

ppk2-api 0.9.2, ppk2_api.py: opcodes in PPK2_Command, the calibration in _parse_metadata, samples of
32 bits in _handle_raw_data (14 of the converter's, from bit 0; 3 of the range, from bit 14), and
100,000 of them a second in PPK_Fetch.
"""

import contextlib
import os
import select
import struct
import threading
import time
import tty

CALIBRATION = (
    "Calibrated: 1\n"
    + "".join(f"R{i}: {ohms}\n" for i, ohms in enumerate((1000.0, 100.0, 10.0, 1.0, 0.05)))
    + "".join(f"{name}{i}: {value}\n" for name, value in (("GS", 0), ("GI", 1)) for i in range(5))
    + "".join(f"{name}{i}: 0\n" for name in ("O", "S", "I") for i in range(5))
    + "".join(f"UG{i}: 1\n" for i in range(5))
    + "HW: 9173\nIA: 56\nEND"
)
RANGE, OHMS = 3, 1.0
METADATA, START, STOP = 0x19, 0x06, 0x07
LENGTHS = {0x0C: 2, 0x0D: 3, 0x11: 2}  # of commands with arguments
SAMPLES, EACH_S = 1000, 0.01  # 100,000 a second


def raw_of(milliamperes):
    """The converter's value for a current in RANGE."""
    return round(milliamperes / 1e3 * OHMS / (1.8 / 163840) / 4)


class Player:
    """A PPK2 that measures a constant current.

    Attributes:
        port: The path of its pseudo-terminal.
    """

    def __init__(self, milliamperes, stops_after_s=None, mute=False):
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.port = os.ttyname(theirs)
        self._theirs = theirs
        self._sample = struct.pack("<I", raw_of(milliamperes) | RANGE << 14)
        self._stops_after_s = stops_after_s
        self._mute = mute
        os.set_blocking(self._ours, False)  # samples that nobody reads are lost, as on the wire
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(5)
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self):
        since, sent = None, 0
        while not self._ended.is_set():
            readable, _, _ = select.select([self._ours], [], [], EACH_S)
            command = os.read(self._ours, 64) if readable and not self._mute else b""
            while command:
                if command[0] == METADATA:
                    os.write(self._ours, CALIBRATION.encode())
                elif command[0] in (START, STOP):
                    since = time.monotonic() if command[0] == START else None
                command = command[LENGTHS.get(command[0], 1) :]
            if since is None:
                continue
            if self._stops_after_s is None or time.monotonic() - since < self._stops_after_s:
                with contextlib.suppress(BlockingIOError):
                    # If the line was full in the middle of a sample, its rest comes first.
                    sent += os.write(self._ours, (self._sample * SAMPLES)[sent % 4 :])
            time.sleep(EACH_S)
