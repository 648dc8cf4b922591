# SPDX-License-Identifier: Apache-2.0
"""Drivers for boards with an ESP32-S3: microphone, camera, light, button, battery and sleep.

They run on MicroPython's own images, where the microphone uses `machine.I2S` and there is no
camera, and on ours, where it uses the module `pdm`. All pins come from a board.py.
"""

import asyncio
import json
import select

import esp32
import micdsp
from bluetooth import BLE
from machine import ADC, I2S, WDT_RESET, Pin, Timer, lightsleep, reset_cause
from micropython import RingIO

try:
    import pdm  # of our image: boards/esp32s3/image/pdm
except ImportError:
    pdm = None
try:
    import camera as camera_driver
except ImportError:
    camera_driver = None

HOP_SAMPLES = 160
HOP_BYTES = 2 * HOP_SAMPLES
MIC_BUFFER_BYTES = 16000
# 32 kHz, two slots of 32 bits: 2.048 MHz, which PDM microphones take; 128 bits a sample.
PDM_FRAME_RATE_HZ = 32000
PDM_HOP_BYTES = HOP_SAMPLES * micdsp.PDM_BITS // 8
I2S_HOP_BYTES = 4 * HOP_SAMPLES
I2S_BUFFER_HOPS = 16
# MicroPython's port counts its buffer in frames of two 32-bit words, whatever is asked of them, and
# fills it in pieces of 256 frames (DMA_BUF_LEN_IN_I2S_FRAMES of ports/esp32/machine_i2s.c).
I2S_FRAME_BYTES = 8
DMA_FRAMES = 256
# Period of polling a microphone: four hops, which the perception loop processes at once, so that
# the core sleeps in between.
POLL_MS = 40
DEBOUNCE_MS = 20
BATTERY_PERIOD_MS = 60000
# Number of frames in which exposure and white balance settle after the sensor was off.
SETTLING_FRAMES = 3
# And where it stayed on: that which its buffer may hold since the last picture.
STALE_FRAMES = 1
# Millivolts of a lithium polymer cell at light load by tenths of its charge; good to about 10 %.
CHARGE_MV = (3270, 3690, 3730, 3770, 3790, 3820, 3870, 3920, 3980, 4080, 4200)
# Microamperes in each state, and of a core that computes: board.toml has where they were read.
CURRENTS_UA = {
    "idle": (17900, 25000),
    "listening": (17900, 40000),
    "engaged": (17900, 240000),
    "busy": (0, 22100),
}
# Multiply-accumulates in one slice of a vision inference, for at most 5 ms of it at 240 MHz and
# the 12 cycles each that portable C takes there.
SLICE_MACS = 100000
SETTINGS_PATH = "/board.json"

fault = "watchdog" if reset_cause() == WDT_RESET else ""


class _Microphone:
    """The common part of the microphones: a timer polls for samples every POLL_MS."""

    # Sound arrives in real time; if it does not, it was lost.
    paced = True

    def __init__(self):
        self._arrived = asyncio.ThreadSafeFlag()
        self.started = False

    def _begin(self):
        self.started = True
        Timer(2).init(period=POLL_MS, callback=self._on_time)

    def _end(self):
        self.started = False
        Timer(2).deinit()

    async def wait(self):
        """Returns when samples have arrived since the last call."""
        await self._arrived.wait()

    def wake(self):
        """Ends a wait without samples."""
        self._arrived.set()


class I2SMicrophone(_Microphone):
    """16 kHz mono int16 samples through machine.I2S, from words or from PDM bits read as words.

    Args:
        kind: "pdm" or "i2s".
        clock, word, data: Pins; a PDM microphone leaves `word` open, but I2S insists on one.
        gain_shift: Doubles the samples so many times.
    """

    def __init__(self, kind, clock, word, data, gain_shift):
        super().__init__()
        self._pins = {"sck": Pin(clock), "ws": Pin(word), "sd": Pin(data)}
        self._gain_shift = gain_shift
        self._ring = RingIO(MIC_BUFFER_BYTES)
        if kind == "pdm":
            self._decimator = micdsp.PdmDecimator(gain_shift)
            self._form = {"bits": 32, "format": I2S.STEREO, "rate": PDM_FRAME_RATE_HZ}
            hop_bytes, step = PDM_HOP_BYTES, 512
        else:
            self._decimator = None
            self._form = {"bits": 32, "format": I2S.MONO, "rate": 16000}
            hop_bytes, step = I2S_HOP_BYTES, 128
        # Reading ends where a piece of DMA memory does, which is at a multiple of `step` bytes.
        self._hop = bytearray(hop_bytes)
        self.raw_bits = self._hop if kind == "pdm" else None  # for looking for faults
        self._rests = [memoryview(self._hop)[i:] for i in range(0, hop_bytes, step)]
        self._step = step
        self._filled = 0
        self._samples = bytearray(HOP_BYTES)
        self.lost_bytes = 0

    def start(self):
        frames = HOP_SAMPLES * self._form["rate"] // 16000
        ibuf = I2S_BUFFER_HOPS * frames * I2S_FRAME_BYTES
        self._i2s = I2S(0, mode=I2S.RX, ibuf=ibuf, **self._pins, **self._form)
        # Once it was polled, the port reads only what is there and never waits. Otherwise a task of
        # its own waits in ESP-IDF's i2s_channel_read, and as long as no data come, `deinit` and a
        # soft reset wait for that task.
        poll = select.poll()
        poll.register(self._i2s, select.POLLIN)
        poll.poll(0)
        self._begin()

    def stop(self):
        """Stops at once; waiting samples can still be read."""
        if self.started:
            self._end()
            self._i2s.deinit()

    def _on_time(self, _):
        while True:
            self._filled += self._i2s.readinto(self._rests[self._filled // self._step]) or 0
            if self._filled < len(self._hop):
                self._filled -= self._filled % self._step
                return
            self._filled = 0
            if self._decimator:
                self._decimator.process(self._hop, self._samples)
            else:
                micdsp.narrow(self._hop, self._samples, self._gain_shift)
            self.lost_bytes += HOP_BYTES - (self._ring.write(self._samples) or 0)
            self._arrived.set()

    def any(self):
        """Bytes waiting."""
        return self._ring.any()

    def readinto(self, buf):
        """Fills `buf` from what has arrived and returns the bytes read; never blocks."""
        return self._ring.readinto(buf) or 0


class Receiver(_Microphone):
    """A microphone through our image's module `pdm`, which goes on while the flash is written."""

    def __init__(self, kind, clock, word, data, gain_shift):
        super().__init__()
        if kind == "pdm":
            self._open = lambda: pdm.PDM(clock, data, MIC_BUFFER_BYTES // HOP_BYTES, gain_shift)
        else:
            hops = MIC_BUFFER_BYTES // I2S_HOP_BYTES
            self._open = lambda: pdm.I2S(clock, word, data, hops, gain_shift)

    def start(self):
        self._receiver = self._open()
        self.any = self._receiver.any
        self.readinto = self._receiver.readinto
        self._receiver.start()
        self._begin()

    def stop(self):
        """Stops at once."""
        if self.started:
            self._end()
            self._receiver.deinit()

    def _on_time(self, _):
        if self._receiver.any() >= HOP_BYTES:
            self._arrived.set()

    @property
    def lost_bytes(self):
        return self._receiver.lost_bytes()


def microphone(kind, clock, word, data, gain_shift):
    """Returns the best microphone driver that the image has for these pins; see I2SMicrophone."""
    return (Receiver if pdm else I2SMicrophone)(kind, clock, word, data, gain_shift)


class Camera:
    """The sensor, through the module `camera` of our image; on only while it takes a picture or is
    held.

    That module is cnadler86/micropython-camera-API; src/modcamera_api.c has the names used here.

    Args:
        pins: "data" (Y2 to Y9), "clock_in", "clock_out", "vsync", "href", "sda", "scl".
    """

    GREY = 0
    JPEG = 1

    def __init__(self, driver, pins):
        self._driver = driver
        self._pins = pins
        self._lock = asyncio.Lock()
        self._sensor = None
        self._taken = None  # of what form and size the sensor's pictures are
        self._held = False
        sizes = driver.FrameSize
        self._sizes = {
            (96, 96): sizes.R96X96,
            (160, 120): sizes.QQVGA,
            (240, 240): sizes.R240X240,
            (320, 240): sizes.QVGA,
            (640, 480): sizes.VGA,
        }

    async def capture(self, form, width, height):
        """Takes a picture: `width` * `height` bytes of GREY, or a JPEG of that size.

        Raises OSError when there is no picture, or the sensor has no such size.
        """
        if (width, height) not in self._sizes:
            raise OSError("camera: has no size %d x %d" % (width, height))
        wanted = form, width, height
        async with self._lock:
            if self._taken != wanted:
                self._release()
            settling = STALE_FRAMES
            if self._sensor is None:
                settling = SETTLING_FRAMES
                self._open(form, self._sizes[width, height])
                self._taken = wanted
            is_good = False
            try:
                for _ in range(settling):
                    self._sensor.capture()
                    await asyncio.sleep_ms(1)
                picture = self._sensor.capture()
                if not picture:
                    raise OSError("camera: no picture; is its ribbon cable in?")
                picture = bytes(picture)
                is_good = True
                return picture
            finally:
                if not (self._held and is_good):
                    self._release()

    def hold(self, on):
        """Keeps the sensor on between pictures of one form and size, or no more."""
        self._held = on
        if not on and not self._lock.locked():
            self._release()

    def _open(self, form, size):
        formats, pins = self._driver.PixelFormat, self._pins
        self._sensor = self._driver.Camera(
            data_pins=list(pins["data"]),  # it refuses a tuple
            xclk_pin=pins["clock_in"],
            pclk_pin=pins["clock_out"],
            vsync_pin=pins["vsync"],
            href_pin=pins["href"],
            sda_pin=pins["sda"],
            scl_pin=pins["scl"],
            pixel_format=formats.GRAYSCALE if form == self.GREY else formats.JPEG,
            frame_size=size,
        )

    def _release(self):
        if self._sensor is not None:
            self._sensor.deinit()
        self._sensor = self._taken = None


def camera(pins):
    """The camera on these pins, or None where there are none or the image has no driver."""
    return Camera(camera_driver, pins) if pins and camera_driver else None


class Battery:
    """The cell's charge, from its voltage if a divider is soldered on; else always full."""

    percent = 100
    millivolts = 0

    def __init__(self, pin):
        self.on_change = None
        if pin is not None:
            self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)
            self._measure(None)
            Timer(0).init(period=BATTERY_PERIOD_MS, callback=self._measure)

    def _measure(self, _):
        self.millivolts = 2 * self._adc.read_uv() // 1000
        percent = charge(self.millivolts)
        if percent != self.percent:
            self.percent = percent
            if self.on_change:
                self.on_change()


def charge(millivolts):
    """The charge of a cell in percent, between the points of CHARGE_MV."""
    if millivolts <= CHARGE_MV[0]:
        return 0
    for tenth in range(1, len(CHARGE_MV)):
        low, high = CHARGE_MV[tenth - 1], CHARGE_MV[tenth]
        if millivolts < high:
            return 10 * (tenth - 1) + 10 * (millivolts - low) // (high - low)
    return 100


class Light:
    """The privacy light: a lamp on a pin, one with a WS2812 in it, or none.

    Args:
        pin: Or None.
        lit: Level at which it is lit, 0 or 1; "rgb" for a WS2812.
    """

    RGB = (40, 0, 0)

    def __init__(self, pin, lit):
        self._lit = lit
        if pin is None:
            self.set = lambda on: None
        elif lit == "rgb":
            from neopixel import NeoPixel

            self._pixel = NeoPixel(Pin(pin, Pin.OUT), 1)
            self.set = self._set_pixel
            self.set(False)
        else:
            self._pin = Pin(pin, Pin.OUT, value=1 - lit)

    def set(self, on):
        self._pin.value(self._lit if on else 1 - self._lit)

    def _set_pixel(self, on):
        self._pixel[0] = self.RGB if on else (0, 0, 0)
        self._pixel.write()


class Button:
    """A button that connects its pin to ground; `on_change(pressed)` is called when it settled."""

    def __init__(self, pin):
        self.on_change = None
        self._pressed = False
        self.pin = Pin(pin)
        self.listen()
        self._timer = Timer(1)
        self.pin.irq(self._on_edge, Pin.IRQ_FALLING | Pin.IRQ_RISING)

    def listen(self):
        """Makes its pin an input."""
        self.pin.init(Pin.IN, Pin.PULL_UP)

    @property
    def pressed(self):
        """Whether it is down. BOOT held while the chip resets starts the ROM's loader instead."""
        return not self.pin.value()

    def _on_edge(self, _):
        self._timer.init(mode=Timer.ONE_SHOT, period=DEBOUNCE_MS, callback=self._on_settled)

    def _on_settled(self, _):
        pressed = self.pressed
        if pressed != self._pressed:
            self._pressed = pressed
            if self.on_change:
                self.on_change(pressed)


def sleep(length_ms, mic, button):
    """Goes to light sleep for a time, or until the button is pressed; returns whether it slept.

    Only while nothing listens: MicroPython's `lightsleep` stops the radio without asking it
    (micropython/micropython#6396: connections and advertising do not survive) and the I2S unit.
    The current that this saves is unmeasured.
    """
    if mic.started or BLE().active():
        return False
    # Pins 0 to 21 are of the RTC (ESP32-S3's data sheet), which ext0 asks for.
    esp32.wake_on_ext0(button.pin, esp32.WAKEUP_ALL_LOW)
    lightsleep(length_ms)
    button.listen()  # ext0 has left the pin to the RTC, which neither reads it nor interrupts
    return True


class Wired:
    """A board that its owner wired, as described in board.json, which `glint deploy` writes.

    Attributes:
        mic, camera, battery, light, button: As boards/README.md says.
    """

    def __init__(self):
        with open(SETTINGS_PATH) as file:
            pins = json.load(file)
        kind, word = pins["microphone"], pins["word"]
        self.mic = microphone(kind, pins["clock"], word, pins["data"], pins["gain_shift"])
        self.camera = camera(pins["camera"])
        self.battery = Battery(pins["battery"])
        self.light = Light(pins["light"], pins["light_lit"])
        self.button = Button(pins["button"])
