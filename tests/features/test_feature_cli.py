# SPDX-License-Identifier: Apache-2.0
"""On glasses of their own: the commands that manage glasses, as a user types them."""

import asyncio
import json
import shutil

import ppk2_player
import pytest
import pytest_asyncio
from glint.cli import app
from glint.errors import GlintError
from test_model_check import wide
from typer.testing import CliRunner
from workbench.testing import targets

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("hci")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(target_name):
    async with targets.named(target_name) as started:
        yield started


async def glint(target, *arguments):
    """Runs a command to its end; returns the lines that it printed."""

    def run():
        return CliRunner().invoke(app.build(), [*arguments, "--hci", target.sim.address])

    done = await asyncio.to_thread(run)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


async def test_bonds(target):
    (line,) = await glint(target, "bonds", "list", "--json")
    bond = json.loads(line)
    assert bond["this"]
    assert await glint(target, "bonds", "name", str(bond["id"]), "my desk") == []
    (line,) = await glint(target, "bonds", "list")
    assert line.split() == [str(bond["id"]), "*", bond["address"], "my", "desk"]
    (line,) = await glint(target, "bonds", "allow")
    assert line.startswith("open for ")
    with pytest.raises(GlintError, match="no such bond"):
        await glint(target, "bonds", "remove", "99")


async def test_energy(target, tmp_path):
    drawn = tmp_path / "states.svg"
    (line,) = await glint(target, "energy", "show", "--json", "--plot", str(drawn))
    said = json.loads(line)
    assert said["used_uah"] is None  # an emulated board takes no current
    assert said["counts"]["listening_ms"] > 0
    assert said["counts"]["listening_ms"] <= said["uptime_ms"]
    assert "listening" in drawn.read_text()
    with ppk2_player.Player(12.0) as player:
        lines = await glint(target, "energy", "record", "--serial", player.port, "--seconds", "1")
    assert lines[0].startswith("meter    ")
    assert "12.0" in lines[0]
    assert lines[-1].startswith("ledger   unknown")
    with (
        ppk2_player.Player(12.0, stops_after_s=0.3) as player,
        pytest.raises(GlintError, match="stopped after"),
    ):
        await glint(target, "energy", "record", "--serial", player.port, "--seconds", "60")


async def test_config(target):
    (line,) = await glint(target, "config", "get", "--json")
    assert json.loads(line)["name"] == "Glint"
    await glint(target, "config", "set", "words", "alexa", "okay_nabu")
    assert await glint(target, "config", "get", "words") == ["alexa okay_nabu"]
    await glint(target, "config", "set", "wake_audio_ms", "2000")
    assert await glint(target, "config", "get", "wake_audio_ms") == ["2000"]
    for arguments, why in (
        (("colour", "red"), "there are: "),
        (("wake_audio_ms", "long"), "whole number"),
        (("wake_audio_ms", "1"), "takes 1000 to 60000"),
        (("words", "no_such_word"), "no such model"),
    ):
        with pytest.raises(GlintError, match=why):
            await glint(target, "config", "set", *arguments)


async def test_models(target, tmp_path):
    listed = [json.loads(line) for line in await glint(target, "models", "list", "--json")]
    assert {row["name"] for row in listed if row["active"]} >= {"alexa", "okay_nabu"}
    for row in listed:
        assert (row["arena_bytes"] is not None) == row["active"]
    async with target.connect() as glasses:
        for ending in ("tflite", "json"):
            data = await glasses.get_file(f"models/alexa.{ending}")
            (tmp_path / f"mine.{ending}").write_bytes(data)
    await glint(target, "models", "put", str(tmp_path / "mine.tflite"))
    await glint(target, "models", "use", "mine")
    assert "mine" in (await glint(target, "config", "get", "words"))[0]
    await glint(target, "models", "drop", "mine")
    await glint(target, "models", "remove", "mine")
    assert not [line for line in await glint(target, "models", "list") if line.endswith("mine")]
    (tmp_path / "mine.json").unlink()
    shutil.copy(tmp_path / "mine.tflite", tmp_path / "other.tflite")
    with pytest.raises(GlintError, match=r"other\.json"):
        await glint(target, "models", "put", str(tmp_path / "other.tflite"))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(GlintError, match="is no manifest"):
        await glint(target, "models", "put", str(tmp_path / "other.tflite"))
    await glint(target, "models", "put", "hey_jarvis")
    assert [line for line in await glint(target, "models", "list") if line.endswith("hey_jarvis")]
    # What would not fit is refused with what to change, and nothing is sent.
    wide(tmp_path / "wide.tflite", side=3000, channels=1)
    (tmp_path / "wide.json").write_text('{"labels": ["a"]}')
    with pytest.raises(GlintError, match=r"does not fit on .*make the input smaller"):
        await glint(target, "models", "put", str(tmp_path / "wide.tflite"))
    await glint(target, "models", "remove", "hey_jarvis")
