# SPDX-License-Identifier: Apache-2.0
"""Tests the port with mpremote, with MicroPython's own tests, and without QEMU."""

import os
import subprocess
import sys
import zlib

import pytest
from workbench.build import micropython
from workbench.emulation.console import ConsoleError
from workbench.emulation.qemu import PROGRAM, Qemu, QemuError, check_program
from workbench.runners import porttest

BOARD = "corstone300"
# From each folder of MicroPython's suite, tests that depend on the port; the whole suite takes five
# minutes: python -m workbench.runners.porttest.
SELECTION = (
    *("basics/int_big_div.py", "basics/gc1.py", "basics/sys1.py", "basics/array_intbig.py"),
    *("extmod/asyncio_fair.py", "extmod/asyncio_threadsafeflag.py", "extmod/asyncio_wait_for.py"),
    *("extmod/machine1.py", "extmod/machine_signal.py", "extmod/random_extra.py"),
    *("extmod/time_ms_us.py", "extmod/time_res.py", "extmod/time_time_ns.py", "extmod/vfs_rom.py"),
    *("extmod/hashlib_sha256.py", "extmod/deflate_decompress.py", "extmod/json_loads.py"),
    *("float/float_parse.py", "float/math_domain.py", "float/float_struct.py"),
    *("import/import_pkg7.py", "inlineasm/thumb/asmfpaddsub.py", "io/file_seek.py"),
    *("micropython/heapalloc_traceback.py", "micropython/import_mpy_native.py"),
    *("micropython/native_with.py", "micropython/schedule.py", "micropython/viper_ptr32_store.py"),
    *("micropython/kbd_intr.py", "micropython/emg_exc.py", "micropython/ringio.py"),
    *("misc/rge_sm.py", "stress/recursive_gen.py", "stress/gc_trace.py", "unicode/file1.py"),
)


@pytest.fixture(scope="module")
def firmware():
    return micropython.ensure(BOARD)


@pytest.fixture(scope="module")
def port(firmware):
    with Qemu(BOARD, firmware, pty=True) as qemu:
        yield qemu.console_path


def mpremote(port, *arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", port, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mpremote_copies_lists_runs_and_mounts(port, tmp_path):
    data = os.urandom(3000)
    (tmp_path / "data.bin").write_bytes(data)
    (tmp_path / "script.py").write_text("print('ran', 6 * 7)")
    (tmp_path / "mounted.py").write_text("print('from the host')")
    assert mpremote(port, "exec", "print(1 + 1)", cwd=tmp_path) == "2\n"
    mpremote(port, "cp", "data.bin", ":data.bin", cwd=tmp_path)
    assert "3000 data.bin" in mpremote(port, "ls", cwd=tmp_path)
    mpremote(port, "cp", ":data.bin", "back.bin", cwd=tmp_path)
    assert (tmp_path / "back.bin").read_bytes() == data
    assert mpremote(port, "run", "script.py", cwd=tmp_path) == "ran 42\n"
    assert "from the host" in mpremote(port, "mount", ".", "exec", "import mounted", cwd=tmp_path)


def test_mpremote_deploys_romfs_whose_files_are_used_in_place(port, tmp_path):
    rom = tmp_path / "rom"
    rom.mkdir()
    (rom / "weights.bin").write_bytes(bytes(range(256)) * 20)
    mpremote(port, "romfs", "deploy", "rom", cwd=tmp_path)
    said = mpremote(
        port,
        "exec",
        "import uctypes, binascii; m = memoryview(open('/rom/weights.bin', 'rb'));"
        "print(hex(uctypes.addressof(m))[:4], len(m), binascii.crc32(m))",
        cwd=tmp_path,
    )
    assert said == f"0x60 5120 {zlib.crc32(bytes(range(256)) * 20)}\n"  # 0x60...: in the flash
    assert "ROMFS1 partition has size 2097152" in mpremote(port, "romfs", "query", cwd=tmp_path)


def test_cortex_m4_boots():
    board = "mps2_an386"
    with Qemu(board, micropython.ensure(board)) as qemu:
        qemu.console.enter_raw_repl()
        said = qemu.console.run("import sys; print(sys.implementation._machine)")
        assert said == "MPS2 AN386 with Cortex-M4\n"
        code = "import machine, time; t = time.ticks_us(); time.sleep_ms(50)\n"
        assert int(qemu.console.run(code + "print(time.ticks_diff(time.ticks_us(), t))")) >= 50_000


def test_emulated_time_counts_instructions_and_repeats(firmware):
    code = """
import time
def work():
    t = time.ticks_cpu()
    for i in range(2000):
        pass
    return time.ticks_diff(time.ticks_cpu(), t)
print(work())
"""
    counts = []
    for _ in range(2):
        with Qemu(BOARD, firmware, icount_shift=0) as qemu:
            qemu.console.enter_raw_repl()
            counts.append(int(qemu.console.run(code)))
    # 32 of the core's clock cycles are 1000 instructions; an interrupt more or less may fall in.
    assert counts[0] > 0
    assert abs(counts[0] - counts[1]) <= 0.01 * counts[0]


@pytest.fixture
def fake_qemu(tmp_path, monkeypatch):
    """Replaces QEMU by a program that prints a line; or by nothing, for an empty line."""

    def put(text):
        if text:
            program = tmp_path / PROGRAM
            program.write_text(f"#!{sys.executable}\nprint({text!r})\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("", "not found: qemu-system-arm"),
        ("QEMU emulator version 5.2.0 (Debian)", r"is version 5\.2.*install QEMU 7\.2 or later"),
        ("hello", "does not tell its version"),
    ],
    ids=["none", "old", "no QEMU"],
)
def test_missing_or_wrong_qemu_is_one_line(fake_qemu, says, message):
    fake_qemu(says)
    with pytest.raises(QemuError, match=message):
        check_program()


def test_image_that_is_none_is_one_line(tmp_path):
    image = tmp_path / "firmware.elf"
    image.write_bytes(b"")
    missing = tmp_path / "missing.elf"
    for path in (image, missing):
        with Qemu(BOARD, path) as qemu, pytest.raises((QemuError, ConsoleError)) as caught:
            qemu.console.wait_for(b">>> ", timeout_s=5)
        assert len(str(caught.value).splitlines()) == 1
        assert qemu.process.poll() is not None


def test_firmware_without_a_prompt_is_one_line(firmware, tmp_path):
    with Qemu(BOARD, firmware, flash=tmp_path / "flash.bin") as qemu:
        qemu.console.enter_raw_repl()
        qemu.console.run(
            "f = open('boot.py', 'w'); f.write('print(1)\\nwhile True: pass'); f.close()"
        )
        qemu.console.send(b"import machine; machine.reset()\x04")
        qemu.console.wait_for(b"1\r\n")
        with pytest.raises(
            ConsoleError, match=r"the board did not print '>>> ' within 1 s; it said"
        ):
            qemu.console.wait_for(b">>> ", timeout_s=1)
    assert qemu.process.poll() is not None


def test_selection_of_micropythons_own_tests_passes():
    assert porttest.run(BOARD, list(SELECTION))
