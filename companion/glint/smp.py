# SPDX-License-Identifier: Apache-2.0
"""The Glint group's SMP messages about state, events, photos, recordings and files."""

from enum import IntEnum
from typing import ClassVar

from pydantic import ConfigDict, Field
from smp import error as smp_error
from smp import message as smp_message

from glint import protocol

_U32 = Field(ge=0, le=0xFFFF_FFFF)


class Rc(IntEnum):
    """Error codes of the Glint group; a later firmware's code becomes a member without a name."""

    BAD_REQUEST = protocol.RC_BAD_REQUEST
    BUSY = protocol.RC_BUSY
    NO_CAMERA = protocol.RC_NO_CAMERA
    FAILED = protocol.RC_FAILED
    NOT_FOUND = protocol.RC_NOT_FOUND
    WRONG_TYPE = protocol.RC_WRONG_TYPE
    OUT_OF_RANGE = protocol.RC_OUT_OF_RANGE

    @classmethod
    def _missing_(cls, value: object) -> "Rc | None":
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"RC_{value}"
        member._value_ = value
        return member


class GlintErrorV1(smp_error.ErrorV1):
    """A request was refused with one of SMP's general codes."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT


class GlintErrorV2(smp_error.ErrorV2[Rc]):
    """A request was refused with one of the Glint group's codes."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    model_config = ConfigDict(extra="ignore", frozen=True)

    rsn: str | None = None
    """Why, in the glasses' own words."""


class GlintGroup:
    """What all requests of the group share."""

    _GROUP_ID: ClassVar[int] = protocol.SMP_GROUP_GLINT
    _ErrorV1 = GlintErrorV1
    _ErrorV2 = GlintErrorV2


# Later firmware may send more than this version reads. Most programs need few of these classes:
# what pydantic makes for each is made when it is first used.
READER = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class StatusReadResponse(smp_message.ReadResponse):
    """The glasses' state; see `glint.info.Status`."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_STATUS
    model_config = READER

    board: str
    firmware: str
    micropython: str
    uptime_ms: int
    battery_percent: int
    heap_used: int
    heap_free: int
    words: list[str]
    vision: str
    arena: dict[str, int]
    hops: int
    slow_hops: int
    lost_ms: int
    silent: bool
    camera: bool
    busy_us: int
    notified: int
    notified_bytes: int
    next: int = _U32
    light: bool
    used_uah: list[int] | None = Field(default=None, min_length=2, max_length=2)
    left_min: list[int] | None = Field(default=None, min_length=2, max_length=2)
    watch_every_ms: int = 0
    look_ms: int = 0


class StatusRead(GlintGroup, smp_message.ReadRequest):
    """Asks for the glasses' state."""

    _COMMAND_ID = protocol.SMP_GLINT_STATUS
    _Response = StatusReadResponse


class EventsWriteResponse(smp_message.WriteResponse):
    """Events will come.

    `first` is the lowest not acknowledged, `next` the next to happen, `own` the first of this boot,
    which began `uptime_ms` ago. (Older firmware does not tell the last two.)
    """

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_EVENTS
    model_config = READER

    boot: int = _U32
    first: int = _U32
    next: int = _U32
    own: int = 0
    uptime_ms: int | None = None


class EventsWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for event records from a sequence number on; 0 means the oldest unread."""

    _COMMAND_ID = protocol.SMP_GLINT_EVENTS
    _Response = EventsWriteResponse
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    since: int = Field(serialization_alias="from")


class ObjectWriteResponse(smp_message.WriteResponse):
    """A media object with this id will follow."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    model_config = READER

    id: int = Field(ge=0, le=0xFFFF)


class PhotoWriteResponse(ObjectWriteResponse):
    """The photo will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_PHOTO


class PhotoWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a photo."""

    _COMMAND_ID = protocol.SMP_GLINT_PHOTO
    _Response = PhotoWriteResponse


class FileWriteResponse(ObjectWriteResponse):
    """The file will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_FILE


class FileWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a file."""

    _COMMAND_ID = protocol.SMP_GLINT_FILE
    _Response = FileWriteResponse

    name: str


class RecordWriteResponse(ObjectWriteResponse):
    """The recording will follow as a media object."""

    _COMMAND_ID = protocol.SMP_GLINT_RECORD


class RecordWrite(GlintGroup, smp_message.WriteRequest):
    """Asks for a recording."""

    _COMMAND_ID = protocol.SMP_GLINT_RECORD
    _Response = RecordWriteResponse

    ms: int


class StopWriteResponse(smp_message.WriteResponse):
    """No recording is under way any more."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_STOP
    model_config = READER


class StopWrite(GlintGroup, smp_message.WriteRequest):
    """Asks to end the recording that is under way."""

    _COMMAND_ID = protocol.SMP_GLINT_STOP
    _Response = StopWriteResponse


class WatchWriteResponse(smp_message.WriteResponse):
    """The glasses look by themselves this often; 0 for not at all."""

    _GROUP_ID = protocol.SMP_GROUP_GLINT
    _COMMAND_ID = protocol.SMP_GLINT_WATCH
    model_config = READER

    every_ms: int


class WatchWrite(GlintGroup, smp_message.WriteRequest):
    """Asks the glasses to look by themselves while this link lasts; None: no more."""

    _COMMAND_ID = protocol.SMP_GLINT_WATCH
    _Response = WatchWriteResponse

    every_ms: int | None = None
