# SPDX-License-Identifier: Apache-2.0
"""Decodes event records, which say what the glasses heard, saw and did; any bytes may come.

A record is u32 sequence number, u32 time in ms since boot, u8 type (little endian), then one CBOR
map. A record of a type that this version does not know becomes `Unknown`; keys that it
does not know are ignored, so that later firmware may add some.
"""

import dataclasses
import io
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import cbor2

from glint import protocol
from glint.errors import ProtocolError

_HEADER = struct.Struct("<IIB")
_MAX_DEPTH = 4
_MAX_RATE_HZ = 192_000
_MAX_U16 = 0xFFFF
_MAX_U32 = 0xFFFF_FFFF

_T = TypeVar("_T")


@dataclass(frozen=True)
class Event:
    """What all events have.

    Attributes:
        seq: Sequence number; starts at 1 with each boot of the glasses.
        time_ms: Milliseconds since the glasses booted.
        time: When it happened, in UTC, by this machine's clock. None for what happened in an
            earlier run of the glasses before a companion had set their clock: nobody knows.
        boot_id: Random number of the run of the glasses in which it happened; None for an earlier
            run whose boot event is not known.
    """

    seq: int
    time_ms: int
    time: datetime | None = field(default=None, kw_only=True, compare=False)
    boot_id: int | None = field(default=None, kw_only=True, compare=False)

    @property
    def age_s(self) -> float | None:
        """How many seconds ago it happened; None where `time` is."""
        return None if self.time is None else (datetime.now(UTC) - self.time).total_seconds()

    @property
    def name(self) -> str:
        """What its type is called: wake, seen, media, media_end ..."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()

    def as_json(self) -> dict[str, Any]:
        """Returns what JSON can hold: its name as `type`, then the fields.

        `time` is ISO 8601 or null. `Unknown` has its number as `code`.
        """
        fields = dataclasses.asdict(self)
        fields["time"] = self.time and self.time.isoformat(timespec="milliseconds")
        if isinstance(self, Unknown):
            return {**fields, "type": self.name, "code": self.type, "fields": repr(self.fields)}
        return {"type": self.name, **fields}


@dataclass(frozen=True)
class Boot(Event):
    """The glasses started; `boot` is a random number that identifies this run."""

    board: str
    firmware: str
    boot: int


@dataclass(frozen=True)
class Wake(Event):
    """A wake word was heard; `at_ms` is the microphone's time at the end of the last hop."""

    word: str
    probability: float
    at_ms: int


@dataclass(frozen=True)
class Seen(Event):
    """The camera saw something.

    Attributes:
        label: What it saw, as the model names it.
        probability: 0 to 1.
        by: The model's name, or "motion".
        media: Number of the photo of the same scene, which `Glasses.photo` takes; 0 for none: the
            glasses looked by themselves, and what they saw has changed.
    """

    label: str
    probability: float
    by: str
    media: int = 0


@dataclass(frozen=True)
class Media(Event):
    """A recording, a photo or a file is about to arrive.

    Attributes:
        id: Number of the object, unique within a boot until it wraps at 65536.
        kind: "audio", "photo" or "file".
        codec: One of `glint.protocol.CODEC_*`.
        bytes: Length of the whole object.
        rate_hz: Audio: samples per second.
        preroll_ms: Audio: how much of it precedes its cause.
        cause: Audio: sequence number of the wake event it belongs to, or 0.
        at_ms: Audio: the microphone's time at its first sample; None from older firmware.
        width: Photo: pixels.
        height: Photo: pixels.
    """

    id: int
    kind: Literal["audio", "photo", "file"]
    codec: str
    bytes: int
    rate_hz: int = 0
    preroll_ms: int = 0
    cause: int = 0
    at_ms: int | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class MediaEnd(Event):
    """An object is complete (`crc` is its CRC-32), or the glasses gave it up (`error` says why).

    Attributes:
        id: Number of the object.
        crc: CRC-32 of the whole object.
        error: Why there is none.
        bytes: Length of the object, if it has become shorter than announced.
    """

    id: int
    crc: int | None
    error: str | None
    bytes: int | None = None


@dataclass(frozen=True)
class Battery(Event):
    """The battery's charge."""

    percent: int
    mv: int


@dataclass(frozen=True)
class Button(Event):
    """The button went down or up."""

    pressed: bool


@dataclass(frozen=True)
class Gap(Event):
    """So many records before this sequence number are lost: the glasses dropped them unread."""

    count: int


@dataclass(frozen=True)
class Microphone(Event):
    """The glasses' microphone lost sound, fell silent, or is heard again.

    Attributes:
        lost_ms: Sound lost since the glasses started.
        silent: Whether the microphone gives no sound now.
    """

    lost_ms: int
    silent: bool


@dataclass(frozen=True)
class Notice(Event):
    """The glasses found something damaged, and repaired it.

    Attributes:
        about: `settings`, `model`, `bonds`, `erased` or `camera`; later firmware may have others.
        text: What was wrong, for people to read.
    """

    about: str
    text: str


@dataclass(frozen=True)
class Unknown(Event):
    """A record of a type that this version does not know."""

    type: int
    fields: Mapping[str, Any]


class _Fields:
    """The CBOR map of one record, read with checks of types and ranges."""

    def __init__(self, seq: int, fields: Mapping[str, Any]) -> None:
        self._seq = seq
        self._fields = fields

    def _get(self, key: str, kind: type[_T], default: _T | None) -> _T:
        value = self._fields.get(key, default)
        # In Python, bool is an int; in the protocol it never is.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ProtocolError(f"Event {self._seq}: {key!r} should be {kind.__name__}: {value!r}.")
        return value

    def integer(
        self, key: str, maximum: int = _MAX_U32, *, minimum: int = 0, default: int | None = None
    ) -> int:
        value = self._get(key, int, default)
        if not minimum <= value <= maximum:
            raise ProtocolError(
                f"Event {self._seq}: {key!r} should be {minimum} to {maximum}: {value}."
            )
        return value

    def text(self, key: str) -> str:
        return self._get(key, str, None)

    def flag(self, key: str) -> bool:
        return self._get(key, bool, None)

    def share(self, key: str) -> float:
        value = self._fields.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ProtocolError(f"Event {self._seq}: {key!r} should be 0 to 1: {value!r}.")
        return float(value)

    def has(self, key: str) -> bool:
        return key in self._fields


def _media(seq: int, time_ms: int, fields: _Fields) -> Media:
    kind = fields.text("kind")
    if kind == "audio":
        return Media(
            seq,
            time_ms,
            id=fields.integer("id", _MAX_U16),
            kind="audio",
            codec=fields.text("codec"),
            bytes=fields.integer("bytes"),
            rate_hz=fields.integer("rate_hz", _MAX_RATE_HZ, minimum=1),
            preroll_ms=fields.integer("preroll_ms", default=0),
            cause=fields.integer("cause", default=0),
            at_ms=fields.integer("at_ms", minimum=-_MAX_U16) if fields.has("at_ms") else None,
        )
    if kind == "photo":
        return Media(
            seq,
            time_ms,
            id=fields.integer("id", _MAX_U16),
            kind="photo",
            codec=fields.text("codec"),
            bytes=fields.integer("bytes"),
            width=fields.integer("width", _MAX_U16),
            height=fields.integer("height", _MAX_U16),
        )
    if kind == "file":
        return Media(
            seq,
            time_ms,
            id=fields.integer("id", _MAX_U16),
            kind="file",
            codec=fields.text("codec"),
            bytes=fields.integer("bytes"),
        )
    raise ProtocolError(f"Event {seq}: media kind {kind!r} is not audio, photo or file.")


def _media_end(seq: int, time_ms: int, fields: _Fields) -> MediaEnd:
    failed = fields.has("error")
    return MediaEnd(
        seq,
        time_ms,
        id=fields.integer("id", _MAX_U16),
        crc=None if failed else fields.integer("crc"),
        error=fields.text("error") if failed else None,
        bytes=fields.integer("bytes") if fields.has("bytes") else None,
    )


_READERS: dict[int, Callable[[int, int, _Fields], Event]] = {
    protocol.EVENT_BOOT: lambda seq, ms, f: Boot(
        seq, ms, f.text("board"), f.text("firmware"), f.integer("boot")
    ),
    protocol.EVENT_WAKE: lambda seq, ms, f: Wake(
        seq, ms, f.text("word"), f.share("p"), f.integer("at_ms")
    ),
    protocol.EVENT_SEEN: lambda seq, ms, f: Seen(
        seq,
        ms,
        f.text("label"),
        f.share("p"),
        f.text("by"),
        f.integer("media", _MAX_U16, default=0),
    ),
    protocol.EVENT_MEDIA: _media,
    protocol.EVENT_MEDIA_END: _media_end,
    protocol.EVENT_BATTERY: lambda seq, ms, f: Battery(
        seq, ms, f.integer("percent", 100), f.integer("mv", _MAX_U16)
    ),
    protocol.EVENT_BUTTON: lambda seq, ms, f: Button(seq, ms, f.flag("pressed")),
    protocol.EVENT_GAP: lambda seq, ms, f: Gap(seq, ms, f.integer("count")),
    protocol.EVENT_MICROPHONE: lambda seq, ms, f: Microphone(
        seq, ms, f.integer("lost_ms"), f.flag("silent")
    ),
    protocol.EVENT_NOTICE: lambda seq, ms, f: Notice(seq, ms, f.text("about"), f.text("text")),
}


def _plain(value: object) -> bool:
    """Returns whether a decoded value holds only what the protocol uses: no tag, no big number."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_plain(item) for item in value)
    if isinstance(value, int):
        return -1 << 64 <= value < 1 << 64
    return value is None or isinstance(value, float | str | bytes)


def _refuse_tag(_value: object, _immutable: bool) -> None:
    raise ValueError("shared references are not allowed")


# CBOR's shared references can form an endless loop; `_plain` refuses every other tag's value.
_TAGS = {28: _refuse_tag, 29: _refuse_tag}


def decode(record: bytes) -> Event:
    """Decodes one event record.

    Args:
        record: One notification of the events characteristic.

    Returns:
        The event, of the class that its type names.

    Raises:
        ProtocolError: The bytes are no event record.
    """
    if not _HEADER.size < len(record) <= protocol.LIMIT_EVENT_BYTES:
        raise ProtocolError(
            f"An event record of {len(record)} bytes: {_HEADER.size + 1} to "
            f"{protocol.LIMIT_EVENT_BYTES} are allowed."
        )
    seq, time_ms, code = _HEADER.unpack_from(record)
    if not 1 <= seq <= protocol.LIMIT_SEQUENCE:
        raise ProtocolError(
            f"An event record with sequence number {seq}: they are 1 to {protocol.LIMIT_SEQUENCE}."
        )
    body = io.BytesIO(record[_HEADER.size :])
    try:
        fields = cbor2.CBORDecoder(
            body,
            semantic_decoders=_TAGS,
            max_depth=_MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        ).decode()
    except (cbor2.CBORError, ValueError, OverflowError) as error:
        raise ProtocolError(f"Event {seq}: not CBOR: {error}.") from error
    if body.read() or not isinstance(fields, dict) or not _plain(fields):
        raise ProtocolError(f"Event {seq}: not one CBOR map of plain values.")
    reader = _READERS.get(code)
    checked = _Fields(seq, fields)
    event = reader(seq, time_ms, checked) if reader else Unknown(seq, time_ms, code, fields)
    if checked.has("utc"):
        time = datetime.fromtimestamp(checked.integer("utc"), UTC)
        event = dataclasses.replace(event, time=time)
    return event
