# SPDX-License-Identifier: Apache-2.0
"""The perception loop: hears wake words, and buffers audio until a client asks for it.

What happens at every hop does so in micdsp.Listener, which comes back with news; here is what is
made of them.
"""

import asyncio
import time

import micdsp

from glasses.perception.pace import HOP_MS, Pace

HOP_BYTES = 2 * micdsp.HOP_SAMPLES
# One hop of sound as IMA ADPCM.
HOP_ADPCM_BYTES = micdsp.HOP_SAMPLES // 2
# Kept before anyone asks, so that the first syllables are not cut off.
PREROLL_HOPS = 50
# The most that is taken from the microphone at once: a core may sleep for so long.
PIECE_HOPS = 4


class Recorder:
    """Has the microphone encoded into a media object, beginning with what was said just before.

    Attributes:
        item: The media object that is being filled, or None.
    """

    def __init__(self, listener):
        self._listener = listener
        self.item = None

    def start(self, item):
        """Fills the media object `item` from the last PREROLL_HOPS on."""
        self._listener.record(item.data, item.bytes)
        self.item = item
        self.update()

    def update(self):
        """Says in the object how much it has got."""
        self.item.filled_bytes = self._listener.recorded_bytes

    def stop(self):
        """Ends the recording, and returns what it filled."""
        item, self.item = self.item, None
        item.crc = self._listener.crc
        self._listener.stop()
        return item


class Perception:
    """Runs the front-end and the wake words over every hop of the microphone.

    Attributes:
        detectors: The words it listens for.
        recorder: Of what is said.
        pace: Detects lost sound.
    """

    def __init__(self, mic, detectors):
        ring = bytearray(PREROLL_HOPS * HOP_BYTES)
        self._listener = micdsp.Listener(ring, time.ticks_us)
        self._feed = self._listener.feed
        self.listen_for(detectors)
        self.recorder = Recorder(self._listener)
        self.on_word = None
        self.on_recorded = None
        self.on_sound = None
        self.pace = Pace(mic)
        self._mic = mic
        sound = memoryview(bytearray(PIECE_HOPS * HOP_BYTES))
        self._pieces = [sound[: i * HOP_BYTES] for i in range(PIECE_HOPS + 1)]
        # What of the microphone's sound was taken last, and how far it was heard; None: all of it.
        self._piece = sound
        self._at = None

    def listen_for(self, detectors):
        """Listens for these words from the next hop on."""
        self._listener.listen_for([detector.spotter for detector in detectors])
        self.detectors = detectors

    @property
    def hops(self):
        """Hops heard since boot."""
        return self._listener.hops

    def counts(self):
        """What status and statistics say of it: hops heard since boot, those whose work took
        longer than they last, the time spent in hops, and the sound that was lost."""
        heard = self._listener
        return {
            "hops": heard.hops,
            "slow_hops": heard.slow_hops,
            "busy_us": heard.busy_s * 1000000 + heard.busy_us,
            "lost_ms": self.pace.lost_ms,
        }

    def chances(self):
        """What the statistics say of the wake words: the mean of each now, in thousandths."""
        return {one.name: int(1000 * one.probability + 0.5) for one in self.detectors}

    def hear(self):
        """Hears what the microphone has, at most PIECE_HOPS, or what is left of that.

        Returns after some 5 ms, or a hop, whatever is longer, and whether there is more to hear by
        then. Allocates nothing without news.
        """
        start_us = time.ticks_us()
        piece, at, mic = self._piece, self._at, self._mic
        if at is None:
            waiting = mic.any()
            hops = waiting // HOP_BYTES
            if not hops:
                return False
            if hops > PIECE_HOPS:
                hops = PIECE_HOPS
            self._piece = piece = self._pieces[hops]
            mic.readinto(piece)
            self.pace.hops(hops, waiting)
            at = 0
        self._at = at = self._feed(piece, at, start_us)
        if at is not None:
            self._report()
        if self.recorder.item:
            self.recorder.update()
            if self.on_sound:
                self.on_sound()
        return at is not None or mic.any() >= HOP_BYTES

    async def run(self):
        """Listens until cancelled. Raises OSError when the microphone is gone."""
        self._mic.start()
        self.pace.start()
        hear, wait = self.hear, self._mic.wait
        while True:
            # A wait gives nobody a turn when sound has arrived before it.
            while hear():
                await asyncio.sleep_ms(0)
            await wait()

    def _report(self):
        if self.recorder.item and not self._listener.recording:
            self.recorder.update()
            self.on_recorded()
        for detector in self.detectors:
            if detector.spotter.began:
                self.on_word(detector, self._listener.hops * HOP_MS)
