# SPDX-License-Identifier: Apache-2.0
"""The raw REPL that mpremote speaks, which MicroPython's unix port has not: Ctrl-A, code, Ctrl-D.

`python -m workbench.linuxconsole` runs it on a pseudo-terminal. As on a microcontroller, Ctrl-D
with no code forgets all variables, and Ctrl-B leaves the raw REPL.
"""

import sys

_BANNER = "raw REPL; CTRL-B to exit\r\n>"
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = range(1, 6)


def _write(text):
    sys.stdout.write(text)


def _run(code, names):
    _write("OK")
    try:
        exec(compile(code, "<stdin>", "exec"), names)
        _write("\x04\x04>")
    except SystemExit:
        raise
    except BaseException as error:
        _write("\x04")
        sys.print_exception(error)
        _write("\x04>")


def main():
    names = {"__name__": "__main__"}
    raw = False
    code = bytearray()
    read = sys.stdin.buffer.read
    sys.path.insert(0, "")  # as at a prompt; it was the folder of this script
    _write("MicroPython raw REPL on the unix port\r\n>>> ")
    while True:
        try:
            byte = read(1)
        except KeyboardInterrupt:
            byte = b"\x03"
        if not byte:
            return
        key = byte[0]
        if key == _CTRL_A:
            raw = True
            code = bytearray()
            _write(_BANNER)
        elif key == _CTRL_B:
            raw = False
            _write("\r\n>>> ")
        elif key == _CTRL_C:
            code = bytearray()
            if not raw:
                _write("\r\n>>> ")
        elif not raw:
            pass
        elif key == _CTRL_E and not code:
            read(2)
            _write("R\x00")  # no raw paste mode
        elif key == _CTRL_D:
            if code:
                _run(bytes(code), names)
            else:
                names = {"__name__": "__main__"}
                _write("OK\r\nMPY: soft reboot\r\n" + _BANNER)
            code = bytearray()
        else:
            code.append(key)


main()
