# SPDX-License-Identifier: Apache-2.0
"""Requests to the glasses: the Glint group's messages, and SMP over a connection that is open.

The request and response code is `smpclient`'s; this gives it our link to travel on.
"""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any, ClassVar

import cbor2
from pydantic import ConfigDict, Field
from smp import error as smp_error
from smp import message as smp_message
from smp.exceptions import SMPException
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep, error, error_v1
from smpclient.transport import SMPTransport

from glint import protocol
from glint.errors import NoAnswerError, ProtocolError, RequestError

# smpclient logs what it raises; without this, Python prints that, with the whole request, to the
# terminal of programs that never set logging up.
logging.getLogger("smpclient").addHandler(logging.NullHandler())

_HALF_MARGIN = 1.25  # clocks and radios differ
_U32 = Field(ge=0, le=0xFFFF_FFFF)


class Rc(IntEnum):
    """Error codes of the Glint group; a later firmware's code becomes a member without a name."""

    BAD_REQUEST = protocol.RC_BAD_REQUEST
    BUSY = protocol.RC_BUSY
    NO_CAMERA = protocol.RC_NO_CAMERA
    FAILED = protocol.RC_FAILED
    NOT_FOUND = protocol.RC_NOT_FOUND
    WRONG_TYPE = protocol.RC_WRONG_TYPE
    OUT_OF_RANGE = protocol.RC_OUT_OF_RANGE

    @classmethod
    def _missing_(cls, value: object) -> "Rc | None":
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"RC_{value}"
        member._value_ = value
        return member


_SAID_OF_FILES: dict[int, str] = {
    protocol.FILE_RC_INVALID_NAME: "files are called models/NAME, of letters, digits, '_-.'",
    protocol.FILE_RC_NOT_FOUND: "the glasses have no such file",
    protocol.FILE_RC_WRITE_FAILED: "the file is too large, or the glasses' flash is full",
    protocol.FILE_RC_OFFSET_NOT_VALID: "the glasses have forgotten that upload: start it again",
}
_SAID: dict[int, str] = {
    Rc.BAD_REQUEST: "the glasses do not accept such a value",
    Rc.BUSY: "the glasses are busy with another one: try again when it is done",
    Rc.NO_CAMERA: "these glasses have no camera",
    Rc.FAILED: "it failed on the glasses: try again",
    Rc.NOT_FOUND: "the glasses have no such thing: list what there is",
    Rc.WRONG_TYPE: "the value is of the wrong type",
    Rc.OUT_OF_RANGE: "the value is too small, too large or too long",
}
_SAID_BY_GROUP = {protocol.SMP_GROUP_GLINT: _SAID, protocol.SMP_GROUP_FILE: _SAID_OF_FILES}


class GlintErrorV1(smp_error.ErrorV1):
    """A request was refused with one of SMP's general codes."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT


class GlintErrorV2(smp_error.ErrorV2[Rc]):
    """A request was refused with one of the Glint group's codes."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    model_config = ConfigDict(extra="ignore", frozen=True)

    rsn: str | None = None
    """Why, in the glasses' own words."""


class GlintGroup:
    """What all requests of the group have."""

    _GROUP_ID: ClassVar[int] = protocol.SMP_GROUP_GLINT
    _ErrorV1 = GlintErrorV1
    _ErrorV2 = GlintErrorV2


# Later firmware may say more than this version reads. Most programs need few of these classes: what
# pydantic makes for each is made when it is first used.
READER = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class StatusReadResponse(smp_message.ReadResponse):
    """The glasses' state; see `glint.info.Status`."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_STATUS
    model_config = READER

    board: str
    firmware: str
    micropython: str
    uptime_ms: int
    battery_percent: int
    heap_used: int
    heap_free: int
    words: list[str]
    vision: str
    arena: dict[str, int]
    hops: int
    slow_hops: int
    lost_ms: int
    silent: bool
    camera: bool
    busy_us: int
    notified: int
    notified_bytes: int
    next: int = _U32
    light: bool


class StatusRead(GlintGroup, smp_message.ReadRequest):
    """Asks for the glasses' state."""

    _COMMAND_ID = protocol.SMP_GLINT_STATUS
    _Response = StatusReadResponse


class EventsWriteResponse(smp_message.WriteResponse):
    """Events will come.

    `first` is the lowest not acknowledged, `next` the next to happen, `own` the first of this boot,
    which began `uptime_ms` ago. (Older firmware does not tell the last two.)
    """

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_EVENTS
    model_config = READER

    boot: int = _U32
    first: int = _U32
    next: int = _U32
    own: int = 0
    uptime_ms: int | None = None


class EventsWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for event records from a sequence number on; 0 is the first unread."""

    _COMMAND_ID = protocol.SMP_GLINT_EVENTS
    _Response = EventsWriteResponse
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    since: int = Field(serialization_alias="from")


class ObjectWriteResponse(smp_message.WriteResponse):
    """A media object with this id will follow."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    model_config = READER

    id: int = Field(ge=0, le=0xFFFF)


class PhotoWriteResponse(ObjectWriteResponse):
    """The photo will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_PHOTO


class PhotoWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a photo."""

    _COMMAND_ID = protocol.SMP_GLINT_PHOTO
    _Response = PhotoWriteResponse


class FileWriteResponse(ObjectWriteResponse):
    """The file will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_FILE


class FileWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a file."""

    _COMMAND_ID = protocol.SMP_GLINT_FILE
    _Response = FileWriteResponse

    name: str


class RecordWriteResponse(ObjectWriteResponse):
    """The recording will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_RECORD


class RecordWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a recording."""

    _COMMAND_ID = protocol.SMP_GLINT_RECORD
    _Response = RecordWriteResponse

    ms: int


class StopWriteResponse(smp_message.WriteResponse):
    """No recording is under way any more."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_STOP
    model_config = READER


class StopWrite(GlintGroup, smp_message.WriteRequest):
    """Asks to end the recording that is under way."""

    _COMMAND_ID = protocol.SMP_GLINT_STOP
    _Response = StopWriteResponse


class _Transport(SMPTransport):
    """Carries SMP frames over writes and notifications of a link that somebody else keeps."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self.max_write_bytes = 20  # what every link can carry
        self._buffer = bytearray()
        self._expected = b""  # how the answer begins
        self._answer: asyncio.Future[bytes] | None = None
        self._half_until_s = 0.0  # until then the glasses wait for the rest of a request

    async def connect(self, address: str, timeout_s: float) -> None:
        """The link is open already."""

    async def disconnect(self) -> None:
        """The link's owner closes it."""

    @property
    def mtu(self) -> int:
        """The most bytes of one write."""
        return self.max_write_bytes

    async def send(self, data: bytes) -> None:
        """Sends a frame in as many writes as it takes.

        One that is broken off leaves the glasses with half a request, which they forget after a
        while: the next one waits for that.
        """
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._half_until_s - loop.time())
        for offset in range(0, len(data), self.mtu):
            try:
                await self._write(data[offset : offset + self.mtu])
            except BaseException:
                self._half_until_s = loop.time() + _HALF_MARGIN * protocol.LIMIT_SMP_HALF_MS / 1000
                raise

    async def receive(self) -> bytes:
        """Returns the frame that answers the one sent last."""
        assert self._answer is not None
        return await self._answer

    async def send_and_receive(self, data: bytes) -> bytes:
        """Sends a request and returns its response; those to earlier requests are dropped."""
        self._answer = asyncio.get_running_loop().create_future()
        op, _, _, group, sequence, command = struct.unpack_from(">BBHHBB", data)
        self._expected = struct.pack(">BBHHBB", op | 1, 0, 0, group, sequence, command)
        self._buffer.clear()
        try:
            await self.send(data)
            return await self.receive()
        finally:
            self._answer = None

    def feed(self, data: bytes) -> None:
        """Takes one notification.

        A response begins with one. What begins otherwise is the rest of a response whose beginning
        was lost, or the answer to a request that was given up.
        """
        if self._answer is None or self._answer.done():
            return
        if self._begins_answer(data):
            self._buffer.clear()
        elif not self._buffer:
            return
        self._buffer += data
        length = protocol.SMP_HEADER_BYTES + int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) >= length:
            self._answer.set_result(bytes(self._buffer[:length]))

    def _begins_answer(self, data: bytes) -> bool:
        # Flags and length, which nobody knows beforehand, are between.
        return data[:1] + data[4:8] == self._expected[:1] + self._expected[4:]

    def lose(self, reason: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(reason)


class Requests:
    """Makes SMP requests over one link, one at a time."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Makes requests over a link.

        Args:
            write: Sends one write of the SMP characteristic.
        """
        self._transport = _Transport(write)
        self._client = SMPClient(self._transport, "")
        self._one_at_a_time = asyncio.Lock()

    @property
    def write_bytes(self) -> int:
        """The most bytes of one write, as far as is known."""
        return self._transport.max_write_bytes

    def allow(self, write_bytes: int) -> None:
        """Tells that one write may hold so much, if it is more than was known."""
        self._transport.max_write_bytes = max(self._transport.max_write_bytes, write_bytes)

    def feed(self, data: bytes) -> None:
        """Takes one notification of the SMP characteristic."""
        self._transport.feed(data)

    def lose(self, reason: Exception) -> None:
        """The link is gone: ends the request under way with an error."""
        self._transport.lose(reason)

    async def request(self, request: SMPRequest[TRep, TEr1, TEr2], timeout_s: float = 2.5) -> TRep:
        """Makes a request and returns its response.

        Raises:
            LinkLostError: The link dropped meanwhile.
            NoAnswerError: Nothing came within `timeout_s`.
            ProtocolError: What came is no response.
            RequestError: The glasses refused.
        """
        name = type(request).__name__
        async with self._one_at_a_time:
            try:
                response = await self._client.request(request, timeout_s)
            except TimeoutError as cause:
                raise NoAnswerError(
                    f"The glasses did not answer within {timeout_s:g} s: try again, or switch "
                    "them off and on."
                ) from cause
            except (
                SMPClientException, SMPException, cbor2.CBORError, ValueError, TypeError
            ) as cause:  # fmt: skip
                raise ProtocolError(
                    f"The glasses' answer to {name} is not understood: update glint or the "
                    "glasses' firmware."
                ) from cause
        if error(response):
            raise _refused(response)
        return response


def _refused(response: smp_error.ErrorV1 | smp_error.ErrorV2[Any]) -> RequestError:
    reason = getattr(response, "rsn", None)
    if error_v1(response):
        group, rc, said = 0, int(response.rc), f"{response.rc.name}: update glint or the firmware"
    else:
        group, rc = int(response.err.group), int(response.err.rc)
        said = _SAID_BY_GROUP.get(group, {}).get(rc, "")
        said = said or f"error {rc} of group {group}: update glint"
    if reason:
        said = reason  # the glasses' own words say more than any of ours
    return RequestError(f"Refused: {said}.", group=group, rc=rc)
