# SPDX-License-Identifier: Apache-2.0
"""Tests `glint image`: images, their keys, and reading a board's trust data over a cable."""

import io
import json
import stat
import subprocess

import cbor2
import pytest
from click.testing import CliRunner as Imgtool
from glasses.boot import keys, slots
from glasses.boot.image import Image
from glasses.boot.trust import Trust
from glint.cli import app
from glint.errors import GlintError
from imgtool.main import imgtool
from typer.testing import CliRunner
from update_images import BOARD, NEW_TRUST
from workbench.build import micropython
from workbench.device import deploy, trust, update_image

NOTICE = "the development key is in use"


def glint(*arguments):
    return CliRunner().invoke(app.build(), ["image", *map(str, arguments)])


def done(*arguments):
    result = glint(*arguments)
    assert result.exit_code == 0, result.output
    return result


def read(path, trusted=NEW_TRUST):
    data = path.read_bytes()
    image = Image(io.BytesIO(data), len(data))
    image.verify(io.BytesIO(data), BOARD, trusted)
    return image


@pytest.fixture(autouse=True)
def small_application(monkeypatch):
    """A small application: what is signed does not matter here."""
    bundle = {"glasses/app.py": b"pass\n"}
    monkeypatch.setattr(deploy, "bundle", lambda *_: bundle)


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.pem"
    done("keys", "make", path)
    return path


def confirmed(folder, image):
    """Glasses whose flash is `folder`, with their trusted keys once `image` is confirmed."""
    (folder / "update").mkdir(exist_ok=True)
    stored = slots.Slots(str(folder / "update"))
    index = 0 if stored.image(0) is None else 1
    (folder / f"update/{index}.img").write_bytes(image.read_bytes())
    stored.write(confirmed=stored.image(index).hash.hex())
    return Trust(str(folder), stored)


def test_a_key_is_made_once_and_is_private(own, tmp_path):
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    public = tmp_path / "own.pub.pem"
    assert b"PUBLIC" in public.read_bytes()
    assert update_image.load_key(public).digest == update_image.load_key(own).digest
    before = own.read_bytes()
    assert "never overwritten" in str(glint("keys", "make", own).exception)
    assert own.read_bytes() == before
    # imgtool reads it.
    shown = Imgtool().invoke(imgtool, ["getpub", "-k", str(own), "-e", "pem"])
    assert shown.output.strip() == public.read_text().strip()


def test_the_development_key_is_named_each_time(tmp_path, own, monkeypatch):
    result = done("build", tmp_path / "a.img", "--board", BOARD)
    assert NOTICE in result.stderr
    assert NOTICE in done("keys", "list").stdout
    result = done("build", tmp_path / "b.img", "--board", BOARD, "--key", own)
    assert NOTICE not in result.output
    keys_file = tmp_path / "keys.py"
    monkeypatch.setattr(trust, "TRUSTED_KEYS", keys_file)
    monkeypatch.setattr(update_image, "TRUSTED_KEYS", keys_file)
    assert NOTICE in done("keys", "trust", own, update_image.DEVELOPMENT_KEY).stderr
    assert NOTICE not in done("keys", "trust", own).output
    assert NOTICE not in done("keys", "list").output
    found = {}
    exec(keys_file.read_text(), found)
    assert list(found["TRUSTED"]) == [update_image.load_key(own).digest]
    assert found["DEVELOPMENT"] == keys.DEVELOPMENT


def test_an_image_says_what_it_changes_and_imgtool_reads_its_counter(tmp_path, own):
    path = tmp_path / "a.img"
    said = done("build", path, "--board", BOARD, "--add-key", own, "--security-counter", 7).stdout
    assert "security counter 7, adds the key own" in said
    image, key = read(path), update_image.load_key(own)
    assert (image.counter, image.trust.close) == (7, False)
    assert image.trust.add == {key.digest: ("own", key.modulus)}
    assert "SEC_CNT" in Imgtool().invoke(imgtool, ["dumpinfo", str(path)]).output


def test_what_the_glasses_would_refuse_is_not_made(tmp_path, own):
    path = tmp_path / "a.img"
    common = ("build", path, "--board", BOARD)
    assert "wants a key of your own" in str(glint(*common, "--production").exception)
    retiring = glint(*common, "--key", own, "--retire-key", own)
    assert "retires the key it is signed with" in str(retiring.exception)
    same = ("keys", "rotate", tmp_path, "--board", BOARD, "--old", own, "--new", own)
    assert "are the same" in str(glint(*same).exception)
    assert not path.exists()


def test_a_rotation_brings_glasses_from_one_key_to_another_and_closes_them(tmp_path, own):
    out = tmp_path / "out"
    done("keys", "rotate", out, "--board", BOARD, "--new", own, "--production")
    first, second = out / trust.ADD_NAME, out / trust.RETIRE_NAME
    flash = tmp_path / "flash"
    flash.mkdir()
    read(first, NEW_TRUST)
    after = confirmed(flash, first)
    read(second, after)
    after = confirmed(flash, second)
    assert after.trusted() == [(update_image.load_key(own).digest, "own")]
    assert after.closed
    found = trust.stored_on(MicroPython(flash))
    assert found == trust.Stored(closed=True, counter=0, development=False)


class MicroPython:
    """Runs what a board at its REPL would, with MicroPython and a folder as the board's flash."""

    port = "/dev/ttyX"

    def __init__(self, folder):
        self.folder = folder

    def run(self, code):
        command = [micropython.ensure("linux"), "-c", code]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout


def test_what_a_board_has_stored_is_read_over_a_cable(tmp_path):
    board = MicroPython(tmp_path)
    assert trust.refuse_unless_open(board, 0) == trust.Stored(False, 0, True)
    stored = {"added": [], "retired": [], "closed": False, "counter": 2, "applied": ""}
    (tmp_path / "trust.json").write_text(json.dumps(stored))
    with pytest.raises(deploy.DeployError, match="counter is 2, and this checkout's is 1"):
        trust.refuse_unless_open(board, 1)
    assert trust.refuse_unless_open(board, 2).counter == 2
    stored["retired"] = [keys.DEVELOPMENT.hex()]
    (tmp_path / "trust.json").write_text(json.dumps(stored))
    assert not trust.refuse_unless_open(board, 2).development
    stored["closed"] = True
    (tmp_path / "trust.copy").write_text(json.dumps(stored))
    (tmp_path / "trust.json").write_text("junk")
    with pytest.raises(deploy.DeployError, match="the board is closed"):
        trust.refuse_unless_open(board, 2)
    (tmp_path / "trust.copy").write_text("{}")
    with pytest.raises(trust.KeysError, match="is damaged"):
        trust.refuse_unless_open(board, 2)


def test_two_keys_of_one_name_are_not_added_together(own, tmp_path):
    key = update_image.load_key(own)
    with pytest.raises(trust.KeysError, match="same file name"):
        trust.Changes(add=(key, key)).encode()
    assert cbor2.loads(trust.Changes(close=True).encode()) == {"close": True}
    assert trust.Changes().encode() == b""
    assert issubclass(trust.KeysError, GlintError)
