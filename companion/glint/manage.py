# SPDX-License-Identifier: Apache-2.0
"""What one does to glasses now and then: who may connect, how they are set."""

from abc import ABC, abstractmethod

from smpclient.generics import SMPRequest, TEr1, TEr2, TRep

from glint.info import Bond
from glint.smp_manage import BondNameWrite, BondRemoveWrite, BondsRead, PairingWrite


class Managed(ABC):
    """The part of `glint.Glasses` that manages them.

    Every method may raise what requests raise: LinkLostError, NoAnswerError, ProtocolError,
    RequestError.
    """

    @abstractmethod
    async def _request(self, request: SMPRequest[TRep, TEr1, TEr2]) -> TRep:
        """Makes a request over the link that there is."""

    async def bonds(self) -> list[Bond]:
        """Lists the companions that the glasses know, the first that paired first."""
        answer = await self._request(BondsRead())
        return [Bond(**row.model_dump()) for row in answer.bonds]

    async def remove_bond(self, number: int) -> None:
        """Makes the glasses forget a companion; if it is this one, the link ends.

        Args:
            number: The bond's id.
        """
        await self._request(BondRemoveWrite(id=number, remove=True))

    async def name_bond(self, number: int, name: str) -> None:
        """Gives a companion a name, at most 32 bytes of UTF-8.

        Args:
            number: The bond's id.
            name: What it is called from now on.
        """
        await self._request(BondNameWrite(id=number, name=name))

    async def let_pair(self, allowed: bool = True) -> float | None:
        """Opens the pairing window, as the wearer's button does, or closes it.

        The glasses serve one companion at a time: another can pair once this one has disconnected.

        Args:
            allowed: Open or close.

        Returns:
            How many seconds it stays open; None for no end.
        """
        answer = await self._request(PairingWrite(open=allowed))
        return None if answer.left_ms is None else answer.left_ms / 1000
