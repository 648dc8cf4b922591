# SPDX-License-Identifier: Apache-2.0
"""Makes update images for tests with imgtool's command line, in all the ways that it supports."""

import functools
import tempfile
from pathlib import Path

from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from glasses.boot.slots import Slots
from glasses.boot.trust import Trust
from imgtool.main import imgtool
from workbench.build import romfs
from workbench.device import update_image

BOARD = "linux"
# The trust of factory-new glasses: the development key, and no other.
NEW_TRUST = Trust("/nowhere", Slots("/nowhere"))
APP = {"glasses/app.py": b"print('new')\n", "models/m.tflite": bytes(range(256))}


def _run(*arguments):
    done = CliRunner().invoke(imgtool, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output


@functools.cache
def key(kind, number=0):
    """A new private key, as PEM; each number has its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.pem"
        _run("keygen", "-k", path, "-t", kind)
        return path.read_bytes()


def modulus(number):
    """The modulus of an RSA-2048 key, as in an image that adds the key."""
    private = serialization.load_pem_private_key(key("rsa-2048", number), None)
    return private.public_key().public_numbers().n.to_bytes(256, "big")


@functools.cache
def make(
    version="1.0.0",
    board=BOARD,
    kind=None,
    payload=None,
    extra=(),
    number=0,
    counter=None,
    trust=None,
):
    """Returns an image, signed with the development key unless `kind` names another kind of key.

    `number` is that of its key; `trust` is the CBOR of its changes of trust.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_bytes(romfs.build(APP) if payload is None else payload)
        path = update_image.DEVELOPMENT_KEY
        if kind:
            path = folder / "key.pem"
            path.write_bytes(key(kind, number))
        arguments = ["-k", path, "-v", version, "-H", "32", "--pad-header", "-S", "0x300000"]
        if board:
            arguments += ["--custom-tlv", "0x00a0", board]
        if counter is not None:
            arguments += ["--security-counter", counter]
        if trust is not None:
            arguments += ["--custom-tlv", "0x00a1", "0x" + trust.hex()]
        _run("sign", *arguments, "--align", "1", *extra, folder / "in", folder / "out.bin")
        return (folder / "out.bin").read_bytes()
