# SPDX-License-Identifier: Apache-2.0
"""The raw REPL that mpremote uses and MicroPython's unix port lacks: Ctrl-A, code, Ctrl-D.

`python -m workbench.emulation.linuxconsole` runs it on a pseudo-terminal. As on a microcontroller,
Ctrl-C stops what runs (unless `micropython.kbd_intr` says otherwise), Ctrl-D with no code forgets
all variables, and Ctrl-B leaves the raw REPL.
"""

import sys
import termios

import micropython

_BANNER = "raw REPL; CTRL-B to exit\r\n>"
_CTRL_A, _CTRL_B, _CTRL_C, _CTRL_D, _CTRL_E = range(1, 6)
# Linux's local modes (termios(3)): a Ctrl-C is a SIGINT, and leaves what else was typed as it is.
_ISIG, _NOFLSH = 0x1, 0x80
_LOCAL_MODES = 3


def _write(text):
    sys.stdout.write(text)


def _ctrl_c_interrupts(on):
    modes = termios.tcgetattr(0)
    modes[_LOCAL_MODES] = _ISIG | _NOFLSH if on else 0
    termios.tcsetattr(0, termios.TCSANOW, modes)


class _Micropython:
    """The module, but for `kbd_intr`: the unix port's leaves the terminal as it is."""

    def __getattr__(self, name):
        return getattr(micropython, name)

    def kbd_intr(self, key):
        _ctrl_c_interrupts(key == _CTRL_C)


def _run(code, names):
    _write("OK")
    try:
        try:
            _ctrl_c_interrupts(True)
            exec(compile(code, "<stdin>", "exec"), names)
        finally:
            _ctrl_c_interrupts(False)
        _write("\x04\x04>")
    except SystemExit:
        raise
    except BaseException as error:
        _write("\x04")
        sys.print_exception(error)
        _write("\x04>")


def main():
    sys.modules["micropython"] = _Micropython()
    names = {"__name__": "__main__"}
    raw = False
    code = bytearray()
    read = sys.stdin.buffer.read
    sys.path.insert(0, "")  # as at a prompt; it was the folder of this script
    sys.path.extend(("/rom", "/rom/lib"))
    _write("MicroPython raw REPL on the unix port\r\n>>> ")
    while True:
        byte = read(1)
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
