# SPDX-License-Identifier: Apache-2.0
"""SMP version 2 (the MCUmgr protocol): requests in, responses out. SPEC.md names the groups."""

import struct

from glasses import cbor
from glasses.protocol import LIMIT_SMP_BYTES, SMP_HEADER_BYTES

READ = 0
WRITE = 2
# Generic result codes of SMP; a group has codes of its own beside them.
ERROR_INVALID = 3
ERROR_TOO_LARGE = 7
ERROR_NOT_SUPPORTED = 8


class RequestError(Exception):
    """A request is refused with the code `rc` of its group."""

    def __init__(self, rc, why):
        super().__init__(why)
        self.rc = rc


class Server:
    """Puts requests together from the pieces that arrive and answers them.

    Attributes:
        requests: That came whole since boot.
        refused: Of these.
    """

    def __init__(self):
        self.requests = 0
        self.refused = 0
        self._handlers = {}
        self._pending = bytearray()
        self._later = None  # (request, coroutine that answers it)

    def handle(self, group, id, op, handler):
        """`handler(body)` answers `op` (READ or WRITE) of a command with a map.

        It may raise RequestError; KeyError, TypeError and ValueError mean a bad body. One that
        takes its time returns a coroutine that does all of that.
        """
        self._handlers[(group, id, op)] = handler

    def reset(self):
        """Forgets requests that were not finished or not answered."""
        self._pending = bytearray()
        self._later = None

    @property
    def waiting(self):
        """Whether an answer is due that `later` gives."""
        return self._later is not None

    def receive(self, data):
        """Takes what one write brought and returns the responses now due, as a list of bytes."""
        self._pending.extend(data)
        responses = []
        while not self.waiting and len(self._pending) >= SMP_HEADER_BYTES:
            length = SMP_HEADER_BYTES + struct.unpack_from(">H", self._pending, 2)[0]
            if length > LIMIT_SMP_BYTES:
                responses.append(self._response(self._pending, {"rc": ERROR_TOO_LARGE}))
                self.reset()  # where the next request begins is not known
                break
            if len(self._pending) < length:
                break
            request = bytes(self._pending[:length])
            self._pending = self._pending[length:]
            answer = self._answer(request)
            if isinstance(answer, dict):
                responses.append(self._response(request, answer))
            else:
                self._later = request, answer
        if len(self._pending) > LIMIT_SMP_BYTES:
            self._pending = bytearray()  # it does not wait for answers
        return responses

    async def later(self):
        """Waits for the answer that takes its time, and returns the responses then due."""
        request, answering = self._later
        try:
            answer = await answering
        except ERRORS as error:
            answer = _refusal(request, error)
        self._later = None
        return [self._response(request, answer)] + self.receive(b"")

    def _answer(self, request):
        """A map, or a coroutine that gives one."""
        op, _, _, group, _, id = struct.unpack_from(">BBHHBB", request)
        self.requests += 1
        handler = self._handlers.get((group, id, op & 7))
        if handler is None:
            self.refused += 1
            return {"rc": ERROR_NOT_SUPPORTED}
        try:
            body = (
                cbor.decode(request[SMP_HEADER_BYTES:]) if len(request) > SMP_HEADER_BYTES else {}
            )
            return handler(body)
        except ERRORS as error:
            self.refused += 1
            return _refusal(request, error)

    def _response(self, request, answer):
        op, flags, _, group, sequence, id = struct.unpack_from(">BBHHBB", request)
        body = cbor.encode(answer)
        if SMP_HEADER_BYTES + len(body) > LIMIT_SMP_BYTES:
            body = cbor.encode({"rc": ERROR_TOO_LARGE})
        return struct.pack(">BBHHBB", op | 1, flags, len(body), group, sequence, id) + body


# What a handler may raise.
ERRORS = (RequestError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def _refusal(request, error):
    if isinstance(error, RequestError):
        return {"err": {"group": struct.unpack_from(">H", request, 4)[0], "rc": error.rc}}
    return {"rc": ERROR_INVALID}
