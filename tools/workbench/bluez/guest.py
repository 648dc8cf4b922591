# SPDX-License-Identifier: Apache-2.0
"""Boots and drives a virtual machine with BlueZ and the companion, on the simulated radio."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sysconfig
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.bluez.system import FOLDER, GuestError, System
from workbench.paths import ROOT

PROGRAM = "qemu-system-x86_64"
# KVM is not used: results must be the same on every machine, and CI runners may lack it.
MACHINE = "-machine q35 -cpu max -accel tcg -smp 2 -m 768 -nodefaults -display none -no-reboot"
KERNEL_OPTIONS = "console=ttyS0 quiet panic=-1 mitigations=off"
START_TIMEOUT_S = 240.0
LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class Done:
    """A command that ended in the guest.

    Attributes:
        rc: Its exit status.
        out: What it printed on standard output and standard error.
        took_s: How long it took, by the guest's clock.
    """

    rc: int
    out: str
    took_s: float

    @property
    def last(self) -> str:
        """The last line that it printed."""
        return self.out.strip().rpartition("\n")[2]


class Guest:
    """A running guest.

    Attributes:
        kernel: Its kernel's version.
        booted_s: How long booting took, by the guest's clock.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        self.kernel = ""
        self.booted_s = 0.0

    async def listen(self) -> None:
        """Reads and dispatches the guest's messages until it ends."""
        ready: asyncio.Future[Done] = self._waiting.setdefault(0, self._future())
        ready.add_done_callback(lambda _: None)
        async for line in self._reader:
            told = json.loads(line)
            waiting = self._waiting.pop(told.pop("id"), None)
            if waiting and not waiting.done():
                waiting.set_result(Done(**told))
        for waiting in self._waiting.values():
            waiting.set_exception(GuestError("the guest ended"))

    @staticmethod
    def _future() -> asyncio.Future[Done]:
        return asyncio.get_running_loop().create_future()

    async def ready(self) -> None:
        """Waits until the guest is up."""
        done = await self._waiting.setdefault(0, self._future())
        self.kernel, self.booted_s = done.out, done.took_s

    async def run(self, command: str, timeout_s: float = 240.0) -> Done:
        """Runs a shell command and waits until it has ended.

        Raises:
            GuestError: The guest ended, or the command did not.
        """
        return await self._ask({"run": command}, timeout_s)

    async def python(self, arguments: list[str], at: str, timeout_s: float = 600.0) -> Done:
        """Runs Python with these arguments, as starter.py does; waits until it has ended.

        Args:
            arguments: As on a command line.
            at: Path, without suffix, of its output (.out) and its process id (.pid) in the guest.
            timeout_s: How long it may take.

        Raises:
            GuestError: The guest ended, or the program did not.
        """
        return await self._ask({"arguments": arguments, "at": at}, timeout_s)

    async def read(self, path: str) -> str:
        """Returns the text of a file in the guest, or "" if there is no such file."""
        return (await self._ask({"read": path}, 240.0)).out

    async def _ask(self, what: dict[str, Any], timeout_s: float) -> Done:
        number = next(self._numbers)
        waiting = self._waiting[number] = self._future()
        self._writer.write(json.dumps({"id": number, **what}).encode() + b"\n")
        try:
            return await asyncio.wait_for(waiting, timeout_s)
        except TimeoutError:
            raise GuestError(f"{what} did not end in {timeout_s:g} s") from None


def _options(system: System, hci: str, control: Path, console: Path) -> list[str]:
    host, port = hci.removeprefix("tcp-client:").split(":")
    shares = {
        "root": system.root,
        "modules": system.modules,
        "inside": Path(__file__).parent,
        "glint": ROOT / "companion",
        "files": FOLDER / "files",
        "packages": Path(sysconfig.get_paths()["platlib"]),
    }
    options = [*MACHINE.split(), "-kernel", str(system.kernel), "-initrd", str(system.initramfs)]
    options += ["-append", KERNEL_OPTIONS, "-serial", f"file:{console}"]
    for name, path in shares.items():
        options += ["-fsdev", f"local,id={name},path={path},security_model=none,readonly=on"]
        options += ["-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]
    options += ["-device", "virtio-serial-pci"]
    sockets = {"hci": f"host={host},port={port}", "control": f"path={control}"}
    for name, where in sockets.items():
        options += ["-chardev", f"socket,id={name},{where}"]
        options += ["-device", f"virtserialport,chardev={name},name={name}"]
    return options


@contextlib.asynccontextmanager
async def guest(system: System, hci: str) -> AsyncIterator[Guest]:
    """Boots a guest for as long as the block lasts.

    Args:
        system: What it boots.
        hci: Address of the radio's port for its controller.

    Raises:
        GuestError: It did not come up.
    """
    control, console = FOLDER / "control", FOLDER / "console.log"
    control.unlink(missing_ok=True)
    connected: asyncio.Future[Guest] = asyncio.get_running_loop().create_future()

    async def on_connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = Guest(reader, writer)
        connected.set_result(one)
        await one.listen()

    server = await asyncio.start_unix_server(on_connected, control, limit=LINE_BYTES)
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *_options(system, hci, control, console),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                running = await connected
                await running.ready()
        except (TimeoutError, GuestError):
            raise GuestError(f"the guest did not come up: see {console}") from None
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        server.close()
