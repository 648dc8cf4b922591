# SPDX-License-Identifier: Apache-2.0
"""Decodes recordings: IMA ADPCM from the glasses becomes 16-bit PCM, or a WAV file."""

import io
import warnings
import wave
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from glint import protocol
from glint.errors import MediaError
from glint.events import Media

with warnings.catch_warnings():
    # Python 3.11 and 3.12 have it and warn of its removal; audioop-lts provides it from 3.13 on.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

SAMPLE_BYTES = 2
# audioop takes the first sample from a byte's high nibble; IMA (and WAV) order is low nibble first.
_SWAP_NIBBLES = bytes((byte & 0x0F) << 4 | byte >> 4 for byte in range(256))


class AdpcmDecoder:
    """Decodes IMA ADPCM, piece by piece; the state is carried from one piece to the next."""

    def __init__(self) -> None:
        self._state: tuple[int, int] | None = None

    def decode(self, data: bytes) -> bytes:
        """Decodes a piece.

        Args:
            data: IMA ADPCM, two samples a byte, the first in the low nibble.

        Returns:
            Signed 16-bit samples in the machine's byte order, 4 bytes for each byte given.
        """
        pcm, self._state = audioop.adpcm2lin(
            data.translate(_SWAP_NIBBLES), SAMPLE_BYTES, self._state
        )
        return pcm


def decoder(media: Media) -> AdpcmDecoder:
    """Returns a decoder for a recording.

    Raises:
        MediaError: This version does not know the codec.
    """
    if media.codec != protocol.CODEC_ADPCM:
        raise MediaError(
            f"The recording's codec {media.codec!r} is not supported: update the glint package."
        )
    return AdpcmDecoder()


@dataclass(frozen=True)
class Chunk:
    """A piece of what the glasses hear, of sound that goes on for as long as somebody listens.

    Attributes:
        pcm: Signed 16-bit samples, one channel, in the machine's byte order.
        rate_hz: Samples per second.
        at_ms: When its first sample was heard, by the microphone's clock, as `Wake.at_ms`: that
            counts sound since the glasses started.
        time: The same by this machine's clock, in UTC; None if the glasses do not tell.
        gap_ms: Sound that is missing right before it; 0 where it follows the last chunk.
    """

    pcm: bytes = field(repr=False)
    rate_hz: int
    at_ms: int
    time: datetime | None
    gap_ms: int = 0


@dataclass(frozen=True)
class Audio:
    """A recording.

    Attributes:
        pcm: Signed 16-bit samples, one channel, in the machine's byte order.
        rate_hz: Samples per second.
        preroll_ms: How much of it precedes the detection of the wake word.
        cause: Sequence number of the wake event it belongs to, or 0.
    """

    pcm: bytes = field(repr=False)
    rate_hz: int
    preroll_ms: int
    cause: int

    @classmethod
    def from_media(cls, media: Media, data: bytes) -> "Audio":
        """Decodes a whole object.

        Raises:
            MediaError: This version does not know the codec.
        """
        return cls(decoder(media).decode(data), media.rate_hz, media.preroll_ms, media.cause)

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.pcm) / SAMPLE_BYTES / self.rate_hz

    def save(self, path: str | Path) -> None:
        """Writes a WAV file.

        Raises:
            MediaError: The file's name does not end in .wav.
            OSError: The file cannot be written.
        """
        check_path(path).write_bytes(self.wav())

    def wav(self) -> bytes:
        """Returns the recording as the content of a WAV file."""
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(self.rate_hz)
            file.writeframes(self.pcm)
        return content.getvalue()


def check_path(path: str | Path) -> Path:
    """Returns the path if a recording can be saved under that name.

    Raises:
        MediaError: The file's name does not end in .wav.
    """
    path = Path(path)
    if path.suffix.lower() != ".wav":
        raise MediaError(f"A recording is saved as WAV: call it {path.with_suffix('.wav').name}.")
    return path
