# SPDX-License-Identifier: Apache-2.0
"""Runs the linux board's interpreter on a pseudo-terminal that mpremote can connect to.

`python -m workbench.emulation.linuxconsole` starts it. The ROMFS partition is the file rom.img in
the board's folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import threading
import tty
from pathlib import Path
from types import TracebackType

from workbench.build import micropython
from workbench.errors import WorkbenchError
from workbench.paths import BOARDS

JOIN_TIMEOUT_S = 1.0


class LinuxConsole:
    """A running interpreter, as a context manager.

    Attributes:
        path: The pseudo-terminal that `mpremote connect` takes.

    Args:
        folder: Its current folder, which mpremote sees as its file system.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> LinuxConsole:
        # Two pseudo-terminals, since each has a name at one end only.
        self._ours, theirs = _pair()
        relayed, self._named = _pair()
        self.path = os.ttyname(self._named)
        try:
            self.process = subprocess.Popen(
                [micropython.ensure("linux"), BOARDS / "linux" / "rawrepl.py"],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=self._folder,
                env=os.environ | {"GLINT_ROM": str(self._folder / "rom.img")},
                start_new_session=True,
                preexec_fn=_take_terminal,
            )
        finally:
            os.close(theirs)
        self._relay = threading.Thread(target=_relay, args=(self._ours, relayed), daemon=True)
        self._relay.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._named)
        self._relay.join(JOIN_TIMEOUT_S)


def _take_terminal() -> None:
    """Makes standard input the controlling terminal, so that Ctrl-C becomes a signal here."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _pair() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave


def _relay(board: int, client: int) -> None:
    """Relays bytes both ways until the board has ended; a client then sees the port disappear."""
    other = {board: client, client: board}
    with contextlib.suppress(OSError):
        while True:
            for ready in select.select([board, client], [], [])[0]:
                os.write(other[ready], os.read(ready, 4096))
    os.close(board)
    os.close(client)


def main() -> int:
    """Runs an interpreter in an empty folder until it is interrupted."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="glint-linux-") as folder,
            LinuxConsole(Path(folder)) as console,
        ):
            print(f"mpremote connect {console.path}", flush=True)
            return console.process.wait()
    except KeyboardInterrupt:
        return 0
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
