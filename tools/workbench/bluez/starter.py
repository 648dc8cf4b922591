# SPDX-License-Identifier: Apache-2.0
"""Starts the companion's programs in the guest by forking a process that has already imported them.

Without KVM, importing the companion takes Python most of a minute on a busy machine; a program
forked from this process starts at once. Each connection to the socket requests one program in a
line of JSON, {"arguments", "at"}, and receives {"rc"} when the program has ended. The program's
output goes to the file `at`.out, its process id to `at`.pid.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import sys
import traceback
from pathlib import Path

SOCKET = "/run/starter"


def ready() -> None:
    """Imports what the programs import, and what bleak would import later."""
    import glint.cli.app
    import glint.client
    import glint.finding  # noqa: F401


def become(arguments: list[str], out: str) -> None:
    """Turns this process into `python3 ARGUMENTS`; never returns."""
    for path, flags, files in (
        (os.devnull, os.O_RDONLY, (0,)),
        (out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, (1, 2)),
    ):
        opened = os.open(path, flags)
        for file in files:
            os.dup2(opened, file)
    rc = 0
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as ended:
        rc = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        rc = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(rc)


def keep(connection: socket.socket) -> None:
    """Starts the program that a connection requests, and reports its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked = json.loads(connection.makefile().readline())
    program = os.fork()
    if program == 0:
        connection.close()
        become(asked["arguments"], f"{asked['at']}.out")
    Path(f"{asked['at']}.pid").write_text(str(program))
    _, status = os.waitpid(program, 0)
    connection.sendall(json.dumps({"rc": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def main() -> None:
    """Serves requests for programs until the guest ends."""
    ready()
    server = socket.socket(socket.AF_UNIX)
    server.bind(SOCKET)
    server.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forked keepers are reaped by the kernel
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            server.close()
            keep(connection)
            os._exit(0)
        connection.close()


if __name__ == "__main__":
    main()
