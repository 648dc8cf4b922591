# SPDX-License-Identifier: Apache-2.0
"""Photos, as they come from the glasses or in the format that a file's extension names."""

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from glint import protocol
from glint.errors import MediaError
from glint.events import Media

if TYPE_CHECKING:
    from PIL import Image

# Pillow is imported where a picture is decoded: most that connect decode none.
_JPEG_SUFFIXES = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Photo:
    """A photo.

    Attributes:
        data: The encoded picture.
        codec: How it is encoded, one of `glint.protocol.CODEC_*`.
        width: Pixels.
        height: Pixels.
    """

    data: bytes = field(repr=False)
    codec: str
    width: int
    height: int

    @classmethod
    def from_media(cls, media: Media, data: bytes) -> "Photo":
        """Makes a photo from a complete object."""
        return cls(data, media.codec, media.width, media.height)

    def image(self) -> "Image.Image":
        """Decodes the picture.

        Raises:
            MediaError: It cannot be decoded.
        """
        from PIL import Image

        if self.codec != protocol.CODEC_JPEG:
            raise MediaError(
                f"The photo's codec {self.codec!r} is not supported: update the glint package."
            )
        try:
            with warnings.catch_warnings():
                # Pillow only warns of suspiciously large pictures; here that is an error.
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                image = Image.open(io.BytesIO(self.data), formats=("JPEG",))
                image.load()
        except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
            raise MediaError(f"The photo cannot be decoded: {error}. Take it again.") from error
        return image

    def save(self, path: str | Path) -> None:
        """Writes the photo: a JPEG as it came, any other format by Pillow.

        Args:
            path: File to write; its extension chooses the format.

        Raises:
            MediaError: The picture cannot be decoded, or the extension names no known format.
            OSError: The file cannot be written.
        """
        path = check_path(path)
        if self.codec == protocol.CODEC_JPEG and path.suffix.lower() in _JPEG_SUFFIXES:
            path.write_bytes(self.data)
        else:
            from PIL import Image

            encoded = io.BytesIO()
            self.image().save(encoded, Image.registered_extensions()[path.suffix.lower()])
            path.write_bytes(encoded.getvalue())


def check_path(path: str | Path) -> Path:
    """Returns the path if a photo can be saved under that name.

    Raises:
        MediaError: The file's extension names no known picture format.
    """
    from PIL import Image

    path = Path(path)
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind not in Image.SAVE:
        raise MediaError(f"No picture format ends in {path.suffix!r}: call it photo.jpg, say.")
    return path
