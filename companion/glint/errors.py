# SPDX-License-Identifier: Apache-2.0
"""The errors of this package; every message is one line that says what to do."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something went wrong, for programs to decide by."""

    OUT_OF_RANGE = "out of range"
    NOT_PAIRED = "not paired"
    WINDOW_CLOSED = "pairing window closed"
    BONDS_FULL = "all bonds taken"
    NO_ADAPTER = "no Bluetooth adapter"
    ADAPTER_OFF = "Bluetooth switched off"
    PERMISSION = "permission missing on this system"
    WRONG_VERSION = "wrong version"
    BUSY = "busy"
    LOW_BATTERY = "low battery"
    CORRUPTED = "corrupted"
    REFUSED = "refused by the glasses"
    NO_ANSWER = "no answer"
    CLOSED = "closed"
    OTHER = "other"


class GlintError(Exception):
    """The base class of every error that this package raises.

    Attributes:
        reason: Why, as a `Reason`; the message says so for people, and what to do.
    """

    reason = Reason.OTHER

    def __init__(self, message: str = "", *, reason: Reason | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class NotFoundError(GlintError):
    """No glasses that match were heard."""

    reason = Reason.OUT_OF_RANGE


class BluetoothError(GlintError):
    """Bluetooth is unavailable, or an operation failed."""


class PairingError(BluetoothError):
    """The glasses and this machine could not pair; retrying alone would not help."""

    reason = Reason.NOT_PAIRED


class LinkLostError(GlintError):
    """The connection dropped, or could not be re-established in time."""

    reason = Reason.OUT_OF_RANGE


class NoAnswerError(GlintError):
    """The glasses are connected but did not answer a request in time."""

    reason = Reason.NO_ANSWER


class RequestError(GlintError):
    """The glasses refused a request.

    Attributes:
        group: SMP group that gave the code; 64 is Glint's, 0 SMP's general codes.
        rc: Code of that group (`glint.protocol.RC_*` for Glint's).
    """

    def __init__(self, message: str, *, group: int, rc: int) -> None:
        super().__init__(message, reason=_OF_CODES.get((group, rc), Reason.REFUSED))
        self.group = group
        self.rc = rc


# RC_BUSY of Glint's group; of MCUmgr's general codes 8 (no such command), 9 (corrupt), 10 (busy).
_OF_CODES = {
    (64, 2): Reason.BUSY,
    (0, 8): Reason.WRONG_VERSION,
    (0, 9): Reason.CORRUPTED,
    (0, 10): Reason.BUSY,
}


class MediaError(GlintError):
    """A photo, recording or file did not arrive completely, or could not be written."""


class ModelError(GlintError):
    """A file is no model, or no manifest, that glasses could use; nothing was sent."""

    reason = Reason.CORRUPTED


class ClosedError(GlintError):
    """The glasses were closed, or never opened: call `glint.connect` again."""

    reason = Reason.CLOSED


class UpdateError(GlintError):
    """An update was refused or reverted; the version before it goes on running."""

    reason = Reason.REFUSED


class ProtocolError(GlintError):
    """The other side sent bytes that the protocol does not allow."""

    reason = Reason.WRONG_VERSION
