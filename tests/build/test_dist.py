# SPDX-License-Identifier: Apache-2.0
"""Both distributions, each installed into an empty environment and used with no checkout near."""

import json
import os
import subprocess
import sys
import venv

import pytest
from workbench.build import dist, micropython
from workbench.emulation import qemu
from workbench.paths import ROOT

BOARD = "corstone300"
KEPT = ("HOME", "LANG", "GLINT_MIRROR")
APP = """
import asyncio
import glint

async def main() -> None:
    async with glint.connect() as glasses:
        async for event in glasses.events("unread"):
            print(event.seq)

asyncio.run(main())
"""


class Environment:
    """Programs installed from wheels, run in an empty folder."""

    def __init__(self, folder, *wheels):
        self.folder = folder / "empty"
        self.folder.mkdir(parents=True)
        self._programs = folder / "venv" / "bin"
        self._cache = folder / "cache"
        venv.create(folder / "venv", with_pip=True)
        pip = [self._programs / "python", "-m", "pip", "install", "-q", "--no-compile"]
        subprocess.run([*pip, "-c", ROOT / "constraints.txt", *wheels], check=True)

    def run(self, program, *arguments, **environment):
        path = f"{self._programs}:{os.environ['PATH']}"
        kept = {
            key: os.environ[key] for key in ("HOME", "LANG", "GLINT_MIRROR") if key in os.environ
        }
        return subprocess.run(
            [self._programs / program, *map(str, arguments)],
            cwd=self.folder,
            env=kept | {"PATH": path, "GLINT_CACHE": str(self._cache), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )

    def glint(self, *arguments, **environment):
        """What a command printed; it has to end well."""
        done = self.run("glint", *arguments, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def complaint(self, *arguments, **environment):
        """The one line of a command that fails."""
        done = self.run("glint", *arguments, **environment)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        return line


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    output = tmp_path_factory.mktemp("dist")
    dist.build(output, print)
    assert len(list(output.glob("*.tar.gz"))) == 2
    companion, workbench = sorted(output.glob("*.whl"))
    return companion, workbench


@pytest.mark.sweep
def test_the_companion_alone(wheels, tmp_path):
    there = Environment(tmp_path, wheels[0])
    done = there.run("python", "-c", "import glint; print(glint.connect, glint.scan)")
    assert done.returncode == 0, done.stderr
    assert "glint-companion[hci]" in there.complaint("scan", GLINT_HCI="tcp-client:127.0.0.1:9")
    assert "pip install glint-workbench" in there.complaint("sim")
    scanned = there.run("glint", "scan", "--seconds", "0.1")
    assert len(scanned.stdout.splitlines() + scanned.stderr.splitlines()) == 1
    (there.folder / "app.py").write_text(APP)
    python = there._programs / "python"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "app.py"],
        cwd=there.folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.sweep
def test_the_workbench(wheels, tmp_path):
    there = Environment(
        tmp_path, *(f"{wheel}{extra}" for wheel, extra in zip(wheels, ("[hci]", ""), strict=True))
    )
    assert "arena" in there.glint("model", "info", "okay_nabu")
    there.glint("model", "check", "okay_nabu", "--board", "esp32s3")
    assert "ESP32-S3" in there.glint("boards", "--compare", "okay_nabu", "--picture", "t.svg")
    assert "hours" in there.glint("budget", "--wake", "okay_nabu")
    (there.folder / "zeros").write_bytes(bytes(120))
    there.glint("model", "run", "okay_nabu", "--input", "zeros", "--output", "out")
    said = there.glint("sim", "--seconds", "1", "--json")
    assert any(json.loads(line)["event"] == "ready" for line in said.splitlines())
    shown = [json.loads(line) for line in there.glint("demo", "--json").splitlines()]
    assert shown
    firmware = micropython.ensure(BOARD, bare=True)
    with qemu.Qemu(BOARD, firmware, flash=tmp_path / "flash.bin", pty=True) as machine:
        there.glint("deploy", "--port", machine.console_path, "--board", BOARD)
