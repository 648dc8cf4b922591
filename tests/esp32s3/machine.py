# SPDX-License-Identifier: Apache-2.0
"""Stands for MicroPython's `machine` on an ESP32-S3: the test plays the hardware."""

PWRON_RESET = 1
pins = {}
slept_ms = []
timers = {}
i2s = None


PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3  # as MicroPython's port has them


def reset_cause():
    return PWRON_RESET


def reset():
    raise SystemExit("reset")


def lightsleep(length_ms):
    """Leaves the pin of ext0 to the RTC, as ESP-IDF does."""
    slept_ms.append(length_ms)
    pins[0].of_rtc = True


class Pin:
    IN, OUT, PULL_UP, IRQ_FALLING, IRQ_RISING = 0, 1, 2, 1, 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        self.level = 1 if value is None else value
        pins[number] = self
        self.of_rtc = False

    def init(self, mode=-1, pull=-1):
        self.of_rtc = False

    def value(self, level=None):
        if level is None:
            return 0 if self.of_rtc else self.level
        self.level = int(level)

    def irq(self, handler, trigger):
        self.handler = handler

    def drive(self, level):
        self.level = level
        self.handler(self)


class Timer:
    ONE_SHOT = 0

    def __init__(self, number):
        timers[number] = self

    def init(self, *, period, callback, mode=1):
        self.callback = callback

    def fire(self):
        self.callback(self)


class ADC:
    ATTN_11DB = 3
    microvolts = 0

    def __init__(self, pin, atten):
        pass

    def read_uv(self):
        return ADC.microvolts


class I2S:
    RX, MONO, STEREO = 0, 0, 1

    def __init__(self, number, **settings):
        global i2s
        self.settings = settings
        i2s = self

    def irq(self, handler):
        self.handler = handler

    def readinto(self, buf):
        self.buf = buf

    def fill(self, data):
        """What the DMA does."""
        self.buf[:] = data

    def receive(self, data):
        """Fills the buffer, then calls back."""
        self.fill(data)
        self.handler(self)
