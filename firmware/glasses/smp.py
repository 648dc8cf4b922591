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

    def handle(self, group, id, op, handler):
        """`handler(body)` answers `op` (READ or WRITE) of a command with a map.

        It may raise RequestError; KeyError, TypeError and ValueError mean a bad body.
        """
        self._handlers[(group, id, op)] = handler

    def reset(self):
        """Forgets a request that was not finished."""
        self._pending = bytearray()

    def receive(self, data):
        """Takes what one write brought and returns the responses now due, as a list of bytes."""
        self._pending.extend(data)
        responses = []
        while len(self._pending) >= SMP_HEADER_BYTES:
            length = SMP_HEADER_BYTES + struct.unpack_from(">H", self._pending, 2)[0]
            if length > LIMIT_SMP_BYTES:
                responses.append(self._response(self._pending, {"rc": ERROR_TOO_LARGE}))
                self.reset()  # where the next request begins is not known
                break
            if len(self._pending) < length:
                break
            request = bytes(self._pending[:length])
            self._pending = self._pending[length:]
            responses.append(self._answer(request))
        return responses

    def _answer(self, request):
        op, _, _, group, _, id = struct.unpack_from(">BBHHBB", request)
        self.requests += 1
        handler = self._handlers.get((group, id, op & 7))
        if handler is None:
            self.refused += 1
            return self._response(request, {"rc": ERROR_NOT_SUPPORTED})
        try:
            body = (
                cbor.decode(request[SMP_HEADER_BYTES:]) if len(request) > SMP_HEADER_BYTES else {}
            )
            answer = handler(body)
        except RequestError as error:
            self.refused += 1
            answer = {"err": {"group": group, "rc": error.rc}}
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            self.refused += 1
            answer = {"rc": ERROR_INVALID}
        return self._response(request, answer)

    def _response(self, request, answer):
        op, flags, _, group, sequence, id = struct.unpack_from(">BBHHBB", request)
        body = cbor.encode(answer)
        if SMP_HEADER_BYTES + len(body) > LIMIT_SMP_BYTES:
            body = cbor.encode({"rc": ERROR_TOO_LARGE})
        return struct.pack(">BBHHBB", op | 1, flags, len(body), group, sequence, id) + body
