# SPDX-License-Identifier: Apache-2.0
"""Tests deploying over a serial port: MicroPython on the emulated Cortex-M55, on a pty."""

import json
import random

import numpy as np
import pytest
import serial
from glint.cli import app
from hardware import rom_loader
from typer.testing import CliRunner
from workbench.build import micropython, natmod
from workbench.device import deploy, doctor, selftest
from workbench.device.serialboard import BoardError, Facts, SerialBoard
from workbench.emulation import qemu
from workbench.host import micdsp

BOARD = "corstone300"


def ignore(*_):
    """Ignores progress and remarks."""


@pytest.fixture(scope="module")
def firmware():
    try:
        qemu.check_program()
        return micropython.ensure(BOARD, say=ignore)
    except (qemu.QemuError, micropython.MissingToolError) as error:
        pytest.skip(str(error))


@pytest.fixture
def emulated(firmware, tmp_path):
    """A board with an empty file system, on a pty."""
    with qemu.Qemu(BOARD, firmware, flash=tmp_path / "flash.bin", pty=True) as machine:
        yield machine


def files(seed=1):
    return {
        "main.py": b"print('started')\n",
        "glasses/app.py": b"x = 1\n" * 50,
        "models/a.bin": random.Random(seed).randbytes(5000),
    }


def on_board(board, names):
    return deploy.hashes(board, list(names))


def wanted(content):
    return {name: deploy.digest(data) for name, data in content.items()}


def test_only_what_changed_is_sent(emulated):
    with SerialBoard(emulated.console_path) as board:
        assert set(deploy.put(board, files(), ignore).sent) == set(files())
        assert on_board(board, files()) == wanted(files())
        assert deploy.put(board, files(), ignore).sent == ()
        changed = files() | {"glasses/app.py": b"x = 2\n"}
        sent = []
        outcome = deploy.put(board, changed, lambda name, *_: sent.append(name))
        assert "models/a.bin" in outcome.kept
        assert "models/a.bin" not in sent
        assert on_board(board, changed) == wanted(changed)
        assert "started" in board.run("import main")
        assert ".new" not in board.run("import os; print(os.listdir(), os.listdir('glasses'))")


def test_a_restarted_board_starts_from_its_files(emulated):
    with SerialBoard(emulated.console_path) as board:
        deploy.put(board, files() | {"boot.py": b"print('started')\n"}, ignore)
        board.restart()
        serial = board._transport.serial
        serial.timeout = 10
        assert serial.read_until(b"started\r\n").endswith(b"started\r\n")


def test_a_cable_pulled_while_sending_harms_nothing(firmware, tmp_path):
    flash = tmp_path / "flash.bin"
    new = files(seed=2) | {"glasses/app.py": b"y = 1\n" * 2000}
    with qemu.Qemu(BOARD, firmware, flash=flash, pty=True) as machine:
        with SerialBoard(machine.console_path) as board:
            deploy.put(board, files(), ignore)

        def pull(name, *_):
            if name == "models/a.bin":
                machine.kill()

        with (
            pytest.raises(BoardError, match="plug the board in again and repeat the command"),
            SerialBoard(machine.console_path) as board,
        ):
            deploy.put(board, new, pull)
    with (
        qemu.Qemu(BOARD, firmware, flash=flash, pty=True) as machine,
        SerialBoard(machine.console_path) as board,
    ):
        assert on_board(board, files()) == wanted(files())  # the old application, complete
        sent = []
        deploy.put(board, new, lambda name, *_: sent.append(name))
        assert on_board(board, new) == wanted(new)
        assert "glasses/app.py" not in sent  # that one had arrived


def test_power_that_fails_at_the_switch_leaves_what_the_next_start_finishes(
    firmware, tmp_path, monkeypatch
):
    flash = tmp_path / "flash.bin"
    new = files(seed=2) | {"glasses/app.py": b"said = 'new'\n"}
    new["main.py"] = b"from glasses.app import said\nprint('started', said)\n"
    with qemu.Qemu(BOARD, firmware, flash=flash, pty=True) as machine:
        with SerialBoard(machine.console_path) as board:
            deploy.put(board, files(), ignore)
        go_on = deploy.go_on

        def fail(board):
            if b"new" in board.run("print(open('main.py').read())").encode():
                machine.kill()
            return go_on(board)

        monkeypatch.setattr(deploy, "go_on", fail)
        with (
            pytest.raises(BoardError, match="plug the board in again and repeat the command"),
            SerialBoard(machine.console_path) as board,
        ):
            deploy.put(board, new, ignore)
        monkeypatch.setattr(deploy, "go_on", go_on)
    with qemu.Qemu(BOARD, firmware, flash=flash) as machine:
        machine.console.wait_for(b"started new")
    with (
        qemu.Qemu(BOARD, firmware, flash=flash, pty=True) as machine,
        SerialBoard(machine.console_path) as board,
    ):
        assert on_board(board, new) == wanted(new)
        assert deploy.put(board, new, ignore).sent == ()


def test_a_full_file_system_is_named(emulated):
    with SerialBoard(emulated.console_path) as board:
        deploy.put(board, files(), ignore)
        with pytest.raises(deploy.DeployError, match=r"bytes free and \d+ are needed; remove"):
            deploy.put(board, files() | {"glasses/b.py": bytes(5 << 20)}, ignore)
        assert on_board(board, files()) == wanted(files())
        with pytest.raises(BoardError, match="its file system is full; remove files"):
            board.run("raise OSError(28)")
        deploy.put(board, files(seed=2), ignore)  # with less, the job gets done
        assert on_board(board, files()) == wanted(files(seed=2))


def test_a_port_in_use_and_a_missing_one_are_named(emulated, tmp_path):
    with (
        SerialBoard(emulated.console_path),
        pytest.raises(BoardError, match="is open in another program; close that first"),
        SerialBoard(emulated.console_path),
    ):
        pass
    with (
        pytest.raises(BoardError, match=r"there is no port .*; ports: "),
        SerialBoard(str(tmp_path / "nothing")),
    ):
        pass


def test_a_board_that_keeps_restarting_is_named(tmp_path):
    pytest.importorskip("esptool")
    with (
        rom_loader(tmp_path, "--fault", "boot-loop") as port,
        pytest.raises(BoardError, match="starts again and again; write MicroPython into it"),
        SerialBoard(str(port)),
    ):
        pass


def test_a_board_is_examined_and_tests_itself(emulated):
    with SerialBoard(emulated.console_path) as board:
        with pytest.raises(BoardError, match="gave no answer in 1 s"):
            board.run("while True: pass", 1)
        facts = board.facts()  # interrupted, it answers again
        deploy.put(board, files(), ignore)
    assert "Cortex-M55" in facts.machine
    assert facts.arch == "armv7emdp"
    assert facts.mpy_version == deploy.MPY_VERSION
    assert set(natmod.native_modules()) <= set(facts.builtin)
    content = files() | {"board.py": b"missing"}
    found = {
        finding.what: finding for finding in doctor.board(emulated.console_path, BOARD, content)
    }
    assert found["board"].good
    assert found["native modules"].good
    assert found["files"].found == "1 missing or old: board.py"
    assert found["files"].advice == f"run: glint deploy --port {emulated.console_path}"
    assert found["memory"].good
    assert not found["radio"].good  # nobody is on its simulation bus
    assert found["self-test"].good, found["self-test"]


def test_its_application_runs_again_after_it_was_examined(emulated):
    with SerialBoard(emulated.console_path) as board:
        deploy.put(
            board, {"main.py": b"import time\nwhile True:\n print('runs')\n time.sleep(1)"}, ignore
        )
    assert [finding.what for finding in doctor.board(emulated.console_path, BOARD, {})]
    with serial.Serial(emulated.console_path, timeout=20) as port:
        assert port.read_until(b"runs\r\n").endswith(b"runs\r\n")


def test_a_board_that_computes_wrong_values_fails_its_self_test():
    report = json.loads(selftest.EXPECTED.read_text())
    selftest.verify(report)
    report["micdsp"]["adpcm"] = "0" * 64
    with pytest.raises(selftest.SelftestError, match=r"other values than it should: micdsp\.adpcm"):
        selftest.verify(report)


def test_the_self_test_expects_what_the_core_computes():
    state, samples = 1, []
    for i in range(200 * 160):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        samples.append(((state >> 16) - 32768) >> (i // 1600 % 12))
    samples = np.array(samples, np.int16)
    features = micdsp.Frontend().process(samples)
    rows = micdsp.quantize(features, 0.10196078568696976, -128)
    both = b"".join(a.tobytes() + b.tobytes() for a, b in zip(features, rows, strict=True))
    expected = json.loads(selftest.EXPECTED.read_text())["micdsp"]
    assert expected["features"] == deploy.digest(both)
    assert expected["adpcm"] == deploy.digest(bytes(micdsp.AdpcmEncoder().encode(samples)))


def facts(**changes):
    values = {
        "machine": "Generic ESP32S3",
        "version": "1.25.0",
        "arch": "xtensawin",
        "mpy_version": 6,
        "builtin": ("bluetooth",),
        "heap_free": 8 << 20,
        "disk_free": 6 << 20,
        "disk": 6 << 20,
    }
    return Facts(**values | changes)


def test_native_modules_fit_the_board(tmp_path):
    (tmp_path / "xtensawin").mkdir()
    with pytest.raises(deploy.DeployError, match="make it with: make natmod ARCH=xtensawin"):
        deploy.native_modules(facts(), tmp_path, ignore)
    for name in natmod.native_modules():
        (tmp_path / "xtensawin" / f"{name}.mpy").write_bytes(b"M\x06")
    found = deploy.native_modules(facts(), tmp_path, ignore)
    assert set(found) == {f"{name}.mpy" for name in natmod.native_modules()}
    assert deploy.native_modules(facts(builtin=("micdsp", "tflm")), tmp_path, ignore) == {}
    for unfit in (facts(arch="xtensa"), facts(arch=""), facts(mpy_version=5)):
        with pytest.raises(deploy.DeployError, match="takes no native modules that we build"):
            deploy.native_modules(unfit, tmp_path, ignore)


def test_what_is_for_another_board_is_refused():
    deploy.refuse_unless_fit(facts(machine="Generic ESP32S3 module with ESP32S3"), "esp32s3")
    deploy.refuse_unless_fit(facts(machine="Corstone-300 with Cortex-M55"), BOARD)
    for other in ("Corstone-300 with Cortex-M55", "Generic ESP32C3 module with ESP32C3"):
        with pytest.raises(deploy.DeployError, match=f"says it is {other}, .* is for ESP32S3: is"):
            deploy.refuse_unless_fit(facts(machine=other), "esp32s3")


def test_the_commands_deploy_and_examine_a_board(emulated, monkeypatch):
    port = emulated.console_path
    # Less than the whole application: each byte is an interrupt of the emulator's UART.
    whole = deploy.bundle

    def part(*arguments):
        named = ("main.py", "board.py", "glasses/app.py", "models/")
        return {n: data for n, data in whole(*arguments).items() if n.startswith(named)}

    monkeypatch.setattr(deploy, "bundle", part)

    def glint(*arguments):
        return CliRunner().invoke(app.build(), [*arguments, "--port", port])

    assert "is for ESP32S3" in str(glint("deploy").exception)
    for said in ("6 files sent, 0 were", "0 files sent, 5 were"):
        done = glint("deploy", "--board", BOARD, "--word", "alexa")
        assert done.exit_code == 0, done.output
        assert said in done.stderr
        assert "self-test passed" in done.stdout
        assert "the development key is in use" in " ".join(done.stderr.split())
    with SerialBoard(port) as board:
        assert deploy.read_board_config(board) == {"words": ["alexa"]}
        assert "alexa.tflite" in board.run("import os; print(os.listdir('/rom/models'))")
    done = glint("doctor", "--board", BOARD, "--word", "alexa")
    assert "Corstone-300" in done.stdout
    for good in ("board", "files", "native modules", "memory", "file system", "self-test"):
        assert f"ok   {good}: " in done.stdout
    assert done.exit_code == 1  # nobody is on its simulation bus
    assert "BAD  radio: " in done.stdout
    assert "--   signing keys: security counter 0" in done.stdout
    assert "--   protection of the flash: not known for this board" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("next: ")


def test_settings_must_be_a_json_object(tmp_path):
    path = tmp_path / "config.json"
    for content, reason in ((b"{", "is not JSON"), (b"[]", "is not a JSON object")):
        path.write_bytes(content)
        with pytest.raises(deploy.DeployError, match=reason):
            deploy.read_config(path)
    path.write_bytes(b'{"name": "Mine"}')
    assert deploy.read_config(path) == {"name": "Mine"}
