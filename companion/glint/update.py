# SPDX-License-Identifier: Apache-2.0
"""Updates the glasses: an image is sent, tried and checked, and only then confirmed."""

import asyncio
import time
from dataclasses import dataclass

from bleak.uuids import normalize_uuid_16
from pydantic import BaseModel, ConfigDict
from smp import message as smp_message
from smpclient.generics import SMPRequest, TEr1, TEr2, TRep
from smpclient.requests.image_management import (
    ImageStatesRead,
    ImageStatesWrite,
    ImageUploadWrite,
)
from smpclient.requests.os_management import ResetWrite

from glint import protocol
from glint.collect import Progress
from glint.connection import Connection
from glint.errors import LinkLostError, NoAnswerError, Reason, RequestError, UpdateError
from glint.image import Image
from glint.link import Link
from glint.smp import READER, GlintGroup

# Of a request, for all that is not the image: header, keys, numbers, hash.
_OVERHEAD_BYTES = 96
_TIMEOUT_S = 5.0
# A power cut harms no update, but costs one.
_LEAST_BATTERY_PERCENT = 10
# The last piece is answered when the image has been verified.
_VERIFY_TIMEOUT_S = 60.0
_TRIES = 4
_RESET_TIMEOUT_S = 15.0
_CHECK_TIMEOUT_S = 60.0
_CHECK_POLL_S = 0.2
# The states of the self-check, from SPEC.md.
_CHECKING = "running"
_PASSED = ("passed", "")


class BootReadResponse(smp_message.ReadResponse):
    """How the glasses started."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_BOOT
    model_config = READER

    safe: bool
    crash: str
    refused: str
    check: str = ""


class BootRead(GlintGroup, smp_message.ReadRequest):
    """Asks how the glasses started."""

    _COMMAND_ID = protocol.SMP_GLINT_BOOT
    _Response = BootReadResponse


class TrustedKey(BaseModel):
    """A key that the glasses trust."""

    model_config = READER

    name: str
    hash: bytes
    development: bool


class TrustReadResponse(smp_message.ReadResponse):
    """Whose updates the glasses accept."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_TRUST
    model_config = READER

    keys: list[TrustedKey]
    counter: int
    closed: bool
    damaged: bool
    signed: bytes


class TrustRead(GlintGroup, smp_message.ReadRequest):
    """Asks whose updates the glasses accept."""

    _COMMAND_ID = protocol.SMP_GLINT_TRUST
    _Response = TrustReadResponse


class DowngradeWriteResponse(smp_message.WriteResponse):
    """Older images are accepted."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_DOWNGRADE
    model_config = READER


class DowngradeWrite(GlintGroup, smp_message.WriteRequest):
    """Makes the glasses accept older images until their next reset."""

    _COMMAND_ID = protocol.SMP_GLINT_DOWNGRADE
    _Response = DowngradeWriteResponse
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Boot:
    """How the glasses started.

    Attributes:
        safe: Whether they are in safe mode, where they accept updates and run no application.
        crash: The end of the last crash's report, or nothing.
        refused: Why the last update was refused or reverted, or nothing.
        check: State of the self-check of an update on trial: "running", "passed", or a finding.
    """

    safe: bool
    crash: str
    refused: str
    check: str


@dataclass(frozen=True)
class Updated:
    """A completed update.

    Attributes:
        version: The version that runs now.
        before: The version that ran before.
    """

    version: str
    before: str


class Updater:
    """Installs one image on glasses.

    Args:
        connection: The connection to them.
        image: The image to install.
        progress: Called with the bytes that they have, and the total.
    """

    def __init__(self, connection: Connection, image: Image, progress: Progress | None) -> None:
        self._connection = connection
        self._image = image
        self._progress = progress

    async def run(self, allow_downgrade: bool) -> Updated:
        """Sends the image, tries it, and confirms it when it checks itself well.

        If this ends early for any reason, the version before is started again.

        Raises:
            LinkLostError: The glasses were not found again.
            UpdateError: They refused or reverted it; the message says why.
        """
        image = self._image
        link = await self._connection.link()
        board = await link.read(normalize_uuid_16(protocol.SIG_MODEL_NUMBER)) or b""
        if image.board != board.decode(errors="replace"):
            raise UpdateError(
                f"The image is for the board {image.board or '?'}; these glasses are a "
                f"{board.decode(errors='replace')}: build one for that (glint image build --board)."
            )
        level = await link.read(normalize_uuid_16(protocol.SIG_BATTERY_LEVEL))
        if level and level[0] < _LEAST_BATTERY_PERCENT:
            raise UpdateError(
                f"The battery is at {level[0]} %: charge the glasses to {_LEAST_BATTERY_PERCENT} % "
                "first, so that power does not fail in the middle.",
                reason=Reason.LOW_BATTERY,
            )
        running, *others = (await self._ask(ImageStatesRead())).images
        before = running.version
        if running.hash != image.hash:
            if allow_downgrade:
                await self._ask(DowngradeWrite())
            if all(other.hash != image.hash for other in others):
                await self._upload()
            await self._try()
        elif running.confirmed:
            raise UpdateError(f"This very image, version {image.version}, runs already.")
        await self._check()
        await self._ask(ImageStatesWrite(confirm=True))
        return Updated(version=image.version, before=before)

    async def _ask(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        """Makes a request, and repeats it when the link drops meanwhile."""
        tries = _TRIES
        while True:
            link = await self._connection.link()
            try:
                return await link.requests.request(request, _TIMEOUT_S)
            except RequestError as error:
                raise await self._refused(error) from error
            except (LinkLostError, NoAnswerError):
                tries -= 1
                if not tries:
                    raise

    async def _refused(self, error: RequestError) -> UpdateError | RequestError:
        if error.group != protocol.SMP_GROUP_IMAGE:
            return error
        why = _REASONS.get(error.rc) or f"error {error.rc} of the image group"
        if error.rc not in _REASONS:
            link = await self._connection.link()
            why = (await link.requests.request(BootRead())).refused or why
        if error.rc == protocol.IMAGE_RC_CURRENT_IS_NEWER:
            why += "; to install it anyway, add --allow-downgrade"
        return UpdateError(f"The glasses refuse the update: {why}.")

    async def _upload(self) -> None:
        data = self._image.data
        step = protocol.LIMIT_SMP_BYTES - _OVERHEAD_BYTES
        at, begun_on, tries = 0, None, _TRIES
        # They verify the image before they answer its last piece; an earlier run may have sent it.
        verifies = True
        while at < len(data) or not begun_on:
            link = await self._connection.link()
            if link is not begun_on:
                at = 0  # They say where to continue.
            piece = data[at : at + step]
            if at == 0:
                digest = self._image.digest
                request = ImageUploadWrite(off=0, data=piece, len=len(data), sha=digest)
            else:
                request = ImageUploadWrite(off=at, data=piece)
            verifies = verifies or at + step >= len(data)
            timeout_s = _VERIFY_TIMEOUT_S if verifies else _TIMEOUT_S
            try:
                at = (await link.requests.request(request, timeout_s)).off or 0
            except RequestError as error:
                raise await self._refused(error) from error
            except (LinkLostError, NoAnswerError):
                begun_on, tries = None, tries - 1
                verifies = verifies and at > 0
                if not tries:
                    raise
                continue
            begun_on, tries, verifies = link, _TRIES, False
            if self._progress:
                self._progress(at, len(data))

    async def _try(self) -> None:
        await self._ask(ImageStatesWrite(hash=self._image.hash))
        link = await self._connection.link()
        await link.requests.request(ResetWrite())
        await _end_of(link)

    async def _check(self) -> None:
        """Waits until the new version reports that its self-check passed."""
        deadline = time.monotonic() + _CHECK_TIMEOUT_S
        while time.monotonic() < deadline:
            running = (await self._ask(ImageStatesRead())).images[0]
            boot = await self._ask(BootRead())
            if running.hash != self._image.hash:
                why = (
                    boot.refused
                    or boot.crash.strip().rpartition("\n")[2]
                    or "the new version did not start"
                )
                where = "in safe mode" if boot.safe else f"back with {running.version}"
                raise UpdateError(f"The update failed: {why}. The glasses are {where}.")
            if boot.check in _PASSED:
                return
            if boot.check != _CHECKING:
                raise UpdateError(
                    f"The update failed its self-check ({boot.check}): the glasses revert to the "
                    "version before."
                )
            await asyncio.sleep(_CHECK_POLL_S)
        raise UpdateError(
            f"The update's self-check did not end within {_CHECK_TIMEOUT_S:g} s: the glasses "
            "revert to the version before."
        )


async def _end_of(link: Link) -> None:
    try:
        async with asyncio.timeout(_RESET_TIMEOUT_S):
            await asyncio.shield(link.lost)
    except TimeoutError:
        raise NoAnswerError(
            "The glasses did not reset: switch them off and on, then update again."
        ) from None


# Codes for which the glasses give no reason, or none that helps.
_REASONS: dict[int, str] = {
    protocol.IMAGE_RC_ALREADY_PENDING: (
        "another image is pending or on trial: reset the glasses, then try again"
    ),
    protocol.IMAGE_RC_WRITE_FAILED: "their flash is full or failing",
    protocol.IMAGE_RC_NO_FREE_SLOT: "both of their slots are in use",
    protocol.IMAGE_RC_CONFIRMATION_DENIED: "the image has not passed its self-check",
}
