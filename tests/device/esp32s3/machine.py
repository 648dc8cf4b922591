# SPDX-License-Identifier: Apache-2.0
"""Replaces MicroPython's `machine` on an ESP32-S3; the test emulates the hardware.

Lines are those of MicroPython 1.25.0, of the folder ports/esp32 unless another is named.
"""

import io

pins = {}
slept_ms = []
timers = {}
i2s = None


PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3  # modmachine.c:84 to 86


def reset_cause():
    return PWRON_RESET


def reset():
    raise SystemExit("reset")


def lightsleep(length_ms):
    """Leaves the pin of ext0 to the RTC: modmachine.c:139 has ESP-IDF do so."""
    slept_ms.append(length_ms)
    pins[0].of_rtc = True


class Pin:
    # machine_pin.c:385 to 391, by ESP-IDF's names; their values are others here.
    IN, OUT, PULL_UP, IRQ_FALLING, IRQ_RISING = 0, 1, 2, 1, 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        self.level = 1 if value is None else value
        pins[number] = self
        self.of_rtc = False

    def init(self, mode=-1, pull=-1):
        # That this takes the pin back from the RTC is read from ESP-IDF's gpio_config; its file
        # and line are unknown.
        self.of_rtc = False

    def value(self, level=None):  # machine_pin.c:248 to 275
        if level is None:
            return 0 if self.of_rtc else self.level
        self.level = int(level)

    def irq(self, handler, trigger):  # machine_pin.c:300
        self.handler = handler

    def drive(self, level):
        self.level = level
        self.handler(self)


class Timer:
    ONE_SHOT = 0  # machine_timer.c:259
    callback = None

    # Each number has one timer: machine_timer.c:87.
    def __new__(cls, number):
        if number not in timers:
            timers[number] = super().__new__(cls)
        return timers[number]

    def init(self, *, period, callback, mode=1):  # machine_timer.c:242
        self.callback = callback

    def deinit(self):  # machine_timer.c:235
        self.callback = None

    def fire(self):  # machine_timer.c:153 schedules the callback
        if self.callback:
            self.callback(self)


class ADC:
    ATTN_11DB = 3
    microvolts = 0

    def __init__(self, pin, atten):
        pass

    def read_uv(self):  # machine_adc.c:233
        return ADC.microvolts


class I2S(io.IOBase):
    """Reads as the port does: once polled, what is there, up to the end of a piece of 256 frames.

    The pieces are those of the DMA (machine_i2s.c:45, 362); it reads without waiting once it was
    polled (extmod/machine_i2s.c:50; machine_i2s.c:180). Not polled, it would wait for data, and a
    `deinit` or a soft reset for it (machine_i2s.c:157 to 232).
    """

    RX, MONO, STEREO = 0, 0, 1
    DMA_FRAMES = 256

    def __init__(self, number, **settings):
        global i2s
        self.settings = settings
        self.polled = False
        self.waiting = b""
        self.rest = 0  # of a piece that is not whole yet
        self.arrived = 0
        self.open = True
        i2s = self

    def ioctl(self, request, flags):
        self.polled = True
        return 0

    def readinto(self, buf):
        if not self.polled:
            raise RuntimeError("it waits for data")
        size = max(min(len(buf), len(self.waiting) - self.rest), 0)
        buf[:size] = self.waiting[:size]
        self.waiting = self.waiting[size:]
        return size

    def deinit(self):
        self.open = False

    def arrive(self, data):
        """Acts as the DMA: whole pieces can be read now, the rest later."""
        frame_bytes = self.settings["bits"] // 8 * (2 if self.settings["format"] else 1)
        piece = self.DMA_FRAMES * frame_bytes
        self.waiting += data
        self.arrived += len(data)
        self.rest = self.arrived % piece
        timers[2].fire()
