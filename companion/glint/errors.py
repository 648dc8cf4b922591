# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between an app and its glasses; every message is one line with a way out."""


class GlintError(Exception):
    """Base of every error this package raises."""


class NotFoundError(GlintError):
    """No glasses that match were heard."""


class BluetoothError(GlintError):
    """Bluetooth is missing, or refused what was asked of it."""


class PairingError(BluetoothError):
    """The glasses and this machine could not pair; trying again by itself would not help."""


class LinkLostError(GlintError):
    """The connection dropped, or could not be had again in time."""


class NoAnswerError(GlintError):
    """The glasses are connected but did not answer a request in time."""


class RequestError(GlintError):
    """The glasses refused a request.

    Attributes:
        group: SMP group that gave the code; 64 is Glint's.
        rc: Code of that group (`glint.protocol.RC_*` for Glint's).
    """

    def __init__(self, message: str, *, group: int, rc: int) -> None:
        super().__init__(message)
        self.group = group
        self.rc = rc


class MediaError(GlintError):
    """A photo or a recording could not be had whole, or not be written."""


class ModelError(GlintError):
    """A file is no model, or no manifest, that glasses could use; nothing was sent."""


class ClosedError(GlintError):
    """The glasses were closed, or never opened: call `glint.connect` again."""


class UpdateError(GlintError):
    """An update was not taken, or was reverted; what ran before runs on."""


class ProtocolError(GlintError):
    """The other side sent bytes that the protocol does not allow."""
