# SPDX-License-Identifier: Apache-2.0
"""Installs both distributions into empty environments and uses them without a checkout."""

import json
import os
import shutil
import subprocess
import sys
import venv

import pytest
from workbench.build import compilers, dist, micropython, natmod
from workbench.emulation import qemu
from workbench.paths import ROOT

BOARD = "corstone300"
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
    """Programs installed from packages, run in an empty folder."""

    def __init__(self, folder, *packages):
        self.folder = folder / "empty"
        self.folder.mkdir(parents=True)
        self._programs = folder / "venv" / "bin"
        self._cache = folder / "cache"
        venv.create(folder / "venv", with_pip=True)
        pip = [self._programs / "python", "-m", "pip", "install", "-q", "--no-compile"]
        subprocess.run([*pip, "-c", ROOT / "constraints.txt", *packages], check=True)

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
        """Returns what a command printed; the command has to succeed."""
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
def built(tmp_path_factory):
    """The folder with both distributions, each as a wheel and as its source."""
    output = tmp_path_factory.mktemp("dist")
    dist.build(output, print)
    assert len(list(output.iterdir())) == 4
    return output


@pytest.fixture(params=["*.whl", "*.tar.gz"])
def packages(request, built):
    """Companion and workbench, to install from wheels or from sources."""
    return sorted(built.glob(request.param))


def modules_that_ran():
    """The bytes of each native module that the tests of native modules run, by its path."""
    return {
        f"{arch}/{module}.mpy": natmod.build(module, arch, say=print).read_bytes()
        for arch in dist.ARCHS
        for module in natmod.native_modules()
    }


def test_the_native_modules_are_those_that_the_tests_ran(monkeypatch, tmp_path):
    for arch in dist.ARCHS:
        try:
            compilers.find_compiler(arch)
        except compilers.CompilerError as error:
            pytest.skip(str(error))
    monkeypatch.setattr(dist, "STAGE", tmp_path)
    _, workbench = dist.stage(print)
    native = workbench / "workbench" / "data" / "native"
    staged = {str(path.relative_to(native)): path.read_bytes() for path in native.glob("*/*.mpy")}
    assert staged == modules_that_ran()


@pytest.mark.sweep
def test_the_packages_carry_them(packages, tmp_path):
    shutil.unpack_archive(packages[1], tmp_path, "zip" if packages[1].suffix == ".whl" else None)
    (native,) = tmp_path.glob("**/data/native")
    carried = {str(path.relative_to(native)): path.read_bytes() for path in native.glob("*/*.mpy")}
    assert carried == modules_that_ran()


@pytest.mark.sweep
def test_the_companion_alone(packages, tmp_path):
    there = Environment(tmp_path, packages[0])
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
def test_the_workbench(packages, tmp_path):
    names = zip(packages, ("[hci]", ""), strict=True)
    there = Environment(tmp_path, *(f"{package}{extra}" for package, extra in names))
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
