# SPDX-License-Identifier: Apache-2.0
# Runs micdsp on a board. Usage: micdsp_check.py HOPS. Standard input holds 16 kHz int16 samples.
# Prints as JSON the results for pieces of uneven size, and the bytes that HOPS hops allocate.

import binascii
import gc
import json
import sys

import micdsp

# Bytes; whole pairs of samples, for the encoder.
CUTS = (4, 316, 320, 960, 0, 16, 2000, 324)
SCALE = 0.10196078568696976
ZERO_POINT = -128


def stream(samples):
    frontend, encoder = micdsp.Frontend(), micdsp.AdpcmEncoder()
    features, frame_bytes = bytearray(20 * 80), 2 * micdsp.CHANNELS
    row, encoded = bytearray(micdsp.CHANNELS), bytearray(1000)
    out = {"features": b"", "quantized": b"", "adpcm": b""}
    view, start, turn = memoryview(samples), 0, 0
    while start < len(samples):
        piece = view[start : start + CUTS[turn % len(CUTS)]]
        start, turn = start + len(piece), turn + 1
        frames = frontend.process(piece, features)
        out["features"] += features[: frames * frame_bytes]
        for i in range(frames):
            frontend.quantize(memoryview(features)[i * frame_bytes :], row, SCALE, ZERO_POINT)
            out["quantized"] += row
        out["adpcm"] += encoded[: encoder.encode(piece, encoded)]
    hexed = {name: binascii.hexlify(data).decode() for name, data in out.items()}
    hexed["state"] = [encoder.predictor, encoder.index]
    return hexed


def hop(frontend, encoder, samples, features, row, encoded, scale):
    frontend.process(samples, features)
    frontend.quantize(features, row, scale, ZERO_POINT)
    encoder.encode(samples, encoded)
    return micdsp.rms(samples) + micdsp.peak(samples) + encoder.predictor + encoder.index


def allocated(samples, hops):
    buffers = (samples[:320], bytearray(80), bytearray(micdsp.CHANNELS), bytearray(80), SCALE)
    arguments = (micdsp.Frontend(), micdsp.AdpcmEncoder()) + buffers
    hop(*arguments)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(hops):
        hop(*arguments)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def refusals(samples):
    """Returns what each misuse raises."""
    frontend, encoder = micdsp.Frontend(), micdsp.AdpcmEncoder()
    hop_samples, row = samples[:320], bytearray(40)
    frontend.process(samples[:640], bytearray())
    raised = []
    for call in (
        lambda: frontend.process(hop_samples, bytearray(79)),
        lambda: frontend.process(b"123", bytearray(80)),
        lambda: frontend.process(hop_samples, bytes(80)),
        lambda: frontend.process(None, bytearray(80)),
        lambda: frontend.quantize(bytes(79), row, SCALE, 0),
        lambda: frontend.quantize(bytes(80), bytearray(39), SCALE, 0),
        lambda: frontend.quantize(bytes(80), row, 0.0, 0),
        lambda: frontend.quantize(bytes(80), row, SCALE, 128),
        lambda: encoder.encode(b"12", row),
        lambda: encoder.encode(hop_samples, bytearray(79)),
        lambda: setattr(encoder, "index", 100),
        lambda: micdsp.rms(b"1"),
        lambda: micdsp.narrow(bytes(6), row, 0),
        lambda: micdsp.narrow(bytes(84), row, 0),
        lambda: micdsp.narrow(bytes(80), row, 16),
        lambda: micdsp.Frontend(1),
    ):
        try:
            call()
            raised.append("nothing")
        except Exception as error:
            raised.append(type(error).__name__)
    raised.append(frontend.process(hop_samples, bytearray(80)))
    return raised


def main(hops):
    samples = sys.stdin.buffer.read()
    result = stream(samples)
    result["allocated_bytes"] = allocated(samples, hops)
    result["refusals"] = refusals(samples)
    result["levels"] = [[micdsp.rms(s), micdsp.peak(s)] for s in (samples, b"")]
    print(json.dumps(result))


main(int(sys.argv[1]))
