# SPDX-License-Identifier: Apache-2.0
"""Makes SMP requests over a link that is open.

The request and response code is `smpclient`'s; this gives it our link to travel on.
"""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import cbor2
from smp import error as smp_error
from smp.exceptions import SMPException
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep, error, error_v1
from smpclient.transport import SMPTransport

from glint import protocol
from glint.errors import NoAnswerError, ProtocolError, RequestError
from glint.smp import Rc

# smpclient logs what it raises; without this, Python prints that, with the whole request, to the
# terminal of programs that never set logging up.
logging.getLogger("smpclient").addHandler(logging.NullHandler())

_HALF_MARGIN = 1.25  # Clocks and radios differ.

_SAID_OF_FILES: dict[int, str] = {
    protocol.FILE_RC_INVALID_NAME: "files are called models/NAME, of letters, digits, '_-.'",
    protocol.FILE_RC_NOT_FOUND: "the glasses have no such file",
    protocol.FILE_RC_WRITE_FAILED: "the file is too large, or the glasses' flash is full",
    protocol.FILE_RC_OFFSET_NOT_VALID: "the glasses have forgotten that upload: start it again",
}
_SAID: dict[int, str] = {
    Rc.BAD_REQUEST: "the glasses do not accept such a value",
    Rc.BUSY: "the glasses are busy with another request: try again when it is done",
    Rc.NO_CAMERA: "these glasses have no camera",
    Rc.FAILED: "the operation failed on the glasses: try again",
    Rc.NOT_FOUND: "the glasses have no such thing: list what there is",
    Rc.WRONG_TYPE: "the value is of the wrong type",
    Rc.OUT_OF_RANGE: "the value is too small, too large or too long",
}
_SAID_BY_GROUP = {protocol.SMP_GROUP_GLINT: _SAID, protocol.SMP_GROUP_FILE: _SAID_OF_FILES}


class Transport(SMPTransport):
    """Carries SMP frames over writes and notifications of a link that somebody else keeps."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Carries frames over a link.

        Args:
            write: Sends one write of the SMP characteristic.
        """
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

    def allow(self, write_bytes: int) -> None:
        """Raises the size of one write to `write_bytes`, if that is more than was known."""
        self.max_write_bytes = max(self.max_write_bytes, write_bytes)

    def feed(self, data: bytes) -> None:
        """Takes one notification of the SMP characteristic.

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
        """Ends the request under way with an error, as the link is gone."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(reason)


class Requests:
    """Makes SMP requests over one link, one at a time."""

    def __init__(self, transport: Transport) -> None:
        """Makes requests over a link.

        Args:
            transport: Carries them.
        """
        self._client = SMPClient(transport, "")
        self._one_at_a_time = asyncio.Lock()

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
