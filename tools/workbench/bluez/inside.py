# SPDX-License-Identifier: Apache-2.0
"""The guest's first program: starts D-Bus, BlueZ and a controller, then runs what it is told.

It runs on the guest's own Python, with the standard library alone. Requests arrive as JSON lines
over the virtio port "control": {"id", "run"} is a shell command; {"id", "arguments", "at"} is a
program for starter.py; {"id", "read"} is a file to read. Each is answered with {"id", "rc", "out",
"took_s"}. The port "hci" carries H4 packets between the simulated radio and the kernel, which
exchanges them through /dev/vhci.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PORTS = Path("/sys/class/virtio-ports")
# Offset and size of each packet type's length field (H4: Core 5.4, Vol 4, Part A, 2).
HCI_LENGTHS = {1: (3, 1), 2: (3, 2), 3: (3, 1), 4: (2, 1), 5: (3, 2)}
# Linux 6.1, drivers/bluetooth/hci_vhci.c: a packet of this type and a byte of options makes the
# controller (vhci_get_user), and is answered with one of this type (__vhci_create_device).
HCI_VENDOR_PKT = 0xFF
READ_BYTES = 4096
PAUSE_S = 0.2
BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd -n -d >>/run/bluetoothd.log 2>&1 &"


def port(name: str) -> int:
    """Opens a virtio port."""
    for entry in PORTS.iterdir():
        if (entry / "name").read_text().strip() == name:
            return os.open(Path("/dev") / entry.name, os.O_RDWR)
    raise SystemExit(f"no virtio port {name}")


def write_all(file: int, data: bytes) -> None:
    """Writes all of it."""
    while data:
        data = data[os.write(file, data) :]


def packets(file: int) -> Iterator[bytes]:
    """H4 packets of a stream, one at a time."""
    pending = b""
    while piece := os.read(file, READ_BYTES):
        pending += piece
        while len(pending) > 1:
            at, width = HCI_LENGTHS[pending[0]]
            if len(pending) < at + width:
                break
            length = at + width + int.from_bytes(pending[at : at + width], "little")
            if len(pending) < length:
                break
            yield pending[:length]
            pending = pending[length:]


def bridge() -> None:
    """Creates the kernel's controller and relays its packets until the guest ends."""
    radio, vhci = port("hci"), os.open("/dev/vhci", os.O_RDWR)

    def down() -> None:
        for packet in packets(radio):
            os.write(vhci, packet)  # the kernel treats each write as one packet

    def up() -> None:
        while True:
            packet = os.read(vhci, READ_BYTES)  # and returns one packet per read
            if packet[0] != HCI_VENDOR_PKT:
                write_all(radio, packet)

    os.write(vhci, bytes([HCI_VENDOR_PKT, 0]))
    for job in (down, up):
        threading.Thread(target=job, daemon=True).start()


def start_system() -> None:
    """Starts the services that every Linux desktop runs: D-Bus and BlueZ."""
    # The packages' installation scripts have not run in this system.
    for link, target in (("/bin/sh", "busybox"), ("/var/run", "/run")):
        if not os.path.lexists(link):
            Path(link).symlink_to(target)
    Path("/run/dbus").mkdir(parents=True, exist_ok=True)
    Path("/etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/bin/false\n"
    )
    Path("/etc/group").write_text("root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n")
    for command in (
        "modprobe -a hci_vhci virtio_console uhid",
        "dbus-uuidgen --ensure=/etc/machine-id",
        "dbus-daemon --system --fork --nopidfile",
        BLUETOOTHD,
        "python3 /inside/starter.py >>/run/starter.log 2>&1 &",
    ):
        subprocess.run(command, shell=True, check=True)


def shell(command: str) -> tuple[int, str]:
    """Runs a shell command to its end: its status, and what it printed."""
    done = subprocess.run(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def printed(path: str) -> str:
    """Returns the content of a file, or "" if there is no such file."""
    file = Path(path)
    return file.read_text(errors="replace") if file.exists() else ""


def start(asked: dict[str, Any]) -> int:
    """Has starter.py start a program; returns its status."""
    while not os.path.exists("/run/starter"):  # it is still importing
        time.sleep(PAUSE_S)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/starter")
        connection.sendall(json.dumps(asked).encode() + b"\n")
        return int(json.loads(connection.makefile().readline())["rc"])


def serve() -> None:
    """Serves requests as they arrive, several at once."""
    control = port("control")
    writing = threading.Lock()

    def say(number: int, rc: int, out: str, took_s: float) -> None:
        told = {"id": number, "rc": rc, "out": out, "took_s": took_s}
        with writing:
            write_all(control, json.dumps(told).encode() + b"\n")

    def run(told: dict[str, Any]) -> None:
        began_s = time.monotonic()
        if "read" in told:
            rc, out = 0, printed(told["read"])
        elif "arguments" in told:
            rc, out = start(told), printed(f"{told['at']}.out")
        else:
            rc, out = shell(told["run"])
        say(told["id"], rc, out, time.monotonic() - began_s)

    say(0, 0, os.uname().release, time.monotonic())
    pending = b""
    while True:
        piece = os.read(control, READ_BYTES)
        if not piece:  # the host is not connected
            time.sleep(PAUSE_S)
            continue
        *lines, pending = (pending + piece).split(b"\n")
        for line in lines:
            threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()


def main() -> None:
    """Becomes the guest's init."""
    os.environ.update(
        PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME="/root",
        LANG="C.UTF-8",
        PYTHONPATH="/glint:/packages",
        PYTHONPYCACHEPREFIX="/run/pycache",  # the shares are read-only
    )
    start_system()
    bridge()
    serve()


if __name__ == "__main__":
    main()
