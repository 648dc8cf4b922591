# SPDX-License-Identifier: Apache-2.0
"""A model and its manifest, looked at before they are sent: what is cut or empty is said at once.

Whether a model runs on the glasses, only they can tell; they look at what arrives, too.
"""

import json
import struct
from typing import Any

from glint import protocol
from glint.errors import ModelError

# TensorFlow Lite's schema.fbs, file_identifier; and slots of its tables.
_IDENTIFIER = b"TFL3"
_MODEL_VERSION, _MODEL_CODES, _MODEL_SUBGRAPHS, _MODEL_BUFFERS = 0, 1, 2, 4
_SUBGRAPH_TENSORS, _SUBGRAPH_OPERATORS = 0, 3
_BUFFER_DATA = 0
_VERSION = 3


class _Flatbuffer:
    """Reads of a FlatBuffer, each within its bounds: struct.error or IndexError where it is cut."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def u32(self, at: int) -> int:
        if at < 0:
            raise IndexError
        return int(struct.unpack_from("<I", self.data, at)[0])

    def field(self, table: int, slot: int) -> int | None:
        """Where a table's field is, or None."""
        vtable = table - int(struct.unpack_from("<i", self.data, table)[0])
        if vtable < 0:
            raise IndexError
        size, length = struct.unpack_from("<HH", self.data, vtable)
        if table + length > len(self.data):
            raise IndexError
        at = 4 + 2 * slot
        offset = struct.unpack_from("<H", self.data, vtable + at)[0] if at + 2 <= size else 0
        return table + offset if offset else None

    def vector(self, table: int, slot: int, item_bytes: int) -> tuple[int, int]:
        """(where it begins, how many items) of a vector that a field points to."""
        at = self.field(table, slot)
        if at is None:
            return 0, 0
        start = at + self.u32(at)
        count = self.u32(start)
        if start + 4 + count * item_bytes > len(self.data):
            raise IndexError
        return start + 4, count

    def tables(self, table: int, slot: int) -> list[int]:
        """Where the tables are that a field lists."""
        start, count = self.vector(table, slot, 4)
        return [place + self.u32(place) for place in range(start, start + 4 * count, 4)]


def check_model(name: str, data: bytes) -> None:
    """Raises ModelError when a file is no model, or not a whole one."""
    if len(data) > protocol.LIMIT_FILE_BYTES:
        raise ModelError(
            f"{name} is {len(data)} bytes; the glasses take {protocol.LIMIT_FILE_BYTES}."
        )
    if data[4:8] != _IDENTIFIER:
        raise ModelError(f"{name} is no TensorFlow Lite model: it does not say TFL3.")
    buffer = _Flatbuffer(data)
    try:
        root = buffer.u32(0)
        at = buffer.field(root, _MODEL_VERSION)
        version = buffer.u32(at) if at is not None else 0
        codes = buffer.tables(root, _MODEL_CODES)
        for table in codes:
            buffer.field(table, 0)
        subgraphs = buffer.tables(root, _MODEL_SUBGRAPHS)
        for subgraph in subgraphs:
            for slot in (_SUBGRAPH_TENSORS, _SUBGRAPH_OPERATORS):
                for table in buffer.tables(subgraph, slot):
                    buffer.field(table, 0)
        for one in buffer.tables(root, _MODEL_BUFFERS):
            buffer.vector(one, _BUFFER_DATA, 1)
    except (struct.error, IndexError):
        raise ModelError(
            f"{name} is cut short or damaged: it refers to what lies beyond its {len(data)} bytes."
        ) from None
    if version != _VERSION or not codes or not subgraphs:
        raise ModelError(f"{name} is no TensorFlow Lite model of version {_VERSION} with a graph.")


def check_manifest(name: str, data: bytes) -> None:
    """Raises ModelError when a file is no manifest of a wake word or an image model."""
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise ModelError(f"{name} is no JSON: {error}.") from None
    if not isinstance(manifest, dict) or not {"micro", "labels"} & manifest.keys():
        raise ModelError(
            f'{name} is no manifest: a wake word\'s has "wake_word" and "micro", an image model\'s '
            '"labels".'
        )
    if "micro" in manifest:
        _check_wake(name, manifest)
    elif not isinstance(manifest["labels"], list) or not manifest["labels"]:
        raise ModelError(f'{name}: "labels" has to be a list of names.')


def _check_wake(name: str, manifest: dict[str, Any]) -> None:
    micro = manifest["micro"]
    keys = ("probability_cutoff", "sliding_window_size")
    lacking = [key for key in keys if not isinstance(micro, dict) or key not in micro]
    lacking += ["wake_word"] * (not isinstance(manifest.get("wake_word"), str))
    if lacking:
        raise ModelError(f"{name}: the manifest of a wake word lacks {', '.join(lacking)}.")
