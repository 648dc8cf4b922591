# SPDX-License-Identifier: Apache-2.0
"""Emulates the commands of the ROM loader and of esptool's stub flasher.

The protocol: https://docs.espressif.com/projects/esptool/en/latest/esp32s3/advanced-topics/serial-protocol.html
A request is u8 0, u8 command, u16 length, u32 checksum, data; the answer u8 1, u8 command,
u16 length, u32 value, data, then a failure flag and an error code; the ROM adds two bytes to these.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from functools import reduce
from operator import xor

from esptool.loader import ESPLoader

from workbench.emulation.romloader.chip import Registers
from workbench.emulation.romloader.flash import Flash
from workbench.emulation.romloader.line import Line

COMMANDS: dict[str, int] = ESPLoader.ESP_CMDS
SYNC_VALUE_ROM = 0x20120707  # any value but the stub's zero tells esptool that this is the ROM
SYNC_ANSWERS = 8
READ_SLOW_BYTES = 64

# Error codes as esptool's FatalError.WithResult names them: "format of the received message",
# "Checksum error", "Deflate failed error", "Not in flash mode", parameter invalid.
ERROR_FORMAT = 0x05
ERROR_CHECKSUM = 0x07
ERROR_DEFLATE = 0x0B
ERROR_PARAMETER = 0x01


class Unplugged(Exception):
    """The cable was pulled, as the fault asked for."""


class Refused(Exception):
    """A command failed; holds the error code of the answer."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code:#04x}")
        self.code = code


class Loader:
    """The chip in download mode.

    Args:
        line: The serial line to the host.
        registers: The chip's registers.
        flash: The chip's flash.
        unplug_after_bytes: Raise Unplugged when that much of an image has arrived; 0 means never.
        wrong_md5: Answer a wrong MD5, as if the flash did not hold what was written.
    """

    def __init__(
        self,
        line: Line,
        registers: Registers,
        flash: Flash,
        *,
        unplug_after_bytes: int = 0,
        wrong_md5: bool = False,
    ) -> None:
        self._line = line
        self._registers = registers
        self._flash = flash
        self._unplug_after_bytes = unplug_after_bytes
        self._wrong_md5 = wrong_md5
        self._stub = False
        self._image_bytes = 0
        self._write_at = 0
        self._block_bytes = 0
        self._sequence = 0
        self._inflate = zlib.decompressobj()
        self._handlers: dict[int, Callable[[bytes], bytes | int | None]] = {
            COMMANDS["WRITE_REG"]: self._write_registers,
            COMMANDS["READ_REG"]: lambda data: registers.read(*struct.unpack("<I", data)),
            COMMANDS["GET_SECURITY_INFO"]: self._security_info,
            COMMANDS["MEM_BEGIN"]: self._nothing,
            COMMANDS["MEM_DATA"]: self._nothing,
            COMMANDS["SPI_ATTACH"]: self._attach,
            COMMANDS["SPI_SET_PARAMS"]: self._nothing,
            COMMANDS["CHANGE_BAUDRATE"]: self._nothing,
            COMMANDS["FLASH_BEGIN"]: self._flash_begin,
            COMMANDS["FLASH_DATA"]: self._flash_data,
            COMMANDS["FLASH_END"]: self._nothing,
            COMMANDS["FLASH_DEFL_BEGIN"]: self._flash_begin,
            COMMANDS["FLASH_DEFL_DATA"]: self._deflated_data,
            COMMANDS["FLASH_DEFL_END"]: self._nothing,
            COMMANDS["SPI_FLASH_MD5"]: self._md5,
            COMMANDS["READ_FLASH_SLOW"]: self._read_slow,
        }
        self._stub_handlers: dict[int, Callable[[bytes], bytes | int | None]] = {
            COMMANDS["ERASE_FLASH"]: lambda _: flash.erase(0, flash.size),
            COMMANDS["ERASE_REGION"]: lambda data: flash.erase(*struct.unpack("<II", data)),
        }
        self._summed = [COMMANDS[name] for name in ("MEM_DATA", "FLASH_DATA", "FLASH_DEFL_DATA")]

    def run(self) -> None:
        """Serves for ever.

        Raises:
            Unplugged: As the fault asked for.
        """
        for packet in self._line.packets():
            if packet is None:
                # esptool resets the chip whenever it opens the port.
                self._stub = self._registers.flash_attached = False
            elif len(packet) >= 8 and packet[0] == 0:
                self._serve(packet)

    def _serve(self, packet: bytes) -> None:
        _, command, length, checksum = struct.unpack_from("<BBHI", packet)
        data = packet[8:]
        if command == COMMANDS["SYNC"]:
            for _ in range(SYNC_ANSWERS):
                self._answer(command, 0 if self._stub else SYNC_VALUE_ROM)
            return
        try:
            if length != len(data):
                raise Refused(ERROR_FORMAT)
            if command in self._summed and reduce(xor, data[16:], 0xEF) != checksum:
                raise Refused(ERROR_CHECKSUM)
            if command == COMMANDS["MEM_END"]:
                self._run_uploaded(data)
            elif command == COMMANDS["READ_FLASH"] and self._stub:
                self._read_flash(data)
            else:
                handler = self._handlers.get(command)
                if handler is None and self._stub:
                    handler = self._stub_handlers.get(command)
                if handler is None:
                    raise Refused(ERROR_FORMAT)
                result = handler(data)
                if isinstance(result, bytes):
                    self._answer(command, data=result)
                else:
                    self._answer(command, result or 0)
        except Refused as refusal:
            self._answer(command, status=(1, refusal.code))
        except (struct.error, ValueError, TypeError):
            self._answer(command, status=(1, ERROR_PARAMETER))

    def _answer(
        self, command: int, value: int = 0, data: bytes = b"", status: tuple[int, int] = (0, 0)
    ) -> None:
        body = data + bytes(status) + (b"" if self._stub else bytes(2))
        self._line.send(struct.pack("<BBHI", 1, command, len(body), value) + body)

    def _nothing(self, data: bytes) -> None:
        """Accepts a command without any effect that the host could see."""

    def _attach(self, data: bytes) -> None:
        self._registers.flash_attached = True

    def _write_registers(self, data: bytes) -> None:
        for address, value, mask, _delay_us in struct.iter_unpack("<IIII", data):
            self._registers.write(address, value, mask)

    def _security_info(self, data: bytes) -> bytes:
        if self._registers.target.USES_MAGIC_VALUE:
            raise Refused(ERROR_FORMAT)
        registers = self._registers
        return struct.pack(
            "<IB7sII",
            registers.security_flags,
            registers.crypt_count,
            bytes(7),
            registers.target.IMAGE_CHIP_ID,
            0,
        )

    def _run_uploaded(self, data: bytes) -> None:
        stay, _entry = struct.unpack("<II", data)
        self._answer(COMMANDS["MEM_END"])
        if not stay:
            self._stub = self._registers.flash_attached = True
            self._line.send(b"OHAI")

    def _flash_begin(self, data: bytes) -> None:
        erase_bytes, _blocks, self._block_bytes, self._write_at = struct.unpack_from("<IIII", data)
        self._sequence = 0
        self._inflate = zlib.decompressobj()
        if erase_bytes:
            self._flash.erase(self._write_at, erase_bytes)

    def _count(self, arrived_bytes: int) -> None:
        self._image_bytes += arrived_bytes
        if self._unplug_after_bytes and self._image_bytes >= self._unplug_after_bytes:
            raise Unplugged

    def _flash_data(self, data: bytes) -> None:
        _length, sequence = struct.unpack_from("<II", data)
        self._flash.program(self._write_at + sequence * self._block_bytes, data[16:])
        self._count(len(data) - 16)

    def _deflated_data(self, data: bytes) -> None:
        _length, sequence = struct.unpack_from("<II", data)
        if sequence != self._sequence:
            raise Refused(ERROR_DEFLATE)
        try:
            plain = self._inflate.decompress(data[16:])
        except zlib.error:
            raise Refused(ERROR_DEFLATE) from None
        self._flash.program(self._write_at, plain)
        self._write_at += len(plain)
        self._sequence += 1
        self._count(len(data) - 16)

    def _md5(self, data: bytes) -> bytes:
        offset, length = struct.unpack_from("<II", data)
        digest = hashlib.md5(self._flash.read(offset, length)).digest()
        if self._wrong_md5:
            digest = bytes(byte ^ 0xFF for byte in digest)
        return digest if self._stub else digest.hex().encode()

    def _read_slow(self, data: bytes) -> bytes:
        offset, length = struct.unpack("<II", data)
        return self._flash.read(offset, length).ljust(READ_SLOW_BYTES, b"\0")

    def _read_flash(self, data: bytes) -> None:
        """Streams blocks with a limit on unacknowledged bytes, then their MD5."""
        offset, length, block_bytes, in_flight = struct.unpack("<IIII", data)
        content = self._flash.read(offset, length)
        self._answer(COMMANDS["READ_FLASH"])
        sent = acknowledged = 0
        while acknowledged < length:
            while sent < length and sent - acknowledged < in_flight * block_bytes:
                self._line.send(content[sent : sent + block_bytes])
                sent = min(sent + block_bytes, length)
            (acknowledged,) = struct.unpack("<I", self._line.receive())
        self._line.send(hashlib.md5(content).digest())
