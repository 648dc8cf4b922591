# SPDX-License-Identifier: Apache-2.0
"""SMP version 2 (the MCUmgr protocol): requests in, responses out. SPEC.md names the groups."""

import gc
import struct
import time

from glasses import arguments, cbor
from glasses.protocol import (
    LIMIT_REASON_BYTES,
    LIMIT_SMP_BYTES,
    LIMIT_SMP_HALF_MS,
    SMP_GROUP_GLINT,
    SMP_HEADER_BYTES,
)
from glasses.requests import REQUESTS

READ = 0
WRITE = 2
# Generic result codes of SMP; a group has codes of its own beside them.
ERROR_UNKNOWN = 1
ERROR_NO_MEMORY = 2
ERROR_INVALID = 3
ERROR_TOO_LARGE = 7
ERROR_NOT_SUPPORTED = 8
ERROR_CORRUPT = 9
# The most bytes of unanswered requests that are kept for one companion.
WAITING_BYTES_MAX = 2 * LIMIT_SMP_BYTES
# So many responses wait to be sent before the next request is looked at.
RESPONSES_MAX = 8


class RequestError(Exception):
    """A request is refused with the code `rc` of its group, or with a `general` code."""

    def __init__(self, rc, why, general=False):
        super().__init__(why)
        self.rc = rc
        self.general = general


class Conversation:
    """Assembles one companion's requests from the pieces that arrive, and answers them."""

    def __init__(self, server):
        self._server = server
        self.reset()
        self._written_ms = 0

    def reset(self):
        """Forgets requests that were not finished or not answered."""
        self._pending = bytearray()
        self._is_half = False  # what is pending is a request whose rest has not come
        self._later = None  # (request, coroutine that answers it)

    @property
    def waiting(self):
        """Whether an answer is due that `later` gives."""
        return self._later is not None

    def receive(self, data, room=RESPONSES_MAX, now_ms=None):
        """Takes what one write brought and returns the responses now due, as a list of bytes.

        Args:
            data: Of the write; empty for what waited because there was no room.
            room: How many responses there may be.
            now_ms: Of time.ticks_ms(). A companion that broke a request off begins with the next
                one: what comes too late for the rest is that. Without it, any rest is waited for.
        """
        if data and now_ms is not None:
            late_ms = time.ticks_diff(now_ms, self._written_ms)
            if self._is_half and late_ms > LIMIT_SMP_HALF_MS:
                self._server.dropped_bytes += len(self._pending)
                self._pending = bytearray()
            self._written_ms = now_ms
        if len(self._pending) + len(data) > WAITING_BYTES_MAX:
            self._server.dropped_bytes += len(
                data
            )  # a companion that floods loses, not the glasses
        else:
            self._pending.extend(data)
        responses = []
        self._is_half = False
        while not self.waiting and len(responses) < room:
            self._is_half = len(self._pending) > 0
            if len(self._pending) < SMP_HEADER_BYTES:
                break
            length = SMP_HEADER_BYTES + struct.unpack_from(">H", self._pending, 2)[0]
            if length > LIMIT_SMP_BYTES:
                responses.append(self._server.response(self._pending, {"rc": ERROR_TOO_LARGE}))
                self.reset()  # where the next request begins is not known
                break
            if len(self._pending) < length:
                break
            request = bytes(self._pending[:length])
            self._pending = self._pending[length:]
            self._is_half = False
            answer = self._server.answer(request)
            if isinstance(answer, dict):
                responses.append(self._server.response(request, answer))
            else:
                self._later = request, answer
        return responses

    async def later(self):
        """Waits for the answer that takes its time, and returns the responses then due."""
        request, answering = self._later
        try:
            answer = await answering
        except Exception as error:
            answer = self._server.refusal(request, error)
        self._later = None
        return [self._server.response(request, answer)] + self.receive(b"")


class Server(Conversation):
    """Answers requests: those of a conversation of its own, and of others that `begin` starts.

    Attributes:
        requests: Complete requests received since boot.
        refused: Of these, those that were refused.
        failed: Of these, those that ended with an unexpected error.
        dropped_bytes: Bytes beyond WAITING_BYTES_MAX, and bytes of incomplete requests.
    """

    def __init__(self):
        super().__init__(self)
        self.requests = 0
        self.refused = 0
        self.failed = 0
        self.dropped_bytes = 0
        self._handlers = {}

    def begin(self):
        """A conversation with one more companion."""
        return Conversation(self)

    def handle(self, group, id, op, handler, rows=None):
        """`handler(body)` answers `op` (READ or WRITE) of a command with a map.

        The body holds what `rows` say, as requests.py says it of Glint's own commands. The handler
        may raise RequestError; any other error counts as failed. One that takes its time returns a
        coroutine that does all of that.
        """
        key = group, id, op
        self._handlers[key] = REQUESTS[key] if rows is None else rows, handler

    def counts(self):
        """Its counters, for the statistics."""
        return {"requests": self.requests, "refused": self.refused, "failed": self.failed}

    def answer(self, request):
        """A map, or a coroutine that gives one."""
        op, _, _, group, _, id = struct.unpack_from(">BBHHBB", request)
        self.requests += 1
        rows, handler = self._handlers.get((group, id, op & 7), (None, None))
        if handler is None:
            self.refused += 1
            return {"rc": ERROR_NOT_SUPPORTED}
        try:
            body = {}
            try:
                if len(request) > SMP_HEADER_BYTES:
                    body = cbor.decode(request[SMP_HEADER_BYTES:])
                arguments.check(rows, body)
            except ValueError as error:
                self.refused += 1
                return {"rc": ERROR_INVALID, "rsn": cbor.cut(str(error), LIMIT_REASON_BYTES)}
            return handler(body)
        except Exception as error:
            return self.refusal(request, error)

    def refusal(self, request, error):
        if isinstance(error, RequestError):
            self.refused += 1
            if error.general:
                return {"rc": error.rc, "rsn": cbor.cut(str(error), LIMIT_REASON_BYTES)}
            group = struct.unpack_from(">H", request, 4)[0]
            refusal = {"err": {"group": group, "rc": error.rc}}
            if group == SMP_GROUP_GLINT:  # clients of the other groups allow no other key there
                refusal["rsn"] = cbor.cut(str(error), LIMIT_REASON_BYTES)
            return refusal
        return self._failure(error)

    def _failure(self, error):
        self.failed += 1
        no_memory = isinstance(error, MemoryError)
        if no_memory:
            gc.collect()
        why = "%s: %s" % (type(error).__name__, error)
        print("smp: a request failed:", why)
        return {
            "rc": ERROR_NO_MEMORY if no_memory else ERROR_UNKNOWN,
            "rsn": cbor.cut(why, LIMIT_REASON_BYTES),
        }

    def response(self, request, answer):
        op, flags, _, group, sequence, id = struct.unpack_from(">BBHHBB", request)
        try:
            body = cbor.encode(answer)
        except Exception as error:  # what a handler gave cannot be said
            body = cbor.encode(self._failure(error))
        if SMP_HEADER_BYTES + len(body) > LIMIT_SMP_BYTES:
            body = cbor.encode({"rc": ERROR_TOO_LARGE})
        return struct.pack(">BBHHBB", op | 1, flags, len(body), group, sequence, id) + body
