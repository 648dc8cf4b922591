# SPDX-License-Identifier: Apache-2.0
"""Administration of glasses: bonds, pairing, settings, models and the energy ledger."""

import hashlib
from abc import ABC, abstractmethod
from typing import Any

from smpclient.generics import SMPRequest, TEr1, TEr2, TRep
from smpclient.requests.file_management import (
    FileHashChecksum,
    FileStatus,
    FileUpload,
)
from smpclient.requests.os_management import ResetWrite
from smpclient.requests.statistics_management import GroupData

from glint import protocol
from glint.collect import Progress
from glint.errors import GlintError, LinkLostError, ProtocolError, Reason, RequestError
from glint.info import Bond, Energy, Model, Trust
from glint.model_files import check_manifest, check_model
from glint.smp_manage import (
    BondNameWrite,
    BondRemoveWrite,
    BondsRead,
    ConfigRead,
    ConfigWrite,
    ModelsRead,
    ModelWrite,
    PairingRead,
    PairingWrite,
)
from glint.update import Boot, BootRead, TrustRead

# Of a request, for all that is not the data: header, keys, numbers, the longest name.
_OVERHEAD_BYTES = 128


class Managed(ABC):
    """The part of `glint.Glasses` that manages them.

    Every method may raise what requests raise: LinkLostError, NoAnswerError, ProtocolError,
    RequestError.
    """

    @abstractmethod
    async def request(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        """Makes an SMP request; see `glint.Glasses.request`."""

    async def bonds(self) -> list[Bond]:
        """Lists the companions that the glasses know, in the order in which they paired."""
        answer = await self.request(BondsRead())
        return [Bond(**row.model_dump()) for row in answer.bonds]

    async def remove_bond(self, number: int) -> None:
        """Makes the glasses forget a companion; if it is this one, the link ends.

        Args:
            number: The bond's id.
        """
        await self.request(BondRemoveWrite(id=number, remove=True))

    async def name_bond(self, number: int, name: str) -> None:
        """Names a companion, with at most 32 bytes of UTF-8.

        Args:
            number: The bond's id.
            name: Its new name.
        """
        await self.request(BondNameWrite(id=number, name=name))

    async def let_pair(self, allowed: bool = True) -> float | None:
        """Opens the pairing window, as the wearer's button does, or closes it.

        The glasses serve one companion at a time: another can pair once this one has disconnected.

        Args:
            allowed: Whether to open or to close it.

        Returns:
            How many seconds it stays open; None for no end.
        """
        answer = await self.request(PairingWrite(open=allowed))
        return None if answer.left_ms is None else answer.left_ms / 1000

    async def pairing_left(self) -> float | None:
        """Asks how many seconds the pairing window stays open: 0 when closed, None for no end."""
        answer = await self.request(PairingRead())
        return None if answer.left_ms is None else answer.left_ms / 1000

    async def config(self) -> dict[str, Any]:
        """Asks for the settings."""
        return (await self.request(ConfigRead())).settings

    async def set_config(self, /, **changes: Any) -> dict[str, Any]:
        """Changes settings, all of them or none; they take effect at once and persist.

        Args:
            changes: `name` (1 to 11 bytes), `words` (names of wake word models), `vision` (name of
                an image model, or "motion"), `wake_audio_ms` (1000 to 60000), `battery_mah` (0 to
                20000), `watch_every_ms` (100 to 5000 from one look of the camera to the next, also
                after a restart; 0: it looks only when asked).

        Returns:
            All settings, as they are now.

        Raises:
            RequestError: No such setting or model, or it cannot have that value: `rc` says which.
        """
        return (await self.request(ConfigWrite(set=changes))).settings

    async def models(self) -> list[Model]:
        """Lists the models on the glasses."""
        found: list[Model] = []
        while True:
            answer = await self.request(ModelsRead(since=len(found)))
            found += [Model(**row.model_dump()) for row in answer.models]
            if not answer.models or len(found) >= answer.count:
                return found

    async def use_model(self, name: str, used: bool = True) -> None:
        """Makes the glasses use a wake word or an image model, or stop using it.

        Args:
            name: The model.
            used: Whether to use it.
        """
        await self.request(ModelWrite(name=name, to="active" if used else "idle"))

    async def remove_model(self, name: str) -> None:
        """Removes a model that is not in use from the glasses' flash.

        Args:
            name: The model.
        """
        await self.request(ModelWrite(name=name, to="remove"))

    async def put_model(
        self, name: str, model: bytes, manifest: bytes, progress: Progress | None = None
    ) -> None:
        """Writes a model and its manifest on the glasses, which look at both before they keep them.

        Args:
            name: What it is to be called there: letters, digits, "_" and "-".
            model: A .tflite file.
            manifest: A JSON file, of microWakeWord v2 or with an image model's `labels`.
            progress: Called with bytes sent and bytes in all, of the model.

        Raises:
            ModelError: They are none; nothing was sent.
        """
        check_model(f"{name}.tflite", model)
        check_manifest(f"{name}.json", manifest)
        await self.put_file(f"models/{name}.tflite", model, progress)
        await self.put_file(f"models/{name}.json", manifest)

    async def put_file(self, name: str, data: bytes, progress: Progress | None = None) -> None:
        """Writes a file on the glasses; an upload that the link interrupts is resumed.

        Args:
            name: "models/NAME"; there are no other folders.
            data: Its content, at most 1 MiB.
            progress: Called with the bytes sent, and the total.
        """
        step = protocol.LIMIT_SMP_BYTES - _OVERHEAD_BYTES
        at, more = 0, True
        while more:
            piece = data[at : at + step]
            length = len(data) if at == 0 else None
            try:
                answer = await self.request(FileUpload(name=name, off=at, data=piece, len=length))
                at = answer.off
                more = at < len(data)
            except LinkLostError:
                at = await self._uploaded(name)
            if progress:
                progress(at, len(data))
        if data:
            there = await self.request(FileHashChecksum(name=name, type="sha256"))
            if there.output != hashlib.sha256(data).digest():
                raise GlintError(f"{name} arrived damaged: send it again.", reason=Reason.CORRUPTED)

    async def _uploaded(self, name: str) -> int:
        """Asks how much of an upload the glasses have, on a new link."""
        try:
            return (await self.request(FileStatus(name=name + ".part"))).len
        except RequestError:
            return 0

    async def chances(self) -> dict[str, float]:
        """Asks how probable each wake word is right now, 0 to 1, by the name of its model.

        Raises:
            RequestError: Older firmware does not tell.
        """
        fields = (await self.request(GroupData(name="words"))).fields
        return {name: int(value) / 1000 for name, value in fields.items()}

    async def energy(self) -> Energy:
        """Asks for the energy ledger.

        Raises:
            NoAnswerError, ProtocolError, RequestError: They do not tell; older firmware keeps none.
        """
        fields = (await self.request(GroupData(name="energy"))).fields
        try:
            return Energy(**{name: int(fields[name]) for name in Energy.__dataclass_fields__})
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"The energy ledger makes no sense: {error!r}.") from None

    async def boot(self) -> Boot:
        """Asks how the glasses started, why they last crashed, and why an update was refused."""
        answer = await self.request(BootRead())
        return Boot(answer.safe, answer.crash, answer.refused, answer.check)

    async def reset(self) -> None:
        """Restarts the glasses."""
        await self.request(ResetWrite())

    async def _pairing(self) -> str:
        try:
            return (await self.request(PairingRead())).method
        except RequestError:
            return "unknown"

    async def _trust(self) -> Trust | None:
        try:
            said = await self.request(TrustRead())
        except RequestError:  # Older firmware has no such request.
            return None
        names = {key.hash.hex(): key.name for key in said.keys}
        return Trust(
            keys=names,
            development=any(key.development for key in said.keys),
            signed=names.get(said.signed.hex(), said.signed.hex()),
            counter=said.counter,
            closed=said.closed,
            damaged=said.damaged,
        )
