# SPDX-License-Identifier: Apache-2.0
"""Update images for tests, made by imgtool's own command line, in all the ways it knows."""

import functools
import tempfile
from pathlib import Path

from click.testing import CliRunner
from imgtool.main import imgtool
from workbench.build import romfs
from workbench.device import update_image

BOARD = "linux"
APP = {"glasses/app.py": b"print('new')\n", "models/m.tflite": bytes(range(256))}


def _run(*arguments):
    done = CliRunner().invoke(imgtool, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output


@functools.cache
def key(kind):
    """A new private key, as PEM."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key.pem"
        _run("keygen", "-k", path, "-t", kind)
        return path.read_bytes()


@functools.cache
def make(version="1.0.0", board=BOARD, kind=None, payload=None, extra=()):
    """A signed image; by the development key unless `kind` names one of another kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_bytes(romfs.build(APP) if payload is None else payload)
        path = update_image.DEVELOPMENT_KEY
        if kind:
            path = folder / "key.pem"
            path.write_bytes(key(kind))
        arguments = ["-k", path, "-v", version, "-H", "32", "--pad-header", "-S", "0x300000"]
        if board:
            arguments += ["--custom-tlv", "0x00a0", board]
        _run("sign", *arguments, "--align", "1", *extra, folder / "in", folder / "out.bin")
        return (folder / "out.bin").read_bytes()
