# SPDX-License-Identifier: Apache-2.0
"""Manages which signing keys are trusted: by this checkout, by boards, and changed by updates."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cbor2
from glint.image import parse
from imgtool import keys as imgtool_keys

from workbench.device.deploy import DeployError
from workbench.device.serialboard import SerialBoard
from workbench.device.update_image import (
    DEVELOPMENT_KEY,
    KEY_BITS,
    TRUSTED_KEYS,
    ImageError,
    Key,
    key_hash,
    load_key,
    sign,
)
from workbench.errors import WorkbenchError

DEVELOPMENT_NOTICE = (
    "the development key is in use, whose private half is public: anyone can make updates for "
    "these glasses. For your own: glint image keys make, glint image keys rotate (docs/security.md)"
)
ADD_NAME, RETIRE_NAME = "1-add.img", "2-retire.img"

# Runs on a board; prints what boot/trust.py has stored there, or null.
READ = """
import json
found = None
for path in ("trust.json", "trust.copy"):
    try:
        with open(path) as f:
            found = json.load(f)
        break
    except OSError:
        pass
    except ValueError:
        found = {}
print(json.dumps(found))
"""


class KeysError(WorkbenchError):
    """A key cannot be made, or a board does not accept what is to be installed."""


@dataclass(frozen=True)
class Changes:
    """The changes in trust that an image makes once it is confirmed.

    Attributes:
        add: Keys that are trusted from then on.
        retire: Keys that are never trusted again.
        close: Whether the development key is refused for good.
    """

    add: tuple[Key, ...] = ()
    retire: tuple[Key, ...] = ()
    close: bool = False

    def encode(self) -> bytes:
        """Encodes the value of the image's TLV; empty if nothing changes.

        Raises:
            KeysError: Two of the keys have one name.
        """
        said: dict[str, Any] = {}
        if self.add:
            said["add"] = {key.name: key.modulus.to_bytes(256, "big") for key in self.add}
            if len(said["add"]) < len(self.add):
                raise KeysError("two keys to add have the same file name; rename one")
        if self.retire:
            said["retire"] = [key.digest for key in self.retire]
        if self.close:
            said["close"] = True
        return cbor2.dumps(said) if said else b""


@dataclass(frozen=True)
class Stored:
    """What a board has stored about trust.

    Attributes:
        closed: The development key is refused for good.
        counter: Images with a lower security counter are refused.
        development: The development key is trusted.
    """

    closed: bool
    counter: int
    development: bool


def make_key(path: Path) -> Path:
    """Writes a new private key to a file that nobody else may read; returns its public half's.

    Raises:
        KeysError: The file is there already, or cannot be written.
    """
    public = path.with_suffix(".pub.pem")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        key = imgtool_keys.RSA.generate(KEY_BITS)
        key.export_private(str(path))
        key.export_public(str(public))
    except FileExistsError:
        raise KeysError(f"{path} is there already; a key is never overwritten") from None
    except OSError as error:
        raise KeysError(f"cannot write {path}: {error.strerror}") from None
    return public


def checkout_keys() -> dict[bytes, str]:
    """The names of the keys that this checkout's firmware trusts at first, by key hash."""
    found: dict[str, Any] = {}
    exec(TRUSTED_KEYS.read_text(), found)
    trusted: dict[bytes, tuple[str, int]] = found["TRUSTED"]
    return {digest: name for digest, (name, _) in trusted.items()}


def is_development(key: Path) -> bool:
    """Whether a file holds the development key.

    Raises:
        ImageError: It holds none that the firmware could verify.
    """
    return load_key(key).digest == load_key(DEVELOPMENT_KEY).digest


def checkout_trusts_development() -> bool:
    """Whether a board with this checkout's firmware initially trusts the development key."""
    return load_key(DEVELOPMENT_KEY).digest in checkout_keys()


def stored_on(board: SerialBoard) -> Stored:
    """Reads what a board has stored about trust; without that, this checkout's initial values.

    Raises:
        KeysError: What is stored is damaged.
        serialboard.BoardError: The board went away.
    """
    said = json.loads(board.run(READ))
    if said is None:
        return Stored(closed=False, counter=0, development=checkout_trusts_development())
    try:
        closed, counter, retired = bool(said["closed"]), int(said["counter"]), said["retired"]
        added = [key_hash(int(digits, 16)) for _, digits in said["added"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise KeysError(
            "what the board trusts is damaged (trust.json): it takes no update; erase the board"
        ) from None
    development = load_key(DEVELOPMENT_KEY).digest
    known = development in checkout_keys() or development in added
    return Stored(closed, counter, known and not closed and development.hex() not in retired)


def refuse_unless_open(board: SerialBoard, counter: int) -> Stored:
    """Checks that a board accepts an installation over a cable.

    Args:
        board: At its REPL.
        counter: Security counter of what is to be installed.

    Raises:
        deploy.DeployError: The board is closed, or its counter is higher.
        KeysError: What is stored is damaged.
    """
    stored = stored_on(board)
    if stored.closed:
        raise DeployError(
            "the board is closed (production): it takes signed updates (glint update) and nothing "
            "over a cable. Erasing it opens it, and all that is on it is lost: "
            f"esptool --port {board.port} erase-flash, then glint flash"
        )
    if stored.counter > counter:
        raise DeployError(
            f"the board's security counter is {stored.counter}, and this checkout's is {counter}: "
            "it would not start; deploy a newer one, or erase the board"
        )
    return stored


def rotation(
    payload: bytes,
    *,
    version: str,
    board: str,
    old: Path,
    new: Path,
    counter: int,
    close: bool,
) -> Mapping[str, bytes]:
    """Builds two images that move glasses from one key to another, by file name.

    The first is signed with the old key and adds the new one; the second is signed with the new
    key and retires the old one. Each is to be confirmed before the next.

    Args:
        payload: ROMFS of both.
        version: Version of both.
        board: The board they are for.
        old: PEM file with the private key that the glasses trust.
        new: PEM file with the private key that they will trust instead.
        counter: Security counter of both.
        close: Whether the second closes the glasses.

    Raises:
        ImageError: A key is not usable.
    """
    old_key, new_key = load_key(old), load_key(new)
    if old_key.digest == new_key.digest:
        raise ImageError("the old key and the new one are the same")
    common: dict[str, Any] = {"version": version, "board": board, "counter": counter}
    retire = Changes(retire=(old_key,), close=close)
    return {
        ADD_NAME: sign(payload, key=old, changes=Changes(add=(new_key,)).encode(), **common),
        RETIRE_NAME: sign(payload, key=new, changes=retire.encode(), **common),
    }


def described(data: bytes) -> str:
    """Describes an image in a few words: version, board, security counter, changes in trust."""
    said = parse(data)
    text = f"version {said.version} for {said.board}, security counter {said.counter}"
    changes = [f"adds the key {name}" for name in said.trust.get("add", ())]
    changes += [f"retires the key {digest.hex()[:16]}" for digest in said.trust.get("retire", ())]
    changes += ["closes the glasses"] if said.trust.get("close") else []
    return ", ".join([text, *changes])
