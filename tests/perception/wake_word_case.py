# SPDX-License-Identifier: Apache-2.0
"""A test case: the firmware's detector, with a board's native modules, hears a wake word."""

import json

import numpy as np
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model
from workbench.build import zoo
from workbench.emulation import sound
from workbench.paths import FIRMWARE

# In pieces of four hops over the sound; prints at which hops the word began, and the hops' number.
DETECT = """
import json, sys
class glasses:
    models = None
sys.modules["glasses"] = sys.modules["glasses.perception"] = glasses
import micdsp, wake
with open("okay_nabu.json") as file:
    manifest = json.load(file)
with open("okay_nabu.tflite", "rb") as file:
    detector = wake.Detector("okay_nabu", manifest, file.read())
listener = micdsp.Listener(bytearray(100 * micdsp.HOP_SAMPLES), lambda: 0)
listener.listen_for([detector.spotter])
piece, heard = bytearray(8 * micdsp.HOP_SAMPLES), []
with open("sound", "rb") as file:
    while file.readinto(piece) == len(piece):
        at = listener.feed(piece, 0, 0)
        while at is not None:
            heard.append(listener.hops - 1)
            at = listener.feed(piece, at, 0)
print(json.dumps([heard, listener.hops]))
"""


def files():
    """The files that DETECT finds in its folder, besides the modules, and the hop of the answer."""
    said = np.concatenate(
        [sound.silence(0.5), sound.speech("okay nabu", "en-us"), sound.silence(0.5)]
    )
    said = sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 60, 1))
    other = sound.speech("the weather is nice today", "en-us")
    samples = np.concatenate([other, said]).astype("<i2").tobytes()
    given = {
        "okay_nabu.tflite": zoo.find("okay_nabu").read_bytes(),
        "okay_nabu.json": json.dumps(zoo.manifest("okay_nabu")).encode(),
        "wake.py": (FIRMWARE / "glasses" / "perception" / "wake.py").read_bytes(),
        "sound": samples,
    }
    detector, features = MicroWakeWord.from_builtin(Model.OKAY_NABU), MicroWakeWordFeatures()
    oracle = [
        number
        for number, row in enumerate(features.process_streaming(samples))
        if detector.process_streaming(row)
    ]
    assert oracle[0] + 2 > len(other) // 160
    # Its first row ends with the third hop; it says so for as long as the word is above its cutoff.
    return given, oracle[0] + 2


def check(printed, given, hop):
    """Compares what DETECT printed with the answer of `files`."""
    heard, hops = json.loads(printed)
    assert hops == len(given["sound"]) // 1280 * 4
    assert heard == [hop]
