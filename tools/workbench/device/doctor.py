# SPDX-License-Identifier: Apache-2.0
"""Looks at the machine, and at a board on a serial port, and says what to do next."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bleak import BleakScanner
from glint.adapter import errors_explained
from glint.errors import GlintError
from platformdirs import user_cache_path
from serial.tools import list_ports

from workbench.build import compilers, natmod
from workbench.device import deploy, esp_image, findings, flash, official, security, selftest, trust
from workbench.device.findings import Finding
from workbench.device.serialboard import BoardError, Facts, NoPromptError, SerialBoard, stopped
from workbench.errors import WorkbenchError
from workbench.paths import FIRMWARE, NATIVE

DISK_NEEDED_BYTES = 1 << 20

# Time that a radio may take to start, or listening to a microphone.
RADIO_TIMEOUT_S = 10
LISTEN_TIMEOUT_S = 15
LISTEN = FIRMWARE / "checks" / "listen.py"

ABOUT = """
import json, machine
said = {{}}
try:
    import platform
    said["platform"] = platform.platform()
except (ImportError, AttributeError):
    pass
try:
    cause = machine.reset_cause()
    names = ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET")
    said["reset"] = [n for n in names if getattr(machine, n, None) == cause][0]
except (AttributeError, IndexError):
    pass
if {efuse!r} and hasattr(machine, "mem32"):
    low, high = machine.mem32[{efuse} + 16], machine.mem32[{efuse} + 20]
    said["psram"] = (low >> 3 & 3) | (high >> 19 & 1) << 2
print(json.dumps(said))
"""
# Bluetooth stays on, since native modules get the memory that is left beside it.
BLE = """
import json
said = {}
try:
    import bluetooth
    radio = bluetooth.BLE()
    radio.active(True)
    said["radio"] = "on" if radio.active() else "off"
except Exception as error:
    said["radio"] = "fails: " + type(error).__name__
try:
    import esp32
    said["executable"] = max(region[2] for region in esp32.idf_heap_info(esp32.HEAP_EXEC))
except (ImportError, AttributeError, ValueError):
    pass
print(json.dumps(said))
"""


def _bluetooth() -> Finding:
    async def listen() -> None:
        with errors_explained("scan", None):
            async with BleakScanner():
                pass

    try:
        asyncio.run(listen())
    except GlintError as error:
        return Finding("Bluetooth", False, "not usable", str(error))
    return Finding("Bluetooth", True, "an adapter that scans")


def _serial_ports() -> Finding:
    known: Any = list_ports
    found = [port.device for port in known.comports()]
    if not found:
        return Finding("serial ports", None, "none", "plug the board in with a data cable")
    closed = [device for device in found if not os.access(device, os.R_OK | os.W_OK)]
    if closed:
        advice = "run: sudo usermod -aG dialout $USER, and log in again"
        return Finding("serial ports", False, f"no right to open {', '.join(closed)}", advice)
    return Finding("serial ports", True, ", ".join(found))


def _official_images() -> Finding:
    folder = user_cache_path("glint") / "images"
    there = [image.name for image in official.IMAGES if (folder / image.name).exists()]
    if there:
        return Finding("MicroPython images", True, ", ".join(there))
    return Finding("MicroPython images", None, "not here yet; glint flash gets the right one")


def _native_compiler() -> Finding:
    if NATIVE.is_dir():
        return Finding("native modules", True, "ready-made")
    try:
        compilers.find_compiler("xtensawin")
    except compilers.CompilerError as error:
        return Finding("Xtensa compiler", None, "none", str(error))
    return Finding("Xtensa compiler", True, "there; native modules can be built")


def machine() -> Iterator[Finding]:
    """Examines this machine."""
    yield Finding("machine", True, f"{platform.platform()}, Python {platform.python_version()}")
    yield _bluetooth()
    yield _serial_ports()
    yield _official_images()
    yield _native_compiler()
    try:
        place = Path.home()
    except RuntimeError:  # no home folder is known
        place = Path.cwd()
    free = shutil.disk_usage(place).free
    yield Finding("disk", free > 1 << 30, f"{free >> 20} MB free", "" if free > 1 << 30 else "tidy")


def _modules(facts: Facts, on_board: Mapping[str, str], deploying: str) -> Finding:
    missing = [
        name
        for name in natmod.native_modules()
        if name not in facts.builtin and f"{name}.mpy" not in on_board
    ]
    if missing:
        return Finding("native modules", False, f"no {', '.join(missing)}", deploying)
    return Finding("native modules", True, "built in or there")


def board(port: str, name: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Examines a board without writing to it; its application restarts afterwards.

    Args:
        port: Serial port.
        name: Folder below boards/ of the board that it should be.
        files: The files that should be on it, by path.
    """
    try:
        with stopped(port) as there:
            yield from _looked_at(there, name, files)
    except NoPromptError as error:
        yield _chip(port, name, str(error))
    except BoardError as error:
        yield Finding("board", False, "does not answer as it should", str(error))


def _chip(port: str, name: str, unanswered: str) -> Finding:
    """Asks the chip's ROM loader about it, if no MicroPython answers."""
    try:
        chip = flash.look(port)
    except WorkbenchError:
        return Finding("board", False, "does not answer as it should", unanswered)
    found = f"{chip.description} without MicroPython"
    found += f", {chip.flash_bytes >> 20} MB flash, {chip.psram or 'no PSRAM'}"
    found += f", {chip.security}" if chip.security else ""
    mcu = deploy.chip_of(name)
    if chip.chip.replace("-", "") != mcu:
        advice = f"this is no {mcu}: name the port of one, or this board's folder with --board"
    else:
        advice = f"write MicroPython into it with: glint flash --port {port}"
    return Finding("board", False, found, advice)


def _efuses(there: SerialBoard, name: str) -> Finding:
    """Reports whether the chip protects its flash from someone who holds the board."""
    found = security.of_board(there, deploy.chip_of(name))
    if found is None:
        return Finding("protection of the flash", None, "not known for this board")
    both = found.secure_boot and found.flash_encryption
    advice = "" if both else "who holds the board can read and change its flash: docs/security.md"
    return Finding("protection of the flash", True if both else None, str(found), advice)


def _deploying(there: SerialBoard) -> str:
    """Advises how to deploy what is missing: over the cable, unless the board is closed."""
    with contextlib.suppress(trust.KeysError):
        if trust.stored_on(there).closed:
            return "the board is closed: update it with a signed image (glint update)"
    return f"run: glint deploy --port {there.port}"


def _signing_keys(there: SerialBoard) -> Finding:
    """Reports whose updates the board accepts."""
    try:
        stored = trust.stored_on(there)
    except trust.KeysError as error:
        return Finding("signing keys", False, "damaged", str(error))
    found = f"security counter {stored.counter}" + (", closed" if stored.closed else "")
    if stored.development:
        return Finding("signing keys", None, found, trust.DEVELOPMENT_NOTICE)
    return Finding("signing keys", True, f"not the development key; {found}")


def _looked_at(there: SerialBoard, name: str, files: Mapping[str, bytes]) -> Iterator[Finding]:
    facts = there.facts()
    found = f"{facts.machine}, MicroPython {facts.version}"
    try:
        deploy.refuse_unless_fit(facts, name)
    except deploy.DeployError as error:
        yield Finding("board", False, found, str(error))
    else:
        yield Finding("board", True, found)
    names = [*files, *(f"{name}.mpy" for name in natmod.native_modules())]
    on_board = deploy.hashes(there, names)
    deploying = _deploying(there)
    yield _modules(facts, on_board, deploying)
    other = [name for name in files if on_board.get(name) != deploy.digest(files[name])]
    if other:
        shown = ", ".join(other[:3]) + (" ..." if len(other) > 3 else "")
        yield Finding("files", False, f"{len(other)} missing or old: {shown}", deploying)
    else:
        yield Finding("files", True, f"{len(files)} files as in this checkout")
    about = _about(there, name)
    yield from findings.system(about)
    yield findings.memory(facts, about, there.port)
    enough = not other or facts.disk_free > DISK_NEEDED_BYTES
    advice = "" if enough else "remove files from the board with mpremote rm"
    yield Finding("file system", enough, f"{facts.disk_free >> 10} KB free", advice)
    yield _efuses(there, name)
    yield _signing_keys(there)
    try:
        report = selftest.run(there, deploy.tested_model(there))
    except WorkbenchError as error:
        yield Finding("self-test", False, "failed", str(error))
    else:
        yield Finding("self-test", True, f"right values, {report['hop_us']} us a hop")
    if "board.py" in on_board:
        yield from _peripherals(there)
    else:
        yield Finding("microphone", None, "not listened to: there is no board.py")
    # This check is the last, since a radio that does not answer blocks the board, too.
    yield from _radio(there, facts)


def _about(there: SerialBoard, name: str) -> dict[str, Any]:
    """Reports what MicroPython says about the system beneath it."""
    efuse = esp_image.S3.EFUSE_BLOCK1_ADDR if deploy.chip_of(name) == "ESP32S3" else 0
    about: dict[str, Any] = json.loads(there.run(ABOUT.format(efuse=efuse)))
    return about


def _peripherals(there: SerialBoard) -> Iterator[Finding]:
    try:
        report = json.loads(there.run(LISTEN.read_text(), LISTEN_TIMEOUT_S))
    except (BoardError, ValueError) as error:
        yield Finding("microphone", None, f"not listened to: {error}")
        return
    yield findings.heard(report)
    if report["camera"]:
        yield Finding("camera", True, "there")
    else:
        why = "none: MicroPython's own images have no driver, or board.py names no pins"
        yield Finding("camera", None, why)


def _radio(there: SerialBoard, facts: Facts) -> Iterator[Finding]:
    try:
        said = json.loads(there.run(BLE, RADIO_TIMEOUT_S))
    except (BoardError, ValueError):
        found = f"does not answer within {RADIO_TIMEOUT_S} s"
        yield Finding("radio", False, found, "press the board's RESET button, and try again")
        return
    radio = said["radio"]
    advice = f"write an image with Bluetooth: glint flash --port {there.port}"
    yield Finding("radio", radio == "on", f"Bluetooth LE {radio}", "" if radio == "on" else advice)
    if "executable" in said:
        yield findings.executable(said["executable"], facts)
