# SPDX-License-Identifier: Apache-2.0
"""The perception loop: hears wake words, and buffers audio until a client asks for it."""

import asyncio
import time

import micdsp

from glasses.perception.pace import HOP_MS, Pace

HOP_BYTES = 2 * micdsp.HOP_SAMPLES
# One hop of sound as IMA ADPCM.
HOP_ADPCM_BYTES = micdsp.HOP_SAMPLES // 2
# Kept before anyone asks, so that the first syllables are not cut off.
PREROLL_HOPS = 50


class Recorder:
    """Encodes the microphone into a media object, beginning with what was said just before."""

    def __init__(self):
        self._encoder = micdsp.AdpcmEncoder()
        ring = memoryview(bytearray(PREROLL_HOPS * HOP_BYTES))
        self._ring = [ring[i * HOP_BYTES : (i + 1) * HOP_BYTES] for i in range(PREROLL_HOPS)]
        self._next = 0
        self._item = None

    @property
    def item(self):
        """The media object that is being filled, or None."""
        return self._item

    def start(self, item):
        """Fills the media object `item` from the last PREROLL_HOPS on."""
        self._encoder.reset()
        for i in range(PREROLL_HOPS):
            samples = self._ring[(self._next + i) % PREROLL_HOPS]
            item.fill(self._encoder.encode(samples, item.room(HOP_ADPCM_BYTES)))
        self._item = item

    def stop(self):
        """Ends the recording, and returns what it filled."""
        item, self._item = self._item, None
        return item

    def slot(self):
        """Where the next hop's samples belong; say so with `push` when they are there."""
        return self._ring[self._next]

    def push(self):
        """Takes the hop in `slot`; returns True when it filled the object.

        Allocates only while recording.
        """
        samples = self._ring[self._next]
        self._next = self._next + 1 if self._next + 1 < PREROLL_HOPS else 0
        item = self._item
        if item is None:
            return False
        item.fill(self._encoder.encode(samples, item.room(HOP_ADPCM_BYTES)))
        return item.whole


class Perception:
    """Runs the front-end and the wake words over every hop of the microphone.

    Attributes:
        hops: Hops heard since boot.
        slow_hops: Hops whose work took longer than the hop lasts.
        busy_us: Time spent in hops, below one second; `busy_s` holds the seconds.
        pace: What of the sound was lost.
    """

    def __init__(self, mic, detectors):
        self.listen_for(detectors)
        self.recorder = Recorder()
        self.on_word = None
        self.on_recorded = None
        self.on_sound = None
        self.hops = 0
        self.slow_hops = 0
        self.busy_s = 0
        self.busy_us = 0
        self.pace = Pace(mic)
        self._mic = mic
        self._frontend = micdsp.Frontend()
        self._features = bytearray(2 * micdsp.CHANNELS)
        self._recorded = False

    def listen_for(self, detectors):
        """Listens for these words from the next hop on."""
        self.detectors = detectors
        self._heard = [False] * len(detectors)

    def counts(self):
        """What status and statistics say of it."""
        return {
            "hops": self.hops,
            "slow_hops": self.slow_hops,
            "busy_us": self.busy_s * 1000000 + self.busy_us,
            "lost_ms": self.pace.lost_ms,
        }

    def hop(self):
        """Takes one hop from the microphone; returns whether there is something to report.

        Allocates nothing, unless a recording is on.
        """
        start_us = time.ticks_us()
        samples = self.recorder.slot()
        self._mic.readinto(samples)
        news = False
        if self.recorder.push():
            self._recorded = news = True
        if self._frontend.process(samples, self._features):
            for i in range(len(self.detectors)):
                if self.detectors[i].push(self._frontend, self._features):
                    self._heard[i] = news = True
        self.hops += 1
        self.pace.hop()
        took_us = time.ticks_diff(time.ticks_us(), start_us)
        if took_us > HOP_MS * 1000:
            self.slow_hops += 1
        self.busy_us += took_us
        if self.busy_us >= 1000000:
            self.busy_us -= 1000000
            self.busy_s += 1
        return news

    async def run(self):
        """Listens for ever. Raises OSError when the microphone is gone."""
        self._mic.start()
        self.pace.start()
        while True:
            while self._mic.any() >= HOP_BYTES:
                if self.hop():
                    self._report()
                if self.recorder.item and self.on_sound:
                    self.on_sound()
                await asyncio.sleep_ms(0)
            await self._mic.wait()

    def _report(self):
        if self._recorded:
            self._recorded = False
            if self.recorder.item:  # else it was cancelled meanwhile
                self.on_recorded()
        for i in range(len(self._heard)):
            if self._heard[i]:
                self._heard[i] = False
                self.on_word(self.detectors[i], self.hops * HOP_MS)
