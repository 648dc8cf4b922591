# SPDX-License-Identifier: Apache-2.0
"""Shows how loud it is around the glasses, a line a second.

    python level_meter.py [SECONDS]

The microphone's light is on for as long as this runs: sound leaves the glasses.
"""

import asyncio
import math
import sys
from array import array

import glint

QUIETEST_DB = -90.0


def level_db(pcm: bytes) -> float:
    """Root mean square of int16 samples, in decibels below full scale."""
    samples = array("h", pcm)
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(QUIETEST_DB, 10 * math.log10(power / 32768**2)) if power else QUIETEST_DB


async def main(seconds: float) -> None:
    async with glint.connect() as glasses:
        while seconds > 0:
            seconds -= 1
            audio = await glasses.record(1.0)
            level = level_db(audio.pcm)
            bar = "#" * round((level - QUIETEST_DB) / 2)
            print(f"{level:6.1f} dB {bar}", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else math.inf))
    except KeyboardInterrupt:
        pass
    except glint.GlintError as error:
        sys.exit(str(error))
