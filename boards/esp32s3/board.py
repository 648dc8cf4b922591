# SPDX-License-Identifier: Apache-2.0
"""A XIAO ESP32S3 Sense class board: Seeed's ESP32-S3 with camera, PDM microphone, 8 MB of PSRAM.

Runs on MicroPython's own SPIRAM_OCT image, where there is no camera, and on ours.
"""

import asyncio

import esp32
import micdsp
from bluetooth import BLE
from machine import ADC, I2S, WDT_RESET, Pin, Timer, lightsleep, reset_cause
from micropython import RingIO

try:
    import pdm  # of our image: boards/esp32s3/image/pdm
except ImportError:
    pdm = None

# Every pin, once; none has met silicon. Each group names what was read of it.
# Microphone: https://wiki.seeedstudio.com/xiao_esp32s3_sense_mic, which calls its clock, 42, word
# select; 41 is its data.
PDM_CLOCK, PDM_DATA = 42, 41
# The word select that I2S insists on, and which goes nowhere: D1 of arduino-esp32's
# variants/XIAO_ESP32S3/pins_arduino.h.
PDM_UNUSED = 2
# A microphone with I2S on the pins D8, D9, D10 (same file); heard instead when MICROPHONE says so.
# The Sense's card slot is on the same three (Zephyr's boards/seeed/xiao_esp32s3): no card then.
I2S_CLOCK, I2S_WORD, I2S_DATA = 7, 8, 9
# Camera, its data Y2 to Y9: CAMERA_MODEL_XIAO_ESP32S3 in CameraWebServer/camera_pins.h of
# arduino-esp32, and the same in Zephyr's boards/seeed/xiao_esp32s3/xiao_esp32s3-pinctrl.dtsi.
CAMERA_DATA = (15, 17, 18, 16, 14, 12, 11, 48)
CAMERA_CLOCK_IN, CAMERA_CLOCK_OUT = 10, 13
CAMERA_VSYNC, CAMERA_HREF = 38, 47
CAMERA_SDA, CAMERA_SCL = 40, 39
# Light, lit when low, and button BOOT, low when pressed: RIOT's
# boards/seeedstudio-xiao-esp32s3/include/board.h. 21 also selects the card in the Sense's slot.
LIGHT = 21
BUTTON = 0
# Nothing that was read names a pin that measures the battery. With two equal resistors from battery
# to ground and their middle on D0 (pins_arduino.h), this is 1.
BATTERY = None

MICROPHONE = "pdm"  # or "i2s"
# Speech at arm's length is far below what the PDM microphone can take: 2 ** 3 = 18 dB more.
PDM_GAIN_SHIFT = 3

HOP_SAMPLES = 160
MIC_BUFFER_BYTES = 16000
# 32 kHz, two slots of 32 bits: 2.048 MHz, which PDM microphones take; 128 bits a sample.
PDM_FRAME_RATE_HZ = 32000
PDM_HOP_BYTES = HOP_SAMPLES * micdsp.PDM_BITS // 8
I2S_BUFFER_HOPS = 8
# MicroPython's port counts its buffer in frames of two 32-bit words, whatever is asked of them.
I2S_FRAME_BYTES = 8
# A hop that is so late was told of while MicroPython's queue of callbacks was full.
HOP_LATE_MS = 500
DEBOUNCE_MS = 20
BATTERY_PERIOD_MS = 60000
# Exposure and white balance settle in so many frames after the sensor was off.
SETTLING_FRAMES = 3
# Millivolts of a lithium polymer cell at light load by tenths of its charge; good to about 10 %.
CHARGE_MV = (3270, 3690, 3730, 3770, 3790, 3820, 3870, 3920, 3980, 4080, 4200)

name = "esp32s3"
flash = ""
fault = "watchdog" if reset_cause() == WDT_RESET else ""
# Multiply-accumulates in one slice of a vision inference, for at most 5 ms of it at 240 MHz and
# the 12 cycles each that portable C takes there.
slice_macs = 100000


class Microphone:
    """16 kHz mono int16 samples from I2S, or from PDM bits that I2S takes for samples."""

    def __init__(self):
        self._ring = RingIO(MIC_BUFFER_BYTES)
        self._arrived = asyncio.ThreadSafeFlag()
        self._decimator = micdsp.PdmDecimator(PDM_GAIN_SHIFT) if MICROPHONE == "pdm" else None
        hop_bytes = PDM_HOP_BYTES if self._decimator else 2 * HOP_SAMPLES
        self._raw = (bytearray(hop_bytes), bytearray(hop_bytes))
        self._samples = bytearray(2 * HOP_SAMPLES)
        self._filling = 0
        self.lost_bytes = 0
        self.started = False

    def start(self):
        self.started = True
        if self._decimator:
            pins = {"sck": Pin(PDM_CLOCK), "ws": Pin(PDM_UNUSED), "sd": Pin(PDM_DATA)}
            form = {"bits": 32, "format": I2S.STEREO, "rate": PDM_FRAME_RATE_HZ}
        else:
            pins = {"sck": Pin(I2S_CLOCK), "ws": Pin(I2S_WORD), "sd": Pin(I2S_DATA)}
            form = {"bits": 16, "format": I2S.MONO, "rate": 16000}
        ibuf = I2S_BUFFER_HOPS * HOP_SAMPLES * form["rate"] // 16000 * I2S_FRAME_BYTES
        self._i2s = I2S(0, mode=I2S.RX, ibuf=ibuf, **pins, **form)
        self._i2s.irq(self._on_hop)
        self._i2s.readinto(self._raw[0])
        self._heard = True
        Timer(2).init(period=HOP_LATE_MS, callback=self._on_late)

    def _on_late(self, _):
        """Goes on where a callback was lost: without one, nothing asks for the next hop."""
        if not self._heard:
            self._on_hop(self._i2s)
        self._heard = False

    def _on_hop(self, i2s):
        self._heard = True
        filled = self._raw[self._filling]
        self._filling ^= 1
        i2s.readinto(self._raw[self._filling])
        samples = filled
        if self._decimator:
            samples = self._samples
            self._decimator.process(filled, samples)
        taken = self._ring.write(samples)
        self.lost_bytes += len(samples) - (taken or 0)
        self._arrived.set()

    def any(self):
        """Bytes waiting."""
        return self._ring.any()

    def readinto(self, buf):
        """Fills `buf` from what has arrived and returns the bytes read; never blocks."""
        return self._ring.readinto(buf) or 0

    async def wait(self):
        """Returns when samples have arrived since the last call."""
        await self._arrived.wait()

    def wake(self):
        """Ends a wait without samples."""
        self._arrived.set()


class PdmReceiver:
    """The same from the PDM microphone through our image's receiver, which filters in hardware."""

    def __init__(self):
        self._arrived = asyncio.ThreadSafeFlag()
        self.started = False

    def start(self):
        self.started = True
        self._pdm = pdm.PDM(PDM_CLOCK, PDM_DATA, MIC_BUFFER_BYTES // (2 * HOP_SAMPLES))
        self.any = self._pdm.any
        self.readinto = self._pdm.readinto
        self._pdm.start(self._on_hop)

    def _on_hop(self, _):
        self._arrived.set()

    @property
    def lost_bytes(self):
        return self._pdm.lost_bytes()

    async def wait(self):
        """Returns when samples have arrived since the last call."""
        await self._arrived.wait()

    def wake(self):
        """Ends a wait without samples."""
        self._arrived.set()


class Camera:
    """The sensor, through the module `camera` of our image; off but while it takes a picture.

    That module is cnadler86/micropython-camera-API; src/modcamera_api.c has the names used here.
    """

    GREY = 0
    JPEG = 1

    def __init__(self, driver):
        self._driver = driver
        self._lock = asyncio.Lock()
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
        formats = self._driver.PixelFormat
        async with self._lock:
            sensor = self._driver.Camera(
                data_pins=list(CAMERA_DATA),  # it refuses a tuple
                xclk_pin=CAMERA_CLOCK_IN,
                pclk_pin=CAMERA_CLOCK_OUT,
                vsync_pin=CAMERA_VSYNC,
                href_pin=CAMERA_HREF,
                sda_pin=CAMERA_SDA,
                scl_pin=CAMERA_SCL,
                pixel_format=formats.GRAYSCALE if form == self.GREY else formats.JPEG,
                frame_size=self._sizes[width, height],
            )
            try:
                for _ in range(SETTLING_FRAMES):
                    sensor.capture()
                    await asyncio.sleep_ms(1)
                picture = sensor.capture()
                if not picture:
                    raise OSError("camera: no picture; is its ribbon cable in?")
                return bytes(picture)
            finally:
                sensor.deinit()


class Battery:
    """The cell's charge, from its voltage, where a divider is soldered on; else always full."""

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
    """The board's yellow light, as privacy light."""

    def __init__(self, pin):
        self._pin = Pin(pin, Pin.OUT, value=1)

    def set(self, on):
        self._pin.value(not on)


class Button:
    """The BOOT button; `on_change(pressed)` is called when it has settled."""

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
        """Whether it is down. Held while the chip resets, it starts the ROM's loader instead."""
        return not self.pin.value()

    def _on_edge(self, _):
        self._timer.init(mode=Timer.ONE_SHOT, period=DEBOUNCE_MS, callback=self._on_settled)

    def _on_settled(self, _):
        pressed = self.pressed
        if pressed != self._pressed:
            self._pressed = pressed
            if self.on_change:
                self.on_change(pressed)


def sleep(length_ms):
    """Sleeps lightly for so long, or until the button is pressed; returns whether it did.

    Only while nothing listens: MicroPython's `lightsleep` stops the radio without asking it
    (micropython/micropython#6396: connections and advertising do not survive) and the I2S unit.
    The current that this saves is unmeasured.
    """
    if mic.started or BLE().active():
        return False
    # GPIO 0 is an RTC pin of ESP32-S3, as 0 to 21 are (its data sheet), which ext0 asks for.
    esp32.wake_on_ext0(button.pin, esp32.WAKEUP_ALL_LOW)
    lightsleep(length_ms)
    button.listen()  # ext0 has left the pin to the RTC, which neither reads it nor interrupts
    return True


try:
    import camera as _driver
except ImportError:
    camera = None
else:
    camera = Camera(_driver)
mic = PdmReceiver() if pdm and MICROPHONE == "pdm" else Microphone()
battery = Battery(BATTERY)
light = Light(LIGHT)
button = Button(BUTTON)
