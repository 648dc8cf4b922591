# SPDX-License-Identifier: Apache-2.0
# Runs on a board: wake_test.py FOLDER NAME. Standard input holds sounds, each a u32 count of bytes
# and that many of 16 kHz int16 samples; for each, a line of JSON says what the detector made of it.

import json
import struct
import sys

import micdsp
from glasses.perception import wake
from glasses.perception.loop import HOP_BYTES, HOP_MS


def test(detector, read, count):
    frontend = micdsp.Frontend()
    detector.reset()
    features = bytearray(2 * micdsp.CHANNELS)
    highest, detections = 0.0, []
    # Written as it comes: an hour's trace has no room in the memory here.
    write, between = sys.stdout.write, '{"trace": ['
    for hop in range(count // HOP_BYTES):
        if not frontend.process(read(HOP_BYTES), features):
            continue
        if detector.spotter.push(features):
            detections.append((hop + 1) * HOP_MS / 1000)
        if detector.spotter.inferred:
            write(between + json.dumps(detector.probability))
            between = ", "
            highest = max(highest, detector.probability)
    read(count % HOP_BYTES)
    if between != ", ":
        write(between)
    write('], "detections": %s, "max_probability": %s}\n' % (json.dumps(detections), highest))


def main(folder, name):
    detector = wake.load(folder, name)
    read = sys.stdin.buffer.read
    while True:
        head = read(4)
        if not head:
            return
        test(detector, read, struct.unpack("<I", head)[0])


main(*sys.argv[1:])
