# SPDX-License-Identifier: Apache-2.0
"""The Glint group's messages about what the glasses keep: bonds, settings, models."""

from pydantic import BaseModel
from smp import message as smp_message

from glint import protocol
from glint.smp import READER, GlintGroup


class BondRow(BaseModel):
    """A companion that is known."""

    model_config = READER

    id: int
    name: str
    address: str
    this: bool


class BondsReadResponse(smp_message.ReadResponse):
    """The companions that are known."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_BONDS
    model_config = READER

    bonds: list[BondRow]
    most: int


class BondsRead(GlintGroup, smp_message.ReadRequest):
    """Asks which companions are known."""

    _COMMAND_ID = protocol.SMP_GLINT_BONDS
    _Response = BondsReadResponse


class BondWriteResponse(smp_message.WriteResponse):
    """It is done to this bond."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_BONDS
    model_config = READER

    id: int


class BondRemoveWrite(GlintGroup, smp_message.WriteRequest):
    """Revokes a bond."""

    _COMMAND_ID = protocol.SMP_GLINT_BONDS
    _Response = BondWriteResponse

    id: int
    remove: bool


class BondNameWrite(GlintGroup, smp_message.WriteRequest):
    """Names a companion."""

    _COMMAND_ID = protocol.SMP_GLINT_BONDS
    _Response = BondWriteResponse

    id: int
    name: str


class PairingWriteResponse(smp_message.WriteResponse):
    """Whether the pairing window is open, and for how long; None is for ever."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_PAIRING
    model_config = READER

    open: bool
    left_ms: int | None


class PairingWrite(GlintGroup, smp_message.WriteRequest):
    """Opens or closes the pairing window."""

    _COMMAND_ID = protocol.SMP_GLINT_PAIRING
    _Response = PairingWriteResponse

    open: bool
