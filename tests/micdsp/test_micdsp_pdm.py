# SPDX-License-Identifier: Apache-2.0
"""Tests the PDM decimator with the bits of a sigma-delta modulator."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest
from workbench.host import hostlib
from workbench.paths import MODULES

CLOCK_HZ = 2048000
RATE_HZ = 16000
SETTLED = 1600  # samples after which filters and offset have settled


def modulate(signal):
    """A second-order sigma-delta modulator, as bits (Candy 1985)."""
    first = second = 0.0
    level = 1.0
    bits = bytearray(len(signal))
    for i, value in enumerate(signal.tolist()):
        first += value - level
        second += first - level
        level = 1.0 if second >= 0 else -1.0
        bits[i] = second >= 0
    return np.frombuffer(bits, np.uint8)


def as_received(bits):
    """Bits as I2S leaves them in memory: 32-bit little-endian words, the first bit the highest."""
    return np.packbits(bits).reshape(-1, 4)[:, ::-1].tobytes()


def decimate(packed, gain_shift=0, pieces=(16,)):
    library = hostlib.load("micdsp")
    state = ctypes.create_string_buffer(2048)
    library.micdsp_pdm_reset(state)
    out, start, turn = b"", 0, 0
    while start < len(packed):
        piece = packed[start : start + 16 * pieces[turn % len(pieces)]]
        samples = ctypes.create_string_buffer(len(piece) // 8)
        library.micdsp_pdm_process(
            state, piece, ctypes.c_size_t(len(piece) // 16), gain_shift, samples
        )
        out += samples.raw
        start, turn = start + len(piece), turn + 1
    return np.frombuffer(out, "<i2").astype(float)


def tone(frequency_hz, amplitude, seconds=0.25, offset=0.02):
    """A tone's samples, and the time of each, in samples."""
    t = np.arange(int(CLOCK_HZ * seconds)) / CLOCK_HZ
    bits = modulate(amplitude * np.sin(2 * np.pi * frequency_hz * t) + offset)
    return decimate(as_received(bits), pieces=(160,))[SETTLED:]


def gain_and_snr_db(samples, frequency_hz, amplitude):
    """Returns the gain of a tone, and how far everything else is below it."""
    n = np.arange(len(samples))
    heard_hz = abs(frequency_hz - RATE_HZ * round(frequency_hz / RATE_HZ))
    angle = 2 * np.pi * heard_hz * n / RATE_HZ
    basis = np.stack([np.sin(angle), np.cos(angle), np.ones(len(n))], 1)
    fit, *_ = np.linalg.lstsq(basis, samples, rcond=None)
    found = np.hypot(fit[0], fit[1])
    rest = samples - basis @ fit
    return (
        20 * np.log10(found / 32768 / amplitude),
        20 * np.log10(found / np.sqrt(2) / rest.std()),
    )


def test_a_tone_comes_through_84_db_above_the_noise():
    samples = tone(1000, 0.5)
    gain_db, snr_db = gain_and_snr_db(samples, 1000, 0.5)
    assert abs(gain_db) < 0.05
    assert snr_db > 84
    assert abs(samples.mean()) < 1  # the microphone's offset has been removed


@pytest.mark.parametrize("frequency_hz", [60, 300, 4000, 6500])
def test_the_passband_is_flat_within_0_3_db(frequency_hz):
    gain_db, _ = gain_and_snr_db(tone(frequency_hz, 0.5), frequency_hz, 0.5)
    assert abs(gain_db) < 0.3


@pytest.mark.parametrize("frequency_hz", [9500, 12000, 20000, 30000])
def test_what_would_alias_is_50_db_down(frequency_hz):
    gain_db, _ = gain_and_snr_db(tone(frequency_hz, 0.5), frequency_hz, 0.5)
    assert gain_db < -50


def test_cuts_do_not_matter_and_gain_doubles():
    t = np.arange(CLOCK_HZ // 16) / CLOCK_HZ
    packed = as_received(modulate(0.05 * np.sin(2 * np.pi * 700 * t)))
    whole = decimate(packed, pieces=(100000,))
    assert (decimate(packed, pieces=(1, 7, 160, 33)) == whole).all()
    louder = decimate(packed, gain_shift=3, pieces=(160,))
    assert np.abs(louder - 8 * whole).max() <= 4.5  # rounded once, after the gain


def test_extremes_saturate():
    for byte, limit in ((b"\xff", 32767), (b"\x00", -32768)):
        samples = decimate(byte * 160, gain_shift=7)
        assert samples[-1] == limit


def test_tables_are_those_of_the_generator(tmp_path):
    written = tmp_path / "pdm_tables.c"
    generator = MODULES / "micdsp" / "make_pdm_tables.py"
    subprocess.run([sys.executable, generator, written], check=True)
    assert written.read_text() == (MODULES / "micdsp/core/pdm_tables.c").read_text()
