# SPDX-License-Identifier: Apache-2.0
# Compares micdsp.Listener with the same steps in Python, on a board. Usage: listener_check.py
# FOLDER SEED NAME... Standard input holds 16 kHz int16 samples. Prints as JSON the results of
# both, for pieces of random length with recordings in between, and what misuse raises.

import binascii
import json
import random
import sys

import micdsp
from glasses.perception import wake

HOP_BYTES = 2 * micdsp.HOP_SAMPLES
PREROLL_HOPS = 50
# Hops of a recording that are encoded, at most, while one is heard.
HOPS_AT_ONCE = 3
ADPCM_BYTES = micdsp.HOP_SAMPLES // 2


class ByHand:
    """Does in Python, hop by hop, what Listener does."""

    class Word:
        def __init__(self, detector):
            self.model = detector.model
            self.tensor = self.model.inputs[0]
            self.window = []
            self.size = detector.window
            self.cutoff_sum = detector.cutoff_sum
            self.rows = []
            self.active = False

        def push(self, frontend, features):
            row = bytearray(micdsp.CHANNELS)
            frontend.quantize(features, row, self.tensor.scale, self.tensor.zero_point)
            self.rows.append(row)
            if len(self.rows) * micdsp.CHANNELS < len(self.model.input(0)):
                return False
            self.model.input(0)[:] = b"".join(self.rows)
            self.rows = []
            self.model.invoke()
            self.window = (self.window + [self.model.output(0)[0]])[-self.size :]
            was, self.active = self.active, False
            if len(self.window) == self.size:
                self.active = sum(self.window) > self.cutoff_sum
            return self.active and not was

    def __init__(self, detectors):
        self.words = [ByHand.Word(detector) for detector in detectors]
        self.frontend, self.encoder = micdsp.Frontend(), micdsp.AdpcmEncoder()
        self.ring = [bytes(HOP_BYTES)] * PREROLL_HOPS
        self.recording, self.whole_bytes = b"", 0
        self.waiting = []
        self.hops = 0

    def encode(self, hop):
        if len(self.recording) < self.whole_bytes:
            out = bytearray(ADPCM_BYTES)
            self.encoder.encode(hop, out)
            self.recording += out

    def record(self, whole_bytes):
        self.encoder.reset()
        self.recording, self.whole_bytes = b"", whole_bytes
        self.waiting = list(self.ring)

    def catch_up(self, hops):
        for hop in self.waiting[:hops]:
            self.encode(hop)
        self.waiting = self.waiting[hops:]

    def hear(self, hop):
        """Returns the numbers of the words that begin."""
        self.catch_up(HOPS_AT_ONCE - 1)
        self.ring = self.ring[1:] + [bytes(hop)]
        if len(self.recording) < self.whole_bytes:
            self.waiting.append(bytes(hop))
        self.catch_up(1)
        self.hops += 1
        features = bytearray(2 * micdsp.CHANNELS)
        if not self.frontend.process(hop, features):
            return []
        return [i for i, word in enumerate(self.words) if word.push(self.frontend, features)]


def load(folder, name):
    """Loads a detector, and the part of its manifest that ByHand needs."""
    detector = wake.load(folder, name)
    with open(folder + "/" + name + ".json") as file:
        micro = json.load(file)["micro"]
    output = detector.model.outputs[0]
    detector.window = micro["sliding_window_size"]
    cutoff = micro["probability_cutoff"] * detector.window / output.scale
    detector.cutoff_sum = int(cutoff + 0.001) + output.zero_point * detector.window
    return detector


def listen(detectors, samples, seed):
    """Returns words as [hop, word], recordings as [hop, bytes, CRC-32, ring in hex], the number of
    hops, and the most that was encoded while one was heard."""
    random.seed(seed)
    most = 0
    listener = micdsp.Listener(bytearray(PREROLL_HOPS * HOP_BYTES), lambda: 0)
    listener.listen_for([detector.spotter for detector in detectors])
    words, recordings, start, ring = [], [], 0, None
    while start < len(samples):
        piece = samples[start : start + HOP_BYTES * random.choice((0, 1, 1, 2, 3, 7))]
        start += len(piece)
        had = listener.recorded_bytes
        at = listener.feed(piece, 0, 0)
        if len(piece) == HOP_BYTES:
            most = max(most, (listener.recorded_bytes - had) // ADPCM_BYTES)
        while at is not None:
            words += [[listener.hops, i] for i, d in enumerate(detectors) if d.spotter.began]
            if ring is not None and not listener.recording:
                recordings.append([listener.hops, listener.recorded_bytes, listener.crc])
                recordings[-1].append(binascii.hexlify(ring).decode())
                listener.stop()
                ring = None
            at = listener.feed(piece, at, 0)
        if ring is None and random.randrange(20) == 0:
            hops = random.randrange(PREROLL_HOPS + 1, 160)
            ring = bytearray(ADPCM_BYTES * random.choice((hops, 40)))
            listener.record(ring, hops * ADPCM_BYTES)
            most = max(most, listener.recorded_bytes // ADPCM_BYTES)
            recordings.append([listener.hops, hops])
    return words, recordings, listener.hops, most


def by_hand(detectors, samples, recordings):
    """Returns the same by ByHand, with recordings that begin at the same hops."""
    heard = ByHand(detectors)
    words, made, begins = [], [], [entry for entry in recordings if len(entry) == 2]
    for start in range(0, len(samples), HOP_BYTES):
        words += [[heard.hops, i] for i in heard.hear(samples[start : start + HOP_BYTES])]
        whole = heard.whole_bytes
        if whole and len(heard.recording) == whole:
            made.append([heard.hops, whole, binascii.crc32(heard.recording), heard.recording])
            heard.whole_bytes = 0
        if begins and begins[0][0] == heard.hops:
            heard.record(begins.pop(0)[1] * ADPCM_BYTES)
    return words, made, heard.hops


def as_ring(recording, ring_bytes):
    """Returns the part of a recording that its ring holds in the end."""
    ring = bytearray(ring_bytes)
    for start in range(0, len(recording), ADPCM_BYTES):
        at = start % ring_bytes
        ring[at : at + ADPCM_BYTES] = recording[start : start + ADPCM_BYTES]
    return binascii.hexlify(ring).decode()


def refusals(detector):
    """Returns what each misuse raises, and whether the next call works."""
    ring = bytearray(3 * HOP_BYTES)
    hop = bytes(HOP_BYTES)
    listener = micdsp.Listener(ring, lambda: 0)
    model = detector.model
    right = (model.invoke, model.input(0), model.output(0), 0.1, -128, 5, 1000)
    raising = micdsp.Spotter(None, bytearray(40), bytearray(1), 0.1, 0, 1, 0)
    shrinking = bytearray(160)

    def with_spotter(spotter):
        other = micdsp.Listener(bytearray(3 * HOP_BYTES), lambda: 0)
        other.listen_for((spotter,))
        other.feed(bytes(3 * HOP_BYTES), 0, 0)

    def shrunken():
        listener.record(shrinking, 320)
        shrinking[:] = b""
        listener.feed(hop, 0, 0)

    def spotter(at, value):
        return micdsp.Spotter(*(right[:at] + (value,) + right[at + 1 :]))

    raised = []
    for call in (
        lambda: listener.feed(b"1", 0, 0),
        lambda: listener.feed(hop + b"12", 0, 0),
        lambda: listener.feed(hop, 1, 0),
        lambda: listener.feed(hop, -HOP_BYTES, 0),
        lambda: listener.feed(hop, 2 * HOP_BYTES, 0),
        lambda: listener.feed(None, 0, 0),
        lambda: micdsp.Listener(bytearray(2 * HOP_BYTES), lambda: 0),
        lambda: micdsp.Listener(bytearray(3 * HOP_BYTES + 1), lambda: 0),
        lambda: micdsp.Listener(memoryview(bytearray(4 * HOP_BYTES))[1 : 3 * HOP_BYTES + 1], None),
        lambda: micdsp.Listener(bytes(3 * HOP_BYTES), lambda: 0),
        lambda: listener.listen_for([None]),
        lambda: listener.listen_for(None),
        lambda: listener.record(bytearray(79), 320),
        lambda: listener.record(bytearray(), 320),
        lambda: listener.record(bytearray(80), 240),
        lambda: listener.record(bytearray(80), 321),
        lambda: listener.record(bytearray(80), -320),
        lambda: listener.record(bytes(80), 320),
        shrunken,
        lambda: spotter(1, bytearray(41)),
        lambda: spotter(1, bytearray()),
        lambda: spotter(1, bytes(40)),
        lambda: spotter(2, b""),
        lambda: spotter(3, 0.0),
        lambda: spotter(4, 128),
        lambda: spotter(5, 0),
        lambda: spotter(5, 256),
        lambda: spotter(6, -1),
        lambda: detector.spotter.push(bytes(79)),
        lambda: with_spotter(raising),
        lambda: setattr(listener, "hops", 1),
    ):
        try:
            call()
            raised.append("nothing")
        except Exception as error:
            raised.append(type(error).__name__)
    listener.stop()
    raised.append(listener.feed(hop, 0, 0) is None and not listener.recording)
    model.deinit()
    try:
        with_spotter(detector.spotter)
    except RuntimeError:
        raised.append("RuntimeError")
    return raised


def main(folder, seed, *names):
    samples = sys.stdin.buffer.read()
    samples = memoryview(samples)[: len(samples) // HOP_BYTES * HOP_BYTES]
    words, recordings, hops, most = listen(
        [load(folder, name) for name in names], samples, int(seed)
    )
    expected = by_hand([load(folder, name) for name in names], samples, recordings)
    made = [entry for entry in recordings if len(entry) > 2]
    for entry, (at, nbytes, crc, recording) in zip(made, expected[1]):
        ring = as_ring(recording, len(entry[3]) // 2)
        entry.append([at, nbytes, crc, ring] == entry[:4])
    print(
        json.dumps(
            {
                "words": [words, expected[0]],
                "recordings": [len(made), len(expected[1]), [entry[4] for entry in made]],
                "hops": [hops, expected[2]],
                "at once": [most, HOPS_AT_ONCE],
                "refusals": refusals(load(folder, names[0])),
            }
        )
    )


main(*sys.argv[1:])
