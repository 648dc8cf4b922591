# SPDX-License-Identifier: Apache-2.0
"""The Glint group's SMP messages about bonds, pairing, settings, models and the journal."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
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
    """The change to this bond is done."""

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


class PairingReadResponse(smp_message.ReadResponse):
    """Whether the pairing window is open, and for how long; None is for ever."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_PAIRING
    model_config = READER

    open: bool
    left_ms: int | None
    method: str = "just works"


class PairingRead(GlintGroup, smp_message.ReadRequest):
    """Asks whether the pairing window is open."""

    _COMMAND_ID = protocol.SMP_GLINT_PAIRING
    _Response = PairingReadResponse


class PairingWriteResponse(smp_message.WriteResponse):
    """As read."""

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


class ConfigReadResponse(smp_message.ReadResponse):
    """The settings."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_CONFIG
    model_config = READER

    settings: dict[str, Any]


class ConfigRead(GlintGroup, smp_message.ReadRequest):
    """Asks for the settings."""

    _COMMAND_ID = protocol.SMP_GLINT_CONFIG
    _Response = ConfigReadResponse


class ConfigWriteResponse(smp_message.WriteResponse):
    """The settings as they are now."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_CONFIG
    model_config = READER

    settings: dict[str, Any]


class ConfigWrite(GlintGroup, smp_message.WriteRequest):
    """Changes settings, all or none."""

    _COMMAND_ID = protocol.SMP_GLINT_CONFIG
    _Response = ConfigWriteResponse

    set: dict[str, Any]


class ModelRow(BaseModel):
    """A model on the glasses."""

    model_config = READER

    name: str
    kind: str
    bytes: int
    active: bool


class ModelsReadResponse(smp_message.ReadResponse):
    """Some of the models, and how many there are."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_MODELS
    model_config = READER

    models: list[ModelRow]
    count: int


class ModelsRead(GlintGroup, smp_message.ReadRequest):
    """Asks for models, from one on."""

    _COMMAND_ID = protocol.SMP_GLINT_MODELS
    _Response = ModelsReadResponse
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    since: int = Field(serialization_alias="from")


class ModelWriteResponse(smp_message.WriteResponse):
    """The change to this model is done."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_MODELS
    model_config = READER

    name: str


class ModelWrite(GlintGroup, smp_message.WriteRequest):
    """Makes a model active or idle, or removes it."""

    _COMMAND_ID = protocol.SMP_GLINT_MODELS
    _Response = ModelWriteResponse

    name: str
    to: Literal["active", "idle", "remove"]


class JournalReadResponse(smp_message.ReadResponse):
    """What the journal keeps: from `first` to before `next`."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_JOURNAL
    model_config = READER

    boot: int
    first: int
    next: int


class JournalRead(GlintGroup, smp_message.ReadRequest):
    """Asks what the journal keeps."""

    _COMMAND_ID = protocol.SMP_GLINT_JOURNAL
    _Response = JournalReadResponse


class JournalWriteResponse(smp_message.WriteResponse):
    """What the journal keeps now."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_JOURNAL
    model_config = READER

    boot: int
    first: int
    next: int


class JournalWrite(GlintGroup, smp_message.WriteRequest):
    """Makes the journal forget records up to and including one."""

    _COMMAND_ID = protocol.SMP_GLINT_JOURNAL
    _Response = JournalWriteResponse

    acknowledge: int
