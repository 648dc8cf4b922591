# SPDX-License-Identifier: Apache-2.0
"""Defines the frames between the emulated module `bluetooth` and its radio, on channel RADIO.

boards/simulation/bluetooth.py is the other end. All numbers are little endian; the first byte is
the type of a frame. The board's calls are answered with REPLY, in order; its posts get no answer.
The radio's frames are REPLY, ROOM, or an event under MicroPython's IRQ number for it; those in
SYNCHRONOUS are answered with ANSWER, in order. Attribute values are kept on the board, as in
NimBLE's binding.
"""

from __future__ import annotations

from enum import IntEnum


class Op(IntEnum):
    """Frames from the board."""

    # u8 on; when on: 16-byte IRK (zeros: make one), stored peer secrets -> address, IRK
    ACTIVE = 1
    # u8 Item, then u16 value, or the name
    CONFIG = 2
    # u8 services; each: UUID, u8 characteristics; each: UUID, u16 flags, u8 descriptors; each:
    # UUID, u16 flags. A UUID is u8 length, bytes. -> u16 handle of every value
    REGISTER = 3
    # u8 Advertise, u32 interval_us, u8 length of data, u8 length of scan response (255: as
    # before), data, scan response
    ADVERTISE = 4
    # u16 connection
    DISCONNECT = 5
    PAIR = 6
    # u16 connection, u8 action, u32 passkey
    PASSKEY = 7
    # Posts: u16 connection, u16 handle, value
    NOTIFY = 16
    INDICATE = 17
    # Post: u16 handle, value for all subscribers
    UPDATE = 18
    # Post: u8 result, data
    ANSWER = 19
    # Post: the board's code pauses: if the host waits for MicroPython's lock, it goes first
    PAUSE = 20


# Added to the op of calls from an event handler on the board, which the host's own task makes.
IN_EVENT = 0x80


# Calls that wait for the lock of NimBLE's host.
NEED_LOCK = {
    *(Op.ADVERTISE, Op.DISCONNECT, Op.PAIR, Op.PASSKEY),
    *(Op.NOTIFY, Op.INDICATE, Op.UPDATE),
}


class Item(IntEnum):
    """The settings of CONFIG."""

    GAP_NAME = 0
    MTU = 1
    BOND = 2
    MITM = 3
    IO = 4
    LE_SECURE = 5
    ADDR_MODE = 6  # MP_BLUETOOTH_ADDRESS_MODE_*: 1 static, 2 resolvable private


class Advertise(IntEnum):
    """The kinds of advertising of ADVERTISE."""

    STOP = 0
    SCANNABLE = 1
    CONNECTABLE = 2


class Event(IntEnum):
    """Frames from the radio; 1 to 31 are MicroPython's IRQ numbers."""

    REPLY = 0  # i16 errno (negative: NimBLE's own number), data or the error's text
    CENTRAL_CONNECT = 1  # u16 connection, u8 address type, address (big endian)
    CENTRAL_DISCONNECT = 2  # as CENTRAL_CONNECT
    GATTS_WRITE = 3  # u16 connection, u16 handle, value
    GATTS_READ_REQUEST = 4  # u16 connection, u16 handle; answer: ATT error, value
    GATTS_INDICATE_DONE = 20  # u16 connection, u16 handle, u8 status
    MTU_EXCHANGED = 21  # u16 connection, u16 MTU
    CONNECTION_UPDATE = 27  # u16 connection, interval, latency, supervision timeout, status
    ENCRYPTION_UPDATE = 28  # u16 connection, u8 encrypted, authenticated, bonded, key size
    GET_SECRET = 29  # u8 type, u8 index, key (none: any); answer: found, value
    SET_SECRET = 30  # u8 type, u8 key length, key, value (none: delete); answer: done
    PASSKEY_ACTION = 31  # u16 connection, u8 action, u32 passkey
    ROOM = 128  # u8 buffers that notifications may use again
    LOCK = 129  # the host is about to take its lock; answered once all before is handled
    UNLOCK = 130  # it has it no more: the question that it was taken for was withdrawn


SYNCHRONOUS = {
    *(Event.GATTS_WRITE, Event.GATTS_READ_REQUEST),
    *(Event.GET_SECRET, Event.SET_SECRET, Event.LOCK),
}

# The blocks that a notification takes: one for the header of ATT (ble_att_clt.c,
# ble_att_clt_tx_notify) and those that its value fills (ble_hs_mbuf.c, ble_hs_mbuf_from_flat).
# ESP-IDF v5.2.2 has 12 of 256 bytes (components/bt/host/nimble/Kconfig.in:261), of which struct
# os_mbuf takes 16 on 32 bits; in the first, struct os_mbuf_pkthdr takes 8, and the room that is
# left for HCI, L2CAP and ATT 13.
BLOCKS = 12
FIRST_BLOCK_BYTES = 219
BLOCK_BYTES = 240


def blocks_for(payload_bytes: int) -> int:
    """Returns how many blocks a notification occupies until it is handed to the controller."""
    rest = max(0, payload_bytes - FIRST_BLOCK_BYTES)
    return 2 + -(-rest // BLOCK_BYTES)
