# SPDX-License-Identifier: Apache-2.0
"""Tests our MicroPython port on the emulated Cortex-M55: time, memory, console, resets, faults."""

import hashlib
import random
import threading
import time

import pytest
from workbench.build import micropython
from workbench.emulation.console import BREAK, CTRL_C, CTRL_D, ConsoleError
from workbench.emulation.qemu import Qemu

BOARD = "corstone300"
BANNER = b"MicroPython v"


@pytest.fixture(scope="module")
def firmware():
    return micropython.ensure(BOARD)


@pytest.fixture(scope="module")
def machine(firmware):
    """A running board, shared."""
    with Qemu(BOARD, firmware) as qemu:
        yield qemu


@pytest.fixture
def board(machine):
    """The console of `machine`, at a fresh raw REPL."""
    machine.console.enter_raw_repl()
    return machine.console


@pytest.fixture
def own(firmware, tmp_path):
    """A board of the test's own, at its raw REPL; its flash is flash.bin in tmp_path."""
    with Qemu(BOARD, firmware, flash=tmp_path / "flash.bin") as qemu:
        qemu.console.enter_raw_repl()
        yield qemu


def dies(qemu, code, until=BANNER):
    """Runs code that does not return, and returns what the board prints until it is up again."""
    qemu.console.send(code.encode() + CTRL_D)
    said = qemu.console.wait_for(until).decode()
    qemu.console.enter_raw_repl()
    return said


def test_is_what_it_says(board):
    said = board.run("import sys; print(sys.implementation._machine, sys.platform, sys.byteorder)")
    assert said == "Corstone-300 (MPS3 AN547) with Cortex-M55 mps little\n"
    # Floats are single; 1.26 prints more of their digits than 1.25 does.
    assert board.run("print(16777217.0 == 16777216.0, int(1e6 / 3))") == "True 333333\n"


@pytest.mark.parametrize("module", ["socket", "_thread", "network", "ssl"])
def test_has_no_network_and_no_threads(board, module):
    with pytest.raises(ConsoleError, match="ImportError"):
        board.run(f"import {module}")


def test_hashes_as_the_host_does(board):
    data = bytes(range(256)) * 5
    code = "import hashlib, binascii\nd = bytes(range(256)) * 5\n"
    said = board.run(code + "print(binascii.hexlify(hashlib.sha256(d).digest()).decode())")
    assert said.strip() == hashlib.sha256(data).hexdigest()


def test_time_never_runs_backwards_and_agrees_with_itself(board):
    said = board.run(
        """
import time
last = time.ticks_us()
for _ in range(30000):
    now = time.ticks_us()
    assert time.ticks_diff(now, last) >= 0, (last, now)
    last = now
ms, us, cpu, ns = time.ticks_ms(), time.ticks_us(), time.ticks_cpu(), time.time_ns()
time.sleep_ms(200)
ms = time.ticks_diff(time.ticks_ms(), ms)
us = time.ticks_diff(time.ticks_us(), us)
cpu = time.ticks_diff(time.ticks_cpu(), cpu)
print(ms, us, cpu, (time.time_ns() - ns) // 1000)
"""
    )
    ms, us, cpu, wall_us = map(int, said.split())
    assert ms >= 200
    assert abs(us - 1000 * ms) < 2000
    assert abs(cpu / 32 - us) < 2000
    assert abs(wall_us - us) < 2000


def test_clock_starts_with_the_hosts_and_can_be_set(board):
    # Checks the hour, not the clock's rate: emulated time may fall behind when the host is busy.
    assert abs(time.time() - int(board.run("import time; print(time.time())"))) < 3600
    code = "import machine, time\nr = machine.RTC()\nr.datetime((2031, 2, 3, 0, 4, 5, 6, 0))\n"
    assert board.run(code + "print(time.gmtime()[:6])") == "(2031, 2, 3, 4, 5, 6)\n"


def test_random_bytes_differ_between_boots(firmware):
    seen = set()
    for _ in range(2):
        with Qemu(BOARD, firmware) as qemu:
            qemu.console.enter_raw_repl()
            for _ in range(2):  # a soft reset alone must not repeat them either
                code = "import os, random; print(os.urandom(8), random.getrandbits(32))"
                seen.update(qemu.console.run(code).rsplit(" ", 1))
                qemu.console.enter_raw_repl()
    assert len(seen) == 8


def test_asyncio_sleeps_and_waits_for_the_console(board):
    said = board.run(
        """
import asyncio, select, sys, time
order = []
async def nap(ms):
    await asyncio.sleep_ms(ms)
    order.append(ms)
async def main():
    await asyncio.gather(nap(60), nap(20), nap(40))
asyncio.run(main())
poll = select.poll()
poll.register(sys.stdin, select.POLLIN)
print(order, poll.poll(0))
"""
    )
    assert said == "[20, 40, 60] []\n"


def test_bus_carries_bytes_both_ways_in_order(machine, board):
    data = random.Random(4).randbytes(300_000)
    board.run("import machine, hashlib, binascii; u = machine.UART(1); b = bytearray(3000)")
    assert board.run("print(u.readinto(b), u.any())") == "None 0\n"
    sender = threading.Thread(target=machine.bus.sendall, args=(data,))
    sender.start()
    said = board.run(
        f"""
h, n = hashlib.sha256(), 0
while n < {len(data)}:
    k = u.readinto(b)
    if k:
        h.update(memoryview(b)[:k])
        n += k
print(binascii.hexlify(h.digest()).decode())
"""
    )
    sender.join()
    assert said.strip() == hashlib.sha256(data).hexdigest()

    received = bytearray()
    start = b"<start>"  # the application may have sent something before it was interrupted
    board.run(f"u.write({start})")

    def receive():
        while len(received) - received.find(start) < 200_000 + len(start):
            received.extend(machine.bus.recv(65536))

    receiver = threading.Thread(target=receive)
    receiver.start()
    board.run("for i in range(200): u.write(bytes((i * k) & 255 for k in range(1000)))")
    receiver.join(timeout=30)
    assert bytes(received).partition(start)[2] == b"".join(
        bytes((i * k) & 255 for k in range(1000)) for i in range(200)
    )


def test_bus_reads_no_more_than_asked_for_while_bytes_come(machine, board):
    """Small pieces on one side, reads of an odd size on the other: no read runs over its buffer."""
    data = random.Random(5).randbytes(60_000)
    board.run("import machine, hashlib, binascii; u = machine.UART(1); b = bytearray(64)")

    def send():
        for start in range(0, len(data), 41):
            machine.bus.sendall(data[start : start + 41])

    sender = threading.Thread(target=send)
    sender.start()
    said = board.run(
        f"""
h, n, over = hashlib.sha256(), 0, 0
part = memoryview(b)[:50]
while n < {len(data)}:
    k = u.readinto(part)
    if k:
        over += k > 50 or any(b[50:])
        h.update(part[:k])
        n += k
print(over, binascii.hexlify(h.digest()).decode())
"""
    )
    sender.join()
    assert said.split() == ["0", hashlib.sha256(data).hexdigest()]


def test_bus_calls_its_handler_whenever_something_came(machine, board):
    board.run(
        """
import machine, time
u, got = machine.UART(1), bytearray()
u.irq(lambda u: got.extend(u.read()), machine.UART.IRQ_RX)
"""
    )
    for i in range(50):
        machine.bus.sendall(bytes([i]) * 7)
    code = (
        "t = time.ticks_ms()\nwhile len(got) < 350 and time.ticks_diff(time.ticks_ms(), t) < 9000:"
    )
    said = board.run(
        code + "\n    time.sleep_ms(1)\nprint(bytes(got) == bytes(i // 7 for i in range(350)))"
    )
    assert said == "True\n"


def test_soft_reset_forgets_variables_and_closes_the_bus(machine, board):
    board.run("import machine; x = 1; u = machine.UART(1); u.irq(print, machine.UART.IRQ_RX)")
    board.enter_raw_repl()
    machine.bus.sendall(b"nobody hears this")
    with pytest.raises(ConsoleError, match="NameError"):
        board.run("x")
    assert board.run("import machine; print(machine.UART(1).any())") == "0\n"
    assert board.run("print(machine.reset_cause() == machine.SOFT_RESET)") == "True\n"


def test_pins_are_the_boards_leds_and_buttons(board):
    code = "import machine; led = machine.Pin('LED0', machine.Pin.OUT, value=0)\n"
    assert board.run(code + "print(led(), led.on(), led.value(), led)") == '0 None 1 Pin("LED0")\n'
    assert board.run("print(machine.Pin('BUTTON0').value())") == "0\n"
    assert board.run("s = machine.Signal(led, invert=True); s.on(); print(led())") == "0\n"
    with pytest.raises(ConsoleError, match="there are LED0, LED1, BUTTON0, BUTTON1"):
        board.run("machine.Pin('P7')")
    with pytest.raises(ConsoleError, match="a button is an input"):
        board.run("machine.Pin('BUTTON0').on()")


def test_recursion_is_an_error_and_not_a_crash(board):
    with pytest.raises(ConsoleError, match="maximum recursion depth exceeded"):
        board.run("def f(n): return f(n + 1)\nf(0)")
    peak = int(board.run("import machine; print(machine.stack_peak())"))
    assert 16 * 1024 < peak <= 32 * 1024


def test_memory_errors_are_errors(board):
    with pytest.raises(ConsoleError, match="MemoryError"):
        board.run("bytearray(3_000_000)")


def test_ctrl_c_interrupts_a_loop(own):
    own.console.send(b"print('now')\nwhile True: pass" + CTRL_D)
    own.console.wait_for(b"now")
    own.console.send(CTRL_C)
    own.console.wait_for(b"KeyboardInterrupt")


SWALLOWER = """
import machine, micropython
micropython.kbd_intr(-1)
machine.disable_irq()
while True:
    try:
        print("cannot be stopped")
        while True:
            pass
    except BaseException:
        pass
"""


def test_break_on_the_console_gets_past_any_script(own):
    own.console.run(f"f = open('main.py', 'w'); f.write({SWALLOWER!r}); f.close()")
    own.console.run("f = open('boot.py', 'w'); f.write('import main'); f.close()")
    own.console.send(b"import machine; machine.reset()" + CTRL_D)
    own.console.wait_for(b"cannot be stopped")
    own.console.send(CTRL_C + CTRL_C)
    own.console.send(BREAK[:1] + BREAK)  # a partial sequence before it does not hide it
    own.console.wait_for(
        b"safe mode after a break on the console: boot.py and main.py were not run"
    )
    own.console.wait_for(BANNER)
    # At the prompt: a soft reset, as the raw REPL's, would end safe mode.
    own.console.send(
        b"import machine, os; machine.safe_mode(), machine.reset_cause(), os.listdir()\r"
    )
    own.console.wait_for(b"(True, 5, ['boot.py', 'main.py'])")


def test_fault_prints_the_registers_and_resets(own):
    said = dies(own, "import machine; machine.mem32[0x5F000000]")
    assert "*** bus fault: accessed an address where nothing is" in said
    assert "bfar 5f000000" in said
    for register in ("r0", "r4", "r11", "r12", "lr", "pc", "psr", "sp"):
        assert f" {register} " in said, register


def test_reset_cause_is_kept(own):
    causes = []
    for ending in (
        "machine.reset()",
        "machine.mem32[0x5F000000]",
        "machine.WDT(timeout=50)\nwhile 1: pass",
    ):
        own.console.send(b"import machine\n" + ending.encode() + CTRL_D)
        own.console.wait_for(BANNER)
        own.console.send(b"import machine; print('cause', machine.reset_cause(), '.')\r")
        causes.append(own.console.wait_for(b" .\r").split()[-2])
        own.console.enter_raw_repl()
    names = "machine.HARD_RESET, machine.FAULT_RESET, machine.WDT_RESET"
    expected = own.console.run(f"import machine; print({names})").split()
    assert [cause.decode() for cause in causes] == expected


def test_jump_into_nowhere_is_reported(own):
    code = "import micropython\n@micropython.asm_thumb\ndef jump(r0):\n    bx(r0)\njump(0x5F000001)"
    said = dies(own, code)
    assert "fault: fetched an instruction from where no" in said
    assert "pc  5f000000" in said


def test_hungry_watchdog_tells_where_it_hung(own):
    said = dies(own, "import machine; w = machine.WDT(timeout=300)\nwhile True: pass")
    assert "*** watchdog\r\n" in said
    assert " pc " in said


def test_fed_watchdog_keeps_quiet(own):
    own.console.run(
        "import machine, time; w = machine.WDT(timeout=2000); x = 1\n"
        "for _ in range(30):\n    w.feed()\n    time.sleep_ms(100)"
    )
    assert own.console.run("print(x)") == "1\n"


def test_crash_at_every_start_ends_in_safe_mode(own):
    crash = "import machine; machine.mem32[0x5F000000]"
    own.console.run(f"f = open('boot.py', 'w'); f.write({crash!r}); f.close()")
    own.console.send(b"import machine; machine.reset()" + CTRL_D)
    said = own.console.wait_for(b"boot.py and main.py were not run")
    assert said.count(b"*** bus fault") == 5
    assert b"safe mode after repeated crashes" in said


def test_reset_keeps_files(own):
    own.console.run("f = open('kept', 'w'); f.write('words'); f.close()")
    dies(own, "import machine; machine.reset()")
    assert own.console.run("print(open('kept').read())") == "words\n"
